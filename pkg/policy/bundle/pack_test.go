package bundle

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

// A folder that is packed decides as the folder does, whatever its data files
// are called; its signature is of the one key and scope.
func TestPack(t *testing.T) {
	key := newKey(t)
	private := filepath.Join(t.TempDir(), "key.pem")
	write(t, private, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	public := publicPEM(t, key)
	dir := folder(t, map[string]string{
		"a/p.rego":          "package regent.request\n\nlabels[\"v\"] := data.regent.settings.custom.name if input.phase == \"request\"",
		"a/p_test.rego":     "package regent.request_test\n\ntest_x if true",
		"deep/settings.yml": "regent: {settings: {custom: {name: from-yaml}}}",
		"mask.rego":         "package system.log\n\nmask contains \"/input/http\"",
	})
	var out bytes.Buffer
	o := PackOptions{Load: opa.Options{NoDefault: true}, Revision: "r9", SigningKey: private, SigningAlg: "RS256", KeyID: "k", Scope: "write"}
	if err := Pack(context.Background(), dir, o, &out); err != nil {
		t.Fatal(err)
	}
	v, err := Verify(bytes.NewReader(out.Bytes()), VerifyOptions{Key: public, KeyID: "k", Scope: "write"})
	if err != nil || v.Revision != "r9" || v.Modules != 2 || !v.Signed {
		t.Errorf("%+v, %v", v, err)
	}
	for name, bad := range map[string]VerifyOptions{
		"another key":   {Key: publicPEM(t, newKey(t)), KeyID: "k", Scope: "write"},
		"another scope": {Key: public, KeyID: "k", Scope: "read"},
	} {
		if _, err := Verify(bytes.NewReader(out.Bytes()), bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := Verify(bytes.NewReader(out.Bytes()[:out.Len()/2]), VerifyOptions{}); err == nil {
		t.Error("half a bundle is taken")
	}
	s := newServer(t)
	s.set("main", out.Bytes())
	b := start(t, map[string]any{
		"services": service(s.URL), "keys": map[string]any{"k": map[string]any{"key": public, "algorithm": "RS256", "scope": "write"}},
		"bundles": map[string]any{"main": quick("main", map[string]any{"signing": map[string]any{"keyid": "k", "scope": "write"}})},
	})
	if b.label() != "from-yaml" || !revisionHas(b, "main@r9+") {
		t.Errorf("label %q\n%s", b.label(), b.log)
	}
}

// A key may have no slash for longer than a file's name can be.
func TestVerificationKeyIsNoFile(t *testing.T) {
	key := "-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("A", 400) + "\n-----END PUBLIC KEY-----\n"
	c, err := verificationKey(VerifyOptions{Key: key})
	if err != nil || c.Key != key || c.Algorithm != "RS256" {
		t.Errorf("%+v, %v", c, err)
	}
}

// What serving would refuse is not packed.
func TestPackChecks(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"deyn":                              {"p.rego": "package regent.request\n\ndeyn := 1"},
		"refuse_uninspected":                {"s.yaml": "regent: {settings: {coverage: {refuse_uninspected: 1}}}"},
		"system.log":                        {"p.rego": "package system.authz\n\nallow := true"},
		"do not permit 'package elsewhere'": {"p.rego": "package elsewhere\n\nx := 1"},
	} {
		o := PackOptions{Roots: []string{"regent"}}
		if err := Pack(context.Background(), folder(t, files), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
