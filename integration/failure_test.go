package integration

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/integration/harness"
)

// The table of docs/OPERATIONS.md, "When Regent fails": what a client sees when
// Regent is away, hangs or dies, with failure_mode_allow false and true.
func TestRegentFails(t *testing.T) {
	for _, open := range []bool{false, true} {
		name, opts := "closed", harness.Options{}
		if open {
			name, opts = "open", harness.Options{Bootstrap: (*harness.Bootstrap).FailOpen}
		}
		t.Run(name, func(t *testing.T) {
			f := &failure{s: start(t, opts), open: open}
			t.Run("hangs", f.hangs)
			t.Run("killed while it reads the request", f.killedInRequest)
			t.Run("killed while it judges the request", f.killedJudging)
			t.Run("killed while the provider thinks", f.killedWaiting)
			t.Run("killed inside a stream", f.killedInStream)
			t.Run("away", f.away)
			t.Run("back", f.back)
		})
	}
}

type failure struct {
	s    *harness.Stack
	open bool
}

// sensitive would be redacted by a Regent that lives.
var sensitive = prompt("sim-small", "ann@example.org")

// want checks a reply: refused with this status where closed, where open
// answered, the provider having received the body as it was sent.
func (f *failure) want(t *testing.T, got reply, status int) {
	t.Helper()
	received := f.s.Public.Last()
	if f.open {
		if got.StatusCode != 200 || got.err != nil || !strings.Contains(got.body, "You said: ann@example.org") || received.Body != sensitive {
			t.Errorf("open: %d (%v) %s; the provider received %s", got.StatusCode, got.err, got.body, received.Body)
		}
		return
	}
	if got.StatusCode != status || got.body != "" || got.err != nil {
		t.Errorf("closed: %d (%v) %q, want an empty %d", got.StatusCode, got.err, got.body, status)
	}
	if strings.Contains(received.Body, "ann@") {
		t.Errorf("closed: the provider received %s", received.Body)
	}
}

// hold stops Regent where it is, and has it go on at the test's end.
func (f *failure) hold(t *testing.T) {
	t.Helper()
	if err := f.s.Regent.Suspend(); err != nil {
		t.Fatal(err)
	}
}

func (f *failure) restart(t *testing.T) {
	t.Helper()
	if f.s.Regent.Alive() {
		f.s.Regent.Kill()
	}
	if err := f.s.StartRegent(context.Background()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Envoy reaches Regent again", func() bool {
		got := call(t, f.s.URL+chatPath, prompt("sim-small", "bob@example.org"))
		return got.StatusCode == 200 && strings.Contains(got.body, "[EMAIL]")
	})
}

// hangs: no answer within Envoy's message_timeout.
func (f *failure) hangs(t *testing.T) {
	defer f.restart(t)
	f.hold(t)
	f.want(t, call(t, f.s.URL+chatPath, sensitive), http.StatusGatewayTimeout)
}

// killedInRequest: the headers are judged, the body is on its way.
func (f *failure) killedInRequest(t *testing.T) {
	defer f.restart(t)
	body := &paused{parts: []string{sensitive[:20], sensitive[20:]}, between: func() {
		f.awaitStreams(t, 1)
		time.Sleep(100 * time.Millisecond) // for the answer to the headers
		f.s.Regent.Kill()
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.s.URL+chatPath, body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(sensitive))
	req.Header.Set("content-type", "application/json")
	f.want(t, f.send(t, req), http.StatusServiceUnavailable)
}

// killedJudging: Envoy waits for an answer that never comes.
func (f *failure) killedJudging(t *testing.T) {
	defer f.restart(t)
	f.hold(t)
	time.AfterFunc(200*time.Millisecond, f.s.Regent.Kill)
	f.want(t, call(t, f.s.URL+chatPath, sensitive), http.StatusServiceUnavailable)
}

// killedWaiting: the request has gone to the provider, judged and redacted; the
// answer comes when Regent is dead.
func (f *failure) killedWaiting(t *testing.T) {
	defer f.restart(t)
	time.AfterFunc(300*time.Millisecond, f.s.Regent.Kill)
	got := call(t, f.s.URL+chatPath, sensitive, "x-simulate: slow=1s")
	if received := f.s.Public.Last().Body; !strings.Contains(received, "[EMAIL]") {
		t.Errorf("the provider received %s", received)
	}
	if f.open && (got.StatusCode != 200 || !strings.Contains(got.body, "You said")) || !f.open && (got.StatusCode != 503 || got.body != "") {
		t.Errorf("open %v: %d (%v) %q", f.open, got.StatusCode, got.err, got.body)
	}
}

// killedInStream: the stream is cut in both modes, and the client can tell.
func (f *failure) killedInStream(t *testing.T) {
	defer f.restart(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.s.URL+chatPath, strings.NewReader(prompt("sim-small", "hello", streamed)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-simulate", "chunk=1;delay=100ms;size=100")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	f.s.Regent.Kill()
	rest, err := io.ReadAll(lines)
	if resp.StatusCode != 200 || err == nil || strings.Contains(string(rest), "[DONE]") {
		t.Errorf("open %v: %d (%v) %s", f.open, resp.StatusCode, err, rest)
	}
}

// away: nobody listens on the socket.
func (f *failure) away(t *testing.T) {
	f.s.Regent.Kill()
	f.want(t, call(t, f.s.URL+chatPath, sensitive), http.StatusServiceUnavailable)
}

// back: calls are judged again, with nothing done to Envoy.
func (f *failure) back(t *testing.T) { f.restart(t) }

func (f *failure) send(t *testing.T, req *http.Request) reply {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp, string(b), err}
}

// awaitStreams waits until Envoy has that many ext_proc streams open.
func (f *failure) awaitStreams(t *testing.T, n int) {
	t.Helper()
	eventually(t, "an ext_proc stream is open", func() bool {
		stats, err := f.s.EnvoyAdmin(context.Background(), "/stats?filter=cluster.regent.upstream_rq_active")
		return err == nil && strings.Contains(stats, "upstream_rq_active: "+string(rune('0'+n)))
	})
}

// paused is a body that calls between before its second part.
type paused struct {
	parts   []string
	between func()
	began   bool
}

func (p *paused) Read(b []byte) (int, error) {
	if len(p.parts) == 0 {
		return 0, io.EOF
	}
	if p.began {
		p.between()
	}
	p.began = true
	n := copy(b, p.parts[0])
	p.parts = p.parts[1:]
	return n, nil
}

// A client that leaves is noticed at once: the provider's work is cancelled and
// the call accounted for.
func TestClientLeaves(t *testing.T) {
	s := with(t, "default")
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+chatPath, strings.NewReader(prompt("sim-left", "hello", streamed)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-simulate", "chunk=1;delay=100ms;size=1000")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	if entry := awaitLog(t, s, "model", "sim-left"); entry["flags"] != "DC" || entry["decision"] != "allow" || entry["usage_reported"] == true {
		t.Errorf("access log: %v", entry)
	}
	eventually(t, "no call is open", func() bool {
		metrics, err := s.RegentAdmin(context.Background(), "/metrics")
		return err == nil && strings.Contains(metrics, "\nregent_streams_open 0\n") && strings.Contains(metrics, "client_abort")
	})
}
