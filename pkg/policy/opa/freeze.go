package opa

import (
	"context"
	"errors"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// maxWeight ends the weighing of frozen facts: one that heavy is the heaviest
// there is.
const maxWeight = 1 << 30

// Freeze takes what the set reads out of in, so that evaluate can decide it
// later, when the buffers that texts lie in are gone; in is neither kept nor
// changed. size is about how many bytes the facts hold. What Evaluate would
// have failed with, evaluate fails with.
func (s *Set) Freeze(in *policy.Input) (evaluate func(context.Context) (*policy.Decision, error), size int) {
	var failed error
	defer func() {
		if failed != nil {
			evaluate = func(context.Context) (*policy.Decision, error) { return nil, failed }
		}
	}()
	var none *policy.Decision
	defer recovered(&none, &failed)
	doc := s.phases[in.Phase]
	if doc == nil {
		failed = &policy.Error{Kind: policy.Undefined, Path: string(in.Phase), Err: errors.New("no rule decides in this phase")}
		return nil, 0
	}
	own := *in
	own.Terms = nil // another revision's lists may have the same names
	facts := s.build(doc, &own)
	later := &policy.Input{Phase: in.Phase, Call: in.Call}
	return func(ctx context.Context) (d *policy.Decision, err error) {
		defer recovered(&d, &err)
		if err := ctx.Err(); err != nil {
			return nil, &policy.Error{Kind: policy.Timeout, Err: err}
		}
		return s.decide(ctx, doc, later, facts)
	}, facts.weight()
}

// built are facts that were built before they are decided on: those of the whole
// document where it remembers decisions, else those of each part. The zero value
// is none.
type built struct {
	whole *ast.Term
	parts []*ast.Term
}

func (s *Set) build(doc *document, in *policy.Input) built {
	if doc.memo != nil {
		return built{whole: s.facts(doc.reads, in)}
	}
	b := built{parts: make([]*ast.Term, len(doc.parts))}
	for i, p := range doc.parts {
		b.parts[i] = s.facts(p.reads, in)
	}
	return b
}

func (b *built) part(i int) *ast.Term {
	if b.parts == nil {
		return nil
	}
	return b.parts[i]
}

func (b *built) weight() int {
	if b.whole != nil {
		return weight(b.whole, maxWeight)
	}
	n := 0
	for _, facts := range b.parts {
		n += weight(facts, maxWeight)
	}
	return n
}
