package detect

import "math"

// leftReach is how much text before a token its checks may ask for: the widest
// look back of a rule for secrets.
const leftReach = 1024 + 64

// waiting is a literal that was found and whose rule was not yet tried.
type waiting struct {
	at, end int // of the literal
	hold    int // where a finding may begin at the earliest
	until   int // how long buf must be for its rule to be asked again
	rule    int32
}

// scanner runs one text. All positions are those of buf.
type scanner struct {
	set   *Set
	buf   []byte
	base  int64 // where buf begins in the text
	cut   cutter
	state uint32 // of the automaton
	read  int    // bytes the automaton has read
	plain int    // nothing tells in text[cut.start:plain]
	hits  []waiting
	next  int // hits before it were tried
	lanes [lanes][]waiting
	open  []waiting // their token is closed, but their rule could still change its mind
	tried int       // len(buf) when the open ones were last tried
	least int       // where a finding of the open ones may begin at the earliest
	soon  int       // the least until of the open ones
	raw   []Finding // not yet resolved, behind the past ones
	// ordered is how many of raw were put in order: all but those found since.
	ordered int
	past    int // how many of raw are resolved, and kept for those to come
	taken   int // where the last finding that was picked ends
	// ranked is room for the findings that are decided together.
	ranked []Finding
	// goes is one more than the rule of a secret that is longer than its reach, 0
	// for none; it is known up to gone.
	goes int32
	gone int
	// carried is goes at the end of a text, for one that goes on where that ended.
	carried int32
	verify  verifier
}

// whole scans one text that is not kept.
func (sc *scanner) whole(text []byte, dst []Finding) []Finding {
	sc.reset()
	sc.buf, sc.base = text, 0
	dst, _ = sc.step(true, dst)
	sc.buf = nil
	return dst
}

func (sc *scanner) reset() {
	sc.cut, sc.state, sc.read, sc.tried = cutter{}, 0, 0, 0
	sc.hits, sc.next, sc.open, sc.raw = sc.hits[:0], 0, sc.open[:0], sc.raw[:0]
	sc.ordered = 0
	sc.goes, sc.gone, sc.carried, sc.past, sc.taken = 0, 0, 0, 0, 0
	sc.verify.near.forget()
	sc.verify.phoned = 0
}

// step scans what came into buf, and returns the position before which all is
// decided. Here and in closeTokens, what mostly has nothing to do is asked so
// before it is called: in a stream of small pieces, calls count.
func (sc *scanner) step(end bool, dst []Finding) ([]Finding, int) {
	const block = 4 << 10 // of which the second pass finds the bytes in the cache
	for {
		stop := min(len(sc.buf), sc.read+block)
		sc.readLiterals(stop)
		last := stop == len(sc.buf)
		sc.closeTokens(sc.buf[:stop], end && last, end)
		if last {
			break
		}
		dst, _ = sc.settle(sc.frontier(false), false, dst)
	}
	if end {
		sc.closeHits(len(sc.buf)+1, len(sc.buf), true)
	}
	if len(sc.open) > 0 {
		sc.tryOpen(end)
	}
	if sc.goes != 0 {
		sc.follow(end)
	}
	frontier := sc.frontier(end)
	if len(sc.raw) == 0 {
		return dst, frontier
	}
	return sc.settle(frontier, end, dst)
}

// readLiterals is the pass that looks for the literals of all rules.
func (sc *scanner) readLiterals(stop int) {
	a := sc.set.literals
	if sc.next > 0 {
		sc.hits, sc.next = append(sc.hits[:0], sc.hits[sc.next:]...), 0
	}
	if n := stop - sc.read; n >= leastLane*lanes && n >= 2*lanes*a.longest {
		sc.hits = a.readLanes(sc.buf, &sc.state, sc.read, stop, sc.hits, &sc.lanes)
	} else {
		sc.state, sc.hits = a.read(sc.buf, sc.state, sc.read, stop, sc.hits)
	}
	sc.read = stop
}

