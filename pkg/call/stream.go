package call

import (
	"bytes"
	"errors"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
)

// stream is a response that comes event by event. Chunks go in; what leaves is
// the same bytes, late by no more than the events whose texts could still turn
// out to be part of something sensitive, and changed only where the response
// policy redacts.
type stream struct {
	c       *call
	decoder frame.Decoder     // nil until the framing is known
	stopped dialect.ErrorInfo // of a response that was cut
	prefix  []byte            // bytes kept until it is
	unpack  frame.Decompressor
	reader  dialect.Stream
	delta   genai.Delta
	hold    holdBack
	out     []byte // what leaves at this chunk

	rest    unread
	inspect bool               // the policy has rules for responses
	judged  map[string]float64 // kinds of finding the policy has seen, with their highest score
	rules   []policy.Redact    // what it said to redact
	blind   bool               // reading has failed: bytes pass as they are
	cut     bool               // the response was ended by a decision
	ended   bool               // the dialect's terminal event was seen

	outputs      int       // events of this chunk that brought output
	lastOutput   time.Time // when the last chunk with output came
	holdingSince time.Time // zero where nothing is held
}

// openStream begins to read a stream.
func (c *call) openStream() phase.Verdict {
	_, v := c.newStream()
	return v
}

// newStream makes the reader of a response that comes piece by piece.
func (c *call) newStream() (*stream, phase.Verdict) {
	s := &stream{c: c, judged: map[string]float64{}}
	s.inspect = c.policy.Has(policy.Response) && !(c.decision != nil && c.decision.Watch != nil && c.decision.Watch.Off)
	watched := s.inspect
	if !c.pseudonyms.Empty() {
		s.inspect, s.hold.restore = true, &c.pseudonyms
	}
	if c.canary != nil {
		s.inspect, s.hold.canary = true, c.canary
	}
	if c.snap.Settings.Content {
		s.inspect, s.hold.said = true, newTranscript()
		s.hold.whole = c.rec.Request != nil && c.rec.Request.RPC != nil
	}
	s.reader = c.api.NewStream(&c.dhead, &c.reply.head)
	if kind, ok := c.framing(); ok {
		s.decoder = frame.New(kind, frame.MaxEvent(c.snap.Settings.MaxEvent))
	}
	s.hold.init(c.detect, s.reader)
	s.rest.all = c.detect.HasCustom()
	c.reply.stream = s
	c.rec.Stream = true
	if !watched {
		c.cover("response_not_watched", "", policy.Partial)
	} else {
		c.cover("", "", policy.Full)
	}
	v := phase.Verdict{Body: phase.BodyStream}
	if c.snap.Remote != nil && c.snap.Settings.RemoteResponses {
		c.cover("remote_detector_stream", "", policy.Partial)
	}
	if c.reply.encoding != "" {
		return s, s.openEncoded(v)
	}
	return s, v
}

// openEncoded has a compressed stream leave plain: it was asked for plain, and
// events held back and changed could not be put back into the same frames.
func (s *stream) openEncoded(v phase.Verdict) phase.Verdict {
	unpack, err := frame.NewDecompressor(s.c.reply.encoding)
	if err != nil {
		s.c.rec.Err = err
		s.c.cover("response_encoding", "", policy.None)
		return s.c.passResponse()
	}
	s.unpack = unpack
	v.Remove = append(v.Remove, "content-encoding")
	return v
}

// streamChunk takes one chunk through: unpack, frame, read, hold, release.
func (c *call) streamChunk(chunk []byte, end bool) phase.Verdict {
	s := c.reply.stream
	c.rec.Chunks++
	s.out = s.out[:0]
	if err := s.feed(chunk, end); err != nil {
		s.fail(err)
	}
	s.clock()
	v := phase.Verdict{Emit: s.out, End: s.cut}
	if end || s.cut {
		s.close()
		c.finished = true
		return c.lastVerdict(v)
	}
	return v
}

func (s *stream) feed(chunk []byte, end bool) error {
	if s.unpack == nil {
		return s.plain(chunk, end)
	}
	if err := s.unpack.Push(chunk, func(b []byte) error { return s.plain(b, false) }); err != nil {
		return err
	}
	if !end {
		return nil
	}
	if err := s.unpack.Finish(func(b []byte) error { return s.plain(b, false) }); err != nil {
		return err
	}
	return s.plain(nil, true)
}

