package call

import (
	"sort"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// maxContent bounds the text captured of a request or a response, in bytes.
// Beyond it a part says that it was cut.
const maxContent = 64 << 10

// content builds messages by the GenAI conventions' schema (gen_ai.input.messages,
// gen_ai.output.messages), from texts as they left: what was redacted is redacted
// here too.
type content struct {
	left int
	out  []byte
}

// captureRequest keeps the request's messages, read anew from the body that
// leaves.
func (c *call) captureRequest(request *genai.Request, body, edited []byte) {
	if !c.snap.Settings.Content || request == nil {
		return
	}
	if edited != nil {
		again, err := c.api.ReadRequest(&c.dhead, edited)
		if err != nil {
			c.rec.Err = err
			return
		}
		request, body = again, edited
	}
	system := &content{left: maxContent}
	for _, t := range request.Texts {
		if t.Message < 0 && t.Role == genai.System && t.Kind == genai.Content {
			system.part(t.Kind, textOf(body, t))
		}
	}
	c.rec.SystemInstructions = system.list()
	c.rec.InputMessages = inputMessages(request, body, maxContent)
}

// inputMessages are the request's messages as JSON, their texts cut at limit
// bytes.
func inputMessages(request *genai.Request, body []byte, limit int) []byte {
	input := &content{left: limit}
	for _, m := range request.Messages {
		input.open(m.Role)
		for _, t := range request.Texts[m.FirstText:m.EndText] {
			input.part(t.Kind, textOf(body, t))
		}
		input.close("")
	}
	return input.list()
}

// captureResponse keeps a document's messages, one a choice.
func (c *call) captureResponse(read *genai.Response, body, edited []byte) {
	if !c.snap.Settings.Content || read == nil {
		return
	}
	if edited != nil {
		again, err := c.api.ReadResponse(&c.dhead, &c.reply.head, edited)
		if err != nil {
			c.rec.Err = err
			return
		}
		read, body = again, edited
	}
	said := newTranscript()
	for _, t := range read.Texts {
		said.add(genai.Channel{Kind: t.Kind, Choice: int32(max(t.Message, 0))}, []byte(textOf(body, t)))
	}
	c.rec.OutputMessages = said.messages(read.FinishReasons)
}

// transcript gathers a response's running texts. Its size is bounded by
// maxContent.
type transcript struct {
	texts map[genai.Channel][]byte
	order []genai.Channel
	left  int
}

func newTranscript() *transcript {
	return &transcript{texts: map[genai.Channel][]byte{}, left: maxContent}
}

func (t *transcript) add(ch genai.Channel, text []byte) {
	if len(text) > t.left {
		text = text[:t.left]
	}
	if len(text) == 0 {
		return
	}
	if _, known := t.texts[ch]; !known {
		t.order = append(t.order, ch)
	}
	t.texts[ch] = append(t.texts[ch], text...)
	t.left -= len(text)
}

// messages is one message a choice, with its finish reason.
func (t *transcript) messages(reasons []genai.FinishReason) []byte {
	sort.SliceStable(t.order, func(i, j int) bool { return t.order[i].Choice < t.order[j].Choice })
	c := &content{left: maxContent}
	for i, ch := range t.order {
		if i == 0 || t.order[i-1].Choice != ch.Choice {
			c.open(genai.Assistant)
		}
		c.part(ch.Kind, string(t.texts[ch]))
		if i == len(t.order)-1 || t.order[i+1].Choice != ch.Choice {
			c.close(reasonOf(reasons, int(ch.Choice)))
		}
	}
	return c.list()
}

// reasonOf is a choice's finish reason in the conventions' words.
func reasonOf(reasons []genai.FinishReason, choice int) string {
	for _, r := range reasons {
		if r.Choice != choice {
			continue
		}
		switch r.Reason {
		case "length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "incomplete":
			return "length"
		case "tool_calls", "tool_use", "function_call", "TOOL_CALL":
			return "tool_call"
		case "content_filter", "SAFETY", "refusal", "guardrail_intervened":
			return "content_filter"
		}
	}
	return "stop"
}

func (c *content) open(role genai.Role) {
	c.comma()
	c.out = append(c.out, `{"role":`...)
	c.out = jsonspan.AppendQuoted(c.out, string(role))
	c.out = append(c.out, `,"parts":[`...)
}

func (c *content) close(reason string) {
	c.out = append(c.out, ']')
	if reason != "" {
		c.out = append(c.out, `,"finish_reason":`...)
		c.out = jsonspan.AppendQuoted(c.out, reason)
	}
	c.out = append(c.out, '}')
}

func (c *content) comma() {
	if n := len(c.out); n > 0 && c.out[n-1] != '[' {
		c.out = append(c.out, ',')
	}
}

// part adds a text; what is over the bound is cut, and says so.
func (c *content) part(kind genai.TextKind, text string) {
	if c.left <= 0 {
		return
	}
	if len(text) > c.left {
		text = text[:c.left] + "… [cut]"
	}
	c.left -= len(text)
	c.comma()
	name, member := "text", "content"
	switch kind {
	case genai.Reasoning:
		name = "reasoning"
	case genai.ToolArguments:
		name, member = "tool_call", "arguments"
	case genai.ToolResult:
		name, member = "tool_call_response", "response"
	}
	c.out = append(c.out, `{"type":`...)
	c.out = jsonspan.AppendQuoted(c.out, name)
	c.out = append(c.out, ',')
	c.out = jsonspan.AppendQuoted(c.out, member)
	c.out = append(c.out, ':')
	c.out = append(jsonspan.AppendQuoted(c.out, text), '}')
}

// list is what was gathered as a JSON array, nil where that is nothing.
func (c *content) list() []byte {
	if len(c.out) == 0 {
		return nil
	}
	return append(append([]byte{'['}, c.out...), ']')
}
