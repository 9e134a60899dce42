package secret

import (
	"bytes"
	"testing"
)

// FuzzFind tries every rule at every literal of any bytes: a finding lies in
// the text, and a rule that is closed on a prefix keeps to what it said.
func FuzzFind(f *testing.F) {
	for _, text := range clean {
		f.Add([]byte(text), 10)
	}
	for _, c := range found {
		f.Add([]byte(c.text), len(c.text)-3)
	}
	for _, c := range rows {
		f.Add([]byte(c.text), len(c.text)/2)
	}
	rules, err := Rules()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		if len(text) > 2000 {
			return
		}
		for i := range rules {
			fuzzRule(t, &rules[i], text, cut)
		}
	})
}

func fuzzRule(t *testing.T, r *Rule, text []byte, cut int) {
	t.Helper()
	for _, l := range r.Literals {
		for at := 0; at+len(l) <= len(text); at++ {
			if !bytes.EqualFold(text[at:at+len(l)], []byte(l)) || !ascii(text[at:at+len(l)], l) {
				continue
			}
			s, e, ok := r.Find(text, at)
			for ns, ne, next := s, e, ok && r.Next != nil; next; {
				after := ne
				if ns, ne, next = r.Next(text, at, after); next && (ns < after || ne > len(text) || ns >= ne) {
					t.Fatalf("%s: [%d:%d] after %d in %q", r.Entity, ns, ne, after, text)
				}
			}
			if ok && (s < 0 || e > len(text) || s >= e) {
				t.Fatalf("%s: [%d:%d] in %q", r.Entity, s, e, text)
			}
			if cut < at+len(l) || cut >= len(text) || r.Open(text[:cut:cut], at) {
				continue
			}
			if ps, pe, pok := r.Find(text[:cut:cut], at); pok != ok || ok && (ps != s || pe != e) {
				t.Fatalf("%s closed on %q with %v [%d:%d], but on %q it is %v [%d:%d]", r.Entity, text[:cut], pok, ps, pe, text, ok, s, e)
			}
		}
	}
}

// ascii reports that got is want but for the case of ASCII letters: EqualFold
// folds more.
func ascii(got []byte, want string) bool {
	var buf [64]byte
	return string(appendLower(buf[:0], got)) == want
}
