// Package cohere reads Cohere's wire formats: chat in its second and first
// version, embed, rerank and the legacy generate.
package cohere

import (
	"fmt"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Name is the dialect's id.
const Name = "cohere"

// Claims are the requests that speak this dialect. /v1/chat is Writer's path
// too: there the body tells.
func Claims() []dialect.Claim {
	isV1 := func(body []byte) bool { return jsonspan.Root(body).Get("message").Exists() }
	return []dialect.Claim{
		{API: chat{}, Suffix: "/v2/chat"},
		{API: chatV1{}, Suffix: "/v1/chat", Shape: isV1},
		{API: embed{}, Suffix: "/v2/embed"},
		{API: embed{}, Suffix: "/v1/embed"},
		{API: rerank{}, Suffix: "/v2/rerank"},
		{API: rerank{}, Suffix: "/v1/rerank"},
		{API: generate{}, Suffix: "/v1/generate"},
	}
}

// common reads the members that several requests share.
func common(r *genai.Request, name string, v jsonspan.Value) {
	p := &r.Params
	switch name {
	case "model":
		r.Model = read.String(v)
		if v.Kind() == jsonspan.String {
			r.ModelRange = genai.Range(v.Inner())
		}
	case "stream":
		r.Stream = read.Bool(v)
	case "max_tokens":
		p.MaxTokens = read.Int(v)
	case "temperature":
		p.Temperature = read.Float(v)
	case "p":
		p.TopP = read.Float(v)
	case "k":
		p.TopK = read.Float(v)
	case "seed":
		p.Seed = read.Int(v)
	case "frequency_penalty":
		p.FrequencyPenalty = read.Float(v)
	case "presence_penalty":
		p.PresencePenalty = read.Float(v)
	case "stop_sequences":
		p.StopSequences = read.Strings(v)
	case "num_generations":
		p.Choices = read.Int(v)
	case "conversation_id":
		r.ConversationID = read.String(v)
	case "response_format":
		p.OutputType = "json"
		if v.Get("type").StrIs("text") {
			p.OutputType = "text"
		}
	case "tool_choice":
		p.ToolChoice = read.String(v)
	case "documents":
		for _, document := range v.Elements() {
			r.Provenance.AddSource(read.String(document.Get("id")))
			r.Texts = read.ValueText(r.Texts, document, read.Place{Kind: genai.Document, Role: genai.User, Message: -1})
		}
	}
}

// members reads a body member by member; a member that own does not take is
// common.
func members(operation genai.Operation, body []byte, own func(r *genai.Request, name string, v jsonspan.Value) bool) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: operation, UsageRequested: true}
	for key, value := range v.Members() {
		if name := key.String(); !own(r, name, value) {
			common(r, name, value)
		}
	}
	return r, nil
}

// chat is */v2/chat.
// https://docs.cohere.com/reference/chat
type chat struct{ errors }

func (chat) Name() string    { return "cohere.v2.chat" }
func (chat) Dialect() string { return Name }

