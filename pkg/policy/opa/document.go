package opa

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/regent-proxy/regent/pkg/policy"
)

// document is a phase's decision, prepared: what is asked of the engine.
type document struct {
	members []member // those of one name together
	groups  []group  // the members of one name
	// parts ask for the members: one for those that depend on facts that come
	// again, and is remembered, one for the others.
	parts []*part
	// reads are those of all parts.
	reads *reads
	// constant is what the members that depend on no fact come to. Their
	// slices and maps are copied for each decision.
	constant policy.Decision
	// memo remembers whole decisions, where there is no other part.
	memo   *memo[*policy.Decision]
	traces []topdown.QueryTracer // of an explanation
}

// group is the members [from, to), of one name. What they come to together
// stands behind the members' own values.
type group struct {
	name     string
	from, to int
}

// part is one query and the members it gives.
type part struct {
	members  []int // of the document
	groups   []int // all of whose members are the part's
	query    ast.Body
	compiler ast.QueryCompiler
	reads    *reads
	memo     *memo[[]ast.Value] // nil remembers nothing
}

// member is one member of the decision that some rule defines; or one place in
// it, where rules define only its places: asking for these is a third of the cost
// of having the engine put the object together; or half a set (split).
type member struct {
	name string
	ref  ast.Ref
	path []*ast.Term // of a place in the member; none is the member
	of   ast.Var     // the variable of the query that holds it
	// boxed: a member that may be undefined is asked for as an array of none
	// or one, since an undefined expression would end the query.
	boxed bool
	rules []*ast.Rule
}

// document prepares phase's decision: the members that exist, each in a variable
// of its own, so that rules nobody asks for are not evaluated. Members that
// depend on no fact are evaluated here, once. Nil where there are none.
func (s *Set) document(phase policy.Phase) (*document, error) {
	doc := &document{}
	defined := false
	for _, name := range contract[phase].names() {
		rules := s.compiler.GetRulesWithPrefix(memberRef(string(phase), name))
		if len(rules) == 0 {
			continue
		}
		defined = true
		m := member{name: name, ref: memberRef(string(phase), name), of: ast.Var("m_" + name), boxed: !always(rules, 1), rules: rules}
		if !s.plain && readsOf(s.compiler, rules).none() {
			if err := s.settle(phase, &doc.constant, m); err != nil {
				return nil, err
			}
			continue
		}
		doc.members = append(doc.members, s.places(phase, m)...)
	}
	if !defined {
		return nil, nil
	}
	doc.group()
	return doc, s.apportion(doc)
}

// group finds the members of one name.
func (d *document) group() {
	for i := 0; i < len(d.members); {
		g := group{name: d.members[i].name, from: i}
		for i++; i < len(d.members) && d.members[i].name == g.name; {
			i++
		}
		g.to = i
		d.groups = append(d.groups, g)
	}
}

// values has room for what the members and the groups come to.
func (d *document) values() []ast.Value { return make([]ast.Value, len(d.members)+len(d.groups)) }

// places are what to ask for a member: the halves of a set, the places where
// every rule defines one that is written out, else the member as a whole.
func (s *Set) places(phase policy.Phase, m member) []member {
	if s.plain {
		return []member{m}
	}
	if halves := s.halves(phase, m); halves != nil {
		return halves
	}
	byRef := map[string][]*ast.Rule{}
	for _, r := range m.rules {
		ref := r.Head.Ref()
		if len(ref) < 2 || !ref.IsGround() {
			return []member{m}
		}
		byRef[ref.String()] = append(byRef[ref.String()], r)
	}
	var out []member
	for i, name := range slices.Sorted(maps.Keys(byRef)) {
		same := byRef[name]
		path := same[0].Head.Ref()[1:]
		out = append(out, member{
			name: m.name, path: path, ref: m.ref.Concat(path), rules: same,
			of: ast.Var(fmt.Sprintf("m_%s_%d", m.name, i)), boxed: !always(same, len(path)+1),
		})
	}
	return out
}

// halves are those of a set that was split, else nil.
func (s *Set) halves(phase policy.Phase, m member) []member {
	var out []member
	for _, name := range halves(m.name) {
		ref := memberRef(string(phase), name)
		if rules := s.compiler.GetRulesWithPrefix(ref); len(rules) > 0 {
			out = append(out, member{name: m.name, ref: ref, of: ast.Var("m" + name), rules: rules})
		}
	}
	return out
}

// apportion puts the members into parts, by whether their facts come again.
func (s *Set) apportion(doc *document) error {
	if s.plain {
		doc.reads = &reads{whole: true, varies: true}
		all := make([]int, len(doc.members))
		for i := range all {
			all[i] = i
		}
		return s.add(doc, all, doc.reads)
	}
	var known, fresh []int
	for i := range doc.members {
		if rememberable(readsOf(s.compiler, doc.members[i].rules)) {
			known = append(known, i)
		} else {
			fresh = append(fresh, i)
		}
	}
	for _, members := range [][]int{known, fresh} {
		if err := s.add(doc, members, s.readsOf(doc, members)); err != nil {
			return err
		}
	}
	if doc.reads = s.readsOf(doc, append(known, fresh...)); len(fresh) == 0 {
		doc.memo = newMemo[*policy.Decision](doc.reads)
	}
	return nil
}

