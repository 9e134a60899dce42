package cohere

import (
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// chatV1 is the first version of chat, whose stream is newline-delimited JSON.
// https://docs.cohere.com/v1/reference/chat
type chatV1 struct{ errors }

func (chatV1) Name() string    { return "cohere.v1.chat" }
func (chatV1) Dialect() string { return Name }

func (chatV1) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	r, err := members(genai.Chat, body, func(r *genai.Request, name string, v jsonspan.Value) bool {
		switch name {
		case "chat_history":
			for _, turn := range v.Elements() {
				message(r, turn, turn.Get("message"), roleOf(read.String(turn.Get("role"))))
			}
		case "message":
		case "preamble":
			r.Texts = read.Text(r.Texts, v, read.Place{Kind: genai.Content, Role: genai.System, Message: -1})
		case "connectors":
			for _, connector := range v.Elements() {
				r.Provenance.AddSource(read.String(connector.Get("id")))
			}
			return false
		case "tools":
			for _, tool := range v.Elements() {
				toolDefinition(r, tool, tool)
			}
		case "tool_results":
			r.Texts = read.ValueText(r.Texts, v, read.Place{Kind: genai.ToolResult, Role: genai.Tool, Message: -1})
		default:
			return false
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	// The message is the last turn, wherever it stands in the body.
	if last := jsonspan.Root(body).Get("message"); last.Exists() {
		message(r, last, last, genai.User)
	}
	return r, nil
}

func message(r *genai.Request, whole, text jsonspan.Value, role genai.Role) {
	m := genai.Message{Role: role, Range: read.Range(whole), FirstText: len(r.Texts), Parts: 1}
	r.Texts = read.Text(r.Texts, text, read.Place{Kind: genai.Content, Role: role, Message: len(r.Messages)})
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

func (chatV1) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID, r.Choices = firstString(v, "generation_id", "response_id"), 1
	r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Reason: read.String(v.Get("finish_reason"))})
	v1Texts(&r.Texts, v, read.Place{Kind: genai.Content, Role: genai.Assistant})
	r.ToolCalls = toolCalls(v)
	r.Usage = usageOf(v.Get("meta"))
	return r, nil
}

func firstString(v jsonspan.Value, names ...string) string {
	for _, name := range names {
		if s := read.String(v.Get(name)); s != "" {
			return s
		}
	}
	return ""
}

func v1Texts(dst *[]genai.Text, v jsonspan.Value, at read.Place) {
	for key, value := range v.Members() {
		switch key.String() {
		case "text":
			*dst = read.Text(*dst, value, at)
		case "tool_calls":
			for _, call := range value.Elements() {
				*dst = read.ValueText(*dst, call.Get("parameters"), at.Whole(genai.ToolArguments))
			}
		case "citations":
			for _, c := range value.Elements() {
				*dst = read.Text(*dst, c.Get("text"), at.Whole(genai.Citation))
			}
		case "documents", "search_results":
			*dst = read.ValueText(*dst, value, at.Whole(genai.Citation))
		case "chat_history":
			*dst = read.ValueText(*dst, value, read.Place{Kind: genai.Document, Role: genai.User, Message: -1})
		}
	}
}

func (chatV1) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &v1Stream{} }

// v1Stream reads lines typed by event_type; the last repeats the whole answer.
type v1Stream struct{ errors }

func (s *v1Stream) Read(ev *frame.Event, d *genai.Delta) error {
	if len(ev.Payload) == 0 {
		return nil
	}
	v, err := read.Object("the event", ev.Payload)
	if err != nil {
		return err
	}
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true, Channel: genai.Channel{Kind: genai.Content}}
	switch read.String(v.Get("event_type")) {
	case "stream-start":
		d.ID = firstString(v, "generation_id", "response_id")
	case "text-generation":
		d.Texts = read.Text(d.Texts, v.Get("text"), at)
	case "tool-calls-generation":
		d.Texts = read.Text(d.Texts, v.Get("text"), at)
		d.ToolCalls = append(d.ToolCalls, toolCalls(v)...)
		v1Texts(&d.Texts, v, at.Whole(genai.Content))
	case "tool-calls-chunk":
		d.Texts = read.Text(d.Texts, v.Get("text"), at)
	case "citation-generation", "search-results", "search-queries-generation":
		v1Texts(&d.Texts, v, at.Whole(genai.Content))
	case "stream-end":
		d.End = true
		d.FinishReasons = append(d.FinishReasons, genai.FinishReason{Reason: read.String(v.Get("finish_reason"))})
		whole := v.Get("response")
		d.ID = firstString(whole, "generation_id", "response_id")
		v1Texts(&d.Texts, whole, at.Whole(genai.Content))
		d.Usage = usageOf(whole.Get("meta"))
		d.HasUsage = d.Usage.Reported
		if e := v.Get("error"); e.Kind() == jsonspan.String {
			d.Error = &genai.Error{Message: read.String(e), Type: "ERROR"}
		}
	default:
		d.Unknown = true
	}
	return nil
}

