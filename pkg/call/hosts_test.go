package call

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/policy"
)

func TestHostsOfURLs(t *testing.T) {
	for text, want := range map[string]string{
		"see https://Docs.Example.com/a?b=1, or http://b.example.": "docs.example.com b.example",
		"[x](https://user:pw@evil.example:8443/p)":                 "evil.example",
		"https://good.example@evil.example/":                       "evil.example",
		"http://[2001:db8::1]:80/x ftp://[::1]":                    "2001:db8::1 ::1",
		`{"url":"https://a.example","b":["wss://b.example/"]}`:     "a.example b.example",
		"https://ev%69l.example/":                                  "evil.example",
		"https://evil.example\\@good.example":                      "evil.example",
		"://x.example http:// :/ a://":                             "x.example",
		"no links at all: // or :/":                                "",
		"https://" + strings.Repeat("a", 400) + ".example":         strings.Repeat("a", maxAuthority),
	} {
		got, n := hostsIn([]byte(text), true, nil)
		if strings.Join(got, " ") != want || n != len(text) {
			t.Errorf("%q: %q, settled %d", text, got, n)
		}
	}
}

// However a text is cut, its hosts are the same, and little is held.
func FuzzHosts(f *testing.F) {
	f.Add("see https://a.example/x and http://u@[::1]:8/ or ://", uint64(1))
	f.Add("https:https://b.example%zz", uint64(2))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		whole, _ := hostsIn([]byte(text), true, nil)
		r := rand.New(rand.NewPCG(seed, 1))
		finder := &hostFinder{}
		var got []string
		pos := int64(0)
		for _, chunk := range cutAt(text, r, 7) {
			var settled int64
			got, settled = finder.push(chunk, false, got)
			if pos += int64(len(chunk)); pos-settled > maxAuthority+3 || settled > pos {
				t.Fatalf("%d bytes are held", pos-settled)
			}
		}
		if got, _ = finder.push(nil, true, got); !slices.Equal(got, whole) {
			t.Fatalf("%q: cut %q, whole %q", text, got, whole)
		}
	})
}

// refuseHosts denies what goes to evil.example.
func refuseHosts(in *policy.Input) (*policy.Decision, error) {
	if slices.Contains(append(slices.Clone(in.Response.ToolHosts), in.Response.LinkHosts...), "evil.example") || slices.Contains(in.Response.ToolCalls, "run_shell") {
		return &policy.Decision{Deny: []policy.Deny{{Code: "host", Message: "not there", Status: 403}}}, nil
	}
	return &policy.Decision{}, nil
}

// A stream is ended before a host or a tool leaves that the policy refuses.
func TestStreamEndsBeforeARefusedHostLeaves(t *testing.T) {
	b := newBench(t, rules{request: allow, response: refuseHosts})
	source, _ := json.Marshal(map[string]string{"url": "https://evil.example/collect?x=1", "n": "2"})
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		out := b.stream(t, streamRequest, cutAt(sse(deltas(r, "See https://good.example/ and https://evil.example/a now.")...), r, 50))
		if text := textsOf(t, strings.Split(out, `data: {"error"`)[0])[0]; strings.Contains(text, "evil.") || !strings.HasPrefix("See https://good.example/ and https://", text) || !strings.Contains(out, "not there") {
			t.Fatalf("seed %d: %s", seed, out)
		}
		var body strings.Builder
		fmt.Fprintf(&body, "data: {\"choices\":[{\"index\":2,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"fetch\",\"arguments\":\"\"}}]}}]}\n\n")
		for _, piece := range deltas(r, string(source)) {
			fmt.Fprintf(&body, "data: {\"choices\":[{\"index\":2,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":%s}}]}}]}\n\n", quoted(r, piece))
		}
		body.WriteString("data: [DONE]\n\n")
		out = b.stream(t, streamRequest, cutAt(body.String(), r, 50))
		if args := textsOf(t, strings.Split(out, `data: {"error"`)[0])[2]; strings.Contains(args, "evil.") || !strings.Contains(out, "not there") {
			t.Fatalf("seed %d: %s", seed, out)
		}
	}
	shell := "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"run_shell\",\"arguments\":\"\"}}]}}]}\n\n"
	if out := b.stream(t, streamRequest, [][]byte{[]byte(sse("Hello")[:90] + "]}}]}\n\n"), []byte(shell + "data: [DONE]\n\n")}); strings.Contains(out, "run_shell") {
		t.Errorf("a refused tool's call left: %s", out)
	}
}

func TestHostsOfADocumentAreFacts(t *testing.T) {
	var seen *policy.ResponseFacts
	b := newBench(t, rules{request: allow, response: func(in *policy.Input) (*policy.Decision, error) {
		seen = in.Response
		return &policy.Decision{}, nil
	}})
	c, _ := b.svc.Open(t.Context(), requestHead())
	c.RequestBody([]byte(`{"model":"m","messages":[{"role":"user","content":"https://asked.example"}]}`))
	c.ResponseHeaders(responseHead("200", "application/json"))
	links := ""
	for i := range 100 {
		links += fmt.Sprintf(" https://h%d.example/", i)
	}
	c.ResponseBody([]byte(`{"choices":[{"message":{"content":"`+links+`","tool_calls":[{"function":{"name":"f","arguments":"{\"u\":\"https:\\/\\/t.example\\/\"}"}}]}}]}`), true)
	if !slices.Equal(seen.ToolHosts, []string{"t.example"}) || len(seen.LinkHosts) != maxHosts+1 || seen.LinkHosts[maxHosts] != moreHosts {
		t.Errorf("hosts %q, links %q", seen.ToolHosts, seen.LinkHosts)
	}
}
