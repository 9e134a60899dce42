package openai

import (
	"strings"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// responses is */responses: created by POST, fetched by GET, compacted and
// counted by the paths below it.
// https://platform.openai.com/docs/api-reference/responses
type responses struct{ responsesErrors }

func (responses) Name() string    { return "openai.responses" }
func (responses) Dialect() string { return Name }

// ReadRequest reads a request; one without a body fetches a response.
func (responses) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	r := &genai.Request{Operation: genai.Chat}
	if h != nil && h.Method == "GET" {
		r.Operation = genai.FetchResponse
		r.PreviousResponseID = dialect.PathSegment(h.Path, 0)
		r.Stream = strings.Contains(h.Query, "stream=true")
		return r, nil
	}
	if h != nil && dialect.PathSegment(h.Path, 0) == "input_tokens" {
		r.Operation = genai.CountTokens
	}
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	for key, value := range v.Members() {
		if !responsesMember(r, key, value) {
			commonParam(r, key, value)
		}
	}
	modelFromPath(r, h)
	return r, nil
}

func responsesMember(r *genai.Request, key jsonspan.Key, value jsonspan.Value) bool {
	system := read.Place{Kind: genai.Content, Role: genai.System, Message: -1}
	switch key.String() {
	case "input":
		responsesInput(r, value)
	case "instructions":
		r.Texts = read.Text(r.Texts, value, system)
	case "tools":
		for _, tool := range value.Elements() {
			chatTool(r, tool)
			for _, store := range tool.Get("vector_store_ids").Elements() {
				r.Provenance.AddSource(read.String(store))
			}
		}
	case "max_output_tokens":
		r.Params.MaxTokens = read.Int(value)
	case "reasoning":
		r.Params.ReasoningEffort = read.String(value.Get("effort"))
	case "text":
		r.Params.OutputType = outputType(read.String(value.Path("format", "type")))
	case "previous_response_id":
		r.PreviousResponseID = read.String(value)
	case "conversation":
		if r.ConversationID = read.String(value); r.ConversationID == "" {
			r.ConversationID = read.String(value.Get("id"))
		}
	case "prompt":
		r.Provenance.PromptID, r.Provenance.PromptVersion = read.String(value.Get("id")), read.String(value.Get("version"))
		r.Texts = read.ValueText(r.Texts, value.Get("variables"), system.As(genai.Document))
	default:
		return false
	}
	return true
}

// responsesInput reads a plain string, which is one user message, or items.
func responsesInput(r *genai.Request, input jsonspan.Value) {
	if input.Kind() == jsonspan.String {
		at := read.Place{Kind: genai.Content, Role: genai.User, Message: 0}
		m := genai.Message{Role: genai.User, Range: read.Range(input), FirstText: len(r.Texts), Parts: 1}
		r.Texts = read.Text(r.Texts, input, at)
		m.EndText = len(r.Texts)
		r.Messages = append(r.Messages, m)
		return
	}
	for _, item := range input.Elements() {
		responsesInputItem(r, item)
	}
}

func responsesInputItem(r *genai.Request, item jsonspan.Value) {
	kind := read.String(item.Get("type"))
	m := genai.Message{Range: read.Range(item), FirstText: len(r.Texts), Parts: 1}
	at := read.Place{Kind: genai.Content, Message: len(r.Messages)}
	switch {
	case kind == "message" || kind == "" && item.Get("role").Exists():
		role, known := roleOf(read.String(item.Get("role")))
		if !known {
			r.UnknownParts++
		}
		m.Role, at.Role = role, role
		m.Parts = parts(item.Get("content"))
		r.Texts = contentTexts(r, r.Texts, item.Get("content"), at)
	case strings.HasSuffix(kind, "_output"):
		m.Role, at.Role = genai.Tool, genai.Tool
		m.ToolCallID = read.String(item.Get("call_id"))
		r.Texts = outputTexts(r, r.Texts, item.Get("output"), at.As(genai.ToolResult))
	case kind == "item_reference":
	default:
		m.Role, at.Role = genai.Assistant, genai.Assistant
		if call, ok := itemToolCall(item); ok {
			m.ToolCalls = append(m.ToolCalls, call)
		}
		r.Texts = itemTexts(r, r.Texts, item, at)
	}
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

// outputTexts notes a tool's output: a string, or content parts.
func outputTexts(r *genai.Request, dst []genai.Text, output jsonspan.Value, at read.Place) []genai.Text {
	switch output.Kind() {
	case jsonspan.Array:
		return contentTexts(r, dst, output, at)
	case jsonspan.Object:
		return read.ValueText(dst, output, at)
	}
	return read.Text(dst, output, at)
}

// itemToolCall is the call an output item records; built-in tools' items are
// named by their type, as there is no other name.
func itemToolCall(item jsonspan.Value) (genai.ToolCall, bool) {
	kind := read.String(item.Get("type"))
	switch kind {
	case "function_call", "custom_tool_call", "mcp_call":
		t := genai.ToolCall{ID: read.String(item.Get("call_id")), Name: read.String(item.Get("name")), Type: kind}
		if t.ID == "" {
			t.ID = read.String(item.Get("id"))
		}
		if s, ok := item.Get("arguments").Str(); ok {
			t.Arguments = []byte(s)
		}
		return t, true
	}
	return genai.ToolCall{}, false
}

// itemTexts notes every text of an output item, whatever its type.
func itemTexts(r *genai.Request, dst []genai.Text, item jsonspan.Value, at read.Place) []genai.Text {
	kind := read.String(item.Get("type"))
	switch kind {
	case "message":
		if role, known := roleOf(read.String(item.Get("role"))); known {
			at.Role = role // a compaction repeats what the user said
		}
		return contentTexts(r, dst, item.Get("content"), at)
	case "reasoning":
		dst = contentTexts(r, dst, item.Get("summary"), at.As(genai.Reasoning))
		return contentTexts(r, dst, item.Get("content"), at.As(genai.Reasoning))
	case "function_call", "mcp_call":
		dst = read.JSONText(dst, item.Get("arguments"), at.As(genai.ToolArguments))
		return read.Text(dst, item.Get("output"), at.Whole(genai.ToolResult))
	case "custom_tool_call":
		return read.Text(dst, item.Get("input"), at.As(genai.ToolArguments))
	case "image_generation_call":
		return read.Text(dst, item.Get("revised_prompt"), at.As(genai.ToolArguments))
	case "code_interpreter_call":
		dst = read.Text(dst, item.Get("code"), at.As(genai.ToolArguments))
		return read.ValueText(dst, item.Get("outputs"), at.As(genai.ToolResult))
	}
	for _, member := range []string{"action", "queries", "results", "operation", "output", "tools"} {
		dst = read.ValueText(dst, item.Get(member), at.As(genai.ToolArguments))
	}
	return dst
}

// ReadResponse reads a response object, a compaction, or an error.
func (responses) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	readResponseObject(r, v)
	return r, nil
}

