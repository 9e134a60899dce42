package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/anthropic"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// invoke is */invoke and */invoke-with-response-stream. Its bodies are the model
// family's own; which, is told by their members, since a model id may be an ARN
// that tells nothing.
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
type invoke struct {
	errors
	stream bool
}

func (i invoke) Name() string {
	if i.stream {
		return "bedrock.invoke_stream"
	}
	return "bedrock.invoke"
}

func (invoke) Dialect() string { return Name }

func (i invoke) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	r := &genai.Request{Operation: genai.Chat, Model: modelOf(h), Stream: i.stream, UsageRequested: true}
	if h != nil && h.Header != nil {
		r.Guardrail = h.Header("x-amzn-bedrock-guardrailidentifier")
	}
	promptOf(r)
	if len(body) == 0 { // a model without parameters, or a mistake that Bedrock answers
		r.UnknownParts++
		return r, nil
	}
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	if v.Get("anthropic_version").Exists() || v.Get("anthropic_beta").Exists() {
		return r, anthropic.ReadMessages(r, v)
	}
	if isConverse(v) {
		return r, converseMembers(r, v)
	}
	if v.Get("messages").Exists() { // AI21 Jamba, Mistral chat, OpenAI's open models
		return r, anthropic.ReadMessages(r, v)
	}
	promptRequest(r, v)
	return r, nil
}

// isConverse reports whether messages have Converse's blocks, as Nova's do.
func isConverse(v jsonspan.Value) bool {
	if v.Get("inferenceConfig").Exists() || v.Get("schemaVersion").Exists() || v.Get("toolConfig").Exists() {
		return true
	}
	for _, message := range v.Get("messages").Elements() {
		for _, block := range message.Get("content").Elements() {
			return !block.Get("type").Exists()
		}
		return false
	}
	return false
}

// promptRequest reads the families that take a prompt or texts.
func promptRequest(r *genai.Request, v jsonspan.Value) {
	r.Operation = genai.TextCompletion
	for key, value := range v.Members() {
		p := &r.Params
		switch key.String() {
		case "prompt", "inputText", "message", "inputImage", "texts", "inputs":
			if !key.Is("prompt") && !key.Is("message") && !v.Get("textGenerationConfig").Exists() {
				r.Operation = genai.Embeddings
			}
			for _, each := range oneOrMany(value) {
				promptText(r, each)
			}
		case "max_gen_len", "max_tokens", "maxTokens", "max_tokens_to_sample":
			p.MaxTokens = read.Int(value)
		case "temperature":
			p.Temperature = read.Float(value)
		case "top_p", "topP", "p":
			p.TopP = read.Float(value)
		case "top_k", "topK", "k":
			p.TopK = read.Float(value)
		case "num_generations", "numResults":
			p.Choices = read.Int(value)
		case "stop", "stop_sequences", "stopSequences":
			p.StopSequences = read.Strings(value)
		case "dimensions":
			p.Dimensions = read.Int(value)
		case "textGenerationConfig":
			p.MaxTokens = read.Int(value.Get("maxTokenCount"))
			p.Temperature, p.TopP = read.Float(value.Get("temperature")), read.Float(value.Get("topP"))
			p.StopSequences = read.Strings(value.Get("stopSequences"))
		}
	}
}

func oneOrMany(v jsonspan.Value) []jsonspan.Value {
	if v.Kind() != jsonspan.Array {
		return []jsonspan.Value{v}
	}
	var list []jsonspan.Value
	for _, each := range v.Elements() {
		list = append(list, each)
	}
	return list
}

func promptText(r *genai.Request, v jsonspan.Value) {
	m := genai.Message{Role: genai.User, Range: read.Range(v), FirstText: len(r.Texts), Parts: 1}
	r.Texts = read.ValueText(r.Texts, v, read.Place{Kind: genai.Content, Role: genai.User, Message: len(r.Messages)})
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func (invoke) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	familyResponse(r, v)
	headerUsage(&r.Usage, rh)
	return r, nil
}

