package jsonspan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Encoding says how raw bytes stand for text. The values are those of
// genai.Encoding.
type Encoding uint8

// Encodings.
const (
	// Plain: the bytes are the text.
	Plain Encoding = iota
	// JSONString: the bytes between the quotes of a JSON string.
	JSONString
	// JSONValue: a whole JSON value; its text is the source with the escapes
	// inside its strings decoded.
	JSONValue
	// JSONInString: the bytes between the quotes of a JSON string whose text is
	// JSON source, read like JSONValue. A push may carry any fragment of it.
	JSONInString
)

// outer reports whether the raw bytes stand between a JSON string's quotes.
func (e Encoding) outer() bool { return e == JSONString || e == JSONInString }

// inner reports whether the text is JSON source.
func (e Encoding) inner() bool { return e == JSONValue || e == JSONInString }

// Decoder turns the raw bytes of one running text into text, push by push. The
// texts of all pushes and of End, joined, don't depend on where the pushes are
// cut. For JSONString and JSONInString a push is the whole content of one JSON
// string, so it ends in no half escape; but a surrogate pair may be split over
// two, and the source inside a JSONInString may be cut anywhere, inside its own
// escapes too. What is cut gives its text with the push that completes it. A
// lone surrogate is U+FFFD; a backslash that begins no escape is U+FFFD too, and
// what follows it stands for itself. The memory kept is that of one push.
//
// Not safe for concurrent use.
type Decoder struct {
	enc  Encoding
	high rune // outer high surrogate that waits for its partner
	src  source
	mid  []byte
	plan []unit // how mid maps to the raw bytes
}

// NewDecoder returns a decoder of one running text.
func NewDecoder(enc Encoding) *Decoder { return &Decoder{enc: enc} }

// keptMid is how much memory Reset keeps, in bytes of one push.
const keptMid = 64 << 10

// Reset makes the decoder ready for another text and keeps its memory.
func (d *Decoder) Reset(enc Encoding) {
	d.enc, d.high, d.src = enc, 0, source{}
	if cap(d.mid) > keptMid {
		d.mid, d.plan = nil, nil
	}
}

// Open reports whether the pushes so far end in the middle of something: an
// escape, a surrogate pair, or a number or literal of JSON source. Hold the event
// back until a later push closes it, if what is found there is to be replaced.
func (d *Decoder) Open() bool {
	return d.high != 0 || d.src.open()
}

// Push appends the text of raw to dst and records in m how it maps to raw. m
// refers to raw and to the text appended until the next Push with it: neither
// may change as long as m is used.
func (d *Decoder) Push(raw, dst []byte, m *Map) []byte {
	base := len(dst)
	m.begin(d, raw)
	if d.same(raw) {
		dst = append(dst, raw...)
	} else {
		dst = d.decode(raw, dst, m)
	}
	m.text = dst[base:]
	return dst
}

// PushText is Push for callers that need one push's text alone: it returns raw
// itself where that is the text, and else the text in buf[:0], grown as needed.
// The text of an Identity map is raw; keep the other in buf.
func (d *Decoder) PushText(raw, buf []byte, m *Map) (text []byte) {
	m.begin(d, raw)
	m.text = raw
	if !d.same(raw) {
		if text = d.decode(raw, buf[:0], m); !m.Identity() {
			m.text = text
		}
	}
	return m.text
}

// End appends what the pushes left unfinished: U+FFFD for half a surrogate pair,
// the characters of half an escape. The text maps to no raw bytes.
func (d *Decoder) End(dst []byte, m *Map) []byte {
	base := len(dst)
	m.begin(d, nil)
	if d.high != 0 {
		d.high = 0
		if d.enc.inner() {
			dst = d.src.lex([]byte("\uFFFD"), dst, m, []unit{{0, 3, 0, 0}})
		} else {
			dst = append(dst, "\uFFFD"...)
		}
	}
	dst = d.src.end(dst)
	m.text = dst[base:]
	if len(m.text) > 0 {
		m.units = append(m.units[:0], unit{0, len(m.text), 0, 0})
	}
	return dst
}

