package jsonspan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// pushAll decodes the pushes of one text, and returns it with each push's map
// and the offset at which its text begins.
func pushAll(enc Encoding, pushes [][]byte) (text []byte, maps []Map, at []int) {
	d := NewDecoder(enc)
	for _, p := range pushes {
		var m Map
		at = append(at, len(text))
		// A fresh slice for each push, so that no map sees another's text.
		text = append(text, d.Push(p, nil, &m)...)
		maps = append(maps, m)
	}
	var m Map
	return d.End(text, &m), maps, at
}

func TestView(t *testing.T) {
	for _, c := range []struct {
		enc       Encoding
		raw, want string
		identity  bool
	}{
		{Plain, `a\nb`, `a\nb`, true},
		{JSONString, `plain é 世界`, `plain é 世界`, true},
		{JSONString, `a\n\"\u00e9\ud83d\ude42\/`, "a\n\"é🙂/", false},
		{JSONString, `\ud83dx\ude42`, "\uFFFDx\uFFFD", false},
		{JSONString, `\ud83d`, "\uFFFD", false},
		{JSONValue, `{"k\u0041":[1,"a\"b"],"n":-1.5}`, `{"kA":[1,"a"b"],"n":-1.5}`, false},
		{JSONValue, `[1,2]`, `[1,2]`, true},
		{JSONValue, `{"a":"b"}`, `{"a":"b"}`, true},
		{JSONInString, `{\"a\":\"x\\ny\\u0041\\\\\",\"n\":12}`, "{\"a\":\"x\nyA\\\",\"n\":12}", false},
		{JSONInString, `{\"a\":\"\\ud83d\\ude42 \ud83d\ude42 \u00e9\"}`, `{"a":"🙂 🙂 é"}`, false},
		{JSONInString, `{\u0022a\u0022:\u00221\u005cn2\u0022}`, "{\"a\":\"1\n2\"}", false},
		{JSONInString, `\"\\ud83d\\ud83d\\ude42\"`, "\"\uFFFD🙂\"", false},
		{JSONInString, `\"\\ud83d`, "\"\uFFFD", false},
		{JSONInString, `\"\\u00`, "\"\uFFFDu00", false},
		{JSONInString, `\"\\q\"`, "\"\uFFFDq\"", false},
		{JSONInString, `[1,2]`, `[1,2]`, true},
	} {
		text, m := View([]byte(c.raw), c.enc)
		if string(text) != c.want || m.Identity() != c.identity {
			t.Errorf("%v of %s: %q, identity %v; want %q, %v", c.enc, c.raw, text, m.Identity(), c.want, c.identity)
		}
		checkMap(t, []byte(c.raw), text, c.enc, &m)
		raw := []byte(c.raw)
		if text, _ := View(raw, c.enc); m.Identity() != (&text[0] == &raw[0]) {
			t.Errorf("%v of %s: identity is %v", c.enc, c.raw, m.Identity())
		}
	}
}

// checkMap checks what every map keeps: ranges grow with the text, cover all of
// it, and raw bytes between units are the text.
func checkMap(t *testing.T, raw, text []byte, enc Encoding, m *Map) {
	t.Helper()
	last := Range{}
	for i := range text {
		r := Range{m.rawStart(i), m.rawEnd(i + 1)}
		if r.Start < last.Start || r.End < last.End || r.End > len(raw) || r.Start > r.End {
			t.Fatalf("%v of %q: text byte %d is at %v, the one before at %v", enc, raw, i, r, last)
		}
		if r.Start > last.End {
			t.Fatalf("%v of %q: raw bytes %d to %d belong to no text", enc, raw, last.End, r.Start)
		}
		if r.Len() == 1 && raw[r.Start] != text[i] && text[i] < utf8.RuneSelf && enc != JSONInString {
			t.Fatalf("%v of %q: text byte %d is %q, raw %q", enc, raw, i, text[i], raw[r.Start])
		}
		last = r
	}
	if at := m.Raw(0, len(text)); len(text) > 0 && (at.Start != 0 && m.units[0].text > 0 || at.End > len(raw)) {
		t.Fatalf("%v of %q: the whole text is at %v", enc, raw, at)
	}
}

