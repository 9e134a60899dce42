package injection

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Kinds of runes after folding.
const (
	kindSep    = iota // ends a word
	kindLetter        // part of a word
	kindIdeo          // CJK: no spaces between words, each rune may start one
	kindSkip          // invisible, or a mark on the rune before: not there
)

// foldTableSize covers Latin, Greek, Cyrillic and the punctuation blocks,
// where nearly all runes of real text are; the rest is looked up by range.
const foldTableSize = 0x2600

var (
	foldTable = buildFoldTable()
	lookalike = buildLookalikes()
)

// folded packs a rune and its kind into a table entry.
type folded struct {
	r    rune
	kind uint8
}

// fold maps a rune to the one it stands for: lower case, without accents,
// width and mathematical style removed (NFKD, https://unicode.org/reports/tr15/).
// Lookalikes of other scripts stay as they are; see lookalike.
func fold(r rune) (rune, uint8) {
	if r < foldTableSize {
		f := foldTable[r]
		return f.r, f.kind
	}
	f := foldSlow(r)
	return f.r, f.kind
}

func buildFoldTable() *[foldTableSize]folded {
	var t [foldTableSize]folded
	for r := range rune(foldTableSize) {
		t[r] = foldSlow(r)
	}
	return &t
}

// plain are letters that have no decomposition and still read as ASCII.
var plain = map[rune]rune{
	'ß': 's', 'æ': 'a', 'ø': 'o', 'ł': 'l', 'đ': 'd', 'ı': 'i', 'œ': 'o', 'þ': 't', 'ð': 'd',
	'ª': 'a', 'º': 'o', 'ё': 'е', 'й': 'й', 'ї': 'ї',
}

func foldSlow(r rune) folded {
	switch {
	case invisible(r) || unicode.Is(unicode.M, r):
		return folded{0, kindSkip}
	case ideographic(r):
		return folded{r, kindIdeo}
	case squaredLetter(r) != 0:
		return folded{squaredLetter(r), kindLetter}
	}
	low := unicode.ToLower(r)
	if p, ok := plain[low]; ok {
		return folded{p, kindLetter}
	}
	if d := decomposed(low); d != 0 {
		low = d
	}
	if unicode.IsLetter(low) || unicode.IsDigit(low) {
		return folded{low, kindLetter}
	}
	return folded{0, kindSep}
}

// decomposed is the one letter or digit left of r after NFKD without marks,
// or zero where there is none or more than one.
func decomposed(r rune) rune {
	if stands(r) {
		return 0
	}
	var out rune
	for _, d := range norm.NFKD.String(string(r)) {
		if unicode.Is(unicode.Mn, d) || d == '(' || d == ')' || d == '.' {
			continue
		}
		if out != 0 || !(unicode.IsLetter(d) || unicode.IsDigit(d)) {
			return 0
		}
		out = unicode.ToLower(d)
	}
	return out
}

// stands reports runes of the blocks in which none has one letter or digit to
// come apart into: symbols, Hangul syllables (each two letters or more),
// private use, emoji and the replacement that broken bytes are read as. The
// normaliser allocates at every rune, and real text is full of these.
func stands(r rune) bool {
	return r >= 0x2600 && r <= 0x2A0B || r >= 0xAC00 && r <= 0xD7A3 || r >= 0xE000 && r <= 0xF8FF ||
		r == utf8.RuneError || r >= 0x1F252 && r <= 0x1FBEF
}

// squaredLetter reads the enclosed and regional letters NFKD leaves alone.
func squaredLetter(r rune) rune {
	for _, first := range [...]rune{0x1F130, 0x1F150, 0x1F170, 0x1F1E6} {
		if r >= first && r < first+26 {
			return 'a' + r - first
		}
	}
	return 0
}

// invisible reports format characters that show nothing: zero-width and bidi
// controls, soft hyphen, Hangul fillers, variation selectors and tags.
func invisible(r rune) bool {
	switch {
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5,
		r == 0x180E, r == 0x3164, r == 0xFEFF, r == 0xFFA0:
		return true
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	}
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0000 && r <= 0xE01EF
}

func ideographic(r rune) bool {
	return r >= 0x3040 && r <= 0x30FF && r != 0x30FB || r >= 0x3400 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF || r >= 0x20000 && r <= 0x3FFFF
}

// lookalikes pairs letters of other scripts with the ASCII letter they are
// drawn like, from the confusables of https://unicode.org/reports/tr39/.
const lookalikes = "аaеeоoрpсcуyхxіiјjѕsһhԁdԛqԝwвbкkмmнhтtгrпnиuԍgӏlѵvαaοoνvρpιiκkτtυuχxεeηnωwγyβbμuσoλl" +
	"օoսuոnհhցgզqյjѡwɑaɡgɩiɪiɢgɴnᴏoʀrᴇeꜱsᴛtᴜuᴀaʙbᴄcᴅdʜhᴊjᴋkʟlᴍmᴘpᴠvᴡwʏyᴢzꞮiꓲiꓡlɾrǝeɐaɔcʇtɹrʌvʍm"

func buildLookalikes() map[rune]rune {
	m := map[rune]rune{}
	rs := []rune(lookalikes)
	for i := 0; i+1 < len(rs); i += 2 {
		m[rs[i]] = rs[i+1]
	}
	return m
}

// leet maps digits and signs to the letters they stand for inside a word.
var leet = [128]rune{
	'0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b', '@': 'a', '$': 's', '!': 'i', '|': 'l',
}

// decodeRune is utf8.DecodeRune with a fast way for ASCII; broken bytes come
// back as one separator each.
func decodeRune(b []byte) (rune, int) {
	if b[0] < utf8.RuneSelf {
		return rune(b[0]), 1
	}
	return utf8.DecodeRune(b)
}
