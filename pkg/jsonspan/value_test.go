package jsonspan

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func mustParse(t testing.TB, doc string) Value {
	t.Helper()
	v, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestInt(t *testing.T) {
	for doc, want := range map[string]int64{
		"0": 0, "-0": 0, "6": 6, "6.0": 6, "1e3": 1000, "1.5e1": 15, "-2.50e+2": -250, "1000e-3": 1, "0e999999999999": 0, "0.000e-9": 0,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "-9223372036854775808.0": math.MinInt64,
		"9.223372036854775807e18": math.MaxInt64, "0.00000000000000000012e20": 12, "100000000000000000000e-20": 1,
	} {
		if n, ok := mustParse(t, doc).Int(); !ok || n != want {
			t.Errorf("%s: %d %v, want %d", doc, n, ok, want)
		}
	}
	for _, doc := range []string{
		"0.5", "1e-1", "9223372036854775808", "-9223372036854775809", "9223372036854775808.0", "1e19", "1e400", "1e99999999999", "123456789012345678901.0",
		`"6"`, "true", "null", "[]", "{}",
	} {
		if n, ok := mustParse(t, doc).Int(); ok {
			t.Errorf("%s is %d", doc, n)
		}
	}
}

func TestScalars(t *testing.T) {
	doc := mustParse(t, `{"s":"a\u0062\n🙂","e":"","f":-1.5e2,"big":1e999,"t":true,"n":null,"\u006dodel":"m","o":{},"x":false}`)
	if s, ok := doc.Get("s").Str(); !ok || s != "ab\n🙂" || !doc.Get("s").StrIs("ab\n🙂") || doc.Get("s").StrIs("ab\n") {
		t.Errorf("s is %q %v", s, ok)
	}
	if got := string(doc.Get("s").AppendStr([]byte("x"))); got != "xab\n🙂" {
		t.Errorf("s appended is %q", got)
	}
	if s, ok := doc.Get("e").Str(); !ok || s != "" || !doc.Get("e").StrIs("") {
		t.Errorf("e is %q %v", s, ok)
	}
	if f, ok := doc.Get("f").Float(); !ok || f != -150 {
		t.Errorf("f is %v %v", f, ok)
	}
	if _, ok := doc.Get("big").Float(); ok {
		t.Error("1e999 is a float64")
	}
	if b, ok := doc.Get("t").Bool(); !ok || !b {
		t.Errorf("t is %v %v", b, ok)
	}
	if b, ok := doc.Get("x").Bool(); !ok || b {
		t.Errorf("x is %v %v", b, ok)
	}
	if n := doc.Get("n"); n.Kind() != Null || !n.Exists() {
		t.Error("null doesn't exist")
	}
	if !doc.Get("model").StrIs("m") || doc.Get("Model").Exists() || doc.Path("o", "x", "y").Exists() {
		t.Error("names are not compared decoded and exactly")
	}
	for _, v := range []Value{doc.Get("absent"), doc.Get("n"), doc} {
		_, s := v.Str()
		_, f := v.Float()
		_, b := v.Bool()
		if s || f || b || v.StrIs("") || v.Inner() != (Range{}) || len(v.AppendStr(nil)) > 0 {
			t.Errorf("%v has a scalar's value", v.Kind())
		}
	}
	if doc.Len() != 9 || doc.Get("absent").Raw() != nil && len(doc.Get("absent").Raw()) > 0 {
		t.Errorf("%d members", doc.Len())
	}
}

func TestKeyIs(t *testing.T) {
	for _, name := range []string{"", "model", `a\b`, "é", "🙂", "a\nb", `"`} {
		quoted := AppendQuoted([]byte(`{`), name)
		doc := mustParse(t, string(quoted)+`:1}`)
		for k := range doc.Members() {
			if !k.Is(name) || k.Is(name+"x") || k.Is("x"+name) || k.Is(string(quoted[2:len(quoted)-1])) != (string(quoted[2:len(quoted)-1]) == name) {
				t.Errorf("%q isn't itself, or is another", name)
			}
			if k.String() != name {
				t.Errorf("%q is %q", name, k.String())
			}
		}
	}
}

// TestPointer uses the examples of RFC 6901, section 5.
func TestPointer(t *testing.T) {
	doc := mustParse(t, `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}`)
	for ptr, want := range map[string]string{
		"": string(doc.Raw()), "/foo": `["bar","baz"]`, "/foo/0": `"bar"`, "/": "0", "/a~1b": "1", "/c%d": "2",
		"/e^f": "3", "/g|h": "4", `/i\j`: "5", `/k"l`: "6", "/ ": "7", "/m~0n": "8",
	} {
		if v, err := doc.Pointer(ptr); err != nil || string(v.Raw()) != want {
			t.Errorf("%q: %s, %v", ptr, v.Raw(), err)
		}
	}
	for ptr, missing := range map[string]bool{
		"/foo/2": true, "/foo/-": true, "/foo/00": true, "/foo/01": true, "/foo/x": true, "/x": true, "/foo/0/x": true, "/foo/99999999999999999999": true,
		"foo": false, "/~2": false, "/\xff": false, "/a~": false,
	} {
		_, err := doc.Pointer(ptr)
		if err == nil || errors.Is(err, ErrNotFound) != missing || !strings.Contains(err.Error(), strconv.Quote(ptr)) {
			t.Errorf("%q: %v", ptr, err)
		}
	}
	if _, err := (Value{}).Pointer(""); !errors.Is(err, ErrNotFound) {
		t.Errorf("absent value: %v", err)
	}
}

func TestSplices(t *testing.T) {
	const doc = " { \"a\" : [ 1 , 2 ] ,\n \"b\" : { } , \"c\":{\"x\":1}, \"d\":[ ], \"e\" : 5 } "
	for _, c := range []struct {
		op        Op
		ptr, val  string
		old, repl string // the only change; "" for an error
		fault     string
	}{
		{OpSet, "/e", "6", `5 }`, `6 }`, ""},
		{OpSet, "/a/1", `"z"`, `2 ]`, `"z" ]`, ""},
		{OpSet, "/a/2", "3", `2 ]`, `2,3 ]`, ""},
		{OpSet, "/a/-", "3", `2 ]`, `2,3 ]`, ""},
		{OpSet, "/b/n~1m", "1", `{ } ,`, `{"n/m":1 } ,`, ""},
		{OpSet, "/c/\"", "1", `{"x":1}`, `{"x":1,"\"":1}`, ""},
		{OpSet, "/f", "{}", `5 }`, `5,"f":{} }`, ""},
		{OpSet, "/d/0", "1", `[ ]`, `[1 ]`, ""},
		{OpSet, "/a/3", "1", "", "", "2 elements"},
		{OpSet, "/x/y", "1", "", "", "parent is missing"},
		{OpSet, "/e/y", "1", "", "", "parent is a number"},
		{OpSet, "/e", "{", "", "", "value: invalid JSON"},
		{OpSet, "e", "1", "", "", "slash"},
		{OpRemove, "/a/0", "", "1 , 2", "2", ""},
		{OpRemove, "/a/1", "", " , 2 ]", "  ]", ""},
		{OpRemove, "/a", "", "\"a\" : [ 1 , 2 ] ,\n ", "", ""},
		{OpRemove, "/e", "", ", \"e\" : 5", "", ""},
		{OpRemove, "/c/x", "", `{"x":1}`, `{}`, ""},
		{OpRemove, "/c/y", "", "", "", "no such value"},
		{OpRemove, "/a/2", "", "", "", "no such value"},
		{OpRemove, "", "", "", "", "can't be removed"},
		{OpAppend, "/a", "3", "2 ]", "2,3 ]", ""},
		{OpAppend, "/d", "3", "[ ]", "[3 ]", ""},
		{OpAppend, "/b", "3", "", "", "not an array"},
		{OpAppend, "/x", "3", "", "", "no such value"},
		{OpInsert, "/a/0", "0", "[ 1", "[ 0,1", ""},
		{OpInsert, "/a/1", "0", ", 2", ", 0,2", ""},
		{OpInsert, "/a/2", "3", "2 ]", "2,3 ]", ""},
		{OpInsert, "/a/-", "3", "2 ]", "2,3 ]", ""},
		{OpInsert, "/d/0", "3", "[ ]", "[3 ]", ""},
		{OpInsert, "/a/3", "3", "", "", "2 elements"},
		{OpInsert, "/b/0", "3", "", "", "not an array"},
		{OpInsert, "", "3", "", "", "no index"},
		{OpInsert, "/a/0", "", "", "", "value"},
		{Op(9), "/a", "1", "", "", "unknown"},
	} {
		got, err := Patch([]byte(doc), []Change{{c.op, c.ptr, []byte(c.val)}})
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) || !strings.Contains(err.Error(), c.ptr) {
				t.Errorf("%d %s: %v, want %q", c.op, c.ptr, err, c.fault)
			}
			continue
		}
		want := strings.Replace(doc, c.old, c.repl, 1)
		if err != nil || string(got) != want || Validate(got) != nil {
			t.Errorf("%d %s: %s, want %s (%v)", c.op, c.ptr, got, want, err)
		}
	}
	if got, err := Patch([]byte(" 1 "), []Change{{OpSet, "", []byte("[]")}}); err != nil || string(got) != " [] " {
		t.Errorf("root: %q, %v", got, err)
	}
}

