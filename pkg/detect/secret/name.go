package secret

import (
	"bytes"
	"strings"
)

// role is what a name promises of its value.
type role uint8

const (
	roleNone     role = iota
	rolePassword      // chosen by a person: short, any characters
	roleToken         // generated: long and random
	roleKey           // the same, of a name that says less: it must be longer
)

// maxName is how many bytes of a name are looked at.
const maxName = 64

// Words of names, in lower case. A name is cut at case changes and everything
// that is no letter, so apiKeyId is api, key, id.
var (
	passwordWords = wordSet("password passwords passe passwd passwort kennwort pwd passphrase passcode pass pw authtok passord userpass dbpass mypass senha contrasena")
	tokenWords    = wordSet("secret secrets token apikey credential credentials creds cred pat auth authorization accesskey secretkey privatekey authkey bearer jwt apitoken")
	// keyWords make a key one that opens something.
	keyWords = wordSet("my our sdk api apis secret private access encryption encrypt decryption signing sign master auth app application account storage client service shared ssh session crypto cipher hmac jwt webhook deploy admin aes rsa des root license subscription functions host server user consumer developer partner instance primarykey secondary integration project write read rest admin")
	// closing words say that a name is about a secret and not one.
	closing = wordSet("encryption id ids name names url uri urls uris endpoint path paths file filename files dir directory type types kind length len size count limit limits ttl expiry expires expiration expired expire lifetime version alias prefix suffix field fields header headers ref refs reference label format pattern policy provider providers manager hash hashes hashed hint reset strength algorithm algo usage budget column index code arn fingerprint digest checksum status state enabled disabled required mode location source env var variable description title text message error errors class placeholder regex rule rules validation validator changed age date time at by method methods scheme schema group groups cache config configuration settings options params handler service store ring rotation generator factory client helper util utils exchange scope scopes audience issuer realm domain host port server results response request flow page screen form button link icon template items list map set count tracker counter detail details info metadata protocol mechanism plugin module middleware interface model entity table")
	// other words turn a name into one of something else.
	otherWords = wordSet("public pub pubkey primary foreign unique sort partition hot idx csrf xsrf i18n translation keyboard monkey max min total num number input output usage completion prompt cached reasoning next page continuation cursor sync pagination idempotency routing author authors authority authored tokenizer tokenize tokenization accessor accessibility bucket natural sequence issuer ring rapid capital turkey donkey authenticity anti site exporter premaster resumption handshake traffic sitekey publishable resume nonce sha rev revision checksum md5 sha1 sha256 sha512 digest etag")
)

// What a word is to a name, as bits: it may be of several sets.
const (
	isPasswordWord uint8 = 1 << iota
	isTokenWord
	isKeyWord
	isClosing
	isOther
	isPlace
	isOwner
)

// wordKinds are the kinds of all words above, so that each word of a name is
// looked up once.
var wordKinds = func() map[string]uint8 {
	out := map[string]uint8{}
	for kind, words := range map[uint8]map[string]bool{isPasswordWord: passwordWords, isTokenWord: tokenWords, isKeyWord: keyWords, isClosing: closing, isOther: otherWords, isPlace: placeWords, isOwner: owners} {
		for w := range words {
			out[w] |= kind
		}
	}
	return out
}()

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// roleOf reads a name: MYSQL_ROOT_PASSWORD, spring.datasource.password,
// clientSecret, X-Api-Key.
func roleOf(name []byte) role {
	var words nameWords
	words.split(name)
	var kinds [len(words.ends)]uint8
	for i := words.n - 1; i >= 0; i-- {
		kinds[i] = wordKinds[string(words.at(i))]
		if kinds[i]&isOther != 0 || kinds[i]&isClosing != 0 && i == words.n-1 {
			return roleNone
		}
	}
	for i := words.n - 1; i >= 0; i-- {
		switch w := words.at(i); {
		case kinds[i]&isPasswordWord != 0:
			return rolePassword
		case kinds[i]&isTokenWord != 0:
			return roleToken
		case string(w) == "key":
			if r := roleOfKey(&words, kinds[:words.n], i); r != roleNone {
				return r
			}
		default:
			if r := roleOfEnding(w); r != roleNone {
				return r
			}
		}
	}
	return roleNone
}

