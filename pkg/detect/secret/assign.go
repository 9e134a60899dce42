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
	passwordLiterals = []string{"pass", "pwd", "_pw", "-pw", "pw=", "pw:", "pw ", "authtok"}
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
	enclosed   bool // name and value stand within one pair of quotes: "X-Foo-Key: …"
	connects   bool // it is a field of a connection's: host=db;user=app;password=…
	query      bool // it is a parameter of a URL
	variable   bool // its name is an environment variable's, all capitals
	named      bool // its name is more than "key"
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
		Wait: func(text []byte, at int) int {
			from, to := nameAround(text, at)
			if to == len(text) {
				return len(text) + 1
			}
			if !mayBind(text, to) {
				return 0
			}
			r := roleOf(text[phraseStart(text, from, to):to])
			if !fills(r, want) || r == roleKey && !keyBinds(text, from, to) {
				return 0
			}
			return waitAfter(text, from, to)
		},
	}
}

// findAssigned looks for the value of the name that has its literal at at.
func findAssigned(text []byte, at int, want role) (start, end int, ok bool) {
	from, to := nameAround(text, at)
	if !mayBind(text, to) || from > 1 && text[from-1] == '/' && text[from-2] == '/' || bytes.HasSuffix(text[:from], []byte("checksum/")) { // a host, or an annotation of a pod
		return 0, 0, false
	}
	r := roleOf(text[phraseStart(text, from, to):to])
	if !fills(r, want) || r == roleKey && !keyBinds(text, from, to) {
		return 0, 0, false
	}
	return findValue(text, from, to, r)
}

// fills reports whether a name of a role is one that a rule looks for.
func fills(r, want role) bool { return r == want || r == roleKey && want == roleToken }

// keyBinds is the same cheap question of a name that says little: a sign behind it,
// and a lone key only as a parameter of a URL.
func keyBinds(text []byte, from, to int) bool {
	pos := skip(text, to, 6, func(c byte) bool { return isBlank(c) || isQuote(c) || c == '\\' || c == ']' })
	if pos >= len(text) || text[pos] == '=' || text[pos] == ':' {
		return true
	}
	return pos > to && (text[pos] == ',' || text[from] == '-' || hasFold(text[pos:], []byte("value")[:min(len("value"), len(text)-pos)]) || setsVariable(text, from))
}

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
	if s.bound == byColon && s.quote != 0 && from > 0 && text[from-1] == s.quote && to < len(text) && (text[to] == ':' || isBlank(text[to])) {
		return 0, 0, false // input("Password: "), and what follows it
	}
	if paired, ok := pairedPassword(text, from, to, s); ok {
		s, r = paired, rolePassword
	}
	s.setter = (s.bound == byCall || s.bound == byComma) && setter(text, from, to, s.bound)
	s.account = s.bound == byNothing && afterAccount(text, from)
	s.query = from > 0 && (text[from-1] == '?' || text[from-1] == '&')
	s.variable = isName(text[from:to]) && text[from]&0x20 == 0
	s.named = to-from > len("key")
	s.chosen = r == roleToken && peopleChoose(text[from:to])
	switch {
	case s.bound != byNothing:
	case configures(text, from, s.end):
		s.bound = byFlag
	case to-from == len("pw") && hasFold(text[from:], []byte("pw ")): // which is no word otherwise
		s.bound = byVerb
	}
	s.enclosed = from > 0 && s.end < len(text) && isQuote(text[from-1]) && text[s.end] == text[from-1]
	s.connects = s.bound == byEquals && s.quote == 0 && connects(text, from)
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

// bindingAt reads what ties a value to the name, and where it ends.
func bindingAt(text []byte, from, to, pos int, quoted bool) (binding, int) {
	if pos >= len(text) {
		return unbound, pos
	}
	switch c := text[pos]; {
	case c == '=' || c == ':' || c == '?' || c == '|' || c == '+' || c == '.':
		return operatorAt(text, pos)
	case c == '-' && pos > to && !quoted && text[from] != '-' && pos+1 < len(text) && isBlank(text[pos+1]):
		return byVerb, pos + 1 // API key - …
	case c == '-' && pos > to && hasFold(text[pos:], []byte("-> ")):
		return byVerb, pos + len("-> ")
	case c == 'b' && pos > to && hasFold(text[pos:], []byte("by lazy {")): // Kotlin
		return byEquals, pos + len("by lazy {")
	case c == '<' && pos > to && hasFold(text[pos:], []byte("<- ")):
		return byEquals, pos + len("<- ")
	case c == '!' && pos > to && (hasFold(text[pos:], []byte("!= ")) || hasFold(text[pos:], []byte("!== "))):
		return byEquals, pos + len("!= ")
	case c == ',' && quoted:
		return byComma, pos + 1
	case c == '(' && pos > to && !quoted:
		return noteAfter(text, pos)
	case c == '(' && pos == to && pos+1 < len(text) && isQuote(text[pos+1]):
		return byCall, pos + 1
	case from > 0 && text[from-1] == '<' && (c == '>' || pos > to && !quoted && isLetter(c)):
		if end := skip(text, pos, maxAttributes, func(c byte) bool { return c != '>' && c != '<' && c != '\n' }); end < len(text) && text[end] == '>' {
			return byTag, end + 1
		}
	case pos > to && !quoted && from > 0 && text[from-1] == '-' || pos > to && !quoted && text[from] == '-':
		return byFlag, pos
	case pos > to && (isLetter(c) || isDigit(c) || c >= 0x80):
		return verbAfter(text, to, pos, isVerbPass(text, from, to))
	case c >= 0x80:
		return wideOperatorAt(text, pos)
	}
	return unbound, pos
}

