// Package rollout decides which of the loaded policy sets judges a call: the
// active one, or a candidate on trial beside it.
//
// Most callers want [New] with the first set, [Rollout.Stage] for each set that
// is loaded later, [Rollout.Choose] once a call and [Part.Done] at its end. A
// candidate either shadows the active set (it decides the same facts and nothing
// of that is carried out) or is a canary (it judges a stable share of the calls).
// A canary that leaves the [Band] is rolled back by the call that shows it; a
// call in flight keeps the set it began with.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Set is one loaded, immutable revision of the policies. Safe for concurrent use.
type Set interface {
	Evaluate(ctx context.Context, in *policy.Input) (*policy.Decision, error)
	Has(phase policy.Phase) bool
	Reads(phase policy.Phase, path ...string) bool
	// Detect is nil where the set declares no entities of its own.
	Detect() *detect.Set
	Revision() string
	// Freeze takes what the set reads out of in, so that evaluate can decide it
	// when the call it belongs to is over. size is about how many bytes that is.
	Freeze(in *policy.Input) (evaluate func(context.Context) (*policy.Decision, error), size int)
}

// Mode is how a new set is brought in.
type Mode string

// Modes.
const (
	// Direct puts a new set in force at once.
	Direct Mode = "direct"
	// Shadow has it decide beside the active one, without effect.
	Shadow Mode = "shadow"
	// Canary has it judge a share of the calls.
	Canary Mode = "canary"
)

// Role is what a set is to a call.
type Role string

// Roles. A call has none while there is no canary.
const (
	RoleActive Role = "active"
	RoleCanary Role = "canary"
)

