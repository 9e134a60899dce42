package opa

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// lint warns of rules, as they are written, that can never hold, and of pairs
// that may contradict each other at run time. Tests are left out.
func lint(modules map[string]*ast.Module) []string {
	var out []string
	byRef := map[string][]*ast.Rule{}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		if isTest(name) {
			continue
		}
		m := modules[name]
		for _, rule := range m.Rules {
			if !strings.HasPrefix(name, "regent:") {
				out = append(out, contradictions(rule)...)
			}
			if complete(rule) {
				ref := m.Package.Path.String() + "." + rule.Head.Ref().String()
				byRef[ref] = append(byRef[ref], rule)
			}
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(byRef)) {
		out = append(out, conflicts(ref, byRef[ref])...)
	}
	return out
}

// complete reports whether a rule gives a name written out in full one value.
func complete(rule *ast.Rule) bool {
	return !rule.Default && len(rule.Head.Args) == 0 && rule.Head.Value != nil && rule.Head.Key == nil && rule.Head.Ref().IsGround()
}

// conflicts are the pairs of rules that give one name different constants,
// where nothing in them says that not both can hold.
func conflicts(ref string, rules []*ast.Rule) []string {
	var out []string
	for i, a := range rules {
		for _, b := range rules[i+1:] {
			if differ(a, b) && !exclusive(a.Body, b.Body) && !(shipped(a) && shipped(b)) {
				out = append(out, fmt.Sprintf("%s: %s may conflict with %s: where both hold, the evaluation fails", place(b.Location), strings.TrimPrefix(ref, "data."), place(a.Location)))
			}
		}
	}
	return out
}

func shipped(r *ast.Rule) bool { return strings.HasPrefix(r.Location.File, "regent:") }

func differ(a, b *ast.Rule) bool {
	x, y := a.Head.Value, b.Head.Value
	return ast.IsConstant(x.Value) && ast.IsConstant(y.Value) && !x.Equal(y)
}

// exclusive reports whether two bodies cannot both hold: one asks that a place be
// what the other asks that it not be.
func exclusive(a, b ast.Body) bool {
	wants := equalities(a)
	for _, want := range equalities(b) {
		if slices.ContainsFunc(wants, func(w equality) bool { return w.ref == want.ref && !w.value.Equal(want.value) }) {
			return true
		}
	}
	return denies(a, b) || denies(b, a)
}

// denies reports whether a asks for "not x" where b asks for x.
func denies(a, b ast.Body) bool {
	for _, no := range a {
		if !no.Negated {
			continue
		}
		yes := no.Copy()
		yes.Negated = false
		if slices.ContainsFunc(b, func(e *ast.Expr) bool { return !e.Negated && e.String() == yes.String() }) {
			return true
		}
	}
	return false
}

// contradictions are places that one body asks to be two things at once.
func contradictions(rule *ast.Rule) []string {
	var out []string
	wants := equalities(rule.Body)
	for i, want := range wants {
		for _, other := range wants[i+1:] {
			if want.ref == other.ref && !want.value.Equal(other.value) {
				out = append(out, fmt.Sprintf("%s: %s can never hold: %s cannot be both %s and %s", place(rule.Location), rule.Head.Ref(), want.ref, want.value, other.value))
			}
		}
	}
	return out
}

// equality is a condition that a place be a constant.
type equality struct {
	ref   string
	value *ast.Term
}

// equalities are a body's conditions of the form ref == constant, in order.
func equalities(body ast.Body) []equality {
	var out []equality
	for _, e := range body {
		if e.Negated || len(e.With) > 0 || !e.IsEquality() && !(e.IsCall() && e.Operator().Equal(ast.Equal.Ref())) {
			continue
		}
		a, b := e.Operand(0), e.Operand(1)
		if a == nil || b == nil {
			continue
		}
		if _, ok := a.Value.(ast.Ref); !ok {
			a, b = b, a
		}
		ref, ok := a.Value.(ast.Ref)
		if ok && ref.IsGround() && ref.HasPrefix(ast.InputRootRef) && ast.IsConstant(b.Value) {
			out = append(out, equality{ref.String(), b})
		}
	}
	slices.SortFunc(out, func(a, b equality) int { return cmp.Compare(a.ref, b.ref) })
	return out
}
