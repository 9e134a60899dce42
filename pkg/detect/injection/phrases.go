package injection

import (
	"bufio"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Bits of a concept beside how common it is.
const (
	trigAlone  = 1 << iota // a word of it is enough to look closer
	trigRot13              // a trigger word in rot13: decode the window
	trigMirror             // a trigger word written backwards
)

// Commonness of concepts, 0 to 11.
const (
	commonWord  = 2 // of a word in a phrase that is not listed
	commonNever = 12
)

// maxStepGap and maxSteps bound the work of one phrase at one token: a phrase
// reaches at most 63 tokens.
const (
	maxConcepts = 2048
	maxSlots    = 1536 // concepts the prefilter keeps the last place of
	maxStepGap  = 12
	maxSteps    = 6
)

// phrases is the compiled phrase file: a trie of words, the concept sets they
// carry, and the rules over those sets. It is read-only once built.
type phrases struct {
	trie      trie
	sieve     trie         // the words the prefilter stops at
	heads     *headSet     // how words of the sieve begin
	sets      []conceptSet // index 0: no concept
	trig      []uint8      // set -> trigger bits
	classes   []string
	plantable []bool // class -> counts more on a line of its own in other text
	negatable []bool // class -> says nothing behind a "not"
	toolOnly  []bool // class -> counts in a tool's result
	rules     []rule
	starts    [][]uint16 // set -> rules whose first step it fits
	slots     [][]uint16 // set -> places the prefilter keeps for its concepts
	mates     [][]mate   // slot -> what must have come before to look closer
	fits      []uint64   // bit matrix, a row of fitWords words a set
	fitLen    int
	bos       uint16 // set of a sentence's start
	email     uint16
	url       uint16
	mark      uint16
	comment   uint16
	colon     uint16 // a sentence's start behind a speaker's name
	reader    int    // step of a word that may address a model
	spoken    int    // step of a word that keeps its meaning inside a name
	not       int    // step of a word that turns an order around
	own       int    // step of a word for what is the speaker's
	prior     int    // steps of what came before, and of instructions
	orders    int
}

// mate is the earlier half of a pair: its slot, and how many words before the
// later half it may be.
type mate struct{ slot, reach uint16 }

// rule is one phrase: steps that follow one another with bounded gaps.
type rule struct {
	class  int
	weight float64
	steps  []step
}

type step struct {
	id  int // column of the fit matrix
	gap int // tokens that may lie between the step before and this one
}

// conceptSet is the sorted ids of the concepts a word stands for.
type conceptSet []int

// compiler holds the names while the phrase file is read.
type compiler struct {
	concepts map[string]int
	flags    []uint8
	common   []int
	words    map[string]conceptSet // "ignor*" for a stem
	classes  map[string]int
	listed   map[string]int // commonness of words in phrases
	stepMask []conceptSet   // step id -> alternatives
	mistyped []string       // words whose misspellings are words, too
	out      phrases
}

// Names of the concepts the tokenizer itself gives.
const (
	nameBOS   = "^"
	nameEmail = "EMAIL"
	nameURL   = "URL"
	nameMark  = "MARKER"
	nameNote  = "COMMENT"
	nameTypos = "TYPOS" // no concept: words whose misspellings are read, too
	nameColon = "COLON" // a colon that ends a word, as behind a speaker's name
)

// compilePhrases reads the phrase file. A line is one of
//
//	@NAME common = word word stem* …  (a concept; common is a digit and ! r m)
//	~common = word word …             (how common words in phrases are)
//	class weight = STEP gap STEP …    (a phrase; STEP is A|B|word, gap a number)
//
// and fails where the prefilter could not know a phrase: each needs two steps
// besides ^, or one of a concept that is enough alone.
func compilePhrases(src string) (*phrases, error) {
	c := &compiler{concepts: map[string]int{}, words: map[string]conceptSet{}, classes: map[string]int{}, listed: map[string]int{}}
	c.concept(nameBOS, commonNever, 0)
	c.concept(nameEmail, 4, 0)
	c.concept(nameURL, 5, 0)
	c.concept(nameMark, 0, trigAlone)
	c.concept(nameNote, 3, 0)
	c.concept(nameColon, commonNever, 0)
	sc := bufio.NewScanner(strings.NewReader(src))
	for n := 1; sc.Scan(); n++ {
		line, _, _ := strings.Cut(sc.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := c.line(line); err != nil {
			return nil, fmt.Errorf("phrase file, line %d: %w", n, err)
		}
	}
	return c.finish()
}

func (c *compiler) line(line string) error {
	head, body, ok := strings.Cut(line, "=")
	fields := strings.Fields(head)
	switch {
	case ok && len(fields) == 1 && strings.HasPrefix(head, "~"):
		return c.list(fields[0][1:], strings.Fields(body))
	case !ok || len(fields) != 2:
		return fmt.Errorf("want NAME common = words, or class weight = steps")
	}
	if name, ok := strings.CutPrefix(fields[0], "@"); ok {
		return c.define(name, fields[1], strings.Fields(body))
	}
	w, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		return fmt.Errorf("weight %q: %w", fields[1], err)
	}
	return c.phrase(fields[0], w, strings.Fields(body))
}

func (c *compiler) list(common string, words []string) error {
	n, err := strconv.Atoi(common)
	if err != nil {
		return fmt.Errorf("commonness %q: %w", common, err)
	}
	for _, w := range words {
		c.listed[w] = n
	}
	return nil
}

func (c *compiler) define(name, flags string, words []string) error {
	if name == nameTypos {
		c.mistyped = append(c.mistyped, words...)
		return nil
	}
	var bitsOf uint8
	common := 0
	for _, f := range flags {
		i := strings.IndexRune("!rm", f)
		switch {
		case i >= 0:
			bitsOf |= 1 << i
		case f >= '0' && f <= '9':
			common = common*10 + int(f-'0')
		case f != '-':
			return fmt.Errorf("flag %q: not a digit or one of ! r m -", f)
		}
	}
	id := c.concept(name, common, bitsOf)
	for _, w := range words {
		c.addWord(w, id)
	}
	return nil
}

func (c *compiler) concept(name string, common int, flags uint8) int {
	id, ok := c.concepts[name]
	if !ok {
		id = len(c.flags)
		c.concepts[name] = id
		c.flags = append(c.flags, 0)
		c.common = append(c.common, common)
	}
	c.flags[id] |= flags
	return id
}

func (c *compiler) addWord(w string, id int) {
	w = foldWord(w)
	if !slices.Contains(c.words[w], id) {
		c.words[w] = append(slices.Clone(c.words[w]), id)
		slices.Sort(c.words[w])
	}
}

// foldWord folds a lexicon word as the tokenizer folds text; a final star,
// which marks a stem, stays.
func foldWord(w string) string {
	stem := strings.HasSuffix(w, "*")
	var b strings.Builder
	for _, r := range strings.TrimSuffix(w, "*") {
		if f, kind := fold(r); kind == kindLetter || kind == kindIdeo {
			b.WriteRune(f)
		}
	}
	if stem {
		b.WriteByte('*')
	}
	return b.String()
}

func (c *compiler) phrase(class string, weight float64, fields []string) error {
	id, ok := c.classes[class]
	if !ok {
		id = len(c.out.classes)
		c.classes[class] = id
		c.out.classes = append(c.out.classes, class)
		c.out.plantable = append(c.out.plantable, class == "answer-shape" || class == "planted-code")
		c.out.negatable = append(c.out.negatable, class == "override")
		c.out.toolOnly = append(c.out.toolOnly, class == "tool-order")
	}
	r := rule{class: id, weight: weight}
	gap := 0
	for _, f := range fields {
		if n, err := strconv.Atoi(f); err == nil {
			gap = n
			continue
		}
		r.steps = append(r.steps, step{id: c.step(f), gap: gap})
		gap = 0
	}
	if err := c.check(r, fields); err != nil {
		return err
	}
	c.out.rules = append(c.out.rules, r)
	return nil
}

func (c *compiler) check(r rule, fields []string) error {
	if len(r.steps) == 0 || len(r.steps) > maxSteps {
		return fmt.Errorf("phrase %q has %d steps, want 1 to %d", fields, len(r.steps), maxSteps)
	}
	steps := 0
	for _, s := range r.steps {
		if s.gap > maxStepGap {
			return fmt.Errorf("phrase %q: gap %d over %d", fields, s.gap, maxStepGap)
		}
		if c.commonness(s) < commonNever {
			steps++
		}
		if c.alone(s) {
			steps++
		}
	}
	if steps < 2 {
		return fmt.Errorf("phrase %q: the prefilter would pass over it: it needs a step of flag !, or two besides ^", fields)
	}
	return nil
}

// commonness of a step is that of its most common alternative.
func (c *compiler) commonness(s step) int {
	most := 0
	for _, id := range c.stepMask[s.id] {
		most = max(most, c.common[id])
	}
	return most
}

// alone reports a step each of whose words stops the prefilter.
func (c *compiler) alone(s step) bool {
	for _, id := range c.stepMask[s.id] {
		if c.flags[id]&trigAlone == 0 {
			return false
		}
	}
	return true
}

// step gives the alternatives of one step an id. Lower-case alternatives are
// words themselves, each a concept of its own.
func (c *compiler) step(f string) int {
	var mask conceptSet
	for alt := range strings.SplitSeq(f, "|") {
		id, ok := c.concepts[alt]
		if !ok {
			common, listed := c.listed[alt]
			if !listed {
				common = commonWord
			}
			id = c.concept("word:"+alt, common, 0)
			c.addWord(alt, id)
		}
		mask = append(mask, id)
	}
	c.stepMask = append(c.stepMask, mask)
	return len(c.stepMask) - 1
}

// finish numbers the sets, fills the fit matrix and the trie.
func (c *compiler) finish() (*phrases, error) {
	p := &c.out
	c.misspell()
	c.spread()
	numbers := map[string]uint16{}
	number := func(s conceptSet) uint16 {
		k := fmt.Sprint(s)
		if _, ok := numbers[k]; !ok {
			numbers[k] = uint16(len(p.sets))
			p.sets = append(p.sets, s)
		}
		return numbers[k]
	}
	number(nil)
	p.bos = number(conceptSet{c.concepts[nameBOS]})
	p.email = number(conceptSet{c.concepts[nameEmail]})
	p.url = number(conceptSet{c.concepts[nameURL]})
	p.mark = number(conceptSet{c.concepts[nameMark]})
	p.comment = number(conceptSet{c.concepts[nameNote]})
	p.colon = number(conceptSet{c.concepts[nameBOS], c.concepts[nameColon]})
	p.reader = c.step("READER|AI|SYSWORD|SPEAKER")
	p.own = c.step("my|mein|meine|meinen|meiner|mon|ma|mes|mi|mis|mio|mia|meu|minha|mijn|moje|мой|мои|мое")
	p.prior, p.orders = c.step("PRIOR"), c.step("ORDERS")
	p.not = c.step("not|dont|never|cannot|cant|shouldnt|nicht|pas|non")
	p.spoken = c.step("IGNORE|PRIOR|ORDERS|PROMPTS|SYSTEM|YOUR|DAN")
	if len(p.rules) > maxPhrases || len(p.classes) > maxClasses {
		return nil, fmt.Errorf("the phrase file has %d phrases in %d classes, over %d in %d", len(p.rules), len(p.classes), maxPhrases, maxClasses)
	}
	if len(c.flags) > maxConcepts {
		return nil, fmt.Errorf("the phrase file has %d concepts and words in phrases, over %d", len(c.flags), maxConcepts)
	}
	for w, s := range c.words {
		p.trie.add(w, number(s))
	}
	p.trie.freeze()
	c.index()
	if err := c.pair(); err != nil {
		return nil, err
	}
	c.sift(numbers)
	return p, nil
}

// misspell lists what becomes of a word where one of its inner letters is left
// out or changes place with the next: people and models read it all the same.
// A misspelling that is a word of its own stays that.
func (c *compiler) misspell() {
	for _, w := range c.mistyped {
		for i := 1; i+1 < len(w); i++ {
			c.mistype(w, w[:i]+w[i+1:])
			if i+2 < len(w) {
				c.mistype(w, w[:i]+w[i+1:i+2]+w[i:i+1]+w[i+2:])
			}
		}
	}
}

func (c *compiler) mistype(word, as string) {
	if _, ok := c.words[as]; !ok {
		c.words[as] = c.words[word]
	}
}

// sift fills the prefilter's trie with the words that matter to it, and those
// of no meaning that begin like them.
func (c *compiler) sift(numbers map[string]uint16) {
	p := &c.out
	p.heads = new(headSet)
	for w, s := range c.words {
		set := numbers[fmt.Sprint(s)]
		if len(s) == 0 || len(p.slots[set]) > 0 || p.trig[set] != 0 {
			p.sieve.add(w, set)
			p.head(w)
		}
	}
	p.sieve.freeze()
}

// head notes the first letters of a word of the sieve; a stem that is shorter
// goes on with anything.
func (p *phrases) head(w string) {
	base, stem := strings.CutSuffix(w, "*")
	for _, r := range base[:min(len(base), headLetters)] {
		if r >= 128 {
			return // other writing: never judged by its letters
		}
	}
	p.headFrom(base, stem, 0, 0)
}

func (p *phrases) headFrom(base string, stem bool, n int, head uint64) {
	switch {
	case n == headLetters:
		p.heads.add(head)
	case n < len(base):
		p.headFrom(base, stem, n+1, head<<6|uint64(column[base[n]]))
	case !stem:
		p.heads.add(head << (6 * (headLetters - n)))
	default:
		p.heads.add(head << (6 * (headLetters - n)))
		for c := uint64(1); c < colExact; c++ {
			p.headFrom(base, stem, n+1, head<<6|c)
		}
	}
}

// spread gives an exact word the concepts of the stems it begins with, so
// that the trie can answer with the longest entry alone. A word listed for
// the concept NONE is an exception and keeps nothing.
func (c *compiler) spread() {
	none, hasNone := c.concepts["NONE"]
	merged := map[string]conceptSet{}
	for w, s := range c.words {
		if hasNone && slices.Contains(s, none) {
			merged[w] = nil
			continue
		}
		base := strings.TrimSuffix(w, "*")
		all := slices.Clone(s)
		for i := range base {
			all = append(all, c.words[base[:i]+"*"]...)
		}
		all = append(all, c.words[base+"*"]...)
		slices.Sort(all)
		merged[w] = slices.Compact(all)
	}
	c.words = merged
}

func (c *compiler) index() {
	p := &c.out
	p.fitLen = (len(c.stepMask) + 63) / 64
	p.fits = make([]uint64, p.fitLen*len(p.sets))
	p.trig = make([]uint8, len(p.sets))
	p.starts = make([][]uint16, len(p.sets))
	for i, set := range p.sets {
		for _, id := range set {
			p.trig[i] |= c.flags[id]
		}
		for s, mask := range c.stepMask {
			if intersects(set, mask) {
				p.fits[i*p.fitLen+s/64] |= 1 << (s % 64)
			}
		}
		for r := range p.rules {
			if p.fit(uint16(i), p.rules[r].steps[0].id) {
				p.starts[i] = append(p.starts[i], uint16(r))
			}
		}
	}
}

// pair chooses for each phrase the two rarest steps, whose words near each
// other make the prefilter look closer.
func (c *compiler) pair() error {
	p := &c.out
	slot := make([]int, len(c.flags))
	for _, r := range p.rules {
		i, j := c.rarest(r)
		if i < j && r.weight > 0 {
			c.join(slot, r, i, j)
		}
	}
	if len(p.mates) > maxSlots {
		return fmt.Errorf("the phrase file has %d triggers, over %d", len(p.mates), maxSlots)
	}
	p.slots = make([][]uint16, len(p.sets))
	for i, set := range p.sets {
		for _, id := range set {
			if slot[id] > 0 {
				p.slots[i] = append(p.slots[i], uint16(slot[id]-1))
			}
		}
	}
	return nil
}

// rarest returns the two steps of a phrase that are least often near each
// other by chance, or twice the same where one is enough alone.
func (c *compiler) rarest(r rule) (first, second int) {
	best := math.Inf(1)
	for i, a := range r.steps {
		if c.alone(a) {
			return i, i
		}
		for j := i + 1; j < len(r.steps); j++ {
			cost := float64(c.commonness(a)+c.commonness(r.steps[j])) + math.Log2(float64(reach(r, i, j)))
			if cost < best {
				best, first, second = cost, i, j
			}
		}
	}
	return first, second
}

// reach is how many words the later of two steps may be after the earlier.
func reach(r rule, i, j int) int {
	n := 0
	for _, s := range r.steps[i+1 : j+1] {
		n += s.gap + 1
	}
	return n
}

func (c *compiler) join(slot []int, r rule, i, j int) {
	p := &c.out
	number := func(id int) int {
		if slot[id] == 0 {
			p.mates = append(p.mates, nil)
			slot[id] = len(p.mates)
		}
		return slot[id] - 1
	}
	for _, x := range c.stepMask[r.steps[i].id] {
		for _, y := range c.stepMask[r.steps[j].id] {
			p.mate(number(x), number(y), reach(r, i, j))
		}
	}
}

// mate notes that slot x up to n words before slot y is worth a look.
func (p *phrases) mate(x, y, n int) {
	for i := range p.mates[y] {
		if m := &p.mates[y][i]; int(m.slot) == x {
			m.reach = max(m.reach, uint16(n))
			return
		}
	}
	p.mates[y] = append(p.mates[y], mate{uint16(x), uint16(n)})
}

func intersects(a, b conceptSet) bool {
	return slices.ContainsFunc(a, func(x int) bool { return slices.Contains(b, x) })
}

// fit reports whether a token of that set can be that step.
func (p *phrases) fit(set uint16, step int) bool {
	return p.fits[int(set)*p.fitLen+step>>6]>>(step&63)&1 != 0
}

// match follows a rule from its first token on and returns the index of the
// last token of its nearest match, or -1. All ways through the gaps are
// followed at once as a bit set of reachable offsets, so the work is at most
// 64 tests a step.
func (p *phrases) match(r *rule, toks []token, at int) int {
	reach := uint64(1)
	for _, s := range r.steps[1:] {
		var next uint64
		span := uint64(1)<<(s.gap+1) - 1
		var window uint64
		for m := reach; m != 0; m &= m - 1 {
			window |= span << (bits.TrailingZeros64(m) + 1)
		}
		for m := window; m != 0; m &= m - 1 {
			o := bits.TrailingZeros64(m)
			if at+o >= len(toks) {
				break
			}
			if p.fit(toks[at+o].set, s.id) {
				next |= 1 << o
			}
		}
		if reach = next; reach == 0 {
			return -1
		}
	}
	return at + bits.TrailingZeros64(reach)
}
