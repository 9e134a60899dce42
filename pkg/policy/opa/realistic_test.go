package opa

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// realistic is testdata/realistic with tables of 300 models and 50 teams, without
// the default policy.
func realistic(t testing.TB, plain bool) *Set {
	t.Helper()
	tables, err := json.Marshal(map[string]any{"tables": map[string]any{
		"models": models(), "teams": teams(), "sensitive": map[string]float64{"pii": 0.9, "secret": 0.8},
		"targets": map[string]any{"eu": map[string]string{"low": "eu-cloud", "high": "eu-private"}, "us": map[string]string{"low": "public", "high": "on-prem"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{"tables.json": string(tables)})
	return open(t, Options{NoDefault: true, Paths: []string{"testdata/realistic", dir}, Timeout: time.Minute, plain: plain}).Current()
}

func models() map[string]any {
	out := map[string]any{}
	for i := range 300 {
		m := map[string]any{"tier": []string{"small", "large", "frontier"}[i%3], "regions": [][]string{{"eu"}, {"us"}, {"us", "eu"}}[i/3%3]}
		if i%7 == 0 {
			m["scope"] = fmt.Sprint("model:", i)
		}
		if i%50 == 1 {
			m["replaced_by"] = fmt.Sprint("model-", i+1)
		}
		out[fmt.Sprint("model-", i)] = m
	}
	return out
}

func teams() map[string]any {
	out := map[string]any{}
	for i := range 50 {
		team := map[string]any{
			"tiers": []string{"small", "large", "frontier"}[:1+i%3], "blocked": []string{fmt.Sprint("model-", i)}, "operations": []string{"chat", "embeddings"},
			"max_input": 1000 * (i + 1), "max_output": 4096, "max_cost": 0.5, "tools": []string{"search", "calculator"}, "attachments": i%2 == 0,
			"injection_score": 0.9, "redact": []string{"label", "mask", "hash"}[i%3], "drop": []string{"UK_NHS"}, "regions": [][]string{{"eu"}, {"us", "eu"}}[i%2],
			"temperature": 1,
		}
		if i%5 == 0 {
			team["hours"] = map[string]any{"days": []string{"mon", "tue", "wed", "thu", "fri"}, "from": "06:00", "to": "22:00", "zone": "Europe/Berlin"}
			team["always_sensitive"] = true
		}
		out[fmt.Sprint("team-", i)] = team
	}
	return out
}

// asks is a call of a team, with what three kinds of findings it has.
func asks(team, model int, findings int, text string) *policy.Input {
	in := chat(text)
	in.LLM.Model = fmt.Sprint("model-", model)
	in.LLM.Request.Model = in.LLM.Model
	in.Identity = policy.IdentityFacts{Subject: fmt.Sprint("user-", team*31+model), Tenant: "t", Team: fmt.Sprint("team-", team), Scopes: []string{"model:0", "model:7"}}
	in.Tokens.MaxOutput = 1000
	in.Findings = []policy.FindingFact{
		{Entity: "EMAIL", Class: "pii", Where: genai.Content, Role: genai.User, Count: 2, Score: 0.99},
		{Entity: "PHONE", Class: "pii", Where: genai.Content, Role: genai.User, Count: 1, Score: 0.7},
		{Entity: "PROMPT_INJECTION", Class: "injection", Where: genai.Content, Role: genai.Tool, Count: 1, Score: 0.5},
	}[:findings]
	return in
}

// The realistic policy decides the same lean and plain, and something: the
// benchmarks measure no rule that never holds.
func TestRealisticLeanEqualsPlain(t *testing.T) {
	lean, plain := realistic(t, false), realistic(t, true)
	codes := map[string]bool{}
	for i := range 1200 {
		in := asks(i%600%52, i%600*7%305, i%600%4, prose) // those of the first half come again, longer
		in.Tokens.Input = int64(i * 100)
		got, want := decide(t, lean, in), decide(t, plain, in)
		if g, w := asJSON(t, got), asJSON(t, want); g != w {
			t.Fatalf("team %d, model %d: lean %s, plain %s", i%600%52, i%600*7%305, g, w)
		}
		for _, d := range got.Deny {
			codes[d.Code] = true
		}
		if got.Route != nil && got.Route.Target != "" {
			codes["routed to "+got.Route.Target] = true
		}
	}
	if len(codes) < 10 {
		t.Errorf("only %d outcomes: %v", len(codes), codes)
	}
}

func asJSON(t *testing.T, d *policy.Decision) string {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// BenchmarkRealistic is the cost of a decision of a whole company's policy: plain;
// lean, on calls none of which came before; and lean where 97 callers come again
// with other prompts. The prompt's length must not matter: the policy reads no
// text.
func BenchmarkRealistic(b *testing.B) {
	for _, size := range []int{1 << 10, 256 << 10} {
		calls := make([]*policy.Input, 97)
		for i := range calls {
			calls[i] = asks(i%50, i*3%300, 3, strings.Repeat(prose, size/len(prose)))
		}
		at := fmt.Sprintf("text=%dKiB/", size>>10)
		b.Run(at+"plain", func(b *testing.B) { benchCalls(b, realistic(b, true), calls) })
		b.Run(at+"first", func(b *testing.B) { benchCalls(b, withoutMemo(realistic(b, false), policy.Request), calls) })
		b.Run(at+"again", func(b *testing.B) { benchCalls(b, realistic(b, false), calls) })
	}
}
