package bundle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/registry/remote"
)

// registryServer is an OCI registry, which hangs while it is told to.
type registryServer struct {
	*httptest.Server
	hangs atomic.Bool
}

func newRegistry(t *testing.T) *registryServer {
	r := &registryServer{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if r.hangs.Load() {
			<-q.Context().Done()
			return
		}
		inner.ServeHTTP(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

// push puts a bundle under policies/main:latest, as oras and opa do.
func (r *registryServer) push(t *testing.T, body []byte) {
	t.Helper()
	ctx, store := context.Background(), memory.New()
	repo, err := remote.NewRepository(strings.TrimPrefix(r.URL, "http://") + "/policies/main")
	if err != nil {
		t.Fatal(err)
	}
	repo.PlainHTTP = true
	layer, err := oras.PushBytes(ctx, store, ocispec.MediaTypeImageLayerGzip, body)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, "application/vnd.oci.image.config.v1+json", oras.PackManifestOptions{Layers: []ocispec.Descriptor{layer}})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Tag(ctx, manifest, "latest"); err != nil {
		t.Fatal(err)
	}
	if _, err := oras.Copy(ctx, store, "latest", repo, "latest", oras.DefaultCopyOptions); err != nil {
		t.Fatal(err)
	}
}

func (r *registryServer) config(t *testing.T) map[string]any {
	reference := strings.TrimPrefix(r.URL, "http://") + "/policies/main:latest"
	return map[string]any{
		"services": service(r.URL, map[string]any{"type": "oci", "response_header_timeout_seconds": 1}), "persistence_directory": t.TempDir(),
		"bundles": map[string]any{"main": quick("main", map[string]any{"resource": reference, "persist": true})},
	}
}

// A bundle in an OCI registry takes effect, so does its successor, and a bad one
// does not.
func TestOCI(t *testing.T) {
	r := newRegistry(t)
	r.push(t, tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	b := start(t, r.config(t))
	if b.label() != "1" || !revisionHas(b, "main@r1+") {
		t.Fatalf("label %q\n%s", b.label(), b.log)
	}
	r.push(t, tarball(t, "r2", map[string]string{"p.rego": "package regent.request\n\ndeyn := 1"}))
	until(t, "a refusal", func() bool { _, n := b.seen.failures("main"); return n > 0 })
	if b.label() != "1" {
		t.Errorf("label %q", b.label())
	}
	r.push(t, tarball(t, "r3", map[string]string{"p.rego": labelling("3")}))
	b.awaits(t, "3")
}

// A registry that hangs leaves the running set in force, and another start with
// what was persisted.
func TestOCIHangs(t *testing.T) {
	r := newRegistry(t)
	r.push(t, tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	config := r.config(t)
	b := start(t, config, shortStall)
	r.hangs.Store(true)
	until(t, "a failure", func() bool { n, _ := b.seen.failures("main"); return n > 0 })
	if b.label() != "1" {
		t.Errorf("label %q", b.label())
	}
	b.stop()
	again := start(t, config, shortStall)
	if again.label() != "1" {
		t.Errorf("label %q after a restart: %s", again.label(), again.Waiting())
	}
	r.hangs.Store(false)
	r.push(t, tarball(t, "r2", map[string]string{"p.rego": labelling("2")}))
	again.awaits(t, "2")
}

// S3: requests are signed as AWS signs, which the server checks by signing them
// itself.
func TestS3(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "the-secret-key")
	t.Setenv("AWS_REGION", "eu-central-1")
	s := newServer(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	var unsigned atomic.Int64
	s.get = func(w http.ResponseWriter, r *http.Request) bool {
		if signedByAWS(r, "AKIAEXAMPLE", "the-secret-key", "eu-central-1") {
			return false
		}
		unsigned.Add(1)
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	config := func() map[string]any {
		return map[string]any{
			"services": service(s.URL, map[string]any{"credentials": map[string]any{"s3_signing": map[string]any{"environment_credentials": map[string]any{}}}}),
			"bundles":  map[string]any{"main": quick("main")},
		}
	}
	b := start(t, config())
	if b.label() != "1" || unsigned.Load() > 0 {
		t.Errorf("label %q, %d requests with a wrong signature\n%s", b.label(), unsigned.Load(), b.log)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another-key")
	other := start(t, config(), waiting(300*time.Millisecond))
	if other.label() != "" || !strings.Contains(other.Waiting(), "Forbidden") {
		t.Errorf("label %q with another key, waiting %q", other.label(), other.Waiting())
	}
}

// signedByAWS computes the signature as AWS describes it (Signature Version 4,
// "Create a signed AWS API request") and compares.
func signedByAWS(r *http.Request, id, secret, region string) bool {
	auth, at := r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date")
	_, names, found := strings.Cut(auth, "SignedHeaders=")
	if !found || len(at) < 8 {
		return false
	}
	names, _, _ = strings.Cut(names, ",")
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n"
	for _, name := range strings.Split(names, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + names + "\n" + r.Header.Get("X-Amz-Content-Sha256")
	scope := at[:8] + "/" + region + "/s3/aws4_request"
	sum := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + secret)
	for _, part := range []string{at[:8], region, "s3", "aws4_request", "AWS4-HMAC-SHA256\n" + at + "\n" + scope + "\n" + hex.EncodeToString(sum[:])} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return strings.Contains(auth, "Credential="+id+"/"+scope) && signatureOf(auth) == hex.EncodeToString(key)
}

func signatureOf(auth string) string {
	_, signature, _ := strings.Cut(auth, "Signature=")
	return signature
}

// What a bundle may hold: 50 MB of data take effect; what is past the bound, in
// one file or altogether, does not.
func TestLargeData(t *testing.T) {
	size := 50_000_000
	if testing.Short() {
		size = 2_000_000
	}
	large := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"list": {`)
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, `"user-%d": "%s",`, i, strings.Repeat("x", 1000))
		}
		return b.String() + `"last": "here"}}`
	}
	s := newServer(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}})
	policyText := "package regent.request\n\nlabels[\"v\"] := data.list.last if input.phase == \"request\""
	s.set("main", tarball(t, "r2", map[string]string{"p.rego": policyText, "data.json": large(size)}))
	for b.label() != "here" { // calls are decided all the while
		if got := b.label(); got != "1" && got != "here" {
			t.Fatalf("label %q while 50 MB load", got)
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.set("main", tarball(t, "r3", map[string]string{"p.rego": labelling("3"), "data.json": large(maxFile + maxFile/16)}))
	until(t, "a failure", func() bool { n, _ := b.seen.failures("main"); return n > 0 })
	if b.label() != "here" {
		t.Errorf("label %q", b.label())
	}
}
