package call

import (
	"bytes"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
)

// canaryEntity is what a canary in a response is reported as: those of the
// operator, by pkg/detect, and Regent's own.
const canaryEntity = "CANARY"

// plantCanary puts a mark at the end of the system prompt, where there is one
// that can be edited, to be watched for in the response.
func (c *call) plantCanary(edits *jsonspan.Edits, request *genai.Request, body []byte) {
	if !c.snap.Settings.Canary {
		return
	}
	for i := len(request.Texts) - 1; i >= 0; i-- {
		t := &request.Texts[i]
		if t.Role != genai.System || t.Kind != genai.Content || t.Frozen || t.Range.Len() == 0 || t.Encoding != genai.JSONString {
			continue
		}
		c.canary = c.snap.Redact.Canary(textOf(body, *t), c.redactScope())
		end := jsonspan.Range{Start: t.Range.End, End: t.Range.End}
		edits.Add(end, jsonspan.AppendEscaped(nil, c.canary.Mark()))
		return
	}
}

// canaries appends Regent's own mark where a text of the response holds it.
func (c *call) canaries(text []byte, t *genai.Text, dst []detect.Finding) []detect.Finding {
	if c.canary == nil || isEcho(t) {
		return dst
	}
	return asCanaries(c.canary.Scan(text, nil), dst)
}

func asCanaries(matches []redact.Match, dst []detect.Finding) []detect.Finding {
	for _, m := range matches {
		dst = append(dst, detect.Finding{Start: m.Start, End: m.End, Entity: canaryEntity, Class: detect.Exfiltration, Score: 1})
	}
	return dst
}

// isEcho reports whether a response's text is the request's own system prompt,
// which some providers send back.
func isEcho(t *genai.Text) bool { return t.Role == genai.System && !t.Partial }

// withoutMark adds the edits that take the mark out of an echo: that is no leak,
// and the client gets what it wrote.
func (c *call) withoutMark(edits *jsonspan.Edits, doc []byte, t *genai.Text) {
	if c.canary == nil || !isEcho(t) {
		return
	}
	text, m := viewOf(doc, *t)
	cut := func(start, end int) {
		for _, splice := range m.Replace(nil, start, end, "") {
			edits.Add(shift(splice.Range, t.Range.Start), splice.With)
		}
	}
	if at := bytes.LastIndex(text, []byte(c.canary.Mark())); at >= 0 {
		cut(at, at+len(c.canary.Mark()))
	}
	for _, match := range c.canary.Scan(text, nil) {
		cut(match.Start, match.End)
	}
}

// isOwnMark reports whether a canary found in a response is Regent's own: what
// Regent put in never reaches the client, whatever the policy says.
func (c *call) isOwnMark(entity, value string) bool {
	return c.canary != nil && entity == canaryEntity && len(c.canary.Scan([]byte(value), nil)) > 0
}

// ownMarkRule hides Regent's own mark.
var ownMarkRule = policy.Redact{Entity: canaryEntity, With: redact.Label}
