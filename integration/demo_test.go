package integration

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The demo ends by itself, and all it tells comes out as told.
func TestDemo(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "run", "./examples/demo")
	cmd.Dir = tools.Root
	cmd.Env = append(os.Environ(), "DEMO_LLM=0", "ENVOY="+envoy, "REGENT="+regent, "OPENAI_API_KEY=")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "That was all") || !strings.Contains(string(out), "[AWS_ACCESS_KEY]") {
		t.Errorf("%v\n%s", err, out)
	}
}
