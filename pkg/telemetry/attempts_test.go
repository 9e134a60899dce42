package telemetry

import (
	"fmt"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/call"
)

// Each try counts, with why it failed; one that was never answered ends with
// the call, and one whose client left is no fault of the target's.
func TestAttemptMetrics(t *testing.T) {
	tel := start(t, metricSettings())
	tel.Begin(call.Parent{}).End(records()["attempts"])
	left := *records()["aborted"]
	left.Attempts = []call.AttemptRecord{{Number: 1, Target: "public", Started: left.Started}}
	tel.Begin(call.Parent{}).End(&left)
	got := values(gathered(t, tel)["regent_attempt_duration_seconds"])
	for labels, seconds := range map[string]float64{
		"error_type=503 gen_ai_request_model=gpt-4o regent_target=public":               0.19,
		"gen_ai_request_model=gpt-4o regent_target=backup":                              0.6,
		"error_type=no_answer gen_ai_request_model=gpt-4o regent_target=never-answered": 0.55,
		"error_type=client_abort gen_ai_request_model=gpt-4o regent_target=public":      1.5,
	} {
		if sum, ok := got[labels]; !ok || sum-seconds > 1e-9 || seconds-sum > 1e-9 {
			t.Errorf("%s: %v, want %v; there is %v", labels, sum, seconds, got)
		}
	}
}

func TestHeldTime(t *testing.T) {
	tel := start(t, metricSettings())
	rec := *records()["stream"]
	rec.HeldTime = 40 * time.Millisecond
	tel.Begin(call.Parent{}).End(&rec)
	if got := values(gathered(t, tel)["regent_held_duration_seconds"]); len(got) != 1 || got[""] != 0.04 {
		t.Error(got)
	}
}

// What alerts watch exists before it first happens.
func TestCountersBeginAtZero(t *testing.T) {
	got := gathered(t, start(t, metricSettings()))
	for family, series := range map[string]int{
		"regent_fail_open_total": 1, "regent_panics_total": 1, "regent_headers_rejected_total": 1, "regent_local_replies_total": 1,
		"regent_policy_errors_total": 6, "regent_policy_reloads_total": 2,
	} {
		all := values(got[family])
		if len(all) != series {
			t.Errorf("%s has %d series, want %d", family, len(all), series)
		}
		for labels, value := range all {
			if value != 0 {
				t.Errorf("%s{%s} is %v", family, labels, value)
			}
		}
	}
}

// Made-up models make no series up.
func TestAttemptNamesAreBounded(t *testing.T) {
	s := metricSettings()
	s.MaxModels = 3
	tel := start(t, s)
	for i := range 300 {
		rec := *records()["chat"]
		rec.RequestModel = fmt.Sprintf("model-%d", i)
		rec.Attempts = []call.AttemptRecord{{Number: 1, Target: fmt.Sprintf("target-%d", i), Status: 200, Started: rec.Started, Ended: rec.Ended}}
		tel.Begin(call.Parent{}).End(&rec)
	}
	if n := len(values(gathered(t, tel)["regent_attempt_duration_seconds"])); n > maxTargets+1 {
		t.Errorf("%d series", n)
	}
}
