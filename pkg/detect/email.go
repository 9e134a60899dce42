package detect

import "bytes"

// Bounds of RFC 5321 on the parts of an address.
const (
	maxLocal  = 64
	maxDomain = 255
)

// fileTypes are name endings that no top-level domain is: logo@2x.png.
var fileTypes = map[string]bool{"png": true, "jpg": true, "jpeg": true, "gif": true, "svg": true, "webp": true, "css": true, "js": true, "ts": true, "json": true, "html": true, "php": true, "xml": true, "yaml": true, "yml": true, "txt": true, "pdf": true, "tsx": true, "jsx": true}

// emails reports the mail addresses around the at signs of the token.
func (v *verifier) emails() {
	for at := v.from; ; at++ {
		i := bytes.IndexByte(v.text[at:], '@')
		if i < 0 {
			return
		}
		at += i
		start, end := v.localStart(at), v.domainEnd(at+1)
		if start == at || end == at+1 || v.credentials(start, end) {
			continue
		}
		v.add("EMAIL", start, end, 0.95, aboutNothing, false)
	}
}

// localStart is where the local part before the at sign begins.
func (v *verifier) localStart(at int) int {
	start := at
	for start > v.from && at-start < maxLocal {
		c := v.text[start-1]
		if kindOf[c]&(isDigit|isUpper|isLower|isWide) == 0 && bytes.IndexByte([]byte("._%+-&!#$*?^~=/"), c) < 0 {
			break
		}
		start--
	}
	for start < at && kindOf[v.text[start]]&(isDigit|isUpper|isLower|isWide) == 0 && v.text[start] != '_' {
		start++
	}
	if i := bytes.LastIndexAny(v.text[start:at], "=/?"); i >= 0 { // user=ann@corp.example
		start += i + 1
	}
	if start < at && (v.text[at-1] == '.' || bytes.Contains(v.text[start:at], []byte(".."))) {
		return at
	}
	return start
}

// domainEnd is where the domain that begins at at ends; at where there is none.
func (v *verifier) domainEnd(at int) int {
	end, dot := at, -1
	label := at
	good := at
	for end < len(v.text) && end-at < maxDomain {
		c := v.text[end]
		k := kindOf[c]
		if c == '.' {
			if end == label || v.text[end-1] == '-' {
				break
			}
			dot, label = end, end+1
		} else if k&(isDigit|isUpper|isLower|isWide) == 0 && (c != '-' || end == label) {
			break
		}
		end++
		if dot >= 0 && topLevel(v.text[dot+1:end]) {
			good = end
		}
	}
	if good < len(v.text) && (v.text[good] == '_' || kindOf[v.text[good]]&(isDigit|isUpper|isLower) != 0) || fileTypes[string(bytes.ToLower(v.text[at+bytes.LastIndexByte(v.text[at:good], '.')+1:good]))] {
		return at
	}
	return good
}

func topLevel(b []byte) bool {
	if len(b) > 4 && (string(b[:4]) == "xn--" || string(b[:4]) == "XN--") {
		return true
	}
	return len(b) >= 2 && len(b) <= 24 && all(b, isUpper|isLower|isWide)
}

// credentials reports the user of a URL, scheme://user:password@host, and of a
// remote path, git@host:path.
func (v *verifier) credentials(start, end int) bool {
	if end+1 < len(v.text) && v.text[end] == ':' && kindOf[v.text[end+1]]&(isUpper|isLower|isDigit) != 0 {
		return true
	}
	before := v.text[v.from:start]
	i := bytes.LastIndex(before, []byte("://"))
	return i >= 0 && bytes.IndexByte(before[i+3:], '/') < 0 && bytes.IndexByte(before[i+3:], '?') < 0
}
