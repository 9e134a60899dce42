package rollout

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// Band is what a canary must keep to. Rates are shares of the calls in the
// window, compared between the two sides.
type Band struct {
	// MinCalls is how many calls each side must have in the window before it is
	// compared; at least 1.
	MinCalls int
	Window   time.Duration
	// MaxErrorRateIncrease and MaxDenialRateIncrease are absolute differences:
	// 0.05 lets 8% become 13%.
	MaxErrorRateIncrease, MaxDenialRateIncrease float64
	// MaxLatencyRatio bounds the candidate's 95th percentile of a call's
	// evaluation time by the active one's; 0 is off. Below latencyFloor none is
	// slow.
	MaxLatencyRatio float64
}

// latencyFloor is an evaluation time that no caller feels: ratios of smaller
// ones say more of memories being cold than of a policy.
const latencyFloor = time.Millisecond

// Outcome is what became of a call, as far as a policy can be blamed for it.
type Outcome struct {
	// Failed: the policy could not decide, or the call ended in an error of
	// Regent's, the mesh's or the provider's (500 and up).
	Failed bool
	// Denied: a decision refused the call or parked it for review.
	Denied bool
	// Evaluated is the time of all its evaluations, 0 where there was none.
	Evaluated time.Duration
}

// trial is a candidate and what is known of it. Its counts are behind a lock
// that is held for a few additions.
type trial struct {
	set     Set
	mode    Mode
	options *Options
	staged  time.Time

	mu    sync.Mutex
	seen  *window
	ended bool // a verdict was given
}

func newTrial(set Set, o *Options, now time.Time) *trial {
	return &trial{set: set, mode: o.Mode, options: o, staged: now, seen: newWindow(o.Band.Window, now)}
}

// verdict is what a trial comes to: a promotion, or the reason of a rollback.
type verdict struct {
	promote bool
	reason  string
	window  *Window
}

// add counts one call, and judges the canary by it. At most one verdict is ever
// given.
func (t *trial) add(on side, o *Outcome, now time.Time) (v verdict, given bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.advance(now)
	t.seen.add(on, o)
	if t.mode != Canary || t.ended || t.waits() != "" {
		return v, false
	}
	v.reason = t.options.Band.breach(&t.seen.sums[activeSide], &t.seen.sums[candidateSide])
	v.promote = v.reason == "" && t.options.PromoteAfter > 0 && now.Sub(t.staged) >= t.options.PromoteAfter
	if v.reason == "" && !v.promote {
		return v, false
	}
	v.window, t.ended = t.window(now), true
	return v, true
}

// waits says for how many calls the comparison waits, "" where it does not.
func (t *trial) waits() string {
	least := uint64(t.options.Band.MinCalls)
	a, c := t.seen.sums[activeSide].calls, t.seen.sums[candidateSide].calls
	if a >= least && c >= least {
		return ""
	}
	return fmt.Sprintf("%d calls on each side within the window are needed; the active policy has %d, the candidate %d", least, a, c)
}

// Reasons of a rollback by itself.
const (
	ByErrors  = "errors"
	ByDenials = "denials"
	ByLatency = "latency"
)

// breach is how the candidate leaves the band, "" where it keeps to it.
func (b *Band) breach(active, candidate *counts) string {
	switch {
	case worse(active.errors, active.calls, candidate.errors, candidate.calls, b.MaxErrorRateIncrease):
		return ByErrors
	case worse(active.denials, active.calls, candidate.denials, candidate.calls, b.MaxDenialRateIncrease):
		return ByDenials
	case b.slower(active, candidate):
		return ByLatency
	}
	return ""
}

func (b *Band) slower(active, candidate *counts) bool {
	p95 := candidate.p95()
	least := uint64(b.MinCalls)
	return b.MaxLatencyRatio > 0 && p95 > latencyFloor && active.timed >= least && candidate.timed >= least &&
		float64(p95) > b.MaxLatencyRatio*float64(active.p95())
}

// chance is how many standard errors a difference must have beside the band:
// the two sides are compared at every call, and chance alone would leave the band
// once in a long trial.
const chance = 3

// worse reports whether k2 of n2 is a higher rate than k1 of n1 by more than
// most, and by more than chance does (the pooled two-proportion z-test).
func worse(k1, n1, k2, n2 uint64, most float64) bool {
	a, b := float64(n1), float64(n2)
	difference := float64(k2)/b - float64(k1)/a
	pooled := float64(k1+k2) / (a + b)
	return difference > most && difference > chance*math.Sqrt(pooled*(1-pooled)*(1/a+1/b))
}

// figures are the window's as they stand.
func (t *trial) figures(now time.Time) *Window {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.advance(now)
	return t.window(now)
}

func (t *trial) window(now time.Time) *Window {
	return &Window{
		Active: figuresOf(&t.seen.sums[activeSide]), Candidate: figuresOf(&t.seen.sums[candidateSide]),
		Seconds: now.Sub(t.staged).Seconds(), Waits: t.waits(),
	}
}
