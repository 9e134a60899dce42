package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// anthropicAPI is Anthropic's messages (https://docs.anthropic.com/en/api/messages).
var anthropicAPI = api{
	read: readAnthropic, whole: wholeAnthropic, events: anthropicEvents, stream: "text/event-stream",
	fail: anthropicError,
	broken: func(message string) []byte {
		return sse("error", object{"type": "error", "error": object{"type": "overloaded_error", "message": message}})
	},
}

// anthropicCountAPI counts tokens and answers nothing.
var anthropicCountAPI = api{
	read:  readAnthropic,
	whole: func(a *ask, r *answer) any { return object{"input_tokens": r.input} },
	fail:  anthropicError,
}

type anthropicRequest struct {
	Model    string          `json:"model"`
	System   json.RawMessage `json:"system"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Tools []struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"input_schema"`
	} `json:"tools"`
	ToolChoice struct {
		Type string `json:"type"`
	} `json:"tool_choice"`
	Stream bool `json:"stream"`
}

func readAnthropic(in *incoming) (*ask, error) {
	var r anthropicRequest
	if err := json.Unmarshal(in.body, &r); err != nil {
		return nil, fmt.Errorf("the body is not a messages request: %w", err)
	}
	if len(r.Messages) == 0 {
		return nil, errors.New("messages: at least one message is required")
	}
	if id := in.PathValue("id"); id != "" {
		r.Model = id
	}
	a := &ask{model: r.Model, stream: r.Stream, usage: true, n: 1, noTool: r.ToolChoice.Type == "none"}
	a.hear("system", textOf(r.System))
	for _, m := range r.Messages {
		a.hear(roleOf(m.Role, m.Content))
	}
	for _, t := range r.Tools {
		a.tools = append(a.tools, tool{t.Name, t.Schema})
	}
	return a, nil
}

// roleOf is who speaks in blocks, and what: results of tools are a tool's.
func roleOf(role string, content json.RawMessage) (string, string) {
	var blocks []struct {
		Type    string
		Content json.RawMessage
	}
	if json.Unmarshal(content, &blocks) == nil {
		for _, b := range blocks {
			if b.Type == "tool_result" {
				return "tool", textOf(b.Content)
			}
		}
	}
	return role, textOf(content)
}

func anthropicHead(a *ask, r *answer) object {
	return object{"id": "msg_" + r.id, "type": "message", "role": "assistant", "model": a.model, "content": []any{}, "stop_reason": nil, "stop_sequence": nil}
}

func anthropicUsage(r *answer, output int) object {
	return object{"input_tokens": r.input, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": output, "service_tier": "standard"}
}

func anthropicStop(r *answer) string {
	if r.tool != "" {
		return "tool_use"
	}
	return "end_turn"
}

func wholeAnthropic(a *ask, r *answer) any {
	content := []any{}
	if r.reasoning != "" {
		content = append(content, object{"type": "thinking", "thinking": r.reasoning, "signature": "simulated"})
	}
	if r.tool != "" {
		content = append(content, object{"type": "tool_use", "id": "toolu_" + r.id, "name": r.tool, "input": json.RawMessage(orEmpty(r.args))})
	} else {
		content = append(content, object{"type": "text", "text": r.text})
	}
	out := anthropicHead(a, r)
	out["content"], out["stop_reason"], out["usage"] = content, anthropicStop(r), anthropicUsage(r, r.output)
	return out
}

// orEmpty is JSON arguments, {} where there are none.
func orEmpty(args string) string {
	if args == "" {
		return "{}"
	}
	return args
}

func anthropicEvents(a *ask, r *answer) [][]byte {
	var out [][]byte
	for _, e := range anthropicObjects(a, r) {
		out = append(out, sse(e["type"].(string), e))
	}
	return out
}

// anthropicObjects are the stream's events before they are framed.
func anthropicObjects(a *ask, r *answer) []object {
	head := anthropicHead(a, r)
	head["usage"] = anthropicUsage(r, 1)
	out := []object{{"type": "message_start", "message": head}}
	index := 0
	block := func(begin object, kind, field, text string, last ...object) {
		out = append(out, object{"type": "content_block_start", "index": index, "content_block": begin})
		if index == 0 {
			out = append(out, object{"type": "ping"})
		}
		for _, piece := range split(text, r.pieces) {
			out = append(out, object{"type": "content_block_delta", "index": index, "delta": object{"type": kind, field: piece}})
		}
		for _, delta := range last {
			out = append(out, object{"type": "content_block_delta", "index": index, "delta": delta})
		}
		out = append(out, object{"type": "content_block_stop", "index": index})
		index++
	}
	if r.reasoning != "" {
		block(object{"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking", r.reasoning, object{"type": "signature_delta", "signature": "simulated"})
	}
	if r.tool != "" {
		block(object{"type": "tool_use", "id": "toolu_" + r.id, "name": r.tool, "input": object{}}, "input_json_delta", "partial_json", orEmpty(r.args))
	} else {
		block(object{"type": "text", "text": ""}, "text_delta", "text", r.text)
	}
	return append(out,
		object{"type": "message_delta", "delta": object{"stop_reason": anthropicStop(r), "stop_sequence": nil}, "usage": object{"output_tokens": r.output}},
		object{"type": "message_stop"})
}

func anthropicError(status int, message string) any {
	kind := map[int]string{
		http.StatusUnauthorized: "authentication_error", http.StatusForbidden: "permission_error", http.StatusNotFound: "not_found_error",
		http.StatusRequestEntityTooLarge: "request_too_large", http.StatusTooManyRequests: "rate_limit_error", 529: "overloaded_error",
	}[status]
	switch {
	case kind != "":
	case status >= 500:
		kind = "api_error"
	default:
		kind = "invalid_request_error"
	}
	return object{"type": "error", "error": object{"type": kind, "message": message}, "request_id": "req_" + strings.ReplaceAll(kind, "_", "")}
}
