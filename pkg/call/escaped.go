package call

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf16"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// A text may quote JSON source, in prose, in code or as a string within what a
// tool is called with, and then holds escapes that are characters to whoever
// reads that source: jane\u0040corp.example. What the text is with its escapes
// undone is scanned too, from the first backslash on; findings that have no escape
// in them are the plain text's own.

// inEscaped scans a running text with its escapes undone. Offsets are those of the
// plain text where not said otherwise.
type inEscaped struct {
	scanner *detect.Stream
	open    []byte // what is not undone yet: the start of an escape
	at      int64  // where that begins
	pos     int64  // text undone so far, in undone bytes
	pieces  []undone
	found   []detect.Finding
	plain   []detect.Finding // the result of a push
}

// undone is a piece of the text that findings may still lie in.
type undone struct {
	at, end int64 // in undone bytes
	from    int64
	m       jsonspan.Map
}

// lookBack is how much of the text before the first backslash is scanned again, in
// bytes, for what words near a value say of it.
const lookBack = 1 << 10

// recent keeps the end of a running text that has no backslash yet.
type recent struct{ text []byte }

func (r *recent) add(view []byte) {
	if len(r.text)+len(view) > 2*lookBack {
		keep := max(0, min(len(r.text), lookBack-len(view)))
		r.text = append(r.text[:0], r.text[len(r.text)-keep:]...)
		view = view[max(0, len(view)-lookBack):]
	}
	r.text = append(r.text, view...)
}

// newEscaped begins at a text's first backslash, text[at]; text is the end of what
// came so far and begins at from. It begins behind a space, wherever the text was
// cut.
func newEscaped(set *detect.Set, text []byte, from int64, at int) (e *inEscaped, rest []byte) {
	start := max(0, at-lookBack)
	if from+int64(start) > 0 {
		if n := bytes.IndexAny(text[start:at], " \n"); n >= 0 {
			start += n + 1
		}
	}
	return &inEscaped{scanner: set.NewStream(), at: from + int64(start)}, text[start:]
}

// push takes the next piece of the text, gives what was found, valid until the
// next push, and says up to where all is decided. With end the text is over;
// another may follow.
func (e *inEscaped) push(piece []byte, end bool) (found []detect.Finding, settled int64) {
	e.open = append(e.open, piece...)
	n := len(e.open)
	if !end {
		n = wholeEscapes(e.open)
	}
	text, m := jsonspan.View(bytes.Clone(e.open[:n]), jsonspan.JSONString)
	if n > 0 {
		e.pieces = append(e.pieces, undone{e.pos, e.pos + int64(len(text)), e.at, m})
	}
	e.pos, e.at = e.pos+int64(len(text)), e.at+int64(n)
	e.open = append(e.open[:0], e.open[n:]...)
	var decided int64
	e.found, decided = e.scanner.Push(text, end, e.found[:0])
	e.plain = e.plain[:0]
	for _, f := range e.found {
		if f, ok := e.inPlain(f); ok {
			e.plain = append(e.plain, f)
		}
	}
	done := 0
	for done < len(e.pieces) && e.pieces[done].end <= decided {
		done++
	}
	e.pieces = slices.Delete(e.pieces, 0, done)
	if decided == e.pos || len(e.pieces) == 0 {
		return e.plain, e.at
	}
	first := &e.pieces[0]
	return e.plain, first.from + int64(first.m.Raw(int(decided-first.at), int(decided-first.at)).Start)
}

// inPlain is a finding in the plain text; false where it has no escape in it.
func (e *inEscaped) inPlain(f detect.Finding) (detect.Finding, bool) {
	if f.Class == detect.Injection {
		return f, false
	}
	start, end := int64(f.Start), int64(f.End)
	from, to := int64(-1), int64(-1)
	for i := range e.pieces {
		p := &e.pieces[i]
		if p.end <= start || p.at >= end {
			continue
		}
		r := p.m.Raw(int(max(start, p.at)-p.at), int(min(end, p.end)-p.at))
		if from < 0 {
			from = p.from + int64(r.Start)
		}
		to = p.from + int64(r.End)
	}
	if from < 0 || to-from == end-start {
		return f, false
	}
	f.Start, f.End = int(from), int(to)
	return f, true
}

// inEscapes is what a whole text has in its escapes.
func inEscapes(set *detect.Set, text []byte) []detect.Finding {
	at := bytes.IndexByte(text, '\\')
	if at < 0 {
		return nil
	}
	e, rest := newEscaped(set, text, 0, at)
	found, _ := e.push(rest, true)
	return found
}

// within reports whether a plain finding is a part of one in escapes, as
// u006aane@corp.example is of \u006aane@corp.example. Those in escapes are in their
// order.
func within(f detect.Finding, inner []detect.Finding) bool {
	i, _ := slices.BinarySearchFunc(inner, f.End, func(in detect.Finding, end int) int { return cmp.Compare(in.End, end) })
	return i < len(inner) && inner[i].Start <= f.Start && inner[i].Entity == f.Entity
}

// undo is a value found so as it reads.
func undo(value string) string {
	text, _ := jsonspan.View([]byte(value), jsonspan.JSONString)
	return string(text)
}

// redo is what stands for such a value, as it belongs there.
func redo(with string) string { return string(jsonspan.AppendEscaped(nil, with)) }

// wholeEscapes is how much of text ends in no half of an escape, nor between the
// halves of a pair. The text begins with no half of one.
func wholeEscapes(text []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(text[at:], '\\')
		if n < 0 {
			return len(text)
		}
		at += n
		size := escapeLen(text[at:])
		if size == 0 {
			return at
		}
		at += size
	}
}

// escapeLen is the length of the escape that text begins with, a pair's both
// halves together, 0 where more may belong to it. A backslash that begins none is
// one by itself.
func escapeLen(text []byte) int {
	switch {
	case len(text) < 2:
		return 0
	case text[1] != 'u':
		return 2
	}
	high, n := hex4(text[2:])
	switch {
	case n < 4 && len(text) == 2+n:
		return 0
	case n < 4:
		return 2
	case !utf16.IsSurrogate(high) || high >= 0xDC00:
		return 6
	}
	switch rest := text[6:]; {
	case len(rest) == 0, len(rest) == 1 && rest[0] == '\\':
		return 0
	case rest[0] != '\\' || rest[1] != 'u':
		return 6
	default:
		if low, n := hex4(rest[2:]); n == 4 && low >= 0xDC00 && low < 0xE000 {
			return 12
		} else if n < 4 && len(rest) == 2+n {
			return 0
		}
	}
	return 6
}

// hex4 reads up to four hexadecimal digits, and says how many there are.
func hex4(text []byte) (r rune, n int) {
	for n < min(4, len(text)) {
		c := text[n]
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return r, n
		}
		n++
	}
	return r, n
}
