package telemetry

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"go.opentelemetry.io/otel/trace"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
)

// sampler decides at a call's start, by the parent where there is one.
type sampler struct {
	parentBased bool
	bound       uint64 // of the trace id's last 63 bits
}

// newSampler samples ratio of the calls without a parent. A ratio of 1 leaves
// it to OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG where they are set.
func newSampler(ratio float64, env func(string) string) (sampler, error) {
	s := sampler{parentBased: true}
	name := env("OTEL_TRACES_SAMPLER")
	if ratio == 1 && name != "" {
		var err error
		if s.parentBased, ratio, err = samplerFromEnv(name, env("OTEL_TRACES_SAMPLER_ARG")); err != nil {
			return s, err
		}
	}
	s.bound = 1 << 63
	if ratio < 1 {
		s.bound = uint64(ratio * (1 << 63))
	}
	return s, nil
}

func samplerFromEnv(name, arg string) (parentBased bool, ratio float64, err error) {
	switch name {
	case "always_on", "parentbased_always_on":
		return name != "always_on", 1, nil
	case "always_off", "parentbased_always_off":
		return name != "always_off", 0, nil
	case "traceidratio", "parentbased_traceidratio":
		ratio = 1
		if arg != "" {
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
				return false, 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: want 0 to 1, got %q", arg)
			}
		}
		return name != "traceidratio", ratio, nil
	}
	return false, 0, fmt.Errorf("OTEL_TRACES_SAMPLER: no such sampler: %q (known: always_on, always_off, traceidratio, and each after parentbased_)", name)
}

// sampled decides as the SDKs' TraceIDRatioBased does, so that services with one
// ratio keep the same traces.
func (s sampler) sampled(parent trace.SpanContext, id trace.TraceID) bool {
	if s.parentBased && parent.IsValid() {
		return parent.IsSampled()
	}
	return binary.BigEndian.Uint64(id[8:])>>1 < s.bound
}

// keeper names the calls that are exported though nobody sampled them.
type keeper struct {
	denied, redacted, failed, uncovered bool
	costUSD                             float64 // 0 is off
}

func newKeeper(kinds []string, costUSD float64) keeper {
	k := keeper{costUSD: costUSD}
	for _, kind := range kinds {
		switch kind {
		case "denied":
			k.denied = true
		case "redacted":
			k.redacted = true
		case "failed":
			k.failed = true
		case "uncovered":
			k.uncovered = true
		}
	}
	return k
}

// why is the reason to keep r, "" where there is none.
func (k *keeper) why(r *call.Record) string {
	switch {
	case k.denied && len(r.Denies) > 0:
		return "denied"
	case k.redacted && len(r.Redactions) > 0:
		return "redacted"
	case k.failed && (r.ErrorType != "" || r.FailedOpen):
		return "failed"
	case k.uncovered && lowerLevel(r.Coverage) != policy.Full:
		return "uncovered"
	case k.costUSD > 0 && r.CostKnown && r.CostUSD >= k.costUSD:
		return "expensive"
	}
	return ""
}

// lowerLevel is the lower of both parts' coverage.
func lowerLevel(c policy.Coverage) policy.Level {
	switch {
	case c.Request == policy.None || c.Response == policy.None:
		return policy.None
	case c.Request == policy.Full && c.Response == policy.Full:
		return policy.Full
	}
	return policy.Partial
}
