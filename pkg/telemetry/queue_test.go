package telemetry

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/regent-proxy/regent/pkg/call"
)

// deadCollector takes no span until freed, as one that accepts connections and
// never answers.
type deadCollector struct {
	free    chan struct{}
	mu      sync.Mutex
	batches []int
	err     error
}

func (d *deadCollector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	select {
	case <-d.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batches = append(d.batches, countSpans(spans))
	return d.err
}

// countSpans reads the message as a collector would.
func countSpans(spans []*tracepb.ResourceSpans) int {
	wire, err := proto.Marshal(spans[0])
	if err != nil {
		panic(err)
	}
	var plain tracepb.ResourceSpans
	if err := proto.Unmarshal(wire, &plain); err != nil {
		panic(err)
	}
	return len(plain.ScopeSpans[0].Spans)
}

func (*deadCollector) Stop(context.Context) error { return nil }

// withQueue is a Telemetry whose spans go to u.
func withQueue(t testing.TB, u uploader, s TraceSettings) *Telemetry {
	t.Helper()
	set := settings("")
	set.Traces.Exporter = "none"
	tel := start(t, set)
	tel.queue = newQueue(u, envelope(&set, resource.Empty()), s, nil)
	return tel
}

// Calls against a collector that never answers return at once; every span is
// accounted for, exactly.
func TestDeadCollectorDropsAndCounts(t *testing.T) {
	dead := &deadCollector{free: make(chan struct{})}
	s := settings("").Traces
	s.Queue, s.Batch, s.Timeout = 100, 10, time.Hour
	tel := withQueue(t, dead, s)
	rec := records()["chat"]
	const calls = 5000
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			for range calls / 5 {
				tel.Begin(call.Parent{}).End(rec)
			}
		})
	}
	all.Wait() // would hang if a call waited
	_, dropped, _ := tel.Exports()
	if held := calls - dropped; held < 100 || held > 110 { // the queue, and the batch in hand
		t.Errorf("%d held", held)
	}
	close(dead.free)
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	exported, dropped, failed := tel.Exports()
	if exported+dropped != calls || failed != 0 || exported < 100 {
		t.Errorf("%d exported, %d dropped, %d failed of %d", exported, dropped, failed, calls)
	}
	if held := tel.queue.bytes.Load(); held != 0 {
		t.Errorf("%d bytes are still counted", held)
	}
	tel.Begin(call.Parent{}).End(rec)
	if _, after, _ := tel.Exports(); after != dropped+1 {
		t.Errorf("a call after Shutdown: %d dropped, want %d", after, dropped+1)
	}
}

// What can't be sent within Shutdown's time is failed, not lost from the counts.
func TestShutdownIsBounded(t *testing.T) {
	dead := &deadCollector{free: make(chan struct{})}
	s := settings("").Traces
	s.Timeout = time.Hour
	tel := withQueue(t, dead, s)
	for range 50 {
		tel.Begin(call.Parent{}).End(records()["chat"])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := tel.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if exported, dropped, failed := tel.Exports(); exported != 0 || dropped != 0 || failed != 50 {
		t.Errorf("%d exported, %d dropped, %d failed", exported, dropped, failed)
	}
}

func TestBatches(t *testing.T) {
	open := &deadCollector{free: make(chan struct{})}
	close(open.free)
	s := settings("").Traces
	s.Batch, s.Interval = 16, time.Hour
	tel := withQueue(t, open, s)
	for range 40 {
		tel.Begin(call.Parent{}).End(records()["chat"])
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, n := range open.batches {
		if n > 16 {
			t.Errorf("a batch of %d", n)
		}
		sum += n
	}
	if sum != 40 {
		t.Errorf("%d spans in %v", sum, open.batches)
	}
}

// Spans with content are large: batches and the queue are bounded in bytes too.
func TestBytesAreBounded(t *testing.T) {
	dead := &deadCollector{free: make(chan struct{})}
	s := settings("").Traces
	s.Queue, s.Batch = 100_000, 10_000
	tel := withQueue(t, dead, s)
	tel.content = true
	rec := records()["chat"]
	rec.InputMessages = []byte(`["` + strings.Repeat("x", maxContent-4) + `"]`)
	const calls = 1000
	for range calls {
		tel.Begin(call.Parent{}).End(rec)
	}
	if held := tel.queue.bytes.Load(); held > maxQueueBytes {
		t.Errorf("%d bytes wait", held)
	}
	if _, dropped, _ := tel.Exports(); dropped < calls/3 {
		t.Errorf("only %d dropped", dropped)
	}
	close(dead.free)
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, n := range dead.batches {
		if n*maxContent > maxBatchBytes+maxContent {
			t.Errorf("a batch of %d large spans", n)
		}
	}
}

func TestFailuresAreHeardAndCounted(t *testing.T) {
	r := &receiver{refuse: status.Error(codes.InvalidArgument, "no")}
	s := settings(r.startGRPC(t))
	var mu sync.Mutex
	var heard []error
	s.OnError = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, err)
	}
	tel := start(t, s)
	for range 3 {
		tel.Begin(call.Parent{}).End(records()["chat"])
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if exported, _, failed := tel.Exports(); exported != 0 || failed != 3 {
		t.Errorf("%d exported, %d failed", exported, failed)
	}
	if len(heard) == 0 {
		t.Error("nobody heard of it")
	}
}

// A collector that is down for a moment is retried within the timeout.
func TestRetry(t *testing.T) {
	r := &receiver{refuse: status.Error(codes.Unavailable, "restarting")}
	s := settings(r.startGRPC(t))
	tel := start(t, s)
	tel.Begin(call.Parent{}).End(records()["chat"])
	time.Sleep(50 * time.Millisecond)
	r.mu.Lock()
	r.refuse = nil
	r.mu.Unlock()
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if exported, dropped, failed := tel.Exports(); exported != 1 {
		t.Errorf("%d exported, %d dropped, %d failed", exported, dropped, failed)
	}
}

func TestPartialSuccess(t *testing.T) {
	for _, protocol := range []string{"grpc", "http"} {
		r := &receiver{rejected: 2}
		url := r.startGRPC(t)
		if protocol == "http" {
			url = r.startHTTP(t)
		}
		s := settings(url)
		s.Traces.Protocol, s.Traces.Interval = protocol, time.Hour
		tel := start(t, s)
		for range 5 {
			tel.Begin(call.Parent{}).End(records()["chat"])
		}
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if exported, _, failed := tel.Exports(); exported != 3 || failed != 2 {
			t.Errorf("%s: %d exported, %d failed", protocol, exported, failed)
		}
	}
}

func TestRejectedSpans(t *testing.T) {
	for text, want := range map[string]int64{
		"OTLP partial success: quota (3 spans rejected)":                               3,
		"OTLP partial success: empty message (0 spans rejected)":                       0,
		"OTLP partial success: x (99 spans rejected)":                                  10,
		"OTLP partial success: x (1 spans rejected)\nrpc error: code = Unavailable":    10,
		"rpc error: code = Unavailable desc = OTLP partial success: (1 span rejected)": 10,
	} {
		if got := rejectedSpans(errors.New(text), 10); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
