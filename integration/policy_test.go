package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/integration/harness"
)

// ownPolicy decides by headers, so that each test can choose.
const ownPolicy = `package regent.request

deny contains {"code": "not_today", "message": "not today", "status": 451} if input.http.headers["x-case"] == "deny"

headers["set"]["x-team"] := "blue" if input.http.headers["x-case"] == "headers"

headers["remove"] contains "x-secret" if input.http.headers["x-case"] == "headers"

body contains {"op": "replace", "path": "/temperature", "value": 0} if input.http.headers["x-case"] == "body"

route["model"] := "sim-large" if input.http.headers["x-case"] == "model"
`

const ownResponsePolicy = `package regent.response

deny contains {"code": "spoken", "message": "this must not be said", "status": 403} if {
	some finding in input.response.findings
	finding.class == "secret"
	input.http.headers["x-case"] == "cut"
}
`

func policyStack(t *testing.T) *harness.Stack {
	return start(t, harness.Options{Policies: map[string]string{"request.rego": ownPolicy, "response.rego": ownResponsePolicy}})
}

func TestDecisionsAreCarriedOut(t *testing.T) {
	s := policyStack(t)
	t.Run("deny", func(t *testing.T) {
		before := len(s.Public.Requests())
		got := call(t, s.URL+chatPath, prompt("sim-denied", "hello"), "x-case: deny")
		if got.StatusCode != 451 || !strings.Contains(got.body, `"code":"policy_violation"`) || !strings.Contains(got.body, "not today") || got.Header.Get("content-type") != "application/json" {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
		if len(s.Public.Requests()) != before {
			t.Error("the provider was asked")
		}
		if entry := awaitLog(t, s, "details", "regent_policy_violation"); entry["status"] != float64(451) || entry["decision"] != "deny" || entry["model"] != "sim-denied" || fmt.Sprint(entry["deny_codes"]) != "[not_today]" {
			t.Errorf("access log: %v", entry)
		}
	})
	t.Run("headers", func(t *testing.T) {
		call(t, s.URL+chatPath, prompt("sim-small", "hello"), "x-case: headers", "x-secret: 1")
		if r := s.Public.Last(); r.Header("x-team") != "blue" || r.Header("x-secret") != "" || r.Header("x-regent-cluster") != "" {
			t.Errorf("the provider received %v", r.Headers)
		}
	})
	t.Run("body", func(t *testing.T) {
		body := prompt("sim-small", "hello", `, "temperature" : 1.5, "unknown":[ ]`)
		call(t, s.URL+chatPath, body, "x-case: body")
		if r := s.Public.Last(); r.Body != strings.Replace(body, "1.5", "0", 1) {
			t.Errorf("the provider received %s", r.Body)
		}
	})
	t.Run("model", func(t *testing.T) {
		got := call(t, s.URL+chatPath, prompt("sim-small", "hello"), "x-case: model")
		if !strings.Contains(s.Public.Last().Body, `"model":"sim-large"`) || got.StatusCode != 200 {
			t.Errorf("%d, the provider received %s", got.StatusCode, s.Public.Last().Body)
		}
	})
	t.Run("response", func(t *testing.T) {
		got := call(t, s.URL+chatPath, prompt("sim-small", "hello"), "x-case: cut", "x-simulate: secret")
		if got.StatusCode != 403 || strings.Contains(got.body, "AKIA") || !strings.Contains(got.body, "this must not be said") {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
	})
	t.Run("stream", func(t *testing.T) {
		got := call(t, s.URL+chatPath, prompt("sim-small", "hello", streamed), "x-case: cut", "x-simulate: secret;chunk=3")
		last := got.body[strings.LastIndex(strings.TrimSuffix(got.body, "\n\n"), "\n\n")+2:]
		if got.StatusCode != 200 || got.err != nil || strings.Contains(got.body, "nobody") || !strings.Contains(got.body, "this must not be said") {
			t.Errorf("%d (%v) %s", got.StatusCode, got.err, got.body)
		}
		if !strings.HasPrefix(last, "data: ") {
			t.Errorf("the last event is %q", last)
		}
	})
}

func TestPoliciesReload(t *testing.T) {
	s := policyStack(t)
	refused := func() bool { return call(t, s.URL+chatPath, prompt("sim-small", "hello")).StatusCode == 403 }
	if refused() {
		t.Fatal("refused before the change")
	}
	rule := "package regent.request\n\ndeny contains {\"code\": \"all\", \"message\": \"no\"} if true\n"
	if err := s.WritePolicy("more.rego", rule); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new rule refuses", refused)
	if err := s.WritePolicy("more.rego", rule+"deny contains {"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the failed load is told", func() bool {
		metrics, err := s.RegentAdmin(context.Background(), "/metrics")
		return err == nil && strings.Contains(metrics, "regent_policy_reload") && strings.Contains(s.Regent.Stderr(), "more.rego")
	})
	if !refused() {
		t.Error("a policy that does not load took the running one away")
	}
}
