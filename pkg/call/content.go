package call

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

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
	if request.RPC != nil {
		c.captureTool(request, body)
		return
	}
	system := &content{left: maxContent}
	for _, t := range request.Texts {
		if t.Message < 0 && t.Role == genai.System && t.Kind == genai.Content {
			system.text(t.Kind, textOf(body, t))
		}
	}
	c.rec.SystemInstructions = system.list()
	c.rec.InputMessages = inputMessages(request, body, maxContent)
	c.rec.ToolDefinitions = toolDefinitions(request, body)
}

// captureTool keeps what a tool is called with; arguments over the bound are
// left out.
func (c *call) captureTool(request *genai.Request, body []byte) {
	for _, t := range request.Texts {
		arguments := body[t.Range.Start:t.Range.End]
		if request.RPC.Tool != "" && t.Kind == genai.ToolArguments && len(arguments) <= maxContent {
			c.rec.ToolArguments = bytes.Clone(arguments)
			return
		}
	}
}

// inputMessages are the request's messages as JSON, their texts cut at limit
// bytes.
func inputMessages(request *genai.Request, body []byte, limit int) []byte {
	input := &content{left: limit}
	for i := range request.Messages {
		m := &request.Messages[i]
		input.open(m.Role)
		input.parts(m, request.Texts[m.FirstText:m.EndText], body)
		input.close("")
	}
	return input.list()
}

// parts are a message's texts; the n-th arguments are the n-th tool call's.
func (c *content) parts(m *genai.Message, texts []genai.Text, body []byte) {
	calls := m.ToolCalls
	for _, t := range texts {
		switch {
		case t.Kind == genai.ToolArguments && len(calls) > 0:
			c.toolCall(&calls[0], textOf(body, t))
			calls = calls[1:]
		case t.Kind == genai.ToolResult:
			c.toolResult(m.ToolCallID, textOf(body, t))
		default:
			c.text(t.Kind, textOf(body, t))
		}
	}
	for i := range calls {
		c.toolCall(&calls[i], "")
	}
}

// toolDefinitions are the tools offered (gen_ai.tool.definitions).
func toolDefinitions(request *genai.Request, body []byte) []byte {
	c := &content{left: maxContent}
	for _, tool := range request.Tools {
		if c.left <= 0 {
			break
		}
		c.comma()
		from := len(c.out)
		c.member("{", "type", tool.Type)
		c.member(",", "name", tool.Name)
		for _, t := range request.Texts {
			if t.Kind == genai.ToolDescription && t.Range.Start >= tool.Range.Start && t.Range.End <= tool.Range.End {
				c.member(",", "description", textOf(body, t))
				break
			}
		}
		if schema := body[tool.Parameters.Start:tool.Parameters.End]; len(schema) > 0 && len(schema) <= c.left && json.Valid(schema) {
			c.out = append(append(c.out, `,"parameters":`...), schema...)
		}
		c.out = append(c.out, '}')
		c.left -= len(c.out) - from
	}
	return c.list()
}

