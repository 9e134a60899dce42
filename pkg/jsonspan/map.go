package jsonspan

import (
	"sort"
	"unicode/utf8"
)

// unit is a piece of text that doesn't stand for itself: an escape, or a part of
// one. Between units text and raw bytes are the same.
type unit struct{ text, textEnd, raw, rawEnd int }

// Map says which raw bytes of one push its text came from. Text offsets count
// from the first byte that the push appended. Stretches that stand for themselves
// cost nothing. The zero Map is ready to be filled, and may be filled again.
type Map struct {
	enc      Encoding
	raw      []byte
	text     []byte
	units    []unit
	toggles  []int // text offsets at which an inner string's content begins or ends
	inString bool  // at offset 0
	lead     Context
}

func (m *Map) begin(d *Decoder, raw []byte) {
	m.enc, m.raw, m.text = d.enc, raw, nil
	m.units, m.toggles = m.units[:0], m.toggles[:0]
	m.inString, m.lead = d.src.inString, d.lead()
}

// Identity reports whether the text is the raw bytes themselves.
func (m *Map) Identity() bool { return len(m.units) == 0 }

// Raw is the smallest range of raw bytes whose units cover the text
// [start, end) of the push: a unit, an escape or a character, is covered whole or
// not at all. Where start or end lies within a number or literal of JSON source, the
// range goes on to that token's borders, as far as they lie in this push, so
// that a replacement never leaves half a token. For start == end it is the empty
// range at that place.
func (m *Map) Raw(start, end int) Range {
	start, end = m.whole(start, end)
	if start == end {
		at := m.rawStart(start)
		return Range{at, at}
	}
	start, end = m.widen(start, end)
	return Range{m.rawStart(start), m.rawEnd(end)}
}

// whole clips a range to the text and widens it to whole characters.
func (m *Map) whole(start, end int) (int, int) {
	start = max(0, min(start, len(m.text)))
	end = max(start, min(end, len(m.text)))
	if start == end {
		return start, end
	}
	for start > 0 && !utf8.RuneStart(m.text[start]) {
		start--
	}
	for end < len(m.text) && !utf8.RuneStart(m.text[end]) {
		end++
	}
	return start, end
}

// widen moves the borders of a range of text out of bare tokens.
func (m *Map) widen(start, end int) (int, int) {
	if !m.enc.inner() {
		return start, end
	}
	if isBare(m.text[start]) && !m.within(start) {
		for start > 0 && isBare(m.text[start-1]) {
			start--
		}
	}
	if isBare(m.text[end-1]) && !m.within(end-1) {
		for end < len(m.text) && isBare(m.text[end]) {
			end++
		}
	}
	return start, end
}

// rawStart is the raw offset of the unit or byte that holds the text at t.
func (m *Map) rawStart(t int) int {
	i := sort.Search(len(m.units), func(i int) bool { return m.units[i].textEnd > t })
	if i < len(m.units) && m.units[i].text <= t {
		return m.units[i].raw
	}
	if i == 0 {
		return t
	}
	u := m.units[i-1]
	return u.rawEnd + t - u.textEnd
}

// rawEnd is the raw offset behind the unit or byte that holds the text before t.
func (m *Map) rawEnd(t int) int {
	i := sort.Search(len(m.units), func(i int) bool { return m.units[i].text >= t })
	if i == 0 {
		return t
	}
	u := m.units[i-1]
	return u.rawEnd + max(0, t-u.textEnd)
}

// Context is where in JSON source a replacement is to stand; it decides how the
// replacement is encoded.
type Context uint8

