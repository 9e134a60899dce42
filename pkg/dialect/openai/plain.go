package openai

import (
	"bytes"
	"fmt"
	"mime"
	"strings"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// userPlace is where the input of the APIs without messages stands.
var userPlace = read.Place{Kind: genai.Content, Role: genai.User, Message: -1}

// prompted reads the requests that have a prompt or input in the place of
// messages: strings, arrays of strings, or tokens.
func prompted(h *dialect.Head, body []byte, operation genai.Operation, members ...string) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: operation}
	for key, value := range v.Members() {
		switch name := key.String(); {
		case contains(members, name):
			inputTexts(r, value)
		case name == "max_tokens":
			r.Params.MaxTokens = read.Int(value)
		case name == "suffix" || name == "instructions":
			r.Texts = read.Text(r.Texts, value, userPlace)
		case name == "encoding_format":
			r.Params.EncodingFormats = read.Strings(value)
		case name == "dimensions":
			r.Params.Dimensions = read.Int(value)
		case name == "stream_options":
			r.UsageRequested = read.Bool(value.Get("include_usage"))
		default:
			commonParam(r, key, value)
		}
	}
	modelFromPath(r, h)
	return r, nil
}

func contains(list []string, s string) bool {
	for _, each := range list {
		if each == s {
			return true
		}
	}
	return false
}

// inputTexts notes a string, strings, or multimodal parts, each as what one
// user says; arrays of tokens hold no text, which coverage says.
func inputTexts(r *genai.Request, v jsonspan.Value) {
	if v.Kind() == jsonspan.String {
		inputText(r, v)
		return
	}
	for _, each := range v.Elements() {
		switch each.Kind() {
		case jsonspan.String, jsonspan.Object:
			inputText(r, each)
		default:
			r.UnknownParts++
			return
		}
	}
}

func inputText(r *genai.Request, v jsonspan.Value) {
	m := genai.Message{Role: genai.User, Range: read.Range(v), FirstText: len(r.Texts), Parts: 1}
	at := read.Place{Kind: genai.Content, Role: genai.User, Message: len(r.Messages)}
	if v.Kind() == jsonspan.Object {
		r.Texts = partTexts(r, r.Texts, v, at)
	} else {
		r.Texts = read.Text(r.Texts, v, at)
	}
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

// completions is */completions, the legacy text completion.
// https://platform.openai.com/docs/api-reference/completions
type completions struct{ errors }

func (completions) Name() string    { return "openai.completions" }
func (completions) Dialect() string { return Name }

func (completions) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	return prompted(h, body, genai.TextCompletion, "prompt")
}

func (completions) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Model, r.Fingerprint = read.String(v.Get("id")), read.String(v.Get("model")), read.String(v.Get("system_fingerprint"))
	for i, choice := range v.Get("choices").Elements() {
		index := indexOf(choice, i)
		r.Choices++
		r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Choice: index, Reason: read.String(choice.Get("finish_reason"))})
		at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: index}
		r.Texts = read.Text(r.Texts, choice.Get("text"), at)
		r.Texts = messageTexts(r.Texts, choice.Get("message"), at) // Mistral's fill-in-the-middle
	}
	chatUsage(v, &r.Usage)
	return r, nil
}

func (completions) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream {
	return &completionsStream{}
}

// AskUsage sets stream_options.include_usage, as for chat.
func (completions) AskUsage(r *genai.Request, body []byte) (genai.Range, []byte, bool) {
	return askUsage(body)
}

type completionsStream struct{ chatStream }

func (s *completionsStream) Read(ev *frame.Event, d *genai.Delta) error {
	if err := s.chatStream.Read(ev, d); err != nil || len(ev.Payload) == 0 || ev.Kind == frame.Done {
		return err
	}
	for i, choice := range jsonspan.Root(ev.Payload).Get("choices").Elements() {
		index := indexOf(choice, i)
		at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: index, Partial: true}
		at.Channel = genai.Channel{Kind: genai.Content, Choice: int32(index)}
		d.Texts = read.Text(d.Texts, choice.Get("text"), at)
	}
	return nil
}

// whole is what the APIs share that answer in one document of no text.
type whole struct{ errors }

func (whole) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &chatStream{} }

