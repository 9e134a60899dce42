package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// One whole process: a policy that changes becomes a candidate, and the command
// line shows, promotes and rolls back.
func TestRolloutCommands(t *testing.T) {
	dir := t.TempDir()
	write := func(code string) {
		t.Helper()
		fresh := filepath.Join(dir, ".new")
		if err := os.WriteFile(fresh, []byte("package regent.request\n\nlabels[\"v\"] := \""+code+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, filepath.Join(dir, "p.rego")); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	p := startProcess(t, "policy: {paths: ["+dir+"], rollout: {mode: shadow}}\n")
	defer p.stop()
	policy := func(args ...string) (int, string, string) {
		return run1(append(append([]string{"policy"}, args...), "--admin", "unix:"+p.dir+"/admin.sock")...)
	}
	status := func() string {
		t.Helper()
		code, out, errOut := policy("status")
		if code != 0 {
			t.Fatalf("%s %s", out, errOut)
		}
		return out
	}
	awaitStatus := func(want string) string {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if out := status(); strings.Contains(out, want) {
				return out
			} else if time.Now().After(deadline) {
				t.Fatalf("never %q: %s", want, out)
			}
		}
	}
	if out := status(); !strings.Contains(out, "shadow") || strings.Contains(out, "candidate") {
		t.Fatal(out)
	}
	first := strings.Fields(strings.Split(status(), "\n")[1])[1]
	write("2")
	awaitStatus("candidate")
	p.chat(t, `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`)
	awaitStatus("1 differed")
	if code, _, errOut := policy("promote", first); code != 1 || !strings.Contains(errOut, "the candidate is") {
		t.Errorf("%d %s", code, errOut)
	}
	code, out, errOut := policy("promote", "--by", "ann")
	if code != 0 || !strings.Contains(out, "previous") || !strings.Contains(out, first) {
		t.Errorf("%d %s %s", code, out, errOut)
	}
	_, metrics := p.get(t, "/metrics")
	for _, want := range []string{`regent_policy_rollout_differences_total{regent_kind="labels"} 1`, `regent_policy_role="active"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics have no %s: %s", want, metrics)
		}
	}
	if code, out, errOut := policy("rollback"); code != 0 || !strings.Contains(out, "rolled back") || !strings.Contains(out, first) {
		t.Errorf("%d %s %s", code, out, errOut)
	}
	if code, _, errOut := policy("rollback"); code != 1 || !strings.Contains(errOut, "no earlier policy") {
		t.Errorf("%d %s", code, errOut)
	}
	for _, want := range []string{"policy on trial", "policy promoted", "policy rolled back", `"by":"ann`} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log has no %q: %s", want, p.log.String())
		}
	}
}
