package call

import (
	"bytes"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/redact"
)

// holdBack keeps the events of a stream that may still change, in their order.
// Events that turn out to need no change leave as the bytes they came in.
type holdBack struct {
	set      *detect.Set
	restore  *redact.Pseudonyms   // nil where the request had none
	canary   *redact.Canary       // nil where the request has none
	codec    dialect.PayloadCodec // nil where the payload is what matters
	channels map[genai.Channel]*channel
	queue    []*held
	free     []*held
	bytes    int // of the queue's frames
	hits     []hit
	findings []detect.Finding
	hosts    []string // of the last scan
	splices  []jsonspan.Splice
	hid      bool        // something was hidden, and did not come back to the client
	said     *transcript // nil where content is not captured
	whole    bool        // texts that are complete in their event are said too
}

// channel is one running text: a choice's content, a tool call's arguments.
type channel struct {
	text    genai.Text // of its first delta: kind, role, encoding
	decoder *jsonspan.Decoder
	scanner *detect.Stream
	restore *redact.Restorer // nil where there is nothing to restore
	canary  *redact.Restorer // nil where there is none to look for
	matches []redact.Match   // of the last push
	before  recent           // until there is an escape in the text
	escaped *inEscaped       // from then on
	inner   []detect.Finding // in escapes, of the last push
	urls    *hostFinder      // nil where hosts do not matter
	hosts   []string         // of the last push
	pos     int64            // text seen so far
	settled int64            // text that can no longer become part of a finding
	// pushes counts the deltas; since openSince the decoder is in the middle of
	// an escape, a surrogate pair or a number, and could not be edited around.
	pushes, openSince int
	open              bool
	view              []byte
}

func (ch *channel) idle() bool { return ch.settled == ch.pos && !ch.open }

// push takes one delta's raw bytes, and says what is settled.
func (ch *channel) push(set *detect.Set, ht *heldText, raw []byte, dst []detect.Finding) []detect.Finding {
	ch.pushes++
	ht.ch, ht.push, ht.start = ch, ch.pushes, ch.pos
	ht.view = ch.decoder.Push(raw, ht.view[:0], &ht.decoded)
	ch.pos += int64(len(ht.view))
	ht.end = ch.pos
	if wasOpen := ch.open; ch.decoder.Open() {
		ch.open = true
		if !wasOpen {
			ch.openSince = ch.pushes
		}
	} else {
		ch.open = false
	}
	dst, ch.settled = ch.scanner.Push(ht.view, false, dst)
	var settled int64
	if ch.canary != nil {
		ch.matches, settled = ch.canary.Push(ht.view, false, ch.matches[:0])
		ch.settled, dst = min(ch.settled, settled), asCanaries(ch.matches, dst)
	}
	if ch.urls != nil {
		ch.hosts, settled = ch.urls.push(ht.view, false, ch.hosts[:0])
		ch.settled = min(ch.settled, settled)
	}
	if ch.unescape(set, ht.view, ht.start); ch.escaped != nil {
		ch.inner, settled = ch.escaped.push(ch.view, false)
		ch.settled = min(ch.settled, settled)
	}
	if ch.restore != nil {
		ch.matches, settled = ch.restore.Push(ht.view, false, ch.matches[:0])
		ch.settled = min(ch.settled, settled)
	} else {
		ch.matches = ch.matches[:0]
	}
	return dst
}

// unescape makes ch.view what is to be scanned with its escapes undone, once the
// text has any.
func (ch *channel) unescape(set *detect.Set, view []byte, start int64) {
	ch.inner, ch.view = nil, view
	if ch.escaped != nil {
		return
	}
	at := bytes.IndexByte(view, '\\')
	if at < 0 {
		ch.before.add(view)
		return
	}
	known := len(ch.before.text)
	ch.before.text = append(ch.before.text, view...)
	ch.escaped, ch.view = newEscaped(set, ch.before.text, start-int64(known), known+at)
}

