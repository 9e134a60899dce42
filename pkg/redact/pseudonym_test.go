package redact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func newPseudonyms(t *testing.T) (*Redactor, *Pseudonyms) {
	t.Helper()
	r, err := New(bytes.Repeat([]byte("k"), 16))
	if err != nil {
		t.Fatal(err)
	}
	return r, &Pseudonyms{}
}

// restore puts the values back, whole or in the given chunks.
func restore(p *Pseudonyms, chunks ...string) string {
	whole := strings.Join(chunks, "")
	r := p.NewRestorer()
	var matches []Match
	var settled int64
	for i, c := range chunks {
		matches, settled = r.Push([]byte(c), i == len(chunks)-1, matches)
	}
	if settled != int64(len(whole)) {
		return fmt.Sprintf("settled %d of %d", settled, len(whole))
	}
	var b strings.Builder
	at := 0
	for _, m := range matches {
		b.WriteString(whole[at:m.Start] + m.Value)
		at = m.End
	}
	return b.String() + whole[at:]
}

func TestPseudonymIsRestored(t *testing.T) {
	r, p := newPseudonyms(t)
	mail := r.Pseudonym(p, "EMAIL", "ann@corp.example", Scope{})
	card := r.Pseudonym(p, "CREDIT_CARD", "4111 1111 1111 1111", Scope{})
	if strings.Contains(mail+card, "ann") || strings.Contains(mail+card, "4111") {
		t.Fatalf("stand-ins %s %s", mail, card)
	}
	code := card[len("CREDIT_CARD_"):]
	for in, want := range map[string]string{
		"write to " + mail + ".":                       "write to ann@corp.example.",
		"<" + strings.ToUpper(mail) + ">":              "<ann@corp.example>",
		"mailto:" + mail + "?x":                        "mailto:ann@corp.example?x",
		"card " + card:                                 "card 4111 1111 1111 1111",
		"card " + strings.ToLower(card) + "s":          "card 4111 1111 1111 1111s",
		`card CREDIT\_CARD\_` + code + "!":             "card 4111 1111 1111 1111!",
		"card CREDIT-CARD-" + code:                     "card 4111 1111 1111 1111",
		"card CreditCard" + code:                       "card 4111 1111 1111 1111",
		"just " + code + ".":                           "just 4111 1111 1111 1111.",
		card + "," + mail + "," + card:                 "4111 1111 1111 1111,ann@corp.example,4111 1111 1111 1111",
		"nothing here, CREDIT_CARD_zzzzzzzz or " + "x": "nothing here, CREDIT_CARD_zzzzzzzz or x",
		"my_" + card:                                   "my_4111 1111 1111 1111",
	} {
		if got := restore(p, in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Every split of a text gives what the whole gives, and a text made of values,
// pseudonymised and restored, is itself again.
func TestPseudonymRoundTrip(t *testing.T) {
	r, p := newPseudonyms(t)
	values := []struct{ entity, value string }{{"EMAIL", "ann@corp.example"}, {"PHONE", "+44 20 7946 0000"}, {"CREDIT_CARD", "4111111111111111"}, {"IBAN", "DE89370400440532013000"}}
	words := []string{"the ", "so-called ", "A_B ", "x@y ", "end. ", "1234567 ", "“quoted” ", "\n", "email-", "日本 "}
	for seed := range 300 {
		rnd := rand.New(rand.NewPCG(uint64(seed), 3))
		var plain, hidden strings.Builder
		for range 1 + rnd.IntN(20) {
			if rnd.IntN(3) == 0 {
				v := values[rnd.IntN(len(values))]
				plain.WriteString(v.value + " ")
				hidden.WriteString(r.Pseudonym(p, v.entity, v.value, Scope{}) + " ")
				continue
			}
			w := words[rnd.IntN(len(words))]
			if w == "email-" { // would be taken for a stand-in's name
				w = "email "
			}
			plain.WriteString(w)
			hidden.WriteString(w)
		}
		text := hidden.String()
		var chunks []string
		for rest := text; len(rest) > 0; {
			n := min(1+rnd.IntN(9), len(rest))
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		if got := restore(p, chunks...); len(chunks) > 0 && got != plain.String() {
			t.Fatalf("seed %d: %q became %q", seed, text, got)
		}
		for i := 1; i < len(text); i++ {
			if got := restore(p, text[:i], text[i:]); got != plain.String() {
				t.Fatalf("seed %d cut at %d: %q", seed, i, got)
			}
		}
	}
}

func TestPseudonymIsKeyed(t *testing.T) {
	one, p := newPseudonyms(t)
	a := one.Pseudonym(p, "EMAIL", "a@b.example", Scope{Tenant: "t"})
	if a != one.Pseudonym(&Pseudonyms{}, "EMAIL", "a@b.example", Scope{Tenant: "t"}) {
		t.Error("another call gives another stand-in")
	}
	if a == one.Pseudonym(p, "EMAIL", "a@b.example", Scope{Tenant: "u"}) {
		t.Error("another tenant gives the same stand-in")
	}
}

func TestTooManyPseudonymsAreLabels(t *testing.T) {
	r, p := newPseudonyms(t)
	for i := range maxPseudonyms {
		r.Pseudonym(p, "X", fmt.Sprint(i), Scope{})
	}
	if got := r.Pseudonym(p, "X", "one more", Scope{}); got != "[X]" {
		t.Errorf("%d values, and the next became %q", maxPseudonyms, got)
	}
	if got := r.Pseudonym(p, "X", "7", Scope{}); got == "[X]" {
		t.Error("a known value became a label")
	}
}

func TestLongRunIsBounded(t *testing.T) {
	_, p := newPseudonyms(t)
	r := p.NewRestorer()
	_, settled := r.Push(bytes.Repeat([]byte("a"), 100_000), false, nil)
	if 100_000-settled > maxRun {
		t.Errorf("%d bytes are held", 100_000-settled)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add("write to email-", 3)
	f.Fuzz(func(t *testing.T, text string, at int) {
		r, p := newPseudonyms(t)
		s := r.Pseudonym(p, "EMAIL", "ann@corp.example", Scope{})
		text = text + s + text
		at = max(0, min(at, len(text)))
		if whole, cut := restore(p, text), restore(p, text[:at], text[at:]); whole != cut && at > 0 && at < len(text) {
			t.Fatalf("%q cut at %d: %q, whole %q", text, at, cut, whole)
		}
	})
}
