package detect

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/regent-proxy/regent/pkg/detect/secret"
)

// Custom is an entity of the user's own.
type Custom struct {
	// Entity is its name: at most 64 ASCII letters, digits, "_", "-" and ".", as it
	// becomes a part of labels and of the names of attributes.
	Entity string
	Class  Class // PII where empty
	// Pattern is a regular expression (RE2). One that names a byte that ends a
	// token, as a space, a comma or a quote, is a phrase: see [phraseOf] for what it
	// must have. Any other matches within one token and sees nothing to its left.
	// It is tried on tokens that are long enough and hold the longest string that
	// each of its matches must; one without such a string is tried on every token,
	// and makes every text slower to scan. Words are better given as Terms.
	Pattern string
	// Terms are words or phrases, compared without regard to ASCII case, found
	// where no letter or digit stands next to them.
	Terms   []string
	Check   string   // a check that a match of Pattern must pass: see [Checks]
	Score   float64  // 0.9 where 0
	Context *Context // words before a match that change its score; nil for none
}

// maxTerm bounds a term, in bytes: a stream keeps that much to the left.
const maxTerm = 512

// Checks are the names of the checks that a custom entity may use; they get
// the digits of what matched.
var checks = map[string]func(digits []byte) bool{
	"luhn":     luhn,
	"mod97":    func(d []byte) bool { return mod97(d) == 1 },
	"mod11_10": func(d []byte) bool { return len(d) > 1 && mod1110(d[:len(d)-1]) == int(d[len(d)-1]-'0') },
	"ean13":    func(d []byte) bool { return len(d) == 13 && ean13(d) },
	"nhs":      func(d []byte) bool { return len(d) == 10 && nhs(d) },
	// 3GPP TS 23.003, annex B.
	"imei": func(d []byte) bool { return len(d) == 15 && luhn(d) },
	// ABA Routing Number Policy: weights 3, 7, 1.
	"aba_routing": func(d []byte) bool { return len(d) == 9 && weigh(d, []int{3, 7, 1, 3, 7, 1, 3, 7, 1})%10 == 0 },
}

// Checks lists the names that Custom.Check knows.
func Checks() []string { return slices.Sorted(maps.Keys(checks)) }

// freePattern is a custom pattern.
type freePattern struct {
	needs   required
	entity  string
	class   Class
	pattern *regexp.Regexp
	check   func([]byte) bool
	score   float64
	near    *nearWords
}

func (s *Set) addCustom(c *Custom) error {
	if err := checkName(c.Entity); err != nil {
		return err
	}
	if !s.wants(c.Entity) {
		return nil
	}
	if s.own == nil {
		s.own = map[string]bool{}
	}
	s.own[c.Entity] = true
	class, score := c.Class, c.Score
	if class == "" {
		class = PII
	}
	if score <= 0 || score > 1 {
		score = 0.9
	}
	near, err := newNearWords(c.Context)
	if err != nil {
		return err
	}
	for _, t := range c.Terms {
		if len(t) > maxTerm {
			return fmt.Errorf("a term has %d bytes, more than %d", len(t), maxTerm)
		}
		if t != "" {
			s.rules = append(s.rules, rule{term(c.Entity, t, score, true), class, near})
		}
	}
	if c.Pattern == "" {
		return nil
	}
	return s.addPattern(c, class, score, near)
}

// maxName bounds the name of a custom entity, in bytes.
const maxName = 64

func checkName(name string) error {
	if name == "" {
		return errors.New("it has no name: set entity")
	}
	if len(name) > maxName {
		return fmt.Errorf("its name has %d bytes, more than %d", len(name), maxName)
	}
	for i := range len(name) {
		if c := name[i]; kindOf[c]&(isDigit|isUpper|isLower) == 0 && c != '_' && c != '-' && c != '.' {
			return fmt.Errorf("its name holds %q; letters, digits, _, - and . may stand there", c)
		}
	}
	return nil
}

func (s *Set) addPattern(c *Custom, class Class, score float64, near *nearWords) error {
	var check func([]byte) bool
	if c.Check != "" {
		if check = checks[c.Check]; check == nil {
			return fmt.Errorf("unknown check %q: one of %s", c.Check, strings.Join(Checks(), ", "))
		}
	}
	re, err := regexp.Compile(c.Pattern)
	if err != nil {
		return fmt.Errorf("compile its pattern: %w", err)
	}
	phrases, err := phrasesOf(c.Pattern)
	if err != nil {
		return err
	}
	for _, p := range phrases {
		s.rules = append(s.rules, rule{p.rule(c.Entity, score, check), class, near})
	}
	if len(phrases) == 0 {
		s.free = append(s.free, freePattern{requiredOf(c.Pattern), c.Entity, class, re, check, score, near})
	}
	return nil
}

// passes applies a check to the digits of a match.
func passes(check func([]byte) bool, match []byte) bool {
	if check == nil {
		return true
	}
	digits := make([]byte, 0, len(match))
	for _, c := range match {
		if kindOf[c]&isDigit != 0 {
			digits = append(digits, c)
		}
	}
	return len(digits) > 1 && check(digits)
}

// freePatterns tries the patterns without literals on the token text[from:].
func (sc *scanner) freePatterns(text []byte, from int) {
	for i := range sc.set.free {
		p := &sc.set.free[i]
		if token := text[from:]; len(token) < p.needs.length || p.needs.literal != "" && !bytes.Contains(token, []byte(p.needs.literal)) {
			continue
		}
		for _, m := range p.pattern.FindAllIndex(text[from:], -1) {
			start, end := from+m[0], from+m[1]
			if end == start || !passes(p.check, text[start:end]) {
				continue
			}
			if score := p.near.score(text, start, end, p.score); sc.set.accepts(p.entity, score) {
				sc.raw = append(sc.raw, Finding{Start: start, End: end, Entity: p.entity, Class: p.class, Score: score})
			}
		}
	}
}

// term is the rule of one string, whole words only where so asked.
func term(entity, text string, score float64, whole bool) secret.Rule {
	n := len(text)
	lowered := []byte(text)
	for i, c := range lowered {
		lowered[i] = lower(c)
	}
	return secret.Rule{
		Entity: entity, Literals: []string{string(lowered)}, Before: 4, After: n + 4, Score: score,
		Find: func(t []byte, at int) (start, end int, ok bool) {
			return at, at + n, !whole || bordersWord(t, at, at+n)
		},
		Open: func(t []byte, at int) bool { return whole && len(t) < at+n+4 },
	}
}

// bordersWord reports that no letter or digit stands next to text[start:end],
// where that begins and ends with one.
func bordersWord(text []byte, start, end int) bool {
	const alnum = isDigit | isUpper | isLower
	return (start == 0 || kindOf[text[start-1]]&alnum == 0 || kindOf[text[start]]&alnum == 0) &&
		(end == len(text) || kindOf[text[end]]&alnum == 0 || kindOf[text[end-1]]&alnum == 0)
}
