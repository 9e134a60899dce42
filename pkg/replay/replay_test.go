package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialects"
	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
)

// rules is a policy in Go.
type rules func(in *policy.Input) (*policy.Decision, error)

func (r rules) Evaluate(_ context.Context, in *policy.Input) (*policy.Decision, error) { return r(in) }
func (rules) Has(policy.Phase) bool                                                    { return true }
func (rules) Reads(policy.Phase, ...string) bool                                       { return true }
func (rules) Revision() string                                                         { return "test" }
func (rules) Detect() *detect.Set                                                      { return nil }

func player(t *testing.T, r rules) *Player {
	t.Helper()
	set, err := detect.New(detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	registry, err := dialects.Registry(nil)
	if err != nil {
		t.Fatal(err)
	}
	models, err := catalog.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	redactor, err := redact.New(bytes.Repeat([]byte("k"), 16))
	if err != nil {
		t.Fatal(err)
	}
	return New(call.Snapshot{Detect: set, Dialects: registry, Catalog: models, Redact: redactor,
		Settings: call.Settings{MaxRequestBody: 1 << 20, MaxResponseBody: 1 << 20, MaxHeld: 1 << 16, MaxEvent: 1 << 20}}, r)
}

func entry(t *testing.T, text string) *har.Entry {
	t.Helper()
	e := &har.Entry{}
	if err := json.Unmarshal([]byte(text), e); err != nil {
		t.Fatal(err)
	}
	return e
}

const streamed = `{"request":{"method":"POST","url":"https://api.openai.com/v1/chat/completions?a=b","headers":[],"postData":{"mimeType":"application/json","text":"{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"write to ann@example.org\"}]}"}},
"response":{"status":200,"headers":[{"name":"content-type","value":"text/event-stream"}],"content":{"text":"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"to ann@example.org \"}}]}\n\ndata: [DONE]\n\n"}},
"_regent":{"identity":{"team":"red","scopes":["a"]},"principal":"spiffe://x/y"}}`

func TestPlayAStream(t *testing.T) {
	var seen []*policy.Input
	p := player(t, func(in *policy.Input) (*policy.Decision, error) {
		copied := *in
		seen = append(seen, &copied)
		return &policy.Decision{Redact: []policy.Redact{{Class: "pii", With: "label"}}}, nil
	})
	played, err := p.Play(context.Background(), 1, entry(t, streamed))
	if err != nil {
		t.Fatal(err)
	}
	if !played.LLM || played.Status != 200 || played.Decision != "redact" || played.Model != "m" || played.Record.Redactions["EMAIL"] != 2 {
		t.Errorf("played %+v, redactions %v", played, played.Record.Redactions)
	}
	if first := seen[0]; first.Identity.Team != "red" || first.Source.Principal != "spiffe://x/y" || len(first.Findings) != 1 {
		t.Errorf("the facts are %+v", first)
	}
	if len(played.Evaluations) < 2 || played.Last(policy.Response) == nil {
		t.Errorf("evaluations %+v", played.Evaluations)
	}
}

func TestPlayErrors(t *testing.T) {
	p := player(t, func(*policy.Input) (*policy.Decision, error) { return nil, errors.New("broken") })
	played, err := p.Play(context.Background(), 1, entry(t, streamed))
	if err != nil || played.Decision != "error" || played.Status != 503 || played.Evaluations[0].Error != "broken" {
		t.Errorf("%v, %+v", err, played)
	}
	if wrong := Compare(entry(t, streamed), played); len(wrong) != 1 || !strings.Contains(wrong[0], "broken") {
		t.Errorf("a failed evaluation is as expected: %q", wrong)
	}
	for _, text := range []string{`{"request":{"url":"http://[::1"}}`, `{"request":{"postData":{"text":"!","encoding":"base64"}}}`, `{"response":{"content":{"text":"!","encoding":"base64"}}}`} {
		if _, err := p.Play(context.Background(), 1, entry(t, text)); err == nil {
			t.Errorf("%s is no error", text)
		}
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		want, got string
		fits      bool
	}{
		{`[]`, `null`, true},
		{`[]`, `[{"code":"a"}]`, false},
		{`{}`, `{"a":1}`, false},
		{`{"a":1}`, `{"a":1,"b":2}`, true},
		{`{"a":1}`, `{"a":2}`, false},
		{`[{"code":"a"},{"code":"b"}]`, `[{"code":"b","status":403},{"code":"a"}]`, true},
		{`[{"code":"a"}]`, `[{"code":"a"},{"code":"b"}]`, false},
		{`[{"code":"a"},{"code":"a","n":1}]`, `[{"code":"a","n":1},{"code":"a"}]`, true},
		{`null`, `{"target":"x"}`, false},
		{`"x"`, `"x"`, true},
		{`{"a":1}`, `[1]`, false},
		{`[1]`, `{"a":1}`, false},
	} {
		var want, got any
		if err := errors.Join(json.Unmarshal([]byte(c.want), &want), json.Unmarshal([]byte(c.got), &got)); err != nil {
			t.Fatal(err)
		}
		if fault := fits("x", want, got); (fault == "") != c.fits {
			t.Errorf("%s and %s: %q", c.want, c.got, fault)
		}
	}
}

func TestDiffer(t *testing.T) {
	allow := player(t, func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Labels: map[string]string{"a": "b"}}, nil
	})
	deny := player(t, func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Deny: []policy.Deny{{Code: "no", Status: 403}}, Labels: map[string]string{"a": "b"}}, nil
	})
	old, err := allow.Play(context.Background(), 1, entry(t, streamed))
	if err != nil {
		t.Fatal(err)
	}
	new, err := deny.Play(context.Background(), 1, entry(t, streamed))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Differ(old, new)
	if err != nil || d == nil || d.From != "allow" || d.To != "deny" || len(d.Changes) != 3 {
		t.Errorf("%v, %+v", err, d)
	}
	if d, err = Differ(old, old); d != nil || err != nil {
		t.Errorf("a call differs from itself: %+v, %v", d, err)
	}
}
