package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
)

// responsesAPI is OpenAI's Responses
// (https://platform.openai.com/docs/api-reference/responses).
var responsesAPI = api{
	read: readResponses, whole: wholeResponses, events: responsesEvents, stream: "text/event-stream",
	fail: openAIError,
	broken: func(message string) []byte {
		return sse("error", object{"type": "error", "sequence_number": 0, "code": "server_error", "message": message, "param": nil})
	},
}

func readResponses(in *incoming) (*ask, error) {
	var r struct {
		Model        string          `json:"model"`
		Input        json.RawMessage `json:"input"`
		Instructions string          `json:"instructions"`
		Stream       bool            `json:"stream"`
		Tools        []struct {
			Type       string          `json:"type"`
			Name       string          `json:"name"`
			Parameters json.RawMessage `json:"parameters"`
		} `json:"tools"`
		ToolChoice any `json:"tool_choice"`
	}
	if err := json.Unmarshal(in.body, &r); err != nil {
		return nil, fmt.Errorf("the body is not a responses request: %w", err)
	}
	a := &ask{model: r.Model, stream: r.Stream, usage: true, n: 1, noTool: r.ToolChoice == "none", size: len(r.Instructions)}
	if err := a.hearItems(r.Input); err != nil {
		return nil, err
	}
	for _, t := range r.Tools {
		if t.Type == "function" {
			a.tools = append(a.tools, tool{t.Name, t.Parameters})
		}
	}
	return a, nil
}

// hearItems takes the input in: a text, or messages and outputs of tools.
func (a *ask) hearItems(input json.RawMessage) error {
	var items []struct {
		Type, Role string
		Content    json.RawMessage
		Output     json.RawMessage
	}
	if text := textOf(input); text != "" && json.Unmarshal(input, &items) != nil {
		a.hear("user", text)
		return nil
	}
	if json.Unmarshal(input, &items) != nil || len(items) == 0 {
		return errors.New("input must be a text or a list of items")
	}
	for _, item := range items {
		switch item.Type {
		case "function_call_output":
			a.hear("tool", textOf(item.Output))
		case "", "message":
			a.hear(item.Role, textOf(item.Content))
		}
	}
	return nil
}

func wholeResponses(a *ask, r *answer) any { return responsesObject(a, r, "completed") }

func responsesObject(a *ask, r *answer, status string) object {
	out := object{
		"id": "resp_" + r.id, "object": "response", "created_at": created, "status": status, "model": a.model, "output": []any{},
		"error": nil, "incomplete_details": nil, "instructions": nil, "metadata": object{}, "parallel_tool_calls": true,
		"temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": []any{}, "usage": nil,
	}
	if status != "completed" {
		return out
	}
	out["output"] = responsesItems(r)
	if r.usage {
		out["usage"] = object{
			"input_tokens": r.input, "input_tokens_details": object{"cached_tokens": 0, "cache_write_tokens": 0},
			"output_tokens": r.output, "output_tokens_details": object{"reasoning_tokens": r.thought}, "total_tokens": r.input + r.output,
		}
	}
	return out
}

func responsesItems(r *answer) []any {
	var out []any
	if r.reasoning != "" {
		out = append(out, object{"type": "reasoning", "id": "rs_" + r.id, "summary": []any{object{"type": "summary_text", "text": r.reasoning}}})
	}
	if r.tool != "" {
		return append(out, responsesCall(r, r.args, "completed"))
	}
	return append(out, responsesMessage(r, []any{outputText(r.text)}, "completed"))
}

func responsesCall(r *answer, args, status string) object {
	return object{"type": "function_call", "id": "fc_" + r.id, "call_id": callID(r), "name": r.tool, "arguments": args, "status": status}
}

func responsesMessage(r *answer, content []any, status string) object {
	return object{"type": "message", "id": "msg_" + r.id, "role": "assistant", "content": content, "status": status}
}

func outputText(text string) object {
	return object{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}
}

func responsesEvents(a *ask, r *answer) [][]byte {
	e := &responsesStream{index: -1}
	e.add("response.created", object{"response": responsesObject(a, r, "in_progress")})
	e.add("response.in_progress", object{"response": responsesObject(a, r, "in_progress")})
	if r.reasoning != "" {
		e.reasoning(r)
	}
	if r.tool != "" {
		e.call(r)
	} else {
		e.message(r)
	}
	e.add("response.completed", object{"response": responsesObject(a, r, "completed")})
	return e.out
}

// responsesStream numbers events and output items.
type responsesStream struct {
	out   [][]byte
	index int
}

func (e *responsesStream) add(kind string, fields object) {
	fields["type"], fields["sequence_number"] = kind, len(e.out)
	e.out = append(e.out, sse(kind, fields))
}

// item brackets an output item's events.
func (e *responsesStream) item(begun, done object, between func(id object)) {
	e.index++
	e.add("response.output_item.added", object{"output_index": e.index, "item": begun})
	between(object{"item_id": done["id"], "output_index": e.index})
	e.add("response.output_item.done", object{"output_index": e.index, "item": done})
}

func merged(a, b object) object {
	out := object{}
	for _, m := range []object{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func (e *responsesStream) reasoning(r *answer) {
	done := object{"type": "reasoning", "id": "rs_" + r.id, "summary": []any{object{"type": "summary_text", "text": r.reasoning}}}
	e.item(merged(done, object{"summary": []any{}}), done, func(id object) {
		id["summary_index"] = 0
		e.add("response.reasoning_summary_part.added", merged(id, object{"part": object{"type": "summary_text", "text": ""}}))
		for _, piece := range split(r.reasoning, r.pieces) {
			e.add("response.reasoning_summary_text.delta", merged(id, object{"delta": piece}))
		}
		e.add("response.reasoning_summary_text.done", merged(id, object{"text": r.reasoning}))
		e.add("response.reasoning_summary_part.done", merged(id, object{"part": object{"type": "summary_text", "text": r.reasoning}}))
	})
}

func (e *responsesStream) message(r *answer) {
	e.item(responsesMessage(r, []any{}, "in_progress"), responsesMessage(r, []any{outputText(r.text)}, "completed"), func(id object) {
		id["content_index"] = 0
		e.add("response.content_part.added", merged(id, object{"part": outputText("")}))
		for _, piece := range split(r.text, r.pieces) {
			e.add("response.output_text.delta", merged(id, object{"delta": piece, "logprobs": []any{}}))
		}
		e.add("response.output_text.done", merged(id, object{"text": r.text, "logprobs": []any{}}))
		e.add("response.content_part.done", merged(id, object{"part": outputText(r.text)}))
	})
}

func (e *responsesStream) call(r *answer) {
	e.item(responsesCall(r, "", "in_progress"), responsesCall(r, r.args, "completed"), func(id object) {
		for _, piece := range split(r.args, r.pieces) {
			e.add("response.function_call_arguments.delta", merged(id, object{"delta": piece}))
		}
		e.add("response.function_call_arguments.done", merged(id, object{"name": r.tool, "arguments": r.args}))
	})
}
