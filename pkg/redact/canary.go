package redact

import "slices"

// Canary is a mark that is put into a system prompt and must not come back. It
// depends on the key, the scope and the prompt alone, so replicas and turns agree.
// It is read only once made, but its scans are not safe for concurrent use.
type Canary struct {
	mark  string
	known Pseudonyms
}

// Canary makes the mark of a system prompt.
func (r *Redactor) Canary(prompt string, scope Scope) *Canary {
	c := r.code("canary", prompt, scope)
	back := c
	slices.Reverse(back[:])
	of := original{entity: "REF"}
	return &Canary{mark: "\n\n<!-- REF_" + string(c[:]) + " -->", known: Pseudonyms{byCode: map[code]original{c: of, back: of}}}
}

// Mark is the text to put at the prompt's end.
func (c *Canary) Mark() string { return c.mark }

// Scan appends where text holds the mark's code, also written in the ways that
// [Pseudonyms.Scan] sees through, or backwards. The Matches have no values.
func (c *Canary) Scan(text []byte, dst []Match) []Match { return c.known.Scan(text, dst) }

// NewRestorer begins a running text in which the mark is looked for.
func (c *Canary) NewRestorer() *Restorer { return c.known.NewRestorer() }
