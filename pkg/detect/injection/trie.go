package injection

import "strings"

// trieWidth is the columns of a row: none, a to z, 0 to 9, and what ends here.
const (
	trieWidth = 40
	colExact  = 38 // set+1 of the word that ends here
	colStem   = 39 // set+1 of the longest stem that ends here or before
)

// trie finds the longest lexicon entry that is a word or begins it. Rows are
// dense for ASCII, and named by their offset in cells; the edges of other
// runes are in a map.
type trie struct {
	cells []uint32
	edges map[edge]uint32
}

type edge struct {
	row uint32
	r   rune
}

const rootRow = trieWidth // row 0 is nowhere

// column is the place of a folded ASCII rune in a row; 0 for others.
var column = func() (t [128]uint8) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] = uint8(c - 'a' + 1)
		t[c-'a'+'A'] = t[c]
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = uint8(c - '0' + 27)
	}
	return t
}()

func (t *trie) grow() uint32 {
	t.cells = append(t.cells, make([]uint32, trieWidth)...)
	return uint32(len(t.cells) - trieWidth)
}

func (t *trie) add(word string, set uint16) {
	if t.edges == nil {
		t.edges = map[edge]uint32{}
		t.grow()
		t.grow()
	}
	base, stem := strings.CutSuffix(word, "*")
	row := uint32(rootRow)
	for _, r := range base {
		next := t.step(row, r)
		if next == 0 {
			next = t.grow()
			t.link(row, r, next)
		}
		row = next
	}
	if stem {
		t.cells[row+colStem] = uint32(set) + 1
	}
	if !stem || t.cells[row+colExact] == 0 {
		t.cells[row+colExact] = uint32(set) + 1
	}
}

func (t *trie) link(row uint32, r rune, next uint32) {
	if r < 128 && column[r] != 0 {
		t.cells[row+uint32(column[r])] = next
		return
	}
	t.edges[edge{row, r}] = next
}

// step follows a folded rune; row 0 means the word is in no entry.
func (t *trie) step(row uint32, r rune) uint32 {
	if r < 128 {
		if column[r] == 0 {
			return 0
		}
		return t.cells[row+uint32(column[r])]
	}
	return t.edges[edge{row, r}]
}

// freeze hands stems down to the rows behind them; called once, after the
// last add. A row is always made before the rows behind it.
func (t *trie) freeze() {
	parent := map[uint32]uint32{}
	for e, next := range t.edges {
		parent[next] = e.row
	}
	for row := uint32(rootRow); row < uint32(len(t.cells)); row += trieWidth {
		if up := parent[row]; up != 0 && t.cells[row+colStem] == 0 {
			t.cells[row+colStem] = t.cells[up+colStem]
		}
		for c := uint32(1); c < colExact; c++ {
			if next := t.cells[row+c]; next != 0 && t.cells[next+colStem] == 0 {
				t.cells[next+colStem] = t.cells[row+colStem]
			}
		}
	}
}

// lookup finds the set of a whole folded word.
func (t *trie) lookup(word []rune) uint16 {
	row := uint32(rootRow)
	for _, r := range word {
		next := t.step(row, r)
		if next == 0 {
			return t.ending(row, false)
		}
		row = next
	}
	return t.ending(row, true)
}

// ending is the set of a word that was followed to row, whole or in part.
func (t *trie) ending(row uint32, whole bool) uint16 {
	if s := t.cells[row+colExact]; whole && s != 0 {
		return uint16(s - 1)
	}
	if s := t.cells[row+colStem]; s != 0 {
		return uint16(s - 1)
	}
	return 0
}

// longest finds the longest entry the runes begin with, for writing without
// spaces, and how many runes it takes; 0, 0 where there is none.
func (t *trie) longest(runes []rune) (set uint16, n int) {
	row := uint32(rootRow)
	for i, r := range runes {
		if row = t.step(row, r); row == 0 {
			break
		}
		if s := t.cells[row+colExact]; s > 1 {
			set, n = uint16(s-1), i+1
		}
	}
	return set, n
}
