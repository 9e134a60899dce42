package secret

import (
	"bytes"
	"strings"
)

// maxValue is how many bytes a value found by its name may have.
const maxValue = 1024

// Bounds around a name: how far it may go, and what may lie between it and its
// value.
const (
	nameReach = 50
	gapReach  = 64
)

// Literals that are in every name that promises a password, or a token.
var (
	passwordLiterals = []string{"pass", "pwd", "_pw", "-pw", "pw=", "pw:", "pw "}
	tokenLiterals    = []string{"secret", "token", "key", "auth", "cred", "_pat"}
)

// foreignNames are words for password that are no part of a longer name.
var foreignNames = []string{"kennwort", "contraseña", "contrasena", "senha", "wachtwoord", "hasło", "heslo", "lösenordet", "lösenord", "adgangskode", "salasana", "parola", "şifre", "пароль", "пароля", "密码", "密碼", "口令", "パスワード", "비밀번호", "mdp", "clave", "jelszó", "jelszo", "lozinka", "mật khẩu", "kata sandi", "كلمة المرور", "كلمة السر", "סיסמה", "รหัสผ่าน", "पासवर्ड", "κωδικός", "Пароль", "Пароля", "Şifre", "Lösenordet", "Lösenord", "Hasło"}

// binding is how a value is tied to its name.
type binding uint8

const (
	unbound   binding = iota
	byEquals          // =, :=, =>, ?=, ||
	byColon           // :
	byComma           // "name", "value"
	byTag             // <name>value</name>
	byFlag            // --name value
	byVerb            // the name is value
	byNothing         // name value, in prose
	byCall            // name("value")
	byCell            // | name | value |
)

// site is a value in its place.
type site struct {
	bound      binding
	start, end int  // of the value
	quote      byte // around it, 0 without
	scheme     bool // Bearer and the like stood before it
	setter     bool // it is given to what sets one: setPassword("…"), define("…", "…")
	account    bool // a user's name stands near before it
	chosen     bool // its name is one of a secret that people choose: SECRET_KEY
}

// assignment is the detector of values by their names.
func assignment(entity string, literals []string, want role, score float64) Rule {
	return Rule{
		Entity:   entity,
		Literals: literals,
		Before:   nameReach + accountReach + 20, // and the word before a lone "key"
		After:    nameReach + gapReach + maxValue,
		Score:    score,
		Find: func(text []byte, at int) (int, int, bool) {
			return findAssigned(text, at, want)
		},
		Open: func(text []byte, at int) bool {
			from, to := nameAround(text, at)
			if to == len(text) {
				return true
			}
			return mayBind(text, to) && fills(roleOf(text[phraseStart(text, from, to):to]), want) && openAfter(text, from, to)
		},
	}
}

// findAssigned looks for the value of the name that has its literal at at.
func findAssigned(text []byte, at int, want role) (start, end int, ok bool) {
	from, to := nameAround(text, at)
	if !mayBind(text, to) {
		return 0, 0, false
	}
	r := roleOf(text[phraseStart(text, from, to):to])
	if !fills(r, want) {
		return 0, 0, false
	}
	return findValue(text, from, to, r)
}

// fills reports whether a name of a role is one that a rule looks for.
func fills(r, want role) bool { return r == want || r == roleKey && want == roleToken }

// mayBind is the cheap question that ends most attempts in prose and code:
// does anything but a letter's word or a closing bracket follow the name?
func mayBind(text []byte, at int) bool {
	if at >= len(text) {
		return false
	}
	switch text[at] {
	case '(':
		return at+1 >= len(text) || isQuote(text[at+1])
	case ')', '{', '}', ';', '/', '+', '!', '*':
		return text[at] == '*'
	}
	return true
}

// findValue looks for a value after the name text[from:to].
func findValue(text []byte, from, to int, r role) (start, end int, ok bool) {
	s := siteOf(text, from, to)
	if s.bound == unbound || s.end <= s.start {
		return 0, 0, false
	}
	if paired, ok := pairedPassword(text, from, to, s); ok {
		s, r = paired, rolePassword
	}
	s.setter = (s.bound == byCall || s.bound == byComma) && setter(text, from, to, s.bound)
	s.account = s.bound == byNothing && afterAccount(text, from)
	s.chosen = r == roleToken && peopleChoose(text[from:to])
	return s.start, s.end, accepts(text, s, r)
}

