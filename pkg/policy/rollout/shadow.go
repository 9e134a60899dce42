package rollout

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Bounds of what waits for the shadow: evaluations where the options name no
// other number, and the bytes of their facts.
const (
	defaultQueue = 1024
	maxWaiting   = 64 << 20
)

// shadow evaluates candidates beside the calls, in one goroutine: it takes at
// most one core. What finds no room is dropped and counted.
type shadow struct {
	rollout *Rollout
	jobs    chan job
	waiting atomic.Int64 // bytes
	lines   lines

	stop context.CancelFunc
	done sync.WaitGroup
}

// job is one evaluation that waits.
type job struct {
	trial    *trial
	evaluate func(context.Context) (*policy.Decision, error) // nil where the candidate has no rules for the phase
	size     int64
	call     string
	phase    policy.Phase
	decision *policy.Decision
	err      error
	took     time.Duration // of the active set
}

func newShadow(r *Rollout) *shadow {
	size := r.options.Queue
	if size <= 0 {
		size = defaultQueue
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &shadow{rollout: r, jobs: make(chan job, size), stop: stop, lines: lines{now: r.now}}
	s.done.Go(func() { s.work(ctx) })
	return s
}

func (s *shadow) close() {
	s.stop()
	s.done.Wait()
}

// offer queues one evaluation. What the candidate reads is taken out of the
// facts here, since texts lie in buffers that end with the call; that is a small
// part of what the evaluation costs.
func (s *shadow) offer(t *trial, in *policy.Input, decision *policy.Decision, err error, took time.Duration) {
	if len(s.jobs) == cap(s.jobs) || s.waiting.Load() >= maxWaiting {
		s.rollout.totals.dropped.Add(1)
		return
	}
	j := job{trial: t, call: in.Call.ID, phase: in.Phase, decision: ours(decision), err: err, took: took}
	if t.set.Has(in.Phase) {
		evaluate, size := t.set.Freeze(in)
		j.evaluate, j.size = evaluate, int64(size)
	}
	s.waiting.Add(j.size)
	select {
	case s.jobs <- j:
	default:
		s.waiting.Add(-j.size)
		s.rollout.totals.dropped.Add(1)
	}
}

// ours is a copy of d that the call does not write to: it adds the labels of
// later phases to those of the first.
func ours(d *policy.Decision) *policy.Decision {
	if d == nil {
		return &policy.Decision{}
	}
	c := *d
	c.Labels = maps.Clone(d.Labels)
	return &c
}

func (s *shadow) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-s.jobs:
			s.judge(ctx, &j)
			s.waiting.Add(-j.size)
		}
	}
}

// judge evaluates one job and counts how it came out.
func (s *shadow) judge(ctx context.Context, j *job) {
	candidate, err, took := &policy.Decision{}, error(nil), time.Duration(0)
	if j.evaluate != nil {
		began := time.Now()
		candidate, err = j.evaluate(ctx)
		took = time.Since(began)
	}
	if ctx.Err() != nil { // the end of the process, not the candidate's fault
		return
	}
	now := s.rollout.now()
	j.trial.add(activeSide, outcomeOf(j.decision, j.err, j.took), now)
	j.trial.add(candidateSide, outcomeOf(candidate, err, took), now)
	different := Compare(j.decision, j.err, candidate, err)
	s.rollout.totals.shadowed(different)
	if len(different) > 0 {
		s.tell(j, candidate, err, different)
	}
}

func outcomeOf(d *policy.Decision, err error, took time.Duration) *Outcome {
	return &Outcome{Failed: err != nil, Denied: err == nil && len(d.Deny)+len(d.Review) > 0, Evaluated: took}
}

func (t *totals) shadowed(different []Kind) {
	for i, kind := range kinds {
		if slices.Contains(different, kind) {
			t.differences[i].Add(1)
		}
	}
	if len(different) > 0 {
		t.differed.Add(1)
	}
	t.evaluated.Add(1) // last: who sees it sees the rest
}

// tell logs a difference: ids and the policies' own words, never content. An
// error may quote a message, so only its kind is written.
func (s *shadow) tell(j *job, candidate *policy.Decision, err error, different []Kind) {
	leftOut, write := s.lines.next()
	if !write {
		return
	}
	attrs := []slog.Attr{
		slog.String("call_id", j.call), slog.String("phase", string(j.phase)), slog.Any("differences", different),
		slog.String("revision", j.trial.set.Revision()),
	}
	for _, each := range []struct {
		name string
		d    *policy.Decision
		err  error
	}{{"active", j.decision, j.err}, {"candidate", candidate, err}} {
		if each.err != nil {
			attrs = append(attrs, slog.String(each.name+"_error", string(policy.KindOf(each.err))))
		} else if len(each.d.Deny) > 0 {
			attrs = append(attrs, slog.Any(each.name+"_codes", codeWords(each.d.Deny)))
		}
	}
	if leftOut > 0 {
		attrs = append(attrs, slog.Int("left_out", leftOut))
	}
	s.rollout.log.LogAttrs(context.Background(), slog.LevelInfo, "policy shadow differs", attrs...)
}

func codeWords(list []policy.Deny) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.Code
	}
	return out
}

// linesAMinute bounds the log lines of differences.
const linesAMinute = 60

// lines is that bound. It is used by the shadow's goroutine alone.
type lines struct {
	now     func() time.Time
	since   time.Time
	written int
	leftOut int
}

// next reports whether a line may be written, and how many were left out since
// the last.
func (l *lines) next() (leftOut int, ok bool) {
	if now := l.now(); now.Sub(l.since) >= time.Minute {
		l.since, l.written = now, 0
	}
	if l.written >= linesAMinute {
		l.leftOut++
		return 0, false
	}
	l.written++
	leftOut, l.leftOut = l.leftOut, 0
	return leftOut, true
}