// closeTokens is the pass that cuts tokens and has them checked. Text is all of
// buf that was read; end says that it ends there, final that no more will come.
func (sc *scanner) closeTokens(text []byte, end, final bool) {
	c := &sc.cut
	sc.plain = 0
	for c.start < len(text) {
		if len(text)-c.start >= leastPlain || kindOf[text[len(text)-1]]&isBlank != 0 {
			sc.skipPlain(text)
		}
		from := c.at
		stop, ok := c.next(text, end, sc.set.maxHold)
		sc.verify.work += c.at - from
		if !ok {
			return
		}
		start := c.start
		sc.verify.full = c.full
		if flags := c.take(stop); stop > start {
			if flags&(isDigit|isAt|isColon|isUpper) != 0 && stop-start >= leastDigits {
				sc.raw = sc.verify.token(sc.set, text[:stop], start, flags, sc.raw)
			}
			if len(sc.set.free) > 0 {
				sc.freePatterns(text[:stop], start)
			}
		}
		if sc.next < len(sc.hits) {
			sc.closeHits(stop, start, final)
		}
		sc.skipGap(text, stop)
	}
}

// skipGap begins the next token behind the byte that ended the last one.
func (sc *scanner) skipGap(text []byte, at int) {
	if at < len(text) && kindOf[text[at]]&(isBreak|isBlank|isComma) != 0 {
		at++
	}
	sc.cut.take(at)
}

// closeHits takes the hits that ended before stop, and tries their rules: their
// token began at start.
func (sc *scanner) closeHits(stop, start int, final bool) {
	for sc.next < len(sc.hits) && sc.hits[sc.next].end <= stop {
		h := sc.hits[sc.next]
		sc.next++
		h.hold = min(h.at, start)
		if !sc.try(&h, final) {
			if len(sc.open) == 0 {
				sc.least, sc.soon = h.hold, h.until
			}
			sc.keepOpen(h)
		}
	}
}

// keepOpen has a hit wait.
func (sc *scanner) keepOpen(h waiting) {
	sc.least, sc.soon = min(sc.least, h.hold), min(sc.soon, h.until)
	sc.open = append(sc.open, h)
}

// try runs a hit's rule if nothing that follows can change its answer.
func (sc *scanner) try(h *waiting, final bool) bool {
	r := &sc.set.rules[h.rule]
	sc.verify.work++
	if !final {
		sc.verify.work += min(r.After, len(sc.buf)-h.at)
		if h.until = r.waits(sc.buf, h.at); h.until > 0 {
			return false
		}
	}
	start, end, ok := r.Find(sc.buf, h.at)
	if !ok || start < h.hold || end <= start {
		return true
	}
	if score := r.near.score(sc.buf, start, end, r.Score); sc.set.accepts(r.Entity, score) {
		if stop, over := sc.beyond(r, end); !over {
			end, sc.goes, sc.gone = stop, h.rule+1, stop
		}
		sc.raw = append(sc.raw, Finding{Start: start, End: end, Entity: r.Entity, Class: r.class, Score: score})
		for r.Next != nil && ok {
			if start, end, ok = r.Next(sc.buf, h.at, end); ok {
				sc.raw = append(sc.raw, Finding{Start: start, End: end, Entity: r.Entity, Class: r.class, Score: score})
			}
		}
	}
	return true
}

// waits is how long the text must be for the rule to be asked again, 0 where
// nothing that follows can change its answer.
func (r *rule) waits(text []byte, at int) (until int) {
	if r.Wait != nil {
		return r.Wait(text, at)
	}
	if r.Open(text, at) {
		return len(text) + 1
	}
	return 0
}

// beyond says where a secret of the text so far ends, and whether it is over.
func (sc *scanner) beyond(r *rule, end int) (stop int, over bool) {
	if r.Goes == nil {
		return end, true
	}
	return r.Goes(sc.buf, end, false)
}

