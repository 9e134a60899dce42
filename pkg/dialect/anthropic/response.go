package anthropic

import (
	"fmt"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// ReadResponse reads a message, or the error in its place.
func (Messages) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	ReadMessage(r, v)
	return r, nil
}

// ReadMessage reads a message object.
func ReadMessage(r *genai.Response, v jsonspan.Value) {
	r.ID, r.Model, r.Choices = read.String(v.Get("id")), read.String(v.Get("model")), 1
	r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Reason: read.String(v.Get("stop_reason"))})
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	for i, block := range v.Get("content").Elements() {
		blockTexts(nil, &r.Texts, block, at)
		if call, ok := toolCall(block, i); ok {
			r.ToolCalls = append(r.ToolCalls, call)
		}
	}
	var u usage
	u.overlay(v.Get("usage"))
	r.Usage = u.total()
	r.ServiceTier = read.String(v.Path("usage", "service_tier"))
}

// usage is Anthropic's own counts: its input excludes what the cache read and
// wrote, which the conventions' includes.
type usage struct {
	genai.Usage
	plainInput int64
}

// overlay takes the counts that a usage block states over those known so far:
// a stream's later blocks restate some and correct others.
func (u *usage) overlay(block jsonspan.Value) {
	for key, value := range block.Members() {
		n, ok := read.Count(value)
		switch key.String() {
		case "output_tokens_details":
			if t, ok := read.Count(value.Get("thinking_tokens")); ok {
				u.ReasoningTokens, u.HasReasoning = t, true
			}
		case "input_tokens":
			if ok {
				u.plainInput, u.HasInput = n, true
			}
		case "output_tokens":
			if ok {
				u.OutputTokens, u.HasOutput = n, true
			}
		case "cache_read_input_tokens":
			if ok {
				u.CacheReadTokens, u.HasCacheRead = n, true
			}
		case "cache_creation_input_tokens":
			if ok {
				u.CacheWriteTokens, u.HasCacheWrite = n, true
			}
		}
	}
	u.Reported = u.Reported || u.HasInput || u.HasOutput
}

func (u *usage) total() genai.Usage {
	t := u.Usage
	t.InputTokens = u.plainInput + u.CacheReadTokens + u.CacheWriteTokens
	return t
}

// NewStream reads a message's events.
// https://docs.anthropic.com/en/docs/build-with-claude/streaming
func (Messages) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &Stream{} }

// Stream reads the events of one message. It is exported for bedrock.
type Stream struct {
	Errors
	usage usage
}

// Read gives an event's meaning.
func (s *Stream) Read(ev *frame.Event, d *genai.Delta) error {
	if len(ev.Payload) == 0 {
		return nil
	}
	v, err := read.Object("the event", ev.Payload)
	if err != nil {
		return err
	}
	s.ReadEvent(v, d)
	return nil
}

// ReadEvent gives the meaning of an event's JSON.
func (s *Stream) ReadEvent(v jsonspan.Value, d *genai.Delta) {
	n, _ := v.Get("index").Int()
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true}
	at.Channel.Item = int32(n)
	switch read.String(v.Get("type")) {
	case "message_start":
		message := v.Get("message")
		d.ID, d.Model = read.String(message.Get("id")), read.String(message.Get("model"))
		d.ServiceTier = read.String(message.Path("usage", "service_tier"))
		s.count(message.Get("usage"), d)
	case "content_block_start":
		block := v.Get("content_block")
		if call, ok := toolCall(block, int(n)); ok {
			d.ToolCalls = append(d.ToolCalls, call)
		}
		startTexts(&d.Texts, block, at)
	case "content_block_delta":
		deltaTexts(&d.Texts, v.Get("delta"), at)
	case "message_delta":
		if reason := v.Path("delta", "stop_reason"); reason.Kind() == jsonspan.String {
			d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Reason: read.String(reason)})
		}
		s.count(v.Get("usage"), d)
	case "message_stop":
		d.End = true
	case "error":
		d.Error = errorOf(v, 0)
	case "completion":
		completionEvent(v, d)
	case "content_block_stop", "ping":
	default:
		d.Unknown = true
	}
}

func (s *Stream) count(block jsonspan.Value, d *genai.Delta) {
	if block.Kind() == jsonspan.Object {
		s.usage.overlay(block)
		d.Usage, d.HasUsage = s.usage.total(), true
	}
}

// startTexts reads a block's first event: text and thinking begin running texts
// (usually empty); blocks that come whole, such as search results, are read so.
func startTexts(dst *[]genai.Text, block jsonspan.Value, at read.Place) {
	switch read.String(block.Get("type")) {
	case "text":
		*dst = read.Text(*dst, block.Get("text"), at.As(genai.Content))
	case "thinking":
		*dst = read.Text(*dst, block.Get("thinking"), at.As(genai.Reasoning))
	case "tool_use", "server_tool_use", "mcp_tool_use": // the input follows in pieces, or is whole where some servers have it
		for range block.Get("input").Members() {
			*dst = read.ValueText(*dst, block.Get("input"), at.Whole(genai.ToolArguments))
			break
		}
	default:
		blockTexts(nil, dst, block, at.Whole(genai.Content))
	}
}

