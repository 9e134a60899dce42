package secret

import (
	"bytes"
	"strings"
)

// setsVariable reports the word of a command before text[from:] that is given a
// variable's name and then its value: ENV of a Dockerfile, setx, set -x of fish.
func setsVariable(text []byte, from int) bool {
	for _, command := range [...]string{"ENV ", "setx ", "set -x ", "set -gx ", "SetEnv ", "proxy_set_header ", "fastcgi_param ", "uwsgi_param "} {
		if start := from - len(command); start >= 0 && string(text[start:from]) == command {
			return true
		}
	}
	return false
}

// accountReach is how far before a name a user's name may stand.
const accountReach = 48

// accounts are the words with which people introduce a user's name.
var accounts = [][]byte{[]byte("user"), []byte("login"), []byte("log in"), []byte("logged in"), []byte("account"), []byte("benutzer"), []byte("utilisateur"), []byte("usuario"), []byte("utente"), []byte("пользователь"), []byte("用户")}

// afterAccount reports that a user's name stands before text[from:], as in
// "user bob, password …".
func afterAccount(text []byte, from int) bool {
	var buf [accountReach]byte
	near := appendLower(buf[:0], text[max(0, from-accountReach):from])
	for _, word := range accounts {
		if bytes.Contains(near, word) {
			return true
		}
	}
	return false
}

// connections are fields that stand before a password in the string that tells a
// driver where and as whom to connect, and users' names in a form.
var connections = [][]byte{[]byte("server="), []byte("host="), []byte("data source="), []byte("database="), []byte("dbname="), []byte("uid="), []byte("user id="), []byte("userid="), []byte("user="), []byte("username=")}

// connects reports that the name at from is a field of such a string: what stands
// there is a password, be it a word.
func connects(text []byte, from int) bool {
	if from < 2 || strings.IndexByte(";& ", text[from-1]) < 0 {
		return false
	}
	before := from - 1
	for before > 0 && from-before < 3 && isBlank(text[before]) {
		before--
	}
	if strings.IndexByte(",({", text[before]) >= 0 { // an argument of a call
		return false
	}
	var buf [accountReach]byte
	near := appendLower(buf[:0], text[max(0, from-accountReach):from])
	if line := bytes.LastIndexByte(near, '\n'); line >= 0 {
		near = near[line+1:]
	}
	for _, field := range connections {
		if bytes.Contains(near, field) {
			return true
		}
	}
	return false
}

// configuring are the words that begin the lines of switches, routers and
// firewalls which set a password.
var configuring = wordSet("set enable username user neighbor add")

// configures reports that the name at from and its value up to end are the last
// words of such a line.
func configures(text []byte, from, end int) bool {
	if end < len(text) && text[end] != '\n' && text[end] != '\r' {
		return false
	}
	line := text[max(0, from-accountReach):from]
	if i := bytes.LastIndexByte(line, '\n'); i >= 0 {
		line = line[i+1:]
	} else if len(line) == accountReach {
		return false
	}
	line = bytes.TrimLeft(line, " \t")
	first := bytes.IndexByte(line, ' ')
	return first > 0 && configuring[string(line[:first])] && (bytes.IndexByte(line, ' ') == len(line)-1 || string(line[:first]) != "set" && string(line[:first]) != "add")
}

// Words of functions: those that take a value to keep it, and those that ask for
// something else by a name.
var (
	setters = wordSet("set put define add append insert with setenv putenv env environ property header option config param getenv getordefault fetch")
	askers  = wordSet("get find reset check has is validate verify hash compare forgot forget change update confirm require valid encode decode encrypt decrypt generate make create delete remove test to parse read load show hide mask match input label t tr translate i18n describe it expect")
)

// setter reports a call that is given the value: the name's own, as in
// setPassword("…"), or the one that takes name and value, as in
// define("DB_PASSWORD", "…").
func setter(text []byte, from, to int, bound binding) bool {
	if bound == byComma {
		to = from
		for to > 0 && from-to < 4 && (isQuote(text[to-1]) || isBlank(text[to-1])) {
			to--
		}
		if to == 0 || text[to-1] != '(' {
			return false
		}
		to--
		from = to
		for from > 0 && to-from < 24 && (isWord(text[from-1]) || text[from-1] == '.') {
			from--
		}
	}
	var words nameWords
	words.split(text[from:to])
	for i := range words.n {
		if bound == byComma && setters[string(words.at(i))] {
			return true
		}
		if bound == byCall && askers[string(words.at(i))] {
			return false
		}
	}
	return bound == byCall && words.n > 0
}

// peopleChoose reports the name of a secret that is often typed by hand:
// SECRET_KEY, client_secret, jwtSecret.
func peopleChoose(name []byte) bool {
	var words nameWords
	words.split(name)
	secret, of := false, false
	for i := range words.n {
		switch string(words.at(i)) {
		case "secret":
			secret = true
		case "secretkey":
			secret, of = true, true
		case "key", "client", "api", "app", "jwt", "session", "cookie", "consumer", "shared", "webhook", "signing", "auth", "token", "oauth", "base":
			of = true
		}
	}
	return secret && of
}

