package detect

import "sort"

// automaton is an Aho-Corasick automaton over ASCII-lowered bytes, as a dense
// table over classes of bytes. What else is known of a state stands at the end
// of its row, where it is found without a division.
type automaton struct {
	class   [256]uint8
	next    []uint32 // state + class → state, states being multiples of a row's length
	classes uint32   // how many there are: state + classes → bytes of literals that the state has read, and behind it which of outs it has
	outs    [][]output
	first   uint32 // states from here on end a literal

	longest int // bytes of the longest literal
}

// output is a literal that ends in a state.
type output struct {
	rule   int32
	length int32
}

// literal is one string to look for.
type literal struct {
	text string
	rule int
}

type trieNode struct {
	child map[uint8]int
	fail  int
	depth int
	outs  []output
}

func newAutomaton(literals []literal) *automaton {
	a := &automaton{}
	a.classes = uint32(a.classify(literals))
	for _, l := range literals {
		a.longest = max(a.longest, len(l.text))
	}
	nodes := a.trie(literals)
	order := link(nodes)
	a.fill(nodes, order)
	return a
}

// classify gives each byte that stands in a literal a class, all others 0. The
// bytes of prose come first, so that what most texts need of a state's row lies
// together.
func (a *automaton) classify(literals []literal) (classes int) {
	var used [256]bool
	for _, l := range literals {
		for i := range len(l.text) {
			used[lower(l.text[i])] = true
		}
	}
	classes = 1
	give := func(c byte) {
		if used[c] && a.class[c] == 0 {
			a.class[c] = uint8(classes)
			classes++
		}
	}
	for _, c := range []byte(" etaoinshrdlucmfwypvbgkjqxz") {
		give(c)
	}
	for c := range used {
		give(byte(c))
	}
	for c := 'A'; c <= 'Z'; c++ {
		a.class[c] = a.class[lower(byte(c))]
	}
	return classes
}

func (a *automaton) trie(literals []literal) []trieNode {
	nodes := []trieNode{{child: map[uint8]int{}}}
	for _, l := range literals {
		at := 0
		for i := range len(l.text) {
			c := a.class[l.text[i]]
			to, ok := nodes[at].child[c]
			if !ok {
				to = len(nodes)
				nodes = append(nodes, trieNode{child: map[uint8]int{}, depth: i + 1})
				nodes[at].child[c] = to
			}
			at = to
		}
		nodes[at].outs = append(nodes[at].outs, output{int32(l.rule), int32(len(l.text))})
	}
	return nodes
}

// link sets the failure links, and returns the nodes in breadth-first order.
func link(nodes []trieNode) []int {
	order := []int{0}
	for i := 0; i < len(order); i++ {
		at := order[i]
		for _, c := range sortedClasses(nodes[at].child) {
			to := nodes[at].child[c]
			order = append(order, to)
			if at == 0 {
				continue
			}
			fail := nodes[at].fail
			for fail != 0 && nodes[fail].child[c] == 0 {
				fail = nodes[fail].fail
			}
			nodes[to].fail = nodes[fail].child[c]
			nodes[to].outs = append(nodes[to].outs, nodes[nodes[to].fail].outs...)
		}
	}
	return order
}

func sortedClasses(child map[uint8]int) []uint8 {
	out := make([]uint8, 0, len(child))
	for c := range child {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// fill numbers the states, those with outputs last, and writes the table.
func (a *automaton) fill(nodes []trieNode, order []int) {
	row := a.row()
	id := make([]uint32, len(nodes))
	n := uint32(0)
	for _, ending := range []bool{false, true} {
		if ending {
			a.first = n * row
		}
		for _, at := range order {
			if (len(nodes[at].outs) > 0) == ending {
				id[at] = n * row
				n++
			}
		}
	}
	a.next = make([]uint32, len(nodes)*int(row))
	a.outs = make([][]output, 1) // of the states that end nothing
	for _, at := range order {
		node := &nodes[at]
		to := a.next[id[at]:][:row]
		if at != 0 {
			copy(to, a.next[id[node.fail]:][:a.classes])
		}
		for c, child := range node.child {
			to[c] = id[child]
		}
		to[a.classes] = uint32(node.depth)
		if len(node.outs) > 0 {
			to[a.classes+1] = uint32(len(a.outs))
			a.outs = append(a.outs, node.outs)
		}
	}
}

// row is the length of a row: whole lines of the processor's cache, so that the
// letters of prose are in the first of them, and an odd number of lines, so that
// the rows' first ones don't all want the same place in the cache.
func (a *automaton) row() uint32 {
	const line = 64 / 4 // states of four bytes
	return ((a.classes+2+line-1)/line | 1) * line
}

// depth is how many bytes of literals a state has read.
func (a *automaton) depth(state uint32) int { return int(a.next[state+a.classes]) }

// ended are the literals that end in a state.
func (a *automaton) ended(state uint32) []output { return a.outs[a.next[state+a.classes+1]] }

// read runs over text[from:to], and appends the literals that end there.
func (a *automaton) read(text []byte, state uint32, from, to int, hits []waiting) (uint32, []waiting) {
	next, first := a.next, a.first
	for i := from; i < to; i++ {
		if state = next[state+uint32(a.class[text[i]])]; state >= first {
			hits = a.note(hits, state, i+1)
		}
	}
	return state, hits
}

// note appends the literals that end in a state.
func (a *automaton) note(hits []waiting, state uint32, end int) []waiting {
	for _, o := range a.ended(state) {
		hits = append(hits, waiting{at: end - int(o.length), end: end, rule: o.rule})
	}
	return hits
}

// A long text is read in lanes side by side, as each step of one waits for the
// table: the state at a place depends on no more bytes before it than the
// longest literal has, so a lane begins that much earlier.
const (
	lanes     = 4
	leastLane = 128
)

// readLanes is read in lanes. The buffers are the lanes' own.
func (a *automaton) readLanes(text []byte, state *uint32, from, to int, hits []waiting, own *[lanes][]waiting) []waiting {
	n := (to - from) / lanes
	var s [lanes]uint32
	s[0] = *state
	for k := 1; k < lanes; k++ {
		own[k] = own[k][:0]
		for i := from + k*n - a.longest; i < from+k*n; i++ {
			s[k] = a.next[s[k]+uint32(a.class[text[i]])]
		}
	}
	t0, t1, t2, t3 := text[from:from+n], text[from+n:from+2*n], text[from+2*n:from+3*n], text[from+3*n:from+4*n]
	s0, s1, s2, s3, next, first := s[0], s[1], s[2], s[3], a.next, a.first
	for i := range t0 {
		s0 = next[s0+uint32(a.class[t0[i]])]
		s1 = next[s1+uint32(a.class[t1[i]])]
		s2 = next[s2+uint32(a.class[t2[i]])]
		s3 = next[s3+uint32(a.class[t3[i]])]
		if max(s0, s1, s2, s3) < first {
			continue
		}
		if s0 >= first {
			hits = a.note(hits, s0, from+i+1)
		}
		for k, at := range [lanes]uint32{0, s1, s2, s3} {
			if at >= first {
				own[k] = a.note(own[k], at, from+k*n+i+1)
			}
		}
	}
	for k := 1; k < lanes; k++ {
		hits = append(hits, own[k]...)
	}
	*state, hits = a.read(text, s3, from+lanes*n, to, hits)
	return hits
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
