package jsonspan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

func isDigit(c byte) bool { return c-'0' < 10 }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func skipSpace(d []byte, i int) int {
	for i < len(d) && d[i] <= ' ' && isSpace(d[i]) {
		i++
	}
	return i
}

func skipDigits(d []byte, i int) int {
	for i < len(d) && isDigit(d[i]) {
		i++
	}
	return i
}

// hex4 reads the four hexadecimal digits at d[i:].
func hex4(d []byte, i int) (rune, bool) {
	if len(d)-i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range d[i : i+4] {
		h, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | h
	}
	return r, true
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case isDigit(c):
		return rune(c - '0'), true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

// skipString is the offset behind the string whose opening quote is at i, or
// len(d) where it has no end. Most strings are short: the first 16 bytes are
// looked at by words, the rest by IndexByte.
func skipString(d []byte, i int) int {
	i++
	for range 2 {
		if len(d)-i < 8 {
			break
		}
		w := binary.LittleEndian.Uint64(d[i:])
		if m := matches(w, '"') | matches(w, '\\'); m != 0 {
			if i += bits.TrailingZeros64(m) >> 3; d[i] == '"' {
				return i + 1
			}
			break
		}
		i += 8
	}
	return skipContent(d, i)
}

// matches marks the high bit of each byte of w that is c; above the lowest such
// byte, others may be marked too.
func matches(w uint64, c byte) uint64 {
	x := w ^ lowBits*uint64(c)
	return (x - lowBits) &^ x & highBits
}

// skipContent is the offset behind the string that d[from:] is content of, from
// the start of a character or an escape.
func skipContent(d []byte, from int) int {
	for from < len(d) {
		n := bytes.IndexByte(d[from:], '"')
		if n < 0 {
			break
		}
		q := from + n
		b := q
		for b > from && d[b-1] == '\\' {
			b--
		}
		if (q-b)%2 == 0 {
			return q + 1
		}
		from = q + 1
	}
	return len(d)
}

// skipValue is the offset behind the value at i. On an invalid document it is
// some offset in (i, len(d)], or len(d).
func skipValue(d []byte, i int) int {
	if i >= len(d) {
		return len(d)
	}
	switch d[i] {
	case '"':
		return skipString(d, i)
	case '{', '[':
		return skipContainer(d, i)
	}
	return skipBare(d, i)
}

// skipBare is the offset behind a number or literal, and at least i+1.
func skipBare(d []byte, i int) int {
	for i++; i < len(d) && isBare(d[i]); i++ {
	}
	return i
}

// isBare reports whether c can be part of a number or literal.
func isBare(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '+' || c == '.'
}

// skipContainer is the offset behind the array or object that opens at i. Quotes
// and brackets are found eight bytes a step; |0x20 makes [ into { and ] into }.
func skipContainer(d []byte, i int) int {
	depth := 0
	for i < len(d) {
		for len(d)-i >= 8 {
			w := binary.LittleEndian.Uint64(d[i:])
			f := w | lowBits*0x20
			m := matches(w, '"') | matches(f, '{') | matches(f, '}')
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(d) {
			break
		}
		switch d[i] {
		case '"':
			i = skipString(d, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1
			}
		}
		i++
	}
	return len(d)
}

// unescape decodes the escape sequence at s[i], which is a backslash: the rune,
// and the offset behind it. A surrogate pair is one rune, a lone surrogate
// U+FFFD. A backslash that begins no escape is U+FFFD by itself.
func unescape(s []byte, i int) (rune, int) {
	if i+1 >= len(s) {
		return utf8.RuneError, i + 1
	}
	if s[i+1] != 'u' {
		if r := simpleEscape(s[i+1]); r != 0 {
			return r, i + 2
		}
		return utf8.RuneError, i + 1
	}
	r, ok := hex4(s, i+2)
	if !ok {
		return utf8.RuneError, i + 1
	}
	if !utf16.IsSurrogate(r) {
		return r, i + 6
	}
	if pair := utf16.DecodeRune(r, unicodeEscape(s, i+6)); pair != utf8.RuneError {
		return pair, i + 12
	}
	return utf8.RuneError, i + 6
}

// unicodeEscape is the code unit of the \\u escape at s[i:]; 0 where there is none.
func unicodeEscape(s []byte, i int) rune {
	if len(s)-i < 6 || s[i] != '\\' || s[i+1] != 'u' {
		return 0
	}
	r, _ := hex4(s, i+2)
	return r
}

// simpleEscape is what the escape \c stands for; 0 where it is none.
func simpleEscape(c byte) rune {
	switch c {
	case '"', '\\', '/':
		return rune(c)
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

// appendDecoded appends the text of raw, the bytes between a string's quotes.
func appendDecoded(dst, raw []byte) []byte {
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:n]...)
		r, end := unescape(raw, n)
		dst = utf8.AppendRune(dst, r)
		raw = raw[end:]
	}
}

// decodedIs reports whether raw, the bytes between a string's quotes, stands for
// s. An escape is always longer than what it stands for.
func decodedIs(raw []byte, s string) bool {
	if len(raw) < len(s) {
		return false
	}
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return string(raw) == s
		}
		if n > len(s) || string(raw[:n]) != s[:n] {
			return false
		}
		r, end := unescape(raw, n)
		var b [utf8.UTFMax]byte
		u := utf8.EncodeRune(b[:], r)
		if s = s[n:]; len(s) < u || s[:u] != string(b[:u]) {
			return false
		}
		raw, s = raw[end:], s[u:]
	}
}
