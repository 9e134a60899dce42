package opa

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// constants simplifies compiled rules by what cannot change as long as a set
// lives: its data. A setting that is read becomes its value, and a rule that
// the settings turn off is dropped, so that it costs nothing and the facts only
// it reads are not built. Decisions are the same with and without; a test
// compares them.
type constants struct {
	data     ast.Value
	compiler *ast.Compiler
	dead     map[*ast.Rule]bool
}

// maxFolded bounds the members of a value that takes a ref's place: a large
// table is better looked up.
const maxFolded = 64

// fold is the compiler stage. It comes after all checks, which must see the
// rules as written, and before the rule indices.
func fold(data ast.Value) ast.CompilerStageDefinition {
	return ast.CompilerStageDefinition{Name: "FoldData", MetricName: "regent_fold_data", Stage: func(c *ast.Compiler) *ast.Error {
		f := &constants{data: data, compiler: c, dead: map[*ast.Rule]bool{}}
		if !f.mocked() {
			f.run()
		}
		return nil
	}}
}

// mocked reports whether any rule replaces data: then none of it is constant.
func (f *constants) mocked() bool {
	found := false
	for _, m := range f.compiler.Modules {
		ast.WalkWiths(m, func(w *ast.With) bool {
			ref, ok := w.Target.Value.(ast.Ref)
			found = found || !ok || !ref.HasPrefix(ast.InputRootRef)
			return found
		})
	}
	return found
}

func (f *constants) run() {
	// A rule that can never hold may be what another waits for: until nothing
	// changes, which it does at most once a rule.
	for changed := true; changed; {
		changed = false
		for _, m := range f.compiler.Modules {
			for _, rule := range m.Rules {
				changed = f.rules(rule) || changed
			}
		}
	}
	f.compiler.RuleTree.DepthFirst(func(n *ast.TreeNode) bool {
		n.Values = prune(n.Values, f.dead)
		return false
	})
	f.compiler.Graph = ast.NewGraph(f.compiler.Modules, func(r ast.Ref) []*ast.Rule {
		return f.compiler.GetRulesDynamicWithOpts(r, ast.RulesOptions{IncludeHiddenModules: true})
	})
}

// rules folds a rule and its else branches, and reports whether it turned out
// dead just now.
func (f *constants) rules(rule *ast.Rule) bool {
	if f.dead[rule] {
		return false
	}
	for r := rule; r != nil; r = r.Else {
		f.rule(r)
	}
	f.dead[rule] = dead(rule)
	return f.dead[rule]
}

// undefined reports whether a term refers to complete rules that can never
// hold.
func (f *constants) undefined(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	if !ok || !ref.HasPrefix(ast.DefaultRootRef) || !ref.IsGround() {
		return false
	}
	rules := f.compiler.GetRulesExact(ref)
	return len(rules) > 0 && !slices.ContainsFunc(rules, func(r *ast.Rule) bool {
		return !f.dead[r] || r.Head.RuleKind() == ast.MultiValue || len(r.Head.Args) > 0
	}) && len(f.compiler.GetRulesWithPrefix(ref)) == len(rules)
}

// prune drops dead rules but keeps one: a set whose rules are all off is empty,
// not undefined.
func prune(rules []*ast.Rule, dead map[*ast.Rule]bool) []*ast.Rule {
	live := slices.DeleteFunc(slices.Clone(rules), func(r *ast.Rule) bool { return dead[r] })
	if len(live) == 0 {
		return rules[:min(1, len(rules))]
	}
	return live
}

// rule folds one rule, not its else branches.
func (f *constants) rule(r *ast.Rule) {
	f.terms(r.Head)
	for {
		f.terms(r.Body)
		f.only(r)
		if !f.propagate(r) {
			break
		}
	}
	r.Body = f.simplify(r.Body)
	if f.never(r.Body) {
		// What the head and the rest of the body refer to is read no more.
		r.Body = ast.NewBody(ast.NewExpr(ast.NewTerm(ast.Boolean(false))))
	}
}

