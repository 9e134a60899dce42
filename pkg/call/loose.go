package call

import (
	"strings"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// A response that is not what its dialect has it be is still read, as what it
// looks like: a stream by its first bytes, else a page of text. The coverage says
// what it lacks; what is found is hidden as anywhere else.

// asText has the stream read as one running text.
func (s *stream) asText() {
	s.decoder = frame.New(frame.Text, frame.MaxEvent(s.c.snap.Settings.MaxEvent))
	s.reader = textReader{s.c.api}
	s.hold.codec = nil
}

// textReader reads pieces of a text.
type textReader struct{ api dialect.API }

func (textReader) Read(ev *frame.Event, d *genai.Delta) error {
	d.Texts = append(d.Texts, genai.Text{
		Range: genai.Range{End: len(ev.Payload)}, Kind: genai.Content, Role: genai.Assistant,
		Channel: genai.Channel{Kind: genai.Content}, Partial: true,
	})
	return nil
}

// ErrorEvent is the dialect's error on a line of its own.
func (r textReader) ErrorEvent(e dialect.ErrorInfo) []byte {
	_, body := r.api.ErrorBody(e)
	return append([]byte{'\n'}, body...)
}

// isPage reports whether a media type is of text that people read, which is not
// framed.
func isPage(mediaType string) bool {
	if isJSON(mediaType) {
		return false
	}
	return strings.HasPrefix(mediaType, "text/") || strings.HasSuffix(mediaType, "+xml") || mediaType == "application/xml" || mediaType == "application/x-subrip"
}

// openPage begins to read a response of text, where anybody wants it read.
func (c *call) openPage() phase.Verdict {
	c.cover("response_not_json", "", policy.Partial)
	s, v := c.newStream()
	if !s.inspect {
		c.reply.stream = nil
		c.cover("", "", policy.None)
		return c.passResponse()
	}
	s.asText()
	return v
}

// looseResponse reads a document that its dialect cannot.
func (c *call) looseResponse(plain []byte, err error) phase.Verdict {
	c.rec.Err = err
	c.cover("response_malformed", "", policy.None)
	for _, framed := range []bool{true, false} {
		s, _ := c.newStream()
		c.reply.stream = nil // the body is whole
		c.rec.Stream = false
		if !s.inspect {
			break
		}
		kind, known := frame.Sniff("", plain)
		switch {
		case !framed:
			s.asText()
		case !known:
			continue
		default:
			s.decoder = frame.New(kind, frame.MaxEvent(max(len(plain), c.snap.Settings.MaxEvent)))
		}
		if s.plain(plain, true) != nil {
			continue
		}
		return c.looselyRead(s, plain)
	}
	return c.unreadResponse("response_malformed", err)
}

// looselyRead is what leaves of a document that was read as a stream.
func (c *call) looselyRead(s *stream, plain []byte) phase.Verdict {
	c.finished = true
	if s.hold.said != nil {
		c.keep(s.hold.said, &c.rec.Response, true)
	}
	switch {
	case s.cut:
		return c.lastVerdict(phase.Verdict{Reply: c.errorReply(s.stopped)})
	case string(s.out) == string(plain):
		return c.lastVerdict(phase.Verdict{})
	}
	v := phase.Verdict{Replace: true, NewBody: s.out}
	if c.reply.encoding != "" {
		v.Remove = append(v.Remove, "content-encoding")
	}
	return c.lastVerdict(v)
}

// loosely notes the texts of an event that its dialect cannot read: the strings
// of what may be JSON, and all of it as it stands.
func loosely(dst []genai.Text, payload []byte) []genai.Text {
	whole := genai.Text{Range: genai.Range{End: len(payload)}, Kind: genai.Content, Role: genai.Assistant, Message: -1}
	if len(payload) > 0 && (payload[0] == '{' || payload[0] == '[') {
		inner := whole
		inner.Encoding = genai.JSONValue
		dst = append(dst, inner)
	}
	return append(dst, whole)
}
