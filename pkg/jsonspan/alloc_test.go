//go:build !race

package jsonspan

import "testing"

// The race detector makes pools forget, so these tests leave it out.

func TestValidateAllocates(t *testing.T) {
	doc := chatBody(8 << 10)
	if n := testing.AllocsPerRun(100, func() { _ = Validate(doc) }); n > 0 {
		t.Errorf("%v allocations a document, want none", n)
	}
}

func TestNavigationAllocates(t *testing.T) {
	doc := mustParse(t, `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]}`)
	n := testing.AllocsPerRun(100, func() {
		for _, m := range doc.Get("messages").Elements() {
			if m.Get("role").StrIs("tool") || !m.Get("content").Exists() {
				t.Error("wrong message")
			}
			for k, v := range m.Members() {
				if k.Is("") || v.Range().Len() == 0 {
					t.Error("wrong member")
				}
			}
		}
	})
	if n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestApplyAllocates(t *testing.T) {
	doc := []byte("0123456789")
	var e Edits
	if n := testing.AllocsPerRun(50, func() {
		e.Reset()
		e.Add(Range{1, 2}, doc[:5])
		e.Add(Range{4, 5}, doc[:3])
		_, _ = e.Apply(doc)
	}); n > 1 {
		t.Errorf("%v allocations, want one", n)
	}
}