// follow takes what came of a secret that is longer than its reach as found, the
// rest of the finding before it.
func (sc *scanner) follow(final bool) {
	r := &sc.set.rules[sc.goes-1]
	stop, over := r.Goes(sc.buf, sc.gone, false)
	if final && !over {
		sc.carried = sc.goes
		stop, over = r.Goes(sc.buf, sc.gone, true)
	}
	sc.verify.work += stop - sc.gone
	if stop > sc.gone {
		sc.raw = append(sc.raw, Finding{Start: sc.gone, End: stop, Entity: r.Entity, Class: r.class, Score: r.Score, Continued: true})
	}
	sc.gone = stop
	if over {
		sc.goes = 0
	}
}

// tryOpen asks the rules that wait again, once what they wait for may have come.
// Many that wait, and those that have long waited, are asked less often, as each
// may look at all since its literal: that delays what they hold, and changes
// nothing else.
func (sc *scanner) tryOpen(final bool) {
	if !final && (len(sc.buf) < sc.soon || len(sc.buf)-sc.tried < sc.pause()) {
		return
	}
	sc.tried = len(sc.buf)
	sc.verify.work += len(sc.open)
	open := sc.open
	sc.open, sc.least, sc.soon = open[:0], len(sc.buf), math.MaxInt
	for _, h := range open {
		if !final && len(sc.buf) < h.until || !sc.try(&h, final) {
			sc.keepOpen(h)
		}
	}
}

// pause is how many bytes must come before the open rules are asked again: a
// quarter of what they have waited.
func (sc *scanner) pause() int {
	pause := (len(sc.buf) - sc.least) / 4
	if len(sc.open) > 8 {
		pause = max(pause, 8*len(sc.open))
	}
	return pause
}

// frontier is where the next finding may begin at the earliest.
func (sc *scanner) frontier(end bool) int {
	if end {
		return len(sc.buf)
	}
	a := sc.set.literals
	f := min(sc.cut.start, sc.read-a.depth(sc.state))
	for i := sc.next; i < len(sc.hits); i++ {
		f = min(f, sc.hits[i].at)
	}
	if len(sc.open) > 0 {
		f = min(f, sc.least)
	}
	if sc.goes != 0 {
		f = min(f, sc.gone)
	}
	return f
}

// Stream scans a running text. Not safe for concurrent use.
type Stream struct {
	sc scanner
}

// NewStream begins a running text.
func (s *Set) NewStream() *Stream { return &Stream{scanner{set: s}} }

// Push takes the next piece of the text. Findings' offsets are those of the
// whole text; all before settled can no longer become part of a later finding.
// With end the text is over, and the stream ready for another that goes on at
// the same offset.
func (st *Stream) Push(chunk []byte, end bool, dst []Finding) (findings []Finding, settled int64) {
	sc := &st.sc
	sc.buf = append(sc.buf, chunk...)
	findings, at := sc.step(end, dst)
	settled = sc.base + int64(at)
	if end {
		sc.base = settled
		sc.buf = sc.buf[:0]
		carried := sc.carried
		sc.reset()
		sc.goes = carried
		return findings, settled
	}
	if at > 4*leftReach {
		sc.forget(at - leftReach)
	}
	return findings, settled
}

// Reset readies the stream for a text that begins at offset 0.
func (st *Stream) Reset() {
	st.sc.buf, st.sc.base = st.sc.buf[:0], 0
	st.sc.reset()
}

// forget drops the first n bytes of buf, all decided.
func (sc *scanner) forget(n int) {
	sc.verify.work += len(sc.buf) - n
	sc.buf = append(sc.buf[:0], sc.buf[n:]...)
	sc.base += int64(n)
	sc.verify.near.forget()
	sc.verify.phoned -= n
	sc.cut.start -= n
	sc.cut.word -= n
	sc.cut.at -= n
	sc.read -= n
	sc.tried -= n
	sc.least -= n
	sc.soon -= n
	sc.gone -= n
	sc.taken -= n
	for i := range sc.hits {
		sc.hits[i].shift(n)
	}
	for i := range sc.open {
		sc.open[i].shift(n)
	}
	for i := range sc.raw {
		sc.raw[i].Start -= n
		sc.raw[i].End -= n
	}
}

func (h *waiting) shift(n int) {
	h.at -= n
	h.end -= n
	h.hold -= n
	h.until -= n
}
