package opa

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// The same few words and kinds of findings stand in the facts of call after call.
// Their terms are kept in tables of fixed size, where a new one takes the place
// of an old one that happens to have its slot: no lock, no growth, whatever
// callers send. Terms of facts are never changed, so evaluations may share them.

const slots = 1 << 10

var seed = maphash.MakeSeed()

type wordSlot struct {
	word string
	term *ast.Term
}

var words [slots]atomic.Pointer[wordSlot]

// maxWord bounds the strings that are kept, in bytes: longer ones are no words.
const maxWord = 64

// wordTerm is a string's term, for strings that come again.
func wordTerm(word string) *ast.Term {
	if len(word) > maxWord {
		return ast.StringTerm(word)
	}
	if word == "" {
		return ast.InternedTerm("")
	}
	slot := &words[maphash.String(seed, word)%slots]
	if kept := slot.Load(); kept != nil && kept.word == word {
		return kept.term
	}
	term := ast.StringTerm(word)
	slot.Store(&wordSlot{word, term})
	return term
}

type findingKey struct {
	reads   *reads // which of its fields stand in the term
	finding policy.FindingFact
}

type findingSlot struct {
	key  findingKey
	term *ast.Term
}

var findings [slots]atomic.Pointer[findingSlot]

// findingTerm is a finding's term.
func findingTerm(r *reads, f *policy.FindingFact) *ast.Term {
	key := findingKey{r, *f}
	slot := &findings[maphash.Comparable(seed, key)%slots]
	if kept := slot.Load(); kept != nil && kept.key == key {
		return kept.term
	}
	term := findingFact(r, f)
	if len(f.Entity)+len(f.Class) <= 2*maxWord {
		slot.Store(&findingSlot{key, term})
	}
	return term
}
