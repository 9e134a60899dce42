package gemini

import (
	"strings"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// interactions is */v1beta/interactions.
// https://ai.google.dev/api/interactions-api
type interactions struct{ errors }

func (interactions) Name() string    { return "gemini.interactions" }
func (interactions) Dialect() string { return Name }

func (interactions) ReadRequest(_ *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.GenerateContent, UsageRequested: true}
	for key, value := range v.Members() {
		switch key.String() {
		case "model", "agent":
			r.Model = read.String(value)
			if value.Kind() == jsonspan.String {
				r.ModelRange = genai.Range(value.Inner())
			}
		case "stream":
			r.Stream = read.Bool(value)
		case "input":
			interactionInput(r, value)
		case "system_instruction":
			r.Texts = read.Text(r.Texts, value, read.Place{Kind: genai.Content, Role: genai.System, Message: -1})
		case "previous_interaction_id":
			r.PreviousResponseID = read.String(value)
		case "generation_config":
			generationConfig(&r.Params, value)
		case "tools":
			for _, tool := range value.Elements() {
				t := genai.ToolDefinition{Name: read.String(tool.Get("name")), Type: read.String(tool.Get("type")), Range: read.Range(tool)}
				r.Tools = append(r.Tools, t)
				r.Texts = read.Text(r.Texts, tool.Get("description"), read.Place{Kind: genai.ToolDescription, Role: genai.System, Message: -1})
			}
		}
	}
	return r, nil
}

// interactionInput reads a string, contents, or turns.
func interactionInput(r *genai.Request, input jsonspan.Value) {
	list := oneOrMany(input)
	if input.Kind() == jsonspan.String {
		list = []jsonspan.Value{input}
	}
	for _, item := range list {
		m := genai.Message{Role: roleOf(read.String(item.Get("role"))), Range: read.Range(item), FirstText: len(r.Texts), Parts: 1}
		at := read.Place{Kind: genai.Content, Role: m.Role, Message: len(r.Messages)}
		if item.Kind() == jsonspan.String {
			r.Texts = read.Text(r.Texts, item, at)
		} else {
			contentTexts(r, &r.Texts, item, at)
		}
		m.EndText = len(r.Texts)
		r.Messages = append(r.Messages, m)
	}
}

// contentTexts notes the texts of a content or step: by its type, or, for a
// turn, of what it holds.
func contentTexts(r *genai.Request, dst *[]genai.Text, v jsonspan.Value, at read.Place) {
	switch kind := read.String(v.Get("type")); {
	case kind == "text":
		*dst = read.Text(*dst, v.Get("text"), at)
	case kind == "thought":
		at.Frozen = r != nil && v.Get("signature").Exists()
		for _, inner := range oneOrMany(v.Get("summary")) {
			contentTexts(r, dst, inner, at.As(genai.Reasoning))
		}
	case strings.HasSuffix(kind, "_call"):
		*dst = read.ValueText(*dst, v.Get("arguments"), at.Whole(genai.ToolArguments))
	case strings.HasSuffix(kind, "_result"):
		at.Role = genai.Tool
		*dst = read.ValueText(*dst, v.Get("result"), at.Whole(genai.ToolResult))
	case kind == "image" || kind == "audio" || kind == "video" || kind == "document":
		attachment(r, v, at, read.Base64Size(read.String(v.Get("data"))))
		*dst = read.Text(*dst, v.Get("uri"), at.Whole(genai.URL))
	default: // a turn or an output step: its content is a string or contents
		if inner := v.Get("content"); inner.Kind() == jsonspan.String {
			*dst = read.Text(*dst, inner, at)
		} else {
			for _, each := range oneOrMany(inner) {
				contentTexts(r, dst, each, at)
			}
		}
	}
}

func (interactions) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	readInteraction(r, v)
	return r, nil
}

func readInteraction(r *genai.Response, v jsonspan.Value) {
	r.ID, r.Status, r.ServiceTier = read.String(v.Get("id")), read.String(v.Get("status")), read.String(v.Get("service_tier"))
	if r.Model = read.String(v.Get("model")); r.Model == "" {
		r.Model = read.String(v.Get("agent"))
	}
	r.Choices = 1
	at := read.Place{Kind: genai.Content, Role: genai.Assistant}
	for _, member := range []string{"steps", "outputs"} {
		for i, step := range v.Get(member).Elements() {
			contentTexts(nil, &r.Texts, step, at)
			if read.String(step.Get("type")) == "function_call" {
				r.ToolCalls = append(r.ToolCalls, genai.ToolCall{ID: read.String(step.Get("id")), Name: read.String(step.Get("name")), Type: "function", Index: i})
			}
		}
	}
	var u usage
	u.overlay(v.Get("usage"))
	r.Usage = u.total()
}

func (interactions) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream {
	return &interactionStream{}
}

// interactionStream reads events typed by their member event_type.
type interactionStream struct {
	errors
	usage usage
}

func (s *interactionStream) Read(ev *frame.Event, d *genai.Delta) error {
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
	if v.Get("error").Exists() {
		d.Error = errorOf(v, 0)
		return nil
	}
	if whole := v.Get("interaction"); whole.Exists() {
		d.ID, d.Model, d.Status = read.String(whole.Get("id")), read.String(whole.Get("model")), read.String(whole.Get("status"))
		if block := whole.Get("usage"); block.Kind() == jsonspan.Object {
			s.usage.overlay(block)
			d.Usage, d.HasUsage = s.usage.total(), true
		}
	}
	n, _ := v.Get("index").Int()
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Partial: true}
	at.Channel = genai.Channel{Kind: genai.Content, Item: int32(n)}
	contentTexts(nil, &d.Texts, v.Get("delta"), at)
	return nil
}

// ErrorEvent is an SSE event with an error.
func (s *interactionStream) ErrorEvent(e dialect.ErrorInfo) []byte {
	return frame.AppendSSE(nil, "error", errorObject(e))
}

// ErrorEvent serves the APIs that do not stream.
func (errors) ErrorEvent(e dialect.ErrorInfo) []byte { return frame.AppendSSE(nil, "", errorObject(e)) }