// TestUnits replaces each character of a text by another and decodes again: only
// that character has changed.
func TestUnits(t *testing.T) {
	for enc, raw := range map[Encoding]string{
		JSONString:   `a\n\"\u00e9\ud83d\ude42é🙂\/ z`,
		JSONInString: `{\"a\":\"x\\n\\\"y\\u0041\\\\\\ud83d\\ude42\ud83d\ude42é\"}`,
		JSONValue:    `{"k":"a\n\"\u00e9\ud83d\ude42é🙂\/ z"}`,
	} {
		text, m := View([]byte(raw), enc)
		for i, r := range string(text) {
			end := i + utf8.RuneLen(r)
			if m.Context(i) != InString {
				continue
			}
			got := replaced(t, []byte(raw), &m, i, end, "X\"\n")
			again, _ := View(got, enc)
			if want := string(text[:i]) + "X\"\n" + string(text[end:]); string(again) != want {
				t.Errorf("%v: %q at %d: %s reads %q, want %q", enc, r, i, got, again, want)
			}
		}
	}
}

func replaced(t *testing.T, raw []byte, m *Map, start, end int, text string) []byte {
	t.Helper()
	var e Edits
	for _, s := range m.Replace(nil, start, end, text) {
		e.Add(s.Range, s.With)
	}
	got, err := e.Apply(raw)
	if err != nil {
		t.Fatalf("%d to %d of %q: %v", start, end, raw, err)
	}
	return got
}

func TestReplace(t *testing.T) {
	raw := `{"a":"secret one","n":4111111111111111.5,"b":true,"c":["two","three"]}`
	for _, c := range []struct {
		find string // in the text
		want string
	}{
		{`secret`, `{"a":"[X] one","n":4111111111111111.5,"b":true,"c":["two","three"]}`},
		{`4111111111111111`, `{"a":"secret one","n":"[X]","b":true,"c":["two","three"]}`},
		{`111.5`, `{"a":"secret one","n":"[X]","b":true,"c":["two","three"]}`},
		{`true`, raw},
		{`"b":`, `{"a":"secret one","n":4111111111111111.5,"[X]":true,"c":["two","three"]}`},
		{`:[`, raw},
		{`"secret one","n":41`, `{"a":"[X]","":"","b":true,"c":["two","three"]}`},
		{`wo","th`, `{"a":"secret one","n":4111111111111111.5,"b":true,"c":["t[X]","ree"]}`},
		{raw, `{"[X]":"","":"","":true,"":["",""]}`},
	} {
		for _, enc := range []Encoding{JSONValue, JSONInString} {
			src, want := []byte(raw), c.want
			if enc == JSONInString {
				src, want = AppendEscaped(nil, raw), string(AppendEscaped(nil, c.want))
			}
			text, m := View(src, enc)
			at := strings.Index(string(text), c.find)
			if got := replaced(t, src, &m, at, at+len(c.find), "[X]"); string(got) != want {
				t.Errorf("%v %s:\n%s\nwant\n%s", enc, c.find, got, want)
			}
		}
	}
}

