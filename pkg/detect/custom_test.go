package detect

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Custom entities of every kind, for the tests below.
var ownEntities = []Custom{
	{Entity: "PROJECT", Pattern: `PRJ \d{4} [A-Z]{2}`},
	{Entity: "CASE", Pattern: `(?i)case no\. ?\d{6}\b`, Score: 0.6, Context: &Context{Words: []string{"court", "Gericht*"}, Against: []string{"suit case"}, Boost: 0.3}},
	{Entity: "FILE", Pattern: `\b[A-Z]{2,5}-AKTE,? \w+`},
	{Entity: "DOOR", Pattern: `(?:Gate|Tür) (?:A|B) \d+`},
	{Entity: "NOTE", Pattern: `note: "[^"]*"`},
	{Entity: "MEMBER", Pattern: `M-\d{5}`, Score: 0.4, Context: &Context{Words: []string{"member", "élève"}, Required: true}},
	{Entity: "CLIENT", Terms: []string{"acme corp", "Globex"}, Context: &Context{Words: []string{"client"}, Required: true}},
	{Entity: "PLANT", Terms: []string{"night shade", "Rose 7"}},
}

func TestCustomEntities(t *testing.T) {
	s := newSet(t, Options{Custom: ownEntities})
	for _, c := range []struct{ text, want string }{
		{"see PRJ 1234 AB now", `PROJECT 0.90 "PRJ 1234 AB"`},
		{"see PRJ 1234 A now", ``},
		{"see prj 1234 AB now", ``}, // the literal folds, the pattern does not
		{"CASE NO. 123456.", `CASE 0.60 "CASE NO. 123456"`},
		{"case no.123456", `CASE 0.60 "case no.123456"`},
		{"case no. 1234567", ``}, // no word ends there
		{"court: case No. 123456", `CASE 0.90 "case No. 123456"`},
		{"Gerichtsakte: Case No. 123456", `CASE 0.90 "Case No. 123456"`},
		{"courtesy, Case No. 123456", `CASE 0.60 "Case No. 123456"`},
		{"his suit-case: Case No. 123456", ``}, // 0.3
		{"court " + strings.Repeat("- x ", 30) + "Case No. 123456", `CASE 0.60 "Case No. 123456"`},
		{"die XYZ-AKTE, Meyer", `FILE 0.90 "XYZ-AKTE, Meyer"`},
		{"die ABCDXYZ-AKTE, Meyer", ``},
		{"Tür B 12, Gate A 3", `DOOR 0.90 "Tür B 12"; DOOR 0.90 "Gate A 3"`},
		{`a note: "call, then go" b`, `NOTE 0.90 "note: \"call, then go\""`},
		{"member M-12345", `MEMBER 0.60 "M-12345"`},
		{"Élève M-12345", `MEMBER 0.60 "M-12345"`},
		{"M-12345", ``},
		{"M-12345 is a member", ``},
		{"our client Acme Corp and globex", `CLIENT 1.00 "Acme Corp"; CLIENT 1.00 "globex"`},
		{"acme corp", ``},
		{"Night Shade", `PLANT 0.90 "Night Shade"`},
	} {
		if got := describe(c.text, s.Scan([]byte(c.text), nil)); got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// ownPieces are what random texts of custom entities are made of.
var ownPieces = []string{
	"PRJ 1234 AB", "PRJ 12", "PRJ ", "Case No. 123456", "case no.12345", "CASE NO", "XYZ-AKTE, Meyer", "AB-AKTE", "Tür B 12", "Gate", "Tü",
	`note: "a b, c"`, `note: "`, "M-12345", "member", "élève", "Élève", "client", "acme corp", "Acme", "globex", "night", "shade", "rose 7", "court", "Gerichtsakte", "suit case",
	"123456", "AB", "x", "日本", "\xc3", "ann@corp.example",
}

func ownText(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(16) {
		b.WriteString(ownPieces[r.IntN(len(ownPieces))])
		if r.IntN(12) == 0 {
			b.WriteString(strings.Repeat("ab, ", r.IntN(400)))
		}
		b.WriteString([]string{" ", " ", " ", "", "\n", ", ", ": ", "-"}[r.IntN(8)])
	}
	return b.String()
}

// Each split of a text in two gives the findings of the whole, and so do random
// ones in many.
func TestCustomStreamsAgree(t *testing.T) {
	s := newSet(t, Options{Custom: ownEntities})
	st := s.NewStream()
	found := map[string]int{}
	for seed := range 400 {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		text := ownText(r)
		want := s.Scan([]byte(text), nil)
		for _, f := range want {
			found[f.Entity]++
		}
		for at := range min(len(text), 300) {
			st.Reset()
			got, _ := st.Push([]byte(text[:at]), false, nil)
			if got, _ = st.Push([]byte(text[at:]), true, got); !cmp.Equal(got, want) {
				t.Fatalf("seed %d, %q cut at %d: %s, want %s", seed, text, at, describe(text, got), describe(text, want))
			}
		}
		st.Reset()
		if got := pushAll(t, st, r, text); !cmp.Equal(got, want) {
			t.Fatalf("seed %d, %q in pieces: %s, want %s", seed, text, describe(text, got), describe(text, want))
		}
	}
	for _, c := range ownEntities {
		if found[c.Entity] < 5 {
			t.Errorf("the texts hold %s only %d times", c.Entity, found[c.Entity])
		}
	}
}

// A phrase holds what could still be one, and no more.
func TestPhraseIsHeldWhileOpen(t *testing.T) {
	s := newSet(t, Options{Custom: []Custom{{Entity: "PROJECT", Pattern: `PRJ \d{4} [A-Za-z ]+`}}})
	for _, c := range []struct {
		text    string
		settled int64
	}{
		{"see PR", 4}, {"see PRJ ", 4}, {"see PRJ 12", 4}, {"see PRJ 1234 some more", 4}, {"see PRJ x y ", 11}, {"see PRJ 1234 go. Then ", 21},
	} {
		_, settled := s.NewStream().Push([]byte(c.text), false, nil)
		if settled != c.settled {
			t.Errorf("%q: settled at %d, want %d", c.text, settled, c.settled)
		}
	}
}

// What is longer than a phrase may be is found up to the bound, in any chunks.
func TestPhraseBound(t *testing.T) {
	s := newSet(t, Options{Custom: []Custom{{Entity: "NOTE", Pattern: `note: [a-z ]+`}}})
	text := "a note: " + strings.Repeat("abc ", 200)
	want := s.Scan([]byte(text), nil)
	if len(want) != 1 || want[0].Start != 2 || want[0].End != 2+maxPhrase {
		t.Fatalf("%+v, want 2 to %d", want, 2+maxPhrase)
	}
	r := rand.New(rand.NewPCG(1, 1))
	if got := pushAll(t, s.NewStream(), r, text); !cmp.Equal(got, want) {
		t.Errorf("in pieces %+v, want %+v", got, want)
	}
}

func TestBadCustomEntities(t *testing.T) {
	for want, c := range map[string]Custom{
		"no string of 2 bytes":   {Pattern: `\d{4} [A-Z]{2}`},
		"in its first word":      {Pattern: `\d+ PRJ`},
		"at most 64 bytes":       {Pattern: `\w+PRJ \d`},
		"use \\b":                {Pattern: `^PRJ \d{4}$`},
		"not from 0 to 1":        {Terms: []string{"a"}, Context: &Context{Words: []string{"b"}, Boost: 2}},
		"required and has no":    {Terms: []string{"a"}, Context: &Context{Required: true}},
		"must have a letter":     {Terms: []string{"a"}, Context: &Context{Words: []string{" - "}}},
		"more than 512":          {Terms: []string{strings.Repeat("a", 513)}},
		"first word to look for": {Pattern: `PRJ \d|\d \d`},
	} {
		c.Entity = "X"
		if _, err := New(Options{Custom: []Custom{c}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want one that says %q", c, err, want)
		}
	}
}

func manyTerms(n int) []string {
	r := rand.New(rand.NewPCG(5, 5))
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%x corp %d", r.Uint64(), i)
	}
	return out
}

// Thousands of terms are found like one, also where they have context.
func TestManyTerms(t *testing.T) {
	terms := manyTerms(5000)
	s := newSet(t, Options{Entities: []string{"CLIENT"}, Custom: []Custom{{Entity: "CLIENT", Terms: terms, Context: &Context{Words: []string{"client"}, Required: true}}}})
	text := "client " + strings.Join(terms, "\nclient ")
	want := s.Scan([]byte(text), nil)
	if len(want) != len(terms) {
		t.Fatalf("%d of %d terms found", len(want), len(terms))
	}
	if got := pushAll(t, s.NewStream(), rand.New(rand.NewPCG(1, 2)), text); !cmp.Equal(got, want) {
		t.Error("in pieces others are found")
	}
}

// Texts that begin a phrase again and again take time in proportion.
func TestHostileCustomTextIsLinear(t *testing.T) {
	s := newSet(t, Options{Custom: ownEntities})
	const size = 64 << 10
	for _, unit := range []string{"PRJ ", "case no. ", `note: "`, "AB-AKTE, ", "member M-12345 ", "client acme corp ", "ABCDE"} {
		text := []byte(strings.Repeat(unit, size/len(unit)))
		for _, piece := range []int{size, 16} {
			small, large := steps(s, text[:len(text)/4], piece), steps(s, text, piece)
			if large > 5*small+size || large > 400*size {
				t.Errorf("%q by %d: a quarter takes %d steps, the whole %d", unit, piece, small, large)
			}
		}
	}
}

func FuzzCustomStreamAgrees(f *testing.F) {
	for i := range ownPieces {
		f.Add(ownPieces[i], uint8(i))
	}
	s := newSet(f, Options{Custom: ownEntities})
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		want := s.Scan([]byte(text), nil)
		r := rand.New(rand.NewPCG(uint64(step), 1))
		if got := pushAll(t, s.NewStream(), r, text); describe(text, got) != describe(text, want) {
			t.Fatalf("stream %s, scan %s", describe(text, got), describe(text, want))
		}
	})
}