// embeddings is */embeddings.
// https://platform.openai.com/docs/api-reference/embeddings
type embeddings struct{ whole }

func (embeddings) Name() string    { return "openai.embeddings" }
func (embeddings) Dialect() string { return Name }

func (embeddings) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	return prompted(h, body, genai.Embeddings, "input")
}

func (embeddings) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Model = read.String(v.Get("id")), read.String(v.Get("model"))
	if chatUsage(v, &r.Usage) {
		r.Usage.OutputTokens, r.Usage.HasOutput = 0, true // vectors are no tokens
	}
	return r, nil
}

// moderations is */moderations.
// https://platform.openai.com/docs/api-reference/moderations
type moderations struct{ whole }

func (moderations) Name() string    { return "openai.moderations" }
func (moderations) Dialect() string { return Name }

func (moderations) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	return prompted(h, body, genai.Moderation, "input")
}

func (moderations) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Model = read.String(v.Get("id")), read.String(v.Get("model"))
	return r, nil
}

// images is */images/generations, edits and variations, as JSON or as a form.
// https://platform.openai.com/docs/api-reference/images
type images struct{ whole }

func (images) Name() string    { return "openai.images" }
func (images) Dialect() string { return Name }

func (images) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	if boundary := formBoundary(h); boundary != "" {
		return formRequest(genai.ImageGeneration, body, boundary)
	}
	return prompted(h, body, genai.ImageGeneration, "prompt")
}

func (images) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.Model = read.String(v.Get("model"))
	for i, image := range v.Get("data").Elements() {
		r.Texts = read.Text(r.Texts, image.Get("revised_prompt"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: i})
		r.Texts = read.Text(r.Texts, image.Get("url"), read.Place{Kind: genai.URL, Role: genai.Assistant, Message: i})
	}
	chatUsage(v, &r.Usage)
	return r, nil
}

// transcriptions is */audio/transcriptions and translations: a form with a file.
// https://platform.openai.com/docs/api-reference/audio
type transcriptions struct{ whole }

func (transcriptions) Name() string    { return "openai.audio.transcriptions" }
func (transcriptions) Dialect() string { return Name }

func (transcriptions) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	if boundary := formBoundary(h); boundary != "" {
		return formRequest(genai.Transcription, body, boundary)
	}
	return prompted(h, body, genai.Transcription, "prompt")
}

func (transcriptions) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	if rh != nil && !strings.Contains(rh.ContentType, "json") && rh.Status < 400 && !jsonspan.Root(body).Exists() {
		return &genai.Response{Choices: 1, Texts: []genai.Text{{Range: genai.Range{End: len(body)}, Kind: at.Kind, Role: at.Role}}}, nil
	}
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.Choices = 1
	r.Texts = read.Text(r.Texts, v.Get("text"), at)
	for _, part := range v.Get("segments").Elements() {
		r.Texts = read.Text(r.Texts, part.Get("text"), at.As(genai.Citation))
	}
	for _, part := range v.Get("words").Elements() {
		r.Texts = read.Text(r.Texts, part.Get("word"), at.As(genai.Citation))
	}
	chatUsage(v, &r.Usage)
	if !r.Usage.HasInput { // billed by duration
		r.Usage = genai.Usage{}
	}
	return r, nil
}

func (transcriptions) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream {
	return &transcriptStream{}
}

// transcriptStream reads transcript.text.delta, segment and done events.
type transcriptStream struct {
	errors
	usage genai.Usage
}

func (s *transcriptStream) Read(ev *frame.Event, d *genai.Delta) error {
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
	if d.Error = errorOf(v, 0); d.Error != nil {
		return nil
	}
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true, Channel: genai.Channel{Kind: genai.Content}}
	d.Texts = read.Text(d.Texts, v.Get("delta"), at)
	d.Texts = read.Text(d.Texts, v.Get("text"), at.Whole(genai.Content))
	if d.HasUsage = chatUsage(v, &s.usage); d.HasUsage {
		d.Usage = s.usage
	}
	return nil
}

// speech is */audio/speech: text in, audio out.
// https://platform.openai.com/docs/api-reference/audio/createSpeech
type speech struct{ whole }

func (speech) Name() string    { return "openai.audio.speech" }
func (speech) Dialect() string { return Name }

