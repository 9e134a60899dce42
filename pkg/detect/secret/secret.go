// Package secret finds credentials in text: keys and tokens by their form,
// passwords and keys by the name before them, private keys by their armour.
//
// The forms are data: gitleaks' rules, embedded from its pinned module by go
// generate, and a table of this package's own. A rule's regular expression is
// compiled to a small matcher that is tried only where a literal of the rule
// stands, so its cost depends on the hits and not on the rules.
//
// A password is found behind its name. One before it ("… is my password") is not:
// every word of a stream would have to wait for the words behind it.
package secret

import (
	"strings"
	"sync"
)

// Rule is one kind of secret, for a scanner that looks for the literals of all
// rules in one pass. Rules are immutable and safe for concurrent use.
type Rule struct {
	Entity   string   // upper snake case: AWS_ACCESS_KEY
	About    string   // what it is, a phrase for a list of entities
	Literals []string // lower case; compared without regard to ASCII case
	Before   int      // bytes left of a literal that a match may take or ask about
	After    int      // bytes from a literal's start on that a match may take or ask about
	Score    float64  // 0 < Score ≤ 1

	// Find reports the secret that belongs to the literal at text[at:]: the
	// value alone, without the name or quotes around it. The ends of text count
	// as ends of the value. It takes time in proportion to Before + After at
	// most and does not allocate where nothing looks like a secret.
	Find func(text []byte, at int) (start, end int, ok bool)

	// Open reports whether more text behind could change what Find says. It may
	// say so too often, never too seldom, and after After bytes it says no.
	Open func(text []byte, at int) bool

	// Wait is Open for a rule that knows how much must come before it can say no:
	// the length of text up to which asking again is of no use, 0 where nothing
	// could change what Find says. Nil for the others.
	Wait func(text []byte, at int) int

	// Next reports, after Find or Next reported a secret that ends at after,
	// another one that belongs to the literal, further on. Nil for rules of one.
	Next func(text []byte, at, after int) (start, end int, ok bool)

	// Goes follows a secret that was longer than After on from pos, where what is
	// known of it ends: up to stop it goes on; over says that there it ends, else
	// more text is needed, of which final says that none comes. Nil for secrets
	// that are never longer.
	Goes func(text []byte, pos int, final bool) (stop int, over bool)
}

// Rules returns every rule. The first call compiles them, which takes some ten
// milliseconds; the result is shared and must not be changed.
func Rules() ([]Rule, error) { return all() }

// all compiles every rule once.
var all = sync.OnceValues(func() ([]Rule, error) {
	out := []Rule{
		privateKey(), encodedKey(), puttyKey(), jsonWebToken(), opaqueToken(), urlPassword(), driverPassword(), kubernetesSecret(), curlUser(),
		passwordColumn(), insertedPassword(),
		assignment("PASSWORD", passwordLiterals, rolePassword, 0.85),
		assignment("GENERIC_SECRET", tokenLiterals, roleToken, 0.8),
		foreignPassword(),
	}
	own, err := ownRules()
	if err != nil {
		return nil, err
	}
	data, err := gitleaksRules()
	if err != nil {
		return nil, err
	}
	out = append(append(out, own...), data...)
	for i := range out {
		out[i].bound()
		if out[i].About == "" {
			out[i].About = about(out[i].Entity)
		}
	}
	return out, nil
})

// abouts say what the rules without a form of their own look for.
var abouts = map[string]string{
	"PRIVATE_KEY":        "private key in PEM or PGP armour",
	"PRIVATE_KEY_BASE64": "private key in PEM armour, encoded as a whole",
	"PUTTY_PRIVATE_KEY":  "PuTTY's private key file",
	"JWT":                "JSON Web Token, signed, encrypted or neither",
	"URL_PASSWORD":       "password in scheme://user:password@host",
	"KUBERNETES_SECRET":  "value of a Kubernetes Secret's data",
	"TABLE_PASSWORD":     "password in a column of CSV, TSV or Markdown that is named so",
	"CURL_USER":          "user and password of curl's -u",
	"PASSWORD":           "password by the name or words before it",
	"GENERIC_SECRET":     "random value by a name such as api_key or token",
}

// about names a token by its entity.
func about(entity string) string {
	if text, ok := abouts[entity]; ok {
		return text
	}
	return strings.ToLower(strings.ReplaceAll(entity, "_", " ")) + ", by its form"
}

// bound ends a rule's wait after its reach, and makes Open of Wait where it has
// that.
func (r *Rule) bound() {
	after, open, wait := r.After, r.Open, r.Wait
	if wait != nil {
		r.Wait = func(text []byte, at int) int {
			if len(text)-at >= after {
				return 0
			}
			return min(wait(text, at), at+after)
		}
		open = func(text []byte, at int) bool { return wait(text, at) > 0 }
	}
	r.Open = func(text []byte, at int) bool { return len(text)-at < after && open(text, at) }
}

// unbroken is Open for values that a blank or a quote ends: none came yet.
func unbroken(text []byte, at int) bool {
	for _, c := range text[at:] {
		if isSpace(c) || isQuote(c) {
			return false
		}
	}
	return true
}
