package jsonspan

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
	"sync"
	"unicode/utf8"
)

// Validate reports whether doc is one strict JSON text: RFC 8259 narrowed to
// what every parser reads the same way (I-JSON, RFC 7493). Refused, with a
// *SyntaxError: invalid UTF-8, raw control characters, unknown escapes, two
// members of one name in an object (names compared decoded), nesting deeper than
// [MaxDepth], anything but white space after the value, documents of 4 GiB and
// more. Unlike I-JSON asks, escaped lone surrogates are accepted, since providers
// send them; they decode as U+FFFD, and names compare that way.
//
// It allocates nothing but what it keeps for the next call, unless a document
// has very many members; its cost is linear in the length of doc.
func Validate(doc []byte) error {
	return validate(doc, nil)
}

// validate is Validate, and fills ix where there is one.
func validate(doc []byte, ix *index) error {
	if len(doc) > math.MaxUint32 {
		return &SyntaxError{Offset: math.MaxUint32, Msg: "document of 4 GiB or more"}
	}
	v := validators.Get().(*validator)
	v.doc, v.nonASCII, v.depth, v.ix = doc, highBits, 0, ix
	i, err := v.text()
	v.release()
	if err != "" {
		return &SyntaxError{Offset: i, Msg: err}
	}
	return nil
}

// validator walks a document. Its methods take the offset of what they read and
// return the offset behind it with an empty message, or where and what is wrong.
type validator struct {
	doc      []byte
	depth    int
	nonASCII uint64 // highBits until the rest of the document is known to be UTF-8, then 0
	names    []name // of all open objects, innermost last
	tables   [][]uint32
	wide     int // open objects that use a table
	buf      []byte
	seed     maphash.Seed
	ix       *index // where Parse wants one
}

// name is a member name of an open object.
type name struct {
	start, end uint32 // between the quotes
	hash       uint64
	escaped    bool
}

var validators = sync.Pool{New: func() any { return &validator{seed: maphash.MakeSeed()} }}

// keptNames bounds what a validator keeps between calls, in names.
const keptNames = 1 << 12

func (v *validator) release() {
	v.doc, v.names, v.wide, v.ix = nil, v.names[:0], 0, nil
	if cap(v.names) > keptNames {
		v.names, v.tables = nil, nil
	}
	if cap(v.buf) > keptNames {
		v.buf = nil
	}
	validators.Put(v)
}

func (v *validator) text() (int, string) {
	i, err := v.value(skipSpace(v.doc, 0))
	if err != "" {
		return i, err
	}
	if i = skipSpace(v.doc, i); i < len(v.doc) {
		return i, "unexpected byte after the value"
	}
	return i, ""
}

func (v *validator) value(i int) (int, string) {
	if i >= len(v.doc) {
		return i, "unexpected end"
	}
	switch c := v.doc[i]; c {
	case '"':
		end, _, err := v.str(i + 1)
		if v.ix != nil {
			v.ix.shut(v.ix.open(i), end)
		}
		return end, err
	case '{', '[':
		return v.container(i)
	case 't':
		return v.literal(i, "true")
	case 'f':
		return v.literal(i, "false")
	case 'n':
		return v.literal(i, "null")
	default:
		if c == '-' || isDigit(c) {
			return v.number(i)
		}
	}
	return i, "expected a value"
}

func (v *validator) container(i int) (end int, err string) {
	if v.depth++; v.depth > MaxDepth {
		return i, "nested too deeply"
	}
	at := 0
	if v.ix != nil {
		at = v.ix.open(i)
	}
	if v.doc[i] == '{' {
		end, err = v.object(i)
	} else {
		end, err = v.array(i)
	}
	if v.ix != nil {
		v.ix.shut(at, end)
	}
	v.depth--
	return end, err
}

func (v *validator) literal(i int, word string) (int, string) {
	if len(v.doc)-i < len(word) || string(v.doc[i:i+len(word)]) != word {
		return i, "expected a value"
	}
	return i + len(word), ""
}

