// Package ruleset is the form of a set of secret rules between the generator
// that writes it and the scanner that reads it: one JSON value a line, the
// head first, then the rules.
package ruleset

import (
	"encoding/json"
	"fmt"
	"io"
)

// Set is a rule file: what holds for every rule, and the rules.
type Set struct {
	Source string // the module and version it was made from
	Allow  Allow
	Rules  []Rule `json:",omitempty"`
}

// Rule is one kind of secret.
type Rule struct {
	ID          string
	Description string
	Regex       string   // RE2
	Entropy     float64  `json:",omitempty"` // bits a byte a value must exceed; 0 asks for none
	Group       int      `json:",omitempty"` // capture group of the value; 0: the first that took part, else the match
	Keywords    []string // lower case; one must be near
	Allow       []Allow  `json:",omitempty"`
}

// Allow says what is no secret although a rule matches.
type Allow struct {
	Target    string   `json:",omitempty"` // what Regexes look at: "" the value, "match", "line"
	Regexes   []string `json:",omitempty"`
	StopWords []string `json:",omitempty"` // lower case; found anywhere in the value
}

// Read parses what the generator wrote.
func Read(r io.Reader) (Set, error) {
	dec := json.NewDecoder(r)
	var set Set
	if err := dec.Decode(&set); err != nil {
		return Set{}, fmt.Errorf("read the head of the rule set: %w", err)
	}
	for {
		var rule Rule
		err := dec.Decode(&rule)
		if err == io.EOF {
			return set, nil
		}
		if err != nil {
			return Set{}, fmt.Errorf("read rule %d of the rule set: %w", len(set.Rules), err)
		}
		set.Rules = append(set.Rules, rule)
	}
}
