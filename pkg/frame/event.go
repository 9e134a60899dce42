package frame

import "bytes"

// Event is one framed unit of a stream.
type Event struct {
	// Raw is every byte of the frame, separator and terminator included.
	Raw []byte
	// Name is the SSE event field, or :event-type, :exception-type or
	// :error-code of the AWS event stream; "" where there is none.
	Name string
	// Payload is the data: SSE data lines joined by a line feed, the NDJSON
	// line, the array element, the AWS message's payload. White space around
	// JSON is not part of it. Empty where Kind is None.
	Payload []byte
	Kind    EventKind

	format     Kind
	start, end int    // where Payload lies in Raw
	multi      bool   // it lies there in several SSE lines
	bom        bool   // a byte order mark comes before the first SSE line
	spare      []byte // memory of a copy's payload, see CloneTo
}

// IsJSON reports whether the payload is to be JSON: that of all but text, end
// marks and what has none.
func (e *Event) IsJSON() bool { return e.format != Text && (e.Kind == Data || e.Kind == Exception) }

func (e *Event) clear() { *e = Event{} }

// payload makes raw[start:end] the payload.
func (e *Event) payload(format Kind, raw []byte, start, end int) {
	e.format, e.start, e.end = format, start, end
	e.Payload = raw[start:end:end]
	if format != Text {
		e.classify()
	}
}

func (e *Event) classify() {
	switch {
	case e.Kind == Exception:
	case len(e.Payload) == 0:
		e.Kind = None
	case bytes.Equal(e.Payload, done):
		e.Kind = Done
	}
}

var done = []byte("[DONE]")

// Clone is a copy that outlives emit.
func (e *Event) Clone() *Event {
	c := *e
	c.Raw = bytes.Clone(e.Raw)
	c.Payload = bytes.Clone(e.Payload)
	return &c
}

// Rebuild appends the event's frame with another payload: all else, other
// fields, line ends, separators and headers, stays as it is; the lengths and
// checksums of the AWS event stream are made anew. With the event's own payload
// that is Raw. SSE data in several lines takes the line ends and the spelling of
// the first. What the framing can't carry is made to fit, as JSON allows: a CR
// in SSE data becomes a line end, a line end in NDJSON a space. An SSE event
// without data gets a data line.
func (e *Event) Rebuild(dst, payload []byte) []byte {
	if bytes.Equal(payload, e.Payload) {
		return append(dst, e.Raw...)
	}
	switch e.format {
	case SSE:
		return e.rebuildSSE(dst, payload)
	case AWSEventStream:
		return e.rebuildAWS(dst, payload)
	}
	dst = append(dst, e.Raw[:e.start]...)
	if e.format == NDJSON {
		dst = appendLine(dst, payload)
	} else {
		dst = append(dst, payload...)
	}
	return append(dst, e.Raw[e.end:]...)
}

// AppendNDJSON appends a line with data, in which line ends become spaces.
func AppendNDJSON(dst, data []byte) []byte {
	return append(appendLine(dst, data), '\n')
}

func appendLine(dst, data []byte) []byte {
	from := len(dst)
	dst = append(dst, data...)
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return dst
	}
	for i, c := range dst[from:] {
		if c == '\n' || c == '\r' {
			dst[from+i] = ' '
		}
	}
	return dst
}

// names interns event names: those of the known providers, and a few more.
type names struct{ seen map[string]string }

// maxNames and maxName bound what names keeps, in names and in bytes of each.
const (
	maxNames = 64
	maxName  = 64
)

func (n *names) intern(b []byte) string {
	if s, ok := commonNames[string(b)]; ok {
		return s
	}
	if s, ok := n.seen[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) <= maxName && len(n.seen) < maxNames {
		if n.seen == nil {
			n.seen = make(map[string]string)
		}
		n.seen[s] = s
	}
	return s
}

// commonNames are event names of Anthropic, Bedrock, Cohere, OpenAI and MCP.
var commonNames = func() map[string]string {
	m := make(map[string]string)
	for _, s := range []string{
		"", "chunk", "completion", "content_block_delta", "content_block_start", "content_block_stop",
		"contentBlockDelta", "contentBlockStart", "contentBlockStop", "content-delta", "content-end",
		"content-start", "done", "endpoint", "error", "message", "message_delta", "message_start",
		"message_stop", "message-end", "message-start", "messageStart", "messageStop", "metadata", "ping",
		"response.completed", "response.content_part.added", "response.content_part.done",
		"response.created", "response.failed", "response.function_call_arguments.delta",
		"response.function_call_arguments.done", "response.in_progress", "response.incomplete",
		"response.output_item.added", "response.output_item.done", "response.output_text.delta",
		"response.output_text.done", "response.reasoning_summary_text.delta",
		"response.refusal.delta", "tool-call-delta", "tool-call-end", "tool-call-start", "tool-plan-delta",
	} {
		m[s] = s
	}
	return m
}()
