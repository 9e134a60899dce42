package injection

import "unicode/utf8"

// prefilter walks a text once, word by word, without allocation, and stops
// where a phrase could be or where the text hides something.
type prefilter struct {
	p    *phrases
	text []byte
	at   int

	words   int32           // passed so far, in this and earlier texts
	last    [maxSlots]int32 // number of the last word of a concept
	lastAt  [maxSlots]int32 // and its end
	from    int             // where the pair that was found begins
	pair    bool            // the last stop was for a pair, nothing else
	singles int             // single letters in a row
	single  int             // end of the last one
	escapes int
	escape  int
	bytes8  int // words in a row that are bytes in binary or hex
	byteEnd int // end of the last
}

// letterish marks bytes that go on with a word: letters and digits.
var letterish = func() (t [256]bool) {
	for c := range 128 {
		t[c] = column[c] != 0
	}
	return t
}()

func (f *prefilter) reset(p *phrases, text []byte) {
	f.p, f.text = p, text
	f.single = 0
	if f.words > mostWords {
		f.words, f.last = 0, [maxSlots]int32{}
	}
	f.jump(0)
}

// Words are counted on from text to text, so that what is remembered of the
// one before is out of reach and need not be cleared.
const (
	outOfReach = (maxStepGap + 1) * maxSteps
	mostWords  = 1 << 30
)

// jump goes on at another place of the text, forgetting what was near.
func (f *prefilter) jump(at int) {
	f.words += outOfReach
	f.at, f.singles, f.escapes, f.bytes8, f.pair = at, 0, 0, 0, false
}

// next returns the next place to look closer at, or -1.
func (f *prefilter) next() int {
	text := f.text
	f.pair = false
	for f.at < len(text) {
		f.skip()
		if f.at >= len(text) {
			break
		}
		at, c := f.at, text[f.at]
		if letterish[c] || c >= utf8.RuneSelf {
			if f.wordAt() {
				return at
			}
			continue
		}
		found := f.signAt(c)
		f.at++
		if found {
			return f.at - 1
		}
	}
	return -1
}

// skip moves on to the next word or sign that could mean something. A word is
// let by where no word of the sieve begins with its five letters.
func (f *prefilter) skip() {
	text, heads := f.text, f.p.heads
	words := f.words
	i := f.at
	for i < len(text) {
		k := byteKind[text[i]]
		if k == 0 {
			i++
			continue
		}
		if k >= kindDigit || i+headLetters > len(text) {
			break
		}
		head := uint64(k)
		live := uint8(kindColumn) // nothing once the word has ended
		for j := 1; j < headLetters; j++ {
			c := byteKind[text[i+j]] & live
			live &= ended[c]
			head = head<<6 | uint64(c)
		}
		if heads.has(head) || !letterish[text[i+1]] && lone(text[i+2:i+headLetters]) {
			break
		}
		end := i + 1
		for end < len(text) {
			if k = byteKind[text[end]] - 1; k >= kindDigit-1 {
				break
			}
			end++
		}
		if end < len(text) && byteKind[text[end]] >= kindDigit && inWord[text[end]] {
			break
		}
		words++
		i = end
	}
	f.words, f.at = words, i
}

// inWord marks bytes with which a word of letters may go on in another
// writing; behind other signs it has ended.
var inWord = func() (t [256]bool) {
	for c := range 256 {
		t[c] = c >= utf8.RuneSelf || c >= '0' && c <= '9'
	}
	for _, c := range `@$!|'` {
		t[c] = true
	}
	return t
}()

// headLetters is how many letters of a word are looked up.
const headLetters = 5

// ended is 0 for the column of a separator, all bits for others.
var ended = func() (t [64]uint8) {
	for c := 1; c < len(t); c++ {
		t[c] = 0xFF
	}
	return t
}()

// lone reports that the three bytes behind a single letter and its separator
// begin with another single letter, as they do where words are spaced out.
func lone(b []byte) bool {
	if letterish[b[0]] {
		return !letterish[b[1]]
	}
	return letterish[b[1]] && !letterish[b[2]]
}

// headSet holds which five letters begin a word of the sieve, by hash; those
// of a shorter word are followed by zeros.
type headSet [1024]uint64

func (h *headSet) has(head uint64) bool {
	n := head * 0x9E3779B97F4A7C15 >> 48
	return h[n>>6]>>(n&63)&1 != 0
}

