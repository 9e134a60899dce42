package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/regent-proxy/regent/integration/harness"
)

// Every configuration in envoy/ is one that Envoy accepts, as it stands or
// merged as its comments say. Of istio.yaml that is the EnvoyFilter's patches.
func TestEnvoyConfigurations(t *testing.T) {
	folder := filepath.Join(tools.Root, "envoy")
	load := func(t *testing.T, name string) *harness.Bootstrap {
		b, err := harness.LoadBootstrap(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tests := map[string]func(t *testing.T) *harness.Bootstrap{
		"bootstrap.yaml": func(t *testing.T) *harness.Bootstrap { return load(t, "bootstrap.yaml") },
		"tracing.yaml": func(t *testing.T) *harness.Bootstrap {
			b := load(t, "bootstrap.yaml")
			b.AddTracing(filepath.Join(folder, "tracing.yaml"), "127.0.0.1:4317")
			return b
		},
		"listener-snippet.yaml": func(t *testing.T) *harness.Bootstrap {
			b, err := harness.LoadBootstrap(filepath.Join("testdata", "existing.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			b.AddSnippet(filepath.Join(folder, "listener-snippet.yaml"))
			return b
		},
		"istio.yaml": func(t *testing.T) *harness.Bootstrap {
			b, err := harness.LoadBootstrap(filepath.Join("testdata", "existing.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			b.AddIstio(filepath.Join(folder, "istio.yaml"))
			return b
		},
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if tests[file.Name()] == nil {
			t.Errorf("envoy/%s is not validated", file.Name())
		}
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			b := make(t)
			path := filepath.Join(t.TempDir(), "envoy.yaml")
			if err := b.Write(path); err != nil || b.Err != nil {
				t.Fatal(err, b.Err)
			}
			if out, err := exec.CommandContext(t.Context(), envoy, "--mode", "validate", "-c", path).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
