package detect

import "sort"

// automaton is an Aho-Corasick automaton over ASCII-lowered bytes, as a dense
// table over classes of bytes.
type automaton struct {
	class [256]uint8
	next  []uint32 // state<<shift | class → state<<shift
	depth []uint16 // bytes of literals that a state has read
	outs  [][]output
	shift uint
	first uint32 // states from here on, shifted, end a literal
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
	classes := a.classify(literals)
	for a.shift = 1; 1<<a.shift < classes; a.shift++ {
	}
	nodes := a.trie(literals)
	order := link(nodes)
	a.fill(nodes, order)
	return a
}

// classify gives each byte that stands in a literal a class, all others 0.
func (a *automaton) classify(literals []literal) (classes int) {
	classes = 1
	for _, l := range literals {
		for i := range len(l.text) {
			if c := lower(l.text[i]); a.class[c] == 0 {
				a.class[c] = uint8(classes)
				classes++
			}
		}
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
	id := make([]uint32, len(nodes))
	n := uint32(0)
	for _, ending := range []bool{false, true} {
		if ending {
			a.first = n << a.shift
		}
		for _, at := range order {
			if (len(nodes[at].outs) > 0) == ending {
				id[at] = n
				n++
			}
		}
	}
	a.next = make([]uint32, len(nodes)<<a.shift)
	a.depth = make([]uint16, len(nodes))
	a.outs = make([][]output, len(nodes))
	for _, at := range order {
		row := a.next[id[at]<<a.shift:][:1<<a.shift]
		if at != 0 {
			copy(row, a.next[id[nodes[at].fail]<<a.shift:][:1<<a.shift])
		}
		for c, to := range nodes[at].child {
			row[c] = id[to] << a.shift
		}
		a.depth[id[at]] = uint16(nodes[at].depth)
		a.outs[id[at]] = nodes[at].outs
	}
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
