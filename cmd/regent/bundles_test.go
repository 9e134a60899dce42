package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/regent-proxy/regent/pkg/config"
	ours "github.com/regent-proxy/regent/pkg/policy/bundle"
	"github.com/regent-proxy/regent/pkg/telemetry"
)

// bundleOf is a bundle of one module.
func bundleOf(t *testing.T, revision, module string) []byte {
	t.Helper()
	b := bundle.Bundle{
		Manifest: bundle.Manifest{Revision: revision}, Data: map[string]any{},
		Modules: []bundle.ModuleFile{{URL: "p.rego", Path: "p.rego", Raw: []byte(module), Parsed: ast.MustParseModule(module)}},
	}
	b.Manifest.Init()
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).Write(b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func bundledConfig(t *testing.T, url string) *config.Config {
	t.Helper()
	text := "policy: {default: false, bundles: {start_timeout: 200ms, services: {s: {url: \"" + url + "\"}}, bundles: {main: {resource: main, polling: {min_delay_seconds: 0, max_delay_seconds: 1}}}}}\n" +
		"telemetry: {traces: {exporter: none}, metrics: {exporter: none}}"
	c, err := config.Parse("regent.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Until the first bundle comes Regent is not ready, and says why; then it is,
// without a restart.
func TestReadinessWaitsForBundles(t *testing.T) {
	var body atomic.Pointer[[]byte]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b := body.Load(); b != nil {
			_, _ = w.Write(*b)
		} else {
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	c := bundledConfig(t, server.URL)
	p, err := assemble(t.Context(), c, io.Discard, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.close(context.Background()) }()
	var draining atomic.Bool
	reasons := p.readiness(&draining)
	if len(reasons) != 1 || reasons[0].Part != "policy" || !strings.Contains(reasons[0].Message, "main: server replied with Not Found") {
		t.Errorf("reasons %+v", reasons)
	}
	good := bundleOf(t, "r1", "package regent.request\n\nlabels.a := \"b\" if input.phase == \"request\"")
	body.Store(&good)
	eventually(t, "ready", func() bool { return len(p.readiness(&draining)) == 0 })
	if !strings.HasPrefix(p.engine.Current().Revision(), "main@r1+") {
		t.Errorf("revision %s", p.engine.Current().Revision())
	}
}

// A check that can't see the policies is not passed.
func TestCheckNeedsBundles(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	err := checkConfig(t.Context(), bundledConfig(t, server.URL), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "main: server replied with Not Found") {
		t.Errorf("error %v", err)
	}
}

// The configurations of the policies' reference are good ones.
func TestPolicyReferenceConfigs(t *testing.T) {
	text, err := os.ReadFile("../../docs/POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "```yaml config\n")
	if len(parts) < 2 {
		t.Fatal("no configuration in the reference")
	}
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "```")
		block = strings.ReplaceAll(block, "/var/lib/regent", t.TempDir())
		c, err := config.Parse("regent.yaml", []byte(block), func(string) (string, bool) { return "a-value-from-outside", true })
		if err != nil {
			t.Errorf("%v in\n%s", err, block)
			continue
		}
		m, err := ours.New(bundleOptions(&c.Policy.Bundles, &telemetry.Telemetry{}, slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Errorf("%v in\n%s", err, block)
			continue
		}
		m.Close(t.Context())
	}
}

// eventually waits for a condition, a minute at most.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

// The reference's commands work as they stand, with a key as openssl writes it.
func TestPolicyBundleCommands(t *testing.T) {
	text, err := os.ReadFile("../../docs/POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```sh\nopenssl")
	block, _, _ = strings.Cut(block, "```")
	t.Chdir(t.TempDir())
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"release.key":   pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
		"release.pem":   pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"policies.rego": []byte("package regent.request\n\nlabels.a := \"b\" if input.phase == \"request\""),
	} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir("policies", 0o755), os.Rename("policies.rego", "policies/p.rego")); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, line := range strings.Split(block, "\n") {
		args, ours := strings.CutPrefix(line, "regent ")
		if !ours {
			continue
		}
		ran++
		if code, out, errOut := run1(strings.Fields(args)...); code != 0 {
			t.Errorf("%s: %s%s", line, out, errOut)
		} else if ran == 2 && out != "revision \"17\", roots \"\", 1 modules, signature verified\n" {
			t.Errorf("%s: %s", line, out)
		}
	}
	if ran != 2 {
		t.Errorf("%d commands in the reference", ran)
	}
	if code, _, errOut := run1("policy", "bundle", "verify", "main.tar.gz", "--key", "release.pem", "--alg", "ES384"); code != 1 || errOut == "" {
		t.Errorf("another algorithm: %d %s", code, errOut)
	}
}