// terms puts values in place of ground refs to data.
func (f *constants) terms(x any) {
	_, _ = ast.TransformRefs(x, func(ref ast.Ref) (ast.Value, error) {
		if v, ok := f.constant(ref); ok && small(v) {
			return v, nil
		}
		return ref, nil
	})
}

// overNothing reports whether an expression goes through an empty part of the
// data: x = data.list[_].
func (f *constants) overNothing(e *ast.Expr) bool {
	return !e.Negated && len(e.With) == 0 && e.IsEquality() && (f.empty(e.Operand(0)) || f.empty(e.Operand(1)))
}

func (f *constants) empty(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	if !ok || ref.IsGround() {
		return false
	}
	v, ok := f.constant(ref.GroundPrefix())
	if !ok {
		return false
	}
	switch v := v.(type) {
	case *ast.Array:
		return v.Len() == 0
	case ast.Object:
		return v.Len() == 0
	}
	return false
}

// constant is the value of a ground ref to data that no rule defines.
func (f *constants) constant(ref ast.Ref) (ast.Value, bool) {
	if len(ref) < 2 || !ref.HasPrefix(ast.DefaultRootRef) || !ref.IsGround() {
		return nil, false
	}
	v, err := f.data.Find(ref[1:])
	return v, err == nil && len(f.compiler.GetRulesWithPrefix(ref)) == 0
}

// only turns x = list[_] into x = element where the list is one of the data and
// has one element.
func (f *constants) only(r *ast.Rule) {
	for _, e := range r.Body {
		if e.Negated || len(e.With) > 0 || !e.IsEquality() {
			continue
		}
		operands := e.Terms.([]*ast.Term)
		for i, t := range operands[1:] {
			if v := f.onlyElement(r, t); v != nil {
				operands[1+i] = &ast.Term{Value: v, Location: t.Location}
			}
		}
	}
}

func (f *constants) onlyElement(r *ast.Rule, t *ast.Term) ast.Value {
	ref, ok := t.Value.(ast.Ref)
	if !ok || ref.IsGround() || len(ref.GroundPrefix()) != len(ref)-1 {
		return nil
	}
	index, ok := ref[len(ref)-1].Value.(ast.Var)
	v, known := f.constant(ref.GroundPrefix())
	list, isList := v.(*ast.Array)
	if !ok || !known || !isList || list.Len() != 1 || !small(v) || uses(r, index) != 1 {
		return nil
	}
	return list.Elem(0).Value
}

// uses counts where a rule names a variable.
func uses(r *ast.Rule, name ast.Var) int {
	n := 0
	ast.WalkVars(r, func(v ast.Var) bool {
		if v == name {
			n++
		}
		return false
	})
	return n
}

func small(v ast.Value) bool {
	n := 0
	ast.WalkTerms(v, func(*ast.Term) bool { n++; return n > maxFolded })
	return n <= maxFolded
}

// propagate finds one __local = constant in a rule's body and puts the constant
// in the variable's place. It reports whether there was one.
func (f *constants) propagate(r *ast.Rule) bool {
	for i, e := range r.Body {
		name, value, ok := binding(e)
		if !ok || inHead(r, name) || !ast.IsScalar(value) && headsRef(r, name) {
			continue
		}
		replace := func(v ast.Var) (ast.Value, error) {
			if v == name {
				return value, nil
			}
			return v, nil
		}
		// A term of its own: the walk below writes to what it visits, and interned
		// terms are read by evaluations meanwhile.
		r.Body[i] = ast.NewExpr(ast.NewTerm(ast.Boolean(true))).SetLocation(e.Location)
		r.Body[i].Index = e.Index
		_, _ = ast.TransformVars(r.Body, replace)
		if r.Head.Key != nil {
			r.Head.Key = replaced(r.Head.Key, replace)
		}
		if r.Head.Value != nil {
			r.Head.Value = replaced(r.Head.Value, replace)
		}
		return true
	}
	return false
}