// siteOf finds the value of the name text[from:to], behind the type where the
// name is declared with one.
func siteOf(text []byte, from, to int) site {
	if pos, bound, _ := pairedValue(text, to); bound != unbound {
		return valueAt(text, from, pos, bound)
	}
	s := siteAfter(text, from, to)
	if s.bound == byNothing && setsVariable(text, from) {
		s.bound = byFlag
	}
	if s.bound != byColon || s.quote != 0 {
		return s
	}
	if pos, _ := declared(text, s.start); pos > 0 {
		return valueAt(text, from, pos, byEquals)
	}
	return s
}

// setsVariable reports the word of a command before text[from:] that is given a
// variable's name and then its value: ENV of a Dockerfile, setx, set -x of fish.
func setsVariable(text []byte, from int) bool {
	for _, command := range [...]string{"ENV ", "setx ", "set -x ", "set -gx "} {
		if start := from - len(command); start >= 0 && string(text[start:from]) == command {
			return true
		}
	}
	return false
}

// accountReach is how far before a name a user's name may stand.
const accountReach = 48

// accounts are the words with which people introduce a user's name.
var accounts = [][]byte{[]byte("user"), []byte("login"), []byte("log in"), []byte("logged in"), []byte("account")}

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
	word, known := valueWord(text[pos:limit], tag)
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

