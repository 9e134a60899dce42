package openai

import (
	"fmt"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// chat is POST */chat/completions.
// https://platform.openai.com/docs/api-reference/chat
type chat struct{ errors }

func (chat) Name() string    { return "openai.chat" }
func (chat) Dialect() string { return Name }

// ReadRequest reads a chat completion request. Only the shape that matters is
// insisted on: an object, whose messages, if any, are an array of objects.
func (chat) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.Chat}
	for key, value := range v.Members() {
		if key.Is("messages") {
			if err := chatMessages(r, value); err != nil {
				return nil, err
			}
			continue
		}
		if !chatMember(r, key, value) {
			commonParam(r, key, value)
		}
	}
	modelFromPath(r, h)
	return r, nil
}

// chatMember reads the members that only a chat request has.
func chatMember(r *genai.Request, key jsonspan.Key, value jsonspan.Value) bool {
	switch key.String() {
	case "tools":
		for _, tool := range value.Elements() {
			chatTool(r, tool)
		}
	case "functions":
		for _, function := range value.Elements() {
			toolDefinition(r, function, function, "function")
		}
	case "max_tokens":
		if r.Params.MaxTokens == nil { // max_completion_tokens outranks it
			r.Params.MaxTokens = read.Int(value)
		}
	case "max_completion_tokens":
		r.Params.MaxTokens = read.Int(value)
	case "reasoning_effort":
		r.Params.ReasoningEffort = read.String(value)
	case "response_format":
		r.Params.OutputType = outputType(read.String(value.Get("type")))
	case "stream_options":
		r.UsageRequested = read.Bool(value.Get("include_usage"))
	case "prediction":
		r.Texts = contentTexts(r, r.Texts, value.Get("content"), read.Place{Kind: genai.Document, Role: genai.User, Message: -1})
	default:
		return false
	}
	return true
}

func chatTool(r *genai.Request, tool jsonspan.Value) {
	kind := read.String(tool.Get("type"))
	for _, nested := range []string{"function", "custom"} {
		if inner := tool.Get(nested); inner.Exists() {
			toolDefinition(r, tool, inner, kind)
			return
		}
	}
	toolDefinition(r, tool, tool, kind)
}

func chatMessages(r *genai.Request, messages jsonspan.Value) error {
	if messages.Kind() != jsonspan.Array {
		return fmt.Errorf("messages is not an array")
	}
	for i, message := range messages.Elements() {
		if message.Kind() != jsonspan.Object {
			return fmt.Errorf("messages[%d] is not an object", i)
		}
		chatMessage(r, message)
	}
	return nil
}

