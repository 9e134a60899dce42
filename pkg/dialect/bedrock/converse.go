package bedrock

import (
	"fmt"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// converse is */converse and */converse-stream.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
type converse struct {
	errors
	stream bool
}

func (c converse) Name() string {
	if c.stream {
		return "bedrock.converse_stream"
	}
	return "bedrock.converse"
}

func (converse) Dialect() string { return Name }

func (c converse) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.Chat, Model: modelOf(h), Stream: c.stream, UsageRequested: true}
	promptOf(r)
	return r, converseMembers(r, v)
}

// converseMembers reads a Converse body, which Nova's InvokeModel body is too.
func converseMembers(r *genai.Request, v jsonspan.Value) error {
	system := read.Place{Kind: genai.Content, Role: genai.System, Message: -1}
	for key, value := range v.Members() {
		switch key.String() {
		case "messages":
			for i, message := range value.Elements() {
				if message.Kind() != jsonspan.Object {
					return fmt.Errorf("messages[%d] is not an object", i)
				}
				converseMessage(r, message)
			}
		case "system":
			for _, block := range value.Elements() {
				blockTexts(r, &r.Texts, block, system)
			}
		case "inferenceConfig":
			inference(&r.Params, value)
		case "toolConfig":
			for _, tool := range value.Get("tools").Elements() {
				toolDefinition(r, tool)
			}
		case "guardrailConfig":
			r.Guardrail = read.String(value.Get("guardrailIdentifier"))
		case "additionalModelRequestFields":
			r.Params.TopK = read.Float(value.Get("top_k"))
		case "requestMetadata", "promptVariables":
			r.Texts = read.ValueText(r.Texts, value, read.Place{Kind: genai.Metadata, Role: genai.User, Message: -1})
		}
	}
	return nil
}

func inference(p *genai.Params, v jsonspan.Value) {
	for key, value := range v.Members() {
		switch key.String() {
		case "maxTokens", "max_new_tokens":
			p.MaxTokens = read.Int(value)
		case "temperature":
			p.Temperature = read.Float(value)
		case "topP", "top_p":
			p.TopP = read.Float(value)
		case "topK", "top_k":
			p.TopK = read.Float(value)
		case "stopSequences":
			p.StopSequences = read.Strings(value)
		}
	}
}

func toolDefinition(r *genai.Request, tool jsonspan.Value) {
	spec := tool.Get("toolSpec")
	if !spec.Exists() {
		if name := read.String(tool.Path("systemTool", "name")); name != "" {
			r.Tools = append(r.Tools, genai.ToolDefinition{Name: name, Type: "systemTool", Range: read.Range(tool)})
		}
		return // a cache point
	}
	t := genai.ToolDefinition{Name: read.String(spec.Get("name")), Type: "function", Range: read.Range(tool)}
	if schema := spec.Path("inputSchema", "json"); schema.Exists() {
		t.Parameters = read.Range(schema)
	}
	r.Tools = append(r.Tools, t)
	r.Texts = read.Text(r.Texts, spec.Get("description"), read.Place{Kind: genai.ToolDescription, Role: genai.System, Message: -1})
}

