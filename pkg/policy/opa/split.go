package opa

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// A set such as deny is one member, and one rule in it that reads what no two
// calls share (the number of tokens, the time) would have all of them evaluated
// for every call. So the set's rules are copied into two: those that depend on
// facts that come again, whose outcome is remembered, and the others. The
// decision's member is the union, as it is of the rules as they are written.
const (
	recurring = "_recurring_"
	passing   = "_passing_"
)

// halves are the names of a split member's two sets, in the package of its phase.
func halves(name string) []string { return []string{recurring + name, passing + name} }

// split adds the copies to modules, as they are written, and reports whether
// there is anything to gain. c is what they compiled to.
func split(modules map[string]*ast.Module, c *ast.Compiler) bool {
	any := false
	for _, phase := range phases {
		for _, name := range contract[phase].names() {
			halfOf := splitSet(c, memberRef(string(phase), name))
			if halfOf == nil {
				continue
			}
			any = true
			for _, m := range modules {
				copyRules(m, name, halfOf)
			}
		}
	}
	return any
}

// splitSet says by place in the source to which half each rule of a set belongs;
// nil where the set is no set, or all its rules are of one kind.
func splitSet(c *ast.Compiler, ref ast.Ref) map[string]string {
	out, kinds := map[string]string{}, map[string]bool{}
	for _, r := range c.GetRulesWithPrefix(ref) {
		if len(r.Head.Ref()) != 1 || r.Head.RuleKind() != ast.MultiValue {
			return nil
		}
		half := passing
		if rememberable(readsOf(c, []*ast.Rule{r})) {
			half = recurring
		}
		out[sourceOf(r)] = half
		kinds[half] = true
	}
	if len(kinds) < 2 {
		return nil
	}
	return out
}

func sourceOf(r *ast.Rule) string { return r.Location.String() }

// copyRules copies a module's rules of a set, each into its half. One that the
// compiler has dropped, since it can never hold, is left out.
func copyRules(m *ast.Module, name string, halfOf map[string]string) {
	for _, r := range m.Rules {
		half, ok := halfOf[sourceOf(r)]
		if !ok || r.Head.Ref().String() != name {
			continue
		}
		twin := r.Copy()
		twin.Head.Name = ast.Var(half + name)
		twin.Head.Reference = ast.Ref{ast.VarTerm(half + name)}
		m.Rules = append(m.Rules, twin)
	}
}

// memberRef is where a member of a phase's decision stands.
func memberRef(phase, name string) ast.Ref {
	return ast.Ref{ast.DefaultRootDocument, ast.InternedTerm("regent"), ast.InternedTerm(phase), ast.InternedTerm(name)}
}