// captureResponse keeps a document's messages, one a choice, as the redactions
// leave them.
func (c *call) captureResponse(read *genai.Response, body []byte, redactions *jsonspan.Edits) {
	if !c.snap.Settings.Content || read == nil {
		return
	}
	edited, err := apply(redactions, body)
	if err != nil {
		return // the response is refused for it
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
	calls := int32(0)
	for _, t := range read.Texts {
		if isEcho(&t) {
			continue
		}
		ch := genai.Channel{Kind: t.Kind, Choice: int32(max(t.Message, 0))}
		if t.Kind == genai.ToolArguments {
			ch.Item = calls
			calls++
		}
		said.add(ch, []byte(textOf(body, t)))
	}
	c.keep(said, read, false)
}

// keep keeps what was said: messages, or a tool's result.
func (c *call) keep(said *transcript, r *genai.Response, byIndex bool) {
	rpc := c.rec.Request != nil && c.rec.Request.RPC != nil
	if !rpc {
		c.rec.OutputMessages = said.messages(r, byIndex)
		return
	}
	for _, ch := range said.order {
		if c.rec.Request.RPC.Tool != "" && ch.Kind == genai.ToolResult {
			c.rec.ToolResult = append(c.rec.ToolResult, said.texts[ch]...)
		}
	}
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

// messages is one message a choice, with its finish reason. byIndex says that
// arguments and tool calls have the same numbers, as in a stream.
func (t *transcript) messages(r *genai.Response, byIndex bool) []byte {
	c := &content{left: maxContent}
	for _, choice := range t.choices(r) {
		calls := callsOf(r, choice)
		c.open(genai.Assistant)
		for _, ch := range t.order {
			switch {
			case int(ch.Choice) != choice:
			case ch.Kind == genai.ToolArguments && len(calls) > 0:
				i := 0
				if byIndex {
					i = max(0, slices.IndexFunc(calls, func(call *genai.ToolCall) bool { return call.Index == int(ch.Item) }))
				}
				c.toolCall(calls[i], string(t.texts[ch]))
				calls = slices.Delete(calls, i, i+1)
			case ch.Kind == genai.ToolResult:
				c.toolResult("", string(t.texts[ch]))
			default:
				c.text(ch.Kind, string(t.texts[ch]))
			}
		}
		for _, call := range calls {
			c.toolCall(call, "")
		}
		c.close(reasonOf(r, choice))
	}
	return c.list()
}

// choices are the choices that said anything, in order.
func (t *transcript) choices(r *genai.Response) []int {
	var list []int
	for _, ch := range t.order {
		list = append(list, int(ch.Choice))
	}
	for _, call := range r.ToolCalls {
		list = append(list, call.Choice)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func callsOf(r *genai.Response, choice int) []*genai.ToolCall {
	var list []*genai.ToolCall
	for i := range r.ToolCalls {
		if r.ToolCalls[i].Choice == choice {
			list = append(list, &r.ToolCalls[i])
		}
	}
	return list
}

// reasonOf is a choice's finish reason in the conventions' words.
func reasonOf(r *genai.Response, choice int) string {
	for _, reason := range r.FinishReasons {
		if reason.Choice != choice {
			continue
		}
		switch reason.Reason {
		case "length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "incomplete":
			return "length"
		case "tool_calls", "tool_use", "function_call", "TOOL_CALL":
			return "tool_call"
		case "content_filter", "SAFETY", "refusal", "guardrail_intervened":
			return "content_filter"
		}
	}
	if r.Error != nil {
		return "error"
	}
	return "stop"
}

func (c *content) open(role genai.Role) {
	c.comma()
	c.member("{", "role", string(role))
	c.out = append(c.out, `,"parts":[`...)
}

func (c *content) close(reason string) {
	c.out = append(c.out, ']')
	if reason != "" {
		c.member(",", "finish_reason", reason)
	}
	c.out = append(c.out, '}')
}

func (c *content) comma() {
	if n := len(c.out); n > 0 && c.out[n-1] != '[' {
		c.out = append(c.out, ',')
	}
}

// member is a member of an object after what comes before it.
func (c *content) member(before, name, value string) {
	c.out = append(append(c.out, before...), '"')
	c.out = append(append(c.out, name...), '"', ':')
	c.out = jsonspan.AppendQuoted(c.out, value)
}

// bound cuts a text that is over the bound, and says so; false where nothing is
// left of it.
func (c *content) bound(text string) (string, bool) {
	if c.left <= 0 {
		return "", false
	}
	if len(text) > c.left {
		text = text[:c.left] + "… [cut]"
	}
	c.left -= len(text)
	return text, true
}

// partTypes are the conventions' types of parts; others are named by their kind.
var partTypes = map[genai.TextKind]string{genai.Content: "text", genai.Refusal: "text"}

func (c *content) text(kind genai.TextKind, text string) {
	text, ok := c.bound(text)
	if !ok {
		return
	}
	c.comma()
	c.member("{", "type", cmp.Or(partTypes[kind], string(kind)))
	c.member(",", "content", text)
	c.out = append(c.out, '}')
}

// toolCall is a call with its arguments, as JSON where they are.
func (c *content) toolCall(call *genai.ToolCall, arguments string) {
	arguments, ok := c.bound(arguments)
	if !ok {
		return
	}
	c.comma()
	c.member("{", "type", "tool_call")
	if call.ID != "" {
		c.member(",", "id", call.ID)
	}
	c.member(",", "name", call.Name)
	switch {
	case arguments == "":
	case json.Valid([]byte(arguments)):
		c.out = append(append(c.out, `,"arguments":`...), arguments...)
	default:
		c.member(",", "arguments", arguments)
	}
	c.out = append(c.out, '}')
}

func (c *content) toolResult(id, text string) {
	text, ok := c.bound(text)
	if !ok {
		return
	}
	c.comma()
	c.member("{", "type", "tool_call_response")
	if id != "" {
		c.member(",", "id", id)
	}
	c.member(",", "response", text)
	c.out = append(c.out, '}')
}

// list is what was gathered as a JSON array, nil where that is nothing.
func (c *content) list() []byte {
	if len(c.out) == 0 {
		return nil
	}
	return append(append([]byte{'['}, c.out...), ']')
}