// placeWords make a key one of data: what is stored, sorted or sent under it.
var placeWords = wordSet("s3 gcs customer order invoice product file image video asset document doc page post comment thread conversation chat channel room team org organization tenant workspace job task run build deployment batch shard segment range sum leaf block tx transaction wallet category tenant report chart widget theme section slot bundle chunk package crate content media upload download blob bin memory model provider email name encrypted wrapped cache row object group lookup dedup dedupe cursor event query state feature map hash redis memo message msg kafka topic queue lock record registry entity field column property prop attribute label tag translation locale lang trace span metric log header meta data json dict json storage store param parameter arg index order item element node child parent next last first current new old the a this that other default same given each any some every no not using use dictionary section config setting option shortcut hot press enter arrow modifier escape tab function home end page up down left right return delete insert space ctrl alt shift command")

// roleOfKey is a token where the words around a key say what it opens, or name
// the service that issued it; less is promised by any other word before a key
// that ends the name and is none of a place.
func roleOfKey(words *nameWords, kinds []uint8, i int) role {
	for j := range kinds {
		if j != i && (kinds[j]&isKeyWord != 0 || bytes.HasSuffix(words.at(j), []byte("api"))) {
			return roleToken
		}
	}
	if i != words.n-1 {
		return roleNone
	}
	owned := roleKey
	for _, k := range kinds[:i] {
		if k&isPlace != 0 {
			return roleNone
		}
		if k&isOwner != 0 {
			owned = roleToken
		}
	}
	return owned
}

// endings of words written as one, as in pgpassword or authtoken.
var endings = []struct {
	text []byte
	role role
}{
	{[]byte("password"), rolePassword}, {[]byte("passwd"), rolePassword}, {[]byte("passwort"), rolePassword},
	{[]byte("passphrase"), rolePassword}, {[]byte("pwd"), rolePassword}, {[]byte("pw"), rolePassword}, {[]byte("token"), roleToken},
	{[]byte("secret"), roleToken}, {[]byte("apikey"), roleToken}, {[]byte("secretkey"), roleToken},
	{[]byte("accesskey"), roleToken}, {[]byte("privatekey"), roleToken}, {[]byte("authkey"), roleToken},
	{[]byte("accountkey"), roleToken}, {[]byte("sharedkey"), roleToken}, {[]byte("signingkey"), roleToken},
	{[]byte("encryptionkey"), roleToken}, {[]byte("masterkey"), roleToken},
}

func roleOfEnding(w []byte) role {
	for i := range endings {
		if e := &endings[i]; len(w) >= len(e.text) && w[len(w)-1] == e.text[len(e.text)-1] && bytes.HasSuffix(w, e.text) {
			return e.role
		}
	}
	return roleNone
}

// nameWords are the words of a name in lower case: the first twelve of its
// first [maxName] bytes. It lives on the stack.
type nameWords struct {
	letters [maxName]byte
	ends    [12]uint8 // where each word ends in letters
	n       int
	used    int
}

func (w *nameWords) at(i int) []byte {
	start := 0
	if i > 0 {
		start = int(w.ends[i-1])
	}
	return w.letters[start:w.ends[i]]
}

func (w *nameWords) split(name []byte) {
	name = name[:min(len(name), maxName)]
	for i, c := range name {
		switch k := nameKinds[c]; {
		case k == nameDigit && !w.atStart():
		case k&nameLetter == 0:
			w.end()
			continue
		case i > 0 && startsWord(name, i):
			w.end()
		}
		if isLetter(c) {
			c |= 0x20
		}
		w.letters[w.used] = c
		w.used++
	}
	w.end()
}

// Kinds of bytes in a name.
const (
	nameUpper uint8 = 1 << iota
	nameLower
	nameDigit

	nameLetter = nameUpper | nameLower
)

var nameKinds = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'A' && c <= 'Z':
			t[c] = nameUpper
		case c >= 'a' && c <= 'z':
			t[c] = nameLower
		case c >= '0' && c <= '9':
			t[c] = nameDigit
		}
	}
	return t
}()

// atStart reports that the word at hand has no letter yet.
func (w *nameWords) atStart() bool {
	return w.used == 0 || w.n > 0 && w.used == int(w.ends[w.n-1])
}

func (w *nameWords) end() {
	if !w.atStart() && w.n < len(w.ends) {
		w.ends[w.n] = uint8(w.used)
		w.n++
	}
}

// startsWord reports whether the letter at name[i] begins a word: a small one
// behind a digit, a capital behind anything but a capital, or before a small
// letter at the end of an abbreviation.
func startsWord(name []byte, i int) bool {
	before := nameKinds[name[i-1]]
	if nameKinds[name[i]] == nameLower {
		return before == nameDigit
	}
	return before&(nameLower|nameDigit) != 0 || before == nameUpper && i+1 < len(name) && nameKinds[name[i+1]] == nameLower
}
