package bundle

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// What OPA would read over, and what would guard less than it seems to, is an
// error.
func TestConfigFaults(t *testing.T) {
	for config, want := range map[string]string{
		`{"bundle": {}}`:                     "bundle is unknown (did you mean bundles?)",
		`{"services": {"s": {"urll": "x"}}}`: "services.s.urll is unknown (did you mean url?)",
		`{"services": {"s": {"url": "http://x", "credentials": {"bearer": {"tokn": "x"}}}}}`:                    "services.s.credentials.bearer.tokn is unknown (did you mean token?)",
		`{"services": {"s": {"url": "http://x", "credentials": {"bearer": {"token": "x"}, "s3_signing": {}}}}}`: "a maximum one credential method must be specified",
		`{"services": [{"name": "s", "url": "http://x"}]}`:                                                      "services is not an object",
		`{"services": {"s": {"url": "http://x", "credentials": {"plugin": "p"}}}}`:                              "services.s.credentials.plugin is not offered",
		`{"services": {"s": {"url": "http://x"}}, "bundles": {"b": {"service": "t"}}}`:                          `service name "t" not found`,
		`{"services": {"s": {"url": "http://x"}}, "bundles": {"b": {"polling": {"min_delay": 1}}}}`:             "bundles.b.polling.min_delay is unknown",
		`{"services": {"s": {"url": "http://x"}}, "bundles": {"b": {"trigger": "manual"}}}`:                     "it would never be fetched",
		`{"services": {"s": {"url": "http://x"}}, "bundles": {"b": {"persist": true}}}`:                         "say where by persistence_directory",
		`{"services": {"s": {"url": "http://x"}}, "bundles": {"../b": {}}}`:                                     "a bundle's name is a folder's name",
		`{"services": {"s": {"url": "http://x"}}, "keys": {"k": {"key": "x"}}, "bundles": {"b": {}}}`:           "bundles.b has no signing although there are keys",
		`{"services": {"s": {"url": "http://x"}}, "keys": {"k": {"kye": "x"}}}`:                                 "keys.k.kye is unknown (did you mean key?)",
		`{"services": {"s": {"url": "http://x"}}, "bundles": {"b": {"signing": {"keyid": "k"}}}}`:               "k",
		`{"decision_logs": {}}`: "decision_logs has neither a service nor console: true",
		`{"status": {}}`:        "status has neither a service nor console: true",
		`{"decision_logs": {"console": true, "plugin": "p"}}`:                      "decision_logs.plugin is not offered",
		`{"decision_logs": {"console": true, "reporting": {"buffer_size": 1}}}`:    "decision_logs.reporting.buffer_size is unknown",
		`{"decision_logs": {"console": true, "reporting": {"trigger": "manual"}}}`: "nothing would be sent",
	} {
		var tree map[string]any
		if err := json.Unmarshal([]byte(config), &tree); err != nil {
			t.Fatal(err)
		}
		if m, err := New(Options{Config: tree}); err == nil {
			t.Errorf("%s is taken", config)
			m.Close(context.Background())
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", config, err, want)
		}
	}
}

// Where OPA has no bound there is one.
func TestConfigBounds(t *testing.T) {
	m, err := New(Options{Config: map[string]any{
		"services": service("http://x"), "bundles": map[string]any{"b": map[string]any{}, "c": map[string]any{"size_limit_bytes": 7}},
		"decision_logs": map[string]any{"service": "s"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	b := m.conf.bundles.Bundles
	if b["b"].SizeLimitBytes != maxFile || b["c"].SizeLimitBytes != 7 {
		t.Errorf("limits %d and %d", b["b"].SizeLimitBytes, b["c"].SizeLimitBytes)
	}
	if r := m.conf.logs.Reporting; r.BufferType != "event" || *r.BufferSizeLimitEvents != 10_000 {
		t.Errorf("reporting %+v", r)
	}
}

// No secret leaves by a log line or an error, as it is or as a URL has it.
func TestSecretsAreHidden(t *testing.T) {
	s := newServer(t)
	b := start(t, map[string]any{
		"services": service(s.URL), "bundles": map[string]any{"main": quick("main", map[string]any{"resource": "x?sig=top/secret+value"})},
	}, func(o *Options, _ *opa.Options) {
		o.Secrets = []string{"top/secret+value"}
		o.StartTimeout = 1
	})
	s.CloseClientConnections()
	s.Close()
	until(t, "an error with the URL", func() bool { return strings.Contains(b.log.String(), "(hidden)") })
	for _, text := range []string{b.log.String(), b.Waiting()} {
		if strings.Contains(text, "top/secret") || strings.Contains(text, "top%2Fsecret") {
			t.Errorf("a secret in %s", text)
		}
	}
}