func (chat) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	var bad error
	r, err := members(genai.Chat, body, func(r *genai.Request, name string, v jsonspan.Value) bool {
		switch name {
		case "messages":
			for i, message := range v.Elements() {
				if message.Kind() != jsonspan.Object {
					bad = fmt.Errorf("messages[%d] is not an object", i)
					return true
				}
				chatMessage(r, message)
			}
		case "tools":
			for _, tool := range v.Elements() {
				toolDefinition(r, tool, tool.Get("function"))
			}
		default:
			return false
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func toolDefinition(r *genai.Request, whole, inner jsonspan.Value) {
	t := genai.ToolDefinition{Name: read.String(inner.Get("name")), Type: "function", Range: read.Range(whole)}
	for _, member := range []string{"parameters", "parameter_definitions"} {
		if p := inner.Get(member); p.Exists() {
			t.Parameters = read.Range(p)
		}
	}
	r.Tools = append(r.Tools, t)
	r.Texts = read.Text(r.Texts, inner.Get("description"), read.Place{Kind: genai.ToolDescription, Role: genai.System, Message: -1})
}

func chatMessage(r *genai.Request, v jsonspan.Value) {
	role := roleOf(read.String(v.Get("role")))
	m := genai.Message{Role: role, Range: read.Range(v), FirstText: len(r.Texts), Parts: 1, ToolCallID: read.String(v.Get("tool_call_id"))}
	at := read.Place{Kind: genai.Content, Role: role, Message: len(r.Messages)}
	if role == genai.Tool {
		at.Kind = genai.ToolResult
	}
	messageTexts(r, &r.Texts, v, at)
	m.ToolCalls = toolCalls(v)
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func roleOf(s string) genai.Role {
	switch s {
	case "USER", "user":
		return genai.User
	case "CHATBOT", "assistant":
		return genai.Assistant
	case "SYSTEM", "system":
		return genai.System
	case "TOOL", "tool":
		return genai.Tool
	}
	return genai.Role(s)
}

func messageTexts(r *genai.Request, dst *[]genai.Text, v jsonspan.Value, at read.Place) {
	for key, value := range v.Members() {
		switch key.String() {
		case "content":
			contentTexts(r, dst, value, at)
		case "tool_plan":
			*dst = read.Text(*dst, value, at.As(genai.Reasoning))
		case "tool_calls":
			for _, call := range value.Elements() {
				*dst = read.JSONText(*dst, call.Path("function", "arguments"), at.Whole(genai.ToolArguments))
			}
		case "citations":
			for _, c := range value.Elements() {
				citation(dst, c, at)
			}
		}
	}
}

func citation(dst *[]genai.Text, c jsonspan.Value, at read.Place) {
	*dst = read.Text(*dst, c.Get("text"), at.Whole(genai.Citation))
	for _, source := range c.Get("sources").Elements() {
		*dst = read.ValueText(*dst, source.Get("document"), at.Whole(genai.Citation))
		*dst = read.ValueText(*dst, source.Get("tool_output"), at.Whole(genai.Citation))
	}
}

func contentTexts(r *genai.Request, dst *[]genai.Text, content jsonspan.Value, at read.Place) {
	if content.Kind() == jsonspan.String {
		*dst = read.Text(*dst, content, at)
		return
	}
	for _, part := range content.Elements() {
		switch read.String(part.Get("type")) {
		case "text":
			*dst = read.Text(*dst, part.Get("text"), at)
		case "thinking":
			*dst = read.Text(*dst, part.Get("thinking"), at.As(genai.Reasoning))
		case "document":
			*dst = read.ValueText(*dst, part.Get("document"), at.As(genai.ToolResult))
		case "image_url":
			image(r, part, at)
		default:
			if r != nil {
				r.UnknownParts++
			}
		}
	}
}

func image(r *genai.Request, part jsonspan.Value, at read.Place) {
	if r == nil {
		return
	}
	a := genai.Attachment{Modality: "image", Message: at.Message, Range: read.Range(part)}
	url := read.String(part.Path("image_url", "url"))
	if mediaType, size, ok := read.DataURL(url); ok {
		a.MediaType, a.Bytes = mediaType, size
	} else {
		a.URI = url
	}
	r.Attachments = append(r.Attachments, a)
}

func toolCalls(message jsonspan.Value) []genai.ToolCall {
	var list []genai.ToolCall
	for i, call := range message.Get("tool_calls").Elements() {
		list = append(list, toolCall(call, i))
	}
	return list
}

func toolCall(call jsonspan.Value, index int) genai.ToolCall {
	t := genai.ToolCall{ID: read.String(call.Get("id")), Type: "function", Index: index, Name: read.String(call.Path("function", "name"))}
	if t.Name == "" { // version 1
		t.Name = read.String(call.Get("name"))
	}
	if s, ok := call.Path("function", "arguments").Str(); ok {
		t.Arguments = []byte(s)
	}
	return t
}

func (chat) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Choices = read.String(v.Get("id")), 1
	r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Reason: read.String(v.Get("finish_reason"))})
	messageTexts(nil, &r.Texts, v.Get("message"), read.Place{Kind: genai.Content, Role: genai.Assistant})
	r.ToolCalls = toolCalls(v.Get("message"))
	r.Usage = usageOf(v.Get("usage"))
	return r, nil
}

// usageOf reads billed units, which the conventions want over the counts of
// tokens that went through the model.
func usageOf(v jsonspan.Value) genai.Usage {
	var u genai.Usage
	for _, member := range []string{"tokens", "billed_units"} {
		if n, ok := v.Path(member, "input_tokens").Int(); ok {
			u.InputTokens, u.HasInput = n, true
		}
		if n, ok := v.Path(member, "output_tokens").Int(); ok {
			u.OutputTokens, u.HasOutput = n, true
		}
		if n, ok := v.Path(member, "image_tokens").Int(); ok {
			u.ImageInput = n
		}
	}
	if n, ok := v.Path("tokens", "reasoning_tokens").Int(); ok {
		u.ReasoningTokens, u.HasReasoning = n, true
	}
	if n, ok := v.Get("cached_tokens").Int(); ok {
		u.CacheReadTokens, u.HasCacheRead = n, true
	}
	u.Reported = u.HasInput || u.HasOutput
	return u
}

func (chat) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &chatStream{} }

