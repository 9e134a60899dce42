package jsonspan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// oracle is what jsontext says of doc, but for the documented differences: lone
// surrogates are accepted, nesting beyond MaxDepth is not.
func oracle(doc []byte) bool {
	if !utf8.Valid(doc) {
		return false
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(bytes.Clone(doc)), jsontext.AllowInvalidUTF8(true))
	values := 0
	for {
		if _, err := d.ReadToken(); err != nil {
			return errors.Is(err, io.EOF) && d.StackDepth() == 0 && values == 1
		}
		if d.StackDepth() == 0 {
			values++
		}
		if d.StackDepth() > MaxDepth || values > 1 {
			return false
		}
	}
}

func TestValidate(t *testing.T) {
	good := []string{
		`{}`, `[]`, ` {"a":[1,2.5e3,-0,true,false,null,"x\n\u00e9"]} `, `"\ud83d\ude00"`, `"é世界🙂"`, "\t\r\n 0 ",
		`{"a":{"a":{"a":1}},"b":{"a":1}}`, `-0.0e-0`, `1E+9`, `"\"\\\/\b\f\n\r\t"`, `"\ud83d"`, `"\ude00\ud83d"`,
		`{"Model":1,"model":2}`, `{"\ud83d\ude00":1,"😃":2}`, "\"\x7f\"", `{"":1}`,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
	}
	bad := map[string]int{ // offsets of the fault
		``: 0, ` `: 1, `{`: 1, `[`: 1, `[1`: 2, `{"a"`: 4, `{"a":`: 5, `{"a":1`: 6, `"`: 1, `"\`: 2,
		`{"a":1,"a":2}`: 7, `{"a":1,"\u0061":2}`: 7, `{"\u0061":1,"b":3,"a":2}`: 18,
		"\"\x01\"": 1, "\"a\nb\"": 2, "\"abcdefgh\x1fi\"": 9, "\"é\xff\"": 3, "\"\xed\xa0\x80\"": 1, "\xef\xbb\xbf{}": 0,
		`01`: 1, `1.`: 2, `.5`: 0, `1e`: 2, `1e+`: 3, `-`: 1, `+1`: 0, `[1,]`: 3, `{"a":1,}`: 7, `[,1]`: 1,
		`{"a":1}x`: 7, `{"a":1}{}`: 7, "{}\x00": 2, `nul`: 0, `truE`: 0, `NaN`: 0, `'a'`: 0, `{a:1}`: 1,
		`"\x"`: 1, `"\u12"`: 1, `"\u12G4"`: 1, `{1:2}`: 1, `[1 2]`: 3, `{"a" 1}`: 5, `[}`: 1, `{]`: 1, `[1}`: 2,
		`{"\ud800":1,"\ud801":2}`: 12, `{"\ud800":1,"` + "\uFFFD" + `":2}`: 12,
		strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1): MaxDepth,
	}
	for _, s := range good {
		if err := Validate([]byte(s)); err != nil {
			t.Errorf("%.40s: %v", s, err)
		}
	}
	for s, at := range bad {
		var e *SyntaxError
		if err := Validate([]byte(s)); !errors.As(err, &e) {
			t.Errorf("%.40s: accepted", s)
		} else if e.Offset != at || e.Msg == "" {
			t.Errorf("%.40s: %v, want the fault at %d", s, err, at)
		}
	}
}

// TestDuplicateNames finds a repeated name wherever it stands among many, in
// objects that are compared one by one and in those that use a table, nested.
func TestDuplicateNames(t *testing.T) {
	for _, n := range []int{2, narrow - 1, narrow, narrow + 1, 3 * narrow, 4*narrow + 1, 500} {
		for _, escape := range []bool{false, true} {
			for _, dup := range []int{0, (n - 1) / 2, n - 2} {
				doc := wide(n, dup, escape)
				err := Validate([]byte(doc))
				if err == nil || !strings.Contains(err.Error(), "duplicate") {
					t.Errorf("%d names, last is name %d, escaped %v: %v", n, dup, escape, err)
				}
			}
			if err := Validate([]byte(wide(n, -1, escape))); err != nil {
				t.Errorf("%d names: %v", n, err)
			}
		}
	}
}

// wide is an object of n names, the last of which is name dup again where that is
// not negative; each value is a wide object too, so that tables nest.
func wide(n, dup int, escape bool) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		id := i
		if i == n-1 && dup >= 0 {
			id = dup
		}
		name := fmt.Sprintf("name-%d", id)
		if escape && i%2 == 1 {
			name = strings.Replace(name, "n", `\u006e`, 1)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s":{"a":1,"b":{}}`, name)
		if i%7 == 3 && n < 100 {
			fmt.Fprintf(&b, `,"in-%d":%s`, i, wide(n/2, -1, escape))
		}
	}
	b.WriteByte('}')
	return b.String()
}