// BenchmarkScanTerms is a scan with a word list of two-word names, of which most
// texts hold the beginnings of many, beside one without.
func BenchmarkScanTerms(b *testing.B) {
	words := strings.Fields(string(proseText()[:64<<10]))
	r := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{0, 1000, 10_000} {
		terms := make([]string, n)
		for i := range terms {
			terms[i] = words[r.IntN(len(words))] + " " + words[r.IntN(len(words))] + fmt.Sprint(" ", i)
		}
		s := newSet(b, Options{Custom: []Custom{{Entity: "CLIENT", Terms: terms}}})
		for name, text := range map[string][]byte{"clean": proseText(), "code": codeText()} {
			b.Run(fmt.Sprint(n, "/", name), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				out := s.Scan(text, nil)
				begin := cpuTime()
				for b.Loop() {
					out = s.Scan(text, out[:0])
				}
				reportCore(b, begin, len(text))
				b.ReportMetric(float64(len(s.literals.next)*4)/1e6, "MB-table")
			})
		}
	}
}

func BenchmarkLoadTerms(b *testing.B) {
	custom := []Custom{{Entity: "CLIENT", Terms: manyTerms(5000)}}
	for b.Loop() {
		newSet(b, Options{Custom: custom})
	}
}

// With adds entities to a set that stays as it is, and none to one that is off.
func TestWith(t *testing.T) {
	base := newSet(t, Options{Disable: []string{"EMAIL"}, Custom: []Custom{{Entity: "A", Terms: []string{"first"}}}, MinScore: map[string]float64{"C": 0.95}})
	with, err := base.With([]Custom{{Entity: "B", Terms: []string{"second"}}, {Entity: "C", Terms: []string{"third"}}, {Entity: "EMAIL", Terms: []string{"fourth"}}})
	if err != nil {
		t.Fatal(err)
	}
	const text = "first second third fourth ann@corp.example 4111 1111 1111 1111"
	names := func(s *Set) (out []string) {
		for _, f := range s.Scan([]byte(text), nil) {
			out = append(out, f.Entity)
		}
		return out
	}
	if got := names(base); !slices.Equal(got, []string{"A", "CREDIT_CARD"}) {
		t.Errorf("the base finds %v", got)
	}
	if got := names(with); !slices.Equal(got, []string{"A", "B", "CREDIT_CARD"}) {
		t.Errorf("with more it finds %v", got)
	}
	if same, err := base.With(nil); err != nil || same != base {
		t.Errorf("with nothing more: %p of %p, %v", same, base, err)
	}
	if _, err := base.With([]Custom{{Entity: "B C", Terms: []string{"x"}}}); err == nil {
		t.Error("a name with a blank was taken")
	}
	off, err := newSet(t, Options{Off: true}).With([]Custom{{Entity: "B", Terms: []string{"second"}}})
	if err != nil {
		t.Fatal(err)
	}
	if streamed, _ := off.NewStream().Push([]byte(text), true, nil); len(streamed) > 0 || len(names(off)) > 0 {
		t.Errorf("off, it finds %v and %v", names(off), streamed)
	}
}

