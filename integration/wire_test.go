package integration

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/regent-proxy/regent/integration/harness"
)

// h2 speaks HTTP/2 without TLS.
var h2 = func() *http.Client {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{DisableCompression: true, Protocols: p}, Timeout: time.Minute}
}()

func TestHTTP2AndTrailers(t *testing.T) {
	s := with(t, "h2")
	for _, directives := range []string{"trailers", "trailers;secret;chunk=3"} {
		for _, body := range []string{prompt("sim-small", "hello"), prompt("sim-small", "hello", streamed)} {
			got := do(t, h2, http.MethodPost, s.URL+chatPath, body, "x-simulate: "+directives)
			if got.StatusCode != 200 || got.err != nil || got.ProtoMajor != 2 || got.Trailer.Get("x-simulated-trailer") != "the-end" {
				t.Errorf("%s: %d (%v), trailers %v: %s", directives, got.StatusCode, got.err, got.Trailer, got.body)
			}
			if strings.Contains(body, "stream") && !strings.HasSuffix(got.body, "data: [DONE]\n\n") || strings.Contains(directives, "secret") && !strings.Contains(got.body, "nobody else") && !strings.Contains(streamText(t, got.body), "nobody else") {
				t.Errorf("%s: %s", directives, got.body)
			}
		}
	}
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCompressedRequests(t *testing.T) {
	s := with(t, "default")
	same := zipped(t, prompt("sim-gzip", "hello"))
	call(t, s.URL+chatPath, same, "content-encoding: gzip")
	if r := s.Public.Last(); string(r.BodyBytes) != same || r.Header("content-encoding") != "gzip" {
		t.Errorf("an unchanged body arrived as %v %q", r.Headers, r.Body)
	}
	got := call(t, s.URL+chatPath, zipped(t, prompt("sim-gzip", "write to ann@example.org")), "content-encoding: gzip")
	if r := s.Public.Last(); r.Body != prompt("sim-gzip", "write to [EMAIL]") || r.Header("content-encoding") != "" {
		t.Errorf("a changed body arrived as %v %q (%d %s)", r.Headers, r.Body, got.StatusCode, got.body)
	}
}

func TestCompressedResponses(t *testing.T) {
	s := with(t, "default")
	got := call(t, s.URL+chatPath, prompt("sim-small", "hello"), "accept-encoding: gzip, br")
	if r := s.Public.Last(); r.Header("accept-encoding") != "identity" || got.Header.Get("content-encoding") != "" {
		t.Errorf("asked for %q, got %q", r.Header("accept-encoding"), got.Header.Get("content-encoding"))
	}
	got = call(t, s.URL+chatPath, prompt("sim-small", "hello"), "x-simulate: gzip;secret")
	if got.StatusCode != 200 || got.Header.Get("content-encoding") != "" || !strings.Contains(got.body, "nobody else") || strings.Contains(got.body, "AKIA") {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
}

func TestWebSocketsPass(t *testing.T) {
	s := with(t, "default")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, s.URL+"/v1/realtime?model=sim", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("ann@example.org")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || string(got) != "ann@example.org" {
		t.Errorf("%q %v", got, err)
	}
}

// A body over the bound gets 413 in the client's error format, whoever's bound
// it is.
func TestBodyOverTheLimit(t *testing.T) {
	body := prompt("sim-small", strings.Repeat("x", 200_000))
	stacks := map[string]harness.Options{
		"Envoy's": {Bootstrap: func(b *harness.Bootstrap) {
			b.Listener()["per_connection_buffer_limit_bytes"] = 65536
			b.VirtualHost()["request_body_buffer_limit"] = 65536
		}},
		"Regent's": {Config: func(c map[string]any) { c["limits"] = map[string]any{"max_request_body": "64KiB"} }},
	}
	for name, opts := range stacks {
		t.Run(name, func(t *testing.T) {
			s := start(t, opts)
			// Late enough to come after Regent's answer to the headers: Envoy 1.40
			// hangs until its request_timeout if a body passes its limit before.
			got := late(t, s.URL+chatPath, body)
			if got.StatusCode != 413 || !strings.Contains(got.body, `"code":"request_too_large"`) || got.Header.Get("content-type") != "application/json" {
				t.Errorf("%d %v %s", got.StatusCode, got.Header, got.body)
			}
			got = late(t, s.URL+"/v1/messages", body)
			if got.StatusCode != 413 || !strings.HasPrefix(got.body, `{"type":"error","error":{"type":"request_too_large"`) {
				t.Errorf("Anthropic's: %d %v %s", got.StatusCode, got.Header, got.body)
			}
			if n := len(s.Public.Requests()); n != 0 {
				t.Errorf("the provider was asked %d times", n)
			}
		})
	}
}

// late posts a body whose first byte comes at once and the rest when Envoy has
// surely had Regent's answer to the headers.
func late(t *testing.T, url, body string) reply {
	t.Helper()
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, body[:1])
		time.Sleep(300 * time.Millisecond)
		_, _ = io.WriteString(w, body[1:]) // the reader may be gone
		w.Close()
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, r)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(body))
	req.Header.Set("content-type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return reply{resp, string(answer), err}
}

