package frame

import "bytes"

// ndjson finds lines. Only LF ends one; a CR before it is white space.
type ndjson struct{ seen int }

func (p *ndjson) reset() { p.seen = 0 }

func (p *ndjson) next(b []byte, ev *Event) (int, error) {
	n := bytes.IndexByte(b[p.seen:], '\n')
	if n < 0 {
		p.seen = len(b)
		return 0, nil
	}
	n += p.seen + 1
	p.last(b[:n], ev)
	return n, nil
}

func (p *ndjson) last(b []byte, ev *Event) int {
	p.seen = 0
	start, end := 0, len(b)
	for start < end && isSpace(b[start]) {
		start++
	}
	for end > start && isSpace(b[end-1]) {
		end--
	}
	ev.payload(NDJSON, b, start, end)
	return len(b)
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
