package main

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runPolicy runs "regent policy …" and gives all it wrote, and its error.
func runPolicy(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := newPolicyCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func policyFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const teamPolicy = `package regent.request

labels["team"] := input.identity.team if input.identity.team != ""
`

const teamTests = `package regent.request_test

import data.regent.request

test_team if request.labels.team == "a" with input.identity.team as "a"
`

func TestPolicyCheck(t *testing.T) {
	out, err := runPolicy(t, "check", policyFolder(t, map[string]string{"p.rego": teamPolicy}))
	if err != nil || !strings.HasPrefix(out, "ok, revision ") {
		t.Errorf("output %q, error %v", out, err)
	}
	_, err = runPolicy(t, "check", policyFolder(t, map[string]string{"p.rego": strings.ReplaceAll(teamPolicy, "labels", "lables")}))
	if err == nil || !strings.Contains(err.Error(), `did you mean "labels"?`) {
		t.Errorf("error %v", err)
	}
	unused := policyFolder(t, map[string]string{"p.rego": teamPolicy, "mine.rego": "package mine\n\nx if input.llm.stream\n"})
	out, err = runPolicy(t, "check", "--strict", unused)
	if err == nil || !strings.Contains(out, "mine.rego:3: x has no part in any decision") {
		t.Errorf("output %q, error %v", out, err)
	}
}

func TestPolicyTest(t *testing.T) {
	dir := policyFolder(t, map[string]string{"p.rego": teamPolicy, "p_test.rego": teamTests})
	out, err := runPolicy(t, "test", dir, "--coverage", "100")
	if err != nil || !strings.Contains(out, "1 tests, 0 failed, 100.0 % covered") {
		t.Errorf("output %q, error %v", out, err)
	}
	if _, err = runPolicy(t, "test", dir, "--run", "nothing"); err == nil {
		t.Error("a run of no tests passes")
	}
}

func TestPolicyTestFails(t *testing.T) {
	dir := policyFolder(t, map[string]string{"p.rego": teamPolicy, "p_test.rego": strings.ReplaceAll(teamTests, `== "a"`, `== "b"`)})
	junit := filepath.Join(t.TempDir(), "junit.xml")
	out, err := runPolicy(t, "test", dir, "--junit", junit)
	if err == nil || err.Error() != "1 of 1 tests failed" || !strings.Contains(out, "p_test.rego:5 does not hold") {
		t.Errorf("output %q, error %v", out, err)
	}
	text, err := os.ReadFile(junit)
	if err != nil {
		t.Fatal(err)
	}
	var suite junitSuite
	if err := xml.Unmarshal(text, &suite); err != nil {
		t.Fatal(err)
	}
	if suite.Tests != 1 || suite.Failures != 1 || suite.Cases[0].Name != "test_team" || suite.Cases[0].Failure == nil {
		t.Errorf("suite %+v", suite)
	}
}

func TestPolicyTestShipped(t *testing.T) {
	if out, err := runPolicy(t, "test", "--shipped"); err != nil {
		t.Errorf("output %q, error %v", out, err)
	}
}

func TestPolicyEval(t *testing.T) {
	dir := policyFolder(t, map[string]string{"p.rego": teamPolicy})
	facts := filepath.Join(t.TempDir(), "facts.json")
	for text, want := range map[string]string{
		`{"identity": {"team": "a"}}`: `"team": "a"`,
		`{"identity": {"taem": "a"}}`: `input.identity has the unknown key "taem": did you mean "team"?`,
		`{"identity"`:                 "unexpected EOF",
	} {
		if err := os.WriteFile(facts, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := runPolicy(t, "eval", dir, "--no-default", "--facts", facts)
		if err != nil {
			out = err.Error()
		}
		if !strings.Contains(out, want) || err == nil && !strings.Contains(out, "p.rego:3") {
			t.Errorf("%s: %s", text, out)
		}
	}
	if _, err := runPolicy(t, "eval", dir, "--facts", facts, "--phase", "reqest"); err == nil {
		t.Error("an unknown phase decides")
	}
}

func TestPolicyExport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if out, err := runPolicy(t, "export", dir); err != nil {
		t.Fatal(out, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "capabilities.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"regent.bucket"`) || strings.Contains(string(text), `"http.send"`) {
		t.Error("the capabilities are not those of a policy")
	}
	for _, name := range []string{"lib/routing.rego", "default/request.rego", "settings.yaml", "schemas/input.json", "schemas/decision.json", ".regal/config.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := runPolicy(t, "export", dir); err == nil {
		t.Error("a folder that exists is written to")
	}
}
