package opa

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// memo remembers what recent facts came to: a policy is a function of
// them, and with only those built that it reads, the same ones come again and
// again. Facts are compared whole, never by hash alone. It is of fixed size,
// a newer decision takes the place of an older one, and no call waits for
// another.
type memo[T any] struct {
	slots [memoSlots]atomic.Pointer[remembered[T]]
}

type remembered[T any] struct {
	facts   ast.Value
	hash    int
	outcome T
}

// memoSlots and maxRemembered bound a memo: together 2 MiB of facts a phase.
const (
	memoSlots     = 1024
	maxRemembered = 2048
)

// unique are facts that hardly two calls share, or that are large. A policy
// that reads one of them is not remembered.
var unique = [][]string{
	{"call", "id"}, {"call", "trace_id"}, {"call", "started"}, {"call", "started_ns"},
	{"tokens", "input"}, {"tokens", "context_left"}, {"cost", "estimated_usd"},
	{"llm", "system"}, {"llm", "messages", "*", "text"}, {"llm", "messages", "*", "tool_calls", "*", "arguments"},
	{"response", "text"}, {"response", "usage"},
}

// newMemo is nil, which remembers nothing, where it would be of no use.
func newMemo[T any](r *reads) *memo[T] {
	if !rememberable(r) {
		return nil
	}
	return new(memo[T])
}

// rememberable reports whether what depends on these facts alone is worth
// remembering, and depends on nothing else.
func rememberable(r *reads) bool {
	if r.varies || r.whole || r.at([]string{"http"}) != nil && r.field("http").field("headers") != nil && r.field("http").field("headers").open() {
		return false
	}
	return !slices.ContainsFunc(unique, func(path []string) bool { return r.at(path) != nil })
}

// open reports whether any key may be read.
func (r *reads) open() bool { return r.whole || r.any != nil }

func (m *memo[T]) find(facts *ast.Term) (outcome T, ok bool) {
	if m == nil {
		return outcome, false
	}
	hash := facts.Value.Hash()
	e := m.slots[uint(hash)%memoSlots].Load()
	if e == nil || e.hash != hash || e.facts.Compare(facts.Value) != 0 {
		return outcome, false
	}
	return e.outcome, true
}

// keep remembers outcome, which nobody changes from here on.
func (m *memo[T]) keep(facts *ast.Term, outcome T) {
	if m == nil || weight(facts, maxRemembered) > maxRemembered {
		return
	}
	hash := facts.Value.Hash()
	m.slots[uint(hash)%memoSlots].Store(&remembered[T]{facts: facts.Value, hash: hash, outcome: outcome})
}

// weight is about how many bytes facts hold; over most it counts no further.
func weight(facts *ast.Term, most int) int {
	n := 0
	ast.WalkTerms(facts, func(t *ast.Term) bool {
		n += 16
		if s, ok := t.Value.(ast.String); ok {
			n += len(s)
		}
		return n > most
	})
	return n
}

// clone copies d as deep as a caller may change it.
func clone(d *policy.Decision) *policy.Decision {
	c := *d
	c.Deny, c.Review, c.Redact, c.Body = slices.Clone(d.Deny), slices.Clone(d.Review), slices.Clone(d.Redact), slices.Clone(d.Body)
	c.Labels = maps.Clone(d.Labels)
	if d.Route != nil {
		route := *d.Route
		c.Route = &route
	}
	if d.Headers != nil {
		c.Headers = &policy.HeaderChanges{Set: maps.Clone(d.Headers.Set), Remove: slices.Clone(d.Headers.Remove)}
	}
	if d.Watch != nil {
		watch := *d.Watch
		c.Watch = &watch
	}
	return &c
}