// familyResponse reads whichever family's response v is.
func familyResponse(r *genai.Response, v jsonspan.Value) {
	switch {
	case v.Get("type").StrIs("message"):
		anthropic.ReadMessage(r, v)
	case v.Path("output", "message").Exists():
		converseResponse(r, v)
	case v.Get("completion").Exists():
		oneChoice(r, v.Get("completion"), v.Get("stop_reason"))
	case v.Get("generation").Exists():
		oneChoice(r, v.Get("generation"), v.Get("stop_reason"))
	default:
		choices(r, v)
	}
	familyUsage(&r.Usage, v)
}

func oneChoice(r *genai.Response, text, reason jsonspan.Value) {
	addChoice(r, text, reason)
}

func addChoice(r *genai.Response, text, reason jsonspan.Value) {
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: r.Choices}
	r.Texts = read.ValueText(r.Texts, text, at)
	r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Choice: r.Choices, Reason: read.String(reason)})
	r.Choices++
}

// choices reads the families that answer with a list: Titan results, Cohere
// generations, Mistral outputs, AI21 completions, chat choices.
func choices(r *genai.Response, v jsonspan.Value) {
	if id := read.String(v.Get("id")); id != "" {
		r.ID = id
	}
	r.Model = read.String(v.Get("model"))
	for _, each := range v.Get("results").Elements() {
		addChoice(r, each.Get("outputText"), each.Get("completionReason"))
	}
	for _, each := range v.Get("generations").Elements() {
		addChoice(r, each.Get("text"), each.Get("finish_reason"))
	}
	for _, each := range v.Get("outputs").Elements() {
		addChoice(r, each.Get("text"), each.Get("stop_reason"))
	}
	for _, each := range v.Get("completions").Elements() {
		addChoice(r, each.Path("data", "text"), each.Path("finishReason", "reason"))
	}
	for _, each := range v.Get("choices").Elements() {
		addChoice(r, each.Path("message", "content"), each.Get("finish_reason"))
	}
	if text := v.Get("text"); text.Exists() { // Cohere Command R
		addChoice(r, text, v.Get("finish_reason"))
	}
}

// familyUsage reads the counts in a family's own words.
func familyUsage(u *genai.Usage, v jsonspan.Value) {
	set := func(dst *int64, has *bool, value jsonspan.Value) {
		if n, ok := value.Int(); ok {
			*dst, *has, u.Reported = n, true, true
		}
	}
	set(&u.InputTokens, &u.HasInput, v.Get("prompt_token_count"))
	set(&u.OutputTokens, &u.HasOutput, v.Get("generation_token_count"))
	set(&u.InputTokens, &u.HasInput, v.Get("inputTextTokenCount"))
	set(&u.OutputTokens, &u.HasOutput, v.Get("totalOutputTextTokenCount"))
	set(&u.InputTokens, &u.HasInput, v.Path("usage", "prompt_tokens"))
	set(&u.OutputTokens, &u.HasOutput, v.Path("usage", "completion_tokens"))
	var titan int64
	for _, each := range v.Get("results").Elements() {
		if n, ok := each.Get("tokenCount").Int(); ok {
			titan += n
			u.OutputTokens, u.HasOutput, u.Reported = titan, true, true
		}
	}
}

func (invoke) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &invokeStream{} }

// invokeStream reads "chunk" events, whose payload carries the family's own
// stream event in base64: {"bytes":"…","p":"…"}.
type invokeStream struct {
	errors
	messages anthropic.Stream
	usage    genai.Usage
}

var _ dialect.PayloadCodec = (*invokeStream)(nil)

// Unwrap is the family's event.
func (s *invokeStream) Unwrap(payload []byte) ([]byte, error) {
	var chunk struct {
		Bytes []byte `json:"bytes"`
	}
	if err := json.Unmarshal(payload, &chunk); err != nil {
		return nil, fmt.Errorf("the event's payload: %w", err)
	}
	if chunk.Bytes == nil {
		return nil, fmt.Errorf("the event's payload has no bytes")
	}
	return chunk.Bytes, nil
}

