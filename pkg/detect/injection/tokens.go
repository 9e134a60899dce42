package injection

import (
	"bytes"
	"unicode/utf8"
)

// token is one word of a window. Gaps of phrases count tokens.
type token struct {
	set        uint16 // index into phrases.sets
	odd        bool   // written to deceive: lookalikes, invisible runes, leetspeak, spacing
	word       bool   // has a hash: a word, not punctuation
	hash       uint32 // FNV-1a of the folded runes
	start, end int32  // bytes of the window
}

// maxWord is the runes of a word that are looked at; a longer one is judged
// by its beginning.
const maxWord = 40

// spacedMin is how many single letters in a row read as a spaced-out word.
const spacedMin = 5

// tokenizer cuts one window into tokens. It is reused between windows.
type tokenizer struct {
	p    *phrases
	text []byte
	toks []token

	word      [maxWord]rune
	n         int // runes in word
	ascii     int // of them ASCII letters
	alien     int // of them lookalikes of ASCII letters
	digits    int // digits and leet signs
	invisible int // invisible runes after the first letter
	marks     int // combining marks
	start     int

	spaced      [128]rune
	spacedAt    [128]int32
	nSpaced     int
	hidden      int // runs of invisible text: tags, selectors
	tagged      []byte
	lastWordEnd int
}

// run tokenizes text; the tokens are valid until the next run.
func (z *tokenizer) run(text []byte) []token {
	z.text, z.toks = text, z.toks[:0]
	z.n, z.nSpaced, z.hidden, z.tagged = 0, 0, 0, z.tagged[:0]
	z.clear(0)
	z.sentence(0, false)
	for i := 0; i < len(text); {
		i = z.next(i)
	}
	z.endWord(len(text))
	z.flushSpaced()
	return z.toks
}

func (z *tokenizer) clear(at int) {
	z.n, z.ascii, z.alien, z.digits, z.invisible, z.marks, z.start = 0, 0, 0, 0, 0, 0, at
}

// next consumes what is at i and returns where to go on.
func (z *tokenizer) next(i int) int {
	c := z.text[i]
	if c < utf8.RuneSelf {
		if column[c] != 0 {
			z.letter(i, rune(c)|0x20, c >= 'A')
			return i + 1
		}
		return z.punctuation(i, c)
	}
	r, size := utf8.DecodeRune(z.text[i:])
	f, kind := fold(r)
	switch kind {
	case kindLetter:
		z.letter(i, f, f < utf8.RuneSelf && column[f] <= 26)
		if f >= utf8.RuneSelf && lookalike[f] != 0 {
			z.alien++
		}
	case kindIdeo:
		z.endWord(i)
		return z.ideograph(i)
	case kindSkip:
		z.skip(r)
	default:
		z.endWord(i)
		z.wideStop(r, i+size)
	}
	return i + size
}

func (z *tokenizer) letter(i int, r rune, isASCII bool) {
	if z.n == 0 {
		z.clear(i)
	}
	if z.n < maxWord {
		z.word[z.n] = r
	}
	z.n++
	if isASCII {
		z.ascii++
	} else if r < utf8.RuneSelf {
		z.digits++
	}
}

// skip notes a rune that shows nothing. Tag characters carry ASCII of their
// own (https://www.unicode.org/charts/PDF/UE0000.pdf), kept to be judged.
func (z *tokenizer) skip(r rune) {
	switch {
	case r >= 0xE0020 && r <= 0xE007E:
		z.hidden++
		z.tagged = append(z.tagged, byte(r-0xE0000))
	case r >= 0xE0100 && r <= 0xE01EF:
		z.hidden++
		z.tagged = append(z.tagged, byte(r-0xE0100+16))
	case invisible(r):
		if z.n > 0 && r != 0xFE0F {
			z.invisible++
		}
		if r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			z.hidden++
		}
	case r < firstIndic || r > lastIndic:
		z.marks++
	}
}

// Writings of India to Tibet, whose words are full of marks.
const (
	firstIndic = 0x0900
	lastIndic  = 0x0FFF
)

