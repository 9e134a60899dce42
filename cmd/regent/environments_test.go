package main

import (
	"strings"
	"testing"
)

// The example of one tree for all environments: its tests pass with each
// overlay, and the same call is decided as the environment says.
func TestEnvironmentsExample(t *testing.T) {
	const dir = "../../examples/environments/"
	for env, want := range map[string]string{"dev": `"environment": "dev"`, "stage": `"environment": "stage"`, "prod": `"code": "preview_model"`} {
		paths := []string{dir + "policies", dir + "overlays/" + env}
		if out, err := runPolicy(t, append([]string{"check"}, paths...)...); err != nil || strings.Contains(out, "never hold") != (env != "prod") {
			t.Errorf("%s: check: %v: %s", env, err, out)
		}
		if out, err := runPolicy(t, append([]string{"test"}, paths...)...); err != nil || !strings.Contains(out, " 0 failed") {
			t.Errorf("%s: test: %v: %s", env, err, out)
		}
		out, err := runPolicy(t, append([]string{"eval", "--facts", dir + "facts/preview.json"}, paths...)...)
		if err != nil || !strings.Contains(out, want) || strings.Contains(out, "preview_model") != (env == "prod") {
			t.Errorf("%s: eval: %v: %s", env, err, out)
		}
	}
	if out, err := runPolicy(t, "test", dir+"policies"); err != nil || !strings.Contains(out, "2 tests, 0 failed") {
		t.Errorf("the tree alone: %v: %s", err, out)
	}
	// The order of the paths is what makes an overlay lie above.
	out, err := runPolicy(t, "eval", "--facts", dir+"facts/preview.json", dir+"overlays/dev", dir+"policies")
	if err != nil || !strings.Contains(out, `"environment": "unnamed"`) {
		t.Errorf("the other way round: %v: %s", err, out)
	}
	// An overlay inside the tree would be a contradiction, not an overlay.
	if _, err := runPolicy(t, "check", dir); err == nil || !strings.Contains(err.Error(), "set by two files") {
		t.Errorf("all in one path: %v", err)
	}
}
