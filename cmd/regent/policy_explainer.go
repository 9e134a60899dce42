package main

import (
	"context"

	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// explainer is a policy set that keeps the explanation of each evaluation of one
// call.
type explainer struct {
	*opa.Traced
	phases []explainedPhase
}

// Evaluate implements call.PolicySet.
func (x *explainer) Evaluate(ctx context.Context, in *policy.Input) (*policy.Decision, error) {
	d, err := x.Traced.Evaluate(ctx, in)
	x.phases = append(x.phases, explainedPhase{Phase: in.Phase, Explanation: x.Last(), Steps: x.Steps()})
	return d, err
}
