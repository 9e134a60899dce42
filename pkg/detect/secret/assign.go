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
	passwordLiterals = []string{"pass", "pwd", "_pw", "-pw", "pw=", "pw:"}
	tokenLiterals    = []string{"secret", "token", "key", "auth", "cred"}
)

// foreignNames are words for password that are no part of a longer name.
var foreignNames = []string{"kennwort", "contraseña", "contrasena", "senha", "wachtwoord", "hasło", "heslo", "lösenordet", "lösenord", "adgangskode", "salasana", "parola", "şifre", "пароль", "пароля", "密码", "密碼", "口令", "パスワード", "비밀번호", "Пароль", "Пароля", "Şifre", "Lösenordet", "Lösenord", "Hasło"}

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
)

// site is a value in its place.
type site struct {
	bound      binding
	start, end int  // of the value
	quote      byte // around it, 0 without
	scheme     bool // Bearer and the like stood before it
}

// assignment is the detector of values by their names.
func assignment(entity string, literals []string, want role, score float64) Rule {
	return Rule{
		Entity:   entity,
		Literals: literals,
		Before:   nameReach + 20, // and the word before a lone "key"
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
			return mayBind(text, to) && roleOf(text[phraseStart(text, from, to):to]) == want && openAfter(text, from, to)
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
	if r != want {
		return 0, 0, false
	}
	return findValue(text, from, to, r)
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
	pos := to
	for range 3 {
		s := siteAfter(text, from, pos)
		if s.bound == unbound || s.end <= s.start {
			return 0, 0, false
		}
		if pos = declared(text, pos, s); pos > 0 {
			continue
		}
		if at := pairedPassword(text, from, to, s); at > 0 {
			s.start, r = at, rolePassword
		}
		return s.start, s.end, accepts(text, s, r)
	}
	return 0, 0, false
}

// pairedPassword returns where the password begins in user:password, which is
// how people write credentials, and 0 where the site holds no such pair or the
// name promises none.
func pairedPassword(text []byte, from, to int, s site) int {
	var buf [maxName]byte
	if !bytes.Contains(appendLower(buf[:0], text[from:to]), []byte("cred")) || s.bound == byNothing || s.scheme {
		return 0
	}
	colon := s.start
	for colon < s.end && colon-s.start < maxName && (isWord(text[colon]) || strings.IndexByte(".-@+", text[colon]) >= 0) {
		colon++
	}
	if colon-s.start < 2 || colon >= s.end || text[colon] != ':' || bytes.IndexByte(text[colon+1:s.end], ':') >= 0 {
		return 0
	}
	return colon + 1
}

// declared returns where to go on behind the type of a declaration such as
// "token: string = …", and 0 where the site holds a value.
func declared(text []byte, pos int, s site) int {
	if s.bound != byColon || s.quote != 0 || bytes.IndexByte(text[pos:s.start], '\n') >= 0 {
		return 0
	}
	for _, c := range text[s.start:s.end] {
		if !isWord(c) && c != '?' && c != '[' && c != ']' && c != '.' {
			return 0
		}
	}
	next := skip(text, s.end, 4, isBlank)
	if next < len(text) && text[next] == '=' && next > s.end {
		return s.end
	}
	return 0
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

// typed passes the type of a declaration such as "var token string = …", and
// returns pos where there is none.
func typed(text []byte, pos, to int, quoted bool) int {
	if quoted || pos == to {
		return pos
	}
	end := skip(text, pos, 24, func(c byte) bool { return isWord(c) || c == '.' || c == '*' || c == '?' })
	if end == pos || end >= len(text) || !isBlank(text[end]) {
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
	for words := 0; words < 6 && pos-to < gapReach; words++ {
		end := pos
		for end < len(text) && end-pos < 24 && (isLetter(text[end]) || text[end] >= 0x80 || text[end] == '\'') {
			end++
		}
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
		if isVerb {
			return byVerb, next
		}
		pos = next
	}
	return byNothing, bare
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
		if s.quote == 0 && (isSpace(c) || isQuote(c) || c == '<' || c == ';' || c >= 0xe0 && end > pos || c == '&' && query || c == ',' && (end+1 >= len(text) || isSpace(text[end+1]) || isQuote(text[end+1]))) {
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
	if r == roleToken {
		return acceptsToken(v, s)
	}
	return acceptsPassword(v, s)
}

// acceptsToken wants randomness: without a quote, a sign or a flag even more.
func acceptsToken(v []byte, s site) bool {
	made := random(v) && !speaking(v)
	switch {
	case s.bound == byNothing:
		return made && (s.scheme || len(v) >= 20)
	case s.bound == byComma, s.bound == byCall:
		return made && s.quote != 0
	case s.quote == 0 && s.bound == byEquals && reference(v):
		return false
	}
	return made || basicPair(v) || s.quote != 0 && strong(v)
}

// strong reports a quoted value with the mix of signs and digits of a generated
// key such as Django's, and nothing of an address, markup or a call.
func strong(v []byte) bool {
	n := census(v)
	return len(v) >= 16 && n.other == 0 && n.lower+n.upper > 0 && n.digits >= 2 && signsIn(v) >= 2 &&
		bytes.IndexByte(v, ' ') < 0 && !bytes.Contains(v, []byte("://")) && !bytes.ContainsAny(v, "<>(){}[]|,") && entropy(v) >= 3.5
}

// speaking reports a name for a secret: words, one of which says so, as in
// testRSA2048PrivateKey.
func speaking(v []byte) bool {
	var words nameWords
	words.split(v)
	for i := range words.n {
		switch string(words.at(i)) {
		case "key", "keys", "secret", "token", "password", "private", "public", "credential", "credentials":
			return true
		}
	}
	return false
}

// acceptsPassword wants what people choose or are given: not words, not code.
func acceptsPassword(v []byte, s site) bool {
	n := census(v)
	if n.other > 0 && s.quote == 0 || bytes.IndexByte(v, ' ') >= 0 || bytes.Contains(v, []byte("://")) || len(v) > 128 {
		return false
	}
	letters := n.lower + n.upper
	signs := signsIn(v)
	if s.quote == 0 && (bytes.IndexByte(v, '(') >= 0 || bytes.IndexByte(v, '[') >= 0) && letters > 2*n.special {
		return false
	}
	switch s.bound {
	case byNothing, byComma, byCall:
		return len(v) >= 8 && (signs > 0 || !wordy(v)) && (n.lower > 0 && n.upper > 0 && n.digits > 0 || letters > 0 && n.digits > 0 && signs > 0)
	case byVerb, byFlag:
		return len(v) >= 6 && letters > 0 && (n.digits > 0 || signs > 0) && !technical(v) && (!reference(v) || endsInNumber(v)) && v[0] != '-' && v[0] != '/'
	}
	if letters == 0 {
		return s.quote != 0 && n.digits >= 6 && signs > 0 || n.digits >= 8 && signs > 0
	}
	if n.digits == 0 && len(v) >= 12 && 3*n.turns >= len(v) && n.lower+n.upper == len(v) && !readable(v) {
		return true // nUcDJxRdQXvTcAtI is no name of anything
	}
	if n.digits == 0 && signs == 0 || len(v) < 6 {
		return n.digits == 0 && signs == 0 && n.special == 0 && s.quote != 0 && len(v) >= 8 && !readable(v)
	}
	return (!reference(v) || endsInNumber(v) && bytes.LastIndexByte(v, '-') > bytes.LastIndexByte(v, '.')) && !technical(v)
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
	if len(text)-to < nameReach+gapReach {
		next := skip(text, to, 8, func(c byte) bool { return isBlank(c) || isQuote(c) || c == '*' || c == ']' || c == '\\' })
		if next == len(text) {
			return true
		}
		if s := siteAfter(text, from, to); s.bound == byNothing || s.bound == unbound {
			return bytes.IndexByte(text[to:], '\n') < 0 && (isLetter(text[next]) || isDigit(text[next]) || text[next] >= 0x80 || strings.IndexByte("=:?|+.>,-(", text[next]) >= 0)
		}
	}
	pos := to
	for range 3 {
		s := siteAfter(text, from, pos)
		if s.bound == unbound {
			return false
		}
		if s.end+lookahead+16 >= len(text) {
			return s.end-s.start < maxValue
		}
		if pos = declared(text, pos, s); pos == 0 {
			return false
		}
	}
	return false
}