// View is the text of raw at once. It is raw itself where the two are the same.
func View(raw []byte, enc Encoding) (text []byte, m Map) {
	d := Decoder{enc: enc}
	text = d.PushText(raw, nil, &m)
	if d.high == 0 && !d.src.unfinished() {
		return text, m
	}
	var rest Map
	tail := len(text)
	text = d.End(text, &rest)
	if n := len(m.units) - 1; n < 0 || m.units[n].textEnd > m.units[n].text || m.units[n].rawEnd < len(raw) {
		m.units = append(m.units, unit{tail, tail, len(raw), len(raw)})
	}
	m.units[len(m.units)-1].textEnd = len(text)
	m.text = text
	return text, m
}

// same reports whether raw is its own text and changes no state.
func (d *Decoder) same(raw []byte) bool {
	switch d.enc {
	case JSONString:
		return d.high == 0 && bytes.IndexByte(raw, '\\') < 0
	case JSONValue, JSONInString:
		if d.high != 0 || d.src.unfinished() || bytes.IndexByte(raw, '\\') >= 0 {
			return false
		}
		// Without a backslash there is neither quote nor escape in the source
		// of a JSONInString, so only the token at the end matters.
		if d.enc == JSONValue && bytes.IndexByte(raw, '"') >= 0 {
			return false
		}
		d.src.tail(raw)
		return true
	}
	return true
}

func (d *Decoder) decode(raw, dst []byte, m *Map) []byte {
	switch d.enc {
	case JSONString:
		dst, m.units = d.outer(raw, dst, m.units)
	case JSONValue:
		dst = d.src.lex(raw, dst, m, nil)
	case JSONInString:
		d.mid, d.plan = d.outer(raw, d.mid[:0], d.plan[:0])
		dst = d.src.lex(d.mid, dst, m, d.plan)
	}
	return dst
}

// outer decodes the escapes of raw, the content of a JSON string.
func (d *Decoder) outer(raw, dst []byte, units []unit) ([]byte, []unit) {
	base, i := len(dst), 0
	if d.high != 0 && len(raw) > 0 {
		r := utf16.DecodeRune(d.high, unicodeEscape(raw, 0))
		if r != utf8.RuneError {
			i = 6
		}
		d.high = 0
		dst = utf8.AppendRune(dst, r)
		units = append(units, unit{0, len(dst) - base, 0, i})
	}
	for {
		n := bytes.IndexByte(raw[i:], '\\')
		if n < 0 {
			return append(dst, raw[i:]...), units
		}
		dst = append(dst, raw[i:i+n]...)
		i += n
		text := len(dst) - base
		if len(raw)-i == 6 {
			if r := unicodeEscape(raw, i); isHigh(r) {
				d.high = r
				return dst, append(units, unit{text, text, i, len(raw)})
			}
		}
		r, end := unescape(raw, i)
		dst = utf8.AppendRune(dst, r)
		units = append(units, unit{text, len(dst) - base, i, end})
		i = end
	}
}

func isHigh(r rune) bool { return r >= 0xD800 && r < 0xDC00 }

// source reads JSON source in fragments and decodes the escapes inside its
// strings; everything else stands for itself.
type source struct {
	inString bool
	high     rune    // high surrogate that waits for its partner
	esc      [6]byte // the escape being read, from its backslash
	escLen   int
	// The number or literal that the source so far ends in; 0 where in none.
	first, last byte
}

func (s *source) unfinished() bool { return s.high != 0 || s.escLen > 0 }

func (s *source) open() bool { return s.unfinished() || s.first != 0 }

// lex appends the text of mid. plan says how mid maps to raw bytes, nil where it
// is raw. Text offsets in m count from the first byte appended.
func (s *source) lex(mid, dst []byte, m *Map, plan []unit) []byte {
	w := writer{dst: dst, base: len(dst), m: m, mid: mid, plan: plan, joined: -1}
	for w.done < len(mid) {
		switch {
		case s.unfinished():
			s.resume(&w)
		case s.inString:
			s.content(&w)
		default:
			s.structure(&w)
		}
	}
	w.copy(0)
	return w.dst
}

