package injection

import (
	"bytes"
	"math"
	"slices"
	"unicode/utf8"
)

// Evidence is counted in logits. bias is where a text with none stands.
const (
	bias         = -2.6
	toolBonus    = 0.8  // orders in a tool result, where nobody should give any
	againFactor  = 0.25 // part of a second phrase of a class that counts
	classMost    = 5.0
	modelWeight  = 0.8
	modelShift   = 2.0 // the model is trained on far more benign text than bad
	modelMost    = 3.4
	modelLeast   = -0.4
	modelAlone   = -1.5 // where no phrase agrees with the model
	oddEach      = 0.8  // of a word in disguise, of at most oddKinds
	oddKinds     = 3
	decodedBonus = 1.0
	hiddenEach   = 0.5
	plantedBonus = 1.2
	plantedAmong = 160 // bytes of other text
)

// scanner is the working memory of one Score call.
type scanner struct {
	d       *Detector
	pre     prefilter
	tok     [mostDepth + 1]tokenizer
	buf     [mostDepth + 1][]byte
	sums    []float32
	role    Role
	depth   int
	words   wordCounts
	glanced int // no phrase begins with a pair before this
	work    int // bytes tokenized, for tests of its bound
}

func newScanner(d *Detector) *scanner {
	s := &scanner{d: d}
	for i := range s.tok {
		s.tok[i].p = d.p
		s.buf[i] = make([]byte, 0, 2*windowSize)
	}
	return s
}

// evidence is what one window says.
type evidence struct {
	logit      float64
	start, end int // of the text
	classes    [maxClasses]float64
	obfuscated float64
	hidden     float64
	decoded    float64
	planted    float64
	model      float64
	foreign    float64
}

// maxClasses bounds the classes of the phrase file.
const maxClasses = 32

// maxPhrases bounds the phrases of the phrase file.
const maxPhrases = 512

func (s *scanner) score(text []byte, role Role) Result {
	s.role, s.work, s.glanced = role, 0, 0
	s.pre.reset(s.d.p, text)
	best := evidence{logit: bias}
	if s.d.noRules {
		s.everyWindow(text, &best)
	} else {
		s.hotWindows(text, &best)
		s.foreign(text, &best)
	}
	if best.end == 0 {
		return Result{}
	}
	return s.result(best)
}

// foreign weighs a task of somebody else where nothing worse was found.
func (s *scanner) foreign(text []byte, best *evidence) {
	if squash(best.logit) >= Likely || s.role == System || s.role == Developer {
		return
	}
	start, end, ok := s.words.foreignTask(text)
	if !ok {
		return
	}
	e := evidence{start: start, end: end, foreign: foreignWeight, logit: bias + foreignWeight}
	if s.role == Tool {
		e.logit += toolBonus
	}
	s.keepBest(best, e, 0)
}

// hotWindows judges the surroundings of each place the prefilter stops at.
func (s *scanner) hotWindows(text []byte, best *evidence) {
	done := 0
	for at := s.pre.next(); at >= 0; at = s.pre.next() {
		if s.pre.pair && len(text) > windowSize && !s.glance(text, at) {
			continue
		}
		start := max(min(at-windowLead, s.pre.from-windowTail), at-windowMost, done-windowTail, 0)
		end := min(max(start, at-windowLead)+windowSize, len(text))
		if len(text) <= windowSize {
			start, end = 0, len(text)
		}
		start, end = runeStart(text, start), runeStart(text, end)
		s.keepBest(best, s.judge(text[start:end], 0), start)
		if end == len(text) {
			return
		}
		done = end
		s.pre.jump(end - windowTail/2)
	}
}

// glance reads just the surroundings of a pair the prefilter found, to see
// whether a phrase is there at all.
func (s *scanner) glance(text []byte, at int) bool {
	if at < s.glanced {
		return false // seen by the glance before
	}
	if at-s.pre.from > glanceLead/2 {
		return true // padding between the halves: a glance would not reach
	}
	from, to := max(at-glanceLead, 0), min(at+glanceTail, len(text))
	s.glanced = to - glanceLead
	s.work += to - from
	var e evidence
	s.phrases(&e, s.tok[0].run(text[runeStart(text, from):runeStart(text, to)]))
	return e.end > 0
}

func (s *scanner) everyWindow(text []byte, best *evidence) {
	for start := 0; start < len(text); start += windowSize - windowTail {
		end := runeStart(text, min(start+windowSize, len(text)))
		from := runeStart(text, start)
		s.keepBest(best, s.judge(text[from:end], 0), from)
		if end == len(text) {
			return
		}
	}
}

// runeStart moves an offset back to the start of the rune it is inside of.
func runeStart(text []byte, i int) int {
	for n := 0; n < utf8.UTFMax && i > 0 && i < len(text) && !utf8.RuneStart(text[i]); n++ {
		i--
	}
	return i
}

