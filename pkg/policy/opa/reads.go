package opa

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// reads is a tree of the facts that rules may read: what is not in it need not
// be built. A node without children is read whole. A nil node is not read.
type reads struct {
	whole bool
	kids  map[string]*reads
	// any is what is read of every element or key: input.findings[_].class.
	any *reads
	// varies, of a tree's root: a rule depends on more than its facts, such as
	// the time.
	varies bool
}

// none reports that rules depend on no fact nor anything else that changes.
func (r *reads) none() bool { return !r.whole && !r.varies && len(r.kids) == 0 && r.any == nil }

// readsOf collects what rules, and all they depend on, may read of input. It
// errs on the side of reading: a variable key is any key, a fact that is passed
// on whole is read whole.
func readsOf(c *ast.Compiler, roots []*ast.Rule) *reads {
	tree := &reads{}
	walkDependencies(c, roots, func(rule *ast.Rule) {
		tree.visit(rule)
		tree.varies = tree.varies || varies(rule)
	})
	return tree.settle()
}

// walkDependencies visits roots and every rule they may depend on, once.
func walkDependencies(c *ast.Compiler, roots []*ast.Rule, visit func(*ast.Rule)) {
	seen := map[util.T]bool{}
	var queue []util.T
	add := func(x util.T) {
		if !seen[x] {
			seen[x] = true
			queue = append(queue, x)
		}
	}
	for _, r := range roots {
		for ; r != nil; r = r.Else {
			add(r)
		}
	}
	for len(queue) > 0 {
		x := queue[0]
		queue = queue[1:]
		for dep := range c.Graph.Dependencies(x) {
			add(dep)
		}
		if rule, ok := x.(*ast.Rule); ok {
			visit(rule)
		}
	}
}

// varies reports whether a rule calls a builtin that is not a function of its
// arguments.
func varies(rule *ast.Rule) bool {
	found := false
	ast.WalkExprs(rule, func(e *ast.Expr) bool {
		if e.IsCall() {
			b := ast.BuiltinMap[e.Operator().String()]
			found = found || b != nil && b.IsNondeterministic()
		}
		return found
	})
	return found
}

// visit adds the refs to input in x, a rule or a term. A rule's else branches
// are visited with it, and again as nodes of their own, to no harm.
func (r *reads) visit(x any) {
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case ast.Ref:
			return r.visitRef(x)
		case *ast.Term:
			if ref, ok := x.Value.(ast.Ref); ok {
				return r.visitRef(ref)
			}
		case ast.Var:
			// input by itself, outside a ref: all of it.
			r.whole = r.whole || x.Equal(ast.InputRootDocument.Value)
		}
		return false
	}).Walk(x)
}

// visitRef adds a ref to input, and what its keys refer to in turn; it reports
// whether ref was one.
func (r *reads) visitRef(ref ast.Ref) bool {
	if !ref.HasPrefix(ast.InputRootRef) {
		return false
	}
	r.add(ref[1:])
	for _, key := range ref[1:] {
		r.visit(key)
	}
	return true
}

// add adds one path.
func (r *reads) add(path ast.Ref) {
	at := r
	for _, key := range path {
		if at.whole {
			return
		}
		if name, ok := key.Value.(ast.String); ok {
			at = at.kid(string(name))
		} else {
			if at.any == nil {
				at.any = &reads{}
			}
			at = at.any
		}
	}
	at.whole = true
}

func (r *reads) kid(name string) *reads {
	if r.kids == nil {
		r.kids = map[string]*reads{}
	}
	if r.kids[name] == nil {
		r.kids[name] = &reads{}
	}
	return r.kids[name]
}

// field is what is read of a named part, nil where nothing is.
func (r *reads) field(name string) *reads {
	switch {
	case r == nil || r.whole:
		return r
	case r.kids[name] != nil:
		return r.kids[name]
	}
	return r.any
}

// element is what is read of an array's elements.
func (r *reads) element() *reads {
	if r == nil || r.whole {
		return r
	}
	return r.any
}

func union(a, b *reads) *reads {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := &reads{whole: a.whole || b.whole, any: union(a.any, b.any), kids: map[string]*reads{}}
	for name := range a.kids {
		out.kids[name] = union(a.kids[name], b.kids[name])
	}
	for name := range b.kids {
		if out.kids[name] == nil {
			out.kids[name] = b.kids[name]
		}
	}
	return out
}

// settle pushes what is read of any key into the named ones, so that field
// allocates nothing at run time.
func (r *reads) settle() *reads {
	if r == nil {
		return nil
	}
	for name, kid := range r.kids {
		r.kids[name] = union(kid, r.any).settle()
	}
	r.any.settle()
	return r
}

// at is what is read at path, or at a part of it; "*" is any element or key.
func (r *reads) at(path []string) *reads {
	for _, name := range path {
		if r == nil {
			return nil
		}
		if name == "*" && !r.whole {
			all := r.any
			for _, kid := range r.kids {
				all = union(all, kid)
			}
			r = all
			continue
		}
		r = r.field(name)
	}
	return r
}
