package telemetry

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// maxQueueBytes bounds the spans waiting for export together, maxBatchBytes those
// of one message: collectors refuse messages over 4 MiB.
const (
	maxQueueBytes = 32 << 20
	maxBatchBytes = 2 << 20
)

// uploader sends spans: an otlptrace.Client, started.
type uploader interface {
	UploadTraces(context.Context, []*tracepb.ResourceSpans) error
	Stop(context.Context) error
}

// queue stands between the calls and a collector that may be slow or dead: a
// span that finds no room is dropped and counted, and no call ever waits. One
// goroutine exports.
type queue struct {
	uploader uploader
	resource *tracepb.ResourceSpans // of each message, without spans
	batch    int
	interval time.Duration
	timeout  time.Duration // of one export, retries included
	onError  func(error)

	spans chan []byte
	bytes atomic.Int64

	exported, dropped, failed atomic.Int64

	mu      sync.RWMutex // closed against add
	closed  bool
	stop    chan struct{}      // closed by shutdown
	abandon context.CancelFunc // ends the export in hand
	done    chan struct{}      // closed by the worker
}

func newQueue(u uploader, resource *tracepb.ResourceSpans, s TraceSettings, onError func(error)) *queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &queue{
		uploader: u, resource: resource, batch: s.Batch, interval: s.Interval, timeout: s.Timeout, onError: onError,
		spans: make(chan []byte, s.Queue),
		stop:  make(chan struct{}), abandon: cancel, done: make(chan struct{}),
	}
	go q.work(ctx)
	return q
}

// add takes a span, as encoder.finish gives it, or drops it where count or bytes
// are at their bound.
func (q *queue) add(span []byte) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		q.dropped.Add(1)
		return
	}
	size := int64(len(span))
	if q.bytes.Add(size) <= maxQueueBytes {
		select {
		case q.spans <- span:
			return
		default:
		}
	}
	q.bytes.Add(-size)
	q.dropped.Add(1)
}

// shutdown exports what waits, within ctx; what is then left counts as failed.
func (q *queue) shutdown(ctx context.Context) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.mu.Unlock()
	close(q.stop)
	var late error
	select {
	case <-q.done:
	case <-ctx.Done():
		late = context.Cause(ctx)
		q.abandon()
		<-q.done
	}
	q.abandon()
	return errors.Join(late, q.uploader.Stop(ctx))
}

// work gathers spans to batches until shutdown, then exports the rest.
func (q *queue) work(ctx context.Context) {
	defer close(q.done)
	timer := time.NewTimer(q.interval)
	defer timer.Stop()
	var b batch
	for {
		select {
		case s := <-q.spans:
			if b.add(s) < q.batch && b.bytes < maxBatchBytes {
				continue
			}
			q.export(ctx, &b)
		case <-timer.C:
			q.export(ctx, &b)
			timer.Reset(q.interval)
		case <-q.stop:
			q.drain(ctx, &b)
			return
		}
	}
}

// drain exports what is left once no more can come.
func (q *queue) drain(ctx context.Context, b *batch) {
	for {
		select {
		case s := <-q.spans:
			if b.add(s) >= q.batch || b.bytes >= maxBatchBytes {
				q.export(ctx, b)
			}
		default:
			q.export(ctx, b)
			return
		}
	}
}

// batch is what leaves in one message: elements of ScopeSpans.spans.
type batch struct {
	spans [][]byte
	bytes int
}

func (b *batch) add(span []byte) int {
	b.spans = append(b.spans, span)
	b.bytes += len(span)
	return len(b.spans)
}

// export sends the batch and empties it. A batch that fails is lost and counted;
// the client has retried until the timeout.
func (q *queue) export(ctx context.Context, b *batch) {
	n := int64(len(b.spans))
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	err := q.uploader.UploadTraces(ctx, q.message(slices.Concat(b.spans...)))
	cancel()
	rejected := rejectedSpans(err, n)
	q.failed.Add(rejected)
	q.exported.Add(n - rejected)
	q.bytes.Add(-int64(b.bytes))
	clear(b.spans)
	b.spans, b.bytes = b.spans[:0], 0
	if err != nil && q.onError != nil {
		q.onError(fmt.Errorf("export %d spans: %w", n, err))
	}
}

// message puts encoded spans into one message of the envelope. They go in as
// fields that the message's own struct does not hold, which protobuf writes out
// as they are: on the wire they are ScopeSpans.spans like any other.
func (q *queue) message(wire []byte) []*tracepb.ResourceSpans {
	spans := &tracepb.ScopeSpans{Scope: q.resource.ScopeSpans[0].Scope, SchemaUrl: schemaURL}
	spans.ProtoReflect().SetUnknown(wire)
	return []*tracepb.ResourceSpans{{Resource: q.resource.Resource, SchemaUrl: q.resource.SchemaUrl, ScopeSpans: []*tracepb.ScopeSpans{spans}}}
}

var partialSuccess = regexp.MustCompile(`^OTLP partial success: [^\n]*\((\d+) spans rejected\)$`)

// rejectedSpans is how many of n spans an export's error means: all, unless the
// collector took a part. The client's own error type is internal to it, so its
// text is read.
func rejectedSpans(err error, n int64) int64 {
	if err == nil {
		return 0
	}
	if m := partialSuccess.FindStringSubmatch(err.Error()); m != nil {
		rejected, _ := strconv.ParseInt(m[1], 10, 64)
		return min(rejected, n)
	}
	return n
}
