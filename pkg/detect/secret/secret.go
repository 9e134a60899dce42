// Package secret finds credentials in text: keys and tokens by their form,
// passwords and keys by the name before them, private keys by their armour.
//
// The forms are data: gitleaks' rules, embedded from its pinned module by go
// generate, and a table of this package's own. A rule's regular expression is
// compiled to a small matcher that is tried only where a literal of the rule
// stands, so its cost depends on the hits and not on the rules.
package secret

import "sync"

// detector is one rule: what to look for and the check at a hit.
type detector struct {
	entity   string
	literals []string // lower case
	before   int      // bytes left of a literal that a match may take or ask about
	after    int      // bytes from a literal's start on that a match may take or ask about
	score    float64
	// find reports the secret of the match with a literal at text[at:].
	find func(text []byte, at int) (start, end int, ok bool)
}

// all compiles every rule once.
var all = sync.OnceValues(func() ([]detector, error) {
	out := []detector{
		privateKey(), puttyKey(), jsonWebToken(), opaqueToken(), urlPassword(), kubernetesSecret(),
		assignment("PASSWORD", rolePassword, 0.85),
		assignment("GENERIC_SECRET", roleToken, 0.8),
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
	return append(append(out, own...), data...), nil
})
