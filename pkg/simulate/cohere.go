package simulate

import "encoding/json"

// cohereAPI is Cohere's chat, version 2 (https://docs.cohere.com/reference/chat).
var cohereAPI = api{
	read: func(in *incoming) (*ask, error) {
		a, err := readChat(in)
		if err == nil {
			a.usage = true
		}
		return a, err
	},
	whole: wholeCohere, events: cohereEvents, stream: "text/event-stream",
	fail: cohereError,
}

func cohereError(_ int, message string) any { return object{"message": message} }

func cohereUsage(r *answer) object {
	return object{
		"billed_units": object{"input_tokens": r.input, "output_tokens": r.output},
		"tokens":       object{"input_tokens": r.input, "output_tokens": r.output},
	}
}

func cohereFinish(r *answer) string {
	if r.tool != "" {
		return "TOOL_CALL"
	}
	return "COMPLETE"
}

func wholeCohere(a *ask, r *answer) any {
	m := object{"role": "assistant"}
	if r.tool != "" {
		m["tool_plan"] = "I will use " + r.tool + "."
		m["tool_calls"] = []any{object{"id": callID(r), "type": "function", "function": object{"name": r.tool, "arguments": r.args}}}
	} else {
		m["content"] = []any{object{"type": "text", "text": r.text}}
	}
	out := object{"id": r.id, "finish_reason": cohereFinish(r), "message": m}
	if r.usage {
		out["usage"] = cohereUsage(r)
	}
	return out
}

func cohereEvents(a *ask, r *answer) [][]byte {
	var out [][]byte
	add := func(kind string, fields object) {
		fields["type"] = kind
		out = append(out, sse(kind, fields))
	}
	message := func(fields object) object { return object{"message": fields} }
	add("message-start", object{"id": r.id, "delta": message(object{"role": "assistant", "content": []any{}, "tool_plan": "", "tool_calls": []any{}, "citations": []any{}})})
	if r.tool != "" {
		add("tool-plan-delta", object{"delta": message(object{"tool_plan": "I will use " + r.tool + "."})})
		add("tool-call-start", object{"index": 0, "delta": message(object{"tool_calls": object{"id": callID(r), "type": "function", "function": object{"name": r.tool, "arguments": ""}}})})
		for _, piece := range split(r.args, r.pieces) {
			add("tool-call-delta", object{"index": 0, "delta": message(object{"tool_calls": object{"function": object{"arguments": piece}}})})
		}
		add("tool-call-end", object{"index": 0})
	} else {
		add("content-start", object{"index": 0, "delta": message(object{"content": object{"type": "text", "text": ""}})})
		for _, piece := range split(r.text, r.pieces) {
			add("content-delta", object{"index": 0, "delta": message(object{"content": object{"text": piece}})})
		}
		add("content-end", object{"index": 0})
	}
	end := object{"finish_reason": cohereFinish(r)}
	if r.usage {
		end["usage"] = cohereUsage(r)
	}
	add("message-end", object{"id": r.id, "delta": end})
	return append(out, []byte("data: [DONE]\n\n"))
}

// cohereEmbedAPI is Cohere's embed, version 2.
var cohereEmbedAPI = api{
	read: func(in *incoming) (*ask, error) {
		var r struct {
			Model string   `json:"model"`
			Texts []string `json:"texts"`
		}
		if err := json.Unmarshal(in.body, &r); err != nil {
			return nil, err
		}
		a := &ask{model: r.Model, n: 1, texts: r.Texts}
		for _, text := range r.Texts {
			a.hear("user", text)
		}
		return a, nil
	},
	whole: func(a *ask, r *answer) any {
		list := []any{}
		for _, text := range a.texts {
			list = append(list, vector(text))
		}
		return object{
			"id": r.id, "embeddings": object{"float": list}, "texts": a.texts, "response_type": "embeddings_by_type",
			"meta": object{"api_version": object{"version": "2"}, "billed_units": object{"input_tokens": r.input}},
		}
	},
	fail: cohereError,
}