func (s *scanner) keepBest(best *evidence, e evidence, offset int) {
	if e.end > 0 && (best.end == 0 || e.logit > best.logit) {
		e.start += offset
		e.end += offset
		*best = e
	}
}

// judge reads one window and adds up what it says. Decoded parts are judged
// the same way, at most mostDepth deep.
func (s *scanner) judge(text []byte, depth int) evidence {
	z := &s.tok[depth]
	s.depth = depth
	s.work += len(text)
	toks := z.run(text)
	var e evidence
	if !s.d.noRules {
		s.phrases(&e, toks)
		s.disguise(&e, z, toks)
		if depth < mostDepth {
			s.decode(&e, text, z, depth)
		}
	}
	toks = z.toks
	s.ask(&e, toks)
	s.total(&e)
	return e
}

// phrases tries every phrase at every token it can begin at, each until it is
// found once: a class says no more by saying it again.
func (s *scanner) phrases(e *evidence, toks []token) {
	p := s.d.p
	var found [maxPhrases / 64]uint64
	var strongest float64
	for i := range toks {
		if toks[i].set == 0 {
			continue
		}
		for _, id := range p.starts[toks[i].set] {
			if found[id>>6]>>(id&63)&1 != 0 {
				continue
			}
			r := &p.rules[id]
			if p.toolOnly[r.class] && s.role != Tool {
				continue
			}
			last := p.match(r, toks, i)
			if last < 0 || p.negatable[r.class] && (p.negated(toks, i) || p.retracted(toks[i:last+1])) {
				continue
			}
			found[id>>6] |= 1 << (id & 63)
			e.add(r)
			if p.plantable[r.class] && s.planted(toks[i].start) {
				e.planted = plantedBonus
			}
			if r.weight > strongest {
				strongest = r.weight
				e.start, e.end = int(toks[i].start), int(toks[last].end)
			}
		}
	}
}

// negated reports a "not" before the token at i, with at most one word
// between: who asks not to disregard the rules, or why one must not, does not
// give the order.
func (p *phrases) negated(toks []token, i int) bool {
	for n := 1; n <= 2 && toks[i].word && i-n >= 0 && toks[i-n].word; n++ {
		if p.fit(toks[i-n].set, p.not) {
			return true
		}
	}
	return false
}

// retracted reports a phrase about what the speaker said before and that is no
// instruction: who asks to ignore "my previous message" corrects themselves.
func (p *phrases) retracted(toks []token) bool {
	if p.fit(toks[len(toks)-1].set, p.orders) {
		return false
	}
	for i := range toks[1:] {
		if p.fit(toks[i].set, p.own) && p.fit(toks[i+1].set, p.prior) {
			return true
		}
	}
	return false
}

// planted reports an order on a line of its own among other text: what a user
// asks of an answer stands alone or ends a prompt's sentence, what was slipped
// into a document stands beside it.
func (s *scanner) planted(at int32) bool {
	text := s.tok[s.depth].text
	line := bytes.LastIndexByte(text[:at], '\n') + 1
	if len(bytes.TrimLeft(text[line:at], " \t>*-#")) > 24 {
		return false
	}
	rest := len(text) - int(at)
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		rest = n
	}
	return len(text)-rest >= plantedAmong
}

// add counts a phrase for its class: the strongest fully, others in part.
func (e *evidence) add(r *rule) {
	have := e.classes[r.class]
	if r.weight < 0 {
		e.classes[r.class] = min(have, r.weight)
		return
	}
	e.classes[r.class] = min(max(have, r.weight)+againFactor*min(have, r.weight), classMost)
}

// rules is what the phrases add up to.
func (e *evidence) rules() float64 {
	sum := 0.0
	for _, w := range e.classes {
		sum += w
	}
	return sum
}

// disguise counts trigger words written to be overlooked, and text that is
// not shown at all. Of the same word, often the name of a product with a digit
// in it, one counts.
func (s *scanner) disguise(e *evidence, z *tokenizer, toks []token) {
	var seen [oddKinds]uint16
	n := 0
	for _, t := range toks {
		if !t.odd || len(s.d.p.slots[t.set]) == 0 || n == oddKinds || slices.Contains(seen[:n], t.set) {
			continue
		}
		seen[n] = t.set
		n++
		if e.end == 0 {
			e.start, e.end = int(t.start), int(t.end)
		}
	}
	e.obfuscated = oddEach * float64(n)
	if z.hidden > 1 {
		e.hidden = min(hiddenEach*float64(z.hidden), 3.5)
		if e.end == 0 {
			e.end = len(z.text)
		}
	}
}