// chatStream reads version 2's typed events.
// https://docs.cohere.com/v2/docs/streaming
type chatStream struct{ errors }

func (s *chatStream) Read(ev *frame.Event, d *genai.Delta) error {
	if ev.Kind == frame.Done {
		d.End = true
		return nil
	}
	if len(ev.Payload) == 0 {
		return nil
	}
	v, err := read.Object("the event", ev.Payload)
	if err != nil {
		return err
	}
	n, _ := v.Get("index").Int()
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true}
	at.Channel = genai.Channel{Kind: genai.Content, Item: int32(n)}
	message := v.Path("delta", "message")
	switch kind := read.String(v.Get("type")); kind {
	case "message-start":
		d.ID = read.String(v.Get("id"))
	case "content-start", "content-delta":
		d.Texts = read.Text(d.Texts, message.Path("content", "text"), at)
		d.Texts = read.Text(d.Texts, message.Path("content", "thinking"), at.As(genai.Reasoning))
	case "tool-plan-delta":
		d.Texts = read.Text(d.Texts, message.Get("tool_plan"), at.As(genai.Reasoning))
	case "tool-call-start":
		d.ToolCalls = append(d.ToolCalls, toolCall(message.Get("tool_calls"), int(n)))
		d.Texts = read.JSONText(d.Texts, message.Path("tool_calls", "function", "arguments"), at.As(genai.ToolArguments))
	case "tool-call-delta":
		d.Texts = read.JSONText(d.Texts, message.Path("tool_calls", "function", "arguments"), at.As(genai.ToolArguments))
	case "citation-start":
		citation(&d.Texts, message.Get("citations"), at)
	case "message-end":
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Reason: read.String(v.Path("delta", "finish_reason"))})
		d.Usage = usageOf(v.Path("delta", "usage"))
		d.HasUsage = d.Usage.Reported
		if e := v.Path("delta", "error"); e.Kind() == jsonspan.String {
			d.Error = &genai.Error{Message: read.String(e), Type: "ERROR"}
		}
	case "content-end", "tool-call-end", "citation-end", "debug":
	default:
		if e := v.Get("error"); e.Exists() || kind == "" && v.Get("message").Kind() == jsonspan.String {
			d.Error = errorOf(v, nil)
			return nil
		}
		d.Unknown = true
	}
	return nil
}

// errors renders errors as Cohere does: {"message"}.
// https://docs.cohere.com/reference/errors
type errors struct{}

func (errors) ErrorBody(e dialect.ErrorInfo) (string, []byte) {
	return "application/json", errorObject(e)
}

// ErrorEvent is a message-end with an error, as Cohere itself ends a stream that
// failed, and the end mark.
func (errors) ErrorEvent(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"type":"message-end","delta":{"finish_reason":"ERROR","error":`...)
	b = jsonspan.AppendQuoted(b, e.Code+": "+e.Message)
	return frame.AppendSSE(frame.AppendSSE(nil, "message-end", append(b, "}}"...)), "", []byte("[DONE]"))
}

func errorObject(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"id":`...)
	b = jsonspan.AppendQuoted(b, e.CallID)
	b = append(b, `,"message":`...)
	return append(jsonspan.AppendQuoted(b, e.Code+": "+e.Message), '}')
}

func responseObject(rh *dialect.ResponseHead, body []byte) (jsonspan.Value, *genai.Response, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return v, nil, fmt.Errorf("the response body is not valid JSON: %w", err)
	}
	r := &genai.Response{}
	if rh != nil && rh.Status >= 400 {
		r.Error = errorOf(v, rh)
		r.Texts = read.Text(nil, v.Get("message"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1})
	}
	return v, r, nil
}

func errorOf(v jsonspan.Value, rh *dialect.ResponseHead) *genai.Error {
	e := &genai.Error{Message: read.String(v.Get("message")), Type: read.String(v.Get("error_type"))}
	if rh != nil {
		e.Status = rh.Status
	}
	if inner := v.Get("error"); inner.Kind() == jsonspan.Object {
		e.Message = read.String(inner.Get("message"))
	} else if e.Message == "" {
		e.Message = read.String(inner)
	}
	return e
}