// Wrap puts another event in the place of the payload's, and leaves the rest.
func (s *invokeStream) Wrap(payload, inner []byte) []byte {
	encoded := append(append([]byte{'"'}, base64.StdEncoding.EncodeToString(inner)...), '"')
	splice, err := jsonspan.Set(payload, "/bytes", encoded)
	if err != nil {
		return payload
	}
	var edits jsonspan.Edits
	edits.Add(splice.Range, splice.With)
	out, err := edits.Apply(payload)
	if err != nil {
		return payload
	}
	return out
}

func (s *invokeStream) Read(ev *frame.Event, d *genai.Delta) error {
	if len(ev.Payload) == 0 {
		return nil
	}
	if ev.Kind == frame.Exception {
		d.Error = &genai.Error{Type: ev.Name, Message: read.String(messageOf(jsonspan.Root(ev.Payload)))}
		return nil
	}
	inner, err := s.Unwrap(ev.Payload)
	if err != nil {
		return err
	}
	v, err := read.Object("the event", inner)
	if err != nil {
		return err
	}
	s.familyEvent(v, d)
	s.metrics(v, d)
	return nil
}

// familyEvent reads whichever family's event v is.
func (s *invokeStream) familyEvent(v jsonspan.Value, d *genai.Delta) {
	if v.Get("type").Kind() == jsonspan.String {
		s.messages.ReadEvent(v, d)
		if d.HasUsage {
			s.usage = d.Usage
		}
		d.End = false // the metrics come with the last event
		return
	}
	for key, value := range v.Members() { // Nova: {"contentBlockDelta":{…}}
		if name := key.String(); value.Kind() == jsonspan.Object && isConverseEvent(name) {
			converseEvent(name, value, d)
			if d.HasUsage {
				s.usage = d.Usage
			}
			d.End = false
			return
		}
	}
	s.promptEvent(v, d)
}

func isConverseEvent(name string) bool {
	switch name {
	case "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata":
		return true
	}
	return false
}

// promptEvent reads the events of the families that complete a prompt.
func (s *invokeStream) promptEvent(v jsonspan.Value, d *genai.Delta) {
	index, _ := v.Get("index").Int()
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true, Message: int(index)}
	at.Channel = genai.Channel{Kind: genai.Content, Choice: int32(index)}
	for _, member := range []string{"outputText", "generation", "completion", "text"} {
		d.Texts = read.Text(d.Texts, v.Get(member), at)
	}
	for _, each := range v.Get("outputs").Elements() {
		d.Texts = read.Text(d.Texts, each.Get("text"), at)
		s.reason(d, each.Get("stop_reason"), int(index))
	}
	for i, each := range v.Get("choices").Elements() {
		own := at
		if n, ok := each.Get("index").Int(); ok {
			i = int(n)
		}
		own.Message, own.Channel.Choice = i, int32(i)
		d.Texts = read.Text(d.Texts, each.Path("delta", "content"), own)
		d.Texts = read.Text(d.Texts, each.Path("delta", "reasoning_content"), own.As(genai.Reasoning))
		d.Texts = read.Text(d.Texts, each.Path("message", "content"), own.Whole(genai.Content))
		s.reason(d, each.Get("finish_reason"), i)
	}
	for _, member := range []string{"stop_reason", "finish_reason", "completionReason"} {
		s.reason(d, v.Get(member), int(index))
	}
	before := s.usage
	familyUsage(&s.usage, v)
	if s.usage != before {
		d.Usage, d.HasUsage = s.usage, true
	}
}

func (s *invokeStream) reason(d *genai.Delta, v jsonspan.Value, choice int) {
	if v.Kind() == jsonspan.String {
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Choice: choice, Reason: read.String(v)})
	}
}

// metrics reads the counts that Bedrock adds to the last event. They are over a
// family's own only where that has none: Anthropic's are the billed ones.
func (s *invokeStream) metrics(v jsonspan.Value, d *genai.Delta) {
	m := v.Get("amazon-bedrock-invocationMetrics")
	if !m.Exists() {
		return
	}
	d.End = true
	if !s.usage.Reported {
		s.usage = usageOf(m)
	}
	d.Usage, d.HasUsage = s.usage, s.usage.Reported
}