func readResponseObject(r *genai.Response, v jsonspan.Value) {
	r.ID, r.Model = read.String(v.Get("id")), read.String(v.Get("model"))
	r.ServiceTier, r.Status = read.String(v.Get("service_tier")), read.String(v.Get("status"))
	r.Choices = 1
	r.FinishReasons = finishOf(r.FinishReasons, v)
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	for i, item := range v.Get("output").Elements() {
		r.Texts = itemTexts(nil, r.Texts, item, at)
		if call, ok := itemToolCall(item); ok {
			call.Index = i
			r.ToolCalls = append(r.ToolCalls, call)
		}
	}
	r.Texts = echoes(r.Texts, v)
	if n, ok := read.Count(v.Get("input_tokens")); ok && v.Get("object").StrIs("response.input_tokens") {
		r.Usage = genai.Usage{InputTokens: n, HasInput: true, Reported: true}
		return
	}
	chatUsage(v, &r.Usage)
}

// echoes are what a response object repeats of its request.
func echoes(dst []genai.Text, v jsonspan.Value) []genai.Text {
	at := read.Place{Kind: genai.Content, Role: genai.System, Message: -1}
	dst = read.Text(dst, v.Get("instructions"), at)
	for _, tool := range v.Get("tools").Elements() {
		dst = read.Text(dst, tool.Get("description"), at.As(genai.ToolDescription))
	}
	return dst
}

// finishOf is the Responses API's word for why it ended: the reason of an
// incomplete response, else a status that is final.
func finishOf(dst []genai.FinishReason, v jsonspan.Value) []genai.FinishReason {
	reason := read.String(v.Path("incomplete_details", "reason"))
	if reason == "" {
		reason = read.String(v.Get("status"))
	}
	switch reason {
	case "", "queued", "in_progress":
		return dst
	}
	return append(dst, genai.FinishReason{Reason: reason})
}

// NewStream reads the typed events of a response.
// https://platform.openai.com/docs/api-reference/responses-streaming
func (responses) NewStream(h *dialect.Head, rh *dialect.ResponseHead) dialect.Stream {
	return &responsesStream{}
}

type responsesStream struct {
	responsesErrors
	usage genai.Usage
}

func (s *responsesStream) Read(ev *frame.Event, d *genai.Delta) error {
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
	kind := read.String(v.Get("type"))
	if kind == "" {
		kind = ev.Name
	}
	kind = strings.TrimPrefix(kind, "response.")
	switch {
	case kind == "error" || kind == "" && v.Get("error").Exists():
		s.failed(v, d)
	case v.Get("response").Exists():
		s.whole(kind, v.Get("response"), d)
	case strings.HasPrefix(kind, "output_item."):
		s.item(kind, v, d)
	case strings.HasSuffix(kind, ".delta"):
		s.running(kind, v, d)
	default:
		s.repeated(kind, v, d)
	}
	return nil
}

func (s *responsesStream) failed(v jsonspan.Value, d *genai.Delta) {
	d.Error = errorOf(v, 0)
	if d.Error == nil {
		d.Error = &genai.Error{Message: read.String(v.Get("message")), Code: code(v.Get("code")), Type: "error"}
	}
}

