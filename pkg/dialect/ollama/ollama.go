// Package ollama reads Ollama's native wire format: chat, generate and
// embeddings, streamed as newline-delimited JSON. Ollama streams unless told not
// to.
package ollama

import (
	"fmt"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Name is the dialect's id.
const Name = "ollama"

// Claims are the requests that speak this dialect.
func Claims() []dialect.Claim {
	return []dialect.Claim{
		{API: chat{}, Suffix: "/api/chat"},
		{API: generate{}, Suffix: "/api/generate"},
		{API: embed{}, Suffix: "/api/embed"},
		{API: embed{}, Suffix: "/api/embeddings"},
	}
}

// request reads what all requests share; member reads the rest.
func request(body []byte, operation genai.Operation, member func(r *genai.Request, name string, v jsonspan.Value) error) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: operation, Stream: operation != genai.Embeddings, UsageRequested: true}
	for key, value := range v.Members() {
		switch name := key.String(); name {
		case "model":
			r.Model = read.String(value)
			if value.Kind() == jsonspan.String {
				r.ModelRange = genai.Range(value.Inner())
			}
		case "stream":
			if on, ok := value.Bool(); ok {
				r.Stream = on
			}
		case "options":
			options(&r.Params, value)
		case "format":
			r.Params.OutputType = "json"
		case "think":
			r.Params.ReasoningEffort = read.String(value)
		case "system":
			r.Texts = read.Text(r.Texts, value, read.Place{Kind: genai.Content, Role: genai.System, Message: -1})
		default:
			if err := member(r, name, value); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func options(p *genai.Params, v jsonspan.Value) {
	p.MaxTokens, p.Seed = read.Int(v.Get("num_predict")), read.Int(v.Get("seed"))
	p.Temperature, p.TopP, p.TopK = read.Float(v.Get("temperature")), read.Float(v.Get("top_p")), read.Float(v.Get("top_k"))
	p.FrequencyPenalty, p.PresencePenalty = read.Float(v.Get("frequency_penalty")), read.Float(v.Get("presence_penalty"))
	p.StopSequences = read.Strings(v.Get("stop"))
}

// chat is */api/chat.
// https://github.com/ollama/ollama/blob/main/docs/api.md
type chat struct{ errors }

func (chat) Name() string    { return "ollama.chat" }
func (chat) Dialect() string { return Name }

func (chat) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	return request(body, genai.Chat, chatMember)
}

func chatMember(r *genai.Request, name string, v jsonspan.Value) error {
	switch name {
	case "messages":
		for i, message := range v.Elements() {
			if message.Kind() != jsonspan.Object {
				return fmt.Errorf("messages[%d] is not an object", i)
			}
			chatMessage(r, message)
		}
	case "tools":
		for _, tool := range v.Elements() {
			f := tool.Get("function")
			t := genai.ToolDefinition{Name: read.String(f.Get("name")), Type: "function", Range: read.Range(tool)}
			if p := f.Get("parameters"); p.Exists() {
				t.Parameters = read.Range(p)
			}
			r.Tools = append(r.Tools, t)
			r.Texts = read.Text(r.Texts, f.Get("description"), read.Place{Kind: genai.ToolDescription, Role: genai.System, Message: -1})
		}
	}
	return nil
}

func chatMessage(r *genai.Request, v jsonspan.Value) {
	role := genai.Role(read.String(v.Get("role")))
	m := genai.Message{Role: role, Range: read.Range(v), FirstText: len(r.Texts), Parts: 1, Name: read.String(v.Get("tool_name"))}
	at := read.Place{Kind: genai.Content, Role: role, Message: len(r.Messages)}
	if role == genai.Tool {
		at.Kind = genai.ToolResult
	}
	r.Texts = messageTexts(r.Texts, v, at)
	m.ToolCalls = toolCalls(v, 0)
	m.EndText = len(r.Texts)
	images(r, v.Get("images"), len(r.Messages))
	r.Messages = append(r.Messages, m)
}

func images(r *genai.Request, list jsonspan.Value, message int) {
	for _, image := range list.Elements() {
		r.Attachments = append(r.Attachments, genai.Attachment{Modality: "image", Bytes: read.Base64Size(read.String(image)), Message: message, Range: read.Range(image)})
	}
}

func messageTexts(dst []genai.Text, v jsonspan.Value, at read.Place) []genai.Text {
	for key, value := range v.Members() {
		switch key.String() {
		case "content":
			dst = read.Text(dst, value, at)
		case "thinking":
			dst = read.Text(dst, value, at.As(genai.Reasoning))
		case "tool_calls":
			for _, call := range value.Elements() {
				dst = read.ValueText(dst, call.Path("function", "arguments"), at.Whole(genai.ToolArguments))
			}
		}
	}
	return dst
}

func toolCalls(message jsonspan.Value, first int) []genai.ToolCall {
	var list []genai.ToolCall
	for i, call := range message.Get("tool_calls").Elements() {
		t := genai.ToolCall{ID: read.String(call.Get("id")), Name: read.String(call.Path("function", "name")), Type: "function", Index: first + i}
		if args := call.Path("function", "arguments"); args.Exists() {
			t.Arguments = args.Raw()
		}
		list = append(list, t)
	}
	return list
}

func (chat) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	return response(rh, body)
}

func (chat) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &stream{} }