func chatMessage(r *genai.Request, message jsonspan.Value) {
	role, known := roleOf(read.String(message.Get("role")))
	if !known {
		r.UnknownParts++
	}
	m := genai.Message{Role: role, Range: read.Range(message), FirstText: len(r.Texts)}
	at := read.Place{Kind: genai.Content, Role: role, Message: len(r.Messages)}
	for key, value := range message.Members() {
		switch key.String() {
		case "content":
			m.Parts = parts(value)
			place := at
			if role == genai.Tool {
				place.Kind = genai.ToolResult
			}
			r.Texts = contentTexts(r, r.Texts, value, place)
		case "refusal":
			r.Texts = read.Text(r.Texts, value, at.As(genai.Refusal))
		case "reasoning_content", "reasoning":
			r.Texts = read.Text(r.Texts, value, at.As(genai.Reasoning))
		case "reasoning_details":
			r.Texts = reasoningDetails(r.Texts, value, at.As(genai.Reasoning))
		case "name":
			m.Name = read.String(value)
			r.Texts = read.Text(r.Texts, value, at.As(genai.Metadata))
		case "tool_call_id":
			m.ToolCallID = read.String(value)
		case "tool_calls":
			for i, call := range value.Elements() {
				m.ToolCalls = append(m.ToolCalls, chatToolCall(call, 0, i))
				r.Texts = toolCallTexts(r.Texts, call, at.As(genai.ToolArguments))
			}
		case "function_call":
			m.ToolCalls = append(m.ToolCalls, genai.ToolCall{Name: read.String(value.Get("name")), Type: "function"})
			r.Texts = read.JSONText(r.Texts, value.Get("arguments"), at.As(genai.ToolArguments))
		}
	}
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func chatToolCall(call jsonspan.Value, choice, index int) genai.ToolCall {
	t := genai.ToolCall{ID: read.String(call.Get("id")), Type: read.String(call.Get("type")), Choice: choice, Index: index}
	if n, ok := call.Get("index").Int(); ok {
		t.Index = int(n)
	}
	inner, arguments := call.Get("function"), "arguments"
	if !inner.Exists() {
		inner, arguments = call.Get("custom"), "input"
	}
	t.Name = read.String(inner.Get("name"))
	if s, ok := inner.Get(arguments).Str(); ok {
		t.Arguments = []byte(s)
	}
	return t
}

// toolCallTexts notes a call's arguments: JSON source for functions, free text
// for custom tools.
func toolCallTexts(dst []genai.Text, call jsonspan.Value, p read.Place) []genai.Text {
	dst = read.JSONText(dst, call.Path("function", "arguments"), p)
	return read.Text(dst, call.Path("custom", "input"), p)
}

// ReadResponse reads a chat completion or the error in its place.
func (chat) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Model = read.String(v.Get("id")), read.String(v.Get("model"))
	r.ServiceTier, r.Fingerprint = read.String(v.Get("service_tier")), read.String(v.Get("system_fingerprint"))
	for i, choice := range v.Get("choices").Elements() {
		chatChoice(r, choice, i)
	}
	chatUsage(v, &r.Usage)
	return r, nil
}

func chatChoice(r *genai.Response, choice jsonspan.Value, place int) {
	index := indexOf(choice, place)
	r.Choices++
	// A choice without a reason is listed too: reasons are one a choice.
	r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Choice: index, Reason: read.String(choice.Get("finish_reason"))})
	message := choice.Get("message")
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: index}
	r.Texts = messageTexts(r.Texts, message, at)
	for i, call := range message.Get("tool_calls").Elements() {
		r.ToolCalls = append(r.ToolCalls, chatToolCall(call, index, i))
		r.Texts = toolCallTexts(r.Texts, call, at.As(genai.ToolArguments))
	}
	if call := message.Get("function_call"); call.Kind() == jsonspan.Object {
		r.ToolCalls = append(r.ToolCalls, genai.ToolCall{Name: read.String(call.Get("name")), Type: "function", Choice: index})
	}
}

// NewStream reads chat.completion.chunk events.
func (chat) NewStream(h *dialect.Head, rh *dialect.ResponseHead) dialect.Stream { return &chatStream{} }

type chatStream struct {
	errors
	usage genai.Usage
}

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
	var m [9]jsonspan.Value
	v.Fields(m[:], "choices", "id", "model", "usage", "x_groq", "service_tier", "system_fingerprint", "error", "object")
	choices, usage, failure := m[0], m[3], m[7]
	if failure.Exists() || m[8].StrIs("error") {
		if d.Error = errorOf(v, 0); d.Error != nil {
			return nil
		}
	}
	d.ID, d.Model = read.String(m[1]), read.String(m[2])
	d.ServiceTier, d.Fingerprint = read.String(m[5]), read.String(m[6])
	for i, choice := range choices.Elements() {
		chatDelta(d, choice, i)
	}
	if d.HasUsage = usageIn(usage, m[4], &s.usage); d.HasUsage {
		d.Usage = s.usage
		d.UsageOnly = isEmptyArray(choices) && !v.Get("prompt_filter_results").Exists()
	}
	d.UsageNull = usage.Kind() == jsonspan.Null
	d.Unknown = !choices.Exists() && !d.HasUsage
	return nil
}