// end decides the running text as if it ended here.
func (ch *channel) end(dst []detect.Finding) []detect.Finding {
	var m jsonspan.Map
	ch.view = ch.decoder.End(ch.view[:0], &m)
	ch.pos += int64(len(ch.view))
	dst, _ = ch.scanner.Push(ch.view, true, dst)
	if ch.canary != nil {
		ch.matches, _ = ch.canary.Push(ch.view, true, ch.matches[:0])
		dst = asCanaries(ch.matches, dst)
	}
	if ch.urls != nil {
		ch.hosts, _ = ch.urls.push(ch.view, true, ch.hosts[:0])
	}
	ch.matches = ch.matches[:0]
	if ch.restore != nil {
		ch.matches, _ = ch.restore.Push(ch.view, true, ch.matches)
	}
	if ch.inner = nil; ch.escaped != nil {
		ch.inner, _ = ch.escaped.push(ch.view, true)
	}
	ch.settled, ch.open = ch.pos, false
	return dst
}

// held is one event, kept with what is needed to change it.
type held struct {
	event     frame.Event // a copy that owns its bytes
	inner     []byte      // the payload that texts refer to
	wrapped   bool        // inner was taken out of an envelope
	texts     []heldText
	edits     jsonspan.Edits
	dropUsage bool
}

// heldText is one text of a held event, with its place in the running text.
type heldText struct {
	text       genai.Text
	ch         *channel // nil for a text complete in its event
	start, end int64
	push       int    // which of the channel's deltas it is
	view       []byte // decoded
	aliased    bool   // view is the event's own bytes
	cuts       []textCut
	decoded    jsonspan.Map
}

// textCut is a stretch of a text that another text stands for; restored where
// that is the client's own value.
type textCut struct {
	from, to int
	with     string
	restored bool
}

// left is the text as it leaves, but for values that come back to the client:
// their stand-ins are what may be kept.
func (ht *heldText) left() []byte {
	if len(ht.cuts) == 0 {
		return ht.view
	}
	var out []byte
	at := 0
	for _, cut := range ht.cuts { // in order, as findings are
		if cut.restored {
			continue
		}
		out = append(append(out, ht.view[at:max(at, cut.from)]...), cut.with...)
		at = max(at, cut.to)
	}
	return append(out, ht.view[at:]...)
}

func (b *holdBack) init(set *detect.Set, reader dialect.Stream) {
	b.set = set
	b.codec, _ = reader.(dialect.PayloadCodec)
	b.channels = map[genai.Channel]*channel{}
}

// add queues an event.
func (b *holdBack) add(ev *frame.Event) *held {
	var h *held
	if n := len(b.free); n > 0 {
		h, b.free = b.free[n-1], b.free[:n-1]
	} else {
		h = &held{}
	}
	ev.CloneTo(&h.event)
	h.inner, h.wrapped, h.dropUsage = h.event.Payload, false, false
	h.texts = h.texts[:0]
	h.edits.Reset()
	if b.codec != nil {
		if inner, err := b.codec.Unwrap(h.event.Payload); err == nil {
			h.inner, h.wrapped = inner, true
		}
	}
	b.queue = append(b.queue, h)
	b.bytes += len(h.event.Raw)
	return h
}

// maxChannels bounds a stream's running texts. A text beyond it is taken for
// complete in each of its events: what is split over events is then not seen.
const maxChannels = 1024