func (h *headSet) add(head uint64) {
	n := head * 0x9E3779B97F4A7C15 >> 48
	h[n>>6] |= 1 << (n & 63)
}

// Bits of byteKind beside the trie column.
const (
	kindColumn = 0x3F
	kindDigit  = 0x40
	kindOdd    = 0x80 // may go on with a word in another writing
)

var byteKind = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= utf8.RuneSelf:
			t[c] = kindOdd
		case column[c] != 0:
			t[c] = column[c]
		}
		if c >= '0' && c <= '9' {
			t[c] |= kindDigit
		}
	}
	for _, c := range `@$!|'<[#%\&:.` {
		t[c] = kindOdd
	}
	return t
}()

// wordAt consumes the word at f.at and reports whether to look closer.
func (f *prefilter) wordAt() bool {
	text, cells := f.text, f.p.sieve.cells
	start, i := f.at, f.at
	f.words++
	row, last, seen := uint32(rootRow), uint32(rootRow), uint8(0)
	var k uint8
	for ; row != 0 && i < len(text); i++ {
		if k = byteKind[text[i]]; k&kindColumn == 0 {
			break
		}
		seen |= k
		if row = cells[row+uint32(k&kindColumn)]; row == 0 {
			break
		}
		last = row
	}
	if row == 0 {
		for ; i < len(text); i++ {
			if k = byteKind[text[i]]; k&kindColumn == 0 {
				break
			}
			seen |= k
		}
	}
	if i < len(text) && k&kindOdd != 0 && (text[i] >= utf8.RuneSelf || leetSign(text, i)) {
		return f.oddWord(start)
	}
	f.at = i
	if set := f.p.sieve.ending(last, row != 0); set != 0 {
		return f.trigger(set, i)
	}
	if seen&kindDigit != 0 {
		return f.numbered(start, i)
	}
	if i == start+1 {
		return f.oneLetter(start)
	}
	return false
}

// leetSign reports a sign inside a word that reads as a letter.
func leetSign(text []byte, i int) bool {
	switch text[i] {
	case '@', '$', '!', '|':
		return i+1 < len(text) && letterish[text[i+1]]
	case '\'':
		return i+1 < len(text) && letterish[text[i+1]]
	}
	return false
}

