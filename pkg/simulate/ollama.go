package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Ollama's own API (https://github.com/ollama/ollama/blob/main/docs/api.md):
// it streams unless told not to, a JSON line a piece.
var (
	ollamaChatAPI = api{
		read: readOllama, whole: func(a *ask, r *answer) any { return ollamaLast(a, r, ollamaMessage(r, r.text)) },
		events: func(a *ask, r *answer) [][]byte { return ollamaEvents(a, r, ollamaMessage) }, stream: "application/x-ndjson",
		fail: ollamaError, broken: func(message string) []byte { return append(encode(ollamaError(500, message)), '\n') },
	}
	ollamaGenerateAPI = api{
		read: readOllama, whole: func(a *ask, r *answer) any { return ollamaLast(a, r, ollamaResponse(r, r.text)) },
		events: func(a *ask, r *answer) [][]byte { return ollamaEvents(a, r, ollamaResponse) }, stream: "application/x-ndjson",
		fail: ollamaError, broken: ollamaChatAPI.broken,
	}
	ollamaEmbedAPI = api{
		read: embeddingsAPI.read,
		whole: func(a *ask, r *answer) any {
			list := []any{}
			for _, text := range a.texts {
				list = append(list, vector(text))
			}
			return object{"model": a.model, "embeddings": list, "total_duration": 1000, "load_duration": 0, "prompt_eval_count": r.input}
		},
		fail: ollamaError,
	}
)

func ollamaError(_ int, message string) any { return object{"error": message} }

func readOllama(in *incoming) (*ask, error) {
	var r struct {
		chatRequest
		Prompt string `json:"prompt"`
		System string `json:"system"`
		Stream *bool  `json:"stream"`
	}
	if err := json.Unmarshal(in.body, &r); err != nil {
		return nil, fmt.Errorf("the body is not a request: %w", err)
	}
	if r.Prompt == "" && len(r.Messages) == 0 {
		return nil, errors.New("a prompt or messages are needed")
	}
	a := &ask{model: r.Model, stream: r.Stream == nil || *r.Stream, usage: true, n: 1}
	a.hear("system", r.System)
	a.hear("user", r.Prompt)
	for _, m := range r.Messages {
		a.hear(m.Role, textOf(m.Content))
	}
	for _, t := range r.Tools {
		a.tools = append(a.tools, tool{t.Function.Name, t.Function.Parameters})
	}
	return a, nil
}

const createdAt = "2025-10-09T08:53:20Z"

func ollamaMessage(r *answer, text string) object {
	m := object{"role": "assistant", "content": text}
	if r.tool != "" {
		m["tool_calls"] = []any{object{"function": object{"name": r.tool, "arguments": json.RawMessage(orEmpty(r.args))}}}
	}
	return object{"message": m}
}

func ollamaResponse(_ *answer, text string) object { return object{"response": text} }

func ollamaLast(a *ask, r *answer, said object) object {
	last := object{"model": a.model, "created_at": createdAt, "done": true, "done_reason": "stop", "total_duration": 1000, "load_duration": 0, "prompt_eval_duration": 400, "eval_duration": 600}
	if r.usage {
		last["prompt_eval_count"], last["eval_count"] = r.input, r.output
	}
	return merged(said, last)
}

func ollamaEvents(a *ask, r *answer, say func(*answer, string) object) [][]byte {
	var out [][]byte
	add := func(e object) { out = append(out, append(encode(e), '\n')) }
	pieces := split(r.text, r.pieces)
	if r.tool != "" {
		pieces = []string{""}
	}
	for _, piece := range pieces {
		add(merged(say(r, piece), object{"model": a.model, "created_at": createdAt, "done": false}))
	}
	silent := *r
	silent.tool = ""
	add(ollamaLast(a, r, say(&silent, "")))
	return out
}
