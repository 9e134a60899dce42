package secret

import "bytes"

// maxKeyBlock is how many bytes of a private key in its armour are held back and
// read leniently: an RSA key of 16384 bits takes 12.7 KB. A longer one is followed
// on, line by line, to its end.
const maxKeyBlock = 16 << 10

// leastKeyBlock is how many bytes between its lines make a block hold a key.
const leastKeyBlock = 64

// privateKey finds keys in PEM armour (RFC 7468, RFC 4880 section 6.2), also
// with their line ends escaped, as JSON and environment files have them. A
// block whose end is missing counts up to where its base64 stops.
func privateKey() Rule {
	return Rule{
		Entity:   "PRIVATE_KEY",
		Literals: []string{"-----begin "},
		Before:   0,
		After:    maxKeyBlock,
		Score:    1,
		Find:     findPrivateKey,
		Open:     openPrivateKey,
		Goes:     armourGoesOn,
	}
}

func findPrivateKey(text []byte, at int) (start, end int, ok bool) {
	label, body := armourLabel(text, at, "-----begin ")
	if body < 0 || !bytes.Contains(label, []byte("private key")) {
		return 0, 0, false
	}
	stop := body
	for limit := min(len(text), at+maxKeyBlock); stop < limit && keyBlockByte(text[stop]) && !dashes(text[stop:]); {
		stop++
	}
	if stop == at+maxKeyBlock {
		var over bool
		if stop, over = armourGoesOn(text, stop, true); over && armourEnds(text[at:stop]) {
			return at, stop, true
		}
	}
	if keyBytes(text[body:stop]) < leastKeyBlock {
		return 0, 0, false
	}
	if hasFold(text[stop:], []byte("-----end ")) {
		if _, after := armourLabel(text, stop, "-----end "); after > 0 {
			return at, after, true
		}
	}
	for stop > body && isSpace(text[stop-1]) {
		stop--
	}
	return at, stop, true
}

// armourEnds reports whether a block goes up to the end of its last line.
func armourEnds(block []byte) bool { return bytes.HasSuffix(block, []byte("-----")) }

// armourGoesOn follows lines of base64, however they are indented, quoted and
// their ends escaped, up to what is none, or through the line that ends a block.
func armourGoesOn(text []byte, pos int, final bool) (stop int, over bool) {
	if armourEnds(text[:pos]) {
		return pos, true
	}
	for i := pos; i < len(text); i++ {
		if text[i] == '-' {
			return armourEnd(text, i, final)
		}
		if !lineByte(text, i) {
			return i, true
		}
	}
	return len(text), final
}

// armourEnd reads the line that ends a block, at text[at:]; what is none is left
// alone.
func armourEnd(text []byte, at int, final bool) (stop int, over bool) {
	const opening, longest = "-----end ", 96
	rest := text[at:]
	if hasFold(rest, []byte(opening)) {
		if _, after := armourLabel(text, at, opening); after > 0 {
			return after, true
		}
		return at, final || len(rest) >= longest
	}
	began := len(rest) < len(opening) && hasFold([]byte(opening), bytes.ToLower(rest))
	return at, final || !began
}

// lineByte reports whether text[i] can be part of a block's lines: blanks only
// where a line begins.
func lineByte(text []byte, i int) bool {
	switch c := text[i]; {
	case isLetter(c), isDigit(c), bytes.IndexByte([]byte("+/=\\\"',\r\n"), c) >= 0:
		return true
	case isBlank(c):
		return i > 0 && (isSpace(text[i-1]) || isQuote(text[i-1]) || text[i-1] == ',')
	}
	return false
}

// openPrivateKey reports whether the block may go on: its label or its last
// line has not come yet, and nothing that cannot be in one has.
func openPrivateKey(text []byte, at int) bool {
	label, body := armourLabel(text, at, "-----begin ")
	if body < 0 {
		return len(text)-at < len("-----begin ")+80
	}
	if !bytes.Contains(label, []byte("private key")) {
		return false
	}
	for i := body; i < len(text); i++ {
		if dashes(text[i:]) {
			_, after := armourLabel(text, i, "-----end ")
			return after < 0 && len(text)-i < 96
		}
		if !keyBlockByte(text[i]) {
			return false
		}
	}
	return true
}

// dashes reports the five dashes that begin a line of the armour, so that
// blocks that follow each other are each read once.
func dashes(text []byte) bool {
	return text[0] == '-' && len(text) >= 5 && string(text[:5]) == "-----"
}

