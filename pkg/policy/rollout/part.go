package rollout

import (
	"time"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Part is one call's part in the rollout: the set that judges it, for its whole
// life.
type Part struct {
	rollout *Rollout
	set     Set
	trial   *trial // nil where there was no candidate
	role    Role
}

// Choose picks the set of a call that begins.
func (r *Rollout) Choose(k Key) Part {
	s := r.state.Load()
	p := Part{rollout: r, set: s.active, trial: s.trial}
	if s.trial == nil || s.trial.mode != Canary {
		return p
	}
	p.role = RoleActive
	if r.options.inShare(&k) {
		p.role, p.set = RoleCanary, s.trial.set
	}
	return p
}

// Set judges the call.
func (p *Part) Set() Set { return p.set }

// Role is what the set is to the call, "" where no canary is on trial.
func (p *Part) Role() Role { return p.role }

// Shadowed is the candidate that decides beside the call's set, nil where there
// is none.
func (p *Part) Shadowed() Set {
	if p.trial == nil || p.trial.mode != Shadow {
		return nil
	}
	return p.trial.set
}

// Shadow hands facts to the candidate that shadows, with what the call's own set
// decided about them (decision is nil where err is not, or where it has no rules
// for the phase). It waits for nothing; in is not kept.
func (p *Part) Shadow(in *policy.Input, decision *policy.Decision, err error, took time.Duration) {
	if set := p.Shadowed(); set != nil && (decision != nil || err != nil || set.Has(in.Phase)) {
		p.rollout.shadow.offer(p.trial, in, decision, err, took)
	}
}

// Done counts the call, once, at its end.
func (p *Part) Done(o Outcome) {
	if p.role == "" {
		return
	}
	on := activeSide
	if p.role == RoleCanary {
		on = candidateSide
	}
	p.rollout.totals.add(on, &o)
	if v, given := p.trial.add(on, &o, p.rollout.now()); given {
		p.rollout.conclude(p.trial, v)
	}
}
