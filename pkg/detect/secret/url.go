package secret

import (
	"bytes"
	"strings"
)

// Bounds of a URL's parts before its host, in bytes.
const (
	maxScheme   = 24
	maxUser     = 128
	maxPassword = 256
)

// urlPassword finds the password of scheme://user:password@host (RFC 3986
// section 3.2.1). People forget to encode it, so it may hold #, ? and /, and
// the last @ before a blank or a quote ends it.
func urlPassword() Rule {
	return Rule{
		Entity:   "URL_PASSWORD",
		Literals: []string{"://"},
		Before:   maxScheme,
		After:    3 + maxUser + maxPassword + 2,
		Score:    0.95,
		Find:     findURLPassword,
		Open:     openURL,
	}
}

func findURLPassword(text []byte, at int) (start, end int, ok bool) {
	if at == 0 || !isWord(text[at-1]) {
		return 0, 0, false
	}
	colon, found := userEnd(text, at+3)
	if !found {
		return 0, 0, false
	}
	end = passwordEnd(text, colon+1)
	if end < 0 {
		return 0, 0, false
	}
	v := text[colon+1 : end]
	user := text[at+3 : colon]
	if string(v) == "x-oauth-basic" && len(user) >= 20 { // GitHub's form of a token as the user
		return at + 3, colon, !standIn(user)
	}
	if len(v) < 3 || bytes.Equal(user, v) || standInURL(v) {
		return 0, 0, false
	}
	return colon + 1, end, true
}

// openURL reports whether the user and password may go on.
func openURL(text []byte, at int) bool {
	if at == 0 || !isWord(text[at-1]) || !unbroken(text, at) {
		return false
	}
	colon, found := userEnd(text, at+3)
	if !found {
		return len(text)-at-3 <= maxUser && userEndsNowhere(text[min(len(text), at+3):])
	}
	end := passwordEnd(text, colon+1)
	return len(text)-colon <= maxPassword && (end < 0 || bytes.IndexByte(text[end:], '/') < 0)
}

// userEndsNowhere reports that every byte could be a user's name.
func userEndsNowhere(v []byte) bool {
	for _, c := range v {
		if !isWord(c) && strings.IndexByte("-.%+~!$&'*=", c) < 0 {
			return false
		}
	}
	return true
}

// userEnd finds the colon after the user's name.
func userEnd(text []byte, pos int) (int, bool) {
	for i := pos; i < len(text) && i-pos <= maxUser; i++ {
		switch c := text[i]; {
		case c == ':':
			return i, true
		case isWord(c), strings.IndexByte("-.%+~!$&'*=", c) >= 0:
		default:
			return 0, false
		}
	}
	return 0, false
}

// passwordEnd finds the @ that ends the password at pos, or -1. A port and a
// path that come first mean that there was no password.
func passwordEnd(text []byte, pos int) int {
	at, path := -1, false
	for i := pos; i < len(text) && i-pos <= maxPassword; i++ {
		c := text[i]
		if isSpace(c) || isQuote(c) || c == '<' || c == '>' || c == '\\' || c == ')' || c == ']' {
			break
		}
		if c == '@' && i+1 < len(text) && hostStart(text[i+1]) {
			at = i
			if path {
				break
			}
		}
		if c == '/' {
			if at >= 0 || digits(text[pos:i]) {
				break
			}
			path = true
		}
	}
	return at
}

// driverPassword finds the password of user:password@tcp(host), the form of Go's
// MySQL driver, which has no scheme.
func driverPassword() Rule {
	return Rule{
		Entity:   "URL_PASSWORD",
		Literals: []string{"@tcp(", "@unix(", "@tcp6("},
		Before:   maxPassword + maxUser,
		After:    8,
		Score:    0.9,
		Find: func(text []byte, at int) (start, end int, ok bool) {
			start = at
			for start > 0 && at-start < maxPassword && text[start-1] != ':' && !isSpace(text[start-1]) && !isQuote(text[start-1]) {
				start--
			}
			if start < 2 || text[start-1] != ':' || !isWord(text[start-2]) {
				return 0, 0, false
			}
			v := text[start:at]
			return start, at, len(v) >= 3 && !standInURL(v)
		},
		Open: func([]byte, int) bool { return false },
	}
}

func hostStart(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '[' || c == '$' || c == '{' || c == '%' || c >= 0x80
}

func digits(v []byte) bool {
	for _, c := range v {
		if !isDigit(c) {
			return false
		}
	}
	return len(v) > 0
}

// standInURL reports a password that a document writes in a URL. Its words end
// where an encoded sign begins.
func standInURL(v []byte) bool {
	if standIn(v) || bytes.IndexByte(v, '{') >= 0 || v[0] == ':' {
		return true
	}
	if len(v) > 3 && v[0]&0x20 == 0 && isWords(v) && isName(v) {
		return true // API_TOKEN
	}
	if isWords(v) && speaking(v) {
		return true // secretRef
	}
	letters := 0
	for letters < len(v) && isLetter(v[letters]) {
		letters++
	}
	var buf [16]byte
	return letters > 3 && len(v)-letters <= 3 && weak[string(appendLower(buf[:0], v[:letters]))]
}