func TestEdits(t *testing.T) {
	doc := []byte("0123456789")
	apply := func(s ...Splice) (string, error) {
		var e Edits
		for _, x := range s {
			e.Add(x.Range, x.With)
		}
		out, err := e.Apply(doc)
		if err == nil && len(out)-len(doc) != e.Delta() {
			t.Errorf("delta is %d, %d bytes became %d", e.Delta(), len(doc), len(out))
		}
		return string(out), err
	}
	s := func(start, end int, with string) Splice { return Splice{Range{start, end}, []byte(with)} }
	for _, c := range []struct {
		splices []Splice
		want    string
	}{
		{nil, "0123456789"},
		{[]Splice{s(8, 10, "x"), s(0, 1, ""), s(4, 5, "long")}, "123long567x"},
		{[]Splice{s(3, 3, "a"), s(3, 3, "b"), s(3, 4, "c"), s(4, 4, "d")}, "012abcd456789"},
		{[]Splice{s(3, 4, "c"), s(3, 3, "a")}, "012ac456789"},
		{[]Splice{s(3, 5, "c"), s(3, 5, "c")}, "012c56789"},
		{[]Splice{s(10, 10, "x"), s(0, 0, "y")}, "y0123456789x"},
	} {
		if got, err := apply(c.splices...); err != nil || got != c.want {
			t.Errorf("%v: %q, %v, want %q", c.splices, got, err, c.want)
		}
	}
	for _, bad := range [][]Splice{
		{s(3, 5, "a"), s(3, 5, "b")}, {s(3, 5, "a"), s(4, 6, "b")}, {s(3, 5, "a"), s(4, 4, "b")},
		{s(-1, 2, "")}, {s(9, 11, "")}, {s(5, 4, "")},
	} {
		if got, err := apply(bad...); err == nil {
			t.Errorf("%v: %q", bad, got)
		}
	}
	for _, c := range []struct {
		splices []Splice
		want    string
	}{
		{[]Splice{s(3, 5, "a"), s(3, 5, "b"), s(6, 7, "c")}, "012a5c789"},
		{[]Splice{s(3, 5, "a"), s(4, 6, "b"), s(5, 7, "c")}, "012a789"},
		{[]Splice{s(3, 5, ""), s(4, 6, "b")}, "012b6789"},
		{[]Splice{s(3, 8, ""), s(4, 6, "b")}, "01289"},
		{[]Splice{s(3, 8, "a"), s(3, 4, "b"), s(5, 5, "c"), s(8, 8, "d")}, "012ad89"},
		{[]Splice{s(3, 3, "x"), s(3, 4, "b")}, "012xb456789"},
	} {
		var e Edits
		for _, x := range c.splices {
			e.Add(x.Range, x.With)
		}
		e.Merge()
		if got, err := e.Apply(doc); err != nil || string(got) != c.want {
			t.Errorf("%v merged: %q, %v, want %q", c.splices, got, err, c.want)
		}
	}
	var e Edits
	e.Add(Range{0, 1}, nil)
	if e.Empty() || e.Len() != 1 {
		t.Error("an edit was added and isn't there")
	}
	if e.Reset(); !e.Empty() {
		t.Error("edits are there after Reset")
	}
	if out, err := e.Apply(doc); err != nil || &out[0] != &doc[0] {
		t.Error("a document without edits was copied")
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"": `""`, "plain é 世 🙂 \x7f/": "\"plain é 世 🙂 \x7f/\"", "\"\\\n\r\t\b\f\x00\x1f": `"\"\\\n\r\t\b\f\u0000\u001f"`,
		"a\xffb\xc3": "\"a\uFFFDb\uFFFD\"", "\xed\xa0\x80x\xed\xbf\xbf": "\"\uFFFDx\uFFFD\"", "\u2028": "\"\u2028\"",
	} {
		if got := string(AppendQuoted(nil, in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
		if got := string(AppendQuoted([]byte("x"), []byte(in))); got != "x"+want {
			t.Errorf("%q as bytes: %s, want %s", in, got, want)
		}
	}
}

func FuzzQuote(f *testing.F) {
	f.Add("a\"\\\n\xff\xed\xa0\x80🙂")
	f.Fuzz(func(t *testing.T, s string) {
		q := AppendQuoted(nil, s)
		if Validate(q) != nil {
			t.Fatalf("%q is %s", s, q)
		}
		var std string
		if err := json.Unmarshal(q, &std); err != nil {
			t.Fatal(err)
		}
		if got, _ := Root(q).Str(); got != std || utf8.ValidString(s) && got != s {
			t.Fatalf("%q is %s, reads %q, elsewhere %q", s, q, got, std)
		}
	})
}

// FuzzPatch makes any change of any document: the result is valid JSON, what was
// set is there, and what jsontext makes of the rest is what it was.
func FuzzPatch(f *testing.F) {
	f.Add([]byte(`{"a":[1,2],"b":{}}`), "/a/0", uint8(0))
	f.Add([]byte(` [ {"x":1} , 2 ] `), "/0/y", uint8(1))
	f.Add([]byte(`{"a":1,"b":2}`), "/b", uint8(1))
	f.Add([]byte(`[[]]`), "/0", uint8(2))
	f.Add([]byte(`[1]`), "/-", uint8(3))
	f.Add([]byte("{\"\uFFFD\":1}"), "/\xb9", uint8(0))
	f.Fuzz(func(t *testing.T, doc []byte, ptr string, op uint8) {
		root, err := Parse(doc)
		if err != nil {
			return
		}
		change := Change{Op(op % 4), ptr, []byte(`{"new":true}`)}
		got, err := Patch(doc, []Change{change})
		if err != nil {
			return
		}
		after, err := Parse(got)
		if err != nil {
			t.Fatalf("%d %q of %s: %s: %v", change.Op, ptr, doc, got, err)
		}
		if change.Op == OpSet && !strings.HasSuffix(ptr, "-") {
			if v, err := after.Pointer(ptr); err != nil || string(v.Raw()) != string(change.Value) {
				t.Fatalf("%q of %s is %s in %s, %v", ptr, doc, v.Raw(), got, err)
			}
		}
		before, now := values(root), values(after)
		grew := map[Op]int{OpSet: 2, OpAppend: 2, OpInsert: 2}[change.Op]
		if change.Op != OpSet && change.Op != OpRemove && now != before+grew || change.Op == OpRemove && now >= before {
			t.Fatalf("%d %q of %s: %s, %d values became %d", change.Op, ptr, doc, got, before, now)
		}
		if utf8.Valid(got) && !jsontext.Value(got).IsValid(jsontext.AllowInvalidUTF8(true)) {
			t.Fatalf("jsontext refuses %s", got)
		}
	})
}

func values(v Value) int {
	n := 1
	for _, m := range v.Members() {
		n += values(m)
	}
	for _, el := range v.Elements() {
		n += values(el)
	}
	return n
}