func (speech) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	return prompted(h, body, genai.Speech, "input")
}

// ReadResponse reads an error; audio holds no text.
func (speech) ReadResponse(h *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	if rh == nil || rh.Status < 400 {
		return &genai.Response{UnknownParts: 1}, nil
	}
	_, r, err := responseObject(rh, body)
	return r, err
}

// formBoundary is the boundary of a multipart form, "" where the request is none.
func formBoundary(h *dialect.Head) string {
	if h == nil || h.Header == nil {
		return ""
	}
	mediaType, params, err := mime.ParseMediaType(h.Header("content-type"))
	if err != nil || !strings.HasPrefix(mediaType, "multipart/") {
		return ""
	}
	return params["boundary"]
}

// formRequest reads a multipart form's fields where they lie (RFC 7578).
func formRequest(operation genai.Operation, body []byte, boundary string) (*genai.Request, error) {
	r := &genai.Request{Operation: operation}
	delimiter := []byte("--" + boundary)
	at := bytes.Index(body, delimiter)
	if at < 0 {
		return nil, fmt.Errorf("the form has no part: its boundary %q does not occur", boundary)
	}
	for at += len(delimiter); !bytes.HasPrefix(body[at:], []byte("--")); {
		end := partEnd(body[at:], delimiter)
		if end < 0 {
			return nil, fmt.Errorf("the form's last part does not end")
		}
		formPart(r, body, at, at+end)
		at += end + 2 + len(delimiter)
	}
	return r, nil
}

// partEnd is where the next delimiter line begins: the boundary, and behind it
// the final dashes or white space and a line end (RFC 2046, section 5.1.1). A
// longer word that begins like the boundary is content.
func partEnd(rest, delimiter []byte) int {
	line := append([]byte("\r\n"), delimiter...)
	for at := 0; ; at++ {
		n := bytes.Index(rest[at:], line)
		if n < 0 {
			return -1
		}
		at += n
		after := bytes.TrimLeft(rest[at+len(line):], " \t")
		if bytes.HasPrefix(after, []byte("--")) || bytes.HasPrefix(after, []byte("\r\n")) {
			return at
		}
	}
}

func formPart(r *genai.Request, body []byte, start, end int) {
	header, _, ok := bytes.Cut(body[start:end], []byte("\r\n\r\n"))
	if !ok {
		r.UnknownParts++
		return
	}
	value := genai.Range{Start: start + len(header) + 4, End: end}
	name, file, mediaType := partName(string(header))
	text := string(body[value.Start:value.End])
	switch {
	case file != "":
		if i := bytes.Index(header, []byte(file)); i >= 0 { // as it stands there, where it is not escaped
			r.Texts = append(r.Texts, genai.Text{Range: genai.Range{Start: start + i, End: start + i + len(file)}, Kind: genai.FileName, Role: genai.User, Message: -1})
		} else {
			r.UnknownParts++
		}
		r.Attachments = append(r.Attachments, genai.Attachment{Modality: read.Modality(mediaType), MediaType: mediaType, Name: file, Bytes: int64(value.Len()), Message: -1, Range: value})
	case name == "model":
		r.Model, r.ModelRange = text, value
	case name == "stream":
		r.Stream = text == "true"
	case name == "prompt":
		m := genai.Message{Role: genai.User, Range: value, FirstText: len(r.Texts), EndText: len(r.Texts) + 1, Parts: 1}
		r.Texts = append(r.Texts, genai.Text{Range: value, Encoding: genai.Plain, Kind: genai.Content, Role: genai.User, Message: len(r.Messages)})
		r.Messages = append(r.Messages, m)
	case value.Len() > 0:
		r.Texts = append(r.Texts, genai.Text{Range: value, Encoding: genai.Plain, Kind: genai.Metadata, Role: genai.User, Message: -1})
	}
}

// partName reads a part's Content-Disposition and Content-Type.
func partName(header string) (name, file, mediaType string) {
	for _, line := range strings.Split(header, "\r\n") {
		key, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "content-disposition":
			if _, params, err := mime.ParseMediaType(value); err == nil {
				name, file = params["name"], params["filename"]
			}
		case "content-type":
			mediaType = strings.TrimSpace(value)
		}
	}
	return name, file, mediaType
}
