package detect

import (
	"encoding/binary"
	"math/bits"
)

// Most of any text is words that hold nothing to check. They are passed eight
// bytes at a time, up to the next byte that could be part of a value: a digit
// with others near, an at sign with letters around it, a colon of an address, a
// run of capitals.
// The token that this byte is in is cut as ever, by the cutter, from its start;
// which is found backwards. So the cutter alone says what a token is, and a
// stream, which sees too little at a time to pass much, finds the same.

// skipPlain moves the cutter, where it stands between tokens, to the next one
// worth a look.
func (sc *scanner) skipPlain(text []byte) {
	c := &sc.cut
	if c.at != c.start || c.flags|c.last != 0 || len(sc.set.free) > 0 {
		return
	}
	limit := len(text)
	if len(sc.hits) > 0 { // they belong to the token they ended in
		limit = min(limit, max(c.start, sc.hits[0].end-1))
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
	asked := -2 // the last digit that was
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
			if text[i] > '9' {
				if tells(text, i) {
					return i
				}
			} else {
				if i != asked+1 && tellsDigit(text, i) {
					return i
				}
				asked = i
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
		if c <= '9' {
			return tellsDigit(text, at)
		}
		return longCapitals(text, at)
	}
}

// Bounds of what is read of a token around a digit: a longer one tells. Together
// they are less than leastBlob.
const (
	beforeDigit = 20
	behindDigit = 40
)

// tellsDigit reports that the token with the digit text[at], its first, may hold
// as many digits or capitals as a value has, or the colons of an IPv6 address.
// It looks at the digit's word and, where another may be joined, on; it says so
// too often, never too seldom. Most digits of prose and code are few: 3.4, 30s,
// utf-8.
func tellsDigit(text []byte, at int) bool {
	digits, capitals, colons := 0, 0, 0
	end := at
	for ; ; end++ {
		if end == len(text) || end-at == behindDigit {
			return true
		}
		k := kindOf[text[end]]
		if k&(isBreak|isBlank|isComma) != 0 {
			break
		}
		digits += int(k & isDigit)
		capitals += int(k / isUpper & 1)
		colons += int(k / isColon & 1)
		if digits == leastDigits {
			return true
		}
	}
	start := at
	for ; start > 0; start-- {
		k := kindOf[text[start-1]]
		if k&(isBreak|isBlank|isComma) != 0 {
			break
		}
		if at-start == beforeDigit {
			return true
		}
		capitals += int(k / isUpper & 1)
		colons += int(k / isColon & 1)
	}
	return capitals >= leastCapitals || colons >= 2 || joinsDigit(text, start, end)
}

// joinsDigit reports that the word text[start:end] with a digit may be joined to
// one before it or behind it that has something to tell.
func joinsDigit(text []byte, start, end int) bool {
	if start > 0 && kindOf[text[start-1]]&isBlank != 0 && mayJoin(text, max(0, start-1-beforeDigit), start-1) {
		return true
	}
	k := kindOf[text[end]]
	if k&isBreak != 0 {
		return false
	}
	if end+2 >= len(text) {
		return true
	}
	next := kindOf[text[end+1]]
	switch {
	case k&isComma != 0 && next&isBlank != 0:
		return kindOf[text[end+2]]&isDigit != 0 || text[end+2] == '-'
	case k&isComma != 0:
		return next&isDigit != 0 || text[end+1] == '-'
	case next&isLower == 0:
		return next&(isDigit|isUpper|isOpen) != 0 || text[end+1] == '-' || text[end+1] == '/'
	}
	return end-start <= maxLabelled && !lowerAlone(text, end+1)
}

// lowerAlone reports that text[at:] begins with a word of small letters, behind
// which another word begins that is joined to none of that kind.
func lowerAlone(text []byte, at int) bool {
	for i := at; i+1 < len(text) && i-at < behindDigit; i++ {
		k := kindOf[text[i]]
		if k&isBreak != 0 || k&isBlank != 0 && kindOf[text[i+1]]&(isLower|isBreak) != 0 {
			return string(text[at:i]) != "de" && !isMonth(text[at:i]) // 23 de julio de 1984
		}
		if k&(isLower|isDot) == 0 {
			return false
		}
	}
	return false
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
// before it: text[from:] begins a token. It is from itself where a long word or
// many that could be joined stand before at, which the bound may have cut.
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
		if kindOf[text[gap]]&isBreak != 0 || !mayJoin(text, least, gap) {
			return gap + 1
		}
		next = gap
	}
}

// mayJoin reports that the word before the space or comma at gap could be joined
// to the next, as [cutter.joins] decides it: it says so too often, never too
// seldom, also where the bound cut the word's beginning off.
func mayJoin(text []byte, from, gap int) bool {
	next := uint16(isDigit) // what is not seen may be one
	if gap+1 < len(text) {
		next = kindOf[text[gap+1]]
	}
	if kindOf[text[gap]]&isComma != 0 {
		return gap == from || kindOf[text[gap-1]]&isDigit != 0 || endsOrdinal(text[max(0, gap-4):gap])
	}
	if gap > from && text[gap-1] == ',' {
		return next&isDigit != 0 || text[gap+1] == '-'
	}
	end := gap
	if end > from && text[end-1] == '.' {
		end--
	}
	if next&isDigit != 0 || end > from && kindOf[text[end-1]]&isUpper != 0 {
		letters := lastWord(text[from:end])
		start := end
		for start > from && kindOf[text[start-1]]&(isUpper|isLower|isWide) != 0 {
			start--
		}
		if isCapitals(letters) || next&isDigit != 0 && (isMonth(text[start:end]) || isMonth(letters) || isNames(letters)) {
			return true
		}
	}
	kinds := uint16(0)
	for i := gap - 1; i >= from && kindOf[text[i]]&(isBreak|isBlank|isComma) == 0; i-- {
		kinds |= kindOf[text[i]]
	}
	return kinds&(isOpen|isDigit) != 0
}
