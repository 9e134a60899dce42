package jsonspan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func stringsOf(doc, skipped string) []string {
	var out []string
	Strings([]byte(doc), func(name []byte, _ bool) bool { return string(name) == skipped }, func(f Found) bool {
		text, kind := doc[f.Range.Start:f.Range.End], "="
		if f.IsName {
			kind = ":"
		}
		out = append(out, doc[f.Member.Start:f.Member.End]+kind+text)
		return true
	})
	return out
}

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		doc  string
		want string
	}{
		{`"a"`, "=a"},
		{`{"a":"b","c" : ["d",{"e":"f"},"g"],"h":"i"}`, "a:a a=b c:c c=d e:e e=f c=g h:h h=i"},
		{`{"x":"no","a":"yes"}`, "a:a a=yes"},
		{`{"x":{"y":["no",{"z":"}"}]},"a":"yes"}`, "a:a a=yes"},
		{`{"x":1,"a":"yes"}`, "a:a a=yes"},
		{`{"o":{"x":1},"a":"yes"}`, "o:o a:a a=yes"},
		{`{"o":{"x":true },"a":["yes"]}`, "o:o a:a a=yes"},
		{`{"o":[{"x":[1,2]}],"a":"\"q\\"}`, `o:o a:a a=\"q\\`},
		{`{"x":"no`, ""},
		{`{"a":"b`, "a:a a=b"},
		{`}]"a"`, "=a"},
	} {
		if got := strings.Join(stringsOf(c.doc, "x"), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.doc, got, c.want)
		}
	}
}

// FuzzStrings holds the strings found against those of a parsed document, and
// their ranges within any bytes.
func FuzzStrings(f *testing.F) {
	for _, seed := range []string{`{"a":["b",{"c":"d"}],"e":"\\\""}`, `[[],{},"x",{"y":1}]`, `{"x":{"a":"b"},"c":"d"}`, `{"a" :"b" , "x": null}`, "{\"a\\", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		Strings([]byte(doc), func(name []byte, _ bool) bool { return len(name) == 3 }, func(f Found) bool {
			if f.Range.Start > f.Range.End || f.Range.End > len(doc) || f.Member.Start > f.Member.End || f.Member.End > len(doc) {
				t.Fatalf("%+v of %d bytes", f, len(doc))
			}
			return true
		})
		if Validate([]byte(doc)) != nil {
			return
		}
		var v any
		_ = json.Unmarshal([]byte(doc), &v)
		want := wordsOf(v, nil)
		var got []string
		Strings([]byte(doc), func(name []byte, _ bool) bool { return string(name) == "x" }, func(f Found) bool {
			var s string
			_ = json.Unmarshal([]byte(doc[f.Range.Start-1:f.Range.End+1]), &s)
			got = append(got, s)
			return true
		})
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) && !strings.Contains(doc, `\u`) {
			t.Fatalf("%s: %q, want %q", doc, got, want)
		}
	})
}

func wordsOf(v any, dst []string) []string {
	switch v := v.(type) {
	case string:
		dst = append(dst, v)
	case []any:
		for _, e := range v {
			dst = wordsOf(e, dst)
		}
	case map[string]any:
		for name, e := range v {
			if name != "x" {
				dst = wordsOf(e, append(dst, name))
			}
		}
	}
	return dst
}

func TestStringsAllocates(t *testing.T) {
	doc := []byte(`{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}`)
	skip, visit := func([]byte, bool) bool { return false }, func(Found) bool { return true }
	if n := testing.AllocsPerRun(100, func() { Strings(doc, skip, visit) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What nests may be told apart from what does not.
func TestStringsSkipOnlyWhatDoesNotNest(t *testing.T) {
	doc := `{"id":"a","x":{"id" : {"b":"c"},"y":{"id":["d"],"id":1}}}`
	var got []string
	Strings([]byte(doc), func(name []byte, nests bool) bool { return string(name) == "id" && !nests }, func(f Found) bool {
		got = append(got, doc[f.Range.Start:f.Range.End])
		return true
	})
	if want := "x id b c y id d"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
