package secret

import (
	"bytes"
	"strings"
)

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
	made := coded != standInPair && (random(v) || s.quote != 0 && (jumble(v) || shortHex(v)) || twoParts(v) || grouped(v)) && !speaking(v)
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
	case s.quote == 0 && s.bound == byEquals && reference(v) && !(made && dense(v)):
		return false
	}
	return made || coded == realPair || coded == noPair && s.quote != 0 && strong(v)
}

// shortHex reports the shortest hexadecimal keys in use, IPinfo's and the like.
func shortHex(v []byte) bool {
	n := census(v)
	return len(v) >= 14 && n.hex == len(v) && n.lower+n.upper >= 3 && n.digits >= 3 && n.turns >= 4
}

// twoParts reports an account's part and a key's with a colon between.
func twoParts(v []byte) bool {
	colon := bytes.IndexByte(v, ':')
	return colon >= 6 && len(v)-colon > 24 && keyCharacters(v[:colon]) && bytes.IndexByte(v[:colon], '/') < 0 && !isWords(v[:colon]) && !digits(v[:colon]) && random(v[colon+1:])
}

// grouped reports the form in which licences and generated passwords are made to
// be typed: three groups or more of the same length between dashes, of capitals
// and digits or of letters in both cases that are no words.
func grouped(v []byte) bool {
	const least, most = 4, 8
	width := bytes.IndexByte(v, '-')
	if width < least || width > most || (len(v)+1)%(width+1) != 0 || len(v) < 3*width {
		return false
	}
	for i, c := range v {
		if i%(width+1) == width != (c == '-') || c != '-' && !isLetter(c) && !isDigit(c) {
			return false
		}
	}
	n := census(v)
	mixed := n.lower >= 3 && (n.turns >= 2 || n.turns == 1 && !readable(v))
	return n.upper >= 3 && (mixed || n.digits >= 3 && n.turns >= 3) && n.hex+n.special < len(v)
}

// dense reports changes between digits, small and capital letters too many for a
// name of code.
func dense(v []byte) bool {
	n := census(v)
	return n.run >= 16 && 4*n.turns >= len(v)
}

// jumble reports letters of both cases, too many of them consonants for words:
// a generated value that happens to have no digit.
func jumble(v []byte) bool {
	n := census(v)
	return len(v) >= 20 && n.lower+n.upper == len(v) && n.turns >= 2 && !readable(v) && entropy(v) >= 3.5
}

