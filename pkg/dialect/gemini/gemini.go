// Package gemini reads Google's wire formats: generateContent and its streams,
// embeddings, token counts, Vertex's predict and the Interactions API, as AI
// Studio and Vertex AI serve them. The model stands in the path.
package gemini

import (
	"fmt"
	"strings"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Name is the dialect's id.
const Name = "gemini"

// Claims are the requests that speak this dialect.
func Claims() []dialect.Claim {
	return []dialect.Claim{
		{API: generate{}, Suffix: "/models/*:generateContent"},
		{API: generate{}, Suffix: "/endpoints/*:generateContent"},
		{API: generate{stream: true}, Suffix: "/models/*:streamGenerateContent"},
		{API: generate{stream: true}, Suffix: "/endpoints/*:streamGenerateContent"},
		{API: embed{}, Suffix: "/models/*:embedContent"},
		{API: embed{}, Suffix: "/models/*:batchEmbedContents"},
		{API: countTokens{}, Suffix: "/models/*:countTokens"},
		{API: predict{}, Suffix: "/models/*:predict"},
		{API: interactions{}, Suffix: "/v1beta/interactions"},
	}
}

// modelOf is the model in the path: .../models/{model}:generateContent.
func modelOf(h *dialect.Head) string {
	if h == nil {
		return ""
	}
	model, _, _ := strings.Cut(dialect.PathSegment(h.Path, 0), ":")
	return model
}

// either is the member under its camel case name, or its snake case one, which
// Google accepts too.
func either(v jsonspan.Value, camel, snake string) jsonspan.Value {
	if m := v.Get(camel); m.Exists() {
		return m
	}
	return v.Get(snake)
}

// generate is :generateContent and :streamGenerateContent.
// https://ai.google.dev/api/generate-content
type generate struct {
	errors
	stream bool
}

func (g generate) Name() string {
	if g.stream {
		return "gemini.streamGenerateContent"
	}
	return "gemini.generateContent"
}

func (generate) Dialect() string { return Name }

func (g generate) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.GenerateContent, Model: modelOf(h), Stream: g.stream, UsageRequested: true}
	return r, generateMembers(r, v)
}

func generateMembers(r *genai.Request, v jsonspan.Value) error {
	for key, value := range v.Members() {
		switch key.String() {
		case "contents":
			if err := contents(r, value); err != nil {
				return err
			}
		case "systemInstruction", "system_instruction":
			partsTexts(r, &r.Texts, value.Get("parts"), read.Place{Kind: genai.Content, Role: genai.System, Message: -1})
		case "tools":
			for _, tool := range value.Elements() {
				tools(r, tool)
			}
		case "toolConfig", "tool_config":
			r.Params.ToolChoice = read.String(either(either(value, "functionCallingConfig", "function_calling_config"), "mode", "mode"))
		case "generationConfig", "generation_config":
			generationConfig(&r.Params, value)
		case "cachedContent", "cached_content":
			r.UnknownParts++ // what the cache holds is not in the request
			r.Provenance.AddSource(read.String(value))
		case "labels":
			r.Texts = read.ValueText(r.Texts, value, read.Place{Kind: genai.Metadata, Role: genai.User, Message: -1})
		}
	}
	return nil
}

func generationConfig(p *genai.Params, v jsonspan.Value) {
	for key, value := range v.Members() {
		switch key.String() {
		case "maxOutputTokens", "max_output_tokens":
			p.MaxTokens = read.Int(value)
		case "temperature":
			p.Temperature = read.Float(value)
		case "topP", "top_p":
			p.TopP = read.Float(value)
		case "topK", "top_k":
			p.TopK = read.Float(value)
		case "candidateCount", "candidate_count":
			p.Choices = read.Int(value)
		case "seed":
			p.Seed = read.Int(value)
		case "stopSequences", "stop_sequences":
			p.StopSequences = read.Strings(value)
		case "presencePenalty", "presence_penalty":
			p.PresencePenalty = read.Float(value)
		case "frequencyPenalty", "frequency_penalty":
			p.FrequencyPenalty = read.Float(value)
		case "responseMimeType", "response_mime_type":
			p.OutputType = outputType(read.String(value))
		case "thinkingConfig", "thinking_config":
			p.ReasoningEffort = read.String(either(value, "thinkingLevel", "thinking_level"))
		}
	}
}

func outputType(mimeType string) string {
	switch {
	case strings.HasSuffix(mimeType, "json"):
		return "json"
	case mimeType == "text/plain":
		return "text"
	}
	return mimeType
}

