package detect

import (
	"unicode"
	"unicode/utf8"
)

// What a byte is to the cutting of tokens, and what a token holds.
const (
	isDigit uint16 = 1 << iota
	isUpper
	isLower
	isAt
	isColon
	isDot
	isOpen  // ( and +, with which a phone number may begin
	isWide  // part of a rune beyond ASCII
	isBreak // ends a token
	isBlank // a space: ends most tokens
	isComma
)

var kindOf = func() (t [256]uint16) {
	for c := range t {
		switch {
		case c == ' ':
			t[c] = isBlank
		case c < ' ', c == 0x7f:
			t[c] = isBreak
		case c >= '0' && c <= '9':
			t[c] = isDigit
		case c >= 'A' && c <= 'Z':
			t[c] = isUpper
		case c >= 'a' && c <= 'z':
			t[c] = isLower
		case c >= 0x80:
			t[c] = isWide
		}
	}
	for _, c := range "\"'`<>{}[]|;\\" {
		t[c] = isBreak
	}
	t['@'], t[':'], t['.'], t['('], t['+'], t[','] = isAt, isColon, isDot, isOpen, isOpen, isComma
	return t
}()

// cutter cuts a text into tokens; its state crosses chunks. A token is a word,
// or several that may be one value: joined by one space, where the left one has
// a digit, is a short word in capitals or a month, and the right one fits.
type cutter struct {
	start int    // of the open token
	word  int    // start of its last word
	at    int    // next byte to look at
	flags uint16 // of the token
	last  uint16 // of its last word
	full  bool   // the token was cut within a word by the bound
}

// next finds the end of the open token in buf; ok is false where it is not yet
// known. The token is buf[start:end].
func (c *cutter) next(buf []byte, end bool, most int) (stop int, ok bool) {
	limited := len(buf) > c.start+most
	if limited {
		buf, end = buf[:c.start+most], false
	}
	at, last := c.at, c.last
	for ; at < len(buf); at++ {
		k := kindOf[buf[at]]
		if k&(isBreak|isBlank|isComma) == 0 {
			last |= k
			continue
		}
		if k&isBreak != 0 {
			c.at, c.last = at, last
			return at, true
		}
		joins, known := c.joins(buf, at, k, last, end)
		if !known && limited {
			at = len(buf)
			break
		}
		if !known {
			c.at, c.last = at, last
			return 0, false
		}
		if !joins {
			c.at, c.last = at, last
			return at, true
		}
		c.flags |= last
		c.word, last = at+1, 0
	}
	c.at, c.last = at, last
	if at-c.start >= most {
		return c.cut(buf, most), true
	}
	return at, end && at > c.start
}

// cut ends a token at the bound: at its last sign if there is one in its second
// half, so that no word is torn.
func (c *cutter) cut(buf []byte, most int) int {
	for at := c.start + most; at > c.start+most/2; at-- {
		if kindOf[buf[at-1]]&(isDigit|isUpper|isLower|isWide) == 0 {
			c.full = false
			return at
		}
	}
	c.full = true
	return c.start + most
}

// take begins the next token at at, and returns the flags of the one before.
func (c *cutter) take(at int) uint16 {
	flags := c.flags | c.last
	*c = cutter{start: at, word: at, at: at}
	return flags
}

// joins decides whether the token goes on behind the space or comma at at.
func (c *cutter) joins(buf []byte, at int, k, last uint16, end bool) (joins, known bool) {
	if at+1 >= len(buf) {
		return false, end
	}
	next := kindOf[buf[at+1]]
	if k&isComma != 0 {
		return c.joinsComma(buf, at, next, end)
	}
	if next&(isDigit|isUpper|isOpen|isLower) == 0 && buf[at+1] != '-' && buf[at+1] != '/' {
		return false, true
	}
	left := buf[c.word:at]
	if len(left) == 0 {
		return at > c.start && buf[at-1] == ',' && (next&isDigit != 0 || buf[at+1] == '-'), true
	}
	switch {
	case last&isDigit != 0:
		return next&isLower == 0 || len(left) <= maxLabelled, true
	case c.flags&isDigit != 0 && (string(left) == "de" || next&isLower != 0 && isMonth(left)): // 23 de julio de 1984
		return true, true
	case next&isLower != 0 || buf[at+1] == '/':
		return false, true
	case last&isOpen != 0 && (left[0] == '+' || left[0] == '('):
		return true, true
	}
	letters := lastWord(left)
	return isCapitals(letters) || next&isDigit != 0 && (isMonth(left) || isMonth(letters) || isNames(letters)), true
}

// maxLabelled is how long a word with digits may be that goes on with one in
// small letters, as a phone does with its label: 4155552671 fax.
const maxLabelled = 28

// joinsComma joins the numbers of a pair, and a day to its year.
func (c *cutter) joinsComma(buf []byte, at int, next uint16, end bool) (joins, known bool) {
	if at == c.start || kindOf[buf[at-1]]&isDigit == 0 && !endsOrdinal(buf[c.start:at]) {
		return false, true
	}
	if next&isDigit != 0 || buf[at+1] == '-' {
		return true, true
	}
	if next&isBlank == 0 {
		return false, true
	}
	if at+2 >= len(buf) {
		return false, end
	}
	if kindOf[buf[at+2]]&isDigit == 0 && buf[at+2] != '-' {
		return false, true
	}
	return true, true
}

// lastWord is what stands behind the last sign of word, which has no digits:
// RSS of cf=RSS.
func lastWord(word []byte) []byte {
	start := len(word)
	for start > 0 && kindOf[word[start-1]]&(isUpper|isLower) != 0 {
		start--
	}
	if start > 0 && kindOf[word[start-1]]&isWide != 0 {
		if r, _ := utf8.DecodeLastRune(word[:start]); unicode.IsLetter(r) {
			return nil
		}
	}
	return word[start:]
}

func isCapitals(word []byte) bool {
	if len(word) == 0 || len(word) > 4 {
		return false
	}
	for _, b := range word {
		if kindOf[b]&isUpper == 0 {
			return false
		}
	}
	return true
}

// isNames reports six capitals, as the names in a codice fiscale that is
// written in parts: RSSMRA 85T10 A562S.
func isNames(word []byte) bool { return len(word) == 6 && all(word, isUpper) }

// endsOrdinal reports that word ends like 1st, 2nd, 3rd or 4th.
func endsOrdinal(word []byte) bool {
	n := len(word)
	if n < 3 || kindOf[word[n-3]]&isDigit == 0 {
		return false
	}
	switch string(word[n-2:]) {
	case "st", "nd", "rd", "th":
		return true
	}
	return false
}
