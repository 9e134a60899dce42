package integration

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/integration/harness"
	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/extproc/extproctest"
)

// sidecar is a Regent without Envoy, whose spans go to a collector of some kind.
type sidecar struct {
	name      string
	collector func(t *testing.T) (protocol, url string) // nil: nowhere
	delivered func() int                                // spans that arrived, nil where none should
	overflows bool                                      // its queue does, at this pace

	process *harness.Process
	admin   string
	client  *extproctest.Client
	took    []time.Duration // of each call
	cpu     time.Duration
}

// Small, so that they overflow: a collector that never answers is given at most
// ten spans a second.
const (
	queued  = 50
	batched = 10
)

// exporterCalls are the calls each sidecar takes, REGENT_EXPORTER_CALLS of them
// where set: the figures in docs/TELEMETRY.md are of 10,000.
func exporterCalls(t *testing.T) int {
	text := os.Getenv("REGENT_EXPORTER_CALLS")
	if text == "" {
		text = "1000"
		if testing.Short() {
			text = "200"
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A collector that is killed, slow or refusing costs calls nothing and memory a
// bound, and every span is accounted for. All kinds run in turns, one call each,
// so that what else the machine does falls on all of them.
func TestCollectorFailure(t *testing.T) {
	calls := exporterCalls(t)
	all := sidecars(t)
	for _, s := range all {
		s.start(t)
	}
	for range 20 { // connections, caches
		for _, s := range all {
			s.call(t)
		}
	}
	for _, s := range all {
		s.took, s.cpu = s.took[:0], -s.cpuTime(t)
	}
	for range calls {
		for _, s := range all {
			s.call(t)
		}
	}
	for _, s := range all {
		s.cpu += s.cpuTime(t)
		s.settled(t, calls+20)
	}
	report(t, all)
}

func sidecars(t *testing.T) []*sidecar {
	receiver, err := harness.StartCollector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(receiver.Close)
	return []*sidecar{
		{name: "off"},
		{name: "well", collector: func(*testing.T) (string, string) { return "grpc", "http://" + receiver.Address }, delivered: func() int { return receiver.Received() }},
		{name: "killed", collector: killedCollector, overflows: true},
		{name: "slow", overflows: true, collector: func(t *testing.T) (string, string) {
			return "grpc", answering(t, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		}},
		{name: "refusing", collector: func(t *testing.T) (string, string) {
			return "grpc", answering(t, func(context.Context) error { return status.Error(codes.ResourceExhausted, "over quota") })
		}},
		{name: "refusing, HTTP", collector: func(t *testing.T) (string, string) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
			t.Cleanup(s.Close)
			return "http", s.URL
		}},
	}
}

// killedCollector is an address at which nobody listens any more.
func killedCollector(t *testing.T) (string, string) {
	c, err := harness.StartCollector()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return "grpc", "http://" + c.Address
}

// answering is a gRPC server that takes every message and answers as told.
func answering(t *testing.T, answer func(context.Context) error) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return answer(stream.Context()) }))
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return "http://" + l.Addr().String()
}

func (s *sidecar) start(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "regent-") // short: sockets have paths of at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	traces := map[string]any{"exporter": "none"}
	if s.collector != nil {
		protocol, url := s.collector(t)
		traces = map[string]any{"exporter": "otlp", "protocol": protocol, "endpoint": url, "queue": queued, "batch": batched, "interval": "100ms", "timeout": "1s"}
	}
	config, err := json.Marshal(map[string]any{ // YAML too
		"listen":    map[string]any{"address": "unix:" + dir + "/r.sock"},
		"admin":     map[string]any{"listen": "unix:" + dir + "/a.sock"},
		"drain":     map[string]any{"delay": "0s", "timeout": "1s", "flush": "1s"},
		"telemetry": map[string]any{"traces": traces, "metrics": map[string]any{"exporter": "none"}},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "regent.yaml"), config, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.process, err = harness.StartProcess(dir, "regent", regent, "serve", "--config", filepath.Join(dir, "regent.yaml")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.process.Stop(); err != nil || t.Failed() {
			t.Log(s.name, err, s.process.Logs())
		}
	})
	s.admin = dir + "/a.sock"
	if err := s.process.Await(t.Context(), "serves", func() bool { _, err := os.Stat(dir + "/r.sock"); return err == nil }); err != nil {
		t.Fatal(err)
	}
	s.client = extproctest.Dial(t, dir+"/r.sock")
}