func TestRetries(t *testing.T) {
	s := with(t, "default")
	before := s.Public.Last().Number
	got := call(t, s.URL+chatPath, prompt("sim-retried", "ann@example.org"), "x-simulate: status=503")
	if r := s.Public.Last(); r.Number != before+3 || r.Body != prompt("sim-retried", "[EMAIL]") {
		t.Errorf("%d attempts, the last with %s", r.Number-before, r.Body)
	}
	if got.StatusCode != 503 || !strings.Contains(got.body, "server_error") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	got = call(t, s.URL+chatPath, prompt("sim-limited", "hello"), "x-simulate: status=429;retry-after=60")
	if got.StatusCode != 429 || got.Header.Get("retry-after") != "60" || !strings.Contains(got.body, "rate_limit_exceeded") {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
}

// What Envoy answers in a provider's place is in the client's error format.
func TestLocalReplies(t *testing.T) {
	s := start(t, harness.Options{
		Providers: map[string]string{"custom": "127.0.0.1:1"}, // nobody listens there
		Policies:  map[string]string{"p.rego": "package regent.request\n\nroute[\"target\"] := \"nowhere\" if input.http.headers[\"x-case\"] == \"nowhere\"\n", "d.yaml": "regent: {settings: {routing: {enabled: false}}}\n"},
	})
	got := call(t, s.URL+chatPath, prompt("sim-small", "hello"), "x-case: nowhere")
	if got.StatusCode != 503 || !strings.Contains(got.body, `"error":{`) {
		t.Errorf("a cluster that is not there: %d %s", got.StatusCode, got.body)
	}
	if n := len(s.Public.Requests()); n != 0 {
		t.Error("a call went to the default in the place of a cluster that is not there")
	}
	s = start(t, harness.Options{Providers: map[string]string{"custom": "127.0.0.1:1"}})
	got = call(t, s.URL+chatPath, prompt("sim-small", "hello"), "x-domain: risk")
	if got.StatusCode != 503 || !strings.Contains(got.body, `"code":"upstream_unavailable"`) {
		t.Errorf("a provider that is down: %d %s", got.StatusCode, got.body)
	}
}

func TestProviderBreaksOff(t *testing.T) {
	s := with(t, "default")
	got := call(t, s.URL+chatPath, prompt("sim-broken", "hello", streamed), "x-simulate: abort=4;delay=50ms")
	if got.StatusCode != 200 || got.err == nil || !strings.Contains(got.body, `"content":"You"`) && !strings.Contains(got.body, `"content":"You "`) {
		t.Errorf("stream: %d (%v) %s", got.StatusCode, got.err, got.body)
	}
	got = call(t, s.URL+chatPath, prompt("sim-broken", "hello"), "x-simulate: abort=20")
	if got.StatusCode < 500 && got.err == nil {
		t.Errorf("document: %d %s", got.StatusCode, got.body)
	}
}
