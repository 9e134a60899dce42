package secret

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/regent-proxy/regent/pkg/detect/secret/internal/ruleset"
	"github.com/regent-proxy/regent/pkg/detect/secret/internal/shape"
)

//go:generate go run ./gen

//go:embed gitleaks.json
var gitleaksData []byte

// Parts that gitleaks writes into most of its patterns, and what stands in
// their place here. Its patterns are for source files, where a value ends with
// a quote, a blank or the line; in a conversation it also ends with a comma, a
// bracket, markup or the sentence's full stop, and JSON within JSON puts
// backslashes before its quotes.
var loosened = strings.NewReplacer(
	"(?:[\\x60'\"\\s;]|\\\\[nr]|$)", "(?:[\\x60'\"\\s;,)\\]}<>|*&\\\\]|[.?!:](?:[\\s'\"\\x60)*]|$)|$)",
	"[\\s'\"]{0,3}", "[\\s'\"\\\\]{0,4}",
	"[\\x60'\"\\s=]{0,5}", "[\\x60'\"\\s=\\\\]{0,5}",
)

// assigned is how gitleaks' patterns for a name and its value go on after the
// name: such a value has no mark of its own.
const assigned = "(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)"

// replaced are the rules that this package checks in its own way.
var replaced = map[string]bool{
	"generic-api-key":                 true, // assign.go: names and values, also in prose
	"hashicorp-tf-password":           true, // the same: it rests on a file name
	"kubernetes-secret-yaml":          true, // document.go: every value of the manifest
	"private-key":                     true, // document.go: bounded, also PuTTY and escaped line ends
	"jwt":                             true, // jwt.go: decodes the header
	"facebook-access-token":           true, // tokens.go: its keyword may be anywhere
	"sourcegraph-access-token":        true, // tokens.go: one of its forms has no mark
	"airtable-personnal-access-token": true, // tokens.go: its keyword may be anywhere
	"microsoft-teams-webhook":         true, // tokens.go: with a literal that is rare
	"sidekiq-sensitive-url":           true, // the same
	"curl-auth-header":                true, // assign.go: whatever sends the header
	"curl-auth-user":                  true, // curl.go: without searching all the command for each line
	"vault-service-token":             true, // tokens.go: "s." ends sentences
}

// wholes are the rules whose first group is no secret but a part of one.
var wholes = map[string]bool{"jwt-base64": true}

// pattern is a rule from data: a shape, what must be near, what is no secret.
type pattern struct {
	shape    *shape.Shape
	anchor   shape.Anchor
	group    int // -1: the whole match
	entropy  float64
	needs    func(value []byte) bool // more that a value must be; may be nil
	trim     bool                    // what ends a sentence is no part of the value
	allow    []allowList
	global   *allowList
	fallback func() *regexp.Regexp
}

// gitleaksRules compiles the embedded rule set.
func gitleaksRules() ([]Rule, error) {
	set, err := ruleset.Read(bytes.NewReader(gitleaksData))
	if err != nil {
		return nil, err
	}
	global, err := newAllowList(set.Allow)
	if err != nil {
		return nil, err
	}
	var out []Rule
	for _, r := range set.Rules {
		if replaced[r.ID] {
			continue
		}
		ds, err := compileRule(r, &global)
		if err != nil {
			return nil, fmt.Errorf("rule %s of %s: %w", r.ID, set.Source, err)
		}
		out = append(out, ds...)
	}
	return out, nil
}

// compileRule makes a rule of each alternative of a rule.
func compileRule(r ruleset.Rule, global *allowList) ([]Rule, error) {
	var allow []allowList
	for _, a := range r.Allow {
		list, err := newAllowList(a)
		if err != nil {
			return nil, err
		}
		allow = append(allow, list)
	}
	patterns, err := compilePattern(loosened.Replace(r.Regex))
	if err != nil {
		return nil, err
	}
	out := make([]Rule, 0, len(patterns))
	for _, p := range patterns {
		p.group, p.entropy, p.allow, p.global = r.Group, r.Entropy, allow, global
		if wholes[r.ID] {
			p.group = -1
		}
		if strings.Contains(r.Regex, assigned) {
			p.needs = unlikeWords
		}
		out = append(out, p.rule(entityOf(r.ID)))
	}
	return out, nil
}

