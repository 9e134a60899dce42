package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where there is neither an Envoy nor a Python, the error says what to do.
func TestNoEnvoyNoPython(t *testing.T) {
	for _, name := range []string{"ENVOY", "PYTHON"} {
		t.Setenv(name, "")
	}
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := (&Tools{}).Envoy(t.Context())
	if err == nil {
		t.Fatal("an Envoy came from nowhere")
	}
	for _, part := range []string{"python3", "ENVOY", "PATH"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no word of %s in: %v", part, err)
		}
	}
}

func TestEnvoyByVariable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "envoy")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ENVOY", path)
	if got, err := (&Tools{}).Envoy(t.Context()); got != path || err != nil {
		t.Errorf("%q %v", got, err)
	}
	t.Setenv("ENVOY", path+".missing")
	if _, err := (&Tools{}).Envoy(t.Context()); err == nil {
		t.Error("a path that leads nowhere was taken")
	}
}

// A folder that was not finished is filled again, one that was is not.
func TestInstallOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	fills, fail := 0, true
	fill := func(string) error {
		fills++
		if fail {
			return os.ErrPermission
		}
		return nil
	}
	if _, err := (&Tools{}).install("x", []byte("1"), fill); err == nil {
		t.Error("no error")
	}
	fail = false
	for range 2 {
		if _, err := (&Tools{}).install("x", []byte("1"), fill); err != nil {
			t.Error(err)
		}
	}
	if fills != 2 {
		t.Errorf("filled %d times, want 2", fills)
	}
}
