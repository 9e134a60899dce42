package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/regent-proxy/regent/integration/harness"
)

const labellingPolicy = `package regent.request

labels["risk"] := "low" if input.http.headers["x-case"] == "label"

route["model"] := "gpt-4o-mini" if input.http.headers["x-case"] == "label"

experiment := {"name": "cheaper", "variant": "b"} if input.http.headers["x-case"] == "label"

review contains {"code": "large", "message": "large"} if input.http.headers["x-case"] == "review"

deny contains {"code": "not_today", "message": "no"} if input.http.headers["x-case"] == "deny"

deny contains {"code": "broken", "message": "no"} if {
	input.http.headers["x-case"] == "fail"
	to_number(input.http.headers["x-case"]) > 0 # no number: the evaluation fails
}
`

// Each member of the access log's format in envoy/bootstrap.yaml that is
// Regent's is filled by some call through a real Envoy, and holds no content.
func TestAccessLogFormatIsFilled(t *testing.T) {
	s := start(t, harness.Options{
		Policies: map[string]string{"request.rego": labellingPolicy},
		Config: func(c map[string]any) {
			c["identity"] = map[string]any{"trusted_headers": []string{"x-team", "x-tenant", "x-app"},
				"team": map[string]any{"header": "x-team"}, "tenant": map[string]any{"header": "x-tenant"}, "app": map[string]any{"header": "x-app"}}
			policy, _ := c["policy"].(map[string]any)
			policy["on_error"] = "open"
			c["review"] = map[string]any{"path": filepath.Join(t.TempDir(), "reviews")}
		},
	})
	who := []string{"x-team: search", "x-tenant: acme", "x-app: bot"}
	calls := [][]string{
		append([]string{prompt("gpt-4o", "mail ann@example.org"), "x-case: label"}, who...),
		{prompt("gpt-4o-mini", "hello", withUsage)},
		{prompt("gpt-4o-mini", "hello"), "x-case: deny"},
		{prompt("gpt-4o-mini", "hello"), "x-case: fail"},
		{prompt("gpt-4o-mini", "hello"), "x-case: review"},
		{prompt("gpt-4o-mini", "this is strictly confidential", streamed), "x-simulate: reasoning"},
		{`{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}`},
	}
	for _, c := range calls {
		call(t, s.URL+chatPath, c[0], c[1:]...)
	}
	members := regentMembers(t)
	eventually(t, fmt.Sprintf("all %d members are filled: %v", len(members), members), func() bool {
		filled, lines := filledMembers(s.Envoy.Stdout())
		if lines < len(calls) {
			return false
		}
		for _, m := range members {
			if !filled[m] {
				t.Logf("%s is empty in all lines", m)
				return false
			}
		}
		return true
	})
	if regexp.MustCompile(`ann@|hello|confidential|example\.com/a`).MatchString(s.Envoy.Stdout()) {
		t.Errorf("the access log holds content:\n%s", s.Envoy.Stdout())
	}
}

var regentMember = regexp.MustCompile(`(?m)^\s+(\w+): "%DYNAMIC_METADATA\(regent:\w+\)%"`)

func regentMembers(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tools.Root, "envoy", "bootstrap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range regentMember.FindAllStringSubmatch(string(text), -1) {
		if found[1] != "policy_role" { // there only while a candidate is tried: the roll-out's tests
			names = append(names, found[1])
		}
	}
	if len(names) < 30 {
		t.Fatalf("only %v", names)
	}
	return names
}

func filledMembers(log string) (filled map[string]bool, lines int) {
	filled = map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^\{.*\}$`).FindAllString(log, -1) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		lines++
		for name, value := range entry {
			if value != nil && value != "" {
				filled[name] = true
			}
		}
	}
	return filled, lines
}
