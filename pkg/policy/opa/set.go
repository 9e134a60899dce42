package opa

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Set is one loaded, immutable revision of the policies. It is safe for
// concurrent use.
type Set struct {
	revision string
	bundles  map[string]string
	waits    *policy.Error // why it refuses to decide, nil where it decides
	settings map[string]any
	timeout  time.Duration
	plain    bool

	compiler *ast.Compiler
	store    storage.Store
	txn      storage.Transaction
	base     topdown.BaseCache
	phases   map[policy.Phase]*document
	terms    *termLists
	detect   *detect.Set // nil: no entities of its own
	knows    *knowledge  // nil: nothing of its own
}

// Revision is a short hash of all the set was loaded from; where bundles are
// part of it, after their own revisions: "main@17+3fa9c1d2e0ab".
func (s *Set) Revision() string { return s.revision }

// Settings are data.regent.settings, the embedded ones overlaid by the user's.
// They are shared: read only.
func (s *Set) Settings() map[string]any { return s.settings }

// Detect is what the operator's detectors and the entities of regent.settings
// find; nil where the settings declare none.
func (s *Set) Detect() *detect.Set { return s.detect }

// Has reports whether any rule decides in phase. A pending set says so of every
// phase, for it has to refuse.
func (s *Set) Has(phase policy.Phase) bool { return s.waits != nil || s.phases[phase] != nil }

// Reads reports whether a rule of phase may read input.<path>, or a part of it.
// "*" stands for any element of an array and any key of an object.
func (s *Set) Reads(phase policy.Phase, path ...string) bool {
	d := s.phases[phase]
	return d != nil && d.reads.at(path) != nil
}

// Evaluate asks in.Phase's document for its decision. Every error is a
// *policy.Error; a phase without rules is one of kind undefined. The decision
// is the caller's to keep and change.
func (s *Set) Evaluate(ctx context.Context, in *policy.Input) (d *policy.Decision, err error) {
	defer recovered(&d, &err)
	if s.waits != nil {
		return nil, s.waits
	}
	doc := s.phases[in.Phase]
	if doc == nil {
		return nil, &policy.Error{Kind: policy.Undefined, Path: string(in.Phase), Err: errors.New("no rule decides in this phase")}
	}
	if err := ctx.Err(); err != nil {
		return nil, &policy.Error{Kind: policy.Timeout, Err: err}
	}
	return s.decide(ctx, doc, in, built{})
}

// recovered turns a panic into an error: it must not take other calls along.
func recovered(d **policy.Decision, err *error) {
	if p := recover(); p != nil {
		*d, *err = nil, &policy.Error{Kind: policy.Panic, Err: fmt.Errorf("%v\n%s", p, debug.Stack())}
	}
}

// decide evaluates in. Facts that were built before are taken, others built when
// they are wanted.
func (s *Set) decide(ctx context.Context, doc *document, in *policy.Input, before built) (*policy.Decision, error) {
	facts := before.whole
	if doc.memo != nil {
		if facts == nil {
			facts = s.facts(doc.reads, in)
		}
		if d, ok := doc.memo.find(facts); ok {
			return clone(d), nil
		}
	}
	ctx, done := context.WithTimeout(s.withKnowledge(ctx), s.timeout)
	defer done()
	values := doc.values()
	for i, p := range doc.parts {
		if err := s.fill(ctx, doc, p, in, facts, before.part(i), values); err != nil {
			return nil, err
		}
	}
	d := clone(&doc.constant)
	d.Revision = s.revision
	if err := doc.collect(values, func(name string, v ast.Value) error { return decode(d, in.Phase, name, v) }); err != nil {
		return nil, err
	}
	if doc.memo != nil {
		doc.memo.keep(facts, clone(d))
	}
	return d, nil
}

// fill puts the values of a part's members into values: remembered ones where its
// facts came before. whole are the facts of the whole document, facts the part's;
// nil where they are not built yet.
func (s *Set) fill(ctx context.Context, doc *document, p *part, in *policy.Input, whole, facts *ast.Term, values []ast.Value) error {
	if whole != nil {
		return s.run(ctx, doc, p, in, whole, values)
	}
	if facts == nil {
		facts = s.facts(p.reads, in)
	}
	if known, ok := p.memo.find(facts); ok {
		p.recall(doc, known, values)
		return nil
	}
	if err := s.run(ctx, doc, p, in, facts, values); err != nil {
		return err
	}
	if p.memo != nil {
		p.memo.keep(facts, p.known(doc, values))
	}
	return nil
}

// run evaluates a part until ctx ends, and puts the values of its members into
// values.
func (s *Set) run(ctx context.Context, doc *document, p *part, in *policy.Input, facts *ast.Term, values []ast.Value) error {
	// Builtins heed ctx, the evaluator only cancel.
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	rules := newRuleCache()
	defer rules.free()
	found := false
	err := s.query(doc, p, in, facts, cancel).WithVirtualCache(rules).Iter(ctx, func(result topdown.QueryResult) error {
		found = true
		return p.take(doc, result, values)
	})
	switch {
	case err != nil:
		return classify(ctx, err)
	case ctx.Err() != nil:
		return &policy.Error{Kind: policy.Timeout, Err: context.Cause(ctx)}
	case !found:
		return &policy.Error{Kind: policy.Undefined, Path: string(in.Phase), Err: errors.New("the decision is undefined")}
	}
	return nil
}

func (s *Set) query(doc *document, p *part, in *policy.Input, facts *ast.Term, cancel topdown.Cancel) *topdown.Query {
	q := topdown.NewQuery(p.query)
	for _, trace := range doc.traces {
		q = q.WithQueryTracer(trace)
	}
	return q.
		WithCompiler(s.compiler).
		WithQueryCompiler(p.compiler).
		WithStore(s.store).
		WithTransaction(s.txn).
		WithBaseCache(s.base).
		WithInput(facts).
		WithTime(in.Call.Started).
		WithCancel(cancel).
		WithStrictBuiltinErrors(true)
}

// classify gives an evaluation's error its kind.
func classify(ctx context.Context, err error) error {
	var known *policy.Error
	if errors.As(err, &known) {
		return known
	}
	e := &policy.Error{Kind: policy.Eval, Err: err}
	var t *topdown.Error
	if errors.As(err, &t) {
		if t.Location != nil {
			// Once is enough to say where.
			bare := *t
			bare.Location = nil
			e.Path, e.Err = place(t.Location), &bare
		}
		switch t.Code {
		case topdown.ConflictErr:
			e.Kind = policy.Conflict
		case topdown.CancelErr:
			e.Kind = policy.Timeout
		}
	}
	if ctx.Err() != nil {
		e.Kind = policy.Timeout
	}
	return e
}

// prepare builds the query of each phase that has rules.
func (s *Set) prepare() error {
	for _, phase := range phases {
		doc, err := s.document(phase)
		if err != nil {
			return err
		}
		if doc != nil {
			s.phases[phase] = doc
		}
	}
	return nil
}
