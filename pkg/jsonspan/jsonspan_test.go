package jsonspan

import "testing"

func TestViewReplace(t *testing.T) {
	raw := []byte(`{\"a\": \"x\\u0041y\", \"n\": 12345}`)
	text, m := View(raw, JSONInString)
	if got, want := string(text), `{"a": "xAy", "n": 12345}`; got != want {
		t.Fatalf("text %s, want %s", got, want)
	}
	for _, c := range []struct {
		start, end int
		want       string
	}{{7, 10, `{\"a\": \"[\\\"]\", \"n\": 12345}`}, {20, 21, `{\"a\": \"x\\u0041y\", \"n\": \"[\\\"]\"}`}} {
		var e Edits
		for _, s := range m.Replace(nil, c.start, c.end, `["]`) {
			e.Add(s.Range, s.With)
		}
		got, err := e.Apply(raw)
		if err != nil || string(got) != c.want {
			t.Errorf("%d-%d: %s, want %s (%v)", c.start, c.end, got, c.want, err)
		}
	}
}

func TestPatch(t *testing.T) {
	doc := []byte(`{ "a": [1, 2], "b": {} }`)
	got, err := Patch(doc, []Change{
		{OpSet, "/b/x", []byte("1")}, {OpSet, "/b/y", []byte("2")}, {OpRemove, "/a/0", nil},
		{OpAppend, "/a", []byte("3")}, {OpInsert, "/a/0", []byte("0")}, {OpRemove, "/b/y", nil},
	})
	if want := `{ "a": [0,2,3], "b": {"x":1} }`; err != nil || string(got) != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}
