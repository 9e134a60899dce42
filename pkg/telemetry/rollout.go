package telemetry

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"

	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// ObserveRollout has the metrics of the policies' rollout tell what counters
// give. It is called once.
func (t *Telemetry) ObserveRollout(counters func() rollout.Counters) {
	t.metrics.rollout.Store(&counters)
}

// InForce tells that another revision of the policies is in force.
func (t *Telemetry) InForce(revision string) {
	for {
		before := t.metrics.policy.Load()
		after := &loaded{revision: clean(revision), ok: before == nil || before.ok}
		if t.metrics.policy.CompareAndSwap(before, after) {
			return
		}
	}
}

// observedRollout makes the instruments of the rollout.
func (in *instruments) observedRollout(source *atomic.Pointer[func() rollout.Counters]) {
	counter := func(name, unit, text string) metric.Int64ObservableCounter {
		c, err := in.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(text))
		in.keep(err)
		return c
	}
	state, err := in.meter.Int64ObservableGauge("regent.policy.rollout.state", metric.WithUnit("{policy}"), metric.WithDescription("1, with each revision in use and its role: active, canary, shadow."))
	in.keep(err)
	r := rolloutInstruments{
		state:       state,
		calls:       counter("regent.policy.rollout.calls", "{call}", "Calls during canary trials, by role."),
		errors:      counter("regent.policy.rollout.errors", "{call}", "Failed calls during canary trials, by role."),
		denials:     counter("regent.policy.rollout.denials", "{call}", "Denied calls during canary trials, by role."),
		evaluations: counter("regent.policy.rollout.evaluations", "{evaluation}", "Evaluations of shadows, by result: same, differed, dropped."),
		differences: counter("regent.policy.rollout.differences", "{difference}", "Differences of shadows from the active policy, by kind."),
		rollbacks:   counter("regent.policy.rollout.rollbacks", "{rollback}", "Rollbacks by reason."),
	}
	_, err = in.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if counters := source.Load(); counters != nil {
			r.observe(o, (*counters)())
		}
		return nil
	}, r.state, r.calls, r.errors, r.denials, r.evaluations, r.differences, r.rollbacks)
	in.keep(err)
}

type rolloutInstruments struct {
	state                                                       metric.Int64ObservableGauge
	calls, errors, denials, evaluations, differences, rollbacks metric.Int64ObservableCounter
}

func (r *rolloutInstruments) observe(o metric.Observer, c rollout.Counters) {
	o.ObserveInt64(r.state, 1, with(attrPolicyRevision, clean(c.Active), attrPolicyRole, "active"))
	if c.Candidate != "" {
		o.ObserveInt64(r.state, 1, with(attrPolicyRevision, clean(c.Candidate), attrPolicyRole, c.State))
	}
	for role, n := range c.Sides {
		by := with(attrPolicyRole, string(role))
		o.ObserveInt64(r.calls, n.Calls, by)
		o.ObserveInt64(r.errors, n.Errors, by)
		o.ObserveInt64(r.denials, n.Denials, by)
	}
	o.ObserveInt64(r.evaluations, c.Shadow.Evaluated-c.Shadow.Differed, with(attrResult, "same"))
	o.ObserveInt64(r.evaluations, c.Shadow.Differed, with(attrResult, "differed"))
	o.ObserveInt64(r.evaluations, c.Shadow.Dropped, with(attrResult, "dropped"))
	for kind, n := range c.Shadow.Differences {
		o.ObserveInt64(r.differences, n, with(attrKind, kind))
	}
	for reason, n := range c.Rollbacks {
		o.ObserveInt64(r.rollbacks, n, with(attrReason, reason))
	}
}
