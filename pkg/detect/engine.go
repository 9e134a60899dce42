package detect

import (
	"fmt"
	"slices"
	"sync"

	"github.com/regent-proxy/regent/pkg/detect/injection"
	"github.com/regent-proxy/regent/pkg/detect/internal/numbering"
	"github.com/regent-proxy/regent/pkg/detect/secret"
)

// DefaultMaxHold is what a stream holds back for one token at most, in bytes.
const DefaultMaxHold = 512

// DefaultMinScore is the score below which nothing is reported.
const DefaultMinScore = 0.5

// Options choose what a set looks for. The zero value looks for everything but
// injection.
type Options struct {
	// MaxHold bounds what a stream holds back for one token, in bytes;
	// DefaultMaxHold where 0, at least 128. A longer run is cut at its last sign,
	// or at the bound, and decided piece by piece. A secret that has begun is held
	// until its end, at most its rule's reach (16 KiB).
	MaxHold int
	// Entities, where not empty, are the only ones looked for; Disable are left
	// out. Custom entities are named like all others.
	Entities, Disable []string
	// MinScore are the least scores to report, by entity; DefaultMinScore for
	// those not named.
	MinScore map[string]float64
	Custom   []Custom
	// Canaries are strings of the system prompt that must not come back. Each is
	// reported as CANARY, class exfiltration.
	Canaries []string
	// Injection adds prompt injection to what ScanAs looks for. Streams do not
	// look for it: the score is one of a whole text.
	Injection bool
	// Off looks for nothing, not even for custom entities.
	Off bool
}

// Set is what is looked for. It is immutable and safe for concurrent use.
type Set struct {
	options   Options
	maxHold   int
	chosen    map[string]bool // nil: all
	disabled  map[string]bool
	least     map[string]float64
	rules     []rule
	own       map[string]bool // the custom entities
	literals  *automaton
	free      []freePattern
	injection *injection.Detector
	scanners  sync.Pool
}

// rule is one kind of secret or term with the class it is reported in.
type rule struct {
	secret.Rule
	class Class
	near  *nearWords // of a custom entity's context; nil for none
}

// New makes a set. It fails where a custom entity cannot be compiled.
func New(o Options) (*Set, error) {
	s := &Set{options: o, maxHold: o.MaxHold, chosen: nameSet(o.Entities), disabled: nameSet(o.Disable), least: o.MinScore}
	s.scanners.New = func() any { return &scanner{set: s} }
	if s.maxHold <= 0 {
		s.maxHold = DefaultMaxHold
	}
	s.maxHold = max(s.maxHold, 128)
	if o.Off {
		s.chosen, s.literals = map[string]bool{}, newAutomaton(nil)
		return s, nil
	}
	if err := s.addRules(o); err != nil {
		return nil, err
	}
	var err error
	if o.Injection && s.wants("INJECTION") {
		if s.injection, err = injection.New(injection.Options{}); err != nil {
			return nil, err
		}
	}
	if s.wants("PHONE") {
		numbering.Load()
	}
	return s, nil
}

// With is a set that also looks for more custom entities, as [New] would make it
// of s's options with them; s stays as it is. A set that is off stays off.
func (s *Set) With(more []Custom) (*Set, error) {
	if len(more) == 0 || s.options.Off {
		return s, nil
	}
	o := s.options
	o.Custom = slices.Concat(o.Custom, more)
	return New(o)
}

// HasCustom reports whether the set looks for custom entities, which may be as
// short and plain as any word.
func (s *Set) HasCustom() bool { return len(s.own) > 0 }

func nameSet(names []string) map[string]bool {
	if len(names) == 0 {
		return nil
	}
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// wants reports whether an entity is looked for.
func (s *Set) wants(entity string) bool {
	return (s.chosen == nil || s.chosen[entity]) && (s.disabled == nil || !s.disabled[entity])
}

// accepts reports whether a finding is to be reported.
func (s *Set) accepts(entity string, score float64) bool {
	least := DefaultMinScore
	if len(s.least) > 0 {
		if own, ok := s.least[entity]; ok {
			least = own
		}
	}
	return score >= least && s.wants(entity)
}

// addRules collects the rules with literals and builds the automaton.
func (s *Set) addRules(o Options) error {
	secrets, err := secret.Rules()
	if err != nil {
		return err
	}
	for _, r := range secrets {
		if s.wants(r.Entity) {
			s.rules = append(s.rules, rule{Rule: r, class: Secret})
		}
	}
	if s.wants("GPS_COORDINATES") {
		s.rules = append(s.rules, rule{Rule: degreesRule(), class: PII})
	}
	for _, r := range []secret.Rule{imageRule(), referenceRule()} {
		if s.wants(r.Entity) {
			s.rules = append(s.rules, rule{Rule: r, class: Exfiltration})
		}
	}
	for _, c := range o.Canaries {
		if c != "" && s.wants("CANARY") {
			s.rules = append(s.rules, rule{Rule: term("CANARY", c, 1, false), class: Exfiltration})
		}
	}
	for i := range o.Custom {
		if err := s.addCustom(&o.Custom[i]); err != nil {
			return fmt.Errorf("custom entity %q: %w", o.Custom[i].Entity, err)
		}
	}
	var literals []literal
	for i := range s.rules {
		for _, l := range s.rules[i].Literals {
			literals = append(literals, literal{l, i})
		}
	}
	s.literals = newAutomaton(literals)
	return nil
}

// Scan appends what it finds in text, ordered and without overlaps. It keeps
// nothing of text. Prompt injection is ScanAs's to look for: it is an attack on
// who reads a text, so a request's, and its score depends on who speaks.
func (s *Set) Scan(text []byte, dst []Finding) []Finding {
	sc := s.scanners.Get().(*scanner)
	dst = sc.whole(text, dst)
	s.scanners.Put(sc)
	return dst
}

// ScanAs is Scan of a text in the role's name: user, tool and so on, the empty
// one where it is not known; and, where the options ask for it, for prompt
// injection, at most one finding, last, which may overlap the others.
func (s *Set) ScanAs(text []byte, role string, dst []Finding) []Finding {
	dst = s.Scan(text, dst)
	if s.injection == nil || len(text) == 0 {
		return dst
	}
	r := s.injection.Score(text, injection.Role(role))
	least, ok := s.least["INJECTION"]
	if !ok {
		least = injection.Likely
	}
	if r.Score < least {
		return dst
	}
	return append(dst, Finding{Start: r.Start, End: max(r.End, min(len(text), r.Start+1)), Entity: "INJECTION", Class: Injection, Score: r.Score})
}