// oddWord reads a word with other than ASCII letters the slow way, as the
// tokenizer would.
func (f *prefilter) oddWord(start int) bool {
	text := f.text
	var w [maxWord]rune
	n, ascii, alien, leets := 0, 0, 0, 0
	i := start
loop:
	for i < len(text) {
		c := text[i]
		if c < utf8.RuneSelf {
			switch {
			case letterish[c]:
				if c > '9' {
					ascii++
				} else {
					leets++
				}
				f.keep(&w, &n, rune(c)|0x20)
			case leetSign(text, i) && c == '\'':
				if n <= 2 {
					break loop
				}
			case leetSign(text, i) && n > 0:
				if c == '@' && f.concept(f.p.email) {
					return true
				}
				leets++
				f.keep(&w, &n, leet[c])
			default:
				break loop
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		g, kind := fold(r)
		switch kind {
		case kindLetter:
			if g < utf8.RuneSelf {
				ascii++
			} else if lookalike[g] != 0 {
				alien++
			}
			f.keep(&w, &n, g)
		case kindIdeo:
			if n > 0 {
				break loop
			}
			return f.ideograph(i)
		case kindSkip:
			if r >= 0xE0020 || invisible(r) && ascii > 0 && i+size < len(text) && letterish[text[i+size]] || r >= 0x202A && r <= 0x202E {
				f.at = i + size
				return true
			}
		default:
			i += size
			break loop
		}
		i += size
	}
	f.at = max(i, start+1)
	k := min(n, maxWord)
	if alien > 0 && (ascii > 0 || alien == n && n > 2 && f.p.sieve.lookup(w[:k]) == 0) {
		unmask(w[:k])
		if ascii > 0 && len(f.p.slots[f.p.sieve.lookup(w[:k])]) > 0 {
			return true
		}
	}
	set := f.p.sieve.lookup(w[:k])
	if set == 0 && leets > 0 && ascii > 0 && k > 3 {
		deleet(w[:k])
		set = f.p.sieve.lookup(w[:k])
	}
	f.singles = 0
	return set != 0 && f.trigger(set, f.at)
}

func (f *prefilter) keep(w *[maxWord]rune, n *int, r rune) {
	if *n < maxWord {
		w[*n] = r
	}
	*n++
}

func deleet(w []rune) {
	for i, r := range w {
		if r < 128 && leet[r] != 0 {
			w[i] = leet[r]
		}
	}
}

// ideograph passes over the longest lexicon entry at a rune of a script
// without spaces, or the rune.
func (f *prefilter) ideograph(at int) bool {
	var w [8]rune
	var ends [8]int
	n := f.p.runes(f.text, at, &w, &ends)
	set, took := f.p.sieve.longest(w[:n])
	f.at = ends[max(took, 1)-1]
	return set != 0 && f.trigger(set, f.at)
}

// trigger notes a lexicon word and reports whether it completes something.
func (f *prefilter) trigger(set uint16, end int) bool {
	if end-f.single > 6 {
		f.singles = 0
	}
	return f.p.trig[set] != 0 || f.concept(set)
}

// concept notes the concepts of a set at this word and looks for what must
// have come before.
func (f *prefilter) concept(set uint16) bool {
	found := false
	f.from = f.at
	for _, id := range f.p.slots[set] {
		for _, m := range f.p.mates[id] {
			if at := f.last[m.slot]; f.words-at <= int32(m.reach) {
				found = true
				f.from = min(f.from, int(f.lastAt[m.slot]))
			}
		}
	}
	for _, id := range f.p.slots[set] {
		f.last[id], f.lastAt[id] = f.words, int32(f.at)
	}
	f.pair = found
	return found
}

// numbered judges words with digits: leetspeak, encoded blobs, binary.
func (f *prefilter) numbered(start, end int) bool {
	w := f.text[start:end]
	if len(w) >= blobMin {
		return true
	}
	if _, n := bitWord(w); n == len(w) {
		if start-f.byteEnd > 3 {
			f.bytes8 = 0
		}
		f.bytes8++
		f.byteEnd = end
		return f.bytes8 >= byteWordsMin
	}
	if len(w) < 4 || w[len(w)-1] <= '9' && w[len(w)/2] <= '9' {
		return false
	}
	var tmp [maxWord]rune
	n := 0
	for _, c := range w {
		tmp[n] = rune(c) | 0x20
		n++
	}
	deleet(tmp[:n])
	set := f.p.sieve.lookup(tmp[:n])
	return set != 0 && f.trigger(set, end)
}

func onlyBits(w []byte) bool {
	for _, c := range w {
		if c != '0' && c != '1' {
			return false
		}
	}
	return true
}

func (f *prefilter) oneLetter(at int) bool {
	if at-f.single > 5 {
		f.singles = 0
	}
	f.singles++
	f.single = at
	return f.singles >= spacedMin-1 // the last one is followed by a word
}

// signAt judges an ASCII byte that is no letter, digit or quiet.
func (f *prefilter) signAt(c byte) bool {
	text, i := f.text, f.at
	switch c {
	case '<', '[', '#':
		if c == '<' && hasPrefixFold(text[i:], "<!--") {
			return f.concept(f.p.comment)
		}
		return markerAt(text[i:], i == 0 || text[i-1] == '\n') > 0
	case '%', '\\', '&':
		if escapeLen(text[i:]) == 0 {
			return false
		}
		if i-f.escape > 64 {
			f.escapes = 0
		}
		f.escapes++
		f.escape = i
		return f.escapes >= escapesMin
	case '@':
		return i > 0 && letterish[text[i-1]] && f.concept(f.p.email)
	case ':':
		if hasPrefixFold(text[i:], "://") {
			return f.address(i + 3)
		}
	case '.':
		if i > 0 && i+2 < len(text) && letterish[text[i-1]] && letterish[text[i+1]] && f.hostAt(i) {
			return f.address(i + 1)
		}
	}
	return false
}

// address passes over the rest of a URL or host, which is one word.
func (f *prefilter) address(i int) bool {
	f.at = urlRest(f.text, i) - 1
	return f.concept(f.p.url)
}

// hostAt is the prefilter's view of a host name: the endings hostEnd knows,
// or www before the dot.
func (f *prefilter) hostAt(i int) bool {
	if i >= 3 && hasPrefixFold(f.text[i-3:], "www") {
		return true
	}
	for _, tld := range hostEndings {
		if hasPrefixFold(f.text[i+1:], tld) {
			return true
		}
	}
	return false
}