// fragments are pieces of JSON source, and of escaped content, that cuts hurt.
var sources = []string{
	`{"a":"x\ny\u0041\\","n":12,"b":[true,-1.5e3]}`, `{"e":"\ud83d\ude42 \ud83d x \ude42"}`, `"\ud83d\ud83d\ude42"`,
	`{"phone":"+1 555 0100","id":5550100}`, `{"text":"é 世界 🙂 \"quoted\" \\ back"}`, `"\q\u12x\u"`, `{"a":"\u00e9\ud83d`,
	`[1,22,333,"4444"]`, `"ends in \`, `{"k\u0022":"\u005c\u0022"}`, `{"a":"x","b":"\n"}`,
}

// TestSplits cuts the source of a JSONInString, the code units of a JSONString,
// everywhere: the text is that of the whole.
func TestSplits(t *testing.T) {
	for _, s := range sources {
		whole := pieces(s, len(s))
		for _, enc := range []Encoding{JSONInString, JSONString, JSONValue} {
			want, _, _ := pushAll(enc, encodeAll(enc, whole))
			for size := 1; size < 8; size++ {
				got, _, _ := pushAll(enc, encodeAll(enc, pieces(s, size)))
				if !bytes.Equal(got, want) {
					t.Errorf("%v of %s in pieces of %d: %q, want %q", enc, s, size, got, want)
				}
			}
			for i := range s {
				got, _, _ := pushAll(enc, encodeAll(enc, []string{s[:i], s[i:]}))
				if utf8.ValidString(s[:i]) && !bytes.Equal(got, want) {
					t.Errorf("%v of %s cut at %d: %q, want %q", enc, s, i, got, want)
				}
			}
		}
	}
}

// pieces cuts s after every size characters.
func pieces(s string, size int) (out []string) {
	r := []rune(s)
	for len(r) > 0 {
		n := min(size, len(r))
		out, r = append(out, string(r[:n])), r[n:]
	}
	return out
}

// encodeAll makes of pieces of text or source the raw bytes of pushes.
func encodeAll(enc Encoding, pieces []string) (raw [][]byte) {
	for _, p := range pieces {
		if enc == JSONValue {
			raw = append(raw, []byte(p))
		} else {
			raw = append(raw, AppendEscaped(nil, p))
		}
	}
	return raw
}

// TestPairOverPushes splits a surrogate pair of the outer string.
func TestPairOverPushes(t *testing.T) {
	for _, enc := range []Encoding{JSONString, JSONInString} {
		for _, c := range []struct {
			pushes []string
			want   string
		}{
			{[]string{`a\ud83d`, `\ude42b`}, "a🙂b"},
			{[]string{`a\ud83d`, ``, `\ude42b`}, "a🙂b"},
			{[]string{`a\ud83d`, `b`}, "a\uFFFDb"},
			{[]string{`a\ud83d`, `\ud83d`, `\ude42`}, "a\uFFFD🙂"},
			{[]string{`a\ud83d`, `\n`}, "a\uFFFD\n"},
			{[]string{`a\ud83d`}, "a\uFFFD"},
		} {
			var raw [][]byte
			for _, p := range c.pushes {
				raw = append(raw, []byte(p))
			}
			if got, _, _ := pushAll(enc, raw); string(got) != c.want {
				t.Errorf("%v of %q: %q, want %q", enc, c.pushes, got, c.want)
			}
		}
	}
}

// TestReplaceHalf replaces what completes something an earlier push began and let
// go: the two pushes together stay valid, the rest of the text is there.
func TestReplaceHalf(t *testing.T) {
	for _, c := range []struct {
		enc        Encoding
		first, raw string
		start, end int
		want       string
	}{
		{JSONString, `a\ud83d`, `\ude42b`, 0, 4, `\udc00[X]b`},
		{JSONInString, `\"a\ud83d`, `\ude42b\"`, 0, 4, `\udc00[X]b\"`},
		{JSONInString, `\"a\\ud83d`, `\\ude42b\"`, 0, 4, `\\udc00[X]b\"`},
		{JSONInString, `\"a\\`, `nb\"`, 0, 1, `u0020[X]b\"`},
		{JSONInString, `\"a\\u`, `0041b\"`, 0, 1, `0020[X]b\"`},
		{JSONInString, `\"a\\u004`, `1b\"`, 0, 1, `0[X]b\"`},
		{JSONInString, `[12`, `34,5]`, 0, 2, `,5]`},
		{JSONInString, `[1.`, `34,5]`, 1, 2, `0,5]`},
		{JSONInString, `[tr`, `ue,5]`, 0, 2, `ue,5]`},
		{JSONInString, `[12`, `,5]`, 1, 2, `,\"[X]\"]`},
	} {
		d := NewDecoder(c.enc)
		var m Map
		d.Push([]byte(c.first), nil, &m)
		if !d.Open() {
			t.Errorf("%v %s isn't open", c.enc, c.first)
		}
		d.Push([]byte(c.raw), nil, &m)
		got := replaced(t, []byte(c.raw), &m, c.start, c.end, "[X]")
		if string(got) != c.want || Validate(quoted([]byte(c.first+string(got)))) != nil {
			t.Errorf("%v %s then %s: %s, want %s", c.enc, c.first, c.raw, got, c.want)
		}
	}
}