var exporterExchange = extproctest.Exchange{
	RequestHeaders:  phase.Headers{{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "api.openai.com"}, {Name: ":path", Value: chatPath}, {Name: "content-type", Value: "application/json"}},
	RequestBody:     []byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}`),
	ResponseHeaders: phase.Headers{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/json"}},
	ResponseChunks:  [][]byte{[]byte(`{"id":"x","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`)},
}

func (s *sidecar) call(t *testing.T) {
	began := time.Now()
	if _, err := s.client.Do(t.Context(), exporterExchange); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	s.took = append(s.took, time.Since(began))
}

// metric is the value of a series as /metrics has it, 0 where there is none.
func (s *sidecar) metric(t *testing.T, series string) float64 {
	t.Helper()
	text, err := harness.GetUnix(t.Context(), s.admin, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)`).FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	v, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (s *sidecar) spans(t *testing.T, result string) int {
	return int(s.metric(t, `regent_export_spans_total{regent_result="`+result+`"}`))
}

func (s *sidecar) cpuTime(t *testing.T) time.Duration {
	return time.Duration(s.metric(t, "process_cpu_seconds_total") * float64(time.Second))
}

// settled: each call's span was exported, dropped or failed, exactly once, and
// what counts as exported has arrived.
func (s *sidecar) settled(t *testing.T, calls int) {
	t.Helper()
	if s.collector == nil {
		return
	}
	eventually(t, s.name+": every span is accounted for", func() bool {
		return s.spans(t, "exported")+s.spans(t, "dropped")+s.spans(t, "failed") == calls
	})
	exported, dropped, failed := s.spans(t, "exported"), s.spans(t, "dropped"), s.spans(t, "failed")
	arrived := 0
	if s.delivered != nil {
		arrived = s.delivered()
	}
	if exported != arrived {
		t.Errorf("%s: %d spans count as exported, %d arrived", s.name, exported, arrived)
	}
	if s.delivered == nil && (exported != 0 || failed == 0 || s.overflows && calls > 500 && dropped == 0) {
		t.Errorf("%s: %d exported, %d dropped, %d failed", s.name, exported, dropped, failed)
	}
}

// report prints the figures of docs/TELEMETRY.md, and holds them to bounds that
// only a call that waits or a queue without a bound would break.
func report(t *testing.T, all []*sidecar) {
	t.Helper()
	off := all[0]
	base, memory := quantile(off.took, 0.5), off.metric(t, "process_resident_memory_bytes")
	for _, s := range all {
		p50, p99, rss := quantile(s.took, 0.5), quantile(s.took, 0.99), s.metric(t, "process_resident_memory_bytes")
		latency := float64(p50) / float64(base)
		t.Logf("| %s | %.2f | %.2f | %v | %v | %.0f MiB | %d | %d | %d |", s.name, latency, float64(s.cpu)/float64(off.cpu),
			p50.Round(time.Microsecond), p99.Round(time.Microsecond), rss/(1<<20), s.spans(t, "exported"), s.spans(t, "dropped"), s.spans(t, "failed"))
		if latency > 2 {
			t.Errorf("%s: a call takes %.2f times as long as without exporters", s.name, latency)
		}
		if rss > memory+96<<20 {
			t.Errorf("%s: %.0f MiB, without exporters %.0f", s.name, rss/(1<<20), memory/(1<<20))
		}
	}
}

func quantile(list []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
