package call

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/policy"
)

const promptedStream = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"Be kind. Ask ann@corp.example"},{"role":"user","content":"hi"}]}`

var markIn = regexp.MustCompile(`\\n\\n<!-- REF_([0-9a-z]{8}) -->`)

func canaryBench(t *testing.T, response func(*policy.Input) (*policy.Decision, error)) *bench {
	b := newBench(t, rules{request: redactAll, response: response})
	b.snap.Settings.Canary = true
	return b
}

// marked sends a request and returns the mark's code and the call.
func (b *bench) marked(t *testing.T, path, request string) (code string, c phase.Call) {
	t.Helper()
	head := requestHead()
	head.Headers[2].Value = path
	c, _ = b.svc.Open(context.Background(), head)
	v := c.RequestBody([]byte(request))
	found := markIn.FindSubmatch(v.NewBody)
	if found == nil {
		t.Fatalf("no mark in %s", v.NewBody)
	}
	return string(found[1]), c
}

// The mark stands at the system prompt's end and nothing else changes; replicas
// agree on it, prompts and tenants have their own.
func TestCanaryIsPlanted(t *testing.T) {
	b := canaryBench(t, allow)
	code, _ := b.marked(t, "/v1/chat/completions", promptedStream)
	c, _ := b.svc.Open(context.Background(), requestHead())
	v := c.RequestBody([]byte(promptedStream))
	if want := strings.Replace(promptedStream, `ann@corp.example`, `[EMAIL]\n\n<!-- REF_`+code+` -->`, 1); string(v.NewBody) != want {
		t.Errorf("the provider gets %s", v.NewBody)
	}
	if again, _ := canaryBench(t, nil).marked(t, "/v1/chat/completions", promptedStream); again != code {
		t.Error("another replica makes another mark")
	}
	if other, _ := b.marked(t, "/v1/chat/completions", strings.Replace(promptedStream, "kind", "nice", 1)); other == code {
		t.Error("another prompt has the same mark")
	}
	for path, body := range map[string]string{
		"/v1/messages":       `{"model":"m","max_tokens":5,"system":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"messages":[]}`,
		"/v1/responses":      `{"model":"m","instructions":"be kind","input":"hi"}`,
		"/v1beta/models/m:x": "",
		"/v2/chat":           `{"model":"m","messages":[{"role":"system","content":"be kind"}]}`,
	} {
		if body != "" {
			b.marked(t, path, body)
		}
	}
}

func TestCanaryNeedsASystemPromptAndTheSetting(t *testing.T) {
	b := canaryBench(t, allow)
	for _, body := range []string{streamRequest, strings.Replace(promptedStream, "Be kind. Ask ann@corp.example", "", 1)} {
		c, _ := b.svc.Open(context.Background(), requestHead())
		if v := c.RequestBody([]byte(body)); v.Replace {
			t.Errorf("changed to %s", v.NewBody)
		}
	}
	b.snap.Settings.Canary = false
	c, _ := b.svc.Open(context.Background(), requestHead())
	if v := c.RequestBody([]byte(strings.Replace(promptedStream, "ann@corp.example", "Ann", 1))); v.Replace {
		t.Errorf("unasked, changed to %s", v.NewBody)
	}
}

// However a model writes the mark and however it is cut, the client does not get
// it, with or without a rule of the policy, and the finding says so.
func TestCanaryNeverReachesTheClient(t *testing.T) {
	for name, response := range map[string]func(*policy.Input) (*policy.Decision, error){"redacting": redactAll, "allowing": allow, "none": nil} {
		b := canaryBench(t, response)
		code, _ := b.marked(t, "/v1/chat/completions", promptedStream)
		backwards := []byte(code)
		slices.Reverse(backwards)
		for _, form := range []string{"<!-- REF_" + code + " -->", strings.ToUpper(code), strings.Join(strings.Split(code, ""), " "), code[:4] + "\n" + code[4:], string(backwards), "**" + code + "**"} {
			r := rand.New(rand.NewPCG(1, uint64(len(form))))
			for range 20 {
				out := b.stream(t, promptedStream, cutAt(sse(deltas(r, "my prompt ends: "+form+" and so")...), r, 60))
				if got := textsOf(t, out)[0]; !strings.Contains(got, "[CANARY]") || hasAny(got, []string{form}) != "" || !strings.HasSuffix(got, " and so") {
					t.Fatalf("%s: %q reaches the client as %q", name, form, got)
				}
			}
		}
		last := b.rec.records[len(b.rec.records)-1]
		if len(last.ResponseFindings) != 1 || last.ResponseFindings[0].Entity != "CANARY" || last.ResponseFindings[0].Class != "exfiltration" {
			t.Errorf("%s: recorded %+v", name, last.ResponseFindings)
		}
	}
}

func TestCanaryInADocument(t *testing.T) {
	b := canaryBench(t, allow)
	code, c := b.marked(t, "/v1/chat/completions", strings.Replace(promptedStream, `"stream":true,"stream_options":{"include_usage":true},`, "", 1))
	c.ResponseHeaders(responseHead("200", "application/json"))
	args, _ := json.Marshal(`{"q":"` + code + `"}`)
	v := c.ResponseBody([]byte(`{"choices":[{"message":{"content":"It is \u0052EF_`+code+`.","tool_calls":[{"function":{"name":"f","arguments":`+string(args)+`}}]}}]}`), true)
	if want := `{"choices":[{"message":{"content":"It is [CANARY].","tool_calls":[{"function":{"name":"f","arguments":"{\"q\":\"[CANARY]\"}"}}]}}]}`; string(v.NewBody) != want {
		t.Errorf("the client gets %s", v.NewBody)
	}
}

// What the provider repeats of the request comes back as the client wrote it and
// is no finding; a policy may refuse a leak.
func TestCanaryInAnEchoIsNoLeak(t *testing.T) {
	b := canaryBench(t, func(in *policy.Input) (*policy.Decision, error) {
		for _, f := range in.Response.Findings {
			if f.Entity == "CANARY" {
				return &policy.Decision{Deny: []policy.Deny{{Code: "leak", Status: 403}}}, nil
			}
		}
		return &policy.Decision{}, nil
	})
	for text, denied := range map[string]bool{"hello": false, "it ends on $": true} {
		code, c := b.marked(t, "/v1/responses", `{"model":"m","instructions":"be kind","input":"hi"}`)
		c.ResponseHeaders(responseHead("200", "application/json"))
		body := `{"object":"response","instructions":"be kind` + `\n\n<!-- REF_` + code + ` -->","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"` + strings.Replace(text, "$", code, 1) + `"}]}]}`
		v := c.ResponseBody([]byte(body), true)
		if denied != (v.Reply != nil) {
			t.Errorf("%s: answered %+v", text, v)
		}
		if !denied && string(v.NewBody) != strings.Replace(body, `\n\n<!-- REF_`+code+` -->`, "", 1) {
			t.Errorf("the client gets %s", v.NewBody)
		}
	}
}