// TestManyNames reads names made to collide where names are compared one by one:
// quadratic work would take minutes.
func TestManyNames(t *testing.T) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range 200_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"aaaaaaaa%07daaaaaaaa":0`, i)
	}
	b.WriteByte('}')
	if err := Validate(b.Bytes()); err != nil {
		t.Fatal(err)
	}
}

var seeds = []string{
	``, `{}`, `[]`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `"\ud83d\ude00\ud83d"`, `[1,-2.5e+10,true,false,null]`,
	"\"\xff\"", "\"\x01\"", `{"a":{"b":[{"c":"d\n\"e\\"}]}}`, `0`, `-`, `1e`, "\ufeff{}", `[[[[]]]]`, `"é世🙂\u00e9"`,
	`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"a":1}`, ` [ 1 , 2 ] `,
	`{"messages":[{"role":"user","content":"hi"}],"model":"gpt-4o","stream":true,"temperature":0.5}`,
}

func FuzzValidate(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		err := Validate(doc)
		if want := oracle(doc); (err == nil) != want {
			t.Errorf("%q: %v, jsontext accepts: %v", doc, err, want)
		}
		walk(t, doc, Root(doc), 0, err == nil)
		if err == nil {
			checkIndex(t, doc, len(doc))
		}
	})
}

// checkIndex navigates a valid document with an index of at most max spans: the
// values are those found without.
func checkIndex(t *testing.T, doc []byte, max int) (over bool) {
	t.Helper()
	ix := &index{max: max}
	if err := validate(doc, ix); err != nil {
		t.Fatal(err)
	}
	root := Root(doc)
	want := flatten(nil, root)
	if !ix.over {
		root.ix = ix
	}
	if got := flatten(nil, root); !slices.Equal(got, want) {
		t.Fatalf("%q with %v: %v, want %v", doc, ix.spans, got, want)
	}
	return ix.over
}

// flatten lists the ranges of all names and values.
func flatten(all []Range, v Value) []Range {
	all = append(all, v.Range())
	for k, m := range v.Members() {
		all = flatten(append(all, k.Range()), m)
	}
	for _, el := range v.Elements() {
		all = flatten(all, el)
	}
	return all
}

func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var docs []string
		for range 30 {
			if doc := randomJSON(rng, 4); Validate([]byte(doc)) == nil {
				docs = append(docs, doc, `"`+strings.Repeat("long ", rng.IntN(12))+`"`)
			}
		}
		checkIndex(t, []byte("["+strings.Join(docs, ",")+"]"), 1<<20)
	}
	for _, doc := range documents() {
		if checkIndex(t, doc, len(doc)/bytesPerSpan) {
			t.Errorf("%.40s has no index", doc)
		}
		root, err := Parse(doc)
		if err != nil || (root.ix == nil) != (len(doc) < indexFrom) {
			t.Errorf("%.40s: index %v, %v", doc, root.ix != nil, err)
		}
	}
	deep := []byte(strings.Repeat("[", MaxDepth) + `"` + strings.Repeat("x", 600) + `"` + strings.Repeat("]", MaxDepth))
	if root, err := Parse(deep); err != nil || root.ix != nil || len(flatten(nil, root)) != MaxDepth+1 {
		t.Errorf("deep document: index %v, %v", root.ix != nil, err)
	}
	if !checkIndex(t, deep, len(deep)/bytesPerSpan) {
		t.Error("an index of more spans than its bound")
	}
}

// walk navigates a document that may be invalid: all ranges lie within their
// parent and begin where the value does. It visits a bounded part of it.
func walk(t *testing.T, doc []byte, v Value, depth int, valid bool) {
	if depth > 20 || !v.Exists() {
		return
	}
	r := v.Range()
	if r.Start < 0 || r.End > len(doc) || r.Start >= r.End || !bytes.Equal(v.Raw(), doc[r.Start:r.End]) {
		t.Fatalf("range %v of %d bytes", r, len(doc))
	}
	in := v.Inner()
	if v.Kind() == String && (in.Start != r.Start+1 || in.End < in.Start || in.End > r.End) {
		t.Fatalf("inner range %v of %v", in, r)
	}
	if valid && Validate(v.Raw()) != nil {
		t.Fatalf("%q isn't the value at %v", v.Raw(), r)
	}
	v.Int()
	v.Float()
	v.Bool()
	v.StrIs("a")
	if s, ok := v.Str(); ok && valid && !utf8.ValidString(s) {
		t.Fatalf("%q decodes to %q", v.Raw(), s)
	}
	last := r.Start
	for k, m := range v.Members() {
		if k.Range().Start <= last || m.Range().Start <= k.Range().End || m.Range().End > r.End {
			t.Fatalf("member %v %v of %v", k.Range(), m.Range(), r)
		}
		if valid && !k.Is(k.String()) {
			t.Fatalf("name at %v is not %q", k.Range(), k.String())
		}
		last = m.Range().End
		walk(t, doc, m, depth+1, valid)
	}
	for _, el := range v.Elements() {
		if el.Range().Start <= last || el.Range().End > r.End {
			t.Fatalf("element %v of %v", el.Range(), r)
		}
		last = el.Range().End
		walk(t, doc, el, depth+1, valid)
	}
}

// TestRandom cuts and mutates valid documents, and compares with jsontext.
func TestRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	n := 20_000
	if testing.Short() {
		n = 2000
	}
	for range n {
		doc := []byte(randomJSON(rng, 4))
		for range rng.IntN(3) {
			mutate(rng, doc)
		}
		if got, want := Validate(doc) == nil, oracle(doc); got != want {
			t.Fatalf("%q: accepted %v, jsontext %v", doc, got, want)
		}
	}
}

func mutate(rng *rand.Rand, doc []byte) {
	const alphabet = "\"\\{}[]:,0e.-tu\x00\x1f\x80\xc3 ab"
	if len(doc) > 0 {
		doc[rng.IntN(len(doc))] = alphabet[rng.IntN(len(alphabet))]
	}
}

// randomJSON is a document with odd spacing, escapes and names.
func randomJSON(rng *rand.Rand, depth int) string {
	sp := func() string { return []string{"", "", " ", "\n", "\t "}[rng.IntN(5)] }
	kind := rng.IntN(8)
	if depth == 0 {
		kind %= 6
	}
	var b strings.Builder
	b.WriteString(sp())
	switch kind {
	case 0, 1:
		b.WriteString([]string{"0", "-1", "12345678901234567890", "1.5e3", "-0.0", "6.0", "1e400", "9007199254740993"}[rng.IntN(8)])
	case 2:
		b.WriteString([]string{"true", "false", "null"}[rng.IntN(3)])
	case 3, 4, 5:
		b.WriteString(randomString(rng))
	case 6:
		b.WriteByte('[')
		for i := range rng.IntN(5) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(randomJSON(rng, depth-1))
		}
		b.WriteByte(']')
	case 7:
		b.WriteByte('{')
		n := rng.IntN(5)
		if rng.IntN(20) == 0 {
			n = 40
		}
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(sp() + randomString(rng) + sp() + ":" + randomJSON(rng, depth-1))
		}
		b.WriteByte('}')
	}
	b.WriteString(sp())
	return b.String()
}

func randomString(rng *rand.Rand) string {
	parts := []string{"a", "b", "model", "é", "世界", "🙂", `\n`, `\"`, `\\`, `\/`, `\u0041`, `\u00e9`, `\ud83d\ude42`,
		`\ud83d`, `\ude42`, " ", "user@example.org", "{", "]", "x", "y", "longer text here"}
	var b strings.Builder
	b.WriteByte('"')
	for range rng.IntN(6) {
		b.WriteString(parts[rng.IntN(len(parts))])
	}
	b.WriteByte('"')
	return b.String()
}
