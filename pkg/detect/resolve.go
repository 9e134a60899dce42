package detect

import (
	"cmp"
	"slices"
)

// settle resolves what was found before the frontier, appends it to dst, and
// returns the position before which nothing can be found any more. Findings
// that overlap are decided together, once the last of them is in.
func (sc *scanner) settle(frontier int, end bool, dst []Finding) ([]Finding, int) {
	if len(sc.raw) == 0 {
		return dst, frontier
	}
	sc.verify.work += len(sc.raw)
	if len(sc.raw) > sc.ordered {
		sc.order()
	}
	if len(sc.set.own) > 0 {
		sc.leftmost(frontier)
	}
	n, cut := sc.past, sc.past > 0
	for n < len(sc.raw) {
		last, to, goesOn := sc.chain(n)
		known := to <= frontier
		if goesOn {
			cut, known = true, sc.raw[last-1].Start < frontier
		}
		if !known && !end {
			frontier = min(frontier, max(sc.raw[n].Start, sc.taken))
			break
		}
		dst = sc.pick(sc.raw[n:last], dst)
		n = last
	}
	first := n
	if cut {
		first = sc.stillReaching(n, frontier)
	}
	sc.raw, sc.past = append(sc.raw[:0], sc.raw[first:]...), n-first
	sc.ordered = len(sc.raw)
	return dst, frontier
}

// order puts raw in order, of which the first are. What is found comes nearly so:
// it is put in its place one by one, unless that takes many steps.
func (sc *scanner) order() {
	steps := 8 * len(sc.raw)
	for i := max(1, sc.ordered); i < len(sc.raw); i++ {
		if byPlace(sc.raw[i-1], sc.raw[i]) <= 0 {
			continue
		}
		f, at := sc.raw[i], i
		for ; at > 0 && byPlace(sc.raw[at-1], f) > 0; at-- {
			sc.raw[at] = sc.raw[at-1]
			steps--
		}
		sc.raw[at] = f
		if steps < 0 {
			slices.SortFunc(sc.raw, byPlace)
			return
		}
	}
}

// maxChain is how many findings that overlap from one to the next are decided
// together. A longer chain, which custom entities whose matches begin within each
// other's make endless, is cut there: what comes behind has only what the
// findings before the cut have not taken.
const maxChain = 64

// chain is where the chain that begins with raw[n] is over, and how far its
// findings reach; goesOn says that it was cut.
func (sc *scanner) chain(n int) (last, to int, goesOn bool) {
	last, to = n+1, sc.raw[n].End
	for last < len(sc.raw) && sc.raw[last].Start < to {
		if last-n == maxChain {
			return last, to, true
		}
		to = max(to, sc.raw[last].End)
		last++
	}
	return last, to, false
}

// stillReaching is the first of the findings before n, all decided, that leftmost
// needs for those to come.
func (sc *scanner) stillReaching(n, frontier int) int {
	first := n
	for i := n - 1; i >= max(0, n-maxNear); i-- {
		if sc.raw[i].End > frontier {
			first = i
		}
	}
	return first
}

// leftmost drops the findings of a custom entity that begin within one of the
// same entity, so that those that overlap from one to the next, as in a text
// that repeats a term, are no endless chain to decide together. All that begin
// before the frontier are known.
func (sc *scanner) leftmost(frontier int) {
	kept := sc.raw[:0]
	for _, f := range sc.raw {
		if f.Start >= frontier || !sc.set.own[f.Entity] || !within(kept, f) {
			kept = append(kept, f)
		}
	}
	sc.raw = kept
}

// within reports that f begins within one of its entity among those before it,
// of which any that reaches so far is one of the last few.
func within(before []Finding, f Finding) bool {
	for i := len(before) - 1; i >= max(0, len(before)-maxNear); i-- {
		if g := &before[i]; g.Entity == f.Entity && g.Start < f.Start && f.Start < g.End {
			return true
		}
	}
	return false
}

// maxNear is how many findings before one are compared with it.
const maxNear = 64

func byPlace(a, b Finding) int {
	if a.Start != b.Start { // nearly always: the rest is not worth being compared before
		return cmp.Compare(a.Start, b.Start)
	}
	return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Entity, b.Entity), cmp.Compare(b.Score, a.Score))
}

// byRank puts the finding first that wins over others it overlaps with: what goes
// on with one that has left does.
func byRank(a, b Finding) int {
	if a.Continued != b.Continued {
		if a.Continued {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.End-b.Start, a.End-a.Start), byPlace(a, b))
}

// pick appends to dst the best of findings that overlap, in order of place,
// without what was taken before.
func (sc *scanner) pick(cluster []Finding, dst []Finding) []Finding {
	first := len(dst)
	if len(cluster) == 1 && cluster[0].Start >= sc.taken {
		sc.taken = cluster[0].End
		return append(dst, shifted(cluster[0], int(sc.base)))
	}
	sc.ranked = sc.ranked[:0]
	for _, f := range cluster {
		if f.Start = max(f.Start, sc.taken); f.Start < f.End {
			sc.ranked = append(sc.ranked, f)
		}
	}
	slices.SortFunc(sc.ranked, byRank)
	for _, f := range sc.ranked {
		if !slices.ContainsFunc(dst[first:], func(g Finding) bool { return f.Start < g.End && g.Start < f.End }) {
			dst = append(dst, f)
		}
	}
	picked := dst[first:]
	slices.SortFunc(picked, byPlace)
	for i := range picked {
		sc.taken = picked[i].End
		picked[i] = shifted(picked[i], int(sc.base))
	}
	return dst
}

func shifted(f Finding, by int) Finding {
	f.Start += by
	f.End += by
	return f
}
