package opa

import (
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// ruleCache remembers within one evaluation what rules came to. A decision asks
// a few dozen rules: a list of these, kept from evaluation to evaluation, costs
// less than the engine's own tree of maps. Beyond maxListed values a frame goes
// over to the engine's, so that a policy that calls a function for thousands of
// values does not walk the list for each.
type ruleCache struct {
	frames []frame
	depth  int
	terms  []*ast.Term // of the refs listed
}

// frame is what was learnt since a with keyword changed the facts.
type frame struct {
	listed []outcome
	more   topdown.VirtualCache // beyond maxListed, else nil
}

// outcome is what a rule came to; a nil value is undefined.
type outcome struct {
	ref   ast.Ref
	value *ast.Term
}

const maxListed = 48

var ruleCaches = sync.Pool{New: func() any { return &ruleCache{} }}

// newRuleCache is an empty cache, to be given back by free.
func newRuleCache() *ruleCache {
	c := ruleCaches.Get().(*ruleCache)
	c.Push()
	return c
}

// free forgets everything, so that nothing of a call outlives it.
func (c *ruleCache) free() {
	for c.depth > 0 {
		c.Pop()
	}
	clear(c.terms)
	c.terms = c.terms[:0]
	ruleCaches.Put(c)
}

// Push implements topdown.VirtualCache.
func (c *ruleCache) Push() {
	if c.depth == len(c.frames) {
		c.frames = append(c.frames, frame{})
	}
	c.depth++
}

// Pop implements topdown.VirtualCache.
func (c *ruleCache) Pop() {
	f := c.top()
	clear(f.listed)
	f.listed, f.more = f.listed[:0], nil
	c.depth--
}

func (c *ruleCache) top() *frame { return &c.frames[c.depth-1] }

// Get implements topdown.VirtualCache.
func (c *ruleCache) Get(ref ast.Ref) (value *ast.Term, undefined bool) {
	f := c.top()
	if o := f.find(ref); o != nil {
		return o.value, o.value == nil
	}
	if f.more != nil {
		return f.more.Get(ref)
	}
	return nil, false
}

func (f *frame) find(ref ast.Ref) *outcome {
	for i := range f.listed {
		if same(f.listed[i].ref, ref) {
			return &f.listed[i]
		}
	}
	return nil
}

// same compares from the end: refs to rules differ there.
func same(a, b ast.Ref) bool {
	if len(a) != len(b) {
		return false
	}
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] != b[i] && !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// Put implements topdown.VirtualCache. The engine goes on using ref, so its terms
// are copied.
func (c *ruleCache) Put(ref ast.Ref, value *ast.Term) {
	f := c.top()
	if o := f.find(ref); o != nil {
		o.value = value
		return
	}
	if len(f.listed) == maxListed {
		if f.more == nil {
			f.more = topdown.NewVirtualCache()
		}
		f.more.Put(ref, value)
		return
	}
	begin := len(c.terms)
	c.terms = append(c.terms, ref...)
	f.listed = append(f.listed, outcome{ast.Ref(c.terms[begin:len(c.terms):len(c.terms)]), value})
}

// Keys implements topdown.VirtualCache.
func (c *ruleCache) Keys() []ast.Ref {
	f := c.top()
	var out []ast.Ref
	for _, o := range f.listed {
		if o.value != nil {
			out = append(out, append(ast.Ref(nil), o.ref...))
		}
	}
	if f.more != nil {
		out = append(out, f.more.Keys()...)
	}
	return out
}
