package main

import (
	"bytes"
	"context"
	"runtime/debug"
	"strings"
	"testing"
)

func run1(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = execute(context.Background(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestVersion(t *testing.T) {
	code, out, _ := run1("--version")
	if code != 0 || !strings.HasPrefix(out, "regent ") || !strings.Contains(out, "go1.") {
		t.Errorf("%d %q", code, out)
	}
}

func TestVersionFromBuildInfo(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v0.3.0"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
	}}
	v := versionInfo{Go: "go1.26", Platform: "linux/amd64"}
	v.fill(info)
	if got, want := v.String(), "v0.3.0 (0123456789ab, modified) go1.26 linux/amd64"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	stamped := versionInfo{Version: "v9"}
	stamped.fill(info)
	if stamped.Version != "v9" {
		t.Errorf("ldflags are outranked: %q", stamped.Version)
	}
}

func TestUnknownCommandIsAnError(t *testing.T) {
	code, _, errOut := run1("sevre")
	if code != 1 || !strings.HasPrefix(errOut, "regent: ") || !strings.Contains(errOut, "sevre") {
		t.Errorf("%d %q", code, errOut)
	}
}
