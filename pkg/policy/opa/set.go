package opa

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

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
	phases   map[policy.Phase]*document
	terms    *termLists
	knows    *knowledge // nil: nothing of its own
}

// document is a phase's prepared query.
type document struct {
	members  []member
	query    ast.Body
	compiler ast.QueryCompiler
	reads    *reads
	// constant is what the members that depend on no fact come to. Their
	// slices and maps are copied for each decision.
	constant policy.Decision
	memo     *memo
	traces   []topdown.QueryTracer // of an explanation
}

// member is one member of the decision that some rule defines.
type member struct {
	name string
	ref  ast.Ref
	of   ast.Var // the variable of the query that holds it
	// boxed: a member that may be undefined is asked for as an array of none
	// or one, since an undefined expression would end the query.
	boxed bool
}

// Revision is a short hash of all the set was loaded from; where bundles are
// part of it, after their own revisions: "main@17+3fa9c1d2e0ab".
func (s *Set) Revision() string { return s.revision }

// Settings are data.regent.settings, the embedded ones overlaid by the user's.
// They are shared: read only.
func (s *Set) Settings() map[string]any { return s.settings }

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
	// A panic becomes an error: it must not take other calls along.
	defer func() {
		if p := recover(); p != nil {
			d, err = nil, &policy.Error{Kind: policy.Panic, Err: fmt.Errorf("%v\n%s", p, debug.Stack())}
		}
	}()
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
	facts := s.facts(doc.reads, in)
	if d := doc.memo.find(facts); d != nil {
		return clone(d), nil
	}
	ctx, done := context.WithTimeout(s.withKnowledge(ctx), s.timeout)
	defer done()
	d = clone(&doc.constant)
	d.Revision = s.revision
	if err := s.run(ctx, doc, in, facts, func(m *member, v ast.Value) error { return decode(d, in.Phase, m.name, v) }); err != nil {
		return nil, err
	}
	doc.memo.keep(facts, d)
	return d, nil
}

// run evaluates doc until ctx ends and gives each defined member to each.
func (s *Set) run(ctx context.Context, doc *document, in *policy.Input, facts *ast.Term, each func(*member, ast.Value) error) error {
	if len(doc.members) == 0 {
		return nil
	}
	// Builtins heed ctx, the evaluator only cancel.
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	found := false
	err := s.query(doc, in, facts, cancel).Iter(ctx, func(result topdown.QueryResult) error {
		found = true
		return doc.collect(result, each)
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

func (s *Set) query(doc *document, in *policy.Input, facts *ast.Term, cancel topdown.Cancel) *topdown.Query {
	q := topdown.NewQuery(doc.query)
	for _, trace := range doc.traces {
		q = q.WithQueryTracer(trace)
	}
	return q.
		WithCompiler(s.compiler).
		WithQueryCompiler(doc.compiler).
		WithStore(s.store).
		WithTransaction(s.txn).
		WithInput(facts).
		WithTime(in.Call.Started).
		WithCancel(cancel).
		WithStrictBuiltinErrors(true)
}

func (d *document) collect(result topdown.QueryResult, each func(*member, ast.Value) error) error {
	for i := range d.members {
		m := &d.members[i]
		term := result[m.of]
		if term == nil {
			return &policy.Error{Kind: policy.Undefined, Path: m.name, Err: errors.New("the member is undefined")}
		}
		v := term.Value
		if m.boxed {
			box, _ := v.(*ast.Array)
			if box.Len() == 0 {
				continue
			}
			v = box.Elem(0).Value
		}
		if err := each(m, v); err != nil {
			return err
		}
	}
	return nil
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

// document prepares phase's query: the members that exist, each in a variable
// of its own, so that rules nobody asks for are not evaluated. Members that
// depend on no fact are evaluated here, once. Nil where there are none.
func (s *Set) document(phase policy.Phase) (*document, error) {
	doc, roots := &document{}, []*ast.Rule(nil)
	defined := false
	for _, name := range contract[phase].names() {
		ref := ast.Ref{ast.DefaultRootDocument, ast.InternedTerm("regent"), ast.InternedTerm(string(phase)), ast.InternedTerm(name)}
		rules := s.compiler.GetRulesWithPrefix(ref)
		if len(rules) == 0 {
			continue
		}
		defined = true
		m := member{name: name, ref: ref, of: ast.Var("m_" + name), boxed: !always(rules)}
		if !s.plain && readsOf(s.compiler, rules).none() {
			if err := s.settle(phase, &doc.constant, m); err != nil {
				return nil, err
			}
			continue
		}
		doc.members, roots = append(doc.members, m), append(roots, rules...)
	}
	if !defined {
		return nil, nil
	}
	doc.reads = readsOf(s.compiler, roots)
	if s.plain {
		doc.reads = &reads{whole: true, varies: true}
	}
	doc.memo = newMemo(doc.reads)
	return doc, s.compile(doc)
}

// constantTime bounds what a member that depends on no fact may take at load.
const constantTime = time.Second

// settle evaluates a member that depends on no fact into d.
func (s *Set) settle(phase policy.Phase, d *policy.Decision, m member) error {
	doc := &document{members: []member{m}}
	if err := s.compile(doc); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(s.withKnowledge(context.Background()), constantTime)
	defer done()
	in := &policy.Input{Phase: phase, Call: policy.CallFacts{Started: time.Unix(0, 1)}}
	return s.run(ctx, doc, in, ast.ObjectTerm(), func(m *member, v ast.Value) error { return decode(d, phase, m.name, v) })
}

// compile builds doc's query from its members.
func (s *Set) compile(doc *document) error {
	for i := range doc.members {
		e := doc.members[i].expr()
		e.Index = i
		doc.query = append(doc.query, e)
	}
	if len(doc.query) == 0 {
		return nil
	}
	doc.compiler = s.compiler.QueryCompiler()
	query, err := doc.compiler.Compile(doc.query)
	doc.query = query
	return err
}

// expr is m = ref, or m = [x | x = ref].
func (m *member) expr() *ast.Expr {
	value := ast.NewTerm(m.ref)
	if m.boxed {
		x := ast.VarTerm("x_" + m.name)
		value = ast.ArrayComprehensionTerm(x, ast.NewBody(ast.Equality.Expr(x, value)))
	}
	return ast.Equality.Expr(ast.NewTerm(m.of), value)
}

// always reports whether a member has a value whatever the facts: partial sets
// and objects do, complete rules with a default do.
func always(rules []*ast.Rule) bool {
	partial := func(r *ast.Rule) bool {
		ref := r.Head.Ref()
		return r.Head.RuleKind() == ast.MultiValue && len(ref) == 1
	}
	hasDefault := func(r *ast.Rule) bool { return r.Default && len(r.Head.Ref()) == 1 }
	return !slices.ContainsFunc(rules, func(r *ast.Rule) bool { return !partial(r) }) || slices.ContainsFunc(rules, hasDefault)
}
