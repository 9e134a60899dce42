package redact

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

// Match is a stand-in found in a text: bytes [Start, End), and the value that
// belongs there.
type Match struct {
	Start, End int
	Entity     string
	Value      string
}

// Scan appends the stand-ins in text. It sees through what models do to them:
// other case, other, escaped or no separators, spaces, a line break, bold marks
// or invisible signs inside, o and l for 0 and 1, a shortened or dropped name, a
// percent-encoded @, anything joined on either side.
func (p *Pseudonyms) Scan(text []byte, dst []Match) []Match {
	dst, _ = p.scan(text, 0, true, dst)
	return dst
}

// scan looks for stand-ins from left to right, and returns the place before which
// all is decided. What may still become one is not, unless the text ends.
func (p *Pseudonyms) scan(text []byte, base int, end bool, dst []Match) ([]Match, int) {
	if p.Empty() {
		return dst, len(text)
	}
	if p.finder == nil {
		p.finder = newFinder(p.byCode)
	}
	f := p.finder
	for at := 0; at < len(text); {
		if !f.first[text[at]] || at+1 < len(text) && !f.may(text[at], text[at+1]) {
			at++
			continue
		}
		m, state := f.match(text, at, end)
		switch state {
		case open:
			return dst, at
		case no:
			at++
		default:
			m.Start, at = base+at, m.End
			m.End += base
			dst = append(dst, m)
		}
	}
	return dst, len(text)
}

// answer says whether something stands at a place of a text.
type answer uint8

const (
	no answer = iota
	yes
	open // it does if the text goes on so
)

// maxGap bounds what may stand between two parts of a stand-in, in bytes; with it
// a stand-in's length is bounded, and what a restorer holds.
const maxGap = 6

// finder looks for known stand-ins. It is immutable.
type finder struct {
	byCode map[code]original
	sorted []code
	first  [256]bool      // bytes that a stand-in may begin with
	second [256][8]uint32 // those that may follow each
	pairs  [32 * 32]bool
	names  []name
}

// name is the name that stands before an entity's codes, in lower case and in
// parts, and its shorter forms.
type name struct {
	entity string
	parts  []string
	short  bool
}

func newFinder(byCode map[code]original) *finder {
	f := &finder{byCode: byCode}
	entities := map[string]bool{}
	for c, o := range byCode {
		f.sorted = append(f.sorted, c)
		f.pairs[int(symbol[c[0]]-1)*32+int(symbol[c[1]]-1)] = true
		f.startsWith(c[0], c[1])
		if !entities[o.entity] {
			entities[o.entity] = true
			f.addName(o.entity)
		}
	}
	slices.SortFunc(f.sorted, func(a, b code) int { return bytes.Compare(a[:], b[:]) })
	slices.SortFunc(f.names, func(a, b name) int { // the longest first
		if n := len(b.parts) - len(a.parts); n != 0 {
			return n
		}
		return strings.Compare(a.entity, b.entity)
	})
	return f
}

// startsWith notes a code's first two signs with all that are read as them.
func (f *finder) startsWith(c0, c1 byte) {
	for a := range 256 {
		if symbol[a] != symbol[c0] {
			continue
		}
		f.follow(byte(a), gapStarts...)
		for b := range 256 {
			if symbol[b] == symbol[c1] {
				f.follow(byte(a), byte(b))
			}
		}
	}
}

// gapStarts are the bytes that a gap may begin with.
var gapStarts = []byte("_-\\ \t\r\n*\xc2\xe2\xef")

func (f *finder) follow(a byte, next ...byte) {
	f.first[a] = true
	for _, b := range next {
		f.second[a][b>>5] |= 1 << (b & 31)
	}
}

// may reports whether a stand-in may begin with two bytes.
func (f *finder) may(a, b byte) bool { return f.second[a][b>>5]&(1<<(b&31)) != 0 }