// Contexts.
const (
	// Bare: outside any inner string. A replacement becomes a JSON string.
	Bare Context = iota
	// InString: inside an inner string, or no JSON source at all.
	InString
	// Tail: in a number that an earlier push began, and that is complete without
	// the rest. A replacement leaves nothing.
	Tail
	// HalfTail: as Tail, but incomplete without the rest, as in "1.": a
	// replacement completes the number by a 0.
	HalfTail
	// WordTail: in a literal that an earlier push began; nothing can stand for
	// its rest, and Replace leaves it alone.
	WordTail
	// AfterHigh: the raw bytes complete a surrogate pair that an earlier push
	// began. A replacement is preceded by a low surrogate.
	AfterHigh
	// InEscape and the three behind it: the raw bytes complete an inner escape
	// that an earlier push began, at its second, third … character. A
	// replacement is preceded by what makes a space of it, or near it.
	InEscape
	_
	_
	_
	_
	// AfterInnerHigh is AfterHigh for a pair escaped in the JSON source.
	AfterInnerHigh
)

// lead is the context at the start of the next push.
func (d *Decoder) lead() Context {
	s := &d.src
	switch {
	case d.high != 0:
		return AfterHigh
	case s.escLen > 0:
		return InEscape + Context(s.escLen-1)
	case s.high != 0:
		return AfterInnerHigh
	case s.first == 0:
		return Bare
	case s.first != '-' && !isDigit(s.first):
		return WordTail
	case !isDigit(s.last):
		return HalfTail
	}
	return Tail
}

// Context is where the text at an offset stands, so that a replacement that
// begins there can be encoded by [Encoding.AppendReplacement].
func (m *Map) Context(textOffset int) Context {
	if m.atLead(textOffset) {
		return m.lead
	}
	if !m.enc.inner() || m.within(textOffset) {
		return InString
	}
	return Bare
}

// atLead reports whether the text at t continues what an earlier push began.
func (m *Map) atLead(t int) bool {
	switch m.lead {
	case Bare:
		return false
	case Tail, HalfTail, WordTail:
		for ; t >= 0 && t < len(m.text) && isBare(m.text[t]); t-- {
			if t == 0 {
				return true
			}
		}
		return false
	}
	return len(m.units) > 0 && m.units[0].raw == 0 && m.units[0].rawEnd > 0 && t < max(1, m.units[0].textEnd)
}

// within reports whether the text at t is inside an inner string.
func (m *Map) within(t int) bool {
	n := sort.Search(len(m.toggles), func(i int) bool { return m.toggles[i] > t })
	return m.inString != (n%2 == 1)
}

// AppendReplacement appends text encoded so that it can stand in the place of raw
// bytes in that context: escaped for each layer, and in quotes where it is Bare,
// because what replaces a number must be a JSON string.
func (e Encoding) AppendReplacement(dst []byte, text string, ctx Context) []byte {
	if e == Plain {
		return append(dst, text...)
	}
	if !e.inner() {
		if ctx == AfterHigh {
			dst = append(dst, `\udc00`...)
		}
		return AppendEscaped(dst, text)
	}
	if e == JSONValue {
		return appendSource(dst, text, ctx)
	}
	if ctx == AfterHigh {
		dst = append(dst, `\udc00`...)
		ctx = InString
	}
	var buf [256]byte
	return AppendEscaped(dst, appendSource(buf[:0], text, ctx))
}

// appendSource encodes text for a place in JSON source.
func appendSource(dst []byte, text string, ctx Context) []byte {
	switch ctx {
	case Bare:
		return AppendQuoted(dst, text)
	case Tail, WordTail:
		return dst
	case HalfTail:
		if text == "" {
			return dst
		}
		return append(dst, '0')
	case AfterInnerHigh:
		dst = append(dst, `\udc00`...)
	case InString, AfterHigh:
	default:
		dst = append(dst, "u0020"[ctx-InEscape:]...)
	}
	return AppendEscaped(dst, text)
}

