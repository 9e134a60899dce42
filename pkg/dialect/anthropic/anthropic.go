// Package anthropic reads Anthropic's wire formats: Messages, token counting and
// the legacy text completion, as Anthropic itself and Vertex AI serve them.
package anthropic

import (
	"fmt"
	"strings"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Name is the dialect's id.
const Name = "anthropic"

// Claims are the requests that speak this dialect.
func Claims() []dialect.Claim {
	return []dialect.Claim{
		{API: Messages{}, Suffix: "/v1/messages"},
		{API: Messages{}, Suffix: "/publishers/anthropic/models/*:rawPredict"},
		{API: Messages{}, Suffix: "/publishers/anthropic/models/*:streamRawPredict"},
		{API: countTokens{}, Suffix: "/v1/messages/count_tokens"},
		{API: complete{}, Suffix: "/v1/complete"},
	}
}

// Messages is */v1/messages. It is exported for bedrock, whose InvokeModel
// carries the same bodies.
// https://docs.anthropic.com/en/api/messages
type Messages struct{ Errors }

// Name is the API's id.
func (Messages) Name() string { return "anthropic.messages" }

// Dialect is the wire format's id.
func (Messages) Dialect() string { return Name }

// ReadRequest reads a request; on Vertex the model stands in the path.
func (Messages) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.Chat}
	if err := ReadMessages(r, v); err != nil {
		return nil, err
	}
	if r.Model == "" && h != nil {
		modelFromPath(r, h.Path)
	}
	return r, nil
}