// punctuation handles an ASCII byte that is no letter or digit.
func (z *tokenizer) punctuation(i int, c byte) int {
	switch c {
	case '\'':
		if z.n > 2 {
			return i + 1 // don't, you're: one word
		}
	case '@', '$', '!', '|':
		if z.n > 0 && i+1 < len(z.text) && column[z.text[i+1]&0x7F] != 0 && z.text[i+1] < utf8.RuneSelf {
			if c == '@' {
				if end := z.emailEnd(i); end > 0 {
					z.push(token{set: z.p.email, start: int32(z.start), end: int32(end)})
					z.n = 0
					return end
				}
			}
			z.letter(i, leet[c], false)
			return i + 1
		}
	case ':':
		if end := z.urlEnd(i); end > 0 {
			z.push(token{set: z.p.url, start: int32(z.start), end: int32(end)})
			z.n = 0
			return end
		}
	case '.':
		if end := z.hostEnd(i); end > 0 {
			z.push(token{set: z.p.url, start: int32(z.start), end: int32(end)})
			z.n = 0
			return end
		}
	}
	z.endWord(i)
	if n := markerAt(z.text[i:], i == 0 || z.text[i-1] == '\n'); n > 0 {
		z.push(token{set: z.p.mark, start: int32(i), end: int32(i + n)})
		z.sentence(i+n, false)
		return i + n
	}
	switch c {
	case '.', '!', '?', ';':
		if i+1 < len(z.text) && z.text[i+1] > ' ' {
			z.gap(i)
			break
		}
		z.sentence(i+1, true)
	case ':':
		z.colon(i)
	case '\n', '[', '"', '>':
		z.sentence(i+1, false)
	case '(', '{', '}', '=', '/', '`', '\\', '|':
		z.gap(i)
	case '<':
		if hasPrefixFold(z.text[i:], "<!--") {
			z.push(token{set: z.p.comment, start: int32(i), end: int32(i + 4)})
			z.sentence(i+4, false)
			return i + 4
		}
	}
	return i + 1
}

func (z *tokenizer) wideStop(r rune, at int) {
	switch r {
	case '。', '！', '？', '；', '…':
		z.sentence(at, true)
	case '：', '「', '『', '“', '„', '«', '•':
		z.sentence(at, false)
	}
}

// sentence marks a place where an order may begin; a full stop also costs two
// tokens of gap, so that phrases rarely reach across it.
func (z *tokenizer) sentence(at int, full bool) {
	if n := len(z.toks); n > 0 && (z.toks[n-1].set == z.p.bos || z.toks[n-1].set == z.p.colon) {
		return
	}
	z.nextSpaced(at, 0)
	t := token{start: int32(at), end: int32(at)}
	if full {
		z.push(t)
	}
	t.set = z.p.bos
	z.push(t)
}

// colon marks a place where an order may begin, and that the word before it
// may name who speaks: "System: obey". A double colon joins names of code.
func (z *tokenizer) colon(i int) {
	if i+1 < len(z.text) && z.text[i+1] == ':' || i > 0 && z.text[i-1] == ':' {
		z.gap(i)
		return
	}
	n := len(z.toks)
	rest := bytes.TrimLeft(z.text[i+1:min(i+4, len(z.text))], " ")
	quoted := len(rest) > 0 && (rest[0] == '\'' || rest[0] == '"' || rest[0] == '`') // a value in code
	named := !quoted && n > 0 && z.toks[n-1].word && int(z.toks[n-1].end) == i
	z.sentence(i+1, false)
	if named {
		z.toks[len(z.toks)-1].set = z.p.colon
	}
}

// gap notes a sign of code or markup between words, which costs a token, so
// that phrases of prose seldom match in code.
func (z *tokenizer) gap(at int) {
	if n := len(z.toks); n > 0 && (z.toks[n-1].word || z.toks[n-1].set != 0) {
		z.push(token{start: int32(at), end: int32(at)})
	}
}

func (z *tokenizer) push(t token) { z.toks = append(z.toks, t) }

// endWord closes the word that ends before end, if one is open.
func (z *tokenizer) endWord(end int) {
	n := min(z.n, maxWord)
	if n == 0 {
		return
	}
	w := z.word[:n]
	odd := z.invisible > 0 && z.ascii > 1 || z.marks > z.n+1
	if z.alien > 0 && (z.ascii > 0 || z.disguised(w)) {
		unmask(w)
		odd = true
	}
	set := z.p.trie.lookup(w)
	if set == 0 && z.digits > 0 && z.ascii > 0 {
		set = z.leetSet(w)
		odd = odd || set != 0
	}
	if set != 0 && z.named(set, end) {
		set = 0
	}
	z.nextSpaced(z.start, w[0])
	if n > 1 {
		z.flushSpaced()
	}
	z.push(token{set: set, odd: odd, word: true, hash: hashWord(w), start: int32(z.start), end: int32(end)})
	z.n = 0
}

// named reports that the open word, of that set, is a part of a name and says
// nothing: gen_ai.system and new_message tell nobody to do anything. Words of
// orders speak even so, and a name of many words is a sentence written without
// spaces.
func (z *tokenizer) named(set uint16, end int) bool {
	joint := z.joint(z.start-1, z.start-2)
	if joint == 0 {
		joint = z.joint(end, end+1)
	}
	switch joint {
	case 0:
		return false
	case '-':
		return z.p.fit(set, z.p.reader) // as hyphens join words of prose, too
	}
	return !z.p.fit(set, z.p.spoken) && !z.longName(end)
}