// Entities whose terms begin within each other's.
var chained = []Custom{
	{Entity: "A", Terms: []string{"ab cd"}, Score: 0.8}, {Entity: "B", Terms: []string{"cd ab"}, Score: 0.8},
	{Entity: "C", Terms: []string{"cd ab cd ab cd"}, Score: 0.6}, {Entity: "D", Terms: []string{"ab cd ab"}, Score: 0.95}, {Entity: "E", Terms: []string{"cd ef"}},
}

// Entities that overlap from one to the next without end are decided as they
// come, also in a stream, and take a bounded number of steps a byte.
func TestChainsOfEntitiesAreCut(t *testing.T) {
	s := newSet(t, Options{Custom: chained, Entities: []string{"A", "B", "C", "D", "E", "PASSWORD"}})
	text := []byte(strings.Repeat("ab cd ", 20_000))
	small, large := steps(s, text[:len(text)/4], 16), steps(s, text, 16)
	if large > 5*small || large > 400*len(text) {
		t.Errorf("a quarter takes %d steps, the whole %d, of %d bytes", small, large, len(text))
	}
	st := s.NewStream()
	held := 0
	for at := 0; at < len(text); at += 10 {
		_, settled := st.Push(text[at:at+10], false, nil)
		held = max(held, at+10-int(settled))
	}
	if held > 2<<10 {
		t.Errorf("%d bytes were held back", held)
	}
	// What follows a chain is found all the same.
	found := s.Scan(append(bytes.Clone(text), "password: Tr0ub4dor-33x"...), nil)
	if last := found[len(found)-1]; last.Entity != "PASSWORD" {
		t.Errorf("the last finding is %v", last)
	}
}

func TestChainsAgreeWithStreams(t *testing.T) {
	s := newSet(t, Options{Custom: chained})
	words := []string{"ab ", "cd ", "ab cd ", "cd ab ", "ab cd ab cd ab cd ", "ef ", "ann@corp.example ", "password=ab cd "}
	st := s.NewStream()
	for seed := range 2000 {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		var b strings.Builder
		for range 1 + r.IntN(30) {
			b.WriteString(strings.Repeat(words[r.IntN(len(words))], 1+r.IntN(1<<r.IntN(9))))
		}
		text := b.String()
		want := s.Scan([]byte(text), nil)
		for i := 1; i < len(want); i++ {
			if want[i].Start < want[i-1].End {
				t.Fatalf("seed %d: %v overlaps %v", seed, want[i-1], want[i])
			}
		}
		st.Reset()
		if got := pushAll(t, st, r, text); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %s", seed, cmp.Diff(want, got))
		}
	}
}