// acceptsKey wants what no digest, path or identifier looks like.
func acceptsKey(v []byte, s site) bool {
	n := census(v)
	if s.query {
		return random(v) && !speaking(v) && !isUUID(v)
	}
	if s.bound != byEquals && (s.bound != byColon || s.quote == 0 && !s.enclosed) || len(v) < 20 {
		return false
	}
	if n.hex == len(v) || isUUID(v) {
		return s.variable && s.named && s.bound == byEquals && len(v) >= 32 && n.hex == len(v) && random(v)
	}
	return !bytes.ContainsAny(v, "/.:") && n.turns >= 6 && random(v) && !speaking(v)
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
	return len(v) >= 16 && v[0] != '/' && n.other == 0 && n.lower+n.upper > 0 && n.digits >= 2 && signsIn(v) >= 2 &&
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
	if s.quote == 0 && v[0] == '!' && isWords(v[1:]) || basicPair(v) == standInPair { // a tag of YAML, words in base64
		return false
	}
	if address(v) || n.other > 0 && s.quote == 0 || bytes.IndexByte(v, ' ') >= 0 || bytes.Contains(v, []byte("://")) || len(v) > 128 {
		return false
	}
	letters := n.lower + n.upper
	signs := signsIn(v)
	if hashed(v) || s.quote == 0 && (invokes(v) || v[0] == ')') || checks(v) || fileName(v) {
		return false
	}
	if grouped(v) {
		return true
	}
	if s.connects && (!reference(v) || humanName(v)) {
		return true
	}
	if s.bound != byNothing && s.bound != byCell && (s.quote != 0 && s.setter || s.bound != byComma && s.bound != byCall) && passphrase(v, s.quote != 0) {
		return true
	}
	if s.quote == 0 && (bytes.IndexByte(v, '(') >= 0 || bytes.IndexByte(v, '[') >= 0) && letters > 2*n.special {
		return false
	}
	if n.digits == 0 && len(v) >= 12 && (n.turns >= 3 || n.turns == 2 && len(v) < 16) && n.upper >= 3 && n.lower+n.upper == len(v) && !readable(v) && (s.bound != byNothing || s.account) {
		return true // nUcDJxRdQXvTcAtI is no name of anything
	}
	switch s.bound {
	case byComma, byCall:
		if s.quote == 0 {
			return false // another argument
		}
		if s.setter {
			break
		}
		fallthrough
	case byNothing, byCell:
		if s.account && len(v) >= 6 && letters > 0 && (n.digits >= 2 || n.digits > 0 && n.special >= 2) && !technical(v) && (!reference(v) || endsInNumber(v) || humanName(v)) && v[0] != '-' && v[0] != '/' {
			return true
		}
		if s.bound == byNothing && humanName(v) {
			return true
		}
		return len(v) >= 8 && (signs > 0 || !wordy(v)) && (n.lower > 0 && n.upper > 0 && n.digits > 0 || letters > 0 && n.digits > 0 && signs > 0)
	case byVerb, byFlag:
		if s.bound == byVerb && argument(v) {
			return false
		}
		return len(v) >= 6 && letters > 0 && (n.digits > 0 || signsIn(v[:len(v)-1]) > 0) && !technical(v) && (!reference(v) || endsInNumber(v) || humanName(v)) && v[0] != '-' && v[0] != '/'
	}
	if letters == 0 {
		return s.quote != 0 && n.digits >= 6 && signs > 0 || n.digits >= 8 && signs > 0
	}
	if n.digits == 0 && signs == 0 || len(v) < 6 {
		return n.digits == 0 && signs == 0 && n.special == 0 && s.quote != 0 && len(v) >= 8 && !readable(v)
	}
	return (!reference(v) || endsInNumber(v) && bytes.LastIndexByte(v, '-') > bytes.LastIndexByte(v, '.') || humanName(v)) && !technical(v)
}

// hashed reports a hash of a password in the forms of crypt(3), LDAP and web
// frameworks: $2b$12$…, {SSHA}…, pbkdf2_sha256$….
func hashed(v []byte) bool {
	if colon := bytes.IndexByte(v, ':'); colon > 0 && colon+1 < len(v) && v[colon+1] == '$' {
		v = v[colon+1:] // user:hash, as htpasswd writes it
	}
	if v[0] == '{' {
		end := bytes.IndexByte(v, '}')
		return end > 2 && end < 16 && len(v) > 24 && isName(v[1:end])
	}
	first := bytes.IndexByte(v, '$')
	if first < 0 || len(v) < 20 {
		return false
	}
	second := bytes.IndexByte(v[first+1:], '$')
	return second > 0 && second < 14 && (first == 0 && lowerOrDigits(v[1:second+1]) || first > 0 && hashNames[string(v[:first])])
}

