package telemetry

import (
	"math"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
)

func TestSamplerFromEnvironment(t *testing.T) {
	sampledParent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: newTraceID(), SpanID: newSpanID(), TraceFlags: trace.FlagsSampled})
	unsampledParent := sampledParent.WithTraceFlags(0)
	for _, c := range []struct {
		ratio                   float64
		name, arg               string
		root, sampled, unsample bool // decisions
		fails                   bool
	}{
		{1, "", "", true, true, false, false},
		{0, "", "", false, true, false, false},
		{1, "always_on", "", true, true, true, false},
		{1, "always_off", "", false, false, false, false},
		{1, "parentbased_always_off", "", false, true, false, false},
		{1, "traceidratio", "0", false, false, false, false},
		{1, "parentbased_traceidratio", "1", true, true, false, false},
		{1, "parentbased_traceidratio", "", true, true, false, false},
		{0, "always_on", "", false, true, false, false}, // the settings' ratio outranks
		{1, "traceidratio", "1.5", false, false, false, true},
		{1, "jaeger_remote", "", false, false, false, true},
	} {
		env := map[string]string{"OTEL_TRACES_SAMPLER": c.name, "OTEL_TRACES_SAMPLER_ARG": c.arg}
		s, err := newSampler(c.ratio, func(k string) string { return env[k] })
		if (err != nil) != c.fails {
			t.Errorf("%+v: %v", c, err)
		}
		if err != nil {
			continue
		}
		got := [3]bool{s.sampled(trace.SpanContext{}, newTraceID()), s.sampled(sampledParent, sampledParent.TraceID()), s.sampled(unsampledParent, unsampledParent.TraceID())}
		if want := [3]bool{c.root, c.sampled, c.unsample}; got != want {
			t.Errorf("%+v: %v, want %v", c, got, want)
		}
	}
}

// Services with one ratio must keep the same traces, whatever SDK they use.
func TestRatioAgreesWithTheSDK(t *testing.T) {
	for _, ratio := range []float64{0.001, 0.1, 0.5, 0.999} {
		s, _ := newSampler(ratio, noEnv)
		reference := sdktrace.TraceIDRatioBased(ratio)
		kept := 0
		const n = 20_000
		for range n {
			id := newTraceID()
			got := s.sampled(trace.SpanContext{}, id)
			want := reference.ShouldSample(sdktrace.SamplingParameters{TraceID: id}).Decision == sdktrace.RecordAndSample
			if got != want {
				t.Fatalf("ratio %v, id %s: %v, the SDK says %v", ratio, id, got, want)
			}
			if got {
				kept++
			}
		}
		if deviation := math.Abs(float64(kept)/n - ratio); deviation > 0.02 {
			t.Errorf("ratio %v kept %d of %d", ratio, kept, n)
		}
	}
}

func TestKeeper(t *testing.T) {
	full := policy.Coverage{Request: policy.Full, Response: policy.Full}
	all := newKeeper([]string{"denied", "redacted", "failed", "uncovered"}, 0.5)
	none := newKeeper(nil, 0)
	for want, r := range map[string]*call.Record{
		"":          {Coverage: full, CostKnown: true, CostUSD: 0.49},
		"denied":    {Coverage: full, Denies: []policy.Deny{{}}, ErrorType: "policy_violation"},
		"redacted":  {Coverage: full, Redactions: map[string]int{"EMAIL": 1}},
		"failed":    {Coverage: full, ErrorType: "429"},
		"uncovered": {Coverage: policy.Coverage{Request: policy.Full, Response: policy.Partial}},
		"expensive": {Coverage: full, CostKnown: true, CostUSD: 0.5},
	} {
		if got := all.why(r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
		if got := none.why(r); got != "" {
			t.Errorf("%+v is kept as %q, though nothing is to be", r, got)
		}
	}
	if got := all.why(&call.Record{Coverage: full, FailedOpen: true}); got != "failed" {
		t.Errorf("failed open: %q", got)
	}
}
