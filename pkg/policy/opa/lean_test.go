package opa

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// custom is a policy beside the default one that reads facts of all kinds, in
// ways that folding, the choice of facts and remembering could get wrong.
var custom = map[string]string{
	"custom.rego": `package regent.request

import data.regent.settings.custom

_large if count(input.llm.messages) > custom.max_messages

_facts := object.get(input, ["identity", "claims"], {})

deny contains {"code": "large"} if _large

deny contains {"code": "role", "message": role} if {
	some i
	role := input.llm.messages[i].role
	role in custom.roles
	not custom.off
}

deny contains {"code": "claim", "message": key} if {
	some key, value in _facts
	value == true
}

deny contains {"code": "nothing"} if {
	some x in custom.nothing
	x == input.llm.model
}

deny contains {"code": "every"} if {
	every tool in input.llm.tools { tool.type == custom.tool }
	input.llm.tools != []
}

deny contains {"code": "off"} if {
	custom.off
	input.llm.model == "gpt-4o"
}

labels["team"] := input.identity.team if input.identity.team != ""

labels[name] := "yes" if {
	some name in custom.one
	input.llm.stream
}

labels["tier"] := tier if {
	tier := custom.tiers[input.identity.team]
} else := custom.tiers.none

_never if custom.off

_never if {
	_neither
	input.llm.stream
}

_neither if custom.off

labels["ever"] := "no" if _never

labels["ever"] := "yes" if {
	not _never
	not _neither
	input.llm.stream
}

labels["context"] := "short" if input.tokens.context_left < custom.least

headers.set["x-found"] := concat(",", sort([f.entity | some f in input.findings; f.score > custom.score]))

headers.remove := [h | some h, _ in input.http.headers; startswith(h, custom.prefix)]

body contains {"op": "add", "path": "/temperature", "value": custom.limits} if input.llm.params.temperature > 1

_plus(x, y) := x + y

watch.off if _plus(count(input.findings), custom.plus) > 3
`,
	"data.yaml": `regent:
  settings:
    models: {deny: ["o3*"]}
    findings: {request: {entities: [IBAN]}, response: {classes: [secret]}}
    tools: {allow: ["get_*"]}
    custom: {max_messages: 2, roles: [tool, system], off: false, nothing: [], tool: function, one: [single], tiers: {a: gold, none: none}, least: 100, score: 0.6, prefix: x-b, limits: {a: [1, 2.5]}, plus: 1}
`,
	"response.rego": `package regent.response

labels["finish"] := reason if some reason in input.response.finish_reasons

labels["slow"] := "yes" if input.response.usage.output_tokens > 50

deny contains {"code": "provider", "message": input.response.error.type} if input.response.error.status >= 500
`,
}

// Lean evaluation decides as plain evaluation does: whole facts, rules as they
// are written, nothing remembered.
func TestLeanEqualsPlain(t *testing.T) {
	n := 2400
	if testing.Short() {
		n = 400
	}
	dir := folder(t, custom)
	for name, paths := range map[string][]string{"default": nil, "custom": {dir}} {
		t.Run(name, func(t *testing.T) {
			lean := open(t, Options{Paths: paths, Timeout: time.Minute}).Current()
			plain := open(t, Options{Paths: paths, Timeout: time.Minute, plain: true}).Current()
			random := rand.New(rand.NewPCG(1, 2))
			denied := 0
			for i := range n / 2 {
				if d := compare(t, i, lean, plain, randomInput(random)); len(d.Deny) > 0 {
					denied++
				}
			}
			if denied == 0 && name == "custom" {
				t.Error("no input was denied: the test shows little")
			}
		})
	}
}

