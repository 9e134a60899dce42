package config

import "time"

func (r *rules) rollout(o *Rollout) {
	const at = "policy.rollout."
	if !(o.Share > 0 && o.Share <= 1) {
		r.add(at+"share", "0.05 is one call in twenty", "want more than 0, at most 1, got %v", o.Share)
	} else if o.Mode == "canary" && o.Share == 1 && len(o.Tenants) == 0 {
		r.add(at+"share", "leave some calls to the active policy, or name tenants", "is 1 for everybody: the canary would have nothing to be compared with")
	}
	r.count(at+"min_calls", o.MinCalls, 1_000_000)
	if o.Window < time.Minute || o.Window > 7*24*time.Hour {
		r.add(at+"window", "", "want 1m to 168h, got %v", o.Window)
	}
	r.increase(at+"max_error_rate_increase", o.MaxErrorRateIncrease)
	r.increase(at+"max_denial_rate_increase", o.MaxDenialRateIncrease)
	if o.MaxLatencyRatio != 0 && !(o.MaxLatencyRatio >= 1) {
		r.add(at+"max_latency_ratio", "0 is off", "want 1 or more, got %v", o.MaxLatencyRatio)
	}
	switch {
	case o.PromoteAfter < 0 || o.PromoteAfter > 90*24*time.Hour:
		r.add(at+"promote_after", "0 leaves it to an operator", "want 0 to 2160h, got %v", o.PromoteAfter)
	case o.PromoteAfter > 0 && o.Mode != "canary":
		r.add(at+"promote_after", "", "is of a canary, and the mode is %s", o.Mode)
	}
	if len(o.Tenants) > 0 && o.Mode != "canary" {
		r.add(at+"tenants", "", "are of a canary, and the mode is %s", o.Mode)
	}
}

func (r *rules) increase(at string, most float64) {
	if !(most >= 0 && most <= 1) {
		r.add(at, "0.05 is five calls in a hundred", "want 0 to 1, got %v", most)
	}
}