// scan takes one text of h through its channel, and returns what was found. The
// result is valid until the next call.
func (b *holdBack) scan(h *held, t *genai.Text) []hit {
	ht := h.addText(t)
	raw := h.inner[t.Range.Start:t.Range.End]
	b.hits, b.hosts = b.hits[:0], b.hosts[:0]
	ch := b.channel(t)
	if ch == nil {
		ht.view, ht.decoded = jsonspan.View(raw, nested(raw, t.Encoding))
		ht.aliased = true
		ht.start, ht.end = 0, int64(len(ht.view))
		b.findings = b.set.Scan(ht.view, b.findings[:0])
		if watchesHosts(t) {
			b.hosts, _ = hostsIn(ht.view, true, b.hosts)
		}
		if b.canary != nil && !isEcho(t) {
			b.findings = asCanaries(b.canary.Scan(ht.view, nil), b.findings)
		}
		var matches []redact.Match
		if !b.restore.Empty() {
			matches = b.restore.Scan(ht.view, nil)
		}
		return b.asHits(hit{h: h, text: len(h.texts) - 1}, inEscapes(b.set, ht.view), matches)
	}
	b.findings = ch.push(b.set, ht, raw, b.findings[:0])
	b.hosts = append(b.hosts, ch.hosts...)
	return b.asHits(hit{ch: ch}, ch.inner, ch.matches)
}

// asHits are the findings, those in escapes and the stand-ins as places to edit.
func (b *holdBack) asHits(template hit, inner []detect.Finding, matches []redact.Match) []hit {
	for _, f := range b.findings {
		template.finding = f
		b.hits = append(b.hits, template)
	}
	template.escaped = true
	for _, f := range inner {
		template.finding = f
		b.hits = append(b.hits, template)
	}
	template.escaped = false
	for i := range matches {
		template.finding = detect.Finding{Start: matches[i].Start, End: matches[i].End, Entity: matches[i].Entity}
		template.restored = &matches[i]
		b.hits = append(b.hits, template)
	}
	return b.hits
}

func (h *held) addText(t *genai.Text) *heldText {
	if n := len(h.texts); n < cap(h.texts) {
		h.texts = h.texts[:n+1]
	} else {
		h.texts = append(h.texts, heldText{})
	}
	ht := &h.texts[len(h.texts)-1]
	ht.text, ht.ch, ht.cuts = *t, nil, ht.cuts[:0]
	if ht.aliased {
		ht.view, ht.aliased = nil, false
	}
	return ht
}

// channel is the running text t belongs to, nil for a complete one.
func (b *holdBack) channel(t *genai.Text) *channel {
	if !t.Partial {
		return nil
	}
	ch := b.channels[t.Channel]
	if ch == nil {
		if len(b.channels) >= maxChannels {
			return nil
		}
		ch = &channel{text: *t, decoder: jsonspan.NewDecoder(jsonspan.Encoding(t.Encoding)), scanner: b.set.NewStream()}
		if !b.restore.Empty() {
			ch.restore = b.restore.NewRestorer()
		}
		if watchesHosts(t) {
			ch.urls = &hostFinder{}
		}
		if b.canary != nil {
			ch.canary = b.canary.NewRestorer()
		}
		b.channels[t.Channel] = ch
	}
	return ch
}

// end decides a running text as if it ended here.
func (b *holdBack) end(ch *channel) []hit {
	b.findings = ch.end(b.findings[:0])
	b.hits, b.hosts = b.hits[:0], append(b.hosts[:0], ch.hosts...)
	return b.asHits(hit{ch: ch}, ch.inner, ch.matches)
}

// value is the text that was found.
func (b *holdBack) value(f hit) string {
	var out []byte
	b.pieces(f, func(_ *held, ht *heldText, from, to int) { out = append(out, ht.view[from:to]...) })
	if f.escaped {
		return undo(string(out))
	}
	return string(out)
}

// replace puts text in the place of what was found: at the finding's first
// piece; further pieces, in later events, lose their share.
func (b *holdBack) replace(f hit, text string) {
	if f.escaped {
		text = redo(text)
	}
	first := !f.finding.Continued
	b.hid = b.hid || f.restored == nil
	b.pieces(f, func(h *held, ht *heldText, from, to int) {
		with := ""
		if first {
			with = text
		}
		ht.cuts = append(ht.cuts, textCut{from, to, with, f.restored != nil})
		b.splices = ht.decoded.Replace(b.splices[:0], from, to, with)
		if len(b.splices) > 0 { // else the piece was structure alone
			first = false
		}
		for _, splice := range b.splices {
			h.edits.Add(shift(splice.Range, ht.text.Range.Start), splice.With)
		}
	})
}

