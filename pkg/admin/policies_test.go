package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// namedSet is a policy set that is only named.
type namedSet string

func (namedSet) Evaluate(context.Context, *policy.Input) (*policy.Decision, error) {
	return &policy.Decision{}, nil
}
func (namedSet) Has(policy.Phase) bool              { return true }
func (namedSet) Reads(policy.Phase, ...string) bool { return false }
func (s namedSet) Revision() string                 { return string(s) }
func (namedSet) Detect() *detect.Set                { return nil }
func (s namedSet) Freeze(*policy.Input) (func(context.Context) (*policy.Decision, error), int) {
	return func(context.Context) (*policy.Decision, error) { return &policy.Decision{}, nil }, 0
}

func TestPolicies(t *testing.T) {
	var log bytes.Buffer
	r := rollout.New(namedSet("one"), rollout.Options{Mode: rollout.Canary, Share: 0.1, Key: "tenant", Band: rollout.Band{MinCalls: 5, Window: time.Hour}})
	h := New(Options{
		Access: Access{Viewers: map[string]string{"grafana": "viewer-token-0000"}, Operators: map[string]string{"ann": "operator-token-00"}},
		Routes: Policies(r, slog.New(slog.NewTextHandler(&log, nil))),
	}).Handler()
	ask := func(method, path, token, body string) (int, string) {
		w, q := httptest.NewRecorder(), httptest.NewRequest(method, path, strings.NewReader(body))
		q.Header.Set("Authorization", "Bearer "+token)
		h.ServeHTTP(w, q)
		return w.Code, w.Body.String()
	}
	const viewer, operator = "viewer-token-0000", "operator-token-00"
	if status, body := ask("GET", "/policy", viewer, ""); status != 200 || !json.Valid([]byte(body)) || !strings.Contains(body, `"revision": "one"`) || strings.Contains(body, "candidate\":") {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := ask("POST", "/policy/promote", operator, ""); status != 409 || !strings.Contains(body, "no candidate is on trial") {
		t.Errorf("nothing to promote: %d %s", status, body)
	}
	r.Stage(namedSet("two"))
	for _, step := range []struct {
		path, token, body string
		status            int
		says, active      string
	}{
		{"/policy/promote", viewer, `{}`, 403, "", "one"},
		{"/policy/promote", operator, `{"revision":"three"}`, 409, "the candidate is two, not three", "one"},
		{"/policy/promote", operator, `{"rev":"two"}`, 400, "unknown field", "one"},
		{"/policy/promote", operator, `{"by":"` + strings.Repeat("x", 2000) + `"}`, 400, "1 KiB", "one"},
		{"/policy/promote", operator, `{"revision":"two","by":"bob"}`, 200, `"previous"`, "two"},
		{"/policy/rollback", operator, `{"revision":"one"}`, 409, "the policy in force is two", "two"},
		{"/policy/rollback", operator, ``, 200, `"reason": "operator"`, "one"},
		{"/policy/rollback", operator, `{}`, 409, "no earlier policy", "one"},
		{"/policy/promote", operator, `{"revision":"two"}`, 200, `"active"`, "two"},
	} {
		status, body := ask(http.MethodPost, step.path, step.token, step.body)
		if status != step.status || !strings.Contains(body, step.says) || r.Active().Revision() != step.active {
			t.Errorf("%s %s: %d %s, active %s", step.path, step.body, status, body, r.Active().Revision())
		}
	}
	if text := log.String(); !strings.Contains(text, `by="bob (ann)"`) || strings.Count(text, "by an operator") != 7 {
		t.Errorf("log: %s", text)
	}
}