// structure copies what lies outside strings, up to and with the next quote.
func (s *source) structure(w *writer) {
	rest := w.mid[w.done:]
	n := bytes.IndexByte(rest, '"')
	if n < 0 {
		s.tail(rest)
		w.copy(len(rest))
		return
	}
	w.copy(n + 1)
	s.inString, s.first = true, 0
	w.toggle()
}

// tail keeps track of the token that bytes outside a string end in.
func (s *source) tail(rest []byte) {
	if s.inString {
		return
	}
	i := len(rest)
	for i > 0 && isBare(rest[i-1]) {
		i--
	}
	if i == len(rest) {
		if i > 0 {
			s.first = 0
		}
		return
	}
	if i > 0 || s.first == 0 {
		s.first = rest[i]
	}
	s.last = rest[len(rest)-1]
}

// content copies what lies inside a string, up to its end or past one escape.
func (s *source) content(w *writer) {
	rest := w.mid[w.done:]
	n := indexQuoteOrBackslash(rest)
	if n < 0 {
		w.copy(len(rest))
		return
	}
	w.copy(n)
	if rest[n] == '"' {
		w.toggle()
		w.copy(1)
		s.inString = false
		return
	}
	s.resume(w)
}

// resume reads an escape, or what follows half a surrogate pair, from w.done. The
// unit it makes begins there, also where the escape began in an earlier push.
func (s *source) resume(w *writer) {
	for i := w.done; i < len(w.mid); i++ {
		c := w.mid[i]
		if !s.fits(c) {
			s.giveUp(w, i)
			return
		}
		s.esc[s.escLen] = c
		s.escLen++
		if s.complete() {
			if s.take(w, i+1); s.high == 0 {
				return
			}
		}
	}
	w.emit(len(w.mid), nothing, nil)
}

// fits reports whether the escape so far may go on with c.
func (s *source) fits(c byte) bool {
	switch s.escLen {
	case 0:
		return c == '\\'
	case 1:
		return c == 'u' || simpleEscape(c) != 0
	}
	_, ok := hexDigit(c)
	return ok
}

func (s *source) complete() bool {
	return s.escLen == 6 || s.escLen == 2 && s.esc[1] != 'u'
}

// take emits the escape that is complete before end, unless it is a high
// surrogate, which waits for what follows.
func (s *source) take(w *writer, end int) {
	r := simpleEscape(s.esc[1])
	if s.esc[1] == 'u' {
		r, _ = hex4(s.esc[:], 2)
	}
	if pair := utf16.DecodeRune(s.high, r); pair != utf8.RuneError {
		r, s.high = pair, 0
	}
	s.alone(w, end)
	if s.escLen = 0; isHigh(r) {
		s.high = r
		return
	}
	w.emit(end, r, nil)
}

// alone emits the half pair that has no partner, where there is one; the escape
// behind it ends at end. Where that began in an earlier push too, both are one
// unit: nothing could stand between them.
func (s *source) alone(w *writer, end int) {
	switch from := end - s.escLen; {
	case s.high == 0:
	case from < w.done:
		w.join(utf8.RuneError)
	default:
		w.emit(from, utf8.RuneError, nil)
	}
	s.high = 0
}

// giveUp emits what was read before end and is no escape.
func (s *source) giveUp(w *writer, end int) {
	s.alone(w, end)
	if s.escLen > 0 {
		w.emit(end, utf8.RuneError, s.esc[1:s.escLen])
		s.escLen = 0
	}
}

func (s *source) end(dst []byte) []byte {
	if s.high != 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	if s.escLen > 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
		dst = append(dst, s.esc[1:s.escLen]...)
	}
	s.high, s.escLen = 0, 0
	return dst
}

func indexQuoteOrBackslash(s []byte) int {
	n := bytes.IndexByte(s, '"')
	if n < 0 {
		return bytes.IndexByte(s, '\\')
	}
	if b := bytes.IndexByte(s[:n], '\\'); b >= 0 {
		return b
	}
	return n
}