func (s *Set) readsOf(doc *document, members []int) *reads {
	var roots []*ast.Rule
	for _, i := range members {
		roots = append(roots, doc.members[i].rules...)
	}
	return readsOf(s.compiler, roots)
}

// add adds a part that asks for members, of which there may be none.
func (s *Set) add(doc *document, members []int, reads *reads) error {
	if len(members) == 0 {
		return nil
	}
	p := &part{members: members, reads: reads, memo: newMemo[[]ast.Value](reads)}
	for i, g := range doc.groups {
		if p.has(g) {
			p.groups = append(p.groups, i)
		}
	}
	doc.parts = append(doc.parts, p)
	return s.compile(doc, p)
}

// has reports whether all members of a group are the part's.
func (p *part) has(g group) bool {
	for i := g.from; i < g.to; i++ {
		if !slices.Contains(p.members, i) {
			return false
		}
	}
	return true
}

// constantTime bounds what a member that depends on no fact may take at load.
const constantTime = time.Second

// settle evaluates a member that depends on no fact into d.
func (s *Set) settle(phase policy.Phase, d *policy.Decision, m member) error {
	doc := &document{members: []member{m}}
	doc.group()
	if err := s.add(doc, []int{0}, &reads{varies: true}); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(s.withKnowledge(context.Background()), constantTime)
	defer done()
	in := &policy.Input{Phase: phase, Call: policy.CallFacts{Started: time.Unix(0, 1)}}
	values := doc.values()
	if err := s.run(ctx, doc, doc.parts[0], in, ast.ObjectTerm(), values); err != nil {
		return err
	}
	return doc.collect(values, func(name string, v ast.Value) error { return decode(d, phase, name, v) })
}

// compile builds a part's query from its members.
func (s *Set) compile(doc *document, p *part) error {
	for i, at := range p.members {
		e := doc.members[at].expr()
		e.Index = i
		p.query = append(p.query, e)
	}
	p.compiler = s.compiler.QueryCompiler()
	query, err := p.compiler.Compile(p.query)
	p.query = query
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

// collect gives each defined member of the decision to each.
func (d *document) collect(values []ast.Value, each func(name string, v ast.Value) error) error {
	for i, g := range d.groups {
		v := values[len(d.members)+i]
		if v == nil {
			v = d.together(values, g)
		}
		if v == nil {
			continue
		}
		if err := each(g.name, v); err != nil {
			return err
		}
	}
	return nil
}

// together is what a group's members come to: the union of a set's halves, an
// object of places, or the one member's value, nil where it is undefined.
func (d *document) together(values []ast.Value, g group) ast.Value {
	switch {
	case len(d.members[g.from].path) > 0:
		return d.object(values, g.from, g.to)
	case g.to-g.from == 2:
		return values[g.from].(ast.Set).Union(values[g.from+1].(ast.Set))
	}
	return values[g.from]
}

// object is the member whose places are the members [from, to). The objects on
// the way to a place are there also where it is undefined, as the engine has it.
func (d *document) object(values []ast.Value, from, to int) ast.Value {
	object := ast.NewObject()
	for i := from; i < to; i++ {
		at, path := object, d.members[i].path
		last := len(path) - 1
		for _, key := range path[:last] {
			inner := at.Get(key)
			if inner == nil {
				inner = ast.ObjectTerm()
				at.Insert(key, inner)
			}
			at = inner.Value.(ast.Object)
		}
		if values[i] != nil {
			at.Insert(path[last], ast.NewTerm(values[i]))
		}
	}
	return object
}

// take reads the part's members from a query's result into values.
func (p *part) take(doc *document, result topdown.QueryResult, values []ast.Value) error {
	for _, i := range p.members {
		v, err := doc.members[i].value(result)
		if err != nil {
			return err
		}
		values[i] = v
	}
	return nil
}

// known is what the part came to, in the order of its members and then groups.
func (p *part) known(doc *document, values []ast.Value) []ast.Value {
	out := make([]ast.Value, 0, len(p.members)+len(p.groups))
	for _, at := range p.members {
		out = append(out, values[at])
	}
	for _, g := range p.groups {
		out = append(out, doc.together(values, doc.groups[g]))
	}
	return out
}

// recall puts what is known back into values.
func (p *part) recall(doc *document, known, values []ast.Value) {
	for i, at := range p.members {
		values[at] = known[i]
	}
	for i, g := range p.groups {
		values[len(doc.members)+g] = known[len(p.members)+i]
	}
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
