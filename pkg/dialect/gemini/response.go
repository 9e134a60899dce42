package gemini

import (
	"fmt"
	"strconv"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

func (generate) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Model = read.String(v.Get("responseId")), read.String(v.Get("modelVersion"))
	for i, candidate := range v.Get("candidates").Elements() {
		index := indexOf(candidate, i)
		r.Choices++
		r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Choice: index, Reason: finishReason(candidate)})
		at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: index}
		candidateTexts(&r.Texts, candidate, at)
		for n, part := range candidate.Path("content", "parts").Elements() {
			if call, ok := functionCall(part, n); ok {
				call.Choice = index
				r.ToolCalls = append(r.ToolCalls, call)
			}
		}
	}
	if reason := blockReason(v); reason != "" && r.Choices == 0 {
		r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Reason: reason})
	}
	var u usage
	u.overlay(v.Get("usageMetadata"))
	r.Usage = u.total()
	return r, nil
}

// candidateTexts notes a candidate's parts, and the sources it was grounded on.
func candidateTexts(dst *[]genai.Text, candidate jsonspan.Value, at read.Place) {
	partsTexts(nil, dst, candidate.Path("content", "parts"), at)
	for _, chunk := range candidate.Path("groundingMetadata", "groundingChunks").Elements() {
		for _, kind := range []string{"web", "retrievedContext"} {
			*dst = read.Text(*dst, chunk.Path(kind, "title"), at.Whole(genai.Citation))
			*dst = read.Text(*dst, chunk.Path(kind, "uri"), at.Whole(genai.URL))
			*dst = read.Text(*dst, chunk.Path(kind, "text"), at.Whole(genai.Citation))
		}
	}
	for _, support := range candidate.Path("groundingMetadata", "groundingSupports").Elements() {
		*dst = read.Text(*dst, support.Path("segment", "text"), at.Whole(genai.Citation))
	}
	for _, source := range candidate.Path("citationMetadata", "citations").Elements() {
		*dst = read.Text(*dst, source.Get("uri"), at.Whole(genai.URL))
		*dst = read.Text(*dst, source.Get("title"), at.Whole(genai.Citation))
	}
}

func blockReason(v jsonspan.Value) string { return word(v.Path("promptFeedback", "blockReason")) }

func finishReason(candidate jsonspan.Value) string { return word(candidate.Get("finishReason")) }

// word is an enum's name; Vertex sends its number where it was asked to
// (?$alt=json;enum-encoding=int), which is then the provider's word.
func word(v jsonspan.Value) string {
	if n, ok := v.Int(); ok {
		return strconv.FormatInt(n, 10)
	}
	return read.String(v)
}

func indexOf(candidate jsonspan.Value, place int) int {
	if n, ok := candidate.Get("index").Int(); ok && n >= 0 && n < 1<<20 {
		return int(n)
	}
	return place
}

// usage is Google's own counts: thoughts beside the candidates, tool use beside
// the prompt, which the conventions' counts include.
type usage struct {
	genai.Usage
	prompt, toolUse, candidates, thoughts int64
}

// overlay takes the counts a block states over those known so far: each chunk of
// a stream states them anew, the last not always all.
func (u *usage) overlay(block jsonspan.Value) {
	for key, value := range block.Members() {
		n, ok := value.Int()
		if !ok {
			u.modalities(key.String(), value)
			continue
		}
		switch key.String() {
		case "promptTokenCount", "total_input_tokens":
			u.prompt, u.HasInput = n, true
		case "toolUsePromptTokenCount", "total_tool_use_tokens":
			u.toolUse = n
		case "candidatesTokenCount", "total_output_tokens":
			u.candidates, u.HasOutput = n, true
		case "thoughtsTokenCount", "total_thought_tokens":
			u.thoughts, u.HasReasoning, u.HasOutput = n, true, true
		case "cachedContentTokenCount", "total_cached_tokens":
			u.CacheReadTokens, u.HasCacheRead = n, true
		}
	}
	u.Reported = u.Reported || u.HasInput || u.HasOutput
}

// modalities reads [{"modality","tokenCount"}].
func (u *usage) modalities(name string, list jsonspan.Value) {
	var audio, image *int64
	switch name {
	case "promptTokensDetails":
		audio, image = &u.AudioInput, &u.ImageInput
	case "candidatesTokensDetails":
		audio, image = &u.AudioOutput, &u.ImageOutput
	default:
		return
	}
	for _, each := range list.Elements() {
		n, _ := each.Get("tokenCount").Int()
		switch read.String(each.Get("modality")) {
		case "AUDIO":
			*audio = n
		case "IMAGE":
			*image = n
		}
	}
}

func (u *usage) total() genai.Usage {
	t := u.Usage
	t.InputTokens, t.OutputTokens, t.ReasoningTokens = u.prompt+u.toolUse, u.candidates+u.thoughts, u.thoughts
	return t
}

