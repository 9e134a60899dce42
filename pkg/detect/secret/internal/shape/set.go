package shape

import (
	"regexp/syntax"
	"unicode"
)

// Set is a set of bytes.
type Set [256]bool

// Add adds every byte of other.
func (s *Set) Add(other *Set) {
	for i, in := range other {
		s[i] = s[i] || in
	}
}

// AddByte adds a byte, and with fold its other case.
func (s *Set) AddByte(c byte, fold bool) {
	s[c] = true
	if fold && isLetter(c) {
		s[c^0x20] = true
	}
}

// Meets reports whether the sets share a byte.
func (s *Set) Meets(other *Set) bool {
	for i, in := range other {
		if in && s[i] {
			return true
		}
	}
	return false
}

// setOf gives the bytes one character of re may be. Folding adds two letters
// beyond ASCII to a class (long s, the kelvin sign): no secret is written with
// them, and they are left out. A class of everything beyond ASCII, as a
// negated one is, takes its bytes one by one, so that a counted repeat of it
// counts bytes where RE2 counts characters. Other characters beyond ASCII have
// no set.
func setOf(re *syntax.Regexp) (*Set, bool) {
	var set Set
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for c := range set {
			set[c] = c != '\n' || re.Op == syntax.OpAnyChar
		}
		return &set, true
	case syntax.OpCharClass:
		open := len(re.Rune) > 0 && re.Rune[len(re.Rune)-1] == unicode.MaxRune
		for i := 0; i < len(re.Rune); i += 2 {
			if !set.addRange(re.Rune[i], re.Rune[i+1], open) {
				return nil, false
			}
		}
		return &set, true
	case syntax.OpLiteral:
		if len(re.Rune) == 1 && re.Rune[0] < 0x80 {
			set.AddByte(byte(re.Rune[0]), re.Flags&syntax.FoldCase != 0)
			return &set, true
		}
	}
	return nil, false
}

// addRange adds the characters lo to hi, and reports whether it could. In an
// open class, which goes on to the last character there is, all beyond ASCII
// count as in it.
func (s *Set) addRange(lo, hi rune, open bool) bool {
	const longS, kelvin = 0x17f, 0x212a
	for c := lo; c <= min(hi, 0x7f); c++ {
		s[c] = true
	}
	switch {
	case hi < 0x80, lo == hi && (lo == longS || lo == kelvin):
		return true
	case !open:
		return false
	}
	for c := 0x80; c < len(s); c++ {
		s[c] = true
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
