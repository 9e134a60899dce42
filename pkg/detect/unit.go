package detect

import (
	"unicode"
	"unicode/utf8"
)

// unit is a run of letters and digits within a token.
type unit struct {
	start, end int
	kind       uint16 // of its bytes, together
	gap        uint8  // what stands before it: one sign, or one of gapNone, gapMany
}

// Gaps that are not one sign.
const (
	gapNone = 0 // the token begins with the unit
	gapMany = 1 // more than one sign; ". " and the like
	gapDash = 2 // a dash with spaces around it
	gapOpen = 3 // a space and an opening bracket
)

// maxUnits bounds the parts of one token that are looked at; a token of 512
// bytes has more only where most of it is signs.
const maxUnits = 200

// isWord are the kinds of letters and digits of ASCII.
const isWord = isDigit | isUpper | isLower

// split appends the units of text[from:] to list.
func split(text []byte, from int, list []unit) []unit {
	at := from
	for at < len(text) && len(list) < maxUnits {
		gap := at
		for at < len(text) {
			k := kindOf[text[at]]
			if k&isWord != 0 {
				break
			}
			n := 1
			if k&isWide != 0 {
				if n = signLen(text[at:]); n == 0 {
					break
				}
			}
			at += n
		}
		start, kind := at, uint16(0)
		for at < len(text) {
			k := kindOf[text[at]]
			if k&isWord == 0 && (k&isWide == 0 || signLen(text[at:]) > 0) {
				break
			}
			kind |= k
			at++
		}
		if at == start {
			continue
		}
		u := unit{start: start, end: at, kind: kind}
		switch {
		case start-gap == 1:
			u.gap = text[gap]
		case start > gap:
			u.gap = gapOf(text[gap:start])
		}
		list = append(list, u)
	}
	return list
}

// signLen is the length of the sign that t begins with, 0 where it is a letter
// or digit.
func signLen(t []byte) int {
	k := kindOf[t[0]]
	if k&(isDigit|isUpper|isLower) != 0 {
		return 0
	}
	if k&isWide == 0 {
		return 1
	}
	if len(t) >= 2 && t[0] == 0xc2 && t[1] >= 0xa0 && t[1] != 0xaa && t[1] != 0xba {
		return 2 // no-break space and Latin-1 signs
	}
	if len(t) >= 3 && (t[0] == 0xe2 && t[1] == 0x80 || t[0] == 0xef && t[1] == 0xbc || unspaced(t[0])) {
		return 3 // general punctuation, wide forms
	}
	return 0
}

func gapOf(gap []byte) uint8 {
	switch {
	case len(gap) == 0:
		return gapNone
	case len(gap) == 1:
		return gap[0]
	case len(gap) > 5:
		return gapMany
	case string(gap) == "\u00a0", string(gap) == "\u202f", string(gap) == "\u2009":
		return ' '
	case string(gap) == "\u2010", string(gap) == "\u2011", string(gap) == "\u2013":
		return '-'
	case string(gap) == "年", string(gap) == "月", string(gap) == "년 ", string(gap) == "월 ":
		return '-'
	case string(gap) == " - ", string(gap) == " \u2013 ":
		return gapDash
	case string(gap) == ") ", string(gap) == ")-", string(gap) == ")\u00a0", string(gap) == ")\u202f":
		return ')'
	case string(gap) == " (", string(gap) == "\u00a0(", string(gap) == "\u202f(":
		return gapOpen
	case string(gap) == ", ":
		return ','
	}
	return gapMany
}

// digits reports a unit of digits alone.
func (u *unit) digits() bool { return u.kind == isDigit }

func (u *unit) len() int { return u.end - u.start }

// bordered reports whether nothing before text[at] makes it the middle of
// something larger.
func bordered(text []byte, at int) bool {
	if at == 0 || kindOf[text[at-1]]&(isBlank|isBreak) != 0 {
		return true
	}
	return inner(text, at)
}

