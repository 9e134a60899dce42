package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// maxJWT is how many bytes a token may have; longer ones count up to there.
const maxJWT = 8 << 10

// jsonWebToken finds JWTs (RFC 7519 in the compact form of RFC 7515 and 7516)
// whose header decodes to a JSON object with an algorithm.
func jsonWebToken() Rule {
	return Rule{
		Entity:   "JWT",
		Literals: []string{"eyj", "eya", "ewo", "ewk"}, // {" and { followed by a blank, in base64
		Before:   1,
		After:    maxJWT,
		Score:    1,
		Find:     findJWT,
		Open:     unbroken,
	}
}

func findJWT(text []byte, at int) (start, end int, ok bool) {
	if text[at] != 'e' || at > 0 && (isWord(text[at-1]) || text[at-1] == '.') {
		return 0, 0, false
	}
	header := base64End(text, at)
	if header-at < 14 || header >= len(text) || text[header] != '.' {
		return 0, 0, false
	}
	end = header
	parts := 1
	for parts < 5 && end < len(text) && text[end] == '.' {
		next := base64End(text, end+1)
		if next == end+1 && parts != 2 && parts != 1 {
			break
		}
		end = next
		parts++
	}
	if parts < 3 || !joseHeader(text[at:header]) {
		return 0, 0, false
	}
	if text[end-1] == '.' && !unsecured(text[at:header]) && parts == 3 && end-header < 12 {
		return 0, 0, false
	}
	return at, end, true
}

// opaqueToken finds tokens of a JWT's form whose header cannot be read, as one
// that was shortened or changed by hand: three parts, two of them objects.
func opaqueToken() Rule {
	return Rule{
		Entity:   "JWT",
		Literals: []string{".ey"},
		Before:   maxHeader,
		After:    maxJWT,
		Score:    0.8,
		Find:     findOpaqueToken,
		Open:     unbroken,
	}
}

// maxHeader is how many bytes the header of such a token may have.
const maxHeader = 1024

func findOpaqueToken(text []byte, at int) (start, end int, ok bool) {
	start = at
	for start > 0 && at-start < maxHeader && (isWord(text[start-1]) || text[start-1] == '-') {
		start--
	}
	if at-start < 19 || text[start] != 'e' || text[start+1] != 'y' || text[at+1] != 'e' {
		return 0, 0, false
	}
	payload := base64End(text, at+1)
	if payload-at < 20 || payload >= len(text) || text[payload] != '.' {
		return 0, 0, false
	}
	end = payload + 1
	for end < len(text) && end-payload < maxJWT && (isWord(text[end]) || text[end] == '-' || text[end] == '/' || text[end] == '\\' && end+1 < len(text) && isWord(text[end+1]) && !escapes(text, end)) {
		end++
	}
	return start, end, end-payload > 10 && entropy(text[start:end]) > 3 && !placeholder(text[start:end])
}

// base64End passes base64 in its URL form or not, with its padding.
func base64End(text []byte, pos int) int {
	limit := min(len(text), pos+maxJWT)
	for pos < limit && (isWord(text[pos]) || text[pos] == '-' || text[pos] == '+' || text[pos] == '/') {
		pos++
	}
	for pos < limit && text[pos] == '=' {
		pos++
	}
	return pos
}

// joseHeader reports a JSON object that names an algorithm.
func joseHeader(part []byte) bool {
	alg, ok := algorithm(part)
	return ok && alg != ""
}

func unsecured(part []byte) bool {
	alg, _ := algorithm(part)
	return bytes.EqualFold([]byte(alg), []byte("none"))
}

func algorithm(part []byte) (string, bool) {
	raw, ok := decode64(part)
	if !ok {
		return "", false
	}
	var header struct {
		Alg string `json:"alg"`
	}
	if json.Unmarshal(raw, &header) != nil {
		return "", false
	}
	return header.Alg, true
}

// decode64 decodes base64 of either alphabet, padded or not.
func decode64(v []byte) ([]byte, bool) {
	return appendDecoded(make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(v))), v)
}

// appendDecoded appends what v decodes to, nothing where it is no base64, which
// is seen before the decoder, whose errors allocate.
func appendDecoded(dst, v []byte) ([]byte, bool) {
	v = bytes.TrimRight(v, "=")
	enc := base64.RawStdEncoding
	for _, c := range v {
		switch {
		case c == '-' || c == '_':
			enc = base64.RawURLEncoding
		case !isLetter(c) && !isDigit(c) && c != '+' && c != '/':
			return dst, false
		}
	}
	if len(v)%4 == 1 {
		return dst, false
	}
	dst, err := enc.AppendDecode(dst, v)
	return dst, err == nil
}

// pair is what base64 holds where a user's name and a password may be.
type pair uint8

const (
	noPair      pair = iota
	standInPair      // words that stand for a password, alone or behind a user's name
	realPair
)

// basicPair reads base64 of printable user:password, as Basic authentication
// (RFC 7617), Docker's auth and npm's _auth have it.
func basicPair(v []byte) pair {
	if len(v) < 8 || len(v) > 512 {
		return noPair
	}
	var buf [384]byte
	raw, ok := appendDecoded(buf[:0], v)
	raw = bytes.TrimRight(raw, "\r\n")
	if !ok || len(raw) < 5 {
		return noPair
	}
	for _, c := range raw {
		if c < ' ' || c > '~' {
			return noPair
		}
	}
	colon := bytes.IndexByte(raw, ':')
	if colon == len(raw)-1 || standIn(raw[colon+1:]) || colon < 0 && speaking(raw) {
		return standInPair
	}
	if colon < 0 {
		return noPair
	}
	return realPair
}