// TestReplaceOverPushes redacts a range of a text that came in pieces, each with
// its part of the range, and reads the result: valid JSON whose strings hold the
// replacement and nothing of what was replaced.
func TestReplaceOverPushes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := 30_000
	if testing.Short() {
		n = 3000
	}
	checked := 0
	for range n {
		src := randomSource(rng)
		var cuts []string
		for rest := src; rest != ""; {
			k := 1 + rng.IntN(12)
			for k = min(k, len(rest)); k < len(rest) && !utf8.RuneStart(rest[k]); k++ {
			}
			cuts, rest = append(cuts, rest[:k]), rest[k:]
		}
		raw := encodeAll(JSONInString, cuts)
		text, maps, at := pushAll(JSONInString, raw)
		start := rng.IntN(len(text))
		for !utf8.RuneStart(text[start]) {
			start--
		}
		end := min(len(text), start+1+rng.IntN(20))
		out := redactPieces(t, raw, maps, at, len(text), start, end)
		if Validate(out) != nil && !cutsToken(text, start, end) && !duplicate(out) {
			t.Fatalf("%q in %q, replaced %q: %s: %v", src, cuts, text[start:end], out, Validate(out))
		}
		if simple(text, maps, at, start, end) {
			again, _ := View(out, JSONValue)
			if want := string(text[:start]) + "[X]" + string(text[end:]); string(again) != want {
				t.Fatalf("%q in %q, replaced %q: reads %q, want %q", src, cuts, text[start:end], again, want)
			}
			checked++
		}
	}
	if checked < n/20 {
		t.Errorf("only %d of %d ranges lay within a string", checked, n)
	}
}

// simple reports whether a range lies within one inner string, and neither an
// escape nor half a surrogate pair in it began in an earlier push.
func simple(text []byte, maps []Map, at []int, start, end int) bool {
	if end < len(text) && !utf8.RuneStart(text[end]) || bytes.ContainsRune(text[start:end], utf8.RuneError) {
		return false
	}
	for i := range maps {
		stop := at[i] + len(maps[i].text)
		for t := max(start, at[i]); t < min(end, stop); t++ {
			if maps[i].Context(t-at[i]) != InString {
				return false
			}
		}
	}
	return true
}

func duplicate(doc []byte) bool {
	err := Validate(doc)
	return err != nil && strings.Contains(err.Error(), "duplicate")
}

// cutsToken reports whether a border of the range lies inside a number: the
// documented case where the event has to be held.
func cutsToken(text []byte, start, end int) bool {
	return start > 0 && isBare(text[start-1]) && isBare(text[start]) || end < len(text) && isBare(text[end-1]) && isBare(text[end])
}

// redactPieces replaces the text [start, end) push by push and returns the JSON
// source that the edited pushes make.
func redactPieces(t *testing.T, raw [][]byte, maps []Map, at []int, size, start, end int) []byte {
	t.Helper()
	var source []byte
	label := "[X]"
	for i := range raw {
		stop := size
		if i+1 < len(at) {
			stop = at[i+1]
		}
		from, to := max(start, at[i]), min(end, stop)
		piece := raw[i]
		if from < to {
			var e Edits
			for _, s := range maps[i].Replace(nil, from-at[i], to-at[i], label) {
				e.Add(s.Range, s.With)
				label = ""
			}
			var err error
			if piece, err = e.Apply(piece); err != nil {
				t.Fatal(err)
			}
		}
		if err := Validate(quoted(piece)); err != nil {
			t.Fatalf("push %q became %q: %v", raw[i], piece, err)
		}
		source = appendDecoded(source, piece)
	}
	return source
}

