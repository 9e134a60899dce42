package injection

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// Least sizes of what is decoded: shorter runs carry no order.
const (
	blobMin      = 20 // characters of base64 or hex
	escapesMin   = 4  // %69, \u0069, &#105;
	byteWordsMin = 6  // 69 67 6e, 01101001 01100111
	mostDepth    = 2  // encodings inside one another
)

// escapeLen is the length of the escaped character text begins with, or 0:
// %69, \x69, \u0069, &#105; and &#x69;.
func escapeLen(text []byte) int {
	_, n := unescape(text)
	return n
}

// unescape reads one escaped character.
func unescape(text []byte) (rune, int) {
	switch {
	case text[0] == '%' && len(text) >= 3:
		if v, ok := hexValue(text[1:3]); ok {
			return v, 3
		}
	case text[0] == '\\' && len(text) >= 4 && text[1] == 'x':
		if v, ok := hexValue(text[2:4]); ok {
			return v, 4
		}
	case text[0] == '\\' && len(text) >= 6 && text[1] == 'u':
		if v, ok := hexValue(text[2:6]); ok {
			return v, 6
		}
	case text[0] == '&' && len(text) >= 4 && text[1] == '#':
		return entity(text)
	}
	return 0, 0
}

func hexValue(b []byte) (rune, bool) {
	v := rune(0)
	for _, c := range b {
		d := hexDigit(c)
		if d < 0 {
			return 0, false
		}
		v = v<<4 | rune(d)
	}
	return v, true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func entity(text []byte) (rune, int) {
	v, i, base := rune(0), 2, rune(10)
	if text[2]|0x20 == 'x' {
		i, base = 3, 16
	}
	for ; i < len(text) && i < 10; i++ {
		d := hexDigit(text[i])
		if d < 0 || rune(d) >= base {
			break
		}
		v = v*base + rune(d)
	}
	if v == 0 || v > utf8.MaxRune || i == len(text) || text[i] != ';' {
		return 0, 0
	}
	return v, i + 1
}

// unescapeAll appends text to dst with its escapes read, and says how many
// there were. UTF-8 in %XX form comes out as bytes.
func unescapeAll(dst, text []byte) ([]byte, int) {
	count := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c != '%' && c != '\\' && c != '&' {
			dst = append(dst, c)
			i++
			continue
		}
		r, n := unescape(text[i:])
		switch {
		case n == 0:
			dst = append(dst, c)
			i++
			continue
		case n == 3 || n == 4 && c == '\\':
			dst = append(dst, byte(r))
		default:
			dst = utf8.AppendRune(dst, r)
		}
		count++
		i += n
	}
	return dst, count
}

// rot13 appends text to dst with letters turned by 13.
func rot13(dst, text []byte) []byte {
	for _, c := range text {
		if l := c | 0x20; l >= 'a' && l <= 'z' {
			c = c&0xE0 | (c&0x1F-1+13)%26 + 1
		}
		dst = append(dst, c)
	}
	return dst
}

// mirror appends text to dst back to front, rune by rune.
func mirror(dst, text []byte) []byte {
	for len(text) > 0 {
		_, n := utf8.DecodeLastRune(text)
		dst = append(dst, text[len(text)-n:]...)
		text = text[:len(text)-n]
	}
	return dst
}

// blob is a run of characters that may be base64 or hex.
type blob struct{ start, end int }

var blobByte = func() (t [256]bool) {
	for c := range 128 {
		t[c] = column[c] != 0
	}
	for _, c := range "+/=_-" {
		t[c] = true
	}
	return t
}()

// nextBlob finds the next run of at least blobMin characters from at on, with
// a digit in it; line breaks inside base64 end a run, each line stands alone.
func nextBlob(text []byte, at int) (blob, bool) {
	for i := at; i < len(text); i++ {
		if !blobByte[text[i]] {
			continue
		}
		j, digit := i, false
		for j < len(text) && blobByte[text[j]] {
			digit = digit || text[j] >= '0' && text[j] <= '9'
			j++
		}
		if j-i >= blobMin && digit {
			return blob{i, j}, true
		}
		i = j
	}
	return blob{}, false
}

// unblob decodes a run into dst where the result reads as text. cut says that
// the run may begin inside a group of four, as it does at a window's edge.
func unblob(dst, run []byte, cut bool) ([]byte, bool) {
	if out, ok := unhex(dst, run); ok {
		return out, true
	}
	run = bytes.TrimRight(run, "=")
	last := 0
	if cut {
		last = 3
	}
	for off := 0; off <= last; off++ {
		if out, ok := unbase64(dst, run[off:]); ok {
			return out, true
		}
	}
	return dst, false
}

func unbase64(dst, run []byte) ([]byte, bool) {
	enc := base64.RawStdEncoding
	if bytes.ContainsAny(run, "-_") {
		enc = base64.RawURLEncoding
	}
	if len(run)%4 == 1 {
		run = run[:len(run)-1]
	}
	dst = dst[:0]
	n := enc.DecodedLen(len(run))
	if cap(dst) < n {
		dst = make([]byte, n)
	}
	n, err := enc.Decode(dst[:n], run)
	return dst[:n], err == nil && readable(dst[:n])
}

func unhex(dst, run []byte) ([]byte, bool) {
	if len(run)%2 != 0 {
		return dst, false
	}
	dst = dst[:0]
	for i := 0; i < len(run); i += 2 {
		v, ok := hexValue(run[i : i+2])
		if !ok {
			return dst, false
		}
		dst = append(dst, byte(v))
	}
	return dst, readable(dst)
}

// readable reports text rather than arbitrary bytes: valid UTF-8, at most a
// twentieth of it control characters, mostly letters and spaces, or again an
// encoding.
func readable(b []byte) bool {
	letters, odd := 0, 0
	for i := 0; i < len(b); {
		r, n := decodeRune(b[i:])
		if r == utf8.RuneError && n == 1 && i+utf8.UTFMax < len(b) {
			return false
		}
		_, kind := fold(r)
		switch {
		case kind == kindLetter, kind == kindIdeo, r == ' ':
			letters += n
		case r < ' ' && r != '\n' && r != '\t' && r != '\r':
			odd++
		}
		i += n
	}
	return len(b) >= 8 && odd*20 <= len(b) && letters*10 >= len(b)*7
}

// unbits appends the bytes of eight-digit binary or two-digit hex words in a
// row to dst: the first run of at least eight of them.
func unbits(dst, text []byte) ([]byte, blob) {
	var found blob
	for i := 0; i < len(text); {
		v, n := bitWord(text[i:])
		if n == 0 || i > 0 && letterish[text[i-1]] {
			if len(dst) >= byteWordsMin {
				break
			}
			dst = dst[:0]
			i++
			continue
		}
		if len(dst) == 0 {
			found.start = i
		}
		dst = append(dst, v)
		i += n
		found.end = i
		for i < len(text) && (text[i] == ' ' || text[i] == ':' || text[i] == ',') {
			i++
		}
	}
	if len(dst) < byteWordsMin || !readable(dst) {
		return dst[:0], blob{}
	}
	return dst, found
}

func bitWord(text []byte) (byte, int) {
	n := 0
	for n < len(text) && n < 9 && letterish[text[n]] {
		n++
	}
	switch {
	case n == 8 && onlyBits(text[:8]):
		v := 0
		for _, c := range text[:8] {
			v = v<<1 | int(c-'0')
		}
		return byte(v), 8
	case n == 2:
		if v, ok := hexValue(text[:2]); ok {
			return byte(v), 2
		}
	}
	return 0, 0
}