// valueWord returns the length of the word that announces a value, 0 where there
// is none; known is false where it may still come.
func valueWord(text []byte, tag bool) (n int, known bool) {
	for i, word := range valueWords {
		switch {
		case i > 0 && !tag:
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

// valueWords are an attribute or key, and a tag of Apple's property lists.
var valueWords = [][]byte{[]byte("value"), []byte("string")}

// nameAround widens the literal at at to the name it is in.
func nameAround(text []byte, at int) (from, to int) {
	isNameByte := func(c byte) bool { return isWord(c) || c == '-' || c == '.' }
	from, to = at, at
	for from > 0 && at-from < nameReach && isNameByte(text[from-1]) {
		from--
	}
	for to < len(text) && to-at < nameReach && isNameByte(text[to]) {
		to++
	}
	for to > at && (text[to-1] == '.' || text[to-1] == '-') {
		to--
	}
	return from, to
}

// phraseStart takes the word before a lone "key" into the name, as in API key
// and private key.
func phraseStart(text []byte, from, to int) int {
	if to-from != len("key") || from < 2 || text[from-1] != ' ' || !isLetter(text[from-2]) {
		return from
	}
	word := from - 1
	for word > 0 && from-word < 16 && isLetter(text[word-1]) {
		word--
	}
	return word
}

// siteAfter finds the value that belongs to the name from on which ends at to.
func siteAfter(text []byte, from, to int) site {
	to = skipIndex(text, to)
	if open := skip(text, to, 2, isBlank); open > to && open < len(text) && isQuote(text[open]) {
		return valueAt(text, from, open, byVerb) // password 'value'
	}
	pos := to
	quoted := false
	for pos < len(text) && pos-to < 6 && (isBlank(text[pos]) || isQuote(text[pos]) || text[pos] == '\\' || text[pos] == ']' || text[pos] == '*') {
		quoted = quoted || isQuote(text[pos])
		pos++
	}
	bound, pos := bindingAt(text, from, to, typed(text, pos, to, quoted), quoted)
	if bound == unbound {
		return site{}
	}
	return valueAt(text, from, pos, bound)
}

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

// bindingAt reads what ties a value to the name, and where it ends.
func bindingAt(text []byte, from, to, pos int, quoted bool) (binding, int) {
	if pos >= len(text) {
		return unbound, pos
	}
	switch c := text[pos]; {
	case c == '=' || c == ':' || c == '?' || c == '|' || c == '+' || c == '.':
		return operatorAt(text, pos)
	case c == '<' && pos > to && hasFold(text[pos:], []byte("<- ")):
		return byEquals, pos + len("<- ")
	case c == '!' && pos > to && (hasFold(text[pos:], []byte("!= ")) || hasFold(text[pos:], []byte("!== "))):
		return byEquals, pos + len("!= ")
	case c == ',' && quoted:
		return byComma, pos + 1
	case c == '(' && pos == to && pos+1 < len(text) && isQuote(text[pos+1]):
		return byCall, pos + 1
	case c == '>' && from > 0 && text[from-1] == '<':
		return byTag, pos + 1
	case pos > to && !quoted && from > 0 && text[from-1] == '-' || pos > to && !quoted && text[from] == '-':
		return byFlag, pos
	case pos > to && (isLetter(c) || isDigit(c) || c >= 0x80):
		return verbAfter(text, to, pos)
	case c >= 0x80:
		return wideOperatorAt(text, pos)
	}
	return unbound, pos
}

// operatorAt reads =, ==, =>, :, :=, ::=, :::=, ?=, +=, .=, ||.
func operatorAt(text []byte, pos int) (binding, int) {
	end := pos
	for end < len(text) && end-pos < 4 && strings.IndexByte("=:?|+.>", text[end]) >= 0 {
		end++
	}
	op := text[pos:end]
	switch {
	case len(op) == 1 && op[0] == ':':
		return byColon, end
	case string(op) == "|" && end < len(text) && isBlank(text[end]):
		return byCell, end
	case op[len(op)-1] == '=', bytes.HasSuffix(op, []byte("=>")), string(op) == "||":
		return byEquals, end
	}
	return unbound, pos
}

// wideOperators are the colons and copulas of scripts without blanks.
var wideOperators = [][]byte{[]byte("："), []byte("是"), []byte("为"), []byte("為"), []byte("は"), []byte("는"), []byte("은"), []byte("＝")}

func wideOperatorAt(text []byte, pos int) (binding, int) {
	for _, op := range wideOperators {
		if bytes.HasPrefix(text[pos:], op) {
			return byVerb, pos + len(op)
		}
	}
	return unbound, pos
}

// verbs tie a value to its name in a sentence.
var verbs = wordSet("is was ist war lautet lautete est était es era é è e jest är er on to into equals")

// verbAfter skips the few words between a name and the verb behind it, as in
// "the password for the old server is …".
func verbAfter(text []byte, to, pos int) (binding, int) {
	bare := pos
	for words := 0; words < 8 && pos-to < gapReach; words++ {
		end := wordEnd(text, pos)
		if end == pos && words > 0 && pos+1 < len(text) && (text[pos] == '=' || text[pos] == ':') && isBlank(text[pos+1]) {
			return byVerb, pos + 1
		}
		if end == pos || end >= len(text) {
			break
		}
		var buf [24]byte
		isVerb := verbs[string(appendLower(buf[:0], text[pos:end]))]
		next := end
		if text[next] == ':' {
			next++
			isVerb = true
		}
		if next = skip(text, next, 2, isBlank); next == end {
			break
		}
		if isVerb && !fillerWords[string(appendLower(buf[:0], text[next:wordEnd(text, next)]))] {
			return byVerb, next
		}
		pos = next
	}
	return byNothing, bare
}

// fillerWords stand between a verb and its value: was changed to, is now.
var fillerWords = wordSet("changed set reset updated now still currently just been again always")

// wordEnd passes a word of a sentence that begins at pos: letters, an apostrophe,
// what stands between the parts of a user's name or a host's.
func wordEnd(text []byte, pos int) int {
	end := pos
	for end < len(text) && end-pos < 24 && (isLetter(text[end]) || text[end] >= 0x80 || end > pos && (isDigit(text[end]) || strings.IndexByte("'_-.@", text[end]) >= 0)) {
		end++
	}
	for end > pos && strings.IndexByte("'_-.@", text[end-1]) >= 0 {
		end--
	}
	return end
}

// schemes stand between Authorization and its credential.
var schemes = [][]byte{[]byte("bearer "), []byte("basic "), []byte("token "), []byte("apikey "), []byte("api-key "), []byte("api-token "), []byte("bot "), []byte("digest "), []byte("token=")}

// valueAt reads the value that begins at pos or after blanks.
func valueAt(text []byte, from, pos int, bound binding) site {
	s := site{bound: bound}
	begin := pos
	pos = skip(text, pos, 12, isBlank)
	if bound == byColon || bound == byTag || bound == byComma {
		pos = skipLine(text, pos)
	}
	pos = skip(text, pos, 2, func(c byte) bool { return c == '\\' || c == '*' || c == '(' && bound == byVerb })
	pos = skip(text, pos, 4, isBlank)
	pos = skipWrapper(text, pos)
	if pos+1 < len(text) && isQuote(text[pos+1]) && strings.IndexByte("bruf@LRUB$", text[pos]) >= 0 {
		pos++
	}
	if pos < len(text) && isQuote(text[pos]) {
		s.quote = text[pos]
		pos++
	}
	for _, scheme := range schemes {
		if hasFold(text[pos:], scheme) {
			pos = skip(text, pos+len(scheme), 4, isBlank)
			s.scheme = true
			break
		}
	}
	if pos-begin > gapReach {
		return site{}
	}
	s.start, s.end = pos, valueEnd(text, from, pos, s)
	return s
}

// wrappers make a value of another type from the one in their brackets.
var wrappers = wordSet("string::from string.valueof string some ok just secretstring secretstr secret secret::new secretstring::from std::string string_view std::string_view buffer.from sensitive wrap valueof")

// skipWrapper passes String::from( and the like before a quote.
func skipWrapper(text []byte, pos int) int {
	const most = 16
	start := pos
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

// skipLine passes one end of line and the indent after it.
func skipLine(text []byte, pos int) int {
	at := pos
	if at < len(text) && (text[at] == '|' || text[at] == '>') {
		at = skip(text, at+1, 2, func(c byte) bool { return c == '-' || c == '+' })
	}
	at = skip(text, at, 1, func(c byte) bool { return c == '\r' })
	if at >= len(text) || text[at] != '\n' {
		return pos
	}
	return skip(text, at+1, 16, isBlank)
}

// valueEnd finds the end of the value that begins at pos.
func valueEnd(text []byte, from, pos int, s site) int {
	limit := min(len(text), pos+maxValue)
	query := from > 0 && (text[from-1] == '?' || text[from-1] == '&')
	end := pos
	for end < limit {
		c := text[end]
		if c == '\n' || c == '\r' || s.quote != 0 && c == s.quote || c == '\\' && escapes(text, end) {
			break
		}
		if s.quote == 0 && (isSpace(c) || isQuote(c) || c == '<' || c == ';' || c >= 0xe0 && end > pos || c == '&' && (query || nextField(text, end)) || c == ',' && (end+1 >= len(text) || isSpace(text[end+1]) || isQuote(text[end+1]))) {
			break
		}
		end++
	}
	if s.quote == 0 {
		for end > pos && (strings.IndexByte(".,:)]}>|", text[end-1]) >= 0 || text[end-1] == '*' && pos > 0 && text[pos-1] == '*') {
			end--
		}
	}
	return end
}

// nextField reports an ampersand before the next field of a form: &name=.
func nextField(text []byte, at int) bool {
	const most = 32
	end := skip(text, at+1, most, func(c byte) bool { return isWord(c) || c == '-' || c == '.' || c == '%' })
	return end > at+1 && end < len(text) && text[end] == '='
}

// escapes reports a backslash that begins a line end or a quote within a
// string that is quoted once more.
func escapes(text []byte, at int) bool {
	if at+1 >= len(text) {
		return true
	}
	switch text[at+1] {
	case 'n', 'r', 't', '"', '\'', '\\', ' ', '\n', '\r':
		return true
	}
	return false
}

// accepts judges a value by its place and its name's role.
func accepts(text []byte, s site, r role) bool {
	v := text[s.start:s.end]
	if len(v) < 4 || len(v) >= maxValue || standIn(v) {
		return false
	}
	if s.quote == 0 && s.end < len(text) && (text[s.end] == '(' || text[s.end] == '[') {
		return false
	}
	if s.end+3 <= len(text) && (string(text[s.end:s.end+3]) == "..." || string(text[s.end:s.end+3]) == "…") {
		return false
	}
	if s.bound == byTag && (s.end >= len(text) || text[skip(text, s.end, 16, isSpace)%len(text)] != '<') {
		return false
	}
	switch r {
	case roleToken:
		return acceptsToken(v, s)
	case roleKey:
		return acceptsKey(v, s)
	}
	return acceptsPassword(v, s)
}

// acceptsToken wants randomness: without a quote, a sign or a flag even more.
func acceptsToken(v []byte, s site) bool {
	coded := basicPair(v)
	made := coded != standInPair && random(v) && !speaking(v)
	switch {
	case s.bound == byNothing:
		return made && (s.scheme || len(v) >= 20)
	case s.bound == byComma, s.bound == byCall:
		n := census(v)
		return s.quote != 0 && (made && n.lower+n.upper > 4 || s.setter && strong(v))
	case s.bound == byCell:
		return made
	case s.chosen && chosenSecret(v):
		return true
	case s.quote == 0 && s.bound == byEquals && reference(v):
		return false
	}
	return made || coded == realPair || coded == noPair && s.quote != 0 && strong(v)
}

// acceptsKey wants what no digest, path or identifier looks like.
func acceptsKey(v []byte, s site) bool {
	n := census(v)
	return (s.bound == byEquals || s.bound == byColon && s.quote != 0) && len(v) >= 20 && n.hex < len(v) && !isUUID(v) && !bytes.ContainsAny(v, "/.:") &&
		n.turns >= 6 && random(v) && !speaking(v)
}

// chosenSecret reports what a person typed where a random value belongs: words
// and a number, or words, digits and signs.
func chosenSecret(v []byte) bool {
	n := census(v)
	if len(v) < 8 || len(v) > 64 || n.other > 0 || n.digits < 2 || n.lower+n.upper < 4 || speaking(v) || technical(v) || bytes.ContainsAny(v, " /:(){}[]<>,") {
		return false
	}
	return humanName(v) || endsInNumber(v) || (signsIn(v) > 0 || 3*n.turns >= len(v)) && !reference(v)
}

// strong reports a quoted value with the mix of signs and digits of a generated
// key such as Django's, and nothing of an address, markup or a call.
func strong(v []byte) bool {
	n := census(v)
	return len(v) >= 16 && n.other == 0 && n.lower+n.upper > 0 && n.digits >= 2 && signsIn(v) >= 2 &&
		bytes.IndexByte(v, ' ') < 0 && !bytes.Contains(v, []byte("://")) && (!bytes.ContainsAny(v, "<>(){}[]|,") || len(v) >= 32 && signsIn(v) >= 6) && entropy(v) >= 3.5
}

// speaking reports a name for a secret: words, one of which says so, as in
// testRSA2048PrivateKey.
func speaking(v []byte) bool {
	var words nameWords
	words.split(v)
	for i := range words.n {
		switch string(words.at(i)) {
		case "key", "keys", "secret", "secrets", "token", "password", "private", "public", "credential", "credentials", "cred", "creds":
			return true
		}
	}
	return false
}

// acceptsPassword wants what people choose or are given: not words, not code.
func acceptsPassword(v []byte, s site) bool {
	n := census(v)
	if address(v) || n.other > 0 && s.quote == 0 || bytes.IndexByte(v, ' ') >= 0 || bytes.Contains(v, []byte("://")) || len(v) > 128 {
		return false
	}
	letters := n.lower + n.upper
	signs := signsIn(v)
	if s.quote == 0 && (bytes.IndexByte(v, '(') >= 0 || bytes.IndexByte(v, '[') >= 0) && letters > 2*n.special {
		return false
	}
	if n.digits == 0 && len(v) >= 12 && n.turns >= 3 && 4*n.turns >= len(v) && n.lower+n.upper == len(v) && !readable(v) && (s.bound != byNothing || s.account) {
		return true // nUcDJxRdQXvTcAtI is no name of anything
	}
	switch s.bound {
	case byComma, byCall:
		if s.setter && s.quote != 0 {
			break
		}
		fallthrough
	case byNothing, byCell:
		if s.account && len(v) >= 6 && letters > 0 && (n.digits >= 2 || n.digits > 0 && n.special >= 2) && !technical(v) && (!reference(v) || endsInNumber(v) || humanName(v)) && v[0] != '-' && v[0] != '/' {
			return true
		}
		return len(v) >= 8 && (signs > 0 || !wordy(v)) && (n.lower > 0 && n.upper > 0 && n.digits > 0 || letters > 0 && n.digits > 0 && signs > 0)
	case byVerb, byFlag:
		return len(v) >= 6 && letters > 0 && (n.digits > 0 || signs > 0) && !technical(v) && (!reference(v) || endsInNumber(v) || humanName(v)) && v[0] != '-' && v[0] != '/'
	}
	if letters == 0 {
		return s.quote != 0 && n.digits >= 6 && signs > 0 || n.digits >= 8 && signs > 0
	}
	if n.digits == 0 && signs == 0 || len(v) < 6 {
		return n.digits == 0 && signs == 0 && n.special == 0 && s.quote != 0 && len(v) >= 8 && !readable(v)
	}
	return (!reference(v) || endsInNumber(v) && bytes.LastIndexByte(v, '-') > bytes.LastIndexByte(v, '.') || humanName(v)) && !technical(v)
}

// codeWords are parts of what programs and configurations call things, not of
// what people make passwords of.
var codeWords = wordSet("self this cls config cfg conf settings options opts opt env environ process request req response res ctx context data args params param props state form field fields input inputs user users auth login account client server session db database app application api url uri host label labels error errors message messages msg text title page view i18n intl t model models value values test tests testing spec example default defaults var vars local secrets secret token key password passwd pass credentials creds credential module modules package class object item items list node element com org net io www github gitlab google amazonaws v step event file path src lib utils util common core main index base type types name names id ids version sha md rsa aes http https utf iso ssl tls ldap smtp ftp")

// humanName reports words joined by dots of which the last ends in two digits or
// more and none is one of code: lantern.pepper12 is no member of anything.
func humanName(v []byte) bool {
	if len(v) < 8 || len(v) > 40 || !isDigit(v[len(v)-1]) || !isDigit(v[len(v)-2]) {
		return false
	}
	var words nameWords
	words.split(v)
	for i := range words.n {
		w := bytes.TrimRight(words.at(i), "0123456789")
		if len(w) < 3 || codeWords[string(w)] {
			return false
		}
	}
	for _, c := range v {
		if !isWord(c) && c != '.' && c != '-' {
			return false
		}
	}
	return words.n >= 2 && isLetter(v[0])
}

// address reports a host and its port, localhost:6000/path.
func address(v []byte) bool {
	host := 0
	for host < len(v) && (isLetter(v[host]) || isDigit(v[host]) || v[host] == '.' || v[host] == '-') {
		host++
	}
	port := host + 1
	for port < len(v) && isDigit(v[port]) {
		port++
	}
	return host >= 4 && host < len(v) && v[host] == ':' && port-host > 2 && (port == len(v) || v[port] == '/')
}

// signsIn counts the signs that passwords have and names do not.
func signsIn(v []byte) int {
	n := 0
	for _, c := range v {
		if strings.IndexByte("!@#$%^&*?~+=|", c) >= 0 {
			n++
		}
	}
	return n
}

// endsInNumber reports two digits or more behind all dots and dashes, as people
// end what they made of words, maple.Summer-441, and code ends no name.
func endsInNumber(v []byte) bool {
	digits := 0
	for digits < len(v) && isDigit(v[len(v)-1-digits]) {
		digits++
	}
	return digits >= 2 && digits < len(v) && strings.IndexByte("-_.", v[len(v)-1-digits]) >= 0 && v[0] != '/' && v[0] != '.'
}

// reference reports code that stands for a value: a.b.c, a->b, a::b, a[0], a
// path, a flag.
func reference(v []byte) bool {
	if bytes.Contains(v, []byte("->")) || bytes.Contains(v, []byte("::")) || bytes.Contains(v, []byte("[")) && bytes.Contains(v, []byte("]")) || bytes.Contains(v, []byte("==")) && len(v) < 8 || bytes.HasSuffix(v, []byte("()")) || bytes.Contains(v, []byte("||")) || bytes.Contains(v, []byte("&&")) {
		return true
	}
	if v[0] == '/' || v[0] == '.' || v[0] == '-' || bytes.HasPrefix(v, []byte("&")) || v[0] == '*' && isLetter(v[len(v)-1]) && len(v) > 1 && isName(bytes.ReplaceAll(v[1:], []byte("."), nil)) {
		return true
	}
	if bytes.IndexByte(v, '.') < 0 {
		return false
	}
	for _, part := range bytes.Split(v, []byte(".")) {
		if len(part) == 0 || isDigit(part[0]) {
			return false
		}
		for _, c := range part {
			if !isWord(c) && c != '-' && c != '?' && c != '!' {
				return false
			}
		}
	}
	return true
}

// techWords are words with digits that follow "password is" and the like.
var techWords = wordSet("sha1 sha2 sha256 sha-1 sha-256 sha512 sha-512 sha3 md5 base64 base64-encoded base64url base32 utf8 utf-8 utf16 bcrypt scrypt argon2 argon2i argon2id pbkdf2 aes128 aes256 aes-128 aes-256 oauth2 oauth1 oauth2.0 ipv4 ipv6 x509 x.509 k8s ed25519 rs256 hs256 es256 hmac-sha256 pkcs8 pkcs12 win32 web3 s3 ec2 i18n fido2 totp 2fa mfa u2f http2 tls1.2 tls1.3 json5 h264 int32 int64 uint8 uint32 uint64 float32 float64 8-character 12-character 16-character 32-byte 64-bit 128-bit 256-bit 512-bit ascii85 base58")

func technical(v []byte) bool {
	if len(v) > 32 {
		return false
	}
	var buf [32]byte
	return techWords[string(appendLower(buf[:0], v))]
}

func skip(text []byte, pos, most int, in func(byte) bool) int {
	for i := 0; i < most && pos < len(text) && in(text[pos]); i++ {
		pos++
	}
	return pos
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// hasFold reports whether text begins with prefix, which is in lower case.
func hasFold(text, prefix []byte) bool {
	if len(text) < len(prefix) {
		return false
	}
	for i, want := range prefix {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != want {
			return false
		}
	}
	return true
}

// foreignPassword is [assignment] for the words of other languages, which
// stand alone.
func foreignPassword() Rule {
	return Rule{
		Entity:   "PASSWORD",
		Literals: foreignNames,
		Before:   2,
		After:    nameReach + gapReach + maxValue,
		Score:    0.85,
		Find: func(text []byte, at int) (int, int, bool) {
			for _, name := range foreignNames {
				if hasFold(text[at:], []byte(name)) {
					return findValue(text, at, at+len(name), rolePassword)
				}
			}
			return 0, 0, false
		},
		Open: func(text []byte, at int) bool {
			for _, name := range foreignNames {
				if hasFold(text[at:], []byte(name)) {
					return openAfter(text, at, at+len(name))
				}
			}
			return false
		},
	}
}

// openAfter reports whether the value of the name that ends at to may still
// come or go on.
func openAfter(text []byte, from, to int) bool {
	const lookahead = 3 // bytes after a value that accepts asks about
	if _, bound, more := pairedValue(text, to); more {
		return true
	} else if bound != unbound {
		s := siteOf(text, from, to)
		return s.end+lookahead+nextReach >= len(text) && s.end-s.start < maxValue
	}
	if len(text)-to < nameReach+gapReach {
		next := skip(text, to, 8, func(c byte) bool { return isBlank(c) || isQuote(c) || c == '*' || c == ']' || c == '\\' })
		if next == len(text) {
			return true
		}
		if s := siteAfter(text, from, to); s.bound == byNothing || s.bound == unbound {
			return bytes.IndexByte(text[to:], '\n') < 0 && (isLetter(text[next]) || isDigit(text[next]) || text[next] >= 0x80 || strings.IndexByte("=:?|+.>,-([<!", text[next]) >= 0)
		}
	}
	s := siteAfter(text, from, to)
	if s.bound == unbound {
		return false
	}
	if s.bound == byColon && s.quote == 0 {
		pos, more := declared(text, s.start)
		if more {
			return true
		}
		if pos > 0 {
			s = valueAt(text, from, pos, byEquals)
		}
	}
	if pair, ok := pairedPassword(text, from, to, s); ok {
		s = pair
	}
	return s.end+lookahead+nextReach >= len(text) && s.end-s.start < maxValue
}

// nextReach is how many bytes behind what looks like a value may still change
// where it ends: a wrapper, a pair's second part.
const nextReach = 24
