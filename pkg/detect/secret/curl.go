package secret

import "bytes"

// maxCommand is how many bytes after its name a command's options are looked
// for.
const maxCommand = 1024

// curlUser finds user:password after curl's -u and --user, over lines that end
// in a backslash.
func curlUser() Rule {
	return Rule{
		Entity:   "CURL_USER",
		Literals: []string{"curl "},
		Before:   1,
		After:    maxCommand,
		Score:    0.9,
		Find:     findCurlUser,
		Open:     openCommand,
	}
}

func findCurlUser(text []byte, at int) (start, end int, ok bool) {
	if at > 0 && isWord(text[at-1]) {
		return 0, 0, false
	}
	limit := min(len(text), at+maxCommand)
	for pos := at + len("curl "); pos < limit; pos++ {
		if commandEnds(text, pos) {
			return 0, 0, false
		}
		if text[pos] != '-' || !isSpace(text[pos-1]) {
			continue
		}
		if value := optionValue(text[:limit], pos); value > 0 {
			start, end = userPassword(text[:limit], value)
			return start, end, end > start
		}
	}
	return 0, 0, false
}

// openCommand reports whether the command may go on.
func openCommand(text []byte, at int) bool {
	if at > 0 && isWord(text[at-1]) {
		return false
	}
	for pos := at + len("curl "); pos < len(text); pos++ {
		if commandEnds(text, pos) {
			return false
		}
	}
	return true
}

// commandEnds reports the end of a line that no backslash continues, or that
// the next does not with an option of its own.
func commandEnds(text []byte, pos int) bool {
	if text[pos] != '\n' {
		return false
	}
	before := pos - 1
	for before > 0 && (isBlank(text[before]) || text[before] == '\r') {
		before--
	}
	return text[before] != '\\'
}

// optionValue returns where the value of -u or --user at pos begins, else 0; u may
// stand behind other letters, as in -sku.
func optionValue(text []byte, pos int) int {
	end := pos + len("--user")
	short := end >= len(text) || string(text[pos:end]) != "--user"
	if short {
		end = skip(text, pos+1, 8, isLetter)
	}
	if end >= len(text) || short && text[end-1] != 'u' {
		return 0
	}
	if c := text[end]; isBlank(c) || c == '=' || short && isQuote(c) {
		return skip(text, end, 5, func(c byte) bool { return isBlank(c) || c == '=' })
	}
	return 0
}

// userPassword finds the pair that begins at pos, quoted as a whole, in its
// parts or not; an empty range where a part stands for a real one.
func userPassword(text []byte, pos int) (start, end int) {
	if pos >= len(text) {
		return 0, 0
	}
	start, end = pos, pos
	var quote byte
	for end < len(text) && text[end] != '\n' && (quote != 0 || !isSpace(text[end])) {
		switch c := text[end]; {
		case quote == 0 && isQuote(c):
			quote = c
		case c == quote:
			quote = 0
		}
		end++
	}
	if isQuote(text[start]) && end-start > 2 && bytes.IndexByte(text[start+1:end-1], text[start]) < 0 {
		start, end = start+1, end-1
	}
	pair := text[start:end]
	colon := bytes.IndexByte(pair, ':')
	if colon < 0 {
		return 0, 0
	}
	user, password := bytes.Trim(pair[:colon], `"'`), bytes.Trim(pair[colon+1:], `"'`)
	if len(password) == 0 {
		user, password = password, user // a token as the user's name
	}
	if len(password) < 3 || curlStandIn(password) || len(user) > 1 && template(user) && user[0] != '{' {
		return 0, 0
	}
	return start, end
}

// curlStandIn is standIn, but for braces around a whole password, which some
// services issue.
func curlStandIn(v []byte) bool {
	if v[0] == '{' && bytes.IndexByte(v, ' ') < 0 && !bytes.HasPrefix(v, []byte("{{")) {
		v = bytes.Trim(v, "{}")
	}
	return len(v) < 3 || standIn(v)
}