// lowerOrDigits reports what the forms of crypt(3) are called: 2b, 6, argon2id.
func lowerOrDigits(v []byte) bool {
	for _, c := range v {
		if !isDigit(c) && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}

var hashNames = wordSet("pbkdf2_sha256 pbkdf2_sha1 bcrypt_sha256 bcrypt argon2 scrypt pbkdf2:sha256:260000 pbkdf2:sha256:600000")

// fileName reports what curl and its like read a value from, @name, or a
// parameter of SQL.
func fileName(v []byte) bool {
	if v[0] != '@' {
		return false
	}
	for _, c := range v[1:] {
		if !(c >= 'a' && c <= 'z') && strings.IndexByte("./_-", c) < 0 {
			return false
		}
	}
	return true
}

// invokes reports code: a member's name and a bracket, z.string().min(8.
func invokes(v []byte) bool {
	dot, open := bytes.IndexByte(v, '.'), bytes.IndexByte(v, '(')
	return dot > 0 && open > 1 && isLetter(v[open-1]) && isLetter(v[0]) || open > 1 && bytes.IndexByte(v, ')') == open+1 && isName(v[:open])
}

// checks reports rules for a password and not one: required|min:8.
func checks(v []byte) bool {
	return bytes.HasPrefix(v, []byte("required|")) || bytes.HasSuffix(v, []byte("|required")) || bytes.Contains(v, []byte("|min:")) || bytes.Contains(v, []byte("min:")) && bytes.Contains(v, []byte("|"))
}

// plainWords are words of sentences, which no passphrase drawn from a list of
// nouns has.
var plainWords = wordSet("the and for with from that this not see use has have are was will can must should when where which what who how why than then into over under about your our their his her its but nor only also just per via without within between after before here there non pre post sub auto self multi cross enter choose pick type write read get put make set add new old last first next base64 case sensitive generated random strong weak manager reset forgot change changed update policy strength release prod production staging stage dev postgresql mysql redis minio grafana keycloak admin backend frontend service cluster")

// passphrase reports words drawn from a list and joined by dashes, or by
// underscores within quotes: correct-horse-battery-staple. Names of things in
// programs have words that say so.
func passphrase(v []byte, quoted bool) bool {
	const least, longest = 4, 10
	count, start := 0, 0
	var join byte
	for i := 0; i <= len(v); i++ {
		if i < len(v) && isLetter(v[i]) && (v[i]&0x20 != 0 || i == start) {
			continue
		}
		var buf [longest]byte
		if n := i - start; n < 3 || n > longest {
			return false
		}
		word := appendLower(buf[:0], v[start:i])
		if codeWords[string(word)] || plainWords[string(word)] || weak[string(word)] || !readable(word) {
			return false
		}
		if i < len(v) {
			if v[i] != '-' && (v[i] != '_' || !quoted) || join != 0 && v[i] != join {
				return false
			}
			join = v[i]
		}
		count++
		start = i + 1
	}
	return count >= least
}

// argument reports one of a call by its name: pass is_async=True.
func argument(v []byte) bool {
	equals := bytes.IndexByte(v, '=')
	if equals < 2 || !isWords(v[:equals]) {
		return false
	}
	value := v[equals+1:]
	return isWords(value) || digits(value)
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

// refers are schemes of what names a secret that is kept elsewhere.
var refers = wordSet("urn arn vault env file ssm kms secret secrets secretsmanager akv keyvault gcpsm awssm op ref json url key base64 data")

// reference reports code that stands for a value: a.b.c, a->b, a::b, a[0], a
// path, a flag.
func reference(v []byte) bool {
	if bytes.Contains(v, []byte("->")) || bytes.Contains(v, []byte("::")) || bytes.Contains(v, []byte("[")) && bytes.Contains(v, []byte("]")) || bytes.Contains(v, []byte("==")) && len(v) < 8 || bytes.HasSuffix(v, []byte("()")) || bytes.Contains(v, []byte("||")) || bytes.Contains(v, []byte("&&")) {
		return true
	}
	if scheme := bytes.IndexByte(v, ':'); scheme > 0 && scheme < maxScheme && refers[string(v[:scheme])] {
		return true
	}
	if v[0] == '/' || v[0] == '.' || v[0] == '-' || v[0] == '&' && isWords(bytes.ReplaceAll(bytes.TrimRight(v[1:], "{("), []byte("."), nil)) || v[0] == '*' && isLetter(v[len(v)-1]) && len(v) > 1 && isName(bytes.ReplaceAll(v[1:], []byte("."), nil)) {
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
var techWords = wordSet("scram-sha-1 scram-sha-256 scram-sha-512 sha1 sha2 sha256 sha-1 sha-256 sha512 sha-512 sha3 md5 base64 base64-encoded base64url base32 utf8 utf-8 utf16 bcrypt scrypt argon2 argon2i argon2id pbkdf2 aes128 aes256 aes-128 aes-256 oauth2 oauth1 oauth2.0 ipv4 ipv6 x509 x.509 k8s ed25519 rs256 hs256 es256 hmac-sha256 pkcs8 pkcs12 win32 web3 s3 ec2 i18n fido2 totp 2fa mfa u2f http2 tls1.2 tls1.3 json5 h264 int32 int64 uint8 uint32 uint64 float32 float64 8-character 12-character 16-character 32-byte 64-bit 128-bit 256-bit 512-bit ascii85 base58")

func technical(v []byte) bool {
	if len(v) > 32 {
		return false
	}
	var buf [32]byte
	return techWords[string(appendLower(buf[:0], v))]
}
