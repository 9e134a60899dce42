package call

import (
	"time"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// judged is what a rollout is told of a call beside its record.
type judged struct {
	denied bool // by a decision, or parked
	failed bool // an evaluation gave no decision
}

// choose picks the set that judges the call, once it is known who calls.
func (c *call) choose() {
	c.policy = c.snap.Policy
	if r := c.snap.Rollout; r != nil {
		id := &c.rec.Identity
		c.part = r.Choose(rollout.Key{Subject: id.Subject, Tenant: id.Tenant, Team: id.Team, Call: c.rec.ID})
		c.policy = c.part.Set()
	}
	c.detect = c.detectorsOf(c.policy)
	c.rec.PolicyRevision, c.rec.PolicyRole = c.policy.Revision(), string(c.part.Role())
}

// detectorsOf are the operator's detectors, with the set's entities where it
// declares any.
func (c *call) detectorsOf(set PolicySet) *detect.Set {
	if own := set.Detect(); own != nil {
		return own
	}
	return c.snap.Detect
}

// trialFacts are the findings for a candidate that shadows, where its detectors
// are others than those of the call's set: of the request, and of a response that
// is a document. In a stream it has the call's own, for text that has left cannot
// be read twice.
type trialFacts struct {
	request, response []policy.FindingFact
	hasRequest        bool
	hasResponse       bool
}

// scanForTrial finds in doc's texts what a candidate's own entities are, beside
// what the remote detector found there already. It reports whether there is a
// candidate with other detectors.
func (c *call) scanForTrial(doc []byte, f *facts) ([]policy.FindingFact, bool) {
	candidate := c.part.Shadowed()
	if candidate == nil {
		return nil, false
	}
	set := c.detectorsOf(candidate)
	if set == c.detect {
		return nil, false
	}
	own := c.scan(set, doc, f.texts)
	own.findings = append(own.findings, f.findings[f.local:]...)
	return countFindings(own), true
}

// inputForTrial is in with the findings of the candidate that shadows.
func (c *call) inputForTrial(in *policy.Input) *policy.Input {
	if !c.trial.hasRequest && !c.trial.hasResponse {
		return in
	}
	own := *in
	if c.trial.hasRequest {
		own.Findings = c.trial.request
	}
	if in.Response != nil && c.trial.hasResponse {
		response := *in.Response
		response.Findings = c.trial.response
		own.Response = &response
	}
	return &own
}

// reads reports whether a rule of either phase, or one of a candidate that
// shadows, may read that part of the input.
func (c *call) reads(path ...string) bool {
	either := func(set PolicySet) bool {
		return set.Reads(policy.Request, path...) || set.Reads(policy.Response, path...)
	}
	candidate := c.part.Shadowed()
	return either(c.policy) || candidate != nil && either(candidate)
}

// evaluate asks the call's set, and has a candidate that shadows decide the same
// facts. A phase without rules has an empty decision.
func (c *call) evaluate(in *policy.Input) (*policy.Decision, error) {
	if !c.policy.Has(in.Phase) {
		c.part.Shadow(c.inputForTrial(in), nil, nil, 0)
		return &policy.Decision{}, nil
	}
	begin := time.Now()
	decision, err := c.policy.Evaluate(c.ctx, in)
	took := time.Since(begin)
	c.rec.PolicyTime += took
	c.step(StepPolicy, begin).decided(in.Phase, decision, err)
	c.rec.Evaluations++
	c.judged.failed = c.judged.failed || err != nil
	c.judged.denied = c.judged.denied || err == nil && len(decision.Deny)+len(decision.Review) > 0
	c.part.Shadow(c.inputForTrial(in), decision, err, took)
	return decision, err
}

// outcome is what a rollout counts of the finished call: an error that the
// client's own request explains (400 to 499), or its leaving, is not the
// policy's.
func (c *call) outcome() rollout.Outcome {
	broke := !c.rec.Complete && !c.rec.Aborted
	return rollout.Outcome{
		Failed:    c.judged.failed || !c.judged.denied && (broke || c.rec.HTTPStatus >= 500),
		Denied:    c.judged.denied,
		Evaluated: c.rec.PolicyTime,
	}
}