// plain takes uncompressed bytes of the stream.
func (s *stream) plain(chunk []byte, end bool) error {
	if s.blind || s.cut {
		s.passBlind(chunk)
		return nil
	}
	if s.decoder == nil && !s.sniff(&chunk, end) {
		return nil
	}
	if err := s.decoder.Push(chunk, s.event); err != nil {
		return err
	}
	if !end || s.cut {
		return nil
	}
	if err := s.decoder.Flush(s.event); err != nil {
		return err
	}
	return s.finish()
}

func (s *stream) passBlind(chunk []byte) {
	if !s.cut {
		s.out = append(s.out, chunk...)
	}
}

// sniffBytes is how much of a stream of unstated framing is kept to tell it.
const sniffBytes = 512

// sniff tells the framing by the first bytes; it is false while more are needed.
func (s *stream) sniff(chunk *[]byte, end bool) bool {
	s.prefix = append(s.prefix, *chunk...)
	kind, ok := frame.Sniff("", s.prefix)
	if most := s.c.snap.Settings.MaxEvent; !ok && !end && len(bytes.TrimLeft(s.prefix[:min(len(s.prefix), most)], " \t\r\n")) < sniffBytes && len(s.prefix) < most {
		return false
	}
	*chunk, s.prefix = s.prefix, nil
	if !ok {
		s.c.cover("response_framing", "", policy.Partial)
		s.asText()
		return true
	}
	s.decoder = frame.New(kind, frame.MaxEvent(s.c.snap.Settings.MaxEvent))
	return true
}

// goBlind lets the rest pass unread; coverage says so.
func (s *stream) goBlind(reason string, err error) {
	s.blind = true
	if err != nil {
		s.c.rec.Err = err
	}
	s.c.cover(reason, "", policy.Partial)
}

// event is one event's way: read, account, hold or release.
func (s *stream) event(ev *frame.Event) error {
	if s.cut {
		return nil
	}
	d := &s.delta
	d.Reset()
	err := s.reader.Read(ev, d)
	if err != nil {
		s.c.rec.Err = err
		s.c.cover("event_unreadable", "", policy.Partial)
		d.Reset()
	}
	s.account(d)
	if d.UsageOnly && s.c.asked {
		return nil
	}
	s.ended = s.ended || d.End
	if !s.inspect {
		s.out = append(s.out, s.c.withoutUsage(ev, d)...)
		return nil
	}
	return s.inspectEvent(ev, d, err != nil)
}

// account takes over what the event says of the whole response.
func (s *stream) account(d *genai.Delta) {
	c := s.c
	if len(d.Texts)+len(d.ToolCalls) > 0 {
		s.outputs++
		if c.rec.TimeToFirstChunk == 0 {
			c.rec.TimeToFirstChunk = c.svc.now().Sub(c.rec.Started)
		}
	}
	c.rec.Response.Add(d)
	if d.Error != nil {
		c.rec.ErrorType = errorType(d.Error)
	}
	if d.Unknown {
		c.reason("unknown_event")
	}
}

// inspectEvent scans the event's texts, redacts what the policy says, and lets
// go of every event that can no longer change.
func (s *stream) inspectEvent(ev *frame.Event, d *genai.Delta, unreadable bool) error {
	if err := s.newTools(d.ToolCalls); err != nil || s.cut {
		return err
	}
	h := s.hold.add(ev)
	h.dropUsage = d.UsageNull && s.c.asked
	switch {
	case unreadable:
		d.Texts = loosely(d.Texts, h.inner)
	case h.event.IsJSON():
		d.Texts = s.rest.said(appendTokens(d.Texts, h.inner), h.inner)
	}
	for i := range d.Texts {
		if err := s.text(h, &d.Texts[i]); err != nil || s.cut {
			return err
		}
	}
	if err := s.closeChannels(d); err != nil || s.cut {
		return err
	}
	if d.End { // the terminal event leaves judged, its own texts too
		if err := s.judge(true); err != nil || s.cut {
			return err
		}
	}
	return s.release()
}