// ErrorEvent is a stream-end with an error.
func (s *v1Stream) ErrorEvent(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"is_finished":true,"event_type":"stream-end","finish_reason":"ERROR","error":`...)
	b = jsonspan.AppendQuoted(b, e.Code+": "+e.Message)
	return frame.AppendNDJSON(nil, append(b, '}'))
}

// embed is */embed of either version.
// https://docs.cohere.com/reference/embed
type embed struct{ errors }

func (embed) Name() string    { return "cohere.embed" }
func (embed) Dialect() string { return Name }

func (embed) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	return members(genai.Embeddings, body, func(r *genai.Request, name string, v jsonspan.Value) bool {
		switch name {
		case "texts":
			for _, text := range v.Elements() {
				message(r, text, text, genai.User)
			}
		case "inputs":
			for _, input := range v.Elements() {
				m := genai.Message{Role: genai.User, Range: read.Range(input), FirstText: len(r.Texts), Parts: 1}
				contentTexts(r, &r.Texts, input.Get("content"), read.Place{Kind: genai.Content, Role: genai.User, Message: len(r.Messages)})
				m.EndText = len(r.Texts)
				r.Messages = append(r.Messages, m)
			}
		case "images":
			for _, each := range v.Elements() {
				mediaType, size, _ := read.DataURL(read.String(each))
				r.Attachments = append(r.Attachments, genai.Attachment{Modality: "image", MediaType: mediaType, Bytes: size, Message: -1, Range: read.Range(each)})
			}
		case "embedding_types":
			r.Params.EncodingFormats = read.Strings(v)
		case "output_dimension":
			r.Params.Dimensions = read.Int(v)
		default:
			return false
		}
		return true
	})
}

func (embed) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID = read.String(v.Get("id"))
	r.Usage = usageOf(v.Get("meta"))
	return r, nil
}

func (embed) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &chatStream{} }

// rerank is */rerank of either version.
// https://docs.cohere.com/reference/rerank
type rerank struct{ errors }

func (rerank) Name() string    { return "cohere.rerank" }
func (rerank) Dialect() string { return Name }

func (rerank) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	return members(genai.Rerank, body, func(r *genai.Request, name string, v jsonspan.Value) bool {
		switch name {
		case "query":
			message(r, v, v, genai.User)
		case "documents":
			for _, document := range v.Elements() {
				r.Texts = read.ValueText(r.Texts, document, read.Place{Kind: genai.Document, Role: genai.User, Message: -1})
			}
		default:
			return false
		}
		return true
	})
}

func (rerank) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID = read.String(v.Get("id"))
	r.Usage = usageOf(v.Get("meta"))
	for _, result := range v.Get("results").Elements() {
		r.Texts = read.ValueText(r.Texts, result.Get("document"), read.Place{Kind: genai.Document, Role: genai.Assistant, Message: -1})
	}
	return r, nil
}

func (rerank) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &chatStream{} }

// generate is the legacy */v1/generate.
// https://docs.cohere.com/v1/reference/generate
type generate struct{ errors }

func (generate) Name() string    { return "cohere.generate" }
func (generate) Dialect() string { return Name }

func (generate) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	return members(genai.TextCompletion, body, func(r *genai.Request, name string, v jsonspan.Value) bool {
		if name == "prompt" {
			message(r, v, v, genai.User)
			return true
		}
		return false
	})
}

func (generate) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.ID = read.String(v.Get("id"))
	for i, each := range v.Get("generations").Elements() {
		r.Choices++
		r.FinishReasons = append(r.FinishReasons, genai.FinishReason{Choice: i, Reason: read.String(each.Get("finish_reason"))})
		r.Texts = read.Text(r.Texts, each.Get("text"), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: i})
	}
	r.Usage = usageOf(v.Get("meta"))
	return r, nil
}

func (generate) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &v1Stream{} }
