package detect

import (
	"bytes"

	"github.com/regent-proxy/regent/pkg/detect/secret"
)

// leastData is how many bytes of data in a link's address are worth a look.
const leastData = 24

// leastFollowed is how many bytes of data that decode to nothing are worth a look
// in a link that is only fetched when somebody follows it: the names of videos and
// documents are shorter.
const leastFollowed = 48

// maxAddress bounds the address of an image or a reference, in bytes.
const maxAddress = 2048

// links reports markdown links and images whose address carries data out:
// fetching an image sends it without anybody's doing.
func (v *verifier) links() {
	t := v.text[v.from:]
	if len(t) < 16 || t[0] != '(' || v.from == 0 || v.text[v.from-1] != ']' || !bytes.HasPrefix(t[1:], []byte("http")) {
		return
	}
	end := len(t)
	if i := bytes.IndexByte(t, ')'); i > 0 {
		end = i
	}
	entity, score := "MARKDOWN_LINK", 0.5
	image := v.image()
	if image {
		entity, score = "MARKDOWN_IMAGE", 0.75
	}
	if carries(t[1:end], image) {
		v.report(entity, Exfiltration, v.from+1, v.from+end, score)
	}
}

// image reports that the bracket before the token opened with ![.
func (v *verifier) image() bool {
	before := v.text[max(0, v.from-256):v.from]
	i := bytes.LastIndexByte(before, '[')
	return i > 0 && before[i-1] == '!'
}

// carries reports an address with data in it: in its query a long value that is
// encoded or a sentence, in its path a part that decodes to text. Of what is only
// fetched when somebody follows it, a question asked of a search engine is none.
func carries(address []byte, fetched bool) bool {
	path, query, _ := bytes.Cut(address, []byte("?"))
	for part := range bytes.SplitSeq(query, []byte("&")) {
		_, value, ok := bytes.Cut(part, []byte("="))
		if !ok {
			value = part
		}
		if len(value) >= leastData && (encoded(value) && (fetched || len(value) >= leastFollowed || spells(unpadded(value))) || sentence(value, fetched)) {
			return true
		}
	}
	return pathCarries(path, fetched)
}

// pathCarries looks at the parts of a path behind the host.
func pathCarries(address []byte, fetched bool) bool {
	_, rest, ok := bytes.Cut(address, []byte("://"))
	if !ok {
		return false
	}
	_, rest, _ = bytes.Cut(rest, []byte("/"))
	for part := range bytes.SplitSeq(rest, []byte("/")) {
		if len(part) >= leastData && (spells(part) || fetched && bytes.Count(part, []byte("%20")) >= 3) {
			return true
		}
	}
	return false
}

// Words of a sentence in a query, at least: more where a person asked.
const (
	leastWords  = 4
	leastAsked  = 12
	leastSpaces = leastWords - 1
)

func sentence(value []byte, fetched bool) bool {
	spaces := bytes.Count(value, []byte("%20")) + bytes.Count(value, []byte("+"))
	return spaces >= leastSpaces && (fetched || spaces >= leastAsked-1)
}

// encoded reports a run of base64 or hexadecimal: letters and digits mixed, and
// no escapes but those of base64's own signs.
func encoded(b []byte) bool {
	var kind uint16
	digits := 0
	for i, c := range b {
		if c == '%' && !escapesBase64(b[i:]) {
			return false
		}
		k := kindOf[c]
		if k&isDigit != 0 {
			digits++
		}
		if k&(isDigit|isUpper|isLower) == 0 && c != '+' && c != '/' && c != '-' && c != '_' && c != '=' && c != '%' {
			return false
		}
		kind |= k
	}
	return digits >= 1 && kind&(isUpper|isLower) == isUpper|isLower || digits >= 4 && kind&(isUpper|isLower) != 0
}

// unpadded is value up to its first escape, as of base64's padding.
func unpadded(value []byte) []byte {
	value, _, _ = bytes.Cut(value, []byte("%"))
	return value
}

// escapesBase64 reports that b begins with an escape of a plus, a slash or an
// equals sign.
func escapesBase64(b []byte) bool {
	if len(b) < 3 {
		return true
	}
	hex := string([]byte{b[1], upper(b[2])})
	return hex == "2B" || hex == "2F" || hex == "3D"
}

// imageRule finds HTML images whose address carries data out.
func imageRule() secret.Rule {
	return addressRule("HTML_IMAGE", 0.75, []string{"<img"}, true, func(text []byte, at int) (from int) {
		tag := text[at:min(len(text), at+maxAddress)]
		if i := bytes.IndexByte(tag, '>'); i >= 0 {
			tag = tag[:i]
		}
		if i := source(tag); i >= 0 {
			return at + i
		}
		return -1
	}, '>')
}

// source is where the value of a tag's src begins, -1 where it has none.
func source(tag []byte) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(tag[at:], '=')
		if i < 0 {
			return -1
		}
		at += i
		if at >= 3 && lower(tag[at-3]) == 's' && lower(tag[at-2]) == 'r' && lower(tag[at-1]) == 'c' {
			return at + 1
		}
	}
}

// referenceRule finds the addresses of markdown's references, [1]: https://...,
// that carry data out.
func referenceRule() secret.Rule {
	return addressRule("MARKDOWN_REFERENCE", 0.5, []string{"]: http"}, false, func(_ []byte, at int) (from int) { return at + len("]: ") }, '\n')
}

// addressRule finds an address that carries data, which from finds behind a
// literal; closed is the byte that ends what the literal begins.
func addressRule(entity string, score float64, literals []string, fetched bool, from func(text []byte, at int) int, closed byte) secret.Rule {
	find := func(text []byte, at int) (start, end int, ok bool) {
		start = from(text, at)
		if start < 0 || start >= len(text) {
			return 0, 0, false
		}
		if text[start] == '"' || text[start] == '\'' {
			start++
		}
		for end = start; end < min(len(text), at+maxAddress) && kindOf[text[end]]&(isBreak|isBlank) == 0 && bytes.IndexByte([]byte("\"'<>\n"), text[end]) < 0; {
			end++
		}
		return start, end, end > start && carries(text[start:end], fetched)
	}
	open := func(text []byte, at int) bool {
		if len(text)-at >= maxAddress || bytes.IndexByte(text[at:], closed) >= 0 {
			return false
		}
		start := from(text, at)
		if start < 0 {
			return true
		}
		for _, c := range text[min(len(text), start+1):] {
			if kindOf[c]&(isBreak|isBlank) != 0 || bytes.IndexByte([]byte("\"'<>\n"), c) >= 0 {
				return false
			}
		}
		return true
	}
	return secret.Rule{Entity: entity, Literals: literals, After: maxAddress, Score: score, Find: find, Open: open}
}