func converseMessage(r *genai.Request, message jsonspan.Value) {
	content := message.Get("content")
	role := genai.Role(read.String(message.Get("role")))
	if onlyToolResults(content) {
		role = genai.Tool
	}
	m := genai.Message{Role: role, Range: read.Range(message), FirstText: len(r.Texts)}
	at := read.Place{Kind: genai.Content, Role: role, Message: len(r.Messages)}
	for i, block := range content.Elements() {
		m.Parts++
		if call, ok := toolCall(block, i); ok {
			m.ToolCalls = append(m.ToolCalls, call)
		}
		if id := read.String(block.Path("toolResult", "toolUseId")); id != "" {
			m.ToolCallID = id
		}
		blockTexts(r, &r.Texts, block, at)
	}
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func onlyToolResults(content jsonspan.Value) bool {
	n := 0
	for _, block := range content.Elements() {
		if !block.Get("toolResult").Exists() {
			return false
		}
		n++
	}
	return n > 0
}

func toolCall(block jsonspan.Value, index int) (genai.ToolCall, bool) {
	use := block.Get("toolUse")
	if !use.Exists() {
		return genai.ToolCall{}, false
	}
	t := genai.ToolCall{ID: read.String(use.Get("toolUseId")), Name: read.String(use.Get("name")), Type: "function", Index: index}
	if input := use.Get("input"); input.Exists() {
		t.Arguments = input.Raw()
	}
	return t, true
}

// blockTexts notes the texts of a content block: an object with one member that
// names its kind. r is nil for responses.
func blockTexts(r *genai.Request, dst *[]genai.Text, block jsonspan.Value, at read.Place) {
	for key, value := range block.Members() {
		switch kind := key.String(); kind {
		case "text":
			*dst = read.Text(*dst, value, at)
		case "toolUse":
			*dst = read.ValueText(*dst, value.Get("input"), at.As(genai.ToolArguments))
		case "toolResult":
			at.Role = genai.Tool
			for _, inner := range value.Get("content").Elements() {
				blockTexts(r, dst, inner, at.As(genai.ToolResult))
			}
		case "json":
			*dst = read.ValueText(*dst, value, at)
		case "reasoningContent":
			signed := at.As(genai.Reasoning)
			signed.Frozen = r != nil && value.Path("reasoningText", "signature").Exists()
			*dst = read.Text(*dst, value.Path("reasoningText", "text"), signed)
		case "guardContent":
			*dst = read.Text(*dst, value.Path("text", "text"), at)
		case "citationsContent":
			citations(r, dst, value, at)
		case "searchResult":
			*dst = read.Text(*dst, value.Get("title"), at.As(genai.Citation))
			*dst = read.Text(*dst, value.Get("source"), at.As(genai.URL))
			for _, inner := range value.Get("content").Elements() {
				blockTexts(r, dst, inner, at.As(genai.Document))
			}
		case "image", "document", "video", "audio":
			attachment(r, dst, value, kind, at)
		case "cachePoint":
		default:
			if r != nil {
				r.UnknownParts++
			}
		}
	}
}

func citations(r *genai.Request, dst *[]genai.Text, v jsonspan.Value, at read.Place) {
	for _, inner := range v.Get("content").Elements() {
		blockTexts(r, dst, inner, at)
	}
	for _, c := range v.Get("citations").Elements() {
		*dst = read.Text(*dst, c.Get("title"), at.Whole(genai.Citation))
		for _, source := range c.Get("sourceContent").Elements() {
			*dst = read.Text(*dst, source.Get("text"), at.Whole(genai.Citation))
		}
	}
}

// attachment reads {"format","source":{"bytes" | "s3Location"},"name"}.
func attachment(r *genai.Request, dst *[]genai.Text, v jsonspan.Value, kind string, at read.Place) {
	a := genai.Attachment{Modality: kind, Message: at.Message, Range: read.Range(v), Name: read.String(v.Get("name"))}
	format := read.String(v.Get("format"))
	if a.Modality == "document" {
		a.Modality, a.MediaType = "file", "application/"+format
	} else {
		a.MediaType = kind + "/" + format
	}
	*dst = read.Text(*dst, v.Get("name"), at.Whole(genai.FileName))
	*dst = read.Text(*dst, v.Get("context"), at.Whole(genai.Document))
	source := v.Get("source")
	*dst = read.Text(*dst, source.Get("text"), at.As(genai.Document))
	a.Bytes = read.Base64Size(read.String(source.Get("bytes")))
	a.URI = read.String(source.Path("s3Location", "uri"))
	if r != nil {
		r.Attachments = append(r.Attachments, a)
	}
}

func (converse) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	converseResponse(r, v)
	return r, nil
}

func converseResponse(r *genai.Response, v jsonspan.Value) {
	r.Choices = 1
	r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Reason: read.String(v.Get("stopReason"))})
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	for i, block := range v.Path("output", "message", "content").Elements() {
		blockTexts(nil, &r.Texts, block, at)
		if call, ok := toolCall(block, i); ok {
			r.ToolCalls = append(r.ToolCalls, call)
		}
	}
	r.Usage = usageOf(v.Get("usage"))
}

func (converse) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream {
	return &converseStream{}
}

// converseStream reads the events of ConverseStream; the event's type stands in
// its header.
type converseStream struct{ errors }

func (s *converseStream) Read(ev *frame.Event, d *genai.Delta) error {
	if len(ev.Payload) == 0 {
		return nil
	}
	v, err := read.Object("the event", ev.Payload)
	if err != nil {
		return err
	}
	if ev.Kind == frame.Exception {
		d.Error = &genai.Error{Type: ev.Name, Message: read.String(messageOf(v))}
		return nil
	}
	converseEvent(ev.Name, v, d)
	return nil
}

// converseEvent reads an event by its name.
func converseEvent(name string, v jsonspan.Value, d *genai.Delta) {
	index, _ := v.Get("contentBlockIndex").Int()
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true}
	at.Channel.Item = int32(index)
	switch name {
	case "contentBlockStart":
		if call, ok := toolCall(v.Get("start"), int(index)); ok {
			d.ToolCalls = append(d.ToolCalls, call)
		}
	case "contentBlockDelta":
		delta := v.Get("delta")
		d.Texts = read.Text(d.Texts, delta.Get("text"), at.As(genai.Content))
		d.Texts = read.JSONText(d.Texts, delta.Path("toolUse", "input"), at.As(genai.ToolArguments))
		d.Texts = read.Text(d.Texts, delta.Path("reasoningContent", "text"), at.As(genai.Reasoning))
		for _, source := range delta.Path("citation", "sourceContent").Elements() {
			d.Texts = read.Text(d.Texts, source.Get("text"), at.Whole(genai.Citation))
		}
	case "messageStop":
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Reason: read.String(v.Get("stopReason"))})
	case "metadata":
		if usage := v.Get("usage"); usage.Exists() {
			d.Usage, d.HasUsage = usageOf(usage), true
		}
		d.End = true
	case "messageStart", "contentBlockStop":
	default:
		d.Unknown = true
	}
}
