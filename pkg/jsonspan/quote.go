package jsonspan

import "unicode/utf8"

// AppendQuoted appends s as a JSON string with its quotes. Only what must be is
// escaped; bytes that are no UTF-8 become U+FFFD, a lone surrogate in WTF-8 one.
func AppendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
}

// AppendEscaped is [AppendQuoted] without the quotes.
func AppendEscaped[T string | []byte](dst []byte, s T) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[done:i]...)
			dst = appendEscape(dst, c)
			i++
			done = i
			continue
		}
		n, valid := runeLen(s[i:min(len(s), i+utf8.UTFMax)])
		if !valid {
			dst = append(dst, s[done:i]...)
			dst = append(dst, "\uFFFD"...)
			done = i + n
		}
		i += n
	}
	return append(dst, s[done:]...)
}

// runeLen is the length of the character s begins with, and whether it is valid.
func runeLen[T string | []byte](s T) (n int, valid bool) {
	r, n := utf8.DecodeRuneInString(string(s))
	if r != utf8.RuneError || n > 1 {
		return n, true
	}
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 3, false // a surrogate in WTF-8
	}
	return 1, false
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
