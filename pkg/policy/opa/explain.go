package opa

import (
	"context"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Explanation is a decision and how it came about.
type Explanation struct {
	Decision *policy.Decision `json:"decision"`
	// Rules are those that held, in the order they did, each once.
	Rules []FiredRule `json:"rules"`
}

// FiredRule is a rule that held.
type FiredRule struct {
	Name  string `json:"name"`            // data.regent.request.deny
	Place string `json:"place"`           // file:line
	Title string `json:"title,omitempty"` // of its metadata
}

// explainTime is an explanation's where the options name none: nobody's call
// waits for it.
const explainTime = 5 * time.Second

// Explain loads the policies and decides from facts, a JSON object as
// policies/schemas/input.json describes it: what is missing in it is undefined,
// what is unknown an error. Rules are evaluated as they are written.
func Explain(ctx context.Context, o Options, phase policy.Phase, facts []byte) (*Explanation, error) {
	if o.Timeout == 0 {
		o.Timeout = explainTime
	}
	lean := withDefaults(o)
	if _, err := load(ctx, lean); err != nil {
		return nil, err
	}
	lean.plain = true
	set, err := load(ctx, lean)
	if err != nil {
		return nil, err
	}
	input, started, err := readFacts(facts)
	if err != nil {
		return nil, err
	}
	doc := set.phases[phase]
	if doc == nil {
		return nil, &policy.Error{Kind: policy.Undefined, Path: string(phase), Err: fmt.Errorf("no rule decides in this phase%s", hint(string(phase), []string{"request", "response"}))}
	}
	return set.explain(ctx, doc, phase, input, started)
}

func (s *Set) explain(ctx context.Context, doc *document, phase policy.Phase, input *ast.Term, started time.Time) (*Explanation, error) {
	trace := &fired{seen: map[*ast.Rule]bool{}, annotations: s.compiler.GetAnnotationSet()}
	out := &Explanation{Decision: &policy.Decision{Revision: s.revision}}
	ctx, done := context.WithTimeout(ctx, s.timeout)
	defer done()
	doc.trace = trace
	in := &policy.Input{Phase: phase, Call: policy.CallFacts{Started: started}}
	err := s.run(ctx, doc, in, input, func(m *member, v ast.Value) error { return decode(out.Decision, phase, m.name, v) })
	out.Rules = trace.rules
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readFacts reads facts written as JSON.
func readFacts(text []byte) (*ast.Term, time.Time, error) {
	facts, err := parseJSON(text)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("facts: %w", err)
	}
	schema, err := schemaFile("input")
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := conforms(schema, facts, "input"); err != nil {
		return nil, time.Time{}, fmt.Errorf("facts: %w", err)
	}
	value, err := ast.InterfaceToValue(facts)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("facts: %w", err)
	}
	started := time.Now()
	if ns := get(get(value, "call"), "started_ns"); ns != nil {
		started = time.Unix(0, integerOf(ns))
	}
	return ast.NewTerm(value), started, nil
}

// fired is a tracer that keeps the rules that held.
type fired struct {
	rules       []FiredRule
	seen        map[*ast.Rule]bool
	annotations *ast.AnnotationSet
}

var _ topdown.QueryTracer = (*fired)(nil)

func (f *fired) Enabled() bool               { return true }
func (f *fired) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

func (f *fired) TraceEvent(e topdown.Event) {
	rule, ok := e.Node.(*ast.Rule)
	if e.Op != topdown.ExitOp || !ok || f.seen[rule] {
		return
	}
	f.seen[rule] = true
	out := FiredRule{Name: rule.Path().String(), Place: place(rule.Location)}
	for _, a := range f.annotations.Chain(rule) {
		if a.Annotations != nil && (a.Annotations.Scope == "rule" || a.Annotations.Scope == "document") {
			out.Title = a.Annotations.Title
			break
		}
	}
	f.rules = append(f.rules, out)
}