// armourLabel reads the words of a line such as -----BEGIN RSA PRIVATE
// KEY----- in lower case, and where the line ends; -1 where it is none.
func armourLabel(text []byte, at int, opening string) (label []byte, end int) {
	from := at + len(opening)
	limit := min(len(text), from+80)
	if from > limit {
		return nil, -1
	}
	n := bytes.Index(text[from:limit], []byte("-----"))
	if n < 0 {
		return nil, -1
	}
	return bytes.ToLower(text[from : from+n]), from + n + 5
}

// keyBlockByte reports what stands between the lines of an armour: base64,
// headers such as Proc-Type and Comment, line ends, escaped ones, quotes of
// strings that are joined.
func keyBlockByte(c byte) bool {
	return isWord(c) || isSpace(c) || bytes.IndexByte([]byte("+/=\\\"',:.-()<>@;#*|$"), c) >= 0
}

// keyBytes counts the bytes of base64 in a block.
func keyBytes(block []byte) int {
	n := 0
	for _, c := range block {
		if isLetter(c) || isDigit(c) || c == '+' || c == '/' || c == '=' {
			n++
		}
	}
	return n
}

// encodedKey finds a private key's armour that is encoded in base64 as a whole, as
// manifests, environment files and CI's variables carry it.
func encodedKey() Rule {
	return Rule{
		Entity:   "PRIVATE_KEY_BASE64",
		Literals: []string{"ls0tls1crudjti"}, // -----BEGIN
		Before:   1,
		After:    maxKeyBlock,
		Score:    1,
		Find: func(text []byte, at int) (start, end int, ok bool) {
			if within64(text, at) {
				return 0, 0, false
			}
			end = encodedEnd(text, at)
			var buf [48]byte
			head, ok := appendDecoded(buf[:0], text[at:min(end, at+60)])
			for end > at && isSpace(text[end-1]) {
				end--
			}
			return at, end, ok && end-at >= 2*leastKeyBlock && bytes.Contains(head, []byte("PRIVATE KEY"))
		},
		Open: func(text []byte, at int) bool { return !within64(text, at) && encodedEnd(text, at) == len(text) },
	}
}

// within64 reports that text[at] goes on with base64 from before.
func within64(text []byte, at int) bool { return at > 0 && (isWord(text[at-1]) || text[at-1] == '+') }

// encodedEnd passes base64, up to the bound of a key: in one piece, or in lines as
// long as tools break it, with their indents; the last is shorter.
func encodedEnd(text []byte, at int) int {
	const leastLine = 60
	end, limit, line, width := at, min(len(text), at+maxKeyBlock), at, 0
	for end < limit {
		switch c := text[end]; {
		case isLetter(c), isDigit(c), c == '+', c == '/', c == '=':
			end++
		case (c == '\n' || c == '\r') && end-line >= max(leastLine, width) && text[end-1] != '=':
			width = end - line
			end = skip(text[:limit], end, 20, isSpace)
			line = end
		default:
			return end
		}
	}
	return end
}

// puttyKey finds PuTTY's key files, from their first line to the MAC that is
// their last.
func puttyKey() Rule {
	return Rule{
		Entity:   "PUTTY_PRIVATE_KEY",
		Literals: []string{"putty-user-key-file-"},
		Before:   0,
		After:    maxKeyBlock,
		Score:    1,
		Find:     findPuttyKey,
		Open:     openPuttyKey,
	}
}

func findPuttyKey(text []byte, at int) (start, end int, ok bool) {
	block := text[at:min(len(text), at+maxKeyBlock)]
	private := bytes.Index(block, []byte("Private-Lines:"))
	if private < 0 {
		return 0, 0, false
	}
	mac := bytes.Index(block[private:], []byte("Private-MAC:"))
	if mac < 0 {
		return at, at + len(block), keyBytes(block[private:]) > leastKeyBlock
	}
	mac = skip(block, private+mac+len("Private-MAC:"), 2, isBlank)
	return at, at + skip(block, mac, 64, isHex), true
}

// openPuttyKey reports whether the MAC, which ends the file, may still come or
// go on.
func openPuttyKey(text []byte, at int) bool {
	mac := bytes.Index(text[at:], []byte("Private-MAC:"))
	return mac < 0 || bytes.IndexByte(text[at+mac:], '\n') < 0
}

