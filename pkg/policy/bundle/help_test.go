package bundle

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"go.uber.org/goleak"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/opa"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// labelling is a policy whose decision tells it from others.
func labelling(value string) string {
	return fmt.Sprintf("package regent.request\n\nlabels[\"v\"] := %q if input.phase == \"request\"\n", value)
}

// tarball is a bundle of files: .rego modules by path, and data.json.
func tarball(t testing.TB, revision string, files map[string]string, options ...func(*bundle.Bundle)) []byte {
	t.Helper()
	b := bundle.Bundle{Manifest: bundle.Manifest{Revision: revision}, Data: map[string]any{}}
	for name, text := range files {
		if name == "data.json" {
			if err := json.Unmarshal([]byte(text), &b.Data); err != nil {
				t.Fatal(err)
			}
			continue
		}
		// Broken ones are wanted too: what can't be parsed is written as it is.
		m, err := ast.ParseModule(name, text)
		if err != nil {
			m = ast.MustParseModule("package broken")
		}
		b.Modules = append(b.Modules, bundle.ModuleFile{URL: name, Path: name, Raw: []byte(text), Parsed: m})
	}
	b.Manifest.Init()
	for _, o := range options {
		o(&b)
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func roots(list ...string) func(*bundle.Bundle) {
	return func(b *bundle.Bundle) { b.Manifest.Roots = &list }
}

// signed signs with key under the id "k".
func signed(t testing.TB, key *rsa.PrivateKey) func(*bundle.Bundle) {
	return func(b *bundle.Bundle) {
		private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
		if err := b.GenerateSignature(bundle.NewSigningConfig(string(private), "RS256", ""), "k", false); err != nil {
			t.Fatal(err)
		}
	}
}

func newKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicPEM(t testing.TB, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// bundleServer serves bundles by name, /bundles/<name>. A client that has been served
// the current one waits for the next, so that tests need no polling interval.
type bundleServer struct {
	*httptest.Server
	mu      sync.Mutex
	bundles map[string]*served
	unmoved int // answers of 304
	get     func(w http.ResponseWriter, r *http.Request) bool
}

type served struct {
	body    []byte
	etag    string
	sent    bool
	changed chan struct{}
}

func newServer(t testing.TB) *bundleServer {
	s := &bundleServer{bundles: map[string]*served{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *bundleServer) set(name string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(body)
	if old := s.bundles[name]; old != nil {
		close(old.changed)
	}
	s.bundles[name] = &served{body: body, etag: `"` + hex.EncodeToString(sum[:8]) + `"`, changed: make(chan struct{})}
}

func (s *bundleServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	get := s.get
	s.mu.Unlock()
	if get != nil && get(w, r) {
		return
	}
	name := path.Base(r.URL.Path)
	s.mu.Lock()
	b := s.bundles[name]
	wait := b != nil && b.sent
	s.mu.Unlock()
	if b == nil {
		http.NotFound(w, r)
		return
	}
	if wait {
		select {
		case <-b.changed:
		case <-time.After(200 * time.Millisecond):
		case <-r.Context().Done():
		}
	}
	s.mu.Lock()
	b = s.bundles[name]
	b.sent = true
	same := r.Header.Get("If-None-Match") == b.etag
	if same {
		s.unmoved++
	}
	s.mu.Unlock()
	w.Header().Set("ETag", b.etag)
	w.Header().Set("Content-Type", "application/vnd.openpolicyagent.bundles")
	if same {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(b.body)
}

// counted is an Observer that remembers.
type counted struct {
	mu                         sync.Mutex
	activated, failed, refused map[string]int
	dropped                    int
}

func newCounted() *counted {
	return &counted{activated: map[string]int{}, failed: map[string]int{}, refused: map[string]int{}}
}

func (c *counted) BundleActivated(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.activated[name]++
}

func (c *counted) BundleFailed(name string, refused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed[name]++
	if refused {
		c.refused[name]++
	}
}

func (c *counted) DecisionDropped() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped++
}

func (c *counted) failures(name string) (all, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed[name], c.refused[name]
}

func (c *counted) activations(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.activated[name]
}

// bench is a manager with its engine.
type bench struct {
	*Manager
	engine *opa.Engine
	seen   *counted
	log    *lockedBuffer
	stop   func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// quick asks by long polls: the server makes it wait, and it goes on at once.
func quick(name string, more ...map[string]any) map[string]any {
	b := map[string]any{"service": "s", "resource": "bundles/" + name, "polling": map[string]any{"min_delay_seconds": 0, "max_delay_seconds": 1, "long_polling_timeout_seconds": 1}}
	for _, m := range more {
		maps.Copy(b, m)
	}
	return b
}

func service(url string, more ...map[string]any) map[string]any {
	s := map[string]any{"url": url}
	for _, m := range more {
		maps.Copy(s, m)
	}
	return map[string]any{"s": s}
}

// start opens an engine over what config fetches and runs both until the
// test's end.
func start(t testing.TB, config map[string]any, changes ...func(*Options, *opa.Options)) *bench {
	t.Helper()
	b := &bench{seen: newCounted(), log: &lockedBuffer{}}
	o := Options{Config: config, StartTimeout: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(b.log, nil)), Observer: b.seen}
	eo := opa.Options{NoDefault: true, Timeout: time.Minute}
	for _, change := range changes {
		change(&o, &eo)
	}
	var err error
	if b.Manager, err = New(o); err != nil {
		t.Fatal(err)
	}
	if b.HasBundles() {
		eo.Bundles = b.Manager
	}
	if b.engine, err = opa.Open(t.Context(), eo); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			b.Manager.Close(ctx)
			b.engine.Close()
		})
	}
	t.Cleanup(b.stop)
	if err := b.Start(t.Context(), b.engine.Reload); err != nil {
		t.Fatal(err)
	}
	return b
}

func waiting(d time.Duration) func(*Options, *opa.Options) {
	return func(o *Options, _ *opa.Options) { o.StartTimeout = d }
}

func masking(o *Options, _ *opa.Options) { o.MaskHeaders = []string{"authorization", "x-api-key"} }

// shortStall makes a silent service be given up soon.
func shortStall(o *Options, _ *opa.Options) { o.stall = 50 * time.Millisecond }

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition, a minute at most.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

func request() *policy.Input {
	return &policy.Input{
		Phase: policy.Request,
		Call:  policy.CallFacts{ID: "call-1", TraceID: "trace-1", Started: time.Unix(1_800_000_000, 0)},
		HTTP:  policy.HTTPFacts{Method: "POST", Host: "llm.example", Path: "/v1/chat/completions", Headers: [][2]string{{"authorization", "Bearer sk-top-secret"}, {"x-team", "red"}}},
		LLM: policy.LLMFacts{
			Model: "m-1", Request: &genai.Request{
				Messages: []genai.Message{{Role: genai.User, Parts: 1, EndText: 1}},
				Texts:    []genai.Text{{Role: genai.User}},
			},
			Text: func(int) string { return "my secret prompt" },
		},
		Findings: []policy.FindingFact{{Entity: "EMAIL", Class: "pii", Count: 2, Score: 0.9}},
	}
}

// label is what the set in force puts in labels.v, "" where it has no decision.
func (b *bench) label() string {
	d, err := b.engine.Current().Evaluate(context.Background(), request())
	if err != nil {
		return ""
	}
	return d.Labels["v"]
}

func (b *bench) awaits(t testing.TB, want string) {
	t.Helper()
	until(t, "label "+want+"; "+b.log.String(), func() bool { return b.label() == want })
}

func revisionHas(b *bench, part string) bool {
	return strings.Contains(b.engine.Current().Revision(), part)
}
