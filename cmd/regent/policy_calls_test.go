package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const exampleDir = "../../examples/policy-as-code/"

func TestPolicyTestPlaysCalls(t *testing.T) {
	junit := filepath.Join(t.TempDir(), "junit.xml")
	out, err := runPolicy(t, "test", "-v", "--junit", junit, exampleDir+"policies", exampleDir+"calls")
	if err != nil || !strings.Contains(out, "pass "+exampleDir+"calls/calls.har.an intern asks a large model") || !strings.Contains(out, "5 tests, 0 failed") {
		t.Errorf("error %v, output %s", err, out)
	}
	if text, err := os.ReadFile(junit); err != nil || !strings.Contains(string(text), "an address is hidden both ways") {
		t.Errorf("%v: JUnit %s", err, text)
	}
}

// changedCalls are the example's calls after a change of their text.
func changedCalls(t *testing.T, old, new string) string {
	t.Helper()
	text, err := os.ReadFile(exampleDir + "calls/calls.har")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(text), old, new)
	if changed == string(text) {
		t.Fatalf("the calls have no %q", old)
	}
	return filepath.Join(policyFolder(t, map[string]string{"calls.har": changed}), "calls.har")
}

func TestPolicyTestFailsOnUnexpectedCalls(t *testing.T) {
	for _, c := range []struct{ old, new, says string }{
		{`"code": "model_not_approved"`, `"code": "other"`, `request.deny is [{"code":"model_not_approved"`},
		{`"status": 403`, `"status": 404`, "status is 403, want 404"},
		{`"expect": {`, `"expect": {"answer": {},`, "_regent.expect.answer is none of"},
		{`"method": "POST"`, `"method": "OPTIONS"`, "is no LLM call"},
	} {
		out, err := runPolicy(t, "test", exampleDir+"policies", changedCalls(t, c.old, c.new))
		if err == nil || !strings.Contains(out, "FAIL") || !strings.Contains(out, c.says) {
			t.Errorf("%s: error %v, output %s", c.new, err, out)
		}
	}
	if _, err := runPolicy(t, "test", exampleDir+"policies", changedCalls(t, `"url"`, `"url": 1, "x"`)); err == nil || !strings.Contains(err.Error(), "calls.har") {
		t.Errorf("a damaged file: %v", err)
	}
}

func TestPolicyExplain(t *testing.T) {
	out, err := runPolicy(t, "explain", exampleDir+"calls/calls.har", exampleDir+"policies", "--entry", "1", "--steps")
	for _, want := range []string{"openai.chat gpt-4o → deny, status 403", "models.rego:8  data.regent.request.deny  # Small models for interns", `input.identity.team = "interns"`, `input.llm.model = "gpt-4o"`, "| "} {
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("error %v, output lacks %q:\n%s", err, want, out)
		}
	}
	if strings.Contains(out, "small model") {
		t.Errorf("other entries are explained too:\n%s", out)
	}
	out, err = runPolicy(t, "explain", exampleDir+"calls/calls.har", exampleDir+"policies", "--json")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); err != nil || len(lines) != 3 || !json.Valid([]byte(lines[2])) {
		t.Errorf("error %v, output %s", err, out)
	}
	if _, err = runPolicy(t, "explain", exampleDir+"calls/calls.har", "--entry", "9"); err == nil || !strings.Contains(err.Error(), "has 3 entries") {
		t.Errorf("an entry that is not there: %v", err)
	}
}

func TestPolicyDiff(t *testing.T) {
	text, err := os.ReadFile(exampleDir + "policies/models.rego")
	if err != nil {
		t.Fatal(err)
	}
	stricter := policyFolder(t, map[string]string{"models.rego": strings.ReplaceAll(string(text), "-mini", "-nano")})
	out, err := runPolicy(t, "diff", exampleDir+"policies", stricter, "--calls", exampleDir+"calls", "--exit-code")
	for _, want := range []string{"an intern asks a small model  gpt-4o-mini  allow → deny", "status 200 → 403", "1 of 3 calls are decided otherwise"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("error %v, output lacks %q:\n%s", err, want, out)
		}
	}
	out, err = runPolicy(t, "diff", exampleDir+"policies", exampleDir+"policies", "--calls", exampleDir+"calls", "--exit-code")
	if err != nil || !strings.HasPrefix(out, "0 of 3") {
		t.Errorf("a policy differs from itself: %v, %s", err, out)
	}
}

func TestPolicyBench(t *testing.T) {
	out, err := runPolicy(t, "bench", exampleDir+"policies", "--calls", exampleDir+"calls", "--rounds", "2", "--json")
	var costs []cost
	if err == nil {
		err = json.Unmarshal([]byte(out), &costs)
	}
	if err != nil || len(costs) != 4 || costs[0].Evaluations != 6 || costs[0].P50 <= 0 || costs[0].Failed != 0 {
		t.Errorf("error %v, %s", err, out)
	}
}

// TestPolicyCheckRunsRegal has a program of that name in the PATH.
func TestPolicyCheckRunsRegal(t *testing.T) {
	bin := policyFolder(t, map[string]string{"regal": "#!/bin/sh\necho \"regal was asked to $1\"\nexit 3\n"})
	if err := os.Chmod(filepath.Join(bin, "regal"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	dir := policyFolder(t, map[string]string{"p.rego": teamPolicy})
	if out, err := runPolicy(t, "check", dir); err != nil || !strings.Contains(out, "regal was asked to lint") {
		t.Errorf("error %v, output %s", err, out)
	}
	if _, err := runPolicy(t, "check", "--strict", dir); err == nil || !strings.Contains(err.Error(), "regal") {
		t.Errorf("strict: %v", err)
	}
}