// quoted puts quotes around raw string content.
func quoted(raw []byte) []byte {
	return append(append([]byte{'"'}, raw...), '"')
}

// randomSource is a JSON object as a model writes arguments.
func randomSource(rng *rand.Rand) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 1 + rng.IntN(4) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"k%d":`, i)
		switch rng.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "%d", rng.Int64N(1e15))
		case 1:
			b.WriteString([]string{"true", "null", "-1.5e10", "[1,2,\"x\"]", `{"z":1.25}`}[rng.IntN(5)])
		default:
			b.WriteString(randomString(rng))
		}
	}
	b.WriteByte('}')
	return b.String()
}

func FuzzDecoder(f *testing.F) {
	for i, s := range sources {
		f.Add([]byte(s), uint64(i), uint8(i%3))
	}
	f.Fuzz(func(t *testing.T, src []byte, seed uint64, kind uint8) {
		enc := Encoding(kind%3 + 1)
		s := strings.ToValidUTF8(string(src), "?")
		rng := rand.New(rand.NewPCG(seed, 0))
		var cuts []string
		for r := []rune(s); len(r) > 0; {
			k := min(len(r), 1+rng.IntN(6))
			cuts, r = append(cuts, string(r[:k])), r[k:]
		}
		want, _, _ := pushAll(enc, encodeAll(enc, []string{s}))
		raw := encodeAll(enc, cuts)
		got, maps, at := pushAll(enc, raw)
		if !bytes.Equal(got, want) || !utf8.Valid(got) {
			t.Fatalf("%v of %q: %q, whole %q", enc, cuts, got, want)
		}
		whole := encodeAll(enc, []string{s})
		if len(s) > 0 {
			text, m := View(whole[0], enc)
			if !bytes.Equal(text, want) {
				t.Fatalf("%v of %q: view %q, pushed %q", enc, s, text, want)
			}
			checkMap(t, whole[0], text, enc, &m)
		}
		for i := range raw {
			stop := len(got)
			if i+1 < len(at) {
				stop = at[i+1]
			}
			n := min(len(maps[i].text), stop-at[i])
			a := rng.IntN(n + 1)
			b := a + rng.IntN(n+1-a)
			var e Edits
			for _, sp := range maps[i].Replace(nil, a, b, "x") {
				e.Add(sp.Range, sp.With)
			}
			if _, err := e.Apply(raw[i]); err != nil {
				t.Fatalf("%v of %q, %d to %d: %v", enc, raw[i], a, b, err)
			}
		}
	})
}

func BenchmarkPush(b *testing.B) {
	args := AppendEscaped(nil, `{"city":"Paris","unit":"celsius","note":"`+strings.Repeat(prose, 10)+`"}`)
	for _, c := range []struct {
		name string
		enc  Encoding
		raw  []byte
	}{
		{"delta", JSONString, []byte(" Hello")},
		{"deltaEscaped", JSONString, []byte(`.\n\n`)},
		{"argument", JSONInString, []byte(`{\"lo`)},
		{"prose64K", JSONString, bytes.Repeat([]byte(prose), 650)},
		{"escaped64K", JSONString, bytes.Repeat([]byte(prose+`\n`), 650)},
		{"arguments1K", JSONInString, args},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := NewDecoder(c.enc)
			var m Map
			var buf []byte
			b.SetBytes(int64(len(c.raw)))
			b.ReportAllocs()
			for b.Loop() {
				d.Reset(c.enc)
				if text := d.PushText(c.raw, buf, &m); !m.Identity() {
					buf = text
				}
			}
		})
	}
}