// whole reads an event that carries the response object: the first ones hold
// next to nothing, the terminal ones all that was said, once more.
func (s *responsesStream) whole(kind string, v jsonspan.Value, d *genai.Delta) {
	d.ID, d.Model = read.String(v.Get("id")), read.String(v.Get("model"))
	d.ServiceTier, d.Status = read.String(v.Get("service_tier")), read.String(v.Get("status"))
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	for _, item := range v.Get("output").Elements() {
		d.Texts = itemTexts(nil, d.Texts, item, at)
	}
	d.Texts = echoes(d.Texts, v)
	if d.HasUsage = chatUsage(v, &s.usage); d.HasUsage {
		d.Usage = s.usage
	}
	switch kind {
	case "completed", "incomplete", "failed", "cancelled":
		d.End = true
		d.FinishReasons = finishOf(d.FinishReasons, v)
		if e := v.Get("error"); e.Kind() == jsonspan.Object {
			d.Error = errorOf(v, 0)
		}
	}
}

func (s *responsesStream) item(kind string, v jsonspan.Value, d *genai.Delta) {
	item := v.Get("item")
	if call, ok := itemToolCall(item); ok && kind == "output_item.added" {
		n, _ := v.Get("output_index").Int()
		call.Index = int(n)
		d.ToolCalls = append(d.ToolCalls, call)
	}
	d.Texts = itemTexts(nil, d.Texts, item, read.Place{Kind: genai.Content, Role: genai.Assistant})
}

// running reads a delta of one of the texts that are told piece by piece.
func (s *responsesStream) running(kind string, v jsonspan.Value, d *genai.Delta) {
	output, _ := v.Get("output_index").Int()
	part, _ := v.Get("content_index").Int()
	part &= 0x7ff
	if n, ok := v.Get("summary_index").Int(); ok { // beside what is summed up
		part = n&0x7ff | 0x800
	}
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true}
	at.Channel.Item = int32(output<<12 | part)
	delta := v.Get("delta")
	switch {
	case strings.HasPrefix(kind, "output_text"):
		d.Texts = read.Text(d.Texts, delta, at.As(genai.Content))
	case strings.HasPrefix(kind, "refusal"):
		d.Texts = read.Text(d.Texts, delta, at.As(genai.Refusal))
	case strings.HasPrefix(kind, "reasoning"):
		d.Texts = read.Text(d.Texts, delta, at.As(genai.Reasoning))
	case strings.Contains(kind, "arguments"):
		d.Texts = read.JSONText(d.Texts, delta, at.As(genai.ToolArguments))
	case strings.HasPrefix(kind, "audio.delta"), strings.HasPrefix(kind, "response.audio.delta"):
	default: // code, custom tools' input, transcripts, and what is yet to come
		d.Texts = read.Text(d.Texts, delta, at.As(genai.ToolArguments))
	}
}

// repeated reads the events that say a finished text once more.
func (s *responsesStream) repeated(kind string, v jsonspan.Value, d *genai.Delta) {
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	if strings.HasPrefix(kind, "reasoning") {
		at.Kind = genai.Reasoning
	}
	for key, value := range v.Members() {
		switch key.String() {
		case "text", "refusal":
			d.Texts = read.Text(d.Texts, value, at)
		case "arguments":
			d.Texts = read.JSONText(d.Texts, value, at.As(genai.ToolArguments))
		case "code", "input":
			d.Texts = read.Text(d.Texts, value, at.As(genai.ToolArguments))
		case "part":
			d.Texts = partTexts(nil, d.Texts, value, at)
		case "annotation":
			d.Texts = read.Text(d.Texts, value.Get("title"), at.As(genai.Citation))
			d.Texts = read.Text(d.Texts, value.Get("url"), at.As(genai.URL))
		}
	}
	d.Unknown = !knownEvent(kind)
}

// knownEvent reports whether an event without texts is one of the API's.
func knownEvent(kind string) bool {
	for _, prefix := range []string{"output_text", "content_part", "refusal", "reasoning", "function_call", "code_interpreter", "web_search", "file_search", "image_generation", "mcp", "audio", "custom_tool", "keepalive", "local_shell", "computer"} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}

// responsesErrors renders errors as the Responses API does.
type responsesErrors struct{ errors }

// ErrorEvent is the typed error event, on which the official SDKs raise.
// https://platform.openai.com/docs/api-reference/responses-streaming/error
func (responsesErrors) ErrorEvent(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"type":"error","code":`...)
	b = jsonspan.AppendQuoted(b, e.Code)
	b = append(b, `,"message":`...)
	b = jsonspan.AppendQuoted(b, e.Message)
	b = append(b, `,"param":null,"sequence_number":0,"error":`...)
	inner := errorObject(e)
	b = append(b, inner[len(`{"error":`):len(inner)-1]...)
	return frame.AppendSSE(nil, "error", append(b, '}'))
}
