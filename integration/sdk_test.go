package integration

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// openaiNode is the version of OpenAI's Node library that is tested; its Python
// library's is in sdk/clients.txt.
const openaiNode = "openai@7.57.0"

// Official client libraries get the same with and without Regent where no
// decision changes anything, and read its refusals as errors.
func TestOpenAIPython(t *testing.T) {
	python, err := tools.Python(t.Context(), "integration/sdk/clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	sameSteps(t, "APIError", func(url string) []string { return []string{python, script("openai_chat.py"), url} })
}

func TestOpenAINode(t *testing.T) {
	node, modules, err := tools.Node(t.Context(), openaiNode)
	if err != nil {
		t.Fatal(err)
	}
	sameSteps(t, "APIError", func(url string) []string { return []string{node, script("openai_chat.mjs"), url, modules} })
}

func script(name string) string { return filepath.Join(tools.Root, "integration", "sdk", name) }

// sameSteps runs a script with and without Regent and compares all steps but
// those that Regent refuses.
func sameSteps(t *testing.T, streamError string, command func(url string) []string) {
	t.Helper()
	governed, plain := policyStack(t), with(t, "plain")
	got, want := steps(t, command(governed.URL)), steps(t, command(plain.URL))
	if len(want) < 10 {
		t.Fatalf("only %d steps ran", len(want))
	}
	for step, value := range want {
		if !strings.HasPrefix(step, "refused") && got[step] != value {
			t.Errorf("%s: with Regent\n%s\nwithout\n%s", step, got[step], value)
		}
	}
	for step, parts := range map[string][]string{
		"refused":                 {"451", `"policy_violation"`, "not today"},
		"refused inside a stream": {`"` + streamError + `"`, `"policy_violation"`, "this must not be said"},
	} {
		for _, part := range parts {
			if !strings.Contains(got[step], part) {
				t.Errorf("%s: no %s in %s", step, part, got[step])
			}
		}
	}
}

// steps runs a script that prints a JSON object a step, of one member.
func steps(t *testing.T, command []string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return run(t, exec.CommandContext(ctx, command[0], command[1:]...))
}

// run is steps for a command that is set up.
func run(t *testing.T, cmd *exec.Cmd) map[string]string {
	t.Helper()
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, errs.String())
	}
	all := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var step map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &step); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for name, value := range step {
			all[name] = string(value)
		}
	}
	return all
}

// TestClients: the same for the other APIs and their libraries, each of which
// must also see a redacted prompt.
func TestClients(t *testing.T) {
	python, err := tools.Python(t.Context(), "integration/sdk/clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	governed, plain := with(t, "denying"), with(t, "plain")
	for _, library := range []string{"openai", "anthropic", "google", "bedrock", "cohere", "mistral", "ollama", "mcp"} {
		t.Run(library, func(t *testing.T) {
			got := steps(t, []string{python, script("clients.py"), governed.URL, library})
			want := steps(t, []string{python, script("clients.py"), plain.URL, library})
			if len(want) < 3 || !strings.Contains(want["redacted"], "ann@example.org") {
				t.Fatalf("steps without Regent: %v", want)
			}
			for step, value := range want {
				compareStep(t, step, got[step], value)
			}
		})
	}
}

// compareStep wants a step to be equal with and without Regent, but for what
// the default policy hides.
func compareStep(t *testing.T, step, got, want string) {
	t.Helper()
	switch {
	case step == "refused":
		if want != `"answered"` || !strings.Contains(got, "Error") && !strings.Contains(got, "Exception") || !strings.Contains(got, "not allowed here") {
			t.Errorf("refused: with Regent %s, without %s", got, want)
		}
		return
	case step == "redacted":
		got, want = levelled.ReplaceAllString(got, ""), levelled.ReplaceAllString(strings.ReplaceAll(want, "ann@example.org", "[EMAIL]"), "")
	case strings.HasPrefix(step, "leak"):
		if !key.MatchString(want) {
			t.Errorf("%s: nothing leaked without Regent: %s", step, want)
		}
		want = key.ReplaceAllString(want, "[AWS_ACCESS_KEY]")
	}
	if got != want {
		t.Errorf("%s: with Regent\n%s\nwithout\n%s", step, got, want)
	}
}

// levelled are ids and counts that a redacted prompt changes.
var (
	levelled = regexp.MustCompile(`[0-9a-f]{24}|_?tokens": ?[0-9.]+|Tokens": ?[0-9]+|_count": ?[0-9]+`)
	key      = regexp.MustCompile(`AKIA[A-Z0-9]{16}`)
)
