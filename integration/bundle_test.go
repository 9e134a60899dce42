package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/regent-proxy/regent/integration/harness"
)

// numbered is a bundle that says its number in two modules and in data, for the
// request and for the response.
func numbered(n int, broken string) ([]byte, error) {
	modules := map[string]string{
		"request.rego": fmt.Sprintf(`package regent.request

route.target := "public"

labels.request := "%d"

labels.data := data.n if input.phase == "request"
`, n),
		"response.rego": fmt.Sprintf("package regent.response\n\nlabels.response := %q if input.phase == \"response\"\n", fmt.Sprint(n)),
	}
	modules["response.rego"] += broken
	b := bundle.Bundle{Manifest: bundle.Manifest{Revision: fmt.Sprint(n), Roots: &[]string{"regent/request", "regent/response", "n"}}, Data: map[string]any{"n": fmt.Sprint(n)}}
	for name, text := range modules {
		parsed, err := ast.ParseModule(name, text)
		if err != nil {
			parsed = ast.MustParseModule("package regent.response")
		}
		b.Modules = append(b.Modules, bundle.ModuleFile{URL: name, Path: name, Raw: []byte(text), Parsed: parsed})
	}
	var out bytes.Buffer
	err := bundle.NewWriter(&out).DisableFormat(true).Write(b)
	return out.Bytes(), err
}

// faults are what every tenth bundle has, in turn.
var faults = []string{"\ndeyn := 1\n", "\nlabels contains\n", "\nlabels.x := input.llm.modle\n", "\nlabels.x := no.such(1)\n", "half"}

// bundleLine serves one bundle after the other, the next as soon as the one
// before was dealt with: a client that asks again has taken it or refused it.
type bundleLine struct {
	t      *testing.T
	mu     sync.Mutex
	n      int  // the one that is served now
	sent   bool // it was
	most   int
	end    chan struct{} // closed when the last was dealt with
	closed bool
}

func (l *bundleLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	if l.sent && l.n < l.most {
		l.n, l.sent = l.n+1, false
	} else if l.sent && !l.closed {
		l.closed = true
		close(l.end)
	}
	n, done := l.n, l.sent
	l.sent = true
	l.mu.Unlock()
	w.Header().Set("Content-Type", "application/vnd.openpolicyagent.bundles") // long polls: asked again at once
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
	if done && r.Header.Get("If-None-Match") == fmt.Sprintf(`"%d"`, n) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Second):
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	fault := ""
	if !isGood(n) {
		fault = faults[n/10%len(faults)]
	}
	body, err := numbered(n, strings.TrimPrefix(fault, "half"))
	if err != nil {
		l.t.Error(err)
	}
	if fault == "half" {
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body)
}

func isGood(n int) bool { return n%10 != 0 }

// A thousand bundles, good and bad, and changed files beside them, while 16
// clients call: no call fails, each is judged by one good policy from request
// to response, and the good ones alone are ever in force.
func TestPolicySwapsUnderLoad(t *testing.T) {
	line := &bundleLine{t: t, n: 1, most: 1001, end: make(chan struct{})}
	if testing.Short() {
		line.most = 201
	}
	server := httptest.NewServer(line)
	defer server.Close()
	s := start(t, harness.Options{Policies: map[string]string{"file.rego": fileRule(0)}, Config: func(c map[string]any) {
		c["policy"] = map[string]any{
			"paths": c["policy"].(map[string]any)["paths"], "default": false,
			"bundles": map[string]any{
				"services": map[string]any{"s": map[string]any{"url": server.URL}},
				"bundles": map[string]any{"main": map[string]any{
					"resource": "main", "polling": map[string]any{"min_delay_seconds": 0, "max_delay_seconds": 1, "long_polling_timeout_seconds": 5},
				}},
			},
		}
	}})
	var calls atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() { callAgainAndAgain(t, s.URL, i%2 == 0, stop, &calls) })
	}
	files := 0
	for swapping := true; swapping; files++ {
		text := fileRule(files)
		if files%3 == 2 {
			text = "package regent.request\n\nlabels contains"
		}
		if err := s.WritePolicy("file.rego", text); err != nil {
			t.Error(err)
		}
		select {
		case <-line.end:
			swapping = false
		case <-time.After(400 * time.Millisecond):
		case <-time.After(3 * time.Minute):
			t.Fatal("the bundles are not taken")
		}
	}
	if err := s.WritePolicy("file.rego", fileRule(files)); err != nil {
		t.Error(err)
	}
	last := fmt.Sprintf("main@%d+", line.most)
	eventually(t, "the last bundle is in force", func() bool {
		metrics, err := s.RegentAdmin(t.Context(), "/metrics")
		return err == nil && strings.Contains(metrics, `regent_policy_revision="`+last)
	})
	close(stop)
	clients.Wait()
	entries := accessLog(t, s, int(calls.Load()))
	seen := map[string]bool{}
	for _, e := range entries {
		checkSwapped(t, e, seen)
	}
	if int64(len(entries)) != calls.Load() || len(seen) < 20 {
		t.Errorf("%d entries of %d calls, %d revisions seen", len(entries), calls.Load(), len(seen))
	}
	// A good bundle beside a faulty file is refused as well, and comes again.
	if got := strings.Count(s.Regent.Stderr(), `"policy loaded"`); got < line.most*3/4 {
		t.Errorf("%d policies were loaded, %d good bundles served", got, line.most*9/10)
	}
	t.Logf("%d bundles, %d changes of a file, %d calls, %d revisions seen by calls", line.most, files, calls.Load(), len(seen))
}

func fileRule(n int) string {
	return fmt.Sprintf("package regent.request\n\nlabels.file := \"%d\" if input.phase == \"request\"\n", n)
}

// callAgainAndAgain makes one call after the other; every one must be answered well.
func callAgainAndAgain(t *testing.T, url string, stream bool, stop chan struct{}, calls *atomic.Int64) {
	body := prompt("sim-small", "hello")
	if stream {
		body = prompt("sim-small", "hello", streamed)
	}
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond): // load, but not all of the machine
		}
		calls.Add(1)
		resp, err := client.Post(url+chatPath, "application/json", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || stream && !strings.Contains(string(text), "data: [DONE]") {
			t.Errorf("%d %v %s", resp.StatusCode, err, text)
			return
		}
	}
}

type swapped struct {
	Status   int               `json:"status"`
	Decision string            `json:"decision"`
	Revision string            `json:"policy_revision"`
	Labels   map[string]string `json:"labels"`
}

func accessLog(t *testing.T, s *harness.Stack, n int) []swapped {
	t.Helper()
	var out []swapped
	eventually(t, "all calls are in the access log", func() bool {
		out = out[:0]
		for _, line := range strings.Split(s.Envoy.Stdout(), "\n") {
			var e swapped
			if json.Unmarshal([]byte(line), &e) == nil && e.Revision != "" {
				out = append(out, e)
			}
		}
		return len(out) >= n
	})
	return out
}

// checkSwapped wants one good bundle's number in all places.
func checkSwapped(t *testing.T, e swapped, seen map[string]bool) {
	n := 0
	_, err := fmt.Sscanf(e.Revision, "main@%d+", &n)
	want := fmt.Sprint(n)
	l := e.Labels
	if err != nil || !isGood(n) || e.Status != 200 || l["request"] != want || l["data"] != want || l["response"] != want || l["file"] == "" {
		t.Errorf("%+v", e)
	}
	seen[e.Revision] = true
}
