package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/integration/harness"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// A canary that denies everything is rolled back by itself, behind a real Envoy.
func TestCanaryIsRolledBack(t *testing.T) {
	s := start(t, harness.Options{
		Policies: map[string]string{"request.rego": "package regent.request\n\nlabels[\"from\"] := \"first\"\n"},
		Config: func(c map[string]any) {
			c["policy"].(map[string]any)["rollout"] = map[string]any{"mode": "canary", "share": 0.1, "key": "subject", "min_calls": 20}
			c["identity"] = map[string]any{"trusted_headers": []string{"x-subject"}, "subject": map[string]any{"header": "x-subject"}}
		},
	})
	status := func() (now rollout.Status) {
		body, err := s.RegentAdmin(context.Background(), "/policy")
		if err == nil {
			err = json.Unmarshal([]byte(body), &now)
		}
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	first := status().Active.Revision
	if err := s.WritePolicy("more.rego", "package regent.request\n\ndeny contains {\"code\": \"all\", \"message\": \"no\"} if true\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new policy is on trial", func() bool { return status().Candidate != nil })
	began, calls, denied := time.Now(), 0, 0
	ask := func() int {
		calls++
		return call(t, s.URL+chatPath, prompt("sim-small", "hello"), fmt.Sprintf("x-subject: user-%d", calls)).StatusCode
	}
	for calls < 2000 && status().Candidate != nil {
		if ask() == 403 {
			denied++
		}
	}
	took, now := time.Since(began), status()
	if now.Refused == nil || now.Refused.Reason != rollout.ByDenials || now.Active.Revision != first {
		t.Fatalf("after %d calls: %+v", calls, now)
	}
	t.Logf("rolled back after %d calls, %d of them denied, in %v, one call after the other", calls, denied, took.Round(time.Millisecond))
	// A call ends for its client a moment before it ends for Regent.
	if denied < 20 || denied > 25 {
		t.Errorf("%d calls were denied", denied)
	}
	for range 50 {
		if status := ask(); status != 200 {
			t.Fatalf("after the rollback: %d", status)
		}
	}
	if entry := awaitLog(t, s, "policy_role", "canary"); entry["decision"] != "deny" || entry["policy_revision"] != now.Refused.Revision {
		t.Errorf("access log: %v", entry)
	}
	if !strings.Contains(s.Regent.Stderr(), "policy rolled back") {
		t.Error("the log does not tell")
	}
}