// noteAfter reads the sign behind a few words in brackets, as in password (old): …,
// or takes what stands in them for the value: the API key (…).
func noteAfter(text []byte, pos int) (binding, int) {
	const most = 24
	end := skip(text, pos+1, most, func(c byte) bool { return isWord(c) || isBlank(c) || c == '-' })
	if end+1 < len(text) && text[end] == ')' && (text[end+1] == ':' || text[end+1] == '=') {
		return byVerb, end + 2
	}
	return byNothing, pos + 1
}

// maxAttributes is how many bytes the attributes of an element that is named as a
// secret may have.
const maxAttributes = 40

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
	case string(op) == "|":
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
var verbs = wordSet("is was be ist war lautet lautete est était es era é è e jest är er on to into equals")

// verbAfter skips the few words between a name and the verb behind it, as in
// "the password for the old server is …". A bare pass is most often a verb itself:
// it is a name before is, was and a colon only.
func verbAfter(text []byte, to, pos int, bare bool) (binding, int) {
	first, most := pos, 8
	if bare {
		most = 1
	}
	if names(text, pos) {
		return unbound, first // a password manager, a token endpoint
	}
	for words := 0; words < most && pos-to < gapReach; words++ {
		end := wordEnd(text, pos)
		if next := signAfter(text, pos, end); next > 0 && words > 0 {
			return byVerb, next
		}
		if end == pos || end >= len(text) {
			break
		}
		var buf [24]byte
		isVerb := end-pos <= longestVerb && verbs[string(appendLower(buf[:0], text[pos:end]))]
		next := end
		if text[next] == ':' {
			next++
			isVerb = true
		}
		if next = skip(text, next, 2, isBlank); next == end {
			break
		}
		if isVerb && !goesOn(text, pos, next) && !(bare && text[pos]|0x20 != 'i' && text[pos]|0x20 != 'w' && text[end] != ':') {
			return byVerb, next
		}
		pos = next
	}
	return byNothing, first
}

// names reports a word at text[pos:] that makes something else of the name
// before it.
func names(text []byte, pos int) bool {
	word := text[pos:wordEnd(text, pos)]
	if len(word) < 2 {
		return false
	}
	var buf [24]byte
	lower := appendLower(buf[:0], word)
	return wordKinds[string(lower)]&isClosing != 0 && !verbs[string(lower)]
}

func joinsParts(c byte) bool { return c == '.' || c == '\'' || c == '-' || c == '_' || c == '@' }

// longestVerb is how many bytes a verb has at most.
const longestVerb = 8

// signAfter returns where a value begins behind a sign that ends the words before
// it: = or : with a blank, a colon that ends the line; 0 where there is none.
func signAfter(text []byte, pos, end int) int {
	if end == pos && pos+1 < len(text) && (text[pos] == '=' || text[pos] == ':') && isBlank(text[pos+1]) {
		return pos + 1
	}
	if end >= len(text) || text[end] != ':' {
		return 0
	}
	next := skip(text, end+1, 12, isSpace)
	if bytes.IndexByte(text[end+1:next], '\n') < 0 {
		return 0
	}
	return next
}

// isVerbPass reports the word pass where nothing says that it is a noun.
func isVerbPass(text []byte, from, to int) bool {
	if to-from != len("pass") {
		return false
	}
	var buf [8]byte
	before := appendLower(buf[:0], text[max(0, from-6):from])
	for _, word := range [...]string{"my ", "the ", "your ", "our ", "root ", "admin ", "user ", "db ", "wifi "} {
		if bytes.HasSuffix(before, []byte(word)) {
			return false
		}
	}
	return true
}

