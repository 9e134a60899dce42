package shape

import "regexp/syntax"

// MaxGroups is how many capture groups a [Match] keeps.
const MaxGroups = 10

// Match is where a shape matched: bytes [Start, End) of the text, and its
// groups as offset pairs, -1 where a group took no part.
type Match struct {
	Start, End int
	Groups     [2 * MaxGroups]int
	// Touched says that the attempt, successful or not, looked past the end of
	// the text: with more text it might end otherwise.
	Touched bool
}

// Result says how an attempt ended.
type Result uint8

// Results of [Shape.Match].
const (
	No    Result = iota
	Yes          // the match is in the Match given
	Spent        // the budget of steps ran out first
)

// walk is one attempt.
type walk struct {
	text  []byte
	steps int
	m     *Match
}

// Match tries the shape at text[at:], and fills m where it matches. What lies
// before at and after the match counts for assertions; the text's own ends
// are the ends of text.
func (s *Shape) Match(text []byte, at int, m *Match) Result {
	if s.begins && at < len(text) && !s.first[text[at]] {
		m.Touched = false
		return No
	}
	for i := range m.Groups {
		m.Groups[i] = -1
	}
	m.Touched = false
	w := walk{text: text, steps: budget, m: m}
	end := w.match(s.start, at)
	if end < 0 {
		if w.steps < 0 {
			return Spent
		}
		return No
	}
	m.Start, m.End = at, end
	return Yes
}

// match returns the end of the match of n at pos, or -1.
func (w *walk) match(n *node, pos int) int {
	for {
		if w.steps--; w.steps < 0 {
			return -1
		}
		switch n.kind {
		case kindEnd:
			return pos
		case kindLiteral:
			if !hasAt(w.text, pos, n.literal, n.fold) {
				w.touch(pos, n)
				return -1
			}
			pos += len(n.literal)
		case kindAssert:
			w.m.Touched = w.m.Touched || pos >= len(w.text)
			if !w.holds(n.assert, pos) {
				return -1
			}
		case kindCapture:
			return w.capture(n, pos)
		case kindAlt:
			return w.alternatives(n, pos)
		case kindSet:
			run := w.run(n, pos)
			if run < n.min {
				return -1
			}
			if n.min != n.max && !n.definite {
				return w.tries(n, pos, run)
			}
			pos += run
		}
		n = n.next
	}
}

// touch notes that a literal fails for want of text: what there is of it fits.
func (w *walk) touch(pos int, n *node) {
	rest := len(w.text) - pos
	if rest < len(n.literal) && hasAt(w.text, pos, n.literal[:rest], n.fold) {
		w.m.Touched = true
	}
}

// run counts the bytes from pos that are in n's set, at most n.max.
func (w *walk) run(n *node, pos int) int {
	end := min(len(w.text), pos+n.max)
	i := pos
	for i < end && n.set[w.text[i]] {
		i++
	}
	if i == len(w.text) && i-pos < n.max {
		w.m.Touched = true
	}
	return i - pos
}

// tries matches what follows n after each length of its run, the preferred
// one first.
func (w *walk) tries(n *node, pos, run int) int {
	from, to, step := run, n.min-1, -1
	if n.lazy {
		from, to, step = n.min, run+1, 1
	}
	for k := from; k != to; k += step {
		if n.follow != nil && pos+k < len(w.text) && !n.follow[w.text[pos+k]] {
			continue
		}
		if end := w.match(n.next, pos+k); end >= 0 {
			return end
		}
		if w.steps < 0 {
			return -1
		}
	}
	return -1
}

func (w *walk) alternatives(n *node, pos int) int {
	for _, alt := range n.alts {
		if end := w.match(alt, pos); end >= 0 || w.steps < 0 {
			return end
		}
	}
	return -1
}

// capture notes pos in the slot, and takes it back if nothing matches after.
func (w *walk) capture(n *node, pos int) int {
	if n.slot >= len(w.m.Groups) {
		return w.match(n.next, pos)
	}
	before := w.m.Groups[n.slot]
	w.m.Groups[n.slot] = pos
	end := w.match(n.next, pos)
	if end < 0 {
		w.m.Groups[n.slot] = before
	}
	return end
}

func (w *walk) holds(op syntax.EmptyOp, pos int) bool {
	switch op {
	case syntax.EmptyBeginText:
		return pos == 0
	case syntax.EmptyEndText:
		return pos == len(w.text)
	case syntax.EmptyBeginLine:
		return pos == 0 || w.text[pos-1] == '\n'
	case syntax.EmptyEndLine:
		return pos == len(w.text) || w.text[pos] == '\n'
	}
	boundary := w.wordAt(pos-1) != w.wordAt(pos)
	return boundary == (op == syntax.EmptyWordBoundary)
}

func (w *walk) wordAt(i int) bool {
	if i < 0 || i >= len(w.text) {
		return false
	}
	c := w.text[i]
	return isLetter(c) || '0' <= c && c <= '9' || c == '_'
}

// hasAt reports whether text has the literal, in lower case if fold, at pos.
func hasAt(text []byte, pos int, literal string, fold bool) bool {
	if len(text)-pos < len(literal) {
		return false
	}
	if !fold {
		return string(text[pos:pos+len(literal)]) == literal
	}
	for i := range len(literal) {
		c := text[pos+i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != literal[i] {
			return false
		}
	}
	return true
}
