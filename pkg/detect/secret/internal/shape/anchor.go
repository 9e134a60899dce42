package shape

import (
	"regexp/syntax"
	"slices"
)

// Anchor is what a prefilter looks for on behalf of a pattern: wherever the
// pattern matches, one of Literals (lower case) stands Least to Most bytes
// after the start of the match.
type Anchor struct {
	Literals    []string
	Least, Most int
}

// Bounds of what makes a good anchor.
const (
	anchorMost   = 64 // literals an anchor may have
	anchorLength = 12 // bytes of a literal worth having
	anchorSpread = 48 // places a match may start for one literal
)

// FindAnchor picks the literals that are the rarest to expect and whose
// distance from the start is known. Without a usable one Literals is empty.
func FindAnchor(tree *syntax.Regexp) Anchor {
	items := flatten(tree, nil)
	var best Anchor
	bestScore := 0
	least, most := 0, 0
	for i, item := range items {
		if most-least > anchorSpread {
			break
		}
		literals := expand(items[i:])
		if score := worth(literals, most-least); score > bestScore {
			best, bestScore = Anchor{literals, least, most}, score
		}
		lo, hi := Length(item)
		least, most = least+lo, most+hi
	}
	best.Literals = prune(best.Literals)
	return best
}

// StripLead drops what a pattern may skip lazily before it really begins: as
// it matches the empty string first, it decides where a match starts and
// nothing else.
func StripLead(re *syntax.Regexp) *syntax.Regexp {
	if re.Op != syntax.OpConcat {
		return re
	}
	subs := re.Sub
	for len(subs) > 1 && subs[0].Flags&syntax.NonGreedy != 0 {
		if lo, _ := Length(subs[0]); lo > 0 {
			break
		}
		subs = subs[1:]
	}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: subs, Flags: re.Flags}
}

// worth grades literals: the shortest counts, a start that is not known to
// the byte costs.
func worth(literals []string, spread int) int {
	if len(literals) == 0 {
		return 0
	}
	shortest := anchorLength
	for _, l := range literals {
		shortest = min(shortest, len(l))
	}
	score := 4 * shortest
	if spread > 0 {
		score -= 4 + spread/8
	}
	return score
}

// prune drops literals that another one begins, and doubles.
func prune(literals []string) []string {
	slices.Sort(literals)
	kept := literals[:0]
	for _, l := range literals {
		if n := len(kept); n > 0 && len(l) >= len(kept[n-1]) && l[:len(kept[n-1])] == kept[n-1] {
			continue
		}
		kept = append(kept, l)
	}
	return kept
}

// flatten lists the items of nested concatenations and captures in order.
func flatten(re *syntax.Regexp, items []*syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			items = flatten(sub, items)
		}
		return items
	}
	return append(items, re)
}

// expand lists the lower-case strings that items begin with, as long as there
// are few; empty where the first item already has too many.
func expand(items []*syntax.Regexp) []string {
	heads := []string{""}
	for _, item := range items {
		options, whole := spellings(item)
		if options == nil || len(heads)*len(options) > anchorMost {
			break
		}
		heads = product(heads, options)
		if !whole || len(heads[0]) >= anchorLength {
			break
		}
	}
	for i, h := range heads {
		if h == "" {
			return nil
		}
		heads[i] = h[:min(len(h), anchorLength)]
	}
	return heads
}

// spellings lists what re can match, in lower case, if that is little; whole is
// false where they are only how its matches begin.
func spellings(re *syntax.Regexp) (options []string, whole bool) {
	switch re.Op {
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpBeginLine:
		return []string{""}, true
	case syntax.OpLiteral:
		return []string{lower(string(re.Rune))}, true
	case syntax.OpCapture:
		return spellings(re.Sub[0])
	case syntax.OpCharClass:
		return members(re), true
	case syntax.OpQuest:
		options, whole = spellings(re.Sub[0])
		if options == nil || !whole {
			return nil, false
		}
		return append(slices.Clone(options), ""), true
	case syntax.OpConcat:
		return concatStrings(re.Sub)
	case syntax.OpAlternate:
		return alternateStrings(re.Sub)
	}
	return nil, false
}

func members(re *syntax.Regexp) []string {
	set, ok := setOf(re)
	if !ok {
		return nil
	}
	var out []string
	for c, in := range set {
		if in && !('A' <= c && c <= 'Z' && set[c|0x20]) {
			out = append(out, lower(string(rune(c))))
		}
	}
	if len(out) > 6 {
		return nil
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func concatStrings(subs []*syntax.Regexp) (options []string, whole bool) {
	options = []string{""}
	for i, sub := range subs {
		more, all := spellings(sub)
		if more == nil || len(options)*len(more) > anchorMost {
			if i == 0 {
				return nil, false
			}
			return options, false
		}
		options = product(options, more)
		if !all {
			return options, false
		}
	}
	return options, true
}

func alternateStrings(subs []*syntax.Regexp) (options []string, whole bool) {
	whole = true
	for _, sub := range subs {
		more, all := spellings(sub)
		if more == nil || len(options)+len(more) > anchorMost {
			return nil, false
		}
		options = append(options, more...)
		whole = whole && all
	}
	return options, whole
}

func product(heads, tails []string) []string {
	out := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			out = append(out, h+t)
		}
	}
	return out
}