// goesOn reports that no value comes after the verb at text[verb:] but a sentence
// goes on at next: is now …, to unlock the ….
func goesOn(text []byte, verb, next int) bool {
	word := text[next:wordEnd(text, next)]
	var buf [24]byte
	if fillerWords[string(appendLower(buf[:0], word))] {
		return true
	}
	end := next + len(word)
	if text[verb]|0x20 != 't' && text[verb]|0x20 != 'o' || end >= len(text) || !isBlank(text[end]) && text[end] != ':' {
		return false
	}
	for _, c := range word {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return len(word) > 0
}

// fillerWords stand between a verb and its value: was changed to, is now.
var fillerWords = wordSet("changed set reset updated now still currently just been again always")

// wordEnd passes a word of a sentence that begins at pos: letters, an apostrophe,
// what stands between the parts of a user's name or a host's.
func wordEnd(text []byte, pos int) int {
	end := pos
	for end < len(text) && end-pos < 24 && (isLetter(text[end]) || text[end] >= 0x80 || end > pos && (isDigit(text[end]) || joinsParts(text[end]))) {
		end++
	}
	for end > pos && joinsParts(text[end-1]) {
		end--
	}
	return end
}

// schemes stand between Authorization and its credential.
var schemes = [][]byte{[]byte("bearer "), []byte("basic "), []byte("token "), []byte("apikey "), []byte("api-key "), []byte("api-token "), []byte("bot "), []byte("aivenv1 "), []byte("digest "), []byte("token=")}

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
	if hasFold(text[pos:], []byte("!!str ")) { // a tag of YAML
		pos += len("!!str ")
	}
	pos = skipWrapper(text, pos, bound == byComma)
	if pos+1 < len(text) && isQuote(text[pos+1]) && strings.IndexByte("bruf@LRUB$", text[pos]) >= 0 {
		pos++
	}
	if pos < len(text) && isQuote(text[pos]) {
		s.quote = text[pos]
		pos++
	} else {
		pos = skipWideQuote(text, pos)
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

// wideQuotes are the quotation marks of print that begin a value.
var wideQuotes = [][]byte{[]byte("«"), []byte("“"), []byte("„"), []byte("‘"), []byte("「"), []byte("‹")}

// skipWideQuote passes one of them and the narrow blank that French has behind it.
func skipWideQuote(text []byte, pos int) int {
	if pos >= len(text) || text[pos] < 0x80 {
		return pos
	}
	for _, quote := range wideQuotes {
		if bytes.HasPrefix(text[pos:], quote) {
			pos += len(quote)
			if bytes.HasPrefix(text[pos:], []byte("\u00a0")) {
				pos += len("\u00a0")
			}
			return skip(text, pos, 1, isBlank)
		}
	}
	return pos
}

// guillemet reports a mark or blank of Latin-1 at text[at:] that ends a value.
func guillemet(text []byte, at int) bool {
	return text[at] == 0xc2 && at+1 < len(text) && (text[at+1] == 0xbb || text[at+1] == 0xab || text[at+1] == 0xa0)
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
		if s.quote == 0 && (isSpace(c) || isQuote(c) || c == '<' || c == ';' || c >= 0xc2 && (c >= 0xe0 && end > pos || guillemet(text, end)) || c == '&' && (query || nextField(text, end)) || c == ',' && (end+1 >= len(text) || isSpace(text[end+1]) || isQuote(text[end+1]))) {
			break
		}
		end++
	}
	if s.quote == 0 && s.bound != byTag {
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
		Wait: func(text []byte, at int) int {
			for _, name := range foreignNames {
				if hasFold(text[at:], []byte(name)) {
					return waitAfter(text, at, at+len(name))
				}
			}
			return 0
		},
	}
}

// waitAfter is [Rule.Wait] for the value of the name that ends at to: 0 where it
// is complete.
func waitAfter(text []byte, from, to int) int {
	if _, bound, more := pairedValue(text, to); more {
		return len(text) + 1
	} else if bound != unbound {
		return waitValue(text, siteOf(text, from, to))
	}
	if len(text)-to < nameReach+gapReach {
		next := skip(text, to, 8, func(c byte) bool { return isBlank(c) || isQuote(c) || c == '*' || c == ']' || c == '\\' })
		if next == len(text) {
			return len(text) + 1
		}
		if s := siteAfter(text, from, to); s.bound == byNothing || s.bound == unbound {
			if !lineEnds(text, to) && (isLetter(text[next]) || isDigit(text[next]) || text[next] >= 0x80 || strings.IndexByte("=:?|+.>,-([<!", text[next]) >= 0) {
				return len(text) + 1
			}
			return 0
		}
	}
	s := siteAfter(text, from, to)
	if s.bound == unbound {
		return 0
	}
	if s.bound == byColon && s.quote == 0 {
		pos, more := declared(text, s.start)
		if more {
			return len(text) + 1
		}
		if pos > 0 {
			s = valueAt(text, from, pos, byEquals)
		}
	}
	if pair, ok := pairedPassword(text, from, to, s); ok {
		s = pair
	}
	return waitValue(text, s)
}

// waitValue is [Rule.Wait] for the value of s: as much must come behind its end as
// may still change it, and that end lies no further on than the text does.
func waitValue(text []byte, s site) int {
	const lookahead = 3 // bytes after a value that accepts asks about
	known := s.end + lookahead + nextReach
	if known < len(text) || s.end-s.start >= maxValue {
		return 0
	}
	return known + 1
}

// lineEnds reports an end of line behind text[at:] that a colon does not come
// before, or after which a word has begun.
func lineEnds(text []byte, at int) bool {
	end := bytes.IndexByte(text[at:], '\n')
	if end < 0 {
		return false
	}
	end += at
	before := end
	for before > at && isSpace(text[before-1]) {
		before--
	}
	return before == at || text[before-1] != ':' || skip(text, before, 13, isSpace) < len(text)
}

// nextReach is how many bytes behind what looks like a value may still change
// where it ends: a wrapper, a pair's second part.
const nextReach = 24