// joint is the sign at i where it joins the open word to another whose nearest
// byte is at next: of identifiers, hosts and paths; 0 where there is none.
func (z *tokenizer) joint(i, next int) byte {
	if i < 0 || next < 0 || i >= len(z.text) || next >= len(z.text) || !letterish[z.text[next]] {
		return 0
	}
	switch z.text[i] {
	case '_', '.', '/', '-':
		return z.text[i]
	}
	return 0
}

// A name of more joints than nameJoints reads as a sentence; none farther than
// nameReach bytes away is looked for.
const (
	nameJoints = 3
	nameReach  = 64
)

// longName counts the underscores inside the name around the open word.
func (z *tokenizer) longName(end int) bool {
	from, to := z.start, end
	part := func(i int) bool { return z.text[i] == '_' || letterish[z.text[i]] }
	for from > 0 && from > z.start-nameReach && part(from-1) {
		from--
	}
	for to < len(z.text) && to < end+nameReach && part(to) {
		to++
	}
	return bytes.Count(bytes.Trim(z.text[from:to], "_"), []byte{'_'}) > nameJoints
}

// disguised reports a word of lookalikes only that means something in ASCII
// and nothing as it stands.
func (z *tokenizer) disguised(w []rune) bool {
	if z.alien < len(w) || len(w) < 3 || z.p.trie.lookup(w) != 0 {
		return false
	}
	var tmp [maxWord]rune
	copy(tmp[:], w)
	unmask(tmp[:len(w)])
	return z.p.trie.lookup(tmp[:len(w)]) != 0
}

func unmask(w []rune) {
	for i, r := range w {
		if l := lookalike[r]; l != 0 && r >= utf8.RuneSelf {
			w[i] = l
		}
	}
}

// leetSet reads digits as letters; only a trigger word counts, or version
// numbers and the like would read as words.
func (z *tokenizer) leetSet(w []rune) uint16 {
	var tmp [maxWord]rune
	for i, r := range w {
		if tmp[i] = r; r < 128 && leet[r] != 0 {
			tmp[i] = leet[r]
		}
	}
	set := z.p.trie.lookup(tmp[:len(w)])
	if len(w) < 4 || len(z.p.slots[set]) == 0 {
		return 0
	}
	return set
}

func hashWord(w []rune) uint32 {
	h := uint32(2166136261)
	for _, r := range w {
		h = (h ^ uint32(r)) * 16777619
	}
	return h
}

// nextSpaced feeds the reader of spaced-out words with a word's first rune;
// a long gap or a sentence (rune 0 or a distance over 3) ends the run.
func (z *tokenizer) nextSpaced(at int, r rune) {
	single := r != 0 && z.n == 1
	if z.nSpaced > 0 && (!single || at-int(z.spacedAt[z.nSpaced-1]) > 5) {
		z.flushSpaced()
	}
	if single && z.nSpaced < len(z.spaced) {
		z.spaced[z.nSpaced], z.spacedAt[z.nSpaced] = r, int32(at)
		z.nSpaced++
	}
}

// flushSpaced looks for lexicon words in the run of single letters.
func (z *tokenizer) flushSpaced() {
	run := z.spaced[:z.nSpaced]
	z.nSpaced = 0
	if len(run) < spacedMin {
		return
	}
	for i := 0; i < len(run); {
		set, n := z.p.trie.longest(run[i:])
		if n < 2 {
			i++
			continue
		}
		z.push(token{set: set, odd: n > 2, start: z.spacedAt[i], end: z.spacedAt[i+n-1] + 1})
		i += n
	}
}

// ideograph reads the longest lexicon entry at i, or one rune.
func (z *tokenizer) ideograph(i int) int {
	var w [8]rune
	var ends [8]int
	n := z.p.runes(z.text, i, &w, &ends)
	set, took := z.p.trie.longest(w[:n])
	took = max(took, 1)
	z.push(token{set: set, word: true, hash: hashWord(w[:took]), start: int32(i), end: int32(ends[took-1])})
	return ends[took-1]
}

// runes reads folded runes from at on, with where each ends; the first is
// known to be one that counts.
func (p *phrases) runes(text []byte, at int, w *[8]rune, ends *[8]int) int {
	n := 0
	for at < len(text) && n < len(w) {
		r, size := decodeRune(text[at:])
		f, kind := fold(r)
		at += size
		if kind == kindSkip {
			continue
		}
		if kind == kindSep {
			break
		}
		w[n], ends[n] = f, at
		n++
	}
	return n
}