// addName notes CREDIT_CARD, and CARD as its short form.
func (f *finder) addName(entity string) {
	parts := strings.FieldsFunc(strings.ToLower(entity), func(r rune) bool { return r == '_' || r == '-' })
	for i, part := range parts {
		f.names = append(f.names, name{entity, parts[i:], i > 0})
		for _, a := range []byte{part[0], upper(part[0])} {
			if len(part) > 1 {
				f.follow(a, part[1], upper(part[1]))
				continue
			}
			for b := range 256 { // a gap, the next part or a code may follow
				f.follow(a, byte(b))
			}
		}
	}
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// symbol is a byte's place in the codes' alphabet plus one, 0 where it has none.
var symbol = func() (t [256]byte) {
	for i := range len(alphabet) {
		t[alphabet[i]], t[upper(alphabet[i])] = byte(i+1), byte(i+1)
	}
	for from, to := range map[byte]byte{'o': '0', 'O': '0', 'i': '1', 'I': '1', 'l': '1', 'L': '1'} {
		t[from] = t[to]
	}
	return t
}()

// match says whether a stand-in begins at a place of text; its End is one of
// text.
func (f *finder) match(text []byte, at int, end bool) (Match, answer) {
	for i := range f.names {
		n := &f.names[i]
		if text[at]|0x20 != n.parts[0][0]|0x20 {
			continue
		}
		if m, is := f.named(text, at, end, n); is != no {
			return m, is
		}
	}
	c, stop, is := f.code(text, at, end)
	if is != yes {
		return Match{}, is
	}
	return f.whole(text, c, stop, end)
}

// named is a stand-in with its name.
func (f *finder) named(text []byte, at int, end bool, n *name) (Match, answer) {
	stop := at
	for i, part := range n.parts {
		if i > 0 {
			stop = gap(text, stop, end)
		}
		for j := range len(part) {
			if stop < 0 || stop == len(text) {
				return Match{}, unless(end)
			}
			if text[stop]|0x20 != part[j]|0x20 {
				return Match{}, no
			}
			stop++
		}
	}
	begins := gap(text, stop, end)
	if begins < 0 || begins == len(text) {
		return Match{}, unless(end)
	}
	if !joins(text[at:stop], text[stop:begins], n.short) {
		return Match{}, no
	}
	c, stop, is := f.code(text, begins, end)
	if is != yes {
		return Match{}, is
	}
	if f.byCode[c].entity != n.entity {
		return Match{}, no
	}
	return f.whole(text, c, stop, end)
}

// joins reports whether a name belongs to the code behind the gap. A word that a
// space alone parts from the code may be the text's own, unless it is written as
// stand-ins are.
func joins(name, between []byte, short bool) bool {
	if len(bytes.TrimRight(between, " \t\r\n*")) > 0 {
		return true
	}
	return !short && (len(between) == 0 || !bytes.ContainsFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' }))
}

// unless is open where more of the text may come.
func unless(end bool) answer {
	if end {
		return no
	}
	return open
}

// code reads a known code.
func (f *finder) code(text []byte, at int, end bool) (c code, stop int, is answer) {
	for i := range c {
		if i > 0 {
			if at = gap(text, at, end); at < 0 {
				return c, 0, f.begun(c[:i])
			}
		}
		if at == len(text) {
			if end {
				return c, 0, no
			}
			return c, 0, f.begun(c[:i])
		}
		s := symbol[text[at]]
		if s == 0 || i == 1 && !f.pairs[int(symbol[c[0]]-1)*32+int(s-1)] {
			return c, 0, no
		}
		c[i] = alphabet[s-1]
		at++
	}
	if _, known := f.byCode[c]; !known {
		return c, 0, no
	}
	return c, at, yes
}

// begun reports whether a known code begins so.
func (f *finder) begun(head []byte) answer {
	i, _ := slices.BinarySearchFunc(f.sorted, head, func(c code, head []byte) int { return bytes.Compare(c[:len(head)], head) })
	if i < len(f.sorted) && bytes.HasPrefix(f.sorted[i][:], head) {
		return open
	}
	return no
}

// whole takes the domain behind an address's code into the match.
func (f *finder) whole(text []byte, c code, stop int, end bool) (Match, answer) {
	o := f.byCode[c]
	m := Match{End: stop, Entity: o.entity, Value: o.value}
	if o.entity != "EMAIL" {
		return m, yes
	}
	after, encoded, is := domain(text, stop, end)
	switch {
	case is == open:
		return m, open
	case is == yes && encoded:
		m.Value = url.QueryEscape(o.value)
		fallthrough
	case is == yes:
		m.End = after
	}
	return m, yes
}

// domain reads the domain of stand-ins for addresses; encoded says that its at
// sign is percent-encoded, and the value belongs there so.
func domain(text []byte, at int, end bool) (stop int, encoded bool, is answer) {
	for i, part := range [...]string{"@", "example", ".", "com"} {
		if at = gap(text, at, end); at < 0 {
			return 0, false, open
		}
		rest := text[at:]
		if i == 0 && len(rest) > 0 && rest[0] == '%' {
			part, encoded = "%40", true
		}
		n := min(len(rest), len(part))
		if !bytes.EqualFold(rest[:n], []byte(part[:n])) {
			return 0, false, no
		}
		if n < len(part) {
			return 0, false, unless(end)
		}
		at += n
	}
	return at, encoded, yes
}

// gap passes what models put between the parts of a word, at most maxGap bytes.
// It is negative where the gap may go on behind the text.
func gap(text []byte, at int, end bool) int {
	for from := at; at < len(text) && at-from < maxGap; {
		n := gapSign(text[at:])
		if n < 0 && !end {
			return -1
		}
		if n <= 0 {
			break
		}
		at += n
	}
	return at
}

// gapSign is the length of a sign that may stand in a gap, 0 where it is none,
// negative where it may be one that is cut.
func gapSign(text []byte) int {
	switch text[0] {
	case '_', '-', '\\', ' ', '\t', '\r', '\n', '*':
		return 1
	}
	for _, sign := range invisible {
		if n := min(len(sign), len(text)); string(text[:n]) == sign[:n] {
			if n < len(sign) {
				return -1
			}
			return n
		}
	}
	return 0
}

// invisible are signs that no reader sees: soft hyphen, zero-width space and
// joiners, word joiner, byte order mark; and a hyphen that does not break.
var invisible = [...]string{"\u00ad", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u2011"}

// Restorer finds stand-ins in a running text. Not safe for concurrent use.
type Restorer struct {
	p    *Pseudonyms
	open []byte
	base int64
}

// NewRestorer begins a running text.
func (p *Pseudonyms) NewRestorer() *Restorer { return &Restorer{p: p} }

// Push takes the next piece of the text. Matches' offsets are those of the whole
// text; all before settled can no longer become part of a later match. With end
// the text is over; another may follow at the same offset. What is held is at
// most one stand-in's length with all its gaps.
func (r *Restorer) Push(chunk []byte, end bool, dst []Match) (matches []Match, settled int64) {
	r.open = append(r.open, chunk...)
	matches, n := r.p.scan(r.open, int(r.base), end, dst)
	r.base += int64(n)
	r.open = append(r.open[:0], r.open[n:]...)
	return matches, r.base
}