func (s *stream) text(h *held, t *genai.Text) error {
	s.c.withoutMark(&h.edits, h.inner, t)
	*t = s.c.asSource(*t)
	for _, hit := range s.hold.scan(h, t) {
		if err := s.found(hit, t); err != nil || s.cut {
			return err
		}
	}
	return s.newHosts(t.Kind, s.hold.hosts)
}

// closeChannels ends the running texts that the event says are over: all of a
// choice that has finished, its content and reasoning when tools are called,
// its reasoning when it begins to answer. What was held for them is decided.
func (s *stream) closeChannels(d *genai.Delta) error {
	if d.End || d.Error != nil {
		return s.endTexts(func(genai.Channel) bool { return true })
	}
	for _, r := range d.FinishReasons {
		if err := s.endTexts(func(ch genai.Channel) bool { return int(ch.Choice) == r.Choice }); err != nil {
			return err
		}
	}
	for _, t := range d.ToolCalls {
		if err := s.endTexts(func(ch genai.Channel) bool {
			return int(ch.Choice) == t.Choice && (ch.Kind == genai.Content || ch.Kind == genai.Reasoning)
		}); err != nil {
			return err
		}
	}
	for i := range d.Texts {
		if t := &d.Texts[i]; t.Partial && t.Kind == genai.Content {
			if err := s.endTexts(func(ch genai.Channel) bool { return ch.Choice == t.Channel.Choice && ch.Kind == genai.Reasoning }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stream) endTexts(which func(genai.Channel) bool) error {
	for key, ch := range s.hold.channels {
		if !which(key) || ch.idle() {
			continue
		}
		for _, hit := range s.hold.end(ch) {
			if err := s.found(hit, &ch.text); err != nil || s.cut {
				return err
			}
		}
		if err := s.newHosts(ch.text.Kind, s.hold.hosts); err != nil || s.cut {
			return err
		}
	}
	return nil
}

// found asks the policy about a kind of finding it has not seen yet, and hides
// the finding where it says so.
func (s *stream) found(hit hit, t *genai.Text) error {
	c := s.c
	f := hit.finding
	if hit.restored != nil {
		s.hold.replace(hit, hit.restored.Value)
		if !isTokens(t) {
			c.rec.Restored++
		}
		return nil
	}
	value := s.hold.value(hit)
	if c.isStandIn(value) {
		return nil
	}
	kind := f.Entity + "\x00" + string(f.Class) + "\x00" + string(t.Kind) + "\x00" + string(t.Role)
	best, known := s.judged[kind]
	if !f.Continued && !(known && isTokens(t)) {
		c.rec.ResponseFindings = addFinding(c.rec.ResponseFindings, f, t.Kind, t.Role)
	}
	if !known || f.Score > best { // a rule may ask for a score
		s.judged[kind] = f.Score
		if err := s.judge(false); err != nil || s.cut {
			c.forget(value, "["+f.Entity+"]")
			return err
		}
	}
	rule := ruleFor(s.rules, f.Entity, string(f.Class), f.Score, t.Role)
	if rule == nil && c.isOwnMark(f.Entity, value) {
		rule = &ownMarkRule
	}
	if rule == nil {
		return nil
	}
	if hit.channelText().Frozen {
		return s.stop(dialect.ErrorInfo{Status: 403, Code: "policy_violation", Message: "the response holds signed content that must be redacted and cannot be"}, nil)
	}
	with := ""
	if !f.Continued {
		with = c.snap.Redact.Replace(rule.With, f.Entity, value, c.redactScope())
		if !isTokens(t) {
			c.redacted(f.Entity)
		}
	}
	c.forget(value, with)
	s.hold.replace(hit, with)
	return nil
}

// judge asks the response policy with what is known so far.
func (s *stream) judge(final bool) error {
	c := s.c
	decision, failed := c.decide(c.responseInput(nil, nil, final))
	if failed != nil {
		return s.stop(dialect.ErrorInfo{Status: 503, Code: "policy_error", Message: "this gateway could not judge the response and is configured to end it then"}, nil)
	}
	c.addLabels(decision.Labels)
	s.rules = decision.Redact
	if len(decision.Deny) == 0 {
		return nil
	}
	return s.stop(dialect.ErrorInfo{Status: decision.Deny[0].Status, Code: "policy_violation", Message: decision.Deny[0].Message}, decision.Deny)
}

// stop ends the response: what is held never leaves, a last event that the
// dialect's SDKs raise on does.
func (s *stream) stop(e dialect.ErrorInfo, denies []policy.Deny) error {
	c := s.c
	if e.Status == 0 {
		e.Status = 403
	}
	e.CallID = c.rec.ID
	s.stopped = e
	c.rec.Decision, c.rec.DeniedIn, c.rec.Denies, c.rec.ErrorType = "deny", string(policy.Response), denies, e.Code
	if e.Code == "policy_error" {
		c.rec.Decision = "error"
	}
	s.out = append(s.out, s.reader.ErrorEvent(e)...)
	s.cut = true
	return nil
}

// release lets go of the events at the head of the queue that are settled, and
// of more where the bound on holding is reached.
func (s *stream) release() error {
	out, err := s.hold.release(s.out)
	s.out = out
	if err != nil {
		return err
	}
	s.c.rec.HeldBytesMax = max(s.c.rec.HeldBytesMax, s.hold.bytes)
	if s.hold.bytes <= s.c.snap.Settings.MaxHeld {
		return nil
	}
	// At the bound every running text is decided as if it ended here.
	s.c.cover("hold_bound", "", policy.Partial)
	if err := s.endTexts(func(genai.Channel) bool { return true }); err != nil || s.cut {
		return err
	}
	s.out, err = s.hold.release(s.out)
	return err
}

// finish is the end of the body. Texts may still run also where the terminal
// event has passed: not every client stops there.
func (s *stream) finish() error {
	if s.inspect {
		if err := s.lastTexts(); err != nil || s.cut {
			return err
		}
	}
	out, err := s.hold.releaseAll(s.out)
	s.out = out
	return err
}

// lastTexts decides the texts still running, and asks the policy a last time
// where no terminal event has.
func (s *stream) lastTexts() error {
	if err := s.endTexts(func(genai.Channel) bool { return true }); err != nil || s.cut || s.ended {
		return err
	}
	return s.judge(true)
}

// fail deals with a stream that can no longer be read: closed, it ends with an
// error event; open, the rest passes as it is.
func (s *stream) fail(err error) {
	if s.cut {
		return
	}
	reason := "response_framing"
	if errors.Is(err, frame.ErrTooLarge) {
		reason = "event_too_large"
	}
	s.goBlind(reason, err)
	if s.inspect && !s.c.snap.Settings.FailOpen {
		_ = s.stop(dialect.ErrorInfo{Status: 502, Code: reason, Message: "this gateway could not read the response"}, nil)
		s.c.rec.Decision = "error"
		return
	}
	if s.inspect { // what was read is decided
		if err := s.lastTexts(); err != nil || s.cut {
			return
		}
	}
	if out, err := s.hold.releaseAll(s.out); err == nil {
		s.out = out
	}
	if s.decoder != nil {
		_ = s.decoder.Flush(func(ev *frame.Event) error { s.out = append(s.out, ev.Raw...); return nil })
	}
}

func (s *stream) close() {
	if !s.holdingSince.IsZero() { // what is held never left
		s.heldUntil(s.c.svc.now())
	}
	if s.hold.said != nil {
		s.c.keep(s.hold.said, &s.c.rec.Response, true)
	}
	if s.unpack != nil {
		_ = s.unpack.Close()
		s.unpack = nil
	}
}

// hit is a finding in a running text, or in a text complete in one event.
type hit struct {
	finding detect.Finding
	ch      *channel // nil for a text complete in its event
	h       *held
	text    int  // index in h.texts, for a complete text
	escaped bool // the finding has escapes in it
	// restored is the stand-in that the hit is, and what belongs in its place;
	// nil for a finding.
	restored *redact.Match
}

func (h hit) channelText() *genai.Text {
	if h.ch != nil {
		return &h.ch.text
	}
	return &h.h.texts[h.text].text
}
