package opa

import (
	"context"
	"errors"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Traced is a policy set that says of each decision how it came about. Rules are
// evaluated as they are written and nothing is remembered: it is slow, for
// people, and not safe for concurrent use.
type Traced struct {
	set     *Set
	covered *cover.Cover
	steps   bool
	last    *Explanation
	trace   string
}

// Trace loads the policies to be traced, after the check that serving makes. With
// steps, each evaluation's steps are kept as text too.
func Trace(ctx context.Context, o Options, steps bool) (*Traced, error) {
	if o.Timeout == 0 {
		o.Timeout = explainTime
	}
	options := withDefaults(o)
	if _, err := load(ctx, options); err != nil {
		return nil, err
	}
	options.plain = true
	set, err := load(ctx, options)
	if err != nil {
		return nil, err
	}
	return &Traced{set: set, covered: cover.New(), steps: steps}, nil
}

// Evaluate decides as [Set.Evaluate] does, and keeps the explanation.
func (t *Traced) Evaluate(ctx context.Context, in *policy.Input) (*policy.Decision, error) {
	t.last, t.trace = nil, ""
	doc := t.set.phases[in.Phase]
	if doc == nil {
		return nil, &policy.Error{Kind: policy.Undefined, Path: string(in.Phase), Err: errors.New("no rule decides in this phase")}
	}
	tracers := []topdown.QueryTracer{t.covered}
	steps := topdown.NewBufferTracer()
	if t.steps {
		tracers = append(tracers, steps)
	}
	facts := t.set.facts(doc.reads, in)
	e, err := t.set.explain(ctx, doc, in.Phase, facts, in.Call.Started, tracers...)
	t.last, t.trace = e, stepsOf(*steps)
	if err != nil {
		return nil, err
	}
	return e.Decision, nil
}

// Has reports whether any rule decides in phase.
func (t *Traced) Has(phase policy.Phase) bool { return t.set.Has(phase) }

// Reads reports that everything may be read: an explanation shows all facts.
func (*Traced) Reads(policy.Phase, ...string) bool { return true }

// Detect is the set's.
func (t *Traced) Detect() *detect.Set { return t.set.Detect() }

// Revision is the set's.
func (t *Traced) Revision() string { return t.set.Revision() }

// Last explains the last evaluation, nil where there was none.
func (t *Traced) Last() *Explanation { return t.last }

// Steps are the last evaluation's, in OPA's form, where they were asked for.
func (t *Traced) Steps() string { return t.trace }

// AddCoverage counts in report, as covered, the lines that this set has
// evaluated.
func (t *Traced) AddCoverage(report *TestReport) {
	own := map[string]*ast.Module{}
	for name, m := range t.set.compiler.Modules {
		if !strings.HasPrefix(name, "regent:") {
			own[name] = m
		}
	}
	report.add(t.covered, own)
}

func stepsOf(b topdown.BufferTracer) string {
	if len(b) == 0 {
		return ""
	}
	var text strings.Builder
	topdown.PrettyTraceWithLocation(&text, b)
	return text.String()
}
