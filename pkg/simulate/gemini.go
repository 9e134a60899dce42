package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// gemini serves Google's generateContent family, whose verb stands behind a
// colon in the path (https://ai.google.dev/api/generate-content).
func (s *Server) gemini(w http.ResponseWriter, r *http.Request) {
	at := r.PathValue("model")
	i := strings.LastIndex(at, ":")
	p, known := geminiAPIs[at[i+1:]]
	if i < 0 || !known {
		s.unknown(w, r)
		return
	}
	if at[i+1:] == "streamGenerateContent" && r.URL.Query().Get("alt") == "sse" {
		p.stream = "text/event-stream"
		p.events = geminiSSE
	}
	r.SetPathValue("model", at[:i])
	s.serve(w, r, p)
}

var geminiAPIs = map[string]api{
	"generateContent":       {read: readGemini(false), whole: wholeGemini, fail: geminiError},
	"streamGenerateContent": {read: readGemini(true), whole: wholeGemini, events: geminiArray, stream: "application/json; charset=UTF-8", fail: geminiError},
	"countTokens":           {read: readGemini(false), whole: func(a *ask, r *answer) any { return object{"totalTokens": r.input} }, fail: geminiError},
	"embedContent": {read: readGemini(false), whole: func(a *ask, r *answer) any {
		return object{"embedding": object{"values": vector(a.last)}, "usageMetadata": object{"promptTokenCount": r.input}}
	}, fail: geminiError},
	"batchEmbedContents": {read: readGemini(false), whole: func(a *ask, r *answer) any {
		list := []any{}
		for _, text := range a.texts {
			list = append(list, object{"values": vector(text)})
		}
		return object{"embeddings": list, "usageMetadata": object{"promptTokenCount": r.input}}
	}, fail: geminiError},
}

type geminiContent struct {
	Role  string
	Parts []struct {
		Text             string
		FunctionResponse *struct{ Response json.RawMessage }
	}
}

// text is a content's text, and whether it is a tool's.
func (c *geminiContent) text() (text string, fromTool bool) {
	var texts []string
	for _, p := range c.Parts {
		if p.FunctionResponse != nil {
			return string(p.FunctionResponse.Response), true
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, "\n"), false
}

type geminiRequest struct {
	Contents          []geminiContent
	Content           *geminiContent
	Requests          []struct{ Content geminiContent }
	SystemInstruction geminiContent
	Tools             []struct {
		FunctionDeclarations []struct {
			Name                 string
			Parameters           json.RawMessage
			ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema"`
			ParametersSnake      json.RawMessage `json:"parameters_json_schema"`
		}
	}
}

func readGemini(stream bool) func(in *incoming) (*ask, error) {
	return func(in *incoming) (*ask, error) {
		var r geminiRequest
		if err := json.Unmarshal(in.body, &r); err != nil {
			return nil, fmt.Errorf("the body is not a content request: %w", err)
		}
		a := &ask{model: in.PathValue("model"), stream: stream, usage: true, n: 1}
		if r.Content != nil {
			r.Contents = append(r.Contents, *r.Content)
		}
		for _, each := range r.Requests {
			r.Contents = append(r.Contents, each.Content)
		}
		if len(r.Contents) == 0 {
			return nil, errors.New("contents must not be empty")
		}
		system, _ := r.SystemInstruction.text()
		a.hear("system", system)
		a.hearGemini(&r)
		return a, nil
	}
}

func (a *ask) hearGemini(r *geminiRequest) {
	for i := range r.Contents {
		text, fromTool := r.Contents[i].text()
		a.texts = append(a.texts, text)
		role := "user"
		if fromTool {
			role = "tool"
		}
		a.hear(role, text)
	}
	for _, t := range r.Tools {
		for _, f := range t.FunctionDeclarations {
			a.tools = append(a.tools, tool{f.Name, firstOf(f.Parameters, f.ParametersJSONSchema, f.ParametersSnake)})
		}
	}
}

func firstOf(list ...json.RawMessage) json.RawMessage {
	for _, each := range list {
		if each != nil {
			return each
		}
	}
	return nil
}

func wholeGemini(a *ask, r *answer) any {
	var parts []any
	if r.reasoning != "" {
		parts = append(parts, object{"text": r.reasoning, "thought": true})
	}
	if r.tool != "" {
		parts = append(parts, object{"functionCall": object{"name": r.tool, "args": json.RawMessage(orEmpty(r.args))}})
	} else {
		parts = append(parts, object{"text": r.text})
	}
	return geminiReply(a, r, parts, "STOP", r.output)
}

// geminiReply is a document, or an element of a stream; output is the count of
// tokens so far.
func geminiReply(a *ask, r *answer, parts []any, finish string, output int) object {
	candidate := object{"index": 0, "content": object{"role": "model", "parts": parts}}
	if finish != "" {
		candidate["finishReason"] = finish
	}
	out := object{"candidates": []any{candidate}, "modelVersion": a.model, "responseId": r.id}
	if r.usage {
		usage := object{"promptTokenCount": r.input, "candidatesTokenCount": output - r.thought, "totalTokenCount": r.input + output}
		if r.thought > 0 {
			usage["thoughtsTokenCount"] = r.thought
		}
		out["usageMetadata"] = usage
	}
	return out
}

func geminiElements(a *ask, r *answer) []object {
	var parts []any
	for _, piece := range split(r.reasoning, r.pieces) {
		parts = append(parts, object{"text": piece, "thought": true})
	}
	for _, piece := range split(r.text, r.pieces) {
		parts = append(parts, object{"text": piece})
	}
	if r.tool != "" {
		parts = append(parts, object{"functionCall": object{"name": r.tool, "args": json.RawMessage(orEmpty(r.args))}})
	}
	if len(parts) == 0 {
		parts = []any{object{"text": ""}}
	}
	var out []object
	for i, part := range parts {
		finish, output := "", r.thought
		if i == len(parts)-1 {
			finish, output = "STOP", r.output
		}
		out = append(out, geminiReply(a, r, []any{part}, finish, output))
	}
	return out
}

// geminiSSE frames with CRLF, as Google does.
func geminiSSE(a *ask, r *answer) [][]byte {
	var out [][]byte
	for _, e := range geminiElements(a, r) {
		out = append(out, append(append([]byte("data: "), encode(e)...), "\r\n\r\n"...))
	}
	return out
}

// geminiArray is the stream as one JSON array, an element a piece.
func geminiArray(a *ask, r *answer) [][]byte {
	var out [][]byte
	for i, e := range geminiElements(a, r) {
		before := ",\r\n"
		if i == 0 {
			before = "["
		}
		var pretty bytes.Buffer
		_ = json.Indent(&pretty, encode(e), "", "  ") // it is JSON
		out = append(out, append([]byte(before), pretty.Bytes()...))
	}
	return append(out, []byte("\n]\n"))
}

func geminiError(status int, message string) any {
	word := map[int]string{
		http.StatusUnauthorized: "UNAUTHENTICATED", http.StatusForbidden: "PERMISSION_DENIED", http.StatusNotFound: "NOT_FOUND",
		http.StatusTooManyRequests: "RESOURCE_EXHAUSTED", http.StatusServiceUnavailable: "UNAVAILABLE",
	}[status]
	switch {
	case word != "":
	case status >= 500:
		word = "INTERNAL"
	default:
		word = "INVALID_ARGUMENT"
	}
	return object{"error": object{"code": status, "message": message, "status": word}}
}