// response reads a whole answer of chat or generate.
func response(rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("the response body is not valid JSON: %w", err)
	}
	r := &genai.Response{Model: read.String(v.Get("model"))}
	if r.Error = errorOf(v, rh); r.Error != nil {
		r.Texts = read.ValueText(nil, v.Get("error"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1})
		return r, nil
	}
	r.Choices = 1
	if reason := read.String(v.Get("done_reason")); reason != "" {
		r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Reason: reason})
	}
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	r.Texts = messageTexts(r.Texts, v.Get("message"), at)
	r.Texts = read.Text(r.Texts, v.Get("response"), at)
	r.Texts = read.Text(r.Texts, v.Get("thinking"), at.As(genai.Reasoning))
	r.ToolCalls = toolCalls(v.Get("message"), 0)
	usageOf(v, &r.Usage)
	return r, nil
}

// usageOf reads the counts of a last line; a prompt that was cached whole has
// none.
func usageOf(v jsonspan.Value, u *genai.Usage) bool {
	if n, ok := v.Get("prompt_eval_count").Int(); ok {
		u.InputTokens, u.HasInput = n, true
	}
	if n, ok := v.Get("eval_count").Int(); ok {
		u.OutputTokens, u.HasOutput = n, true
	}
	u.Reported = u.HasInput || u.HasOutput
	return u.Reported
}

func errorOf(v jsonspan.Value, rh *dialect.ResponseHead) *genai.Error {
	status := 0
	if rh != nil {
		status = rh.Status
	}
	e := v.Get("error")
	if !e.Exists() && status < 400 {
		return nil
	}
	out := &genai.Error{Status: status, Message: read.String(e)}
	if e.Kind() == jsonspan.Object {
		out.Message, out.Type, out.Code = read.String(e.Get("message")), read.String(e.Get("type")), read.String(e.Get("code"))
	}
	return out
}

// stream reads lines; the one with "done": true is the last.
type stream struct {
	errors
	calls int
}

func (s *stream) Read(ev *frame.Event, d *genai.Delta) error {
	if len(ev.Payload) == 0 {
		return nil
	}
	v, err := read.Object("the line", ev.Payload)
	if err != nil {
		return err
	}
	if d.Error = errorOf(v, nil); d.Error != nil {
		d.Texts = read.ValueText(d.Texts, v.Get("error"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1})
		return nil
	}
	d.Model = read.String(v.Get("model"))
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true, Channel: genai.Channel{Kind: genai.Content}}
	d.Texts = messageTexts(d.Texts, v.Get("message"), at)
	d.Texts = read.Text(d.Texts, v.Get("response"), at)
	d.Texts = read.Text(d.Texts, v.Get("thinking"), at.As(genai.Reasoning))
	calls := toolCalls(v.Get("message"), s.calls)
	s.calls += len(calls)
	d.ToolCalls = append(d.ToolCalls, calls...)
	if d.End = read.Bool(v.Get("done")); d.End {
		if reason := read.String(v.Get("done_reason")); reason != "" {
			d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Reason: reason})
		}
		d.HasUsage = usageOf(v, &d.Usage)
	}
	return nil
}

// generate is */api/generate.
type generate struct{ errors }

func (generate) Name() string    { return "ollama.generate" }
func (generate) Dialect() string { return Name }

func (generate) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	return request(body, genai.TextCompletion, func(r *genai.Request, name string, v jsonspan.Value) error {
		switch name {
		case "prompt":
			userText(r, v)
		case "suffix":
			r.Texts = read.Text(r.Texts, v, read.Place{Kind: genai.Content, Role: genai.User, Message: -1})
		case "images":
			images(r, v, -1)
		case "context": // what was said before, as numbers
			r.UnknownParts++
		}
		return nil
	})
}

func userText(r *genai.Request, v jsonspan.Value) {
	m := genai.Message{Role: genai.User, Range: read.Range(v), FirstText: len(r.Texts), Parts: 1}
	r.Texts = read.Text(r.Texts, v, read.Place{Kind: genai.Content, Role: genai.User, Message: len(r.Messages)})
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func (generate) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	return response(rh, body)
}

func (generate) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &stream{} }

// embed is */api/embed and */api/embeddings.
type embed struct{ errors }

func (embed) Name() string    { return "ollama.embed" }
func (embed) Dialect() string { return Name }

func (embed) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	return request(body, genai.Embeddings, func(r *genai.Request, name string, v jsonspan.Value) error {
		if name != "input" && name != "prompt" {
			return nil
		}
		if v.Kind() == jsonspan.String {
			userText(r, v)
		}
		for _, each := range v.Elements() {
			userText(r, each)
		}
		return nil
	})
}

func (embed) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	r, err := response(rh, body)
	if err == nil && r.Error == nil {
		r.Choices, r.FinishReasons = 0, nil
	}
	return r, err
}

func (embed) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &stream{} }

// errors renders errors as Ollama does: {"error":"…"}.
type errors struct{}

func (errors) ErrorBody(e dialect.ErrorInfo) (string, []byte) {
	return "application/json; charset=utf-8", errorObject(e)
}

// ErrorEvent is a last line with an error, on which the clients raise.
func (errors) ErrorEvent(e dialect.ErrorInfo) []byte { return frame.AppendNDJSON(nil, errorObject(e)) }

func errorObject(e dialect.ErrorInfo) []byte {
	b := jsonspan.AppendQuoted(append([]byte(nil), `{"error":`...), e.Code+": "+e.Message)
	return append(b, '}')
}

// Framing is lines wherever a stream was asked for, whatever the content type
// says: it is missing or application/json behind some proxies.
func (chat) Framing(_ *dialect.Head, rh *dialect.ResponseHead, r *genai.Request) (frame.Kind, bool) {
	return frame.NDJSON, r != nil && r.Stream && rh.Status < 400
}

// Framing is that of chat.
func (generate) Framing(h *dialect.Head, rh *dialect.ResponseHead, r *genai.Request) (frame.Kind, bool) {
	return chat{}.Framing(h, rh, r)
}