// headsRef reports whether name is what a ref starts from: no constant may
// take that place.
func headsRef(r *ast.Rule, name ast.Var) bool {
	found := false
	visit := func(ref ast.Ref) bool { found = found || ref[0].Value.Compare(name) == 0; return found }
	ast.WalkRefs(r.Body, visit)
	ast.WalkRefs(r.Head, visit)
	return found
}

func replaced(t *ast.Term, replace func(ast.Var) (ast.Value, error)) *ast.Term {
	v, err := ast.TransformVars(t.Value, replace)
	if err != nil {
		return t
	}
	return &ast.Term{Value: v.(ast.Value), Location: t.Location}
}

// binding reads an expression of the form __local = constant, or the reverse.
// Only variables that the compiler named are unique within a rule.
func binding(e *ast.Expr) (ast.Var, ast.Value, bool) {
	if e.Negated || len(e.With) > 0 || !e.IsEquality() {
		return "", nil, false
	}
	a, b := e.Operand(0), e.Operand(1)
	if _, ok := a.Value.(ast.Var); !ok {
		a, b = b, a
	}
	name, ok := a.Value.(ast.Var)
	return name, b.Value, ok && name.IsGenerated() && ast.IsConstant(b.Value)
}

// inHead reports whether a variable is an argument or a key of a rule's name:
// a constant there would change which rule it is.
func inHead(r *ast.Rule, name ast.Var) bool {
	found := false
	visit := func(v ast.Var) bool { found = found || v == name; return found }
	for _, arg := range r.Head.Args {
		ast.WalkVars(arg, visit)
	}
	ast.WalkVars(r.Head.Reference, visit)
	return found
}

// simplify drops the expressions of a body that always hold.
func (f *constants) simplify(body ast.Body) ast.Body {
	kept := ast.Body(slices.DeleteFunc(slices.Clone(body), func(e *ast.Expr) bool {
		holds, known := f.truth(e)
		return known && holds
	}))
	if len(kept) == 0 {
		return ast.NewBody(ast.NewExpr(ast.NewTerm(ast.Boolean(true))))
	}
	for i := range kept {
		kept[i].Index = i
	}
	return kept
}

// never reports whether a body can never hold.
func (f *constants) never(body ast.Body) bool {
	return slices.ContainsFunc(body, func(e *ast.Expr) bool {
		holds, known := f.truth(e)
		return known && !holds || f.overNothing(e)
	})
}

// dead reports whether folding found that a rule can never hold.
func dead(rule *ast.Rule) bool {
	never := func(e *ast.Expr) bool {
		t, ok := e.Terms.(*ast.Term)
		return ok && !e.Negated && len(e.With) == 0 && t.Value.Compare(ast.Boolean(false)) == 0
	}
	return rule.Else == nil && !bool(rule.Default) && slices.ContainsFunc(rule.Body, never)
}

// truth is whether an expression of constants, or of rules that can never hold,
// holds.
func (f *constants) truth(e *ast.Expr) (holds, known bool) {
	if len(e.With) > 0 {
		return false, false
	}
	if t, ok := e.Terms.(*ast.Term); ok {
		if f.undefined(t) {
			return e.Negated, true
		}
		if !ast.IsConstant(t.Value) {
			return false, false
		}
		return (t.Value.Compare(ast.Boolean(false)) != 0) != e.Negated, true
	}
	if !e.IsCall() || len(e.Operands()) != 2 || !ast.IsConstant(e.Operand(0).Value) || !ast.IsConstant(e.Operand(1).Value) {
		return false, false
	}
	order := ast.Compare(e.Operand(0).Value, e.Operand(1).Value)
	switch e.Operator().String() {
	case ast.Equality.Name, ast.Equal.Name:
		holds = order == 0
	case ast.NotEqual.Name:
		holds = order != 0
	default:
		return false, false
	}
	return holds != e.Negated, true
}
