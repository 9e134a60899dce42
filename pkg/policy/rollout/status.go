package rollout

import (
	"sync"
	"sync/atomic"
	"time"
)

// Status is all that can be said of a rollout.
type Status struct {
	Mode      Mode       `json:"mode"`
	Active    Revision   `json:"active"`
	Candidate *Candidate `json:"candidate,omitempty"`
	Previous  *Revision  `json:"previous,omitempty"`
	// Refused is the set that was rolled back last, while it is kept out.
	Refused *Refused `json:"refused,omitempty"`
	Canary  *Sharing `json:"canary,omitempty"` // how calls are shared out, mode canary
	Shadow  *Shadows `json:"shadow,omitempty"` // mode shadow
	// Rollbacks since the start, by reason.
	Rollbacks map[string]int64 `json:"rollbacks,omitempty"`
}

// Revision is a set, and since when it is what it is.
type Revision struct {
	Revision string     `json:"revision"`
	Since    *time.Time `json:"since,omitempty"`
}

// Candidate is a set on trial.
type Candidate struct {
	Revision string    `json:"revision"`
	Since    time.Time `json:"since"`
	Window   *Window   `json:"window"`
}

// Window compares the two sides over the band's window. In a shadow's trial
// what is counted is evaluations, in a canary's calls.
type Window struct {
	Active    Figures `json:"active"`
	Candidate Figures `json:"candidate"`
	// Seconds is how long the candidate has been on trial.
	Seconds float64 `json:"seconds"`
	// Waits says why the two are not compared yet, "" where they are.
	Waits string `json:"waits,omitempty"`
}

// Figures are one side's.
type Figures struct {
	Calls      uint64  `json:"calls"`
	Errors     uint64  `json:"errors"`
	Denials    uint64  `json:"denials"`
	ErrorRate  float64 `json:"error_rate"`
	DenialRate float64 `json:"denial_rate"`
	// P95 is the 95th percentile of the evaluation time in seconds, at most a quarter
	// too high.
	P95 float64 `json:"p95_seconds"`
}

func figuresOf(c *counts) Figures {
	return Figures{Calls: c.calls, Errors: c.errors, Denials: c.denials, ErrorRate: c.rate(c.errors), DenialRate: c.rate(c.denials), P95: c.p95().Seconds()}
}

func (f *Figures) logged() []any {
	return []any{"calls", f.Calls, "errors", f.Errors, "denials", f.Denials, "p95_seconds", f.P95}
}

// Refused is a rollback.
type Refused struct {
	Revision string `json:"revision"`
	// Reason is errors, denials, latency or operator.
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	// Window are the figures of the trial that it ended, nil where the set was in
	// force.
	Window *Window `json:"window,omitempty"`
}

// Sharing says which calls a canary judges, and the band it must keep to.
type Sharing struct {
	Share                 float64  `json:"share"`
	Key                   string   `json:"key"`
	Tenants               []string `json:"tenants,omitempty"`
	MinCalls              int      `json:"min_calls"`
	WindowSeconds         float64  `json:"window_seconds"`
	MaxErrorRateIncrease  float64  `json:"max_error_rate_increase"`
	MaxDenialRateIncrease float64  `json:"max_denial_rate_increase"`
	MaxLatencyRatio       float64  `json:"max_latency_ratio"`
	PromoteAfterSeconds   float64  `json:"promote_after_seconds"`
}

// Shadows are the evaluations of shadowing candidates since the start.
type Shadows struct {
	Evaluated int64 `json:"evaluated"`
	// Dropped found no room in the queue.
	Dropped int64 `json:"dropped"`
	// Differed is how many decisions were not the active set's, Differences in
	// what, by kind; one decision may differ in several.
	Differed    int64            `json:"differed"`
	Differences map[string]int64 `json:"differences,omitempty"`
}

// Status says how things stand.
func (r *Rollout) Status() Status {
	s, now := r.state.Load(), r.now()
	out := Status{Mode: r.options.Mode, Active: Revision{s.active.Revision(), &s.since}, Rollbacks: r.totals.rollbacks()}
	if s.trial != nil {
		out.Candidate = &Candidate{Revision: s.trial.set.Revision(), Since: s.trial.staged, Window: s.trial.figures(now)}
	}
	if s.previous != nil {
		out.Previous = &Revision{Revision: s.previous.Revision()}
	}
	if s.refused != nil {
		refused := s.refused.Refused
		out.Refused = &refused
	}
	switch r.options.Mode {
	case Canary:
		out.Canary = r.options.sharing()
	case Shadow:
		out.Shadow = r.totals.shadows()
	}
	return out
}

func (o *Options) sharing() *Sharing {
	return &Sharing{
		Share: o.Share, Key: o.Key, Tenants: o.Tenants, MinCalls: o.Band.MinCalls, WindowSeconds: o.Band.Window.Seconds(),
		MaxErrorRateIncrease: o.Band.MaxErrorRateIncrease, MaxDenialRateIncrease: o.Band.MaxDenialRateIncrease,
		MaxLatencyRatio: o.Band.MaxLatencyRatio, PromoteAfterSeconds: o.PromoteAfter.Seconds(),
	}
}

// totals count since the start, for metrics.
type totals struct {
	sides       [sides]struct{ calls, errors, denials atomic.Int64 }
	evaluated   atomic.Int64
	dropped     atomic.Int64
	differed    atomic.Int64
	differences [len(kinds)]atomic.Int64

	mu       sync.Mutex
	byReason map[string]int64
}

func (t *totals) add(on side, o *Outcome) {
	c := &t.sides[on]
	c.calls.Add(1)
	if o.Failed {
		c.errors.Add(1)
	}
	if o.Denied {
		c.denials.Add(1)
	}
}

func (t *totals) rolledBack(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byReason == nil {
		t.byReason = map[string]int64{}
	}
	t.byReason[reason]++
}

func (t *totals) rollbacks() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[string]int64, len(t.byReason))
	for reason, n := range t.byReason {
		out[reason] = n
	}
	return out
}

func (t *totals) shadows() *Shadows {
	s := &Shadows{Evaluated: t.evaluated.Load(), Dropped: t.dropped.Load(), Differed: t.differed.Load(), Differences: map[string]int64{}}
	for i, kind := range kinds {
		if n := t.differences[i].Load(); n > 0 {
			s.Differences[string(kind)] = n
		}
	}
	return s
}

// Counters are the totals since the start, as metrics tell them.
type Counters struct {
	// State is idle, shadow or canary.
	State string
	// Active and Candidate are the revisions; Candidate is "" where none is on
	// trial.
	Active, Candidate string
	// Sides are the calls of canary trials, by role.
	Sides     map[Role]SideCounters
	Shadow    Shadows
	Rollbacks map[string]int64
}

// SideCounters are one role's calls.
type SideCounters struct{ Calls, Errors, Denials int64 }

// Counters are the totals now.
func (r *Rollout) Counters() Counters {
	s := r.state.Load()
	c := Counters{State: "idle", Active: s.active.Revision(), Shadow: *r.totals.shadows(), Rollbacks: r.totals.rollbacks(), Sides: map[Role]SideCounters{}}
	if s.trial != nil {
		c.State, c.Candidate = string(s.trial.mode), s.trial.set.Revision()
	}
	for role, on := range map[Role]side{RoleActive: activeSide, RoleCanary: candidateSide} {
		n := &r.totals.sides[on]
		c.Sides[role] = SideCounters{n.calls.Load(), n.errors.Load(), n.denials.Load()}
	}
	return c
}
