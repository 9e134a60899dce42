package opa

import (
	"context"
	"fmt"
	"strings"
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
	// Facts are what of input the rule names, and what that was: a path up to
	// the first place that is no constant. Longer values are cut at 200 bytes.
	Facts []ReadFact `json:"facts,omitempty"`
}

// ReadFact is a fact that a rule reads.
type ReadFact struct {
	Path  string `json:"path"`  // input.llm.model
	Value string `json:"value"` // as Rego writes it; "undefined" where absent
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
	e, err := set.explain(ctx, doc, phase, input, started)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (s *Set) explain(ctx context.Context, doc *document, phase policy.Phase, input *ast.Term, started time.Time, more ...topdown.QueryTracer) (*Explanation, error) {
	trace := &fired{seen: map[*ast.Rule]bool{}, annotations: s.compiler.GetAnnotationSet(), facts: input.Value}
	out := &Explanation{Decision: &policy.Decision{Revision: s.revision}}
	ctx, done := context.WithTimeout(s.withKnowledge(ctx), s.timeout)
	defer done()
	own := *doc
	own.traces = append(more, trace)
	in := &policy.Input{Phase: phase, Call: policy.CallFacts{Started: started}}
	values := own.values()
	err := s.run(ctx, &own, own.parts[0], in, input, values) // of a plain set, the only one
	out.Rules = trace.rules
	if err != nil {
		return out, err
	}
	return out, own.collect(values, func(name string, v ast.Value) error { return decode(out.Decision, phase, name, v) })
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
	facts       ast.Value
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
	out.Facts = factsOf(rule, f.facts)
	f.rules = append(f.rules, out)
}

// maxFact bounds the text of a fact shown, in bytes.
const maxFact = 200

// factsOf are the places of input that a rule names.
func factsOf(rule *ast.Rule, facts ast.Value) []ReadFact {
	var out []ReadFact
	seen := map[string]bool{}
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		if !ref.HasPrefix(ast.InputRootRef) {
			return false
		}
		ref = ref.GroundPrefix()
		if path := ref.String(); !seen[path] && len(ref) > 1 {
			seen[path] = true
			out = append(out, ReadFact{Path: path, Value: factAt(facts, ref[1:])})
		}
		return false
	})
	return out
}

func factAt(facts ast.Value, path ast.Ref) string {
	v, err := facts.Find(path)
	if err != nil {
		return "undefined"
	}
	text := v.String()
	if len(text) > maxFact {
		text = strings.ToValidUTF8(text[:maxFact], "") + "…"
	}
	return text
}