// Replace appends to dst the splices of raw bytes that put text in the place of
// [start, end) and leave JSON source valid: where the range crosses the borders
// of inner strings, structure, names' quotes and literals stay, text stands in
// the first string or number touched, and the rest of the range is emptied. The
// ranges are those of the push; nothing is appended where the range holds
// structure alone. For a finding over several pushes call it for each, with the
// text once and "" for the others.
func (m *Map) Replace(dst []Splice, start, end int, text string) []Splice {
	start, end = m.whole(start, end)
	for start < end {
		stop := m.segment(start, end)
		if stop > start {
			s := Splice{Range: m.Raw(start, stop)}
			s.With = m.enc.AppendReplacement(nil, text, m.Context(start))
			dst, text = append(dst, s), ""
		}
		start = max(stop, start+1)
		for start < end && stop > 0 && m.enc.inner() && !m.within(start) && isBare(m.text[start]) && isBare(m.text[start-1]) {
			start++ // the rest of a token already replaced
		}
	}
	return dst
}

// segment is the end of the stretch of text from start that one replacement can
// stand for: the content of one string, or one number. It is start where there
// is nothing to replace.
func (m *Map) segment(start, end int) int {
	if !m.enc.inner() {
		return end
	}
	if m.within(start) {
		i := sort.Search(len(m.toggles), func(i int) bool { return m.toggles[i] > start })
		if i < len(m.toggles) {
			return min(end, m.toggles[i])
		}
		return end
	}
	from := start
	for from > 0 && isBare(m.text[from-1]) {
		from--
	}
	if !m.number(from) {
		return start
	}
	stop := start
	for stop < end && isBare(m.text[stop]) {
		stop++
	}
	return stop
}

// number reports whether the token at t, of which nothing stands before t in this
// push, is a number.
func (m *Map) number(t int) bool {
	if t == 0 && m.lead >= Tail && m.lead <= WordTail {
		return m.lead != WordTail
	}
	return m.text[t] == '-' || isDigit(m.text[t])
}

// writer appends text and records the units it is made of.
type writer struct {
	dst  []byte
	base int
	m    *Map
	mid  []byte
	done int    // how far mid is read
	plan []unit // mid to raw; those before next are passed
	next int
	// joined is where the text begins that the next unit takes in, or -1.
	joined int
}

func (w *writer) text() int { return len(w.dst) - w.base }

func (w *writer) toggle() { w.m.toggles = append(w.m.toggles, w.text()) }

// copy takes n bytes of mid as they are; units of the plan keep their raw ranges.
func (w *writer) copy(n int) {
	text, from := w.text(), w.done
	w.dst = append(w.dst, w.mid[from:from+n]...)
	w.done += n
	for w.next < len(w.plan) && w.plan[w.next].textEnd <= w.done {
		u := w.plan[w.next]
		w.m.units = append(w.m.units, unit{u.text - from + text, u.textEnd - from + text, u.raw, u.rawEnd})
		w.next++
	}
}

// nothing is the rune that emit leaves out.
const nothing rune = -1

// emit makes mid up to end one unit that stands for r and the text behind it.
func (w *writer) emit(end int, r rune, rest []byte) {
	u := unit{text: w.text(), raw: w.rawAt(w.done)}
	if w.joined >= 0 {
		u.text, w.joined = w.joined, -1
	}
	if r != nothing {
		w.dst = utf8.AppendRune(w.dst, r)
	}
	w.dst = append(w.dst, rest...)
	for w.next < len(w.plan) && w.plan[w.next].textEnd <= end {
		w.next++
	}
	u.textEnd, u.rawEnd = w.text(), w.rawAt(end)
	w.done = end
	w.m.units = append(w.m.units, u)
}

// join appends r as the beginning of the next unit's text.
func (w *writer) join(r rune) {
	w.joined = w.text()
	w.dst = utf8.AppendRune(w.dst, r)
}

// rawAt is the raw offset of mid[i], where the units of the plan before next end
// at or before i.
func (w *writer) rawAt(i int) int {
	if w.next == 0 {
		return i
	}
	u := w.plan[w.next-1]
	return u.rawEnd + i - u.textEnd
}
