package jsonspan

import (
	"bytes"
	"iter"
	"math"
	"strconv"
)

// Kind is what a value is.
type Kind uint8

// Kinds of value.
const (
	Invalid Kind = iota // no value: absent, or not JSON
	Null
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	return [...]string{"invalid", "null", "bool", "number", "string", "array", "object"}[min(k, Object)]
}

// Value is one value of a document, in place: it refers to the document's bytes,
// which must not change while it is in use. The zero Value is absent: its
// accessors give nothing. Reading values concurrently is safe.
type Value struct {
	doc []byte
	at  Range
	ix  *index // nil where there is none
	// place is the value's in ix where it has one, else that of the next.
	place uint32
	kind  Kind
}

// Parse validates doc and returns its root. For documents of a KiB and more it
// notes where long values end, in at most as much memory as the document takes, so
// that values are passed over in no time, however often; [Root] doesn't.
func Parse(doc []byte) (Value, error) {
	ix := newIndex(doc)
	if err := validate(doc, ix); err != nil {
		return Value{}, err
	}
	root := Root(doc)
	if ix != nil && !ix.over {
		root.ix = ix
	}
	return root, nil
}

// Root returns the root of a document that [Validate] accepted. On other bytes
// the values found are a best effort: no method panics or loops, all ranges lie
// within doc.
func Root(doc []byte) Value {
	end := len(doc)
	for end > 0 && isSpace(doc[end-1]) {
		end--
	}
	return valueAt(doc, skipSpace(doc, 0), end)
}

func valueAt(doc []byte, start, end int) Value {
	if start >= end {
		return Value{}
	}
	kind := kindOf(doc[start])
	if kind == Invalid {
		return Value{}
	}
	return Value{doc: doc, at: Range{start, end}, kind: kind}
}

func kindOf(c byte) Kind {
	switch c {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	if c == '-' || isDigit(c) {
		return Number
	}
	return Invalid
}

// Kind is what the value is, Invalid where it is absent.
func (v Value) Kind() Kind { return v.kind }

// Exists reports whether there is a value; null is one.
func (v Value) Exists() bool { return v.kind != Invalid }

// Range is where the value lies in the document, a string's quotes included.
func (v Value) Range() Range { return v.at }

// Raw is the value's bytes in the document, nil where it is absent.
func (v Value) Raw() []byte { return v.doc[v.at.Start:v.at.End:v.at.End] }

// Inner is where a string's content lies, between its quotes; zero for others.
func (v Value) Inner() Range {
	if v.kind != String {
		return Range{}
	}
	end := v.at.End
	if end-v.at.Start > 1 && v.doc[end-1] == '"' {
		end--
	}
	return Range{v.at.Start + 1, end}
}

func (v Value) inner() []byte {
	r := v.Inner()
	return v.doc[r.Start:r.End]
}

// Key is the name of an object's member, in place.
type Key struct {
	raw []byte // between the quotes
	at  Range
}

// Is reports whether the name, decoded, is name.
func (k Key) Is(name string) bool {
	if len(k.raw) == len(name) {
		return string(k.raw) == name && bytes.IndexByte(k.raw, '\\') < 0
	}
	return len(k.raw) > len(name) && decodedIs(k.raw, name)
}

// String is the name, decoded.
func (k Key) String() string {
	if bytes.IndexByte(k.raw, '\\') < 0 {
		return string(k.raw)
	}
	return string(appendDecoded(nil, k.raw))
}

// Range is where the name lies in the document, its quotes included.
func (k Key) Range() Range { return k.at }

// Members gives the members of an object in the document's order; nothing for
// values of other kinds.
func (v Value) Members() iter.Seq2[Key, Value] {
	return func(yield func(Key, Value) bool) { v.members(yield) }
}

func (v Value) members(yield func(Key, Value) bool) {
	if v.kind != Object {
		return
	}
	d, place := v.doc[:v.at.End], v.inside()
	for i := skipSpace(d, v.at.Start+1); i < len(d) && d[i] == '"'; {
		key := valueAt(d, i, skipString(d, i))
		if i = skipSpace(d, key.at.End); i >= len(d) || d[i] != ':' {
			return
		}
		i = skipSpace(d, i+1)
		val := v.item(i, &place)
		if val.kind == Invalid || !yield(Key{key.inner(), key.at}, val) {
			return
		}
		i = nextItem(d, val.at.End)
	}
}

// Elements gives the elements of an array with their indexes; nothing for
// values of other kinds.
func (v Value) Elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) { v.elements(yield) }
}

func (v Value) elements(yield func(int, Value) bool) {
	if v.kind != Array {
		return
	}
	d, place := v.doc[:v.at.End], v.inside()
	i := skipSpace(d, v.at.Start+1)
	for n := 0; i < len(d); n++ {
		el := v.item(i, &place)
		if el.kind == Invalid || !yield(n, el) {
			return
		}
		i = nextItem(d, el.at.End)
	}
}

