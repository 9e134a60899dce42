package simulate

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
)

// completionsAPI is OpenAI's legacy completions.
var completionsAPI = api{
	read: readCompletions, whole: wholeCompletions, events: completionsEvents, stream: "text/event-stream",
	fail:   openAIError,
	broken: chatAPI.broken,
}

func readCompletions(in *incoming) (*ask, error) {
	var r struct {
		Model         string          `json:"model"`
		Prompt        json.RawMessage `json:"prompt"`
		Stream        bool            `json:"stream"`
		N             int             `json:"n"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(in.body, &r); err != nil {
		return nil, fmt.Errorf("the body is not a completions request: %w", err)
	}
	if r.Model == "" {
		r.Model = in.PathValue("deployment")
	}
	a := &ask{model: r.Model, stream: r.Stream, usage: r.StreamOptions.IncludeUsage, n: min(max(r.N, 1), 16)}
	a.hear("user", strings.Join(textsOf(r.Prompt), "\n"))
	return a, nil
}

// textsOf are a text or a list of them; token numbers have none.
func textsOf(v json.RawMessage) []string {
	var one string
	if json.Unmarshal(v, &one) == nil {
		return []string{one}
	}
	var list []string
	_ = json.Unmarshal(v, &list) // anything else holds no text
	return list
}

func completionsHead(a *ask, r *answer) object {
	return object{"id": "cmpl-" + r.id, "object": "text_completion", "created": created, "model": a.model}
}

func completionsChoices(a *ask, text string, finish any) []any {
	var out []any
	for i := range a.n {
		out = append(out, object{"index": i, "text": text, "logprobs": nil, "finish_reason": finish})
	}
	return out
}

func wholeCompletions(a *ask, r *answer) any {
	out := completionsHead(a, r)
	out["choices"] = completionsChoices(a, r.text, "stop")
	if r.usage {
		out["usage"] = chatUsage(r)
	}
	return out
}

func completionsEvents(a *ask, r *answer) [][]byte {
	var out [][]byte
	one := func(choices []any) {
		e := completionsHead(a, r)
		e["choices"] = choices
		out = append(out, sse("", e))
	}
	for _, piece := range split(r.text, r.pieces) {
		one(completionsChoices(a, piece, nil))
	}
	one(completionsChoices(a, "", "stop"))
	if r.usage {
		e := completionsHead(a, r)
		e["choices"], e["usage"] = []any{}, chatUsage(r)
		out = append(out, sse("", e))
	}
	return append(out, []byte("data: [DONE]\n\n"))
}

// embeddingsAPI is OpenAI's embeddings: eight numbers a text, by its letters.
var embeddingsAPI = api{
	read: func(in *incoming) (*ask, error) {
		var r struct {
			Model    string          `json:"model"`
			Input    json.RawMessage `json:"input"`
			Encoding string          `json:"encoding_format"`
		}
		if err := json.Unmarshal(in.body, &r); err != nil {
			return nil, fmt.Errorf("the body is not an embeddings request: %w", err)
		}
		a := &ask{model: r.Model, n: 1, texts: textsOf(r.Input), packed: r.Encoding == "base64"}
		for _, text := range a.texts {
			a.hear("user", text)
		}
		return a, nil
	},
	whole: func(a *ask, r *answer) any {
		data := []any{}
		for i, text := range a.texts {
			var v any = vector(text)
			if a.packed {
				v = pack(vector(text))
			}
			data = append(data, object{"object": "embedding", "index": i, "embedding": v})
		}
		return object{"object": "list", "model": a.model, "data": data, "usage": object{"prompt_tokens": r.input, "total_tokens": r.input}}
	},
	fail: openAIError,
}

// moderationsAPI is OpenAI's moderations: nothing is ever flagged.
var moderationsAPI = api{
	read: embeddingsAPI.read,
	whole: func(a *ask, r *answer) any {
		results := []any{}
		for range a.texts {
			results = append(results, object{"flagged": false, "categories": object{"violence": false}, "category_scores": object{"violence": 0.01}, "category_applied_input_types": object{"violence": []string{"text"}}})
		}
		return object{"id": "modr-" + r.id, "model": a.model, "results": results}
	},
	fail: openAIError,
}

// vector is a text's embedding, of length 1.
func vector(text string) []float64 {
	v, sum := make([]float64, 8), 0.0
	for i := range v {
		h := fnv.New32a()
		fmt.Fprint(h, i, text)
		v[i] = float64(h.Sum32()%1000) / 1000
		sum += v[i] * v[i]
	}
	for i := range v {
		v[i] /= math.Sqrt(sum)
	}
	return v
}

// pack is a vector as little-endian 32-bit floats (base64 in JSON).
func pack(v []float64) []byte {
	var out []byte
	for _, x := range v {
		b := math.Float32bits(float32(x))
		out = append(out, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
	}
	return out
}