func deltaTexts(dst *[]genai.Text, delta jsonspan.Value, at read.Place) {
	switch read.String(delta.Get("type")) {
	case "text_delta":
		*dst = read.Text(*dst, delta.Get("text"), at.As(genai.Content))
	case "thinking_delta":
		*dst = read.Text(*dst, delta.Get("thinking"), at.As(genai.Reasoning))
	case "input_json_delta":
		*dst = read.JSONText(*dst, delta.Get("partial_json"), at.As(genai.ToolArguments))
	case "citations_delta":
		citation(dst, delta.Get("citation"), at)
	case "compaction_delta":
		*dst = read.Text(*dst, delta.Get("content"), at.As(genai.Content))
	}
}

// countTokens is */v1/messages/count_tokens.
// https://docs.anthropic.com/en/api/messages-count-tokens
type countTokens struct{ Messages }

func (countTokens) Name() string { return "anthropic.count_tokens" }

func (countTokens) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	r, err := Messages{}.ReadRequest(h, body)
	if r != nil {
		r.Operation = genai.CountTokens
	}
	return r, err
}

func (countTokens) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.Usage.InputTokens, r.Usage.HasInput = v.Get("input_tokens").Int()
	r.Usage.Reported = r.Usage.HasInput
	return r, nil
}

// complete is the legacy */v1/complete.
// https://docs.anthropic.com/en/api/complete
type complete struct{ Errors }

func (complete) Name() string    { return "anthropic.complete" }
func (complete) Dialect() string { return Name }

func (complete) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.TextCompletion}
	for key, value := range v.Members() {
		if !key.Is("prompt") {
			requestMember(r, key.String(), value)
			continue
		}
		m := genai.Message{Role: genai.User, Range: read.Range(value), FirstText: len(r.Texts), Parts: 1}
		r.Texts = read.Text(r.Texts, value, read.Place{Kind: genai.Content, Role: genai.User, Message: 0})
		m.EndText = len(r.Texts)
		r.Messages = append(r.Messages, m)
	}
	return r, nil
}

func (complete) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Model, r.Choices = read.String(v.Get("id")), read.String(v.Get("model")), 1
	r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Reason: read.String(v.Get("stop_reason"))})
	r.Texts = read.Text(r.Texts, v.Get("completion"), read.Place{Kind: genai.Content, Role: genai.Assistant})
	return r, nil
}

func (complete) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &Stream{} }

func completionEvent(v jsonspan.Value, d *genai.Delta) {
	d.ID, d.Model = read.String(v.Get("id")), read.String(v.Get("model"))
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true, Channel: genai.Channel{Kind: genai.Content}}
	d.Texts = read.Text(d.Texts, v.Get("completion"), at)
	if reason := v.Get("stop_reason"); reason.Kind() == jsonspan.String {
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Reason: read.String(reason)})
		d.End = true
	}
}

// Errors renders errors as Anthropic does:
// {"type":"error","error":{"type","message"}}.
// https://docs.anthropic.com/en/api/errors
type Errors struct{}

// ErrorBody is an error response's body.
func (Errors) ErrorBody(e dialect.ErrorInfo) (string, []byte) {
	return "application/json", errorObject(e)
}

// ErrorEvent is the error event, on which the SDKs raise.
func (Errors) ErrorEvent(e dialect.ErrorInfo) []byte {
	return frame.AppendSSE(nil, "error", errorObject(e))
}

// errorObject renders e. Anthropic's errors have no member for a code: it is
// the first word of the message.
func errorObject(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"type":"error","error":{"type":`...)
	b = jsonspan.AppendQuoted(b, errorType(e.Status))
	b = append(b, `,"message":`...)
	b = jsonspan.AppendQuoted(b, e.Code+": "+e.Message)
	b = append(b, `},"request_id":`...)
	b = jsonspan.AppendQuoted(b, e.CallID)
	return append(b, '}')
}

func errorType(status int) string {
	switch status {
	case 401:
		return "authentication_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 413:
		return "request_too_large"
	case 429:
		return "rate_limit_error"
	case 529:
		return "overloaded_error"
	}
	if status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}

func responseObject(rh *dialect.ResponseHead, body []byte) (jsonspan.Value, *genai.Response, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return v, nil, fmt.Errorf("the response body is not valid JSON: %w", err)
	}
	status := 0
	if rh != nil {
		status = rh.Status
	}
	r := &genai.Response{Error: errorOf(v, status)}
	if r.Error != nil {
		r.Texts = read.Text(nil, v.Path("error", "message"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1})
	}
	return v, r, nil
}

func errorOf(v jsonspan.Value, status int) *genai.Error {
	e := v.Get("error")
	if e.Kind() != jsonspan.Object && status < 400 {
		return nil
	}
	return &genai.Error{Status: status, Type: read.String(e.Get("type")), Message: read.String(e.Get("message"))}
}
