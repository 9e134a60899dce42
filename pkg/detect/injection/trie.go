package injection

import (
	"fmt"
	"strings"
)

// trieWidth is the columns of a row: none, a to z, 0 to 9, rounded up.
const trieWidth = 40

// trie finds the longest lexicon entry that is a word or begins it. Rows are
// dense for ASCII; the edges of other runes are in a map.
type trie struct {
	next  []uint16 // row*trieWidth + column
	exact []uint16 // row -> set of the word that ends here, +1
	stem  []uint16 // row -> set of the stem that ends here, +1
	edges map[edge]uint16
}

type edge struct {
	row uint16
	r   rune
}

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

func (t *trie) grow() uint16 {
	t.next = append(t.next, make([]uint16, trieWidth)...)
	t.exact = append(t.exact, 0)
	t.stem = append(t.stem, 0)
	return uint16(len(t.exact) - 1)
}

func (t *trie) add(word string, set uint16) error {
	if t.edges == nil {
		t.edges = map[edge]uint16{}
		t.grow() // row 0: nowhere
		t.grow() // row 1: the root
	}
	if len(t.exact) > 60000 {
		return fmt.Errorf("the phrase file has too many words: over 60000 trie rows")
	}
	base, stem := strings.CutSuffix(word, "*")
	row := uint16(1)
	for _, r := range base {
		next := t.step(row, r)
		if next == 0 {
			next = t.grow()
			t.link(row, r, next)
		}
		row = next
	}
	if stem {
		t.stem[row] = set + 1
	}
	if !stem || t.exact[row] == 0 {
		t.exact[row] = set + 1
	}
	return nil
}

func (t *trie) link(row uint16, r rune, next uint16) {
	if r < 128 && column[r] != 0 {
		t.next[int(row)*trieWidth+int(column[r])] = next
		return
	}
	t.edges[edge{row, r}] = next
}

// step follows a folded rune; row 0 means the word is in no entry.
func (t *trie) step(row uint16, r rune) uint16 {
	if r < 128 {
		return t.next[int(row)*trieWidth+int(column[r])]
	}
	return t.edges[edge{row, r}]
}

// freeze is called once, after the last add.
func (t *trie) freeze() {
	t.next = append([]uint16(nil), t.next...)
}

// lookup finds the set of a whole folded word.
func (t *trie) lookup(word []rune) uint16 {
	row, set := uint16(1), uint16(0)
	for _, r := range word {
		if row = t.step(row, r); row == 0 {
			return set
		}
		if s := t.stem[row]; s != 0 {
			set = s - 1
		}
	}
	if s := t.exact[row]; s != 0 {
		return s - 1
	}
	return set
}

// longest finds the longest entry the runes begin with, for writing without
// spaces, and how many runes it takes; 0, 0 where there is none.
func (t *trie) longest(runes []rune) (set uint16, n int) {
	row := uint16(1)
	for i, r := range runes {
		if row = t.step(row, r); row == 0 {
			break
		}
		if s := max(t.exact[row], t.stem[row]); s > 1 {
			set, n = s-1, i+1
		}
	}
	return set, n
}