// inner is bordered where a sign, letter or digit stands before text[at].
func inner(text []byte, at int) bool {
	c := text[at-1]
	switch k := kindOf[c]; {
	case k&(isDigit|isUpper|isLower) != 0:
		return false
	case c == '_': // of markdown's emphasis
		return at < 2 || kindOf[text[at-2]]&(isBlank|isBreak|isOpen) != 0 || text[at-2] == '*'
	case k&isWide != 0:
		r, n := utf8.DecodeLastRune(text[max(0, at-4):at])
		return n <= 1 || !unicode.IsLetter(r) || r >= 0x2e80
	case c == ',':
		return splits(text, at-1)
	case c == '-' || c == '.' || c == '/':
		return at < 2 || kindOf[text[at-2]]&(isDigit|isUpper|isLower) == 0
	}
	return c != '$' && c != '#' && c != '~'
}

// closed reports whether nothing behind text[:at] makes it the middle of
// something larger; text ends with the token.
func closed(text []byte, at int, torn bool) bool {
	if at >= len(text) {
		return !torn
	}
	c := text[at]
	switch k := kindOf[c]; {
	case k&(isDigit|isUpper|isLower) != 0, c == '%', c == '@':
		return false
	case c == '_':
		return emphasised(text[at+1:])
	case k&isWide != 0:
		r, _ := utf8.DecodeRune(text[at:])
		return !unicode.IsLetter(r) || r >= 0x2e80
	case c == ',':
		return splits(text, at)
	case c == '-' || c == '.' || c == '/' || c == ':' || c == '=' || c == '+':
		return at+1 >= len(text) || kindOf[text[at+1]]&(isDigit|isUpper|isLower) == 0
	}
	return true
}

// splits reports that the comma text[at] stands between values, as in CSV, and
// not within a number: 1,234,567 and 12,34,567 and 3,14159 are one number each,
// three digits before it and four behind are more than groups have. Nor is one
// number what has groups on a side that no number has, as in 10.0.3.24,10.0.3.25.
func splits(text []byte, at int) bool {
	before, behind := 0, 0
	for before < maxSplit && at-1-before >= 0 && kindOf[text[at-1-before]]&isDigit != 0 {
		before++
	}
	for behind < maxSplit && at+1+behind < len(text) && kindOf[text[at+1+behind]]&isDigit != 0 {
		behind++
	}
	switch start := at - before; {
	case before == 0 || behind == 0 || before >= 3 && behind >= 4 || before >= 9 && behind >= 3:
		return true
	case start >= 2 && text[start-2] == ')' && oneOf(text[start-1], " -"):
		return true
	case start >= 2 && kindOf[text[start-2]]&isDigit != 0 && (text[start-1] == '-' || before != 3 && (text[start-1] == '.' || text[start-1] == ' ')):
		return true
	}
	end := at + 1 + behind
	if addressed(text, at) {
		return true
	}
	if end+1 < len(text) && kindOf[text[end+1]]&isDigit != 0 && (text[end] == '-' || behind != 3 && text[end] == '.' || behind == 3 && text[end] == ' ') {
		return true
	}
	return end < len(text) && kindOf[text[end]]&(isUpper|isLower|isColon) != 0
}

// addressed reports three dots among the digits on a side of text[at:], as an
// IPv4 address has.
func addressed(text []byte, at int) bool {
	const most = 15 // bytes of an address
	dots := 0
	for i := at + 1; i < len(text) && i <= at+most && kindOf[text[i]]&(isDigit|isDot) != 0; i++ {
		dots += int(kindOf[text[i]]&isDot) / int(isDot)
	}
	if dots == 3 {
		return true
	}
	dots = 0
	for i := at - 1; i >= 0 && i >= at-most && kindOf[text[i]]&(isDigit|isDot) != 0; i-- {
		dots += int(kindOf[text[i]]&isDot) / int(isDot)
	}
	return dots == 3
}

// maxSplit is how many digits on a side of a comma are counted.
const maxSplit = 9

// unspaced reports the first byte of kana, a Chinese character or Hangul, which
// are written next to a value without a space. They are no part of one.
func unspaced(c byte) bool { return c >= 0xe3 && c <= 0xed }
