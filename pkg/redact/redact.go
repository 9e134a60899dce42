// Package redact makes what stands in for a sensitive value.
//
// The verbs are policy's words: label, mask, hash, drop, pseudonym. A stand-in depends on
// the value and the key alone, so every replica makes the same one.
package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Verb says how a value is hidden.
const (
	Label = "label" // [EMAIL]
	Mask  = "mask"  // ************1111: letters and digits but the last four
	Hash  = "hash"  // [EMAIL:5e884898da28]: keyed, the same for the same value
	Drop  = "drop"  // nothing
)

// Verbs are the known verbs.
var Verbs = []string{Label, Mask, Hash, Drop, Pseudonym}

// Scope is what a stand-in depends on beside the value: hashes and pseudonyms of
// one tenant cannot be joined with another's, nor pseudonyms of one conversation,
// where it has an id that all its calls state.
type Scope struct{ Tenant, Conversation string }

// Redactor makes stand-ins. It is immutable and safe for concurrent use.
type Redactor struct{ key []byte }

// New makes a redactor. key keys the hashes: 16 bytes or more, the same on all
// replicas; without one a process makes its own, and hashes differ between
// processes.
func New(key []byte) (*Redactor, error) {
	if len(key) < 16 {
		return nil, fmt.Errorf("the redaction key has %d bytes; it needs 16 or more", len(key))
	}
	return &Redactor{key: append([]byte(nil), key...)}, nil
}

// Replace is what stands in for value, an entity found in a text. An empty or
// unknown verb labels: hiding never fails.
func (r *Redactor) Replace(verb, entity, value string, scope Scope) string {
	switch verb {
	case Mask:
		return mask(value)
	case Hash:
		return "[" + entity + ":" + r.hash(entity, value, scope) + "]"
	case Drop:
		return ""
	}
	return "[" + entity + "]"
}

func (r *Redactor) hash(entity, value string, scope Scope) string {
	h := hmac.New(sha256.New, r.key)
	fmt.Fprintf(h, "%q %q ", scope.Tenant, entity)
	h.Write([]byte(value))
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// mask hides all letters and digits but the last four, and those too where
// fewer than eight would be hidden: a mask must not give most of a value away.
func mask(value string) string {
	shown := 4
	if n := countWord(value); n < 12 {
		shown = 0
	}
	left := countWord(value) - shown
	var b strings.Builder
	b.Grow(len(value))
	for _, c := range value {
		if isWord(c) && left > 0 {
			left--
			c = '*'
		}
		b.WriteRune(c)
	}
	return b.String()
}

func countWord(s string) int {
	n := 0
	for _, c := range s {
		if isWord(c) {
			n++
		}
	}
	return n
}

func isWord(c rune) bool {
	return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c))
}
