package call

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/policy"
)

// planted are values that must never leave, each as the detectors know it.
var planted = []string{
	"jane.doe@example.com", "4111 1111 1111 1111", "5500-0000-0000-0004", "DE89 3704 0044 0532 0130 00",
	"AKIAIOSFODNN7REGENT2", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
}

var filler = []string{
	"the ", "quick ", "brown ", "fox, ", "he said: ", "see 12 of 40 ", "naïve café ", "日本語 ", "A1 ", "line\n", "tab\t", "quote \" and \\ ", "© 2026 ", "e = mc2 ", "(maybe) ", "🙂 ",
}

// secretText is prose with values planted at random places.
func secretText(r *rand.Rand) (text string, values []string) {
	var b strings.Builder
	for range 3 + r.IntN(25) {
		if r.IntN(6) == 0 {
			v := planted[r.IntN(len(planted))]
			values = append(values, v)
			b.WriteString(v)
			b.WriteString([]string{" ", ", ", "\n", ". "}[r.IntN(4)])
			continue
		}
		b.WriteString(filler[r.IntN(len(filler))])
	}
	return b.String(), values
}

// deltas cuts text at random places between characters.
func deltas(r *rand.Rand, text string) []string {
	runes := []rune(text)
	var list []string
	for len(runes) > 0 {
		n := min(1+r.IntN(7), len(runes))
		list, runes = append(list, string(runes[:n])), runes[n:]
	}
	return list
}

// quoted is s as a JSON string, at random with characters escaped that need not
// be.
func quoted(r *rand.Rand, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c < 0x10000 && c >= 0x20 && r.IntN(12) == 0:
			fmt.Fprintf(&b, `\u%04x`, c)
		case c == '"' || c == '\\' || c < 0x20:
			q, _ := json.Marshal(string(c))
			b.Write(q[1 : len(q)-1])
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// randomStream is a stream of two choices and two tool calls, interleaved, with
// values planted in all of them.
func randomStream(r *rand.Rand) (body string, texts [4]string, values []string) {
	var queue [4][]string
	for i := range texts {
		text, found := secretText(r)
		if i >= 2 { // a tool's arguments: JSON source
			source, _ := json.Marshal(map[string]any{"note": text, "n": 7})
			text = string(source)
		}
		texts[i], values = text, append(values, found...)
		queue[i] = deltas(r, text)
	}
	var b strings.Builder
	named := map[int]bool{}
	for left := true; left; {
		left = false
		for i := range queue {
			if len(queue[i]) == 0 || r.IntN(3) == 0 {
				left = left || len(queue[i]) > 0
				continue
			}
			left = true
			piece := quoted(r, queue[i][0])
			queue[i] = queue[i][1:]
			if i < 2 {
				fmt.Fprintf(&b, "data: {\"id\":\"x\",\"choices\":[{\"index\":%d,\"delta\":{\"content\":%s}}]}\n\n", i, piece)
				continue
			}
			name := ""
			if !named[i] {
				named[i], name = true, `"name":"f",`
			}
			fmt.Fprintf(&b, "data: {\"id\":\"x\",\"choices\":[{\"index\":2,\"delta\":{\"tool_calls\":[{\"index\":%d,\"function\":{%s\"arguments\":%s}}]}}]}\n\n", i-2, name, piece)
		}
	}
	b.WriteString("data: [DONE]\n\n")
	return b.String(), texts, values
}

// textsOf joins a stream's deltas by choice and tool call, as a client does.
func textsOf(t *testing.T, body string) (texts [4]string) {
	t.Helper()
	for _, line := range strings.Split(body, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var event struct {
			Choices []struct {
				Index int
				Delta struct {
					Content   string
					ToolCalls []struct {
						Index    int
						Function struct{ Arguments string }
					} `json:"tool_calls"`
				}
			}
		}
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			t.Fatalf("an event is no JSON any more: %v in %q", err, data)
		}
		for _, c := range event.Choices {
			if c.Index < 2 {
				texts[c.Index] += c.Delta.Content
			}
			for _, call := range c.Delta.ToolCalls {
				texts[2+call.Index] += call.Function.Arguments
			}
		}
	}
	return texts
}

func cutAt(body string, r *rand.Rand, most int) [][]byte {
	var chunks [][]byte
	for rest := []byte(body); len(rest) > 0; {
		n := min(1+r.IntN(most), len(rest))
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	return chunks
}

// Whatever the chunking, a stream leaves the same, no planted value is in what a
// client puts together, and tool arguments are still JSON.
func TestStreamProperty(t *testing.T) {
	streams, cuts := 30, 20
	if testing.Short() {
		streams, cuts = 10, 10
	}
	b := newBench(t, rules{request: allow, response: redactAll})
	for seed := range streams {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		body, _, values := randomStream(r)
		whole := b.stream(t, streamRequest, [][]byte{[]byte(body)})
		checkRedacted(t, seed, whole, values)
		for range cuts {
			if got := b.stream(t, streamRequest, cutAt(body, r, 1+r.IntN(200))); got != whole {
				t.Fatalf("seed %d: cut otherwise, it leaves otherwise:\n%s\n%s", seed, got, whole)
			}
		}
	}
}

// Every way to cut one stream in two gives the same.
func TestStreamEveryTwoWaySplit(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	body, values := shortStream()
	whole := b.stream(t, streamRequest, [][]byte{[]byte(body)})
	checkRedacted(t, 99, whole, values)
	step := 3
	if testing.Short() {
		step = 7
	}
	for i := 1; i < len(body); i += step {
		if got := b.stream(t, streamRequest, [][]byte{[]byte(body[:i]), []byte(body[i:])}); got != whole {
			t.Fatalf("cut at %d it leaves otherwise", i)
		}
	}
}

// shortStream is the shortest of some random streams that hold three values or
// more.
func shortStream() (body string, values []string) {
	for seed := range uint64(200) {
		b, _, v := randomStream(rand.New(rand.NewPCG(seed, 9)))
		if len(v) >= 3 && (body == "" || len(b) < len(body)) {
			body, values = b, v
		}
	}
	return body, values
}

func checkRedacted(t *testing.T, seed int, out string, values []string) {
	t.Helper()
	texts := textsOf(t, out)
	for i, text := range texts {
		for _, v := range values {
			if strings.Contains(text, v) {
				t.Fatalf("seed %d: text %d holds %q: %q", seed, i, v, text)
			}
		}
		if i >= 2 && !json.Valid([]byte(text)) {
			t.Fatalf("seed %d: the arguments are no JSON any more: %s", seed, text)
		}
	}
	if len(values) > 0 && !strings.Contains(strings.Join(texts[:], ""), "[") {
		t.Fatalf("seed %d: nothing was redacted", seed)
	}
}

// A stream that nothing is done to leaves bit for bit, findings or not.
func TestStreamUntouched(t *testing.T) {
	b := newBench(t, rules{request: allow, response: func(*policy.Input) (*policy.Decision, error) { return &policy.Decision{}, nil }})
	for seed := range 20 {
		r := rand.New(rand.NewPCG(uint64(seed), 8))
		body, _, _ := randomStream(r)
		if got := b.stream(t, streamRequest, cutAt(body, r, 90)); got != body {
			t.Fatalf("seed %d: it changed", seed)
		}
	}
}
