package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, local(http.MethodGet, path))
	return w.Code, w.Body.String()
}

// local is a request to a loopback address.
func local(method, path string) *http.Request {
	return httptest.NewRequest(method, "http://127.0.0.1:9902"+path, nil)
}

// loopback is the access of a listener there, without tokens.
var loopback = Access{Loopback: true}

func testRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "things_total", Help: "Things."})
	c.Add(3)
	r.MustRegister(c)
	return r
}

func TestPaths(t *testing.T) {
	var reasons []Reason
	h := New(Options{
		Ready:    func() []Reason { return reasons },
		Gatherer: testRegistry(),
		Version:  map[string]string{"version": "v1.2.3"},
		Access:   loopback,
		Routes:   map[string]http.Handler{"GET /console/": http.NotFoundHandler()},
	}).Handler()
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/healthz", 200, "ok\n"},
		{"/readyz", 200, `"ready": true`},
		{"/readyz", 200, `"reasons": []`},
		{"/version", 200, `"version": "v1.2.3"`},
		{"/metrics", 200, "things_total 3"},
		{"/debug/pprof/", 404, ""},
		{"/console/x", 404, ""},
		{"/", 404, ""},
	} {
		status, body := get(t, h, c.path)
		if status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %s, want %d with %q", c.path, status, body, c.status, c.body)
		}
	}
	reasons = []Reason{{Part: "policy", Message: `no "policy" loaded`}}
	status, body := get(t, h, "/readyz")
	var got struct {
		Ready   bool
		Reasons []Reason
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if status != 503 || got.Ready || len(got.Reasons) != 1 || got.Reasons[0] != reasons[0] {
		t.Errorf("not ready: %d %s", status, body)
	}
	if status, _ := get(t, h, "/healthz"); status != 200 {
		t.Errorf("healthz follows readiness: %d", status)
	}
}

func TestNoMetricsWithoutGatherer(t *testing.T) {
	if status, _ := get(t, New(Options{}).Handler(), "/metrics"); status != 404 {
		t.Errorf("status %d", status)
	}
}

func TestWritesAreRefused(t *testing.T) {
	h := New(Options{Gatherer: testRegistry(), Access: Access{Socket: true}}).Handler()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/version"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
}

func serve(t *testing.T, o Options) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(o)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// net/http/pprof refuses a profile that a server-wide write timeout would cut.
func TestLongProfileIsNotRefused(t *testing.T) {
	s := New(Options{Pprof: true, Access: loopback})
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), http.ServerContextKey, s.http))
	cancel() // ends the profile at once
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, local(http.MethodGet, "/debug/pprof/profile?seconds=120").WithContext(ctx))
	if w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestProfiles(t *testing.T) {
	address := serve(t, Options{Pprof: true, Access: loopback})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1"} {
		resp, err := client.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || len(body) == 0 {
			t.Errorf("%s: %d, %d bytes: %s", path, resp.StatusCode, len(body), body[:min(len(body), 200)])
		}
	}
}

func TestLargeHeaderIsRefused(t *testing.T) {
	address := serve(t, Options{})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("a", 64<<10)+"\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}
