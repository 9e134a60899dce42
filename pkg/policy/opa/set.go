package opa

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	base     topdown.BaseCache
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

// member is one member of the decision that some rule defines, or one place in it
// where rules define only its places: asking for these is a third of the cost of
// having the engine put the object together.
type member struct {
	name string
	ref  ast.Ref
	path []*ast.Term // of a place in the member; none is the member
	of   ast.Var     // the variable of the query that holds it
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
	rules := newRuleCache()
	defer rules.free()
	found := false
	err := s.query(doc, in, facts, cancel).WithVirtualCache(rules).Iter(ctx, func(result topdown.QueryResult) error {
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
		WithBaseCache(s.base).
		WithInput(facts).
		WithTime(in.Call.Started).
		WithCancel(cancel).
		WithStrictBuiltinErrors(true)
}

func (d *document) collect(result topdown.QueryResult, each func(*member, ast.Value) error) error {
	for i := 0; i < len(d.members); {
		m := &d.members[i]
		if len(m.path) == 0 {
			i++
			v, err := m.value(result)
			if err == nil && v != nil {
				err = each(m, v)
			}
			if err != nil {
				return err
			}
			continue
		}
		// The places of one member stand together.
		object := ast.NewObject()
		for ; i < len(d.members) && d.members[i].name == m.name; i++ {
			if err := d.members[i].put(object, result); err != nil {
				return err
			}
		}
		if err := each(m, object); err != nil {
			return err
		}
	}
	return nil
}

// value is the member's, nil where it is undefined.
func (m *member) value(result topdown.QueryResult) (ast.Value, error) {
	term := result[m.of]
	if term == nil {
		return nil, &policy.Error{Kind: policy.Undefined, Path: m.name, Err: errors.New("the member is undefined")}
	}
	if !m.boxed {
		return term.Value, nil
	}
	box, _ := term.Value.(*ast.Array)
	if box.Len() == 0 {
		return nil, nil
	}
	return box.Elem(0).Value, nil
}

// put puts the value of m's place into object, and the objects on the way there
// also where it is undefined, as the engine does.
func (m *member) put(object ast.Object, result topdown.QueryResult) error {
	last := len(m.path) - 1
	for _, key := range m.path[:last] {
		inner := object.Get(key)
		if inner == nil {
			inner = ast.ObjectTerm()
			object.Insert(key, inner)
		}
		object = inner.Value.(ast.Object)
	}
	v, err := m.value(result)
	if err == nil && v != nil {
		object.Insert(m.path[last], ast.NewTerm(v))
	}
	return err
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
		m := member{name: name, ref: ref, of: ast.Var("m_" + name), boxed: !always(rules, 1)}
		if !s.plain && readsOf(s.compiler, rules).none() {
			if err := s.settle(phase, &doc.constant, m); err != nil {
				return nil, err
			}
			continue
		}
		doc.members, roots = append(doc.members, s.places(m, rules)...), append(roots, rules...)
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

// places are the member's, where every rule defines one that is written out; else
// the member as a whole.
func (s *Set) places(m member, rules []*ast.Rule) []member {
	byRef := map[string][]*ast.Rule{}
	for _, r := range rules {
		ref := r.Head.Ref()
		if s.plain || len(ref) < 2 || !ref.IsGround() {
			return []member{m}
		}
		byRef[ref.String()] = append(byRef[ref.String()], r)
	}
	var out []member
	for i, name := range slices.Sorted(maps.Keys(byRef)) {
		same := byRef[name]
		path := same[0].Head.Ref()[1:]
		out = append(out, member{
			name: m.name, path: path, ref: m.ref.Concat(path),
			of: ast.Var(fmt.Sprintf("m_%s_%d", m.name, i)), boxed: !always(same, len(path)+1),
		})
	}
	return out
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
		x := ast.VarTerm("x_" + string(m.of))
		value = ast.ArrayComprehensionTerm(x, ast.NewBody(ast.Equality.Expr(x, value)))
	}
	return ast.Equality.Expr(ast.NewTerm(m.of), value)
}

// always reports whether what the rules define at that depth has a value whatever
// the facts: partial sets and objects do, complete rules with a default do.
func always(rules []*ast.Rule, depth int) bool {
	partial := func(r *ast.Rule) bool {
		ref := r.Head.Ref()
		return r.Head.RuleKind() == ast.MultiValue && len(ref) == depth
	}
	hasDefault := func(r *ast.Rule) bool { return r.Default && len(r.Head.Ref()) == depth }
	return !slices.ContainsFunc(rules, func(r *ast.Rule) bool { return !partial(r) }) || slices.ContainsFunc(rules, hasDefault)
}