func chatDelta(d *genai.Delta, choice jsonspan.Value, place int) {
	index := indexOf(choice, place)
	if reason := choice.Get("finish_reason"); reason.Kind() == jsonspan.String {
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Choice: index, Reason: read.String(reason)})
	}
	delta := choice.Get("delta")
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: index, Partial: true, Channel: genai.Channel{Kind: genai.Content, Choice: int32(index)}}
	if !delta.Exists() { // some servers repeat the whole message in a last chunk
		delta = choice.Get("message")
		at.Partial = false
	}
	d.Texts = messageTexts(d.Texts, delta, at)
	for i, call := range delta.Get("tool_calls").Elements() {
		t := chatToolCall(call, index, i)
		if t.Name != "" {
			d.ToolCalls = append(d.ToolCalls, t)
		}
		p := at.As(genai.ToolArguments)
		if p.Partial {
			p.Channel.Item = int32(t.Index)
		}
		d.Texts = toolCallTexts(d.Texts, call, p)
	}
	if call := delta.Get("function_call"); call.Kind() == jsonspan.Object {
		if name := read.String(call.Get("name")); name != "" {
			d.ToolCalls = append(d.ToolCalls, genai.ToolCall{Name: name, Type: "function", Choice: index})
		}
		if at.Partial { // of a whole message they are noted
			d.Texts = read.JSONText(d.Texts, call.Get("arguments"), at.As(genai.ToolArguments))
		}
	}
}

// messageTexts notes what an assistant's message or delta says.
func messageTexts(dst []genai.Text, message jsonspan.Value, at read.Place) []genai.Text {
	for key, value := range message.Members() {
		switch key.String() {
		case "content":
			dst = contentTexts(nil, dst, value, at)
		case "refusal":
			dst = read.Text(dst, value, at.As(genai.Refusal))
		case "reasoning_content":
			dst = read.Text(dst, value, at.As(genai.Reasoning))
		case "reasoning": // some servers send both, alike
			dst = read.Text(dst, value, at.As(genai.Reasoning).Part(besides))
		case "reasoning_details": // OpenRouter: the same once more, in blocks
			dst = reasoningDetails(dst, value, at.As(genai.Reasoning))
		case "audio":
			dst = read.Text(dst, value.Get("transcript"), at.As(genai.Content).Part(besides))
		case "annotations":
			for _, a := range value.Elements() {
				dst = read.Text(dst, a.Path("url_citation", "title"), at.Whole(genai.Citation))
				dst = read.Text(dst, a.Path("url_citation", "url"), at.Whole(genai.URL))
			}
		case "function_call":
			if !at.Partial {
				dst = read.JSONText(dst, value.Get("arguments"), at.As(genai.ToolArguments))
			}
		}
	}
	return dst
}

// besides numbers the running texts of a choice that run beside its content and
// its reasoning.
const besides = 1 << 16

// reasoningDetails notes blocks of reasoning, each of which runs by itself.
// https://openrouter.ai/docs/use-cases/reasoning-tokens
func reasoningDetails(dst []genai.Text, blocks jsonspan.Value, at read.Place) []genai.Text {
	for i, block := range blocks.Elements() {
		own := at.Part(2*besides + indexOf(block, i))
		dst = read.Text(dst, block.Get("text"), own)
		dst = read.Text(dst, block.Get("summary"), own)
	}
	return dst
}

// AskUsage sets stream_options.include_usage, without which OpenAI, Azure and
// vLLM report no usage in a stream.
// https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
func (chat) AskUsage(r *genai.Request, body []byte) (genai.Range, []byte, bool) {
	return askUsage(body)
}

// askUsage is the edit that sets stream_options.include_usage in a request body.
func askUsage(body []byte) (genai.Range, []byte, bool) {
	splice, err := jsonspan.Set(body, "/stream_options/include_usage", []byte("true"))
	if err != nil { // no object there yet
		splice, err = jsonspan.Set(body, "/stream_options", []byte(`{"include_usage":true}`))
	}
	return genai.Range(splice.Range), splice.With, err == nil
}