// number reads RFC 8259 section 6: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (v *validator) number(i int) (int, string) {
	d := v.doc
	if d[i] == '-' {
		i++
	}
	if i >= len(d) || !isDigit(d[i]) {
		return i, "expected a digit"
	}
	if d[i] == '0' {
		i++
	} else {
		i = skipDigits(d, i)
	}
	if i < len(d) && d[i] == '.' {
		if i++; i >= len(d) || !isDigit(d[i]) {
			return i, "expected a digit after the decimal point"
		}
		i = skipDigits(d, i)
	}
	if i < len(d) && d[i]|0x20 == 'e' {
		if i++; i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		if i >= len(d) || !isDigit(d[i]) {
			return i, "expected a digit in the exponent"
		}
		i = skipDigits(d, i)
	}
	return i, ""
}

func (v *validator) array(i int) (int, string) {
	d := v.doc
	if i = skipSpace(d, i+1); i < len(d) && d[i] == ']' {
		return i + 1, ""
	}
	for {
		var err string
		if i, err = v.value(i); err != "" {
			return i, err
		}
		if i = skipSpace(d, i); i >= len(d) {
			return i, "unexpected end in an array"
		}
		switch d[i] {
		case ',':
			i = skipSpace(d, i+1)
		case ']':
			return i + 1, ""
		default:
			return i, "expected , or ] in an array"
		}
	}
}

func (v *validator) object(i int) (int, string) {
	d := v.doc
	if i = skipSpace(d, i+1); i < len(d) && d[i] == '}' {
		return i + 1, ""
	}
	first, wide := len(v.names), v.wide
	for {
		var err string
		if i, err = v.member(i, first); err != "" {
			return i, err
		}
		if i = skipSpace(d, i); i >= len(d) {
			return i, "unexpected end in an object"
		}
		switch d[i] {
		case ',':
			i = skipSpace(d, i+1)
		case '}':
			v.names, v.wide = v.names[:first], wide
			return i + 1, ""
		default:
			return i, "expected , or } in an object"
		}
	}
}