// tools reads one entry of tools: declarations, or a built-in tool's name.
func tools(r *genai.Request, tool jsonspan.Value) {
	for key, value := range tool.Members() {
		name := key.String()
		if name != "functionDeclarations" && name != "function_declarations" {
			r.Tools = append(r.Tools, genai.ToolDefinition{Name: name, Type: name, Range: read.Range(tool)})
			if name == "retrieval" {
				retrieval(&r.Provenance, value)
			}
			continue
		}
		for _, f := range value.Elements() {
			t := genai.ToolDefinition{Name: read.String(f.Get("name")), Type: "function", Range: read.Range(f)}
			if p := f.Get("parameters"); p.Exists() {
				t.Parameters = read.Range(p)
			}
			r.Tools = append(r.Tools, t)
			r.Texts = read.Text(r.Texts, f.Get("description"), read.Place{Kind: genai.ToolDescription, Role: genai.System, Message: -1})
		}
	}
}

// retrieval notes the stores that Vertex grounds an answer in.
// https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Tool#Retrieval
func retrieval(p *genai.Provenance, v jsonspan.Value) {
	search := either(v, "vertexAiSearch", "vertex_ai_search")
	p.AddSource(read.String(search.Get("datastore")))
	p.AddSource(read.String(search.Get("engine")))
	store := either(v, "vertexRagStore", "vertex_rag_store")
	for _, resource := range either(store, "ragResources", "rag_resources").Elements() {
		p.AddSource(read.String(either(resource, "ragCorpus", "rag_corpus")))
	}
}

// contents reads an array of contents; a single one is allowed too.
func contents(r *genai.Request, v jsonspan.Value) error {
	switch v.Kind() {
	case jsonspan.Object:
		content(r, v)
		return nil
	case jsonspan.Array:
	default:
		return fmt.Errorf("contents is not an array")
	}
	for i, each := range v.Elements() {
		if each.Kind() != jsonspan.Object {
			return fmt.Errorf("contents[%d] is not an object", i)
		}
		content(r, each)
	}
	return nil
}

func content(r *genai.Request, v jsonspan.Value) {
	parts := v.Get("parts")
	role := roleOf(read.String(v.Get("role")))
	if onlyFunctionResponses(parts) {
		role = genai.Tool
	}
	m := genai.Message{Role: role, Range: read.Range(v), FirstText: len(r.Texts)}
	at := read.Place{Kind: genai.Content, Role: role, Message: len(r.Messages)}
	for i, part := range oneOrMany(parts) {
		m.Parts++
		if call, ok := functionCall(part, i); ok {
			m.ToolCalls = append(m.ToolCalls, call)
		}
	}
	partsTexts(r, &r.Texts, parts, at)
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func roleOf(s string) genai.Role {
	switch s {
	case "model":
		return genai.Assistant
	case "function", "tool":
		return genai.Tool
	case "system":
		return genai.System
	}
	return genai.User
}

func onlyFunctionResponses(parts jsonspan.Value) bool {
	list := oneOrMany(parts)
	for _, part := range list {
		if !either(part, "functionResponse", "function_response").Exists() {
			return false
		}
	}
	return len(list) > 0
}

func oneOrMany(v jsonspan.Value) []jsonspan.Value {
	if v.Kind() == jsonspan.Object {
		return []jsonspan.Value{v}
	}
	var list []jsonspan.Value
	for _, each := range v.Elements() {
		list = append(list, each)
	}
	return list
}

func functionCall(part jsonspan.Value, index int) (genai.ToolCall, bool) {
	call := either(part, "functionCall", "function_call")
	if !call.Exists() {
		return genai.ToolCall{}, false
	}
	t := genai.ToolCall{ID: read.String(call.Get("id")), Name: read.String(call.Get("name")), Type: "function", Index: index}
	if args := call.Get("args"); args.Exists() {
		t.Arguments = args.Raw()
	}
	return t, true
}

// partsTexts notes the texts of parts. r is nil for responses.
func partsTexts(r *genai.Request, dst *[]genai.Text, parts jsonspan.Value, at read.Place) {
	for _, part := range oneOrMany(parts) {
		partTexts(r, dst, part, at)
	}
}

func partTexts(r *genai.Request, dst *[]genai.Text, part jsonspan.Value, at read.Place) {
	if read.Bool(part.Get("thought")) {
		at = at.As(genai.Reasoning)
	}
	if signature := either(part, "thoughtSignature", "thought_signature"); r != nil && signature.Exists() {
		at.Frozen = true // the signature covers the part
	}
	for key, value := range part.Members() {
		switch key.String() {
		case "text":
			*dst = read.Text(*dst, value, at)
		case "functionCall", "function_call":
			*dst = read.ValueText(*dst, value.Get("args"), at.Whole(genai.ToolArguments))
		case "functionResponse", "function_response":
			at.Role = genai.Tool
			*dst = read.ValueText(*dst, value.Get("response"), at.Whole(genai.ToolResult))
		case "executableCode", "executable_code":
			*dst = read.Text(*dst, value.Get("code"), at.Whole(genai.ToolArguments))
		case "codeExecutionResult", "code_execution_result":
			*dst = read.Text(*dst, value.Get("output"), at.Whole(genai.ToolResult))
		case "inlineData", "inline_data":
			attachment(r, value, at, int64(len(value.Get("data").Raw()))*3/4)
		case "fileData", "file_data":
			*dst = read.Text(*dst, either(value, "fileUri", "file_uri"), at.Whole(genai.URL))
			attachment(r, value, at, 0)
		case "thought", "thoughtSignature", "thought_signature", "videoMetadata", "video_metadata", "partMetadata":
		default:
			if r != nil {
				r.UnknownParts++
			}
		}
	}
}

func attachment(r *genai.Request, v jsonspan.Value, at read.Place, size int64) {
	if r == nil {
		return
	}
	a := genai.Attachment{MediaType: read.String(either(v, "mimeType", "mime_type")), Bytes: size, Message: at.Message, Range: read.Range(v)}
	a.Modality = read.Modality(a.MediaType)
	a.URI, a.Name = read.String(either(v, "fileUri", "file_uri")), read.String(either(v, "displayName", "display_name"))
	r.Attachments = append(r.Attachments, a)
}

// Framing tells the streamed JSON array from a plain document: without ?alt=sse
// a stream is one array, whose elements come one by one.
func (g generate) Framing(h *dialect.Head, rh *dialect.ResponseHead, _ *genai.Request) (frame.Kind, bool) {
	if !g.stream || h == nil || strings.Contains(h.Query, "alt=sse") || rh.ContentType == "text/event-stream" || rh.Status >= 400 {
		return 0, false
	}
	return frame.JSONArray, true
}

// embed is :embedContent and :batchEmbedContents.
// https://ai.google.dev/api/embeddings
type embed struct{ whole }

func (embed) Name() string    { return "gemini.embedContent" }
func (embed) Dialect() string { return Name }

func (embed) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.Embeddings, Model: modelOf(h)}
	if one := v.Get("content"); one.Exists() {
		content(r, one)
	}
	for _, each := range v.Get("requests").Elements() {
		content(r, each.Get("content"))
	}
	r.Params.Dimensions = read.Int(either(v, "outputDimensionality", "output_dimensionality"))
	return r, nil
}