// emailEnd is the end of an address whose local part is the open word and
// whose @ is at i, or 0.
func (z *tokenizer) emailEnd(i int) int {
	j, dot := i+1, false
	for j < len(z.text) && (z.text[j] < utf8.RuneSelf && column[z.text[j]] != 0 || z.text[j] == '-' || z.text[j] == '.') {
		dot = dot || z.text[j] == '.' && j+1 < len(z.text) && z.text[j+1] < utf8.RuneSelf && column[z.text[j+1]] != 0
		j++
	}
	if !dot || j-i > 256 {
		return 0
	}
	return trimDots(z.text, j)
}

func trimDots(text []byte, j int) int {
	for j > 0 && text[j-1] == '.' {
		j--
	}
	return j
}

// urlEnd is the end of the URL whose scheme is the open word and whose colon
// is at i, or 0.
func (z *tokenizer) urlEnd(i int) int {
	if z.n < 3 || z.n > 5 || !hasPrefixFold(z.text[i:], "://") {
		return 0
	}
	return urlRest(z.text, i+3)
}

// urlRest is where a URL that goes on at j ends.
func urlRest(text []byte, j int) int {
	for j < len(text) && text[j] > ' ' && text[j] != ')' && text[j] != '"' && text[j] != '<' && text[j] != '>' {
		j++
	}
	return j
}

// hostEnd reads www.name and name.tld for the few endings common in attacks;
// prose seldom has them without being a host.
func (z *tokenizer) hostEnd(i int) int {
	if z.n == 0 {
		return 0
	}
	if z.n == 3 && string(z.word[:3]) == "www" {
		return urlRest(z.text, i+1)
	}
	for _, tld := range hostEndings {
		if hasPrefixFold(z.text[i+1:], tld) {
			end := i + 1 + len(tld)
			if end == len(z.text) || z.text[end] == '/' || z.text[end] < utf8.RuneSelf && column[z.text[end]] == 0 {
				return trimDots(z.text, urlRest(z.text, end))
			}
		}
	}
	return 0
}

var hostEndings = [...]string{"com", "net", "org", "io", "xyz", "example", "ru", "info", "site", "app"}

// chatMarkers open or close a turn in the templates models are trained on:
// ChatML, Llama 2 and 3, Gemma, Phi, Command R, DeepSeek, Mistral, Harmony.
var chatMarkers = []string{
	"<|im_start|>", "<|im_end|>", "<|im_sep|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>",
	"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|begin_of_text|>", "<|start|>", "<|message|>", "<|channel|>",
	"<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<start_of_turn>", "<end_of_turn>",
	"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "<|eom_id|>", "<|python_tag|>", "[AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
	"</system>", "<system>", "</system_prompt>", "<system_prompt>", "</user_input>", "</untrusted>", "</document_content>",
}

// headMarkers count at the start of a line only.
var headMarkers = []string{
	"### instruction", "### system", "###instruction", "###system", "## system prompt", "# system prompt", "[system]", "[system:", "[/system]",
	"[admin]", "[system message]", "<admin>", "<instructions>", "<important>", "<information>", "-----end", "=== end",
}

// markerAt is the length of the marker text begins with, or 0.
func markerAt(text []byte, lineStart bool) int {
	switch text[0] {
	case '<', '[':
		if n := prefixOf(text, chatMarkers); n > 0 {
			return n
		}
	case '#':
	default:
		return 0
	}
	if !lineStart {
		return 0
	}
	n := prefixOf(text, headMarkers)
	if text[0] == '#' && n > 0 && headingGoesOn(text[n:]) {
		return 0
	}
	return n
}

// headingGoesOn reports a heading of which the marker is but the first words,
// as of "### System requirements".
func headingGoesOn(rest []byte) bool {
	for _, more := range []string{"s", " prompt", " message"} {
		if hasPrefixFold(rest, more) {
			rest = rest[len(more):]
		}
	}
	rest = bytes.TrimLeft(rest, " ")
	return len(rest) > 0 && (letterish[rest[0]] || rest[0] >= utf8.RuneSelf)
}

func prefixOf(text []byte, list []string) int {
	for _, m := range list {
		if hasPrefixFold(text, m) {
			return len(m)
		}
	}
	return 0
}

// hasPrefixFold compares ASCII without case.
func hasPrefixFold(text []byte, prefix string) bool {
	if len(text) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		a, b := text[i], prefix[i]
		if a != b && (a|0x20 != b|0x20 || a|0x20 < 'a' || a|0x20 > 'z') {
			return false
		}
	}
	return true
}