// modelFromPath takes the model out of .../models/{model}:rawPredict.
func modelFromPath(r *genai.Request, path string) {
	segment := dialect.PathSegment(path, 0)
	if model, verb, ok := cutLast(segment, ":"); ok {
		r.Model = model
		r.Stream = r.Stream || verb == "streamRawPredict"
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// ReadMessages reads the members of a Messages request body.
func ReadMessages(r *genai.Request, v jsonspan.Value) error {
	for key, value := range v.Members() {
		if key.Is("messages") {
			if err := messages(r, value); err != nil {
				return err
			}
			continue
		}
		requestMember(r, key.String(), value)
	}
	return nil
}

func requestMember(r *genai.Request, key string, value jsonspan.Value) {
	p := &r.Params
	switch key {
	case "model":
		r.Model = read.String(value)
		if value.Kind() == jsonspan.String {
			r.ModelRange = genai.Range(value.Inner())
		}
	case "system":
		contentTexts(r, &r.Texts, value, read.Place{Kind: genai.Content, Role: genai.System, Message: -1})
	case "max_tokens", "max_tokens_to_sample":
		p.MaxTokens = read.Int(value)
	case "stream":
		r.Stream = read.Bool(value)
	case "temperature":
		p.Temperature = read.Float(value)
	case "top_p":
		p.TopP = read.Float(value)
	case "top_k":
		p.TopK = read.Float(value)
	case "stop_sequences":
		p.StopSequences = read.Strings(value)
	case "service_tier":
		p.ServiceTier = read.String(value)
	case "thinking":
		p.ReasoningEffort = read.String(value.Get("type"))
	case "tool_choice":
		if p.ToolChoice = read.String(value.Get("name")); p.ToolChoice == "" {
			p.ToolChoice = read.String(value.Get("type"))
		}
	case "output_format", "output_config":
		p.OutputType = outputType(value)
	case "tools":
		for _, tool := range value.Elements() {
			toolDefinition(r, tool)
		}
	case "metadata":
		r.User = read.String(value.Get("user_id"))
		r.Texts = read.ValueText(r.Texts, value, read.Place{Kind: genai.Metadata, Role: genai.User, Message: -1})
	case "container":
		r.ConversationID = read.String(value)
	}
}

func outputType(v jsonspan.Value) string {
	kind := read.String(v.Get("type"))
	if kind == "" {
		kind = read.String(v.Path("format", "type"))
	}
	if strings.HasPrefix(kind, "json") {
		return "json"
	}
	return kind
}

func toolDefinition(r *genai.Request, tool jsonspan.Value) {
	t := genai.ToolDefinition{Name: read.String(tool.Get("name")), Type: read.String(tool.Get("type")), Range: read.Range(tool)}
	if t.Type == "" {
		t.Type = "function"
	}
	if schema := tool.Get("input_schema"); schema.Exists() {
		t.Parameters = read.Range(schema)
	}
	r.Tools = append(r.Tools, t)
	r.Texts = read.Text(r.Texts, tool.Get("description"), read.Place{Kind: genai.ToolDescription, Role: genai.System, Message: -1})
}

func messages(r *genai.Request, v jsonspan.Value) error {
	if v.Kind() != jsonspan.Array {
		return fmt.Errorf("messages is not an array")
	}
	for i, message := range v.Elements() {
		if message.Kind() != jsonspan.Object {
			return fmt.Errorf("messages[%d] is not an object", i)
		}
		readMessage(r, message)
	}
	return nil
}

func readMessage(r *genai.Request, message jsonspan.Value) {
	role := genai.Role(read.String(message.Get("role")))
	content := message.Get("content")
	if onlyToolResults(content) {
		role = genai.Tool // a user turn that carries nothing a person said
	}
	switch role {
	case genai.User, genai.Assistant, genai.System, genai.Tool:
	default:
		r.UnknownParts++
	}
	m := genai.Message{Role: role, Range: read.Range(message), FirstText: len(r.Texts), Parts: 1}
	at := read.Place{Kind: genai.Content, Role: role, Message: len(r.Messages)}
	if content.Kind() == jsonspan.Array {
		m.Parts = 0
		for i, block := range content.Elements() {
			m.Parts++
			if call, ok := toolCall(block, i); ok {
				m.ToolCalls = append(m.ToolCalls, call)
			}
			if block.Get("type").StrIs("tool_result") {
				m.ToolCallID = read.String(block.Get("tool_use_id"))
			}
		}
	}
	contentTexts(r, &r.Texts, content, at)
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func onlyToolResults(content jsonspan.Value) bool {
	if content.Kind() != jsonspan.Array {
		return false
	}
	n := 0
	for _, block := range content.Elements() {
		if !block.Get("type").StrIs("tool_result") {
			return false
		}
		n++
	}
	return n > 0
}

// toolCall reads a tool_use block, also of a tool that runs at the provider.
func toolCall(block jsonspan.Value, index int) (genai.ToolCall, bool) {
	kind := read.String(block.Get("type"))
	switch kind {
	case "tool_use", "server_tool_use", "mcp_tool_use":
		t := genai.ToolCall{ID: read.String(block.Get("id")), Name: read.String(block.Get("name")), Type: kind, Server: kind != "tool_use", Index: index}
		if input := block.Get("input"); input.Exists() {
			t.Arguments = input.Raw()
		}
		return t, true
	}
	return genai.ToolCall{}, false
}

// contentTexts notes the texts of a content: a string, or blocks.
func contentTexts(r *genai.Request, dst *[]genai.Text, content jsonspan.Value, at read.Place) {
	if content.Kind() == jsonspan.String {
		*dst = read.Text(*dst, content, at)
		return
	}
	for _, block := range content.Elements() {
		blockTexts(r, dst, block, at)
	}
}

// blockTexts notes the texts of one content block, whatever its type. r is nil
// for responses.
func blockTexts(r *genai.Request, dst *[]genai.Text, block jsonspan.Value, at read.Place) {
	switch kind := read.String(block.Get("type")); kind {
	case "text":
		*dst = read.Text(*dst, block.Get("text"), at)
		citations(dst, block.Get("citations"), at)
	case "thinking":
		// The signature covers the thinking: a changed block is refused.
		at.Frozen = r != nil
		*dst = read.Text(*dst, block.Get("thinking"), at.As(genai.Reasoning))
	case "redacted_thinking": // encrypted: there is nothing to read
	case "tool_use", "server_tool_use", "mcp_tool_use":
		*dst = read.ValueText(*dst, block.Get("input"), at.As(genai.ToolArguments))
	case "tool_result", "mcp_tool_result":
		at.Role = genai.Tool
		contentTexts(r, dst, block.Get("content"), at.As(genai.ToolResult))
	case "image", "document", "file":
		attachment(r, dst, block, kind, at)
	case "search_result":
		*dst = read.Text(*dst, block.Get("title"), at.As(genai.Citation))
		*dst = read.Text(*dst, block.Get("source"), at.As(genai.URL))
		contentTexts(r, dst, block.Get("content"), at.As(genai.Document))
	case "container_upload", "fallback", "compaction":
		*dst = read.Text(*dst, block.Get("content"), at)
	default:
		if strings.HasSuffix(kind, "_tool_result") {
			at.Role = genai.Tool
			*dst = read.ValueText(*dst, block.Get("content"), at.As(genai.ToolResult))
			return
		}
		if r != nil {
			r.UnknownParts++
		}
	}
}

func citations(dst *[]genai.Text, list jsonspan.Value, at read.Place) {
	for _, c := range list.Elements() {
		citation(dst, c, at)
	}
}

func citation(dst *[]genai.Text, c jsonspan.Value, at read.Place) {
	for _, member := range []string{"cited_text", "document_title", "title"} {
		*dst = read.Text(*dst, c.Get(member), at.Whole(genai.Citation))
	}
	*dst = read.Text(*dst, c.Get("url"), at.Whole(genai.URL))
}

// attachment reads an image or a document: inline as base64 or text, by URL, by
// file id, or as content blocks.
func attachment(r *genai.Request, dst *[]genai.Text, block jsonspan.Value, kind string, at read.Place) {
	source := block.Get("source")
	a := genai.Attachment{Modality: "image", Message: at.Message, Range: read.Range(block), MediaType: read.String(source.Get("media_type"))}
	if kind != "image" {
		a.Modality = "file"
	}
	a.Name = read.String(block.Get("title"))
	*dst = read.Text(*dst, block.Get("title"), at.Whole(genai.FileName))
	*dst = read.Text(*dst, block.Get("context"), at.Whole(genai.Document))
	switch read.String(source.Get("type")) {
	case "base64":
		a.Bytes = read.Base64Size(read.String(source.Get("data")))
	case "text": // plain text that can be read like any other
		*dst = read.Text(*dst, source.Get("data"), at.As(genai.Document))
		return
	case "content":
		contentTexts(r, dst, source.Get("content"), at.As(genai.Document))
		return
	case "url":
		a.URI = read.String(source.Get("url"))
		*dst = read.Text(*dst, source.Get("url"), at.Whole(genai.URL))
	case "file":
		a.URI = read.String(source.Get("file_id"))
	}
	if r != nil {
		r.Attachments = append(r.Attachments, a)
	}
}