// Options are the operator's choices.
type Options struct {
	Mode Mode
	// Share of the calls that a canary judges, over 0, at most 1.
	Share float64
	// Key is what makes the share stable: subject, tenant, team or call.
	Key string
	// Tenants limits a canary to these; empty is all.
	Tenants []string
	Band    Band
	// PromoteAfter promotes a canary that has been in the band for that long; 0
	// leaves it to the operator.
	PromoteAfter time.Duration
	// Queue bounds the evaluations that wait for the shadow; 0 is 1024.
	Queue int
	// Logger is told of every change, and of differences; nil is silence.
	Logger *slog.Logger
	// OnActive is told the revision in force after each change; nil is nobody.
	OnActive func(revision string)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Errors of an operator's wish that does not fit what is there.
var (
	// ErrNothing: there is no candidate, or no set to go back to.
	ErrNothing = errors.New("there is nothing to")
	// ErrRevision: another revision is meant than is there.
	ErrRevision = errors.New("the revision is another one by now")
)

// Rollout holds the sets. Safe for concurrent use.
type Rollout struct {
	options Options
	log     *slog.Logger
	now     func() time.Time
	totals  totals
	shadow  *shadow // nil in other modes

	changing sync.Mutex // one change at a time
	state    atomic.Pointer[state]
}

// state is immutable: a change makes a new one.
type state struct {
	active   Set
	since    time.Time
	trial    *trial // of the candidate, nil where there is none
	previous Set    // the active one before, nil where there is none
	refused  *refusal
}

// refusal is a set that was rolled back. It is not staged again by being loaded
// again.
type refusal struct {
	set Set
	Refused
}

// New begins with first in force. Close ends what it started.
func New(first Set, o Options) *Rollout {
	r := &Rollout{options: o, log: o.Logger, now: o.Now}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.state.Store(&state{active: first, since: r.now()})
	if o.Mode == Shadow {
		r.shadow = newShadow(r)
	}
	return r
}

// Close ends the shadow's worker; what waits for it is dropped.
func (r *Rollout) Close() {
	if r.shadow != nil {
		r.shadow.close()
	}
}

// Active is the set in force.
func (r *Rollout) Active() Set { return r.state.Load().active }

// Stage takes a set that was loaded: it becomes the candidate, in the place of
// an earlier one, or is in force at once where the mode is Direct or where
// nothing could be decided so far. The active revision ends a trial, a refused
// one is left alone.
func (r *Rollout) Stage(set Set) {
	r.changing.Lock()
	defer r.changing.Unlock()
	s, revision := *r.state.Load(), set.Revision()
	switch {
	case revision == s.active.Revision():
		r.endTrial(&s)
	case s.trial != nil && revision == s.trial.set.Revision():
	case s.refused != nil && revision == s.refused.Revision:
		r.log.Info("the policy was loaded again after it was rolled back; it stays out", "revision", revision, "reason", s.refused.Reason)
	case r.options.Mode == Direct || isPending(s.active):
		r.activate(&s, set)
		r.log.Info("policy in force", "revision", revision)
	default:
		s.trial, s.refused = newTrial(set, &r.options, r.now()), nil
		r.state.Store(&s)
		r.log.Info("policy on trial", "revision", revision, "mode", string(r.options.Mode), "active", s.active.Revision())
	}
}

// isPending reports whether set decides nothing yet.
func isPending(set Set) bool {
	p, ok := set.(interface{ Pending() error })
	return ok && p.Pending() != nil
}

// endTrial is what a load of the active revision comes to: the files have gone
// back to it.
func (r *Rollout) endTrial(s *state) {
	if s.trial != nil {
		r.log.Info("policy trial ended: the policy in force was loaded again", "candidate", s.trial.set.Revision(), "active", s.active.Revision())
	}
	s.trial, s.refused = nil, nil
	r.state.Store(s)
}

// activate puts set in force.
func (r *Rollout) activate(s *state, set Set) {
	if !isPending(s.active) {
		s.previous = s.active
	}
	s.active, s.since, s.trial, s.refused = set, r.now(), nil, nil
	r.store(s)
}

func (r *Rollout) store(s *state) {
	r.state.Store(s)
	if r.options.OnActive != nil {
		r.options.OnActive(s.active.Revision())
	}
}

// Promote puts the candidate in force for all calls that begin from now on, or
// the set that was rolled back last, where revision names it. revision may be ""
// for the candidate, whichever it is; by is who wants it, for the log.
func (r *Rollout) Promote(revision, by string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	s := *r.state.Load()
	set, err := s.promotable(revision)
	if err != nil {
		return err
	}
	before := s.active.Revision()
	r.activate(&s, set)
	r.log.Info("policy promoted", "revision", set.Revision(), "before", before, "by", by)
	return nil
}

// promotable is the set that revision means.
func (s *state) promotable(revision string) (Set, error) {
	switch {
	case s.trial != nil && (revision == "" || revision == s.trial.set.Revision()):
		return s.trial.set, nil
	case s.refused != nil && revision == s.refused.Revision:
		return s.refused.set, nil
	case s.trial != nil:
		return nil, fmt.Errorf("%w: the candidate is %s, not %s", ErrRevision, s.trial.set.Revision(), revision)
	case revision == "" && s.refused != nil:
		return nil, fmt.Errorf("%w promote: the last candidate, %s, was rolled back; name its revision to promote it all the same", ErrNothing, s.refused.Revision)
	case revision == "":
		return nil, fmt.Errorf("%w promote: no candidate is on trial", ErrNothing)
	}
	return nil, fmt.Errorf("%w: no candidate is on trial, and %s is not the one rolled back last", ErrRevision, revision)
}

// ByOperator is the reason of a rollback that a person wanted.
const ByOperator = "operator"

// Rollback drops the candidate or, where there is none, puts the set that was
// in force before in force again. What is rolled back is not staged again by
// being loaded again. revision is what the caller believes to roll back, ""
// whatever it is; by is who wants it, for the log.
func (r *Rollout) Rollback(revision, by string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	s := *r.state.Load()
	if s.trial != nil {
		if err := meant(revision, s.trial.set, "the candidate"); err != nil {
			return err
		}
		r.refuse(&s, s.trial.set, Refused{Reason: ByOperator, By: by, Window: s.trial.figures(r.now())})
		return nil
	}
	if s.previous == nil {
		return fmt.Errorf("%w roll back: no candidate is on trial, and no earlier policy is kept", ErrNothing)
	}
	if err := meant(revision, s.active, "the policy in force"); err != nil {
		return err
	}
	bad := s.active
	s.active, s.since, s.previous = s.previous, r.now(), nil
	r.refuse(&s, bad, Refused{Reason: ByOperator, By: by})
	return nil
}

func meant(revision string, set Set, what string) error {
	if revision == "" || revision == set.Revision() {
		return nil
	}
	return fmt.Errorf("%w: %s is %s, not %s", ErrRevision, what, set.Revision(), revision)
}

// refuse ends a trial, remembers bad and says so.
func (r *Rollout) refuse(s *state, bad Set, why Refused) {
	why.Revision, why.At = bad.Revision(), r.now()
	s.trial, s.refused = nil, &refusal{set: bad, Refused: why}
	r.totals.rolledBack(why.Reason)
	r.store(s)
	attrs := []any{"revision", why.Revision, "active", s.active.Revision(), "reason", why.Reason, "by", why.By}
	if w := why.Window; w != nil {
		attrs = append(attrs, slog.Group("candidate_figures", w.Candidate.logged()...), slog.Group("active_figures", w.Active.logged()...), "seconds", w.Seconds)
	}
	r.log.Warn("policy rolled back", attrs...)
}

// conclude carries out what a trial's figures come to, unless the trial is over
// already.
func (r *Rollout) conclude(t *trial, v verdict) {
	r.changing.Lock()
	defer r.changing.Unlock()
	s := *r.state.Load()
	if s.trial != t {
		return
	}
	if v.promote {
		before := s.active.Revision()
		r.activate(&s, t.set)
		r.log.Info("policy promoted", "revision", t.set.Revision(), "before", before, "by", "promote_after")
		return
	}
	r.refuse(&s, t.set, Refused{Reason: v.reason, By: "regent", Window: v.window})
}