// pairedPassword finds the password in user:password and user / password, which
// is how people write credentials; ok is false where the site holds no such pair
// or the name promises none.
func pairedPassword(text []byte, from, to int, s site) (pair site, ok bool) {
	if s.bound == byNothing || s.bound == byComma || s.bound == byCall || s.scheme || !promisesPair(text, from, to) {
		return s, false
	}
	sep := s.start
	for sep < len(text) && sep-s.start < maxName && (isWord(text[sep]) || strings.IndexByte(".-@+", text[sep]) >= 0) {
		sep++
	}
	if sep-s.start < 2 {
		return s, false
	}
	if s.quote != 0 && sep < len(text) && text[sep] == s.quote { // `user` / `password`
		sep++
		s.quote = 0
	}
	at := skip(text, sep, 2, isBlank)
	if at >= len(text) || text[at] != '/' && (text[at] != ':' || at > sep) {
		return s, false
	}
	if text[at] == '/' && at == sep && (from == 0 || text[from-1] != '/') {
		return s, false // a path
	}
	pair = s
	pair.start = at + 1
	if text[at] == '/' {
		pair.start = skip(text, at+1, 2, isBlank)
	}
	if s.quote == 0 && pair.start < len(text) && isQuote(text[pair.start]) {
		pair.quote = text[pair.start]
		pair.start++
	}
	pair.end = valueEnd(text, from, pair.start, pair)
	if pair.end <= pair.start || text[at] == ':' && bytes.IndexByte(text[pair.start:pair.end], ':') >= 0 {
		return s, false
	}
	pair.bound = byVerb // stricter: there may be words on both sides of a slash
	return pair, true
}

// promisesPair reports a name of credentials, or of both parts: user/pass.
func promisesPair(text []byte, from, to int) bool {
	var buf [maxName]byte
	if bytes.Contains(appendLower(buf[:0], text[from:to]), []byte("cred")) {
		return true
	}
	if from < 5 || text[from-1] != '/' {
		return false
	}
	before := appendLower(buf[:0], text[max(0, from-9):from-1])
	return bytes.HasSuffix(before, []byte("user")) || bytes.HasSuffix(before, []byte("username")) || bytes.HasSuffix(before, []byte("login"))
}

// maxType is how many bytes the type of a declaration may have.
const maxType = 40

// declared returns where the value begins behind a type such as that in
// "token: &'static str = …", and 0 where the text at pos is none; more says that
// this is not known yet.
func declared(text []byte, pos int) (value int, more bool) {
	if pos >= len(text) {
		return 0, true
	}
	if c := text[pos]; !isLetter(c) && c != '&' && c != '*' && c != '[' {
		return 0, false
	}
	for i := pos; i-pos < maxType; i++ {
		if i+1 >= len(text) {
			return 0, true
		}
		switch c := text[i]; {
		case c == '=':
			if !isBlank(text[i-1]) || !isBlank(text[i+1]) && !isQuote(text[i+1]) {
				return 0, false
			}
			return i + 1, false
		case c == '\'':
			if !bytes.HasPrefix(text[i+1:], []byte("static")[:min(6, len(text)-i-1)]) {
				return 0, false
			}
		case !isWord(c) && !isBlank(c) && strings.IndexByte("?[].&*<>|:,", c) < 0:
			return 0, false
		}
	}
	return 0, false
}

// maxGap is how many bytes may lie between a name and the value that is named as
// such.
const maxGap = 64

// pairedValue finds what binds a value to a name where both are values
// themselves: name: X and value: Y in lines of YAML, members of JSON or blocks of
// Terraform, attributes and elements of XML. The value begins at pos or behind
// blanks; more says that this is not known yet.
func pairedValue(text []byte, to int) (pos int, bound binding, more bool) {
	setting, open := 0, false
	if to < len(text) && isQuote(text[to]) {
		setting, open = settingValue(text, to+1)
	}
	if setting > 0 {
		return setting, byTag, false
	}
	pos, bound, more = memberValue(text, to)
	return pos, bound, more || open
}

