package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// created is the time of all that is simulated, seconds since 1970.
const created = 1760000000

// chatAPI is OpenAI's chat completions
// (https://platform.openai.com/docs/api-reference/chat).
var chatAPI = api{
	read: readChat, whole: wholeChat, events: chatEvents, stream: "text/event-stream",
	fail:   openAIError,
	broken: func(message string) []byte { return sse("", openAIError(500, message)) },
}

type chatRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Tools []struct {
		Function struct {
			Name       string          `json:"name"`
			Parameters json.RawMessage `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
	ToolChoice    any  `json:"tool_choice"`
	Stream        bool `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	N int `json:"n"`
}

func readChat(in *incoming) (*ask, error) {
	var r chatRequest
	if err := json.Unmarshal(in.body, &r); err != nil {
		return nil, fmt.Errorf("the body is not a chat request: %w", err)
	}
	if len(r.Messages) == 0 {
		return nil, errors.New("messages must not be empty")
	}
	if r.Model == "" {
		r.Model = in.PathValue("deployment")
	}
	a := &ask{model: r.Model, stream: r.Stream, usage: r.StreamOptions.IncludeUsage, n: min(max(r.N, 1), 16), noTool: r.ToolChoice == "none"}
	for _, m := range r.Messages {
		a.hear(m.Role, textOf(m.Content))
	}
	for _, t := range r.Tools {
		a.tools = append(a.tools, tool{t.Function.Name, t.Function.Parameters})
	}
	return a, nil
}

// hear takes the next message in; instructions are not answered.
func (a *ask) hear(role, text string) {
	a.size += len(text)
	if role != "system" && role != "developer" {
		a.last, a.fromTool = text, role == "tool"
	}
}

type object = map[string]any

func wholeChat(a *ask, r *answer) any {
	var choices []any
	for i := range a.n {
		choices = append(choices, object{"index": i, "message": chatMessage(r), "logprobs": nil, "finish_reason": chatFinish(r)})
	}
	out := chatHead(a, r, "chat.completion")
	out["choices"] = choices
	if r.usage {
		out["usage"] = chatUsage(r)
	}
	return out
}

func chatHead(a *ask, r *answer, kind string) object {
	return object{"id": "chatcmpl-" + r.id, "object": kind, "created": created, "model": a.model, "system_fingerprint": "fp_simulated"}
}

func chatMessage(r *answer) object {
	m := object{"role": "assistant", "content": r.text, "refusal": nil, "annotations": []any{}}
	if r.reasoning != "" {
		m["reasoning_content"] = r.reasoning
	}
	if r.tool != "" {
		m["content"] = nil
		m["tool_calls"] = []any{object{"id": callID(r), "type": "function", "function": object{"name": r.tool, "arguments": r.args}}}
	}
	return m
}

func callID(r *answer) string { return "call_" + r.id }

func chatFinish(r *answer) string {
	if r.tool != "" {
		return "tool_calls"
	}
	return "stop"
}

func chatUsage(r *answer) object {
	return object{
		"prompt_tokens": r.input, "completion_tokens": r.output, "total_tokens": r.input + r.output,
		"prompt_tokens_details":     object{"cached_tokens": 0, "audio_tokens": 0},
		"completion_tokens_details": object{"reasoning_tokens": r.thought, "audio_tokens": 0},
	}
}

func chatEvents(a *ask, r *answer) [][]byte {
	var out [][]byte
	one := func(choices []any, usage any) {
		e := chatHead(a, r, "chat.completion.chunk")
		e["choices"] = choices
		if a.usage {
			e["usage"] = usage
		}
		out = append(out, sse("", e))
	}
	delta := func(d object, finish any) {
		var choices []any
		for i := range a.n {
			choices = append(choices, object{"index": i, "delta": d, "logprobs": nil, "finish_reason": finish})
		}
		one(choices, nil)
	}
	delta(object{"role": "assistant", "content": "", "refusal": nil}, nil)
	for _, d := range chatDeltas(r) {
		delta(d, nil)
	}
	delta(object{}, chatFinish(r))
	if r.usage {
		a.usage = true
		one([]any{}, chatUsage(r))
	}
	return append(out, []byte("data: [DONE]\n\n"))
}

// chatDeltas are the pieces of what is thought, said and called.
func chatDeltas(r *answer) []object {
	var out []object
	for _, piece := range split(r.reasoning, r.pieces) {
		out = append(out, object{"reasoning_content": piece})
	}
	for _, piece := range split(r.text, r.pieces) {
		out = append(out, object{"content": piece})
	}
	if r.tool == "" {
		return out
	}
	out = append(out, object{"tool_calls": []any{object{"index": 0, "id": callID(r), "type": "function", "function": object{"name": r.tool, "arguments": ""}}}})
	for _, piece := range split(r.args, r.pieces) {
		out = append(out, object{"tool_calls": []any{object{"index": 0, "function": object{"arguments": piece}}}})
	}
	return out
}

func openAIError(status int, message string) any {
	kind := "invalid_request_error"
	code := any(nil)
	switch {
	case status == http.StatusTooManyRequests:
		kind, code = "requests", "rate_limit_exceeded"
	case status >= 500:
		kind = "server_error"
	}
	return object{"error": object{"message": message, "type": kind, "param": nil, "code": code}}
}

func (s *Server) listModels(w http.ResponseWriter, r *http.Request) {
	if _, err := s.receive(r); err != nil {
		return
	}
	var list []any
	for _, name := range s.opts.Models {
		list = append(list, object{"id": name, "object": "model", "created": created, "owned_by": s.opts.Name})
	}
	sendJSON(w, http.StatusOK, object{"object": "list", "data": list})
}