// compare decides by both, twice by the lean one: the second time it may
// remember.
func compare(t *testing.T, i int, lean, plain *Set, in *policy.Input) *policy.Decision {
	t.Helper()
	want, plainErr := plain.Evaluate(context.Background(), in)
	for range 2 {
		got, err := lean.Evaluate(context.Background(), in)
		if (err == nil) != (plainErr == nil) || policy.KindOf(err) != policy.KindOf(plainErr) {
			t.Fatalf("input %d: lean %v, plain %v", i, err, plainErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("input %d: plain against lean %s\n%+v", i, diff, in)
		}
	}
	if want == nil {
		want = &policy.Decision{}
	}
	return want
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomInput(r *rand.Rand) *policy.Input {
	texts := make([]string, r.IntN(4))
	for i := range texts {
		texts[i] = pick(r, "hello", "a Confidential matter", "the patient's symptoms", "value  at risk", "", "diagnosis: none")
	}
	in := chat(texts...)
	for i := range in.LLM.Request.Messages {
		role := pick(r, genai.User, genai.User, genai.System, genai.Tool)
		in.LLM.Request.Messages[i].Role, in.LLM.Request.Texts[i].Role = role, role
	}
	for range r.IntN(3) {
		in.LLM.Request.Tools = append(in.LLM.Request.Tools, genai.ToolDefinition{Name: pick(r, "get_weather", "rm"), Type: pick(r, "function", "custom")})
	}
	if r.IntN(2) == 0 {
		temperature := pick(r, 0.5, 1.5)
		in.LLM.Request.Params.Temperature = &temperature
	}
	in.LLM.Model = pick(r, "gpt-4o", "o3-mini", "")
	in.LLM.Stream = r.IntN(2) == 0
	in.HTTP.Headers = nil
	for _, h := range [][2]string{{"x-data-sensitivity", pick(r, "HIGH", "low", "")}, {"x-domain", pick(r, "Risk", "medical", "other")}, {"x-b3", "1"}, {"accept", "*/*"}} {
		if r.IntN(2) == 0 {
			in.HTTP.Headers = append(in.HTTP.Headers, h)
		}
	}
	in.Identity.Team = pick(r, "", "a", "b")
	in.Identity.Claims = pick(r, nil, map[string]any{"admin": true, "n": 1.5}, map[string]any{"x": []any{"y"}})
	in.Findings = randomFindings(r)
	in.Tokens = policy.TokenFacts{Input: int64(r.IntN(1000)), ContextWindow: pick(r, int64(0), 800)}
	in.Coverage.Request = pick(r, policy.Full, policy.None)
	if r.IntN(3) == 0 {
		in.Phase = policy.Response
		in.Response = &policy.ResponseFacts{Status: 200, FinishReasons: pick(r, nil, []string{"stop"}), ToolCalls: pick(r, nil, []string{"rm"}), Findings: randomFindings(r), Final: true}
		in.Response.Usage = genai.Usage{Reported: true, HasOutput: r.IntN(2) == 0, OutputTokens: int64(r.IntN(100))}
		in.Response.Err = pick(r, nil, &genai.Error{Status: 503, Type: "overloaded"})
	}
	return in
}

func randomFindings(r *rand.Rand) []policy.FindingFact {
	var out []policy.FindingFact
	for range r.IntN(4) {
		out = append(out, policy.FindingFact{Entity: pick(r, "EMAIL", "IBAN", "AWS_ACCESS_KEY"), Class: pick(r, "pii", "secret", "injection"), Where: genai.Content, Role: genai.User, Count: 1 + r.IntN(3), Score: pick(r, 0.3, 0.6, 0.95)})
	}
	return out
}

// A fact that no rule can read is not built, and its text is not asked for.
func TestReads(t *testing.T) {
	s := alone(t, `package regent.request
_f(x) := x
labels["a"] := input.http.headers["x-a"]
labels["b"] := _f(input.identity).team
labels["c"] := concat(",", [t.name | some t in input.llm.tools])
labels["d"] := m if { some i; m := input.llm.messages[i].role }
_unused := input.tokens`+"\n")
	s2 := alone(t, "package regent.request\n"+`labels["x"] := json.marshal(input)`)
	for path, want := range map[string]bool{
		"http": true, "http headers": true, "http headers x-a": true, "http headers x-b": false, "http path": false,
		"identity": true, "identity claims": true, "llm": true, "llm tools * name": true, "llm messages * role": true,
		"llm messages * text": false, "llm system": false, "findings": false, "tokens": false, "terms": false,
	} {
		p := strings.Fields(path)
		if got := s.Reads(policy.Request, p...); got != want {
			t.Errorf("reads %s: %v, want %v", path, got, want)
		}
		if !s2.Reads(policy.Request, p...) {
			t.Errorf("a policy that reads all of input does not read %s", path)
		}
	}
	if s.Reads(policy.Response, "http") {
		t.Error("a phase without rules reads")
	}
	in := chat("x")
	in.LLM.Text = func(int) string { t.Error("a text was asked for"); return "" }
	decide(t, s, in)
}

// A rule reads through functions, and through other packages' rules.
func TestReadsThroughFunctions(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.rego": "package regent.request\nimport data.mine\n" + `labels["a"] := mine.name`,
		"b.rego": "package mine\nname := x if x := _f(1)\n_f(_) := input.llm.user if not input.llm.stream\nother := input.source",
	})
	s := open(t, Options{NoDefault: true, Paths: []string{dir}}).Current()
	if !s.Reads(policy.Request, "llm", "user") || !s.Reads(policy.Request, "llm", "stream") || s.Reads(policy.Request, "source") {
		t.Error("reads are wrong")
	}
}