// Bounds of a Kubernetes manifest around its data, in bytes.
const (
	manifestReach = 512
	maxManifest   = 4096
)

// kubernetesSecret finds the values of a Secret's data and stringData, each
// where its line is; kind: Secret stands before or after them.
func kubernetesSecret() Rule {
	return Rule{
		Entity:   "KUBERNETES_SECRET",
		Literals: []string{"data:"},
		Before:   manifestReach,
		After:    maxManifest,
		Score:    0.95,
		Find:     findKubernetesSecret,
		Next: func(text []byte, at, after int) (int, int, bool) {
			start, end, _ := nextDatum(text, at, after)
			return start, end, end > start
		},
		Open: openManifest,
	}
}

// openManifest reports whether kind: Secret, the end of its document or another
// entry may still come. What is no key of a mapping, data: on a line of its own,
// is closed at once.
func openManifest(text []byte, at int) bool {
	after := skip(text, at+len("data:"), 32, isBlank)
	after = skip(text, after, 1, func(c byte) bool { return c == '\r' })
	if after < len(text) && text[after] != '\n' {
		return false
	}
	if len(text)-at < manifestReach {
		return true
	}
	if !ofSecret(text[max(0, at-manifestReach) : at+manifestReach]) {
		return false
	}
	_, _, over := nextDatum(text, at, len(text))
	return !over
}

func findKubernetesSecret(text []byte, at int) (start, end int, ok bool) {
	if at > 0 && isWord(text[at-1]) {
		return 0, 0, false
	}
	near := text[max(0, at-manifestReach):min(len(text), at+manifestReach)]
	if !ofSecret(near) || bytes.Contains(near, []byte("\n---")) {
		return 0, 0, false
	}
	start, end, _ = nextDatum(text, at, at)
	return start, end, end > start
}

// ofSecret reports a line kind: Secret, in any case and quotes.
func ofSecret(near []byte) bool {
	for {
		i := bytes.Index(near, []byte("kind:"))
		if i < 0 {
			return false
		}
		pos := skip(near, i+len("kind:"), 4, func(c byte) bool { return isBlank(c) || isQuote(c) })
		if hasFold(near[pos:], []byte("secret")) && (pos+6 >= len(near) || !isWord(near[pos+6])) {
			return true
		}
		near = near[i+len("kind:"):]
	}
}

// nextDatum finds the first entry, of those that begin behind text[after] in the
// mapping data: at at, whose value is base64: as gitleaks does it gives the entry,
// name and value. Where there is none, over says whether the mapping has ended.
func nextDatum(text []byte, at, after int) (start, end int, over bool) {
	limit := min(len(text), at+maxManifest)
	indent := -1
	for line := at; ; {
		next := bytes.IndexByte(text[line:limit], '\n')
		if next < 0 {
			return 0, 0, limit == at+maxManifest
		}
		line += next + 1
		from := skip(text[:limit], line, 64, isBlank)
		if from >= limit || isSpace(text[from]) || text[from] == '#' {
			continue
		}
		if indent < 0 {
			indent = from - line
		}
		if from-line < indent {
			return 0, 0, true
		}
		if from-line > indent || from < after {
			continue
		}
		to := limit
		if n := bytes.IndexByte(text[from:limit], '\n'); n >= 0 {
			to = from + n
		}
		if start, end, ok := datum(text, from, to, limit); ok {
			return start, end, false
		}
	}
}

// encodedCertificate is "-----BEGIN CERTIFICATE" in base64, what no secret is.
const encodedCertificate = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FUR"

// datum reads name: value on the line text[from:to], or with | or > on the
// next line.
func datum(text []byte, from, to, limit int) (start, end int, ok bool) {
	colon := bytes.IndexByte(text[from:to], ':')
	if colon <= 0 {
		return 0, 0, false
	}
	pos := skip(text, from+colon+1, 4, isBlank)
	pos = skipLine(text, pos)
	pos = skip(text, pos, 1, isQuote)
	begin := pos
	for pos < limit && (isWord(text[pos]) || text[pos] == '+' || text[pos] == '/' || text[pos] == '=') {
		pos++
	}
	if bytes.HasPrefix(text[begin:pos], []byte(encodedCertificate)) {
		return 0, 0, false
	}
	if pos-begin < 10 || pos < len(text) && !isSpace(text[pos]) && !isQuote(text[pos]) {
		return 0, 0, false
	}
	return from, pos, true
}
