package telemetry

import (
	"maps"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

func TestRolloutMetrics(t *testing.T) {
	tel := start(t, Settings{Metrics: MetricSettings{Prometheus: true}})
	tel.Loaded("a", nil)
	tel.InForce("a2")
	tel.ObserveRollout(func() rollout.Counters {
		return rollout.Counters{
			State: "canary", Active: "a2", Candidate: "b",
			Sides:     map[rollout.Role]rollout.SideCounters{rollout.RoleActive: {Calls: 90, Errors: 2, Denials: 3}, rollout.RoleCanary: {Calls: 10, Denials: 9}},
			Shadow:    rollout.Shadows{Evaluated: 7, Differed: 3, Dropped: 1, Differences: map[string]int64{"denies": 2, "route": 1}},
			Rollbacks: map[string]int64{"denials": 1},
		}
	})
	tel.Begin(call.Parent{}).End(&call.Record{Decision: "deny", PolicyRole: "canary"})
	all := gathered(t, tel)
	for name, want := range map[string]map[string]float64{
		"regent_policy_rollout_state":             {"regent_policy_revision=a2 regent_policy_role=active": 1, "regent_policy_revision=b regent_policy_role=canary": 1},
		"regent_policy_rollout_calls_total":       {"regent_policy_role=active": 90, "regent_policy_role=canary": 10},
		"regent_policy_rollout_errors_total":      {"regent_policy_role=active": 2, "regent_policy_role=canary": 0},
		"regent_policy_rollout_denials_total":     {"regent_policy_role=active": 3, "regent_policy_role=canary": 9},
		"regent_policy_rollout_evaluations_total": {"regent_result=same": 4, "regent_result=differed": 3, "regent_result=dropped": 1},
		"regent_policy_rollout_differences_total": {"regent_kind=denies": 2, "regent_kind=route": 1},
		"regent_policy_rollout_rollbacks_total":   {"regent_reason=denials": 1},
		"regent_policy_info":                      {"regent_policy_revision=a2": 1},
	} {
		if got := values(all[name]); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := values(all["regent_calls_total"]); len(got) != 1 {
		t.Errorf("calls: %v", got)
	} else {
		for labels := range got {
			if !strings.Contains(labels, "regent_policy_role=canary") {
				t.Errorf("calls: %s", labels)
			}
		}
	}
}