// memberValue is pairedValue but for [settingValue].
func memberValue(text []byte, to int) (pos int, bound binding, more bool) {
	isClosing := func(c byte) bool { return isQuote(c) || c == '\\' }
	limit := min(len(text), to+maxGap)
	pos = skip(text[:limit], to, 4, isClosing)
	quoted := pos > to
	if quoted && pos < limit && text[pos] == '>' {
		return pos + 1, byTag, false
	}
	if hasFold(text[pos:limit], []byte("</")) {
		close := bytes.IndexByte(text[pos:limit], '>')
		if close < 0 {
			return 0, unbound, limit == len(text)
		}
		pos += close + 1
	} else {
		pos = skip(text[:limit], pos, 1, func(c byte) bool { return c == ',' || c == ';' })
	}
	gap := pos
	if block := skip(text[:limit], pos, 2, isBlank); quoted && block < limit && text[block] == '{' {
		pos = block + 1 // variable "name" { default = … }
	}
	inBlock := pos > gap
	pos = skip(text[:limit], pos, 40, isSpace)
	if bytes.Count(text[gap:pos], []byte("\n")) > 1 {
		return 0, unbound, false
	}
	tag := pos < limit && text[pos] == '<'
	if tag {
		pos++
	}
	pos = skip(text[:limit], pos, 4, isClosing)
	if pos == to {
		return 0, unbound, pos == len(text)
	}
	word, known := valueWord(text[pos:limit], tag, inBlock)
	if word == 0 {
		return 0, unbound, !known && limit == len(text)
	}
	pos = skip(text[:limit], pos+word, 4, isClosing)
	if pos < limit && tag && text[pos] == '>' {
		return pos + 1, byTag, false
	}
	pos = skip(text[:limit], pos, 8, isBlank)
	if pos >= limit {
		return 0, unbound, limit == len(text)
	}
	if tag || text[pos] != ':' && text[pos] != '=' {
		return 0, unbound, false
	}
	return pos + 1, byEquals, false
}

// settingValue returns where the value begins of .NET's and Spring's
// <setting name="…" serializeAs="String"><value>, the first name's quote being
// before pos; 0 where there is none, and more where it may still come.
func settingValue(text []byte, pos int) (value int, more bool) {
	if pos < len(text) && text[pos] != '>' && !isBlank(text[pos]) {
		return 0, false
	}
	pos = skip(text, pos, maxAttributes, func(c byte) bool { return isWord(c) || isBlank(c) || isQuote(c) || c == '=' || c == '.' })
	if pos >= len(text) || text[pos] != '>' {
		return 0, pos >= len(text)
	}
	pos = skip(text, pos+1, maxAttributes, isSpace)
	tag := []byte("<value>")
	if n := min(len(tag), len(text)-pos); !hasFold(text[pos:], tag[:n]) {
		return 0, false
	} else if n < len(tag) {
		return 0, true
	}
	return pos + len(tag), false
}

// valueWord returns the length of the word that announces a value, 0 where there
// is none; known is false where it may still come.
func valueWord(text []byte, tag, block bool) (n int, known bool) {
	for i, word := range valueWords {
		switch {
		case i == 1 && !tag, i == 2 && !block:
		case len(text) <= len(word):
			if hasFold(text, word[:len(text)]) {
				return 0, false
			}
		case hasFold(text, word) && !isWord(text[len(word)]):
			return len(word), true
		}
	}
	return 0, true
}

// valueWords are an attribute or key, a tag of Apple's property lists, and a key
// in the block of one of Terraform's variables.
var valueWords = [][]byte{[]byte("value"), []byte("string"), []byte("default")}

// skipIndex passes the brackets of an array that is declared: password[25].
func skipIndex(text []byte, pos int) int {
	if pos >= len(text) || text[pos] != '[' {
		return pos
	}
	end := skip(text, pos+1, 6, isDigit)
	if end < len(text) && text[end] == ']' {
		return end + 1
	}
	return pos
}

// typed passes the type of a declaration such as "var token string = …", and
// returns pos where there is none.
func typed(text []byte, pos, to int, quoted bool) int {
	if quoted || pos == to {
		return pos
	}
	start := pos
	if hasFold(text[pos:], []byte("as ")) { // Dim password As String = …
		start += len("as ")
	}
	end := skip(text, start, 24, func(c byte) bool { return isWord(c) || c == '.' || c == '*' || c == '?' })
	if end == start || end >= len(text) || !isBlank(text[end]) {
		return pos
	}
	next := skip(text, end, 4, isBlank)
	if next < len(text) && (text[next] == '=' || text[next] == ':' && next+1 < len(text) && text[next+1] == '=') {
		return next
	}
	return pos
}

// wrappers make a value of another type from the one in their brackets.
var wrappers = wordSet("string::from string.valueof string some ok just secretstring secretstr secret secret::new secretstring::from std::string string_view std::string_view buffer.from sensitive wrap valueof")

// skipWrapper passes String::from( and the like before a quote; listed says that
// the value is one of several.
func skipWrapper(text []byte, pos int, listed bool) int {
	const most = 16
	start := pos
	if !listed && hasFold(text[pos:], []byte("[]byte(")) && pos+7 < len(text) && isQuote(text[pos+7]) {
		return pos + 7
	}
	if hasFold(text[pos:], []byte("new ")) {
		start += len("new ")
	}
	end := skip(text, start, most, func(c byte) bool { return isWord(c) || c == ':' || c == '.' })
	if end == start || end+1 >= len(text) || text[end] != '(' || !isQuote(text[end+1]) {
		return pos
	}
	var buf [most]byte
	if wrappers[string(appendLower(buf[:0], text[start:end]))] {
		return end + 1
	}
	return pos
}
