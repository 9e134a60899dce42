package main

import (
	"errors"
	"io"
	"log/slog"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/telemetry"
)

// fullConfig sets every key to something other than its default.
func fullConfig(t *testing.T) *config.Config {
	t.Helper()
	t.Setenv("TOKEN", "a-token")
	t.Setenv("PORT", "9333")
	c, err := config.Load("../../pkg/config/testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	only := config.TLS{ServerName: "collector.internal"} // its files are empty
	c.Telemetry.Traces.TLS, c.Telemetry.Metrics.TLS = only, only
	c.Usage.AskStreamUsage, c.Telemetry.Metrics.Prometheus, c.Policy.Watch = true, true, true // off there
	return c
}

// Every setting that a package takes comes from the config: a key that is read
// and then dropped would be a guard that is off.
func TestEverySettingIsFilled(t *testing.T) {
	c := fullConfig(t)
	settings, err := telemetrySettings(c, io.Discard, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	filled(t, reflect.ValueOf(callSettings(c)), "call.Settings")
	filled(t, reflect.ValueOf(settings), "telemetry.Settings", "Env", "Content")
	c.Telemetry.Content = "redacted" // the full file has reference
	if settings, err = telemetrySettings(c, io.Discard, slog.New(slog.DiscardHandler)); err != nil || !settings.Content || !callSettings(c).Content {
		t.Errorf("content is not handed on: %v", err)
	}
	filled(t, reflect.ValueOf(policyOptions(c, slog.New(slog.DiscardHandler))), "opa.Options", "Catalog", "Detect", "Bundles", "AsBundle", "Stage", "OnReload")
	bundles := bundleOptions(&c.Policy.Bundles, &telemetry.Telemetry{}, slog.New(slog.DiscardHandler))
	filled(t, reflect.ValueOf(bundles), "bundle.Options")
	for _, part := range []string{"services", "keys", "bundles", "persistence_directory", "decision_logs", "status", "labels"} {
		if bundles.Config[part] == nil {
			t.Errorf("%s is not handed on", part)
		}
	}
	filled(t, reflect.ValueOf(rolloutOptions(&c.Policy.Rollout, func(string) {}, slog.New(slog.DiscardHandler))), "rollout.Options", "Queue", "Now")
	filled(t, reflect.ValueOf(overrides(c.Routes)[0]), "dialect.Override")
	if key := redactionKey(c.Redaction); string(key) != c.Redaction.Key.Reveal() {
		t.Errorf("the redaction key is %q", key)
	}
}

// filled reports zero members, but for those named.
func filled(t *testing.T, v reflect.Value, path string, but ...string) {
	t.Helper()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch {
		case !v.Type().Field(i).IsExported(), slices.Contains(but, name):
		case v.Field(i).Kind() == reflect.Struct && v.Field(i).NumField() > 0:
			filled(t, v.Field(i), path+"."+name, but...)
		case v.Field(i).IsZero():
			t.Errorf("%s.%s is not filled", path, name)
		}
	}
}

func TestHeadersAreLowerCase(t *testing.T) {
	c := fullConfig(t)
	c.Routing.Header = "X-Regent-Cluster"
	s := callSettings(c)
	if s.RoutingHeader != "x-regent-cluster" || s.Identity.App.Header != "x-app" {
		t.Errorf("%+v", s)
	}
}

func TestOwnRedactionKeyIsRandom(t *testing.T) {
	one, two := redactionKey(config.Redaction{}), redactionKey(config.Redaction{})
	if len(one) < 16 || string(one) == string(two) {
		t.Errorf("%x %x", one, two)
	}
}

func TestTuneRuntime(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) })
	log := slog.New(slog.DiscardHandler)
	set := config.Runtime{GOGC: 250, MemoryLimit: 512 << 20}

	debug.SetGCPercent(100)
	tuneRuntime(set, func(string) string { return "from the environment" }, log)
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC of the environment is outranked: %d", got)
	}
	if got := debug.SetMemoryLimit(-1); got != limit {
		t.Errorf("GOMEMLIMIT of the environment is outranked: %d", got)
	}
	tuneRuntime(set, func(string) string { return "" }, log)
	if got := debug.SetGCPercent(100); got != 250 {
		t.Errorf("GOGC is %d", got)
	}
	if got := debug.SetMemoryLimit(-1); got != 512<<20 {
		t.Errorf("the memory limit is %d", got)
	}
}

func TestThrottle(t *testing.T) {
	var out strings.Builder
	now := time.Unix(1000, 0)
	throttle := newThrottle(newLogger(config.Log{Level: "info", Format: "json"}, &out))
	throttle.now = func() time.Time { return now }
	for range 5 {
		throttle.error(errors.New("down"))
	}
	now = now.Add(time.Minute)
	throttle.error(errors.New("still down"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], `"errors_left_out":4`) {
		t.Errorf("%s", out.String())
	}
}

func TestLogFormats(t *testing.T) {
	var json, text strings.Builder
	newLogger(config.Log{Level: "warn", Format: "json"}, &json).Info("quiet")
	newLogger(config.Log{Level: "info", Format: "text"}, &text).Info("loud")
	if json.String() != "" || !strings.Contains(text.String(), "msg=loud") {
		t.Errorf("%q %q", json.String(), text.String())
	}
}
