package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
)

// Pseudonym is the verb that puts a stand-in in a value's place which the
// response gets back restored.
const Pseudonym = "pseudonym"

// codeLen is the length of the part of a stand-in that tells it apart: 40 bits,
// in an alphabet whose letters are not taken for one another.
const codeLen = 8

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base 32

// maxPseudonyms bounds the stand-ins of one call; a value beyond it gets a label,
// which is not restored.
const maxPseudonyms = 4096

// Pseudonyms are the stand-ins of one call and what they stand for. A call makes
// them anew from its request, which carries the whole conversation: the same key,
// tenant and value always give the same stand-in, so replicas and turns agree
// without a memory of their own. Not safe for concurrent use.
type Pseudonyms struct {
	byCode map[code]original
	finder *finder // of the stand-ins so far; nil where there are new ones
}

// code is what tells a stand-in apart, in lower case.
type code [codeLen]byte

type original struct{ entity, value string }

// Empty reports whether there is nothing to restore.
func (p *Pseudonyms) Empty() bool { return p == nil || len(p.byCode) == 0 }

// Pseudonym is the stand-in for value, remembered in p: EMAIL_k7qw2m9d, or, so
// that tools which want an address get one, email-k7qw2m9d@example.com.
func (r *Redactor) Pseudonym(p *Pseudonyms, entity, value string, scope Scope) string {
	c := r.code(entity, value, scope)
	if p.byCode == nil {
		p.byCode = map[code]original{}
	}
	if _, known := p.byCode[c]; !known && len(p.byCode) >= maxPseudonyms {
		return r.Replace(Label, entity, value, scope)
	}
	p.byCode[c], p.finder = original{entity, value}, nil
	if entity == "EMAIL" {
		return "email-" + string(c[:]) + standInDomain
	}
	return entity + "_" + string(c[:])
}

const standInDomain = "@example.com"

func (r *Redactor) code(entity, value string, scope Scope) code {
	h := hmac.New(sha256.New, r.key)
	fmt.Fprintf(h, "pseudonym %q %q %q ", scope.Tenant, scope.Conversation, entity)
	h.Write([]byte(value))
	sum := h.Sum(nil)
	var c code
	for i := range c {
		c[i] = alphabet[sum[i]&31]
	}
	c[0] = alphabet[10+sum[0]%22] // a letter: a code is never a number
	return c
}
