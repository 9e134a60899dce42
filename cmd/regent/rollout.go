package main

import (
	"context"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/regent-proxy/regent/pkg/admin"
	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/policy/opa"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// openPolicies loads the policies and begins their rollout: the first set is in
// force at once, later ones are staged.
func (p *parts) openPolicies(ctx context.Context, c *config.Rollout, o opa.Options, log *slog.Logger) error {
	var started atomic.Pointer[rollout.Rollout] // a file may change before there is one
	o.Stage = func(set *opa.Set) {
		if r := started.Load(); r != nil {
			r.Stage(p.policySet(set))
		}
	}
	o.OnReload = func(loaded string, err error) {
		inForce := loaded
		if r := started.Load(); r != nil {
			inForce = r.Active().Revision()
		}
		p.loaded(inForce, err)
		if err == nil {
			log.Info("policy loaded", "revision", loaded)
		}
	}
	var err error
	if p.engine, err = opa.Open(ctx, o); err != nil {
		return err
	}
	p.rollout = rollout.New(p.policySet(p.engine.Current()), rolloutOptions(c, p.inForce, log))
	started.Store(p.rollout)
	p.rollout.Stage(p.policySet(p.engine.Current())) // loaded meanwhile; nothing where it is the same
	p.telemetry.ObserveRollout(p.rollout.Counters)
	maps.Copy(p.routes, admin.Policies(p.rollout, log))
	return nil
}

// inForce tells those who show it that a revision is in force which was loaded
// before: promoted, or gone back to.
func (p *parts) inForce(revision string) {
	p.telemetry.InForce(revision)
	p.loads.inForce(revision, time.Now())
}

func (l *loads) inForce(revision string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said.Revision != revision {
		l.said.Revision, l.said.Since = revision, now.UTC().Truncate(time.Second)
	}
}

func rolloutOptions(c *config.Rollout, inForce func(revision string), log *slog.Logger) rollout.Options {
	return rollout.Options{
		Mode: rollout.Mode(c.Mode), Share: c.Share, Key: c.Key, Tenants: c.Tenants, PromoteAfter: c.PromoteAfter, Logger: log, OnActive: inForce,
		Band: rollout.Band{
			MinCalls: c.MinCalls, Window: c.Window, MaxErrorRateIncrease: c.MaxErrorRateIncrease,
			MaxDenialRateIncrease: c.MaxDenialRateIncrease, MaxLatencyRatio: c.MaxLatencyRatio,
		},
	}
}