// Turned-off settings leave nothing to read for them.
func TestFoldedSettingsAreNotRead(t *testing.T) {
	s := open(t, Options{}).Current()
	if s.Reads(policy.Request, "llm", "model") || s.Reads(policy.Request, "coverage") || s.Reads(policy.Request, "http", "headers", "cookie") {
		t.Error("the default policy reads what its settings have no use for")
	}
	if !s.Reads(policy.Request, "terms", "medical") || !s.Reads(policy.Request, "findings") {
		t.Error("the default policy does not read what it needs")
	}
}

// A remembered decision is nobody's to change, and time is no fact to remember
// by.
func TestMemo(t *testing.T) {
	s := alone(t, "package regent.request\n"+`labels["a"] := input.llm.model`)
	d := decide(t, s, chat("x"))
	d.Labels["a"], d.Labels["b"] = "changed", "more"
	if got := decide(t, s, chat("x")).Labels; !cmp.Equal(got, map[string]string{"a": "gpt-4o"}) {
		t.Errorf("labels %v", got)
	}
	s = alone(t, "package regent.request\n"+`labels["a"] := sprintf("%d", [time.now_ns()])`)
	for i := range 3 {
		in := chat("x")
		in.Call.Started = time.Unix(0, int64(i+1))
		if got := decide(t, s, in).Labels["a"]; got != fmt.Sprint(i+1) {
			t.Errorf("time %s, want the call's start %d", got, i+1)
		}
	}
}

func TestTerms(t *testing.T) {
	settings := map[string]any{"terms": map[string]any{
		"a": map[string]any{"words": []any{"Zwei Wörter", "C3PO", "élan", "stop"}},
		"b": map[string]any{"words": []any{"stop sign"}, "roles": []any{"user"}},
		"c": map[string]any{"words": []any{}},
	}}
	lists, err := newTermLists(settings)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]map[string][]string{
		"":                               {"a": nil, "b": nil, "c": nil},
		"STOP-sign":                      {"a": {"stop"}, "b": {"stop sign"}, "c": nil},
		"stop\n\n  the sign, stopsign":   {"a": {"stop"}, "b": nil, "c": nil},
		"unstoppable c3poo":              {"a": nil, "b": nil, "c": nil},
		"ÉLAN; zwei\twörter c3po.":       {"a": {"c3po", "zwei wörter", "élan"}, "b": nil, "c": nil},
		"zwei":                           {"a": nil, "b": nil, "c": nil},
		"\xff\xfestop\xff":               {"a": {"stop"}, "b": nil, "c": nil},
		strings.Repeat("stop sign ", 50): {"a": {"stop"}, "b": {"stop sign"}, "c": nil},
	} {
		f := chat(text).LLM
		if diff := cmp.Diff(want, lists.find([]int{0, 1, 2}, &f)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		f.Request.Texts[0].Role = genai.System
		if found := lists.find([]int{1}, &f); len(found["b"]) > 0 {
			t.Errorf("%q: a list for users finds %v in a system text", text, found)
		}
	}
}

// The scan finds what a plain search over the words finds.
func FuzzTerms(f *testing.F) {
	f.Add("a b c", "b c")
	f.Add("Straße İstanbul", "straße")
	f.Add("xx \xf0\x9f x", "X")
	f.Fuzz(func(t *testing.T, text, term string) {
		want := wordsOf(term)
		if len(want) == 0 {
			return
		}
		lists, err := newTermLists(map[string]any{"terms": map[string]any{"l": map[string]any{"words": []any{term}}}})
		if err != nil {
			t.Fatal(err)
		}
		words, found := wordsOf(text), false
		for i := range words {
			found = found || len(words) >= i+len(want) && cmp.Equal(words[i:i+len(want)], want)
		}
		facts := chat(text).LLM
		if got := lists.find([]int{0}, &facts)["l"]; (len(got) > 0) != found {
			t.Errorf("found %v, want %v", got, found)
		}
	})
}
