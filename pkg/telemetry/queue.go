package telemetry

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
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

	max   int          // spans that may wait
	bytes atomic.Int64 // waiting and in hand

	exported, dropped, failed atomic.Int64

	mu      sync.Mutex
	closed  bool    // against add
	full    []batch // ready to leave, oldest first
	open    batch   // takes spans
	waiting int     // spans in both
	last    int     // bytes of the last batch, to make room for the next at once

	wake    chan struct{}      // a batch is full
	stop    chan struct{}      // closed by shutdown
	abandon context.CancelFunc // ends the export in hand
	done    chan struct{}      // closed by the worker
}

func newQueue(u uploader, resource *tracepb.ResourceSpans, s TraceSettings, onError func(error)) *queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &queue{
		uploader: u, resource: resource, batch: s.Batch, interval: s.Interval, timeout: s.Timeout, onError: onError,
		max: s.Queue, wake: make(chan struct{}, 1),
		stop: make(chan struct{}), abandon: cancel, done: make(chan struct{}),
	}
	go q.work(ctx)
	return q
}

// add takes a copy of a span's fields, or drops them where count or bytes are at
// their bound. The worker is woken by a full batch or its timer, not by a span.
func (q *queue) add(span []byte) {
	size := protowire.SizeTag(fieldScopeSpans) + protowire.SizeBytes(len(span))
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.waiting >= q.max || q.bytes.Load()+int64(size) > maxQueueBytes {
		q.dropped.Add(1)
		return
	}
	q.bytes.Add(int64(size))
	q.waiting++
	b := &q.open
	if b.wire == nil {
		b.wire = make([]byte, 0, q.last+q.last/4) // a little more, lest it must grow
	}
	b.wire = protowire.AppendTag(b.wire, fieldScopeSpans, protowire.BytesType)
	b.wire = protowire.AppendBytes(b.wire, span)
	if b.n++; b.n < q.batch && len(b.wire) < maxBatchBytes {
		return
	}
	q.full, q.open = append(q.full, q.open), batch{}
	select {
	case q.wake <- struct{}{}:
	default: // it knows
	}
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

// work exports batches as they fill, and at intervals what there is, until
// shutdown; then the rest.
func (q *queue) work(ctx context.Context) {
	defer close(q.done)
	timer := time.NewTimer(q.interval)
	defer timer.Stop()
	for {
		select {
		case <-q.wake:
			q.send(ctx, false)
		case <-timer.C:
			q.send(ctx, true)
			timer.Reset(q.interval)
		case <-q.stop:
			q.send(ctx, true)
			return
		}
	}
}

// send exports the full batches, and, if all, the one that is not.
func (q *queue) send(ctx context.Context, all bool) {
	for b := q.next(all); b.n > 0; b = q.next(all) {
		q.export(ctx, b)
	}
}

// batch is what leaves in one message: n elements of ScopeSpans.spans.
type batch struct {
	wire []byte
	n    int
}

// next is the batch to export, empty where there is none.
func (q *queue) next(all bool) (b batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.full) > 0:
		b, q.full[0] = q.full[0], batch{}
		q.full = q.full[1:]
	case all:
		b, q.open = q.open, batch{}
	}
	if b.n > 0 {
		q.waiting, q.last = q.waiting-b.n, len(b.wire)
	}
	return b
}

// export sends a batch. One that fails is lost and counted; the client has
// retried until the timeout.
func (q *queue) export(ctx context.Context, b batch) {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	err := q.uploader.UploadTraces(ctx, q.message(b.wire))
	cancel()
	n := int64(b.n)
	rejected := rejectedSpans(err, n)
	q.failed.Add(rejected)
	q.exported.Add(n - rejected)
	q.bytes.Add(-int64(len(b.wire)))
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
