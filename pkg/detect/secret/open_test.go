package secret

import (
	"bytes"
	"testing"
)

// TestOpen holds every rule to its word: once Open says no, no longer text
// changes what Find says.
func TestOpen(t *testing.T) {
	rules, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	texts := append([]string(nil), clean...)
	for _, c := range found {
		texts = append(texts, c.text, "first. "+c.text+"\nand then, more. "+c.text)
	}
	for _, c := range rows {
		texts = append(texts, c.text)
	}
	closed := 0
	for _, text := range texts {
		lower := bytes.ToLower([]byte(text))
		for i := range rules {
			for _, l := range rules[i].Literals {
				for at := range lower {
					if bytes.HasPrefix(lower[at:], []byte(l)) {
						closed += holdToWord(t, &rules[i], []byte(text), at, at+len(l))
					}
				}
			}
		}
	}
	if closed < 1000 {
		t.Errorf("only %d decisions before the end", closed)
	}
}

// holdToWord tries every prefix of text from n bytes on, and counts those on
// which the rule had decided.
func holdToWord(t *testing.T, r *Rule, text []byte, at, n int) (closed int) {
	t.Helper()
	s, e, ok := r.Find(text, at)
	cut := max(0, at-r.Before)
	if cs, ce, cok := r.Find(text[cut:], at-cut); cok != ok || ok && (cs+cut != s || ce+cut != e) {
		t.Errorf("%s asks for more than %d bytes before its literal in %q", r.Entity, r.Before, text)
	}
	for ; n < len(text); n++ {
		part := text[:n:n]
		open := r.Open(part, at)
		if r.Wait != nil {
			if until := r.Wait(part, at); open != (until > 0) || open && (until <= n || until > at+r.After) {
				t.Errorf("%s on %q: open is %v and waits for %d bytes of %d", r.Entity, part, open, until, n)
			}
		}
		if open {
			continue
		}
		closed++
		if ps, pe, pok := r.Find(part, at); pok != ok || ok && (ps != s || pe != e) {
			t.Errorf("%s closed on %q with %v %q, but on all of %q it is %v %q", r.Entity, part, pok, text[ps:pe], text, ok, text[s:e])
			return closed
		}
	}
	return closed
}
