package call

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

func asJSON(s string) string { return string(jsonspan.AppendQuoted(nil, s)) }

// A value whose characters are escaped in source that a text quotes is hidden
// where it stands, and the source stays as valid as it was.
func TestEscapesInAText(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	for text, want := range map[string]string{
		`it is {"mail":"jane.doe\u0040example.com"} ok`:                              `it is {"mail":"[EMAIL]"} ok`,
		"```json\n{\"mail\":\"\\u006aane.doe@example.com\\n\"}\n```":                 "```json\n{\"mail\":\"[EMAIL]\\n\"}\n```",
		`card 4111\u00201111 1111\u00201111, C:\new\4 and \d{4}`:                     `card [CREDIT_CARD], C:\new\4 and \d{4}`,
		`jane.doe\u0040example.com \ud83d\ude00 and \\u0040 and ann@corp.example \u`: `[EMAIL] \ud83d\ude00 and \\u0040 and [EMAIL] \u`,
		`nothing \u0040 here \n\t\"\\ C:\Users\x`:                                    `nothing \u0040 here \n\t\"\\ C:\Users\x`,
	} {
		request := `{"model":"m","messages":[{"role":"user","content":` + asJSON(text) + `}]}`
		sent, got := b.answered(t, "/v1/chat/completions", request, "application/json", `{"choices":[{"message":{"content":`+asJSON(text)+`}}]}`, 0)
		if sent != strings.Replace(request, asJSON(text), asJSON(want), 1) {
			t.Errorf("%s is sent as\n%s", text, sent)
		}
		if !strings.Contains(got, asJSON(want)) {
			t.Errorf("%s comes back as\n%s", text, got)
		}
		runes := []rune(text)
		for n := range runes {
			out := b.stream(t, streamRequest, [][]byte{[]byte(chatEvents(string(runes[:n]), string(runes[n:])))})
			joined := textsOf(t, out)[0]
			// Where a delta ends behind its backslash, a part has a label of its own.
			if joined = strings.ReplaceAll(joined, "[EMAIL][EMAIL]", "[EMAIL]"); joined != want {
				t.Fatalf("%s, cut at %d, comes back as\n%s", text, n, joined)
			}
		}
	}
}

// chatEvents is a stream of deltas.
func chatEvents(deltas ...string) string {
	var b strings.Builder
	for _, d := range deltas {
		fmt.Fprintf(&b, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", asJSON(d))
	}
	return b.String() + "data: [DONE]\n\n"
}

// A tool's arguments that are source in a string in a string.
func TestEscapesInArguments(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	inner := `{"mail":"jane.doe\u0040example.com","n":1}`
	outer := asJSON(`{"body":` + asJSON(inner) + `}`)
	_, got := b.answered(t, "/v1/chat/completions", `{"model":"m","messages":[]}`, "application/json", `{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":`+outer+`}}]}}]}`, 0)
	if want := strings.Replace(outer, `jane.doe\\\\u0040example.com`, `[EMAIL]`, 1); want == outer || !strings.Contains(got, want) {
		t.Errorf("it leaves as %s", got)
	}
}

// However a text is cut, its escapes are read alike, and no finding begins in what
// was settled.
func TestEscapesAreReadAlike(t *testing.T) {
	set, err := detect.New(detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bits := append([]string{`\u0040`, `\`, `\u`, `\u00`, `\n`, `\\`, `\ud83d`, `\ude00`, `\/`, `jane.doe\u0040example.com`, `4111\u00201111 1111\n1111`, strings.Repeat("word ", 300)}, filler...)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		var b strings.Builder
		for range 1 + r.IntN(20) {
			b.WriteString(bits[r.IntN(len(bits))])
		}
		text := b.String()
		want := fmt.Sprint(inEscapes(set, []byte(text)))
		ch := &channel{}
		got := []detect.Finding{}
		var at, settled int64
		for rest := text; rest != ""; {
			n := min(len(rest), 1+r.IntN(9))
			if ch.unescape(set, []byte(rest[:n]), at); ch.escaped != nil {
				before := settled
				var found []detect.Finding
				found, settled = ch.escaped.push(ch.view, false)
				for _, f := range found {
					if int64(f.Start) < before {
						t.Fatalf("seed %d: %+v begins before %d, which was settled", seed, f, before)
					}
				}
				got = append(got, found...)
			}
			at, rest = at+int64(n), rest[n:]
		}
		if ch.escaped != nil {
			found, _ := ch.escaped.push(nil, true)
			got = append(got, found...)
		}
		if fmt.Sprint(got) != want {
			t.Fatalf("seed %d: %q has %v, cut %v", seed, text, want, got)
		}
	}
}

// FuzzWholeEscapes holds where texts are cut against the decoder.
func FuzzWholeEscapes(f *testing.F) {
	for _, s := range []string{`\`, `a\u00`, `\ud83d\ude00`, `\ud83d\u0041`, `\\u0041`, `\ud83d\`, `\ud83dx`} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, text string, cut int) {
		if cut < 0 || cut > len(text) {
			return
		}
		n := wholeEscapes([]byte(text[:cut]))
		if n > cut || cut-n > 12 {
			t.Fatalf("%d of %q", n, text[:cut])
		}
		whole, _ := jsonspan.View([]byte(text), jsonspan.JSONString)
		first, _ := jsonspan.View([]byte(text[:n]), jsonspan.JSONString)
		rest, _ := jsonspan.View([]byte(text[n:]), jsonspan.JSONString)
		if string(whole) != string(first)+string(rest) {
			t.Fatalf("%q at %d: %q and %q, whole %q", text, n, first, rest, whole)
		}
	})
}
