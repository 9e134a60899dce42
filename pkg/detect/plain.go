package detect

import (
	"encoding/binary"
	"math/bits"
)

// Most of any text is words that hold nothing to check. They are passed eight
// bytes at a time, up to the next byte that could be part of a value: a digit,
// an at sign with letters around it, a colon of an address, a run of capitals.
// The token that this byte is in is cut as ever, by the cutter, from its start;
// which is found backwards. So the cutter alone says what a token is, and a
// stream, which sees too little at a time to pass much, finds the same.

// leastPlain is how many bytes are worth looking for plain ones among: the cutter
// is as fast over fewer, as in a stream of small pieces. But it has to see what
// follows a blank at their end, where a plain word before that can leave at once.
const leastPlain = 8

// skipPlain moves the cutter, where it stands between tokens, to the next one
// worth a look.
func (sc *scanner) skipPlain(text []byte) {
	c := &sc.cut
	if c.at != c.start || c.flags|c.last != 0 || len(sc.set.free) > 0 {
		return
	}
	limit := len(text)
	if sc.next < len(sc.hits) { // they belong to the token they ended in
		limit = min(limit, max(c.start, sc.hits[sc.next].end-1))
	}
	from := max(c.start, min(sc.plain, limit))
	at := telling(text, from, limit)
	sc.verify.work += at - from
	if at == c.start {
		return
	}
	sc.plain = at
	if start := tokenStart(text, c.start, at, sc.set.maxHold); start > c.start {
		c.take(start)
	}
}

// Constants of bytes in parallel.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// telling returns the first byte of text[at:limit] that a value may have, limit
// where there is none.
func telling(text []byte, at, limit int) int {
	for at+8 <= limit {
		x := binary.LittleEndian.Uint64(text[at:])
		y := x &^ highs
		digit := (y + (0x80-'0')*ones) &^ (y + (0x80-':'-1)*ones) // and the colon, which is next to them
		sign := ^((y ^ '@'*ones) + 0x7f*ones)
		upper := (y + (0x80-'A')*ones) &^ (y + (0x80-'Z'-1)*ones) &^ x & highs
		found := (digit|sign)&^x&highs | upper&(upper>>8)&(upper>>16)&(upper>>24)
		if found == 0 {
			at += 8
			continue
		}
		for found != 0 {
			i := at + bits.TrailingZeros64(found)/8
			if tells(text, i) {
				return i
			}
			found &= found - 1
		}
		at += 8
	}
	for ; at < limit; at++ {
		if kindOf[text[at]]&(isDigit|isAt|isColon|isUpper) != 0 && tells(text, at) {
			return at
		}
	}
	return limit
}

// tells reports that text[at], a digit, a colon, an at sign or a capital, may
// be part of a value. What it needs to see and cannot, it takes to be there.
func tells(text []byte, at int) bool {
	const word = isDigit | isUpper | isLower | isWide
	switch c := text[at]; c {
	case '@':
		return at+1 >= len(text) || at == 0 || kindOf[text[at+1]]&word != 0 && (kindOf[text[at-1]]&(isBreak|isBlank|isComma|isColon) == 0)
	case ':':
		return tellsColon(text, at)
	default:
		return c <= '9' || longCapitals(text, at)
	}
}

// tellsColon looks for another two letters on, as in 3e:a0:ee, and for the
// slashes of a link. An IPv6 address has digits too.
func tellsColon(text []byte, at int) bool {
	if at+3 >= len(text) {
		return true
	}
	if text[at+1] == '/' {
		from := max(0, at-8)
		for i := at - 1; i >= from && kindOf[text[i]]&isBlank == 0; i-- {
			if text[i] == '(' {
				return true
			}
		}
		return from == 0
	}
	return text[at+3] == ':'
}

// longCapitals reports that text[at] is in a run of capitals that has eight,
// the least that a BIC has, or that the text ends with.
func longCapitals(text []byte, at int) bool {
	start, end := at, at
	for start > 0 && at-start < 8 && kindOf[text[start-1]]&isUpper != 0 {
		start--
	}
	for end < len(text) && end-start < 8 && kindOf[text[end]]&isUpper != 0 {
		end++
	}
	return end-start >= 8 || end == len(text)
}

// tokenStart is where the token begins that text[at] is in, or one not much
// before it: text[from:] begins a token, and there is no digit up to at. It is
// from itself where a long word or many that could be joined stand before at,
// which the bound may have cut.
func tokenStart(text []byte, from, at, most int) int {
	least := max(from, at-most/2)
	for next := at; ; {
		gap := next - 1
		for gap >= least && kindOf[text[gap]]&(isBreak|isBlank|isComma) == 0 {
			gap--
		}
		if gap < least {
			return from
		}
		if kindOf[text[gap]]&isBlank == 0 || !mayJoin(text, least, gap) {
			return gap + 1
		}
		next = gap
	}
}

// mayJoin reports that the word before the space at gap could be joined to the
// next, as [cutter.joins] decides it for words without digits: it says so too
// often, never too seldom, also where the bound cut the word's beginning off.
func mayJoin(text []byte, from, gap int) bool {
	start, letters := gap, true
	for ; start > from; start-- {
		k := kindOf[text[start-1]]
		if k&(isUpper|isLower) != 0 {
			continue
		}
		if k&(isBreak|isBlank|isComma) != 0 {
			break
		}
		if k&isOpen != 0 {
			return true
		}
		letters = false
	}
	digit := gap+1 >= len(text) || kindOf[text[gap+1]]&isDigit != 0
	if !letters {
		return joinsSigned(text, from, gap, digit)
	}
	word := text[start:gap]
	return isCapitals(word) || digit && (isMonth(word) || isNames(word))
}

// joinsSigned is mayJoin for a word before the gap that has more than letters of
// ASCII.
func joinsSigned(text []byte, from, gap int, digit bool) bool {
	end := gap
	if end > from && text[end-1] == '.' {
		end--
	}
	if !digit && (end == from || kindOf[text[end-1]]&isUpper == 0) {
		return false
	}
	start := end
	for start > from && kindOf[text[start-1]]&(isUpper|isLower|isWide) != 0 {
		start--
	}
	letters := lastWord(text[from:end])
	return isCapitals(letters) || digit && (isMonth(text[start:end]) || isMonth(letters) || isNames(letters))
}
