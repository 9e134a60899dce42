package jsonspan

import "testing"

// Fields gives what Get gives for each name.
func TestFieldsAreGets(t *testing.T) {
	names := []string{"a", "ab", "ü", "missing", "a b"}
	for _, text := range []string{
		`{"a":1,"ab":[2],"ü":{"a":3},"x":4}`, `{"ab":1,"a":2,"a":3}`, `{"\u0061":1,"a\u0062":null,"a b":"x"}`, `{}`, `[1]`, `"a"`, `{"a":1,"ab"`, `{"\u00fc":true,"aa":1}`,
	} {
		v := Root([]byte(text))
		var got [5]Value
		v.Fields(got[:], names...)
		for i, name := range names {
			if want := v.Get(name); got[i].Kind() != want.Kind() || got[i].Range() != want.Range() {
				t.Errorf("%s: %s is %v at %v, want %v at %v", text, name, got[i].Kind(), got[i].Range(), want.Kind(), want.Range())
			}
		}
	}
}
