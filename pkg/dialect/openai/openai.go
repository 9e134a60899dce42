// Package openai reads OpenAI's wire formats, which most other servers speak
// too: Azure OpenAI, vLLM, llama.cpp, Groq, DeepSeek, xAI, OpenRouter and many
// more, each with members of its own that pass unread.
package openai

import (
	"strings"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Name is the dialect's id.
const Name = "openai"

// Claims are the requests that speak this dialect.
func Claims() []dialect.Claim {
	return []dialect.Claim{
		{API: chat{}, Suffix: "/chat/completions"},
		{API: chat{}, Suffix: "/v1/chat", Shape: hasArray("messages")}, // Writer
		{API: responses{}, Suffix: "/responses"},
		{API: responses{}, Suffix: "/responses/*", Method: "GET"},
		{API: responses{}, Suffix: "/responses/compact"},
		{API: responses{}, Suffix: "/responses/input_tokens"},
		{API: completions{}, Suffix: "/v1/completions"},
		{API: completions{}, Suffix: "/deployments/*/completions"},
		{API: completions{}, Suffix: "/completions", Shape: hasMember("prompt")},
		{API: embeddings{}, Suffix: "/embeddings"},
		{API: moderations{}, Suffix: "/moderations"},
		{API: images{}, Suffix: "/images/generations"},
		{API: images{}, Suffix: "/images/edits"},
		{API: images{}, Suffix: "/images/variations"},
		{API: transcriptions{}, Suffix: "/audio/transcriptions"},
		{API: transcriptions{}, Suffix: "/audio/translations"},
		{API: speech{}, Suffix: "/audio/speech"},
	}
}

// hasArray tells a body by an array member's name.
func hasArray(member string) func([]byte) bool {
	return func(body []byte) bool { return jsonspan.Root(body).Get(member).Kind() == jsonspan.Array }
}

// hasMember tells a body by a member's name.
func hasMember(member string) func([]byte) bool {
	return func(body []byte) bool { return jsonspan.Root(body).Get(member).Exists() }
}

// commonParam reads the members that several request kinds share.
func commonParam(r *genai.Request, key jsonspan.Key, value jsonspan.Value) {
	p := &r.Params
	switch key.String() {
	case "model":
		r.Model = read.String(value)
		if value.Kind() == jsonspan.String {
			r.ModelRange = genai.Range(value.Inner())
		}
	case "stream":
		r.Stream = read.Bool(value)
	case "temperature":
		p.Temperature = read.Float(value)
	case "top_p":
		p.TopP = read.Float(value)
	case "top_k":
		p.TopK = read.Float(value)
	case "frequency_penalty":
		p.FrequencyPenalty = read.Float(value)
	case "presence_penalty":
		p.PresencePenalty = read.Float(value)
	case "seed":
		p.Seed = read.Int(value)
	case "n":
		p.Choices = read.Int(value)
	case "stop":
		p.StopSequences = read.Strings(value)
	case "service_tier":
		p.ServiceTier = read.String(value)
	case "tool_choice":
		p.ToolChoice = toolChoice(value)
	case "user", "safety_identifier":
		r.User = read.String(value)
		r.Texts = read.Text(r.Texts, value, read.Place{Kind: genai.Metadata, Role: genai.User, Message: -1})
	case "metadata":
		r.Texts = read.ValueText(r.Texts, value, read.Place{Kind: genai.Metadata, Role: genai.User, Message: -1})
	}
}

func toolChoice(v jsonspan.Value) string {
	if s, ok := v.Str(); ok {
		return s
	}
	if name := read.String(v.Path("function", "name")); name != "" {
		return name
	}
	return read.String(v.Get("name"))
}

// modelFromPath takes the deployment out of an Azure path where the body names
// no model: /openai/deployments/{deployment}/chat/completions.
func modelFromPath(r *genai.Request, h *dialect.Head) {
	if r.Model != "" || h == nil {
		return
	}
	for n := 1; n < 8; n++ {
		if dialect.PathSegment(h.Path, n) == "deployments" {
			r.Model = dialect.PathSegment(h.Path, n-1)
			return
		}
	}
}

// outputType maps response_format.type to gen_ai.output.type.
func outputType(format string) string {
	if strings.HasPrefix(format, "json") {
		return "json"
	}
	return format
}

func roleOf(s string) (genai.Role, bool) {
	switch s {
	case "system", "developer":
		return genai.System, true
	case "user":
		return genai.User, true
	case "assistant":
		return genai.Assistant, true
	case "tool", "function":
		return genai.Tool, true
	}
	return genai.Role(s), false
}

func toolDefinition(r *genai.Request, whole, inner jsonspan.Value, kind string) {
	t := genai.ToolDefinition{Name: read.String(inner.Get("name")), Type: kind, Range: read.Range(whole)}
	if t.Name == "" {
		t.Name = kind
	}
	if p := inner.Get("parameters"); p.Exists() {
		t.Parameters = read.Range(p)
	}
	r.Tools = append(r.Tools, t)
	r.Texts = read.Text(r.Texts, inner.Get("description"), read.Place{Kind: genai.ToolDescription, Role: genai.System, Message: -1})
}

// parts counts content parts: one for a plain string.
func parts(content jsonspan.Value) int {
	switch content.Kind() {
	case jsonspan.String:
		return 1
	case jsonspan.Array:
		n := 0
		for range content.Elements() {
			n++
		}
		return n
	}
	return 0
}

// contentTexts notes the texts of a message's content, a string or an array of
// parts, and, where r is given, its attachments.
func contentTexts(r *genai.Request, dst []genai.Text, content jsonspan.Value, at read.Place) []genai.Text {
	if content.Kind() == jsonspan.String {
		return read.Text(dst, content, at)
	}
	for i, part := range content.Elements() {
		dst = partTexts(r, dst, part, at.Part(i))
	}
	return dst
}

func partTexts(r *genai.Request, dst []genai.Text, part jsonspan.Value, at read.Place) []genai.Text {
	switch kind := read.String(part.Get("type")); kind {
	case "text", "input_text", "output_text":
		dst = read.Text(dst, part.Get("text"), at)
		return annotationTexts(dst, part.Get("annotations"), at)
	case "summary_text":
		return read.Text(dst, part.Get("text"), at.As(genai.Reasoning))
	case "reasoning_text":
		return read.Text(dst, part.Get("text"), at.As(genai.Reasoning))
	case "refusal":
		return read.Text(dst, part.Get("refusal"), at.As(genai.Refusal))
	case "thinking": // Mistral: thinking is an array of text parts
		return contentTexts(r, dst, part.Get("thinking"), at.As(genai.Reasoning))
	case "image_url", "input_image", "input_audio", "file", "input_file", "audio_url", "video_url":
		return attachment(r, dst, part, kind, at)
	case "":
		if part.Kind() == jsonspan.String { // an array of strings, as some servers allow
			return read.Text(dst, part, at)
		}
	}
	if r != nil {
		r.UnknownParts++
	}
	return read.Text(dst, part.Get("text"), at)
}

func annotationTexts(dst []genai.Text, annotations jsonspan.Value, at read.Place) []genai.Text {
	for _, a := range annotations.Elements() {
		for _, member := range []string{"title", "filename", "file_name"} {
			dst = read.Text(dst, a.Get(member), at.Whole(genai.Citation))
		}
		dst = read.Text(dst, a.Get("url"), at.Whole(genai.URL))
	}
	return dst
}

// attachment reads image_url{url}, input_image{image_url}, input_audio{data,
// format}, file{filename, file_data | file_id} and their like.
func attachment(r *genai.Request, dst []genai.Text, part jsonspan.Value, kind string, at read.Place) []genai.Text {
	a := inlineAttachment{genai.Attachment{Message: at.Message, Range: read.Range(part)}}
	inner := part.Get(kind)
	switch inner.Kind() {
	case jsonspan.Object:
	case jsonspan.String: // image_url given as a plain string
		inner = part
	default:
		inner = part
	}
	a.Modality, _, _ = strings.Cut(strings.TrimPrefix(kind, "input_"), "_")
	for key, value := range inner.Members() {
		switch key.String() {
		case "url", "image_url", "file_url":
			dst = a.url(dst, value, at)
		case "data", "file_data":
			a.inline(value)
		case "format":
			a.MediaType = a.Modality + "/" + read.String(value)
		case "file_id", "id":
			a.URI = read.String(value)
		case "filename":
			a.Name = read.String(value)
			dst = read.Text(dst, value, at.Whole(genai.FileName))
		}
	}
	if r != nil {
		r.Attachments = append(r.Attachments, a.Attachment)
	}
	return dst
}

// usage reads OpenAI's usage block in both its vocabularies, with the extras
// of its compatibles, over what u already holds. It reports whether there was
// one. Input includes cached, output includes reasoning, as the conventions
// want it; see also xaiReasoning.
func chatUsage(v jsonspan.Value, u *genai.Usage) bool {
	return usageIn(v.Get("usage"), v.Get("x_groq"), u)
}

// usageIn is chatUsage by the members usage and x_groq.
func usageIn(block, groq jsonspan.Value, u *genai.Usage) bool {
	if block.Kind() != jsonspan.Object {
		block = groq.Get("usage")
	}
	if block.Kind() != jsonspan.Object {
		return false
	}
	total := readUsage(block, u)
	if total > 0 && total == u.InputTokens+u.OutputTokens+u.ReasoningTokens {
		// xAI's chat counts reasoning beside the completion: the total tells.
		u.OutputTokens += u.ReasoningTokens
	}
	u.Reported = true
	return true
}

func readUsage(block jsonspan.Value, u *genai.Usage) (total int64) {
	for key, value := range block.Members() {
		switch key.String() {
		case "prompt_tokens", "input_tokens":
			setCount(value, &u.InputTokens, &u.HasInput)
		case "completion_tokens", "output_tokens":
			setCount(value, &u.OutputTokens, &u.HasOutput)
		case "total_tokens":
			total, _ = read.Count(value)
		case "prompt_tokens_details", "prompt_token_details", "input_tokens_details":
			readInputDetails(value, u)
		case "completion_tokens_details", "completion_token_details", "output_tokens_details":
			readOutputDetails(value, u)
		case "cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens":
			setCount(value, &u.CacheReadTokens, &u.HasCacheRead)
		case "reasoning_tokens":
			setCount(value, &u.ReasoningTokens, &u.HasReasoning)
		case "cost":
			readCost(value, u)
		}
	}
	if !u.HasInput && total > 0 { // Voyage states the total alone
		u.InputTokens, u.HasInput = total-u.OutputTokens, true
	}
	return total
}

func readInputDetails(details jsonspan.Value, u *genai.Usage) {
	var ignore bool
	for key, value := range details.Members() {
		switch key.String() {
		case "cached_tokens":
			setCount(value, &u.CacheReadTokens, &u.HasCacheRead)
		case "cache_write_tokens", "cache_creation_tokens":
			setCount(value, &u.CacheWriteTokens, &u.HasCacheWrite)
		case "audio_tokens":
			setCount(value, &u.AudioInput, &ignore)
		case "image_tokens":
			setCount(value, &u.ImageInput, &ignore)
		}
	}
}

func readOutputDetails(details jsonspan.Value, u *genai.Usage) {
	var ignore bool
	for key, value := range details.Members() {
		switch key.String() {
		case "reasoning_tokens":
			setCount(value, &u.ReasoningTokens, &u.HasReasoning)
		case "audio_tokens":
			setCount(value, &u.AudioOutput, &ignore)
		case "image_tokens":
			setCount(value, &u.ImageOutput, &ignore)
		}
	}
}

// readCost reads a cost the provider reports: OpenRouter's number, or
// Perplexity's object with a total.
func readCost(v jsonspan.Value, u *genai.Usage) {
	if v.Kind() == jsonspan.Object {
		v = v.Get("total_cost")
	}
	if usd := read.Float(v); usd != nil {
		u.CostUSD = usd
	}
}

func setCount(v jsonspan.Value, n *int64, has *bool) {
	if count, ok := read.Count(v); ok {
		*n, *has = count, true
	}
}

func indexOf(choice jsonspan.Value, place int) int {
	if n, ok := choice.Get("index").Int(); ok && n >= 0 && n < 1<<20 {
		return int(n)
	}
	return place
}

func isEmptyArray(v jsonspan.Value) bool {
	if v.Kind() != jsonspan.Array {
		return false
	}
	for range v.Elements() {
		return false
	}
	return true
}

// inlineAttachment builds one attachment member by member.
type inlineAttachment struct{ genai.Attachment }

func (a *inlineAttachment) url(dst []genai.Text, v jsonspan.Value, at read.Place) []genai.Text {
	url := read.String(v)
	if mediaType, size, ok := read.DataURL(url); ok {
		a.MediaType, a.Bytes = mediaType, size
		if isBase64URL(url) {
			return dst
		}
		return read.Text(dst, v, at.Whole(genai.URL)) // text, in the URL itself
	}
	a.URI = url
	return read.Text(dst, v, at.Whole(genai.URL))
}

// isBase64URL reports whether a data URL's data is in base64 (RFC 2397).
func isBase64URL(url string) bool {
	head, _, _ := strings.Cut(url, ",")
	return strings.HasSuffix(head, ";base64")
}

func (a *inlineAttachment) inline(v jsonspan.Value) {
	data := read.String(v)
	if mediaType, size, ok := read.DataURL(data); ok {
		a.MediaType, a.Bytes = mediaType, size
		return
	}
	a.Bytes = read.Base64Size(data)
}