// member reads a name, the colon and the value; the names of its object begin at
// v.names[first].
func (v *validator) member(i, first int) (int, string) {
	d := v.doc
	if i >= len(d) || d[i] != '"' {
		return i, "expected a member name"
	}
	end, escaped, err := v.str(i + 1)
	if err != "" {
		return end, err
	}
	if !v.addName(i+1, end-1, escaped, first) {
		return i, "duplicate member name"
	}
	if i = skipSpace(d, end); i >= len(d) || d[i] != ':' {
		return i, "expected : after a member name"
	}
	return v.value(skipSpace(d, i+1))
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// special sets the high bit of each byte of w that is below 0x20, a quote or a
// backslash: b^2 is below 0x21 for the first two, b^'\\' below 1 for the last. Of
// bytes below 0x80 the lowest marked one is always exact.
func special(w uint64) uint64 {
	return (w ^ lowBits*0x02 - lowBits*0x21) | (w ^ lowBits*'\\' - lowBits)
}

// skipPlain moves on by 32 bytes a step as long as none of them is special or
// marked by mask.
func skipPlain(d []byte, i int, mask uint64) int {
	for len(d)-i >= 32 {
		b := d[i : i+32 : i+32]
		w0, w1 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		m := special(w0)&^w0 | special(w1)&^w1 | special(w2)&^w2 | special(w3)&^w3
		if m&highBits|(w0|w1|w2|w3)&mask != 0 {
			break
		}
		i += 32
	}
	return i
}

// str reads a string from behind its opening quote to behind its closing one.
func (v *validator) str(i int) (end int, escaped bool, err string) {
	d := v.doc
	for {
		for n := 0; len(d)-i >= 8; n++ {
			if n == 3 {
				i = skipPlain(d, i, v.nonASCII)
			}
			if len(d)-i < 8 {
				break
			}
			w := binary.LittleEndian.Uint64(d[i:])
			m := special(w)&^w&highBits | w&v.nonASCII
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(d) {
			return i, escaped, "unexpected end in a string"
		}
		switch c := d[i]; {
		case c == '"':
			return i + 1, escaped, ""
		case c == '\\':
			escaped = true
			if i, err = v.escape(i); err != "" {
				return i, escaped, err
			}
		case c < 0x20:
			return i, escaped, "control character in a string"
		case c >= utf8.RuneSelf && v.nonASCII != 0:
			if !utf8.Valid(d[i:]) {
				return i + invalidUTF8(d[i:]), escaped, "invalid UTF-8"
			}
			v.nonASCII = 0
		default:
			i++
		}
	}
}

// escape reads the escape sequence at i.
func (v *validator) escape(i int) (int, string) {
	d := v.doc
	if i+1 >= len(d) {
		return len(d), "unexpected end in an escape"
	}
	switch d[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, ""
	case 'u':
		if _, ok := hex4(d, i+2); ok {
			return i + 6, ""
		}
		return i, "invalid \\u escape"
	}
	return i, "unknown escape"
}

// narrow is how many names an object may have before they are found by table
// instead of one by one.
const narrow = 12

// addName records a name of the object whose names begin at v.names[first], and
// reports false where the object already has it.
func (v *validator) addName(start, end int, escaped bool, first int) bool {
	raw := v.doc[start:end]
	if escaped {
		v.buf = appendDecoded(v.buf[:0], raw)
		raw = v.buf
	}
	n := name{start: uint32(start), end: uint32(end), escaped: escaped}
	count := len(v.names) - first
	if count < narrow {
		n.hash = digest(raw)
		for i := first; i < len(v.names); i++ {
			if v.names[i].hash == n.hash && v.same(&v.names[i], &n) {
				return false
			}
		}
		v.names = append(v.names, n)
		return true
	}
	if count == narrow {
		v.widen(first)
	}
	n.hash = maphash.Bytes(v.seed, raw)
	v.names = append(v.names, n)
	return v.enter(len(v.names)-1, first)
}

// digest tells most short names apart at the price of two loads. It isn't a defence
// against chosen names: only few are compared by it.
func digest(s []byte) uint64 {
	n := uint64(len(s))
	switch {
	case n >= 8:
		return binary.LittleEndian.Uint64(s) ^ binary.LittleEndian.Uint64(s[n-8:])<<1 ^ n<<56
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(s)) | uint64(binary.LittleEndian.Uint32(s[n-4:]))<<32 ^ n<<56
	case n > 0:
		return uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16 | n<<56
	}
	return 0
}

// widen moves the object whose names begin at first from comparison to a table.
func (v *validator) widen(first int) {
	if v.wide++; v.wide > len(v.tables) {
		v.tables = append(v.tables, nil)
	}
	t := v.tables[v.wide-1]
	if len(t) > 4*narrow {
		clear(t)
	} else {
		v.tables[v.wide-1] = make([]uint32, 8*narrow)
	}
	for i := first; i < len(v.names); i++ {
		n := &v.names[i]
		v.buf = appendDecoded(v.buf[:0], v.doc[n.start:n.end])
		n.hash = maphash.Bytes(v.seed, v.buf)
		v.enter(i, first)
	}
}

// enter puts v.names[at] in the table of the innermost wide object, and reports
// false where its name stands there already. Slots hold 1 + the index from first.
func (v *validator) enter(at, first int) bool {
	t := v.tables[v.wide-1]
	if 2*(at-first) >= len(t) {
		t = v.grow(at, first)
	}
	n := &v.names[at]
	for slot := n.hash % uint64(len(t)); ; slot = (slot + 1) % uint64(len(t)) {
		if t[slot] == 0 {
			t[slot] = uint32(at-first) + 1
			return true
		}
		if o := &v.names[first+int(t[slot])-1]; o.hash == n.hash && v.same(o, n) {
			return false
		}
	}
}

// grow doubles the innermost table and enters the names from first up to end.
func (v *validator) grow(end, first int) []uint32 {
	t := make([]uint32, 2*len(v.tables[v.wide-1]))
	for i := first; i < end; i++ {
		slot := v.names[i].hash % uint64(len(t))
		for t[slot] != 0 {
			slot = (slot + 1) % uint64(len(t))
		}
		t[slot] = uint32(i-first) + 1
	}
	v.tables[v.wide-1] = t
	return t
}

func (v *validator) same(a, b *name) bool {
	ra, rb := v.doc[a.start:a.end], v.doc[b.start:b.end]
	if !a.escaped && !b.escaped {
		return bytes.Equal(ra, rb)
	}
	return string(appendDecoded(nil, ra)) == string(appendDecoded(nil, rb))
}

// invalidUTF8 is the offset of the first invalid byte of s.
func invalidUTF8(s []byte) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(s)
}