// pieces visits the held texts that a finding lies in, with its share of each.
func (b *holdBack) pieces(f hit, visit func(h *held, ht *heldText, from, to int)) {
	start, end := int64(f.finding.Start), int64(f.finding.End)
	if f.ch == nil {
		visit(f.h, &f.h.texts[f.text], f.finding.Start, f.finding.End)
		return
	}
	for _, h := range b.queue {
		for i := range h.texts {
			ht := &h.texts[i]
			if ht.ch != f.ch || ht.end <= start || ht.start >= end {
				continue
			}
			from, to := max(start, ht.start)-ht.start, min(end, ht.end)-ht.start
			visit(h, ht, int(from), int(to))
		}
	}
}

// release appends to out the events at the head of the queue whose texts are
// all settled.
func (b *holdBack) release(out []byte) ([]byte, error) {
	n := 0
	for n < len(b.queue) && b.queue[n].settled() {
		n++
	}
	return b.pop(out, n)
}

// releaseAll appends all events to out.
func (b *holdBack) releaseAll(out []byte) ([]byte, error) { return b.pop(out, len(b.queue)) }

func (b *holdBack) pop(out []byte, n int) ([]byte, error) {
	var err error
	for i, h := range b.queue[:n] {
		b.bytes -= len(h.event.Raw)
		if b.hid {
			dropNumbers(&h.edits, h.inner) // of the whole text, at the end
		}
		if out, err = h.appendTo(out, b.codec); err != nil {
			return out, err
		}
		b.say(h)
		b.free = append(b.free, h)
		b.queue[i] = nil
	}
	b.queue = append(b.queue[:0], b.queue[n:]...)
	return out, nil
}

// say keeps the running texts of an event that leaves; complete ones repeat
// what was said, but in a stream that has no others.
func (b *holdBack) say(h *held) {
	for i := range h.texts {
		ht := &h.texts[i]
		switch {
		case b.said == nil, isTokens(&ht.text):
		case ht.ch != nil:
			b.said.add(ht.text.Channel, ht.left())
		case b.whole:
			b.said.add(genai.Channel{Kind: ht.text.Kind}, ht.left())
		}
	}
}

func (h *held) settled() bool {
	for i := range h.texts {
		ht := &h.texts[i]
		if ch := ht.ch; ch != nil && (ht.end > ch.settled || ch.open && ht.push >= ch.openSince) {
			return false
		}
	}
	return true
}

// appendTo appends the event's frame, changed where edits were made.
func (h *held) appendTo(out []byte, codec dialect.PayloadCodec) ([]byte, error) {
	if h.dropUsage {
		if splice, err := jsonspan.Remove(h.inner, "/usage"); err == nil {
			h.edits.Add(splice.Range, splice.With)
		}
	}
	if h.changed() {
		dropTokens(&h.edits, h.inner)
	}
	if h.edits.Empty() {
		return append(out, h.event.Raw...), nil
	}
	h.edits.Merge() // two findings may share a token
	payload, err := h.edits.Apply(h.inner)
	if err != nil {
		return out, err
	}
	if h.wrapped {
		payload = codec.Wrap(h.event.Payload, payload)
	}
	return h.event.Rebuild(out, payload), nil
}

// withoutUsage is an event's frame for a client that did not ask for usage.
func (c *call) withoutUsage(ev *frame.Event, d *genai.Delta) []byte {
	if !d.UsageNull || !c.asked {
		return ev.Raw
	}
	splice, err := jsonspan.Remove(ev.Payload, "/usage")
	if err != nil {
		return ev.Raw
	}
	var edits jsonspan.Edits
	edits.Add(splice.Range, splice.With)
	payload, err := edits.Apply(ev.Payload)
	if err != nil {
		return ev.Raw
	}
	return ev.Rebuild(nil, payload)
}
