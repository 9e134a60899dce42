package telemetry

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Why an attempt has no status, as its error.type.
const (
	noAnswer    = "no_answer"
	clientAbort = "client_abort"
)

// attempts measures the tries at upstreams: what tells a dear model from a slow
// target, and a target that is down from one that nobody calls.
type attempts struct {
	duration metric.Float64Histogram

	mu   sync.RWMutex
	sets map[[3]string]metric.MeasurementOption // target, model, error; at most cachedSets
}

// attempts records a call's tries.
func (m *metrics) attempts(ctx context.Context, r *call.Record) {
	if len(r.Attempts) == 0 {
		return
	}
	model := m.models.of(r.RequestModel, admits(r))
	for i := range r.Attempts {
		a := &r.Attempts[i]
		took := max(ended(a, r).Sub(a.Started), 0)
		m.tries.duration.Record(ctx, took.Seconds(), m.tries.set(m.targets.of(a.Target, true), model, attemptError(a, r)))
	}
}

// ended is when the attempt's answer was read, the call's end where it had none.
func ended(a *call.AttemptRecord, r *call.Record) time.Time {
	if a.Ended.IsZero() {
		return r.Ended
	}
	return a.Ended
}

// attemptError is an attempt's error.type, "" for a good answer.
func attemptError(a *call.AttemptRecord, r *call.Record) string {
	switch {
	case a.Status >= 400 && a.Status < 600:
		return strconv.Itoa(a.Status)
	case a.Status != 0:
		return ""
	case r.Aborted:
		return clientAbort
	}
	return noAnswer
}

func (t *attempts) set(target, model, errorType string) metric.MeasurementOption {
	k := [3]string{target, model, errorType}
	t.mu.RLock()
	s := t.sets[k]
	t.mu.RUnlock()
	if s != nil {
		return s
	}
	var all labels
	all.str(attrTarget, target)
	all.str(attrRequestModel, model)
	all.str(attrErrorType, errorType)
	s = option(all)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sets == nil {
		t.sets = map[[3]string]metric.MeasurementOption{}
	}
	if len(t.sets) < cachedSets {
		t.sets[k] = s
	}
	return s
}

// zero has the counters that alerts watch exist from the start: a series that
// begins with its first event never shows that event as an increase.
func (m *metrics) zero(ctx context.Context) {
	for _, counter := range []metric.Int64Counter{m.failOpen, m.panics, m.headers, m.localReplies} {
		counter.Add(ctx, 0)
	}
	for _, kind := range []policy.ErrorKind{policy.Timeout, policy.Eval, policy.Undefined, policy.Decode, policy.Conflict, policy.Panic} {
		m.policyErrors.Add(ctx, 0, with(attrKind, string(kind)))
	}
	for _, result := range []string{"ok", "failed"} {
		m.reloads.Add(ctx, 0, with(attrResult, result))
	}
}