// inside is the place in the index of the first value inside v.
func (v *Value) inside() uint32 {
	if _, ok := v.ix.find(v.place, v.at.Start); ok {
		return v.place + 1
	}
	return v.place
}

// item is the value inside v that begins at i; place, that of the next long value
// in the index, moves on behind it.
func (v *Value) item(i int, place *uint32) Value {
	s, ok := v.ix.find(*place, i)
	end := int(s.end)
	if !ok {
		end = skipValue(v.doc[:v.at.End], i)
	}
	el := valueAt(v.doc, i, end)
	el.ix, el.place = v.ix, *place
	if ok {
		*place = s.next
	}
	return el
}

// nextItem is the offset of the member or element behind the one that ends at i;
// len(d) where there is none.
func nextItem(d []byte, i int) int {
	if i = skipSpace(d, i); i >= len(d) || d[i] != ',' {
		return len(d)
	}
	return skipSpace(d, i+1)
}

// Get is the object's member of that name; absent where there is none or the
// value is no object.
func (v Value) Get(name string) Value {
	for k, m := range v.Members() {
		if k.Is(name) {
			return m
		}
	}
	return Value{}
}

// Fields puts the object's members of these names into the same places of into,
// as Get for each would, in one walk; absent ones stay as they are. It takes as
// many names as into has places.
func (v Value) Fields(into []Value, names ...string) {
	for k, m := range v.Members() {
		for i, name := range names {
			if len(k.raw) >= len(name) && k.Is(name) {
				if !into[i].Exists() {
					into[i] = m
				}
				break
			}
		}
	}
}

// Path is Get for each name in turn.
func (v Value) Path(names ...string) Value {
	for _, n := range names {
		v = v.Get(n)
	}
	return v
}

// Len is the number of members or elements; 0 for values of other kinds.
func (v Value) Len() int {
	n := 0
	for range v.Elements() {
		n++
	}
	for range v.Members() {
		n++
	}
	return n
}

// Str is a string's text; ok is false for values of other kinds.
func (v Value) Str() (text string, ok bool) {
	if v.kind != String {
		return "", false
	}
	return Key{raw: v.inner()}.String(), true
}

// StrIs reports whether the value is a string with that text.
func (v Value) StrIs(s string) bool {
	return v.kind == String && Key{raw: v.inner()}.Is(s)
}

// AppendStr appends a string's text to dst; nothing for values of other kinds.
func (v Value) AppendStr(dst []byte) []byte {
	if v.kind != String {
		return dst
	}
	return appendDecoded(dst, v.inner())
}

// Bool is a boolean's value; ok is false for values of other kinds.
func (v Value) Bool() (value, ok bool) {
	if v.kind != Bool {
		return false, false
	}
	return v.doc[v.at.Start] == 't', true
}

// Float is a number's value; ok is false for values of other kinds and for
// numbers beyond the range of a float64.
func (v Value) Float() (f float64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.Raw()), 64)
	return f, err == nil
}

// Int is a number's value where it is integral, however it is written (6, 6.0,
// 1e3), and fits an int64.
func (v Value) Int() (n int64, ok bool) {
	if v.kind != Number {
		return 0, false
	}
	raw := v.Raw()
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, true
	}
	return integral(raw)
}

// integral reads a number with a fraction or an exponent exactly: its digits
// without the trailing zeros, and the power of ten they stand at.
func integral(raw []byte) (int64, bool) {
	neg := raw[0] == '-'
	digits, exp, ok := decimal(raw)
	if !ok || len(digits) == 0 {
		return 0, ok
	}
	if exp < 0 || len(digits)+exp > 19 {
		return 0, false
	}
	var u uint64
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	for ; exp > 0; exp-- {
		u *= 10
	}
	if neg {
		return int64(-u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}

// decimal splits a number into its significant digits, no zeros at either end,
// and their exponent. ok is false where there are more digits than an int64 can
// hold, or the exponent is absurd.
func decimal(raw []byte) (digits []byte, exp int, ok bool) {
	mantissa := raw
	if e := bytes.IndexAny(raw, "eE"); e >= 0 {
		mantissa = raw[:e]
		n, err := strconv.Atoi(string(raw[e+1:]))
		if err != nil || n > 1<<20 || n < -1<<20 {
			return nil, 0, bytes.IndexAny(mantissa, "123456789") < 0
		}
		exp = n
	}
	if dot := bytes.IndexByte(mantissa, '.'); dot >= 0 {
		exp -= len(mantissa) - dot - 1
		mantissa = append(append(make([]byte, 0, len(mantissa)), mantissa[:dot]...), mantissa[dot+1:]...)
	}
	digits = bytes.TrimLeft(mantissa, "-0")
	trimmed := bytes.TrimRight(digits, "0")
	return trimmed, exp + len(digits) - len(trimmed), len(trimmed) <= 20
}