func (embed) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	var u usage
	u.overlay(v.Get("usageMetadata"))
	r.Usage = u.total()
	return r, nil
}

// countTokens is :countTokens.
// https://ai.google.dev/api/tokens
type countTokens struct{ whole }

func (countTokens) Name() string    { return "gemini.countTokens" }
func (countTokens) Dialect() string { return Name }

func (countTokens) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	if inner := either(v, "generateContentRequest", "generate_content_request"); inner.Exists() {
		v = inner
	}
	r := &genai.Request{Operation: genai.CountTokens, Model: modelOf(h)}
	return r, generateMembers(r, v)
}

func (countTokens) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.Usage.InputTokens, r.Usage.HasInput = v.Get("totalTokens").Int()
	r.Usage.CacheReadTokens, r.Usage.HasCacheRead = v.Get("cachedContentTokenCount").Int()
	r.Usage.Reported = r.Usage.HasInput
	return r, nil
}

// predict is Vertex's :predict, as embeddings use it.
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
type predict struct{ whole }

func (predict) Name() string    { return "vertex.predict" }
func (predict) Dialect() string { return Name }

func (predict) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.Embeddings, Model: modelOf(h)}
	for _, instance := range v.Get("instances").Elements() {
		m := genai.Message{Role: genai.User, Range: read.Range(instance), FirstText: len(r.Texts), Parts: 1}
		r.Texts = read.ValueText(r.Texts, instance, read.Place{Kind: genai.Content, Role: genai.User, Message: len(r.Messages)})
		m.EndText = len(r.Texts)
		r.Messages = append(r.Messages, m)
	}
	return r, nil
}

func (predict) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	for _, p := range v.Get("predictions").Elements() {
		if n, ok := p.Path("embeddings", "statistics", "token_count").Int(); ok {
			r.Usage.InputTokens += n
			r.Usage.HasInput, r.Usage.Reported = true, true
		}
	}
	return r, nil
}

// whole is what the APIs share that answer in one document.
type whole struct{ errors }

func (whole) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &stream{} }
