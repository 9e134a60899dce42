package detect

import "bytes"

// leastData is how many bytes of data in a link's query are worth a look.
const leastData = 24

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
	query := bytes.IndexByte(t[:end], '?')
	if query < 0 {
		return
	}
	entity, score := "MARKDOWN_LINK", 0.5
	if v.image() {
		entity, score = "MARKDOWN_IMAGE", 0.75
	}
	if carries(t[query+1 : end]) {
		v.report(entity, Exfiltration, v.from+1, v.from+end, score)
	}
}

// image reports that the bracket before the token opened with ![.
func (v *verifier) image() bool {
	before := v.text[max(0, v.from-256):v.from]
	i := bytes.LastIndexByte(before, '[')
	return i > 0 && before[i-1] == '!'
}

// carries reports a query with a long value that is encoded or a sentence.
func carries(query []byte) bool {
	for part := range bytes.SplitSeq(query, []byte("&")) {
		_, value, ok := bytes.Cut(part, []byte("="))
		if !ok {
			value = part
		}
		if len(value) >= leastData && (encoded(value) || bytes.Count(value, []byte("%20"))+bytes.Count(value, []byte("+")) >= 3) {
			return true
		}
	}
	return false
}

// encoded reports a run of base64 or hexadecimal: letters and digits mixed.
func encoded(b []byte) bool {
	var kind uint16
	digits := 0
	for _, c := range b {
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
