package frame

import "bytes"

// array finds the elements of one JSON array. An event is an element with the
// bracket or comma and the white space before it; an object, array or string is
// complete with its last byte, a number or literal with what follows it. The
// closing bracket is an event of kind None, and so is, at the end of the stream,
// whatever follows it. A body that doesn't begin with a bracket is one element.
type array struct {
	state  arrayState
	scan   int // b[:scan] has been read
	start  int // of the element
	depth  int
	quoted bool
	single bool // the body is no array
}

type arrayState uint8

const (
	beforeArray arrayState = iota
	beforeElement
	inElement
	afterArray
)

func (p *array) reset() { *p = array{} }

func (p *array) next(b []byte, ev *Event) (int, error) {
	for p.scan < len(b) {
		switch p.state {
		case beforeArray, beforeElement:
			if n := p.separator(b); n > 0 {
				return p.separate(b[:n], ev), nil
			}
		case inElement:
			if end := p.element(b); end > 0 {
				return p.emit(b[:end], ev), nil
			}
		case afterArray:
			p.scan = len(b)
		}
	}
	return 0, nil
}

// separator reads one byte before an element; the result is the length of the
// event that a closing bracket ends, or 0.
func (p *array) separator(b []byte) int {
	c := b[p.scan]
	switch {
	case isSpace(c) || c == ',' && p.state == beforeElement || p.scan < 3 && p.state == beforeArray && c == bom[p.scan]:
		p.scan++
	case c == '[' && p.state == beforeArray:
		p.state = beforeElement
		p.scan++
	case c == ']':
		p.state = afterArray
		return p.scan + 1
	default:
		p.single = p.state == beforeArray
		p.state, p.start, p.depth = inElement, p.scan, 0
	}
	return 0
}

func (p *array) separate(raw []byte, ev *Event) int {
	ev.payload(JSONArray, raw, len(raw)-1, len(raw)-1)
	p.scan = 0
	return len(raw)
}

// element reads on in an element; the result is where it ends, or 0.
func (p *array) element(b []byte) int {
	for p.scan < len(b) {
		if p.quoted {
			if !p.closeQuote(b) {
				return 0
			}
			if p.depth == 0 {
				return p.scan
			}
			continue
		}
		switch c := b[p.scan]; {
		case c == '"':
			p.quoted = true
		case c == '{' || c == '[':
			p.depth++
		case p.depth == 0:
			if p.scan > p.start && (c == ',' || c == ']' || isSpace(c)) {
				return p.scan
			}
		case c == '}' || c == ']':
			if p.depth--; p.depth == 0 {
				return p.scan + 1
			}
		}
		p.scan++
	}
	return 0
}

// closeQuote moves behind the quote that ends the string; false where it has not
// arrived. Backslashes before a quote are counted back to p.start at most.
func (p *array) closeQuote(b []byte) bool {
	for {
		n := bytes.IndexByte(b[p.scan:], '"')
		if n < 0 {
			p.scan = len(b)
			return false
		}
		q := p.scan + n
		s := q
		for s > p.start && b[s-1] == '\\' {
			s--
		}
		p.scan = q + 1
		if (q-s)%2 == 0 {
			p.quoted = false
			return true
		}
	}
}

// emit gives the element that raw ends in.
func (p *array) emit(raw []byte, ev *Event) int {
	ev.payload(JSONArray, raw, p.start, len(raw))
	single := p.single
	p.reset()
	if p.state = beforeElement; single {
		p.state = afterArray
	}
	return len(raw)
}

func (p *array) last(b []byte, ev *Event) int {
	start := len(b)
	if p.state == inElement {
		start = p.start
	}
	ev.payload(JSONArray, b, start, len(b))
	p.reset()
	p.state = afterArray
	return len(b)
}