func (generate) NewStream(h *dialect.Head, rh *dialect.ResponseHead) dialect.Stream {
	s := &stream{}
	if f, ok := (generate{stream: true}).Framing(h, rhOrEmpty(rh), nil); ok {
		s.framing = f
	}
	return s
}

func rhOrEmpty(rh *dialect.ResponseHead) *dialect.ResponseHead {
	if rh == nil {
		return &dialect.ResponseHead{}
	}
	return rh
}

// stream reads chunks, each a GenerateContentResponse by itself.
type stream struct {
	errors
	framing frame.Kind
	usage   usage
	events  int
	calls   int
}

func (s *stream) Read(ev *frame.Event, d *genai.Delta) error {
	if len(ev.Payload) == 0 {
		return nil
	}
	s.events++
	v, err := read.Object("the chunk", ev.Payload)
	if err != nil {
		return err
	}
	if e := v.Get("error"); e.Exists() {
		d.Error = errorOf(v, 0)
		d.Texts = read.Text(d.Texts, e.Get("message"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1})
		return nil
	}
	d.ID, d.Model = read.String(v.Get("responseId")), read.String(v.Get("modelVersion"))
	for i, candidate := range v.Get("candidates").Elements() {
		s.candidate(d, candidate, i)
	}
	if reason := blockReason(v); reason != "" {
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Reason: reason})
	}
	if block := v.Get("usageMetadata"); block.Kind() == jsonspan.Object {
		s.usage.overlay(block)
		d.Usage, d.HasUsage = s.usage.total(), true
	}
	return nil
}

// candidate reads one candidate's piece. A stream has no terminal event: it ends
// with its body, so none is marked.
func (s *stream) candidate(d *genai.Delta, candidate jsonspan.Value, place int) {
	index := indexOf(candidate, place)
	if reason := finishReason(candidate); reason != "" {
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Choice: index, Reason: reason})
	}
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: index, Partial: true}
	at.Channel = genai.Channel{Kind: genai.Content, Choice: int32(index)}
	candidateTexts(&d.Texts, candidate, at)
	for _, part := range oneOrMany(candidate.Path("content", "parts")) {
		if call, ok := functionCall(part, s.calls); ok {
			s.calls++
			call.Choice = index
			d.ToolCalls = append(d.ToolCalls, call)
		}
	}
}

// ErrorEvent is an error in the stream's own framing.
func (s *stream) ErrorEvent(e dialect.ErrorInfo) []byte {
	body := errorObject(e)
	if s.framing != frame.JSONArray {
		return frame.AppendSSE(nil, "", body)
	}
	open := []byte("[")
	if s.events > 0 {
		open = []byte("\n,\n")
	}
	return append(append(open, body...), ']')
}

// errors renders errors as Google does: {"error":{"code","message","status"}}.
// https://cloud.google.com/apis/design/errors
type errors struct{}

func (errors) ErrorBody(e dialect.ErrorInfo) (string, []byte) {
	return "application/json; charset=UTF-8", errorObject(e)
}

func errorObject(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"error":{"code":`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, `,"message":`...)
	b = jsonspan.AppendQuoted(b, e.Message)
	b = append(b, `,"status":`...)
	b = jsonspan.AppendQuoted(b, status(e.Status))
	b = append(b, `,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":`...)
	b = jsonspan.AppendQuoted(b, e.Code)
	return append(b, `,"domain":"regent"}]}}`...)
}

// status is the canonical code's name of an HTTP status.
func status(code int) string {
	switch code {
	case 401:
		return "UNAUTHENTICATED"
	case 403:
		return "PERMISSION_DENIED"
	case 404:
		return "NOT_FOUND"
	case 409:
		return "ABORTED"
	case 429:
		return "RESOURCE_EXHAUSTED"
	case 503:
		return "UNAVAILABLE"
	case 504:
		return "DEADLINE_EXCEEDED"
	}
	if code >= 500 {
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}

// responseObject parses a response; an error may be wrapped in an array, as
// streams without SSE do.
func responseObject(rh *dialect.ResponseHead, body []byte) (jsonspan.Value, *genai.Response, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return v, nil, fmt.Errorf("the response body is not valid JSON: %w", err)
	}
	if v.Kind() == jsonspan.Array {
		for _, first := range v.Elements() {
			v = first
			break
		}
	}
	code := 0
	if rh != nil {
		code = rh.Status
	}
	r := &genai.Response{}
	if v.Get("error").Exists() || code >= 400 {
		r.Error = errorOf(v, code)
		r.Texts = read.ValueText(nil, v.Get("error"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1})
	}
	return v, r, nil
}

func errorOf(v jsonspan.Value, httpStatus int) *genai.Error {
	e := v.Get("error")
	out := &genai.Error{Status: httpStatus, Type: read.String(e.Get("status")), Message: read.String(e.Get("message"))}
	if n, ok := e.Get("code").Int(); ok {
		out.Code = strconv.FormatInt(n, 10)
	}
	return out
}
