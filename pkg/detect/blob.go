package detect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
)

// leastBlob is how long base64 or hexadecimal in a text must be to be taken for
// something that was encoded to be carried past a reader.
const leastBlob = 64

// spelled bounds how much of a blob is decoded to see whether it is text, in
// bytes of what is encoded.
const spelled = 256

// pem is how base64 of a certificate or key in PEM begins: it is known for what
// it is.
var pem = []byte("LS0tLS1CRUdJTi")

// blob reports a long run of base64 or hexadecimal that is text.
func (v *verifier) blob() {
	t := v.text[v.from:]
	start := 0
	for start < len(t) && !isBlob(t[start]) {
		start++
	}
	end := start
	for end < len(t) && isBlob(t[end]) {
		end++
	}
	if end-start >= leastBlob && !bytes.HasPrefix(t[start:end], pem) && spells(t[start:end]) {
		v.report("ENCODED_TEXT", Exfiltration, v.from+start, v.from+end, 0.6)
	}
}

func isBlob(c byte) bool {
	return kindOf[c]&(isDigit|isUpper|isLower) != 0 || c == '+' || c == '/' || c == '-' || c == '_' || c == '='
}

// spells reports that base64 or hexadecimal begins with text: bytes that are all
// printable, of several kinds.
func spells(b []byte) bool {
	b = bytes.TrimRight(b[:min(len(b), spelled)], "=")
	var out [spelled]byte
	if all(b, isDigit|isLower|isUpper) && isHexes(b) {
		n, err := hex.Decode(out[:], b[:len(b)&^1])
		return err == nil && readable(out[:n])
	}
	var in [spelled]byte
	n := copy(in[:], b[:len(b)&^3])
	for i, c := range in[:n] { // the alphabet of URLs
		switch c {
		case '-':
			in[i] = '+'
		case '_':
			in[i] = '/'
		}
	}
	n, err := base64.RawStdEncoding.Decode(out[:], in[:n])
	return err == nil && readable(out[:n]) && !bytes.HasPrefix(out[:n], []byte("-----BEGIN CERT")) // which is public
}

// readable reports text: printable ASCII, or what UTF-8 is made of, with blanks or
// signs between letters. Chance makes no dozen bytes of that.
func readable(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	letters, signs, steps := 0, 0, 0
	for i, c := range b {
		if i > 0 && c == b[i-1]+1 {
			steps++ // 40 41 42 43 of a test vector
		}
		switch {
		case c >= 0x80, c < ' ' && c != '\n' && c != '\r' && c != '\t', c == 0x7f:
			return false
		case kindOf[c]&(isUpper|isLower) != 0:
			letters++
		case kindOf[c]&isDigit == 0:
			signs++
		}
	}
	return letters*2 >= len(b) && signs > 0 && steps*2 < len(b)
}
