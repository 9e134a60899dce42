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
		if start < at && v.text[start] == '_' && end < len(v.text) && v.text[end] == '_' {
			start++ // _ann@corp.example_ of markdown
		}
		v.work += end - start
		if start == at || end == at+1 || v.credentials(start, end) || v.messageID(start) {
			continue
		}
		v.add("EMAIL", start, end, 0.95, aboutNothing, false)
	}
}

// inLocal are the bytes of a local part: letters, digits and some signs.
var inLocal = func() (t [256]bool) {
	for c := range t {
		t[c] = kindOf[c]&(isDigit|isUpper|isLower|isWide) != 0
	}
	for _, c := range "._%+-&!#$*?^~=/" {
		t[c] = true
	}
	return t
}()

// localStart is where the local part before the at sign begins.
func (v *verifier) localStart(at int) int {
	start := at
	for start > v.from && at-start < maxLocal && inLocal[v.text[start-1]] {
		start--
	}
	for start < at && kindOf[v.text[start]]&(isDigit|isUpper|isLower|isWide) == 0 && v.text[start] != '_' {
		start++
	}
	ascii := at > start && kindOf[v.text[at-1]]&isWide == 0
	for i := at - 1; i >= start; i-- {
		switch c := v.text[i]; {
		case ascii && i+3 <= at && signLen(v.text[i:at]) == 3: // 邮箱ann@corp.example
			return i + 3
		case c == '=' || c == '/' || c == '?': // user=ann@corp.example
			return i + 1
		case c == '.' && (i == at-1 || v.text[i+1] == '.'):
			return at
		}
	}
	return start
}

// domainEnd is where the domain that begins at at ends; at where there is none.
func (v *verifier) domainEnd(at int) int {
	end, dot := at, -1
	label, letters := at, true // where the last label begins, and that it has letters alone
	good := at
	ascii := at < len(v.text) && kindOf[v.text[at]]&isWide == 0
	for end < len(v.text) && end-at < maxDomain {
		c := v.text[end]
		k := kindOf[c]
		if k&isWide != 0 && ascii && end > label && signLen(v.text[end:]) == 3 { // ann@corp.exampleまで
			break
		}
		if c == '.' {
			if end == label || v.text[end-1] == '-' {
				break
			}
			dot, label, letters = end, end+1, true
		} else if k&(isDigit|isUpper|isLower|isWide) == 0 && (c != '-' || end == label) {
			break
		} else {
			letters = letters && k&(isUpper|isLower|isWide) != 0
		}
		end++
		if n := end - label; dot >= 0 && (letters && n >= 2 && n <= 24 || n > 4 && punycode(v.text[label:end])) {
			good = end
		}
	}
	if good < len(v.text) && (v.text[good] == '_' && !emphasised(v.text[good+1:]) || kindOf[v.text[good]]&(isDigit|isUpper|isLower) != 0) || isFile(v.text[at:good]) {
		return at
	}
	return good
}

func punycode(label []byte) bool { return string(label[:4]) == "xn--" || string(label[:4]) == "XN--" }

// isFile reports a name with the ending of a file.
func isFile(name []byte) bool {
	ending := name[bytes.LastIndexByte(name, '.')+1:]
	var buf [4]byte
	if len(ending) > len(buf) {
		return false
	}
	for i, c := range ending {
		buf[i] = lower(c)
	}
	return fileTypes[string(buf[:len(ending)])]
}

// credentials reports the user of a URL, scheme://user:password@host, and of a
// remote path, git@host:path.
func (v *verifier) credentials(start, end int) bool {
	if end+1 < len(v.text) && v.text[end] == ':' && kindOf[v.text[end+1]]&(isUpper|isLower|isDigit) != 0 && isRemote(v.text[start:], v.text[end+1:]) {
		return true
	}
	before := v.text[v.from:start]
	i := bytes.LastIndex(before, []byte("://"))
	return i >= 0 && bytes.IndexByte(before[i+3:], '/') < 0 && bytes.IndexByte(before[i+3:], '?') < 0
}

// isRemote reports that an address and a colon name a place on a host: by whose
// it is, git@host:path, by the path behind it or by a port. Else it may be a
// line of addresses and passwords.
func isRemote(address, rest []byte) bool {
	return bytes.HasPrefix(address, []byte("git@")) || bytes.IndexByte(rest, '/') >= 0 || all(rest, isDigit)
}

// messageID reports that text[start:] is the name of a message in a header of
// mail, which only looks like an address.
func (v *verifier) messageID(start int) bool {
	for _, header := range [...]string{"message-id:", "in-reply-to:", "references:", "content-id:"} {
		at := start - len(" <") - len(header)
		if at >= 0 && v.text[start-1] == '<' && v.text[start-2] == ' ' && bytes.EqualFold(v.text[at:at+len(header)], []byte(header)) {
			return true
		}
	}
	return false
}

// emphasised reports that an underscore before rest ends a word, as markdown's
// emphasis does.
func emphasised(rest []byte) bool {
	return len(rest) == 0 || kindOf[rest[0]]&(isDigit|isUpper|isLower|isWide|isDot) == 0 && rest[0] != '_' && rest[0] != '-'
}