// compilePattern makes a pattern of each top alternative of a regular
// expression.
func compilePattern(source string) ([]*pattern, error) {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", source, err)
	}
	branches := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpAlternate {
		branches = tree.Sub
	}
	var out []*pattern
	for _, branch := range branches {
		branch = shape.StripLead(branch)
		p := &pattern{anchor: shape.FindAnchor(branch)}
		if len(p.anchor.Literals) == 0 {
			return nil, fmt.Errorf("%q has no literal to look for", branch)
		}
		if p.shape, err = shape.FromTree(branch); err != nil {
			return nil, err
		}
		p.fallback = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(branch.String()) })
		out = append(out, p)
	}
	return out, nil
}

func (p *pattern) rule(entity string) Rule {
	return Rule{
		Entity:   entity,
		Literals: p.anchor.Literals,
		Before:   p.anchor.Most + 1,
		After:    p.shape.Max() + 2,
		Score:    0.95,
		Find:     p.find,
		Open:     p.open,
	}
}

// find looks for the pattern where its literal stands at text[at:].
func (p *pattern) find(text []byte, at int) (start, end int, ok bool) {
	var m shape.Match
	for from := max(0, at-p.anchor.Most); from <= at-p.anchor.Least; from++ {
		switch p.shape.Match(text, from, &m) {
		case shape.Spent:
			if !p.ask(text, from, &m) {
				continue
			}
		case shape.No:
			continue
		}
		start, end = p.value(&m)
		for p.trim && end > start && strings.IndexByte(".,:)]}`", text[end-1]) >= 0 {
			end--
		}
		if end == start {
			return 0, 0, false
		}
		return start, end, p.accepts(text, start, end, &m)
	}
	return 0, 0, false
}

// open reports whether an attempt at this literal ran into the end of text.
func (p *pattern) open(text []byte, at int) bool {
	var m shape.Match
	for from := max(0, at-p.anchor.Most); from <= at-p.anchor.Least; from++ {
		p.shape.Match(text, from, &m)
		if m.Touched {
			return true
		}
	}
	return false
}

// ask lets RE2 decide where the shape ran out of steps: linear on any input.
func (p *pattern) ask(text []byte, from int, m *shape.Match) bool {
	window := text[from:min(len(text), from+p.shape.Max())]
	loc := p.fallback().FindSubmatchIndex(window)
	if loc == nil || loc[0] != 0 {
		return false
	}
	m.Start, m.End = from, from+loc[1]
	for i := range m.Groups {
		m.Groups[i] = -1
		if i < len(loc) && loc[i] >= 0 {
			m.Groups[i] = from + loc[i]
		}
	}
	return true
}

// value is the group that holds the secret: the one the rule names, else the
// first that took part, else all.
func (p *pattern) value(m *shape.Match) (start, end int) {
	if p.group > 0 && m.Groups[2*p.group] >= 0 {
		return m.Groups[2*p.group], m.Groups[2*p.group+1]
	}
	if p.group == 0 {
		for i := 2; i < len(m.Groups); i += 2 {
			if m.Groups[i] >= 0 && m.Groups[i+1] > m.Groups[i] {
				return m.Groups[i], m.Groups[i+1]
			}
		}
	}
	return m.Start, m.End
}

func (p *pattern) accepts(text []byte, start, end int, m *shape.Match) bool {
	value := text[start:end]
	if p.entropy > 0 && entropy(value) <= p.entropy || placeholder(value) {
		return false
	}
	if p.needs != nil && !p.needs(value) {
		return false
	}
	if p.global != nil && p.global.allows(text, start, end, m) {
		return false
	}
	for i := range p.allow {
		if p.allow[i].allows(text, start, end, m) {
			return false
		}
	}
	return true
}

// entityOf turns a rule's id into an entity's name.
func entityOf(id string) string {
	if name, ok := renamed[id]; ok {
		return name
	}
	return strings.ToUpper(strings.ReplaceAll(id, "-", "_"))
}

// renamed are the entities with a better known name than their rule's.
var renamed = map[string]string{
	"aws-access-token":                "AWS_ACCESS_KEY",
	"1password-secret-key":            "ONEPASSWORD_SECRET_KEY",
	"1password-service-account-token": "ONEPASSWORD_SERVICE_ACCOUNT_TOKEN",
	"jwt-base64":                      "JWT_BASE64",
}