// decode judges what the window holds in other writings: runs of base64 and
// hex, escapes, bytes as words, tags, and, where its trigger words are seen,
// rot13 and mirror writing of the whole.
func (s *scanner) decode(e *evidence, text []byte, z *tokenizer, depth int) {
	for at := 0; ; {
		b, ok := nextBlob(text, at)
		if !ok {
			break
		}
		if out, ok := unblob(s.buf[depth], text[b.start:b.end], b.start == 0); ok {
			s.inner(e, out, b, depth, 0)
		}
		at = b.end
	}
	whole := blob{0, len(text)}
	if bytes.ContainsAny(text, `%\&`) {
		if out, n := unescapeAll(s.buf[depth][:0], text); n >= escapesMin {
			s.inner(e, out, whole, depth, e.rules()+e.planted)
		}
	}
	if byteWords(z.toks, text) {
		if out, b := unbits(s.buf[depth][:0], text); b.end > 0 {
			s.inner(e, out, b, depth, 0)
		}
	}
	if len(z.tagged) >= 4 {
		s.inner(e, z.tagged, whole, depth, 0)
	}
	s.turned(e, text, z, depth)
}

// byteWords reports whether enough words may be bytes in binary or hex.
func byteWords(toks []token, text []byte) bool {
	n := 0
	for _, t := range toks {
		if size := t.end - t.start; (size == 2 || size == 8) && hexDigit(text[t.start]) >= 0 {
			n++
		}
	}
	return n >= byteWordsMin
}

func (s *scanner) turned(e *evidence, text []byte, z *tokenizer, depth int) {
	var bits uint8
	for _, t := range z.toks {
		bits |= s.d.p.trig[t.set]
	}
	if bits&trigRot13 != 0 {
		s.inner(e, rot13(s.buf[depth][:0], text), blob{0, len(text)}, depth, 0)
	}
	if bits&trigMirror != 0 {
		s.inner(e, mirror(s.buf[depth][:0], text), blob{0, len(text)}, depth, 0)
	}
}

// inner judges decoded text; it counts where its own phrases speak, and more
// than plain text would, for it was hidden. plain is what can be read of it
// without decoding.
func (s *scanner) inner(e *evidence, text []byte, from blob, depth int, plain float64) {
	in := s.judge(text[:min(len(text), windowSize)], depth+1)
	rules := in.logit - bias - in.model
	if rules <= plain+1 {
		return
	}
	if got := rules + decodedBonus; got > e.decoded {
		e.decoded = got
		e.start, e.end = from.start, from.end
	}
}

// ask adds what the model thinks of the window's most suspicious stretch. The
// more stretches there are, the higher the worst of them is by chance, which
// is taken off: as many looks as the window has stretches side by side.
func (s *scanner) ask(e *evidence, toks []token) {
	if s.d.model == nil {
		return
	}
	logit, from, to := s.d.model.best(toks, &s.sums)
	if to == 0 {
		return
	}
	logit -= math.Log(1 + float64(len(toks))/stretchWords)
	e.model = min(max(modelWeight*(logit+modelShift), modelLeast), modelMost)
	if e.end == 0 {
		e.start, e.end = int(toks[from].start), int(toks[to-1].end)
	}
}

// total adds up a window's evidence for the role.
func (s *scanner) total(e *evidence) {
	if s.role == System || s.role == Developer {
		e.logit = bias + e.hidden
		if e.hidden > 0 {
			e.logit += e.obfuscated + e.decoded
		}
		return
	}
	sum, rules := e.obfuscated+e.hidden+e.decoded+e.planted, e.rules()
	if s.role == Tool && rules > 0 {
		sum += toolBonus
	}
	if sum+rules <= 0.5 && !s.d.noRules {
		e.model += modelAlone
	}
	e.logit = bias + sum + rules + e.model
}

func (s *scanner) result(e evidence) Result {
	if (s.role == System || s.role == Developer) && e.hidden == 0 {
		return Result{}
	}
	r := Result{Score: squash(e.logit), Start: e.start, End: e.end}
	if r.Score >= Possible {
		r.Reasons = s.reasons(e)
	}
	return r
}

// reasons names the evidence, strongest first.
func (s *scanner) reasons(e evidence) []string {
	type named struct {
		name string
		w    float64
	}
	all := []named{{"obfuscation", e.obfuscated}, {"hidden-text", e.hidden}, {"encoded", e.decoded}, {"foreign-task", e.foreign}}
	for i, name := range s.d.p.classes {
		all = append(all, named{name, e.classes[i]})
	}
	slices.SortStableFunc(all, func(a, b named) int {
		switch {
		case a.w > b.w:
			return -1
		case a.w < b.w:
			return 1
		}
		return 0
	})
	var out []string
	for _, n := range all {
		if n.w > 0 {
			out = append(out, n.name)
		}
	}
	if out == nil {
		out = []string{"model"}
	}
	return out
}
