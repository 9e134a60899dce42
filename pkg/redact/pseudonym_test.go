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
	forms := map[string]string{
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

		"**" + card + "**, **CREDIT_CARD**_" + code:                 "**4111 1111 1111 1111**, **4111 1111 1111 1111",
		"CREDIT_CARD_**" + code + "**":                              "4111 1111 1111 1111**",
		"the " + card + "'s limit, `" + card + "`":                  "the 4111 1111 1111 1111's limit, `4111 1111 1111 1111`",
		"CREDIT CARD " + code:                                       "4111 1111 1111 1111",
		"your credit card " + code:                                  "your credit card 4111 1111 1111 1111",
		"Credit Card: " + code:                                      "Credit Card: 4111 1111 1111 1111",
		"CARD_" + code + ", card-" + code:                           "4111 1111 1111 1111, 4111 1111 1111 1111",
		"CREDIT_\nCARD_" + code[:4] + "\n" + code[4:]:               "4111 1111 1111 1111",
		code[:2] + "-" + code[2:4] + " " + code[4:6] + code[6:]:     "4111 1111 1111 1111",
		"card\u00ad" + code[:5] + "\u200b" + code[5:] + "\u2011ok":  "4111 1111 1111 1111\u2011ok",
		"x" + code + "y":                                            "x4111 1111 1111 1111y",
		strings.NewReplacer("0", "O", "1", "l").Replace(card) + ".": "4111 1111 1111 1111.",
		"E-mail " + mail:                                            "E-mail ann@corp.example",
		"email " + mail:                                             "email ann@corp.example",
		strings.Title(mail):                                         "ann@corp.example",
		strings.Replace(mail, "@", "\n@ ", 1) + ",":                 "ann@corp.example,",
		"mailto:" + strings.Replace(mail, "@", "%40", 1) + "&x=1":   "mailto:ann%40corp.example&x=1",
		`email\-` + mail[6:14] + `@example\.com`:                    "ann@corp.example",
		"[" + mail + "](mailto:" + mail + ")":                       "[ann@corp.example](mailto:ann@corp.example)",
		mail[:14] + " works at @example.org":                        "ann@corp.example works at @example.org",
		mail + "@example.com":                                       "ann@corp.example@example.com",
	}
	for in, want := range forms {
		if got := restore(p, in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		for i := 1; i < len(in); i++ {
			if got := restore(p, in[:i], in[i:]); got != want {
				t.Errorf("%q cut at %d became %q, want %q", in, i, got, want)
			}
		}
		if got := restore(p, strings.Split(in, "")...); got != want {
			t.Errorf("%q by characters became %q, want %q", in, got, want)
		}
	}
}

// Every split of a text gives what the whole gives, and a text made of values,
// pseudonymised and restored, is itself again.
func TestPseudonymRoundTrip(t *testing.T) {
	r, p := newPseudonyms(t)
	values := []struct{ entity, value string }{{"EMAIL", "ann@corp.example"}, {"PHONE", "+44 20 7946 0000"}, {"CREDIT_CARD", "4111111111111111"}, {"IBAN", "DE89370400440532013000"}}
	words := []string{"the ", "so-called ", "A_B ", "x@y ", "end. ", "1234567 ", "“quoted” ", "\n", "email ", "日本 "}
	for seed := range 300 {
		rnd := rand.New(rand.NewPCG(uint64(seed), 3))
		var plain, hidden strings.Builder
		for range 1 + rnd.IntN(20) {
			if rnd.IntN(3) == 0 {
				v := values[rnd.IntN(len(values))]
				plain.WriteString(v.value + " ")
				hidden.WriteString(reformatted(rnd, r.Pseudonym(p, v.entity, v.value, Scope{})) + " ")
				continue
			}
			w := words[rnd.IntN(len(words))]
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

// reformatted is a stand-in as a careless model might write it.
func reformatted(rnd *rand.Rand, s string) string {
	change := []func(string) string{
		func(s string) string { return s },
		strings.ToUpper, strings.ToLower,
		func(s string) string { return strings.ReplaceAll(s, "_", `\_`) },
		func(s string) string { return strings.NewReplacer("_", "-", "@", " @ ").Replace(s) },
		func(s string) string { return strings.NewReplacer("_", "_\n", "-", "-\n", "@", "\n@").Replace(s) },
		func(s string) string { return strings.NewReplacer("0", "O", "1", "l").Replace(s) },
		func(s string) string { // something inside the code
			inside := []string{"**", "\u200b", "\u00ad", "-", "\n", "\\"}[rnd.IntN(6)]
			code := strings.LastIndexAny(s, "_-") + 1
			at := code + 1 + rnd.IntN(codeLen-1)
			return s[:at] + inside + s[at:]
		},
	}
	return change[rnd.IntN(len(change))](s)
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
	if a == one.Pseudonym(p, "EMAIL", "a@b.example", Scope{Tenant: "t", Conversation: "c"}) {
		t.Error("another conversation gives the same stand-in")
	}
	if one.Replace(Hash, "EMAIL", "a@b.example", Scope{Tenant: "t"}) != one.Replace(Hash, "EMAIL", "a@b.example", Scope{Tenant: "t", Conversation: "c"}) {
		t.Error("hashes of two conversations can't be joined")
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

// What is held back is little, whatever comes, and plain words are not.
func TestHeldIsBounded(t *testing.T) {
	r, p := newPseudonyms(t)
	card := r.Pseudonym(p, "CREDIT_CARD", "4111 1111 1111 1111", Scope{})
	mail := r.Pseudonym(p, "EMAIL", "ann@corp.example", Scope{})
	parts := []string{"CREDIT", "CARD", "_", "-", " ", "*", "\u200b", "\n", "email", "@", "exam", "ple", ".", "co", card[12:15], card[15:18], card[18:], mail[6:9], mail[9:14], "a", "0"}
	rnd := rand.New(rand.NewPCG(1, 2))
	restorer, pos := p.NewRestorer(), 0
	for range 50_000 {
		part := parts[rnd.IntN(len(parts))]
		pos += len(part)
		if _, settled := restorer.Push([]byte(part), false, nil); pos-int(settled) > 140 {
			t.Fatalf("%d bytes are held: %q", pos-int(settled), restorer.open)
		}
	}
	restorer = p.NewRestorer()
	if _, settled := restorer.Push([]byte("the quick brown fox "), false, nil); settled != 20 {
		t.Errorf("plain words are held: %q", restorer.open)
	}
}

func BenchmarkRestore(b *testing.B) {
	r, err := New(bytes.Repeat([]byte("k"), 16))
	if err != nil {
		b.Fatal(err)
	}
	p := &Pseudonyms{}
	for i := range 20 {
		r.Pseudonym(p, []string{"EMAIL", "PHONE", "CREDIT_CARD"}[i%3], fmt.Sprint(i), Scope{})
	}
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog and phones 12 or 13 emails. ", 100))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		p.Scan(text, nil)
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
