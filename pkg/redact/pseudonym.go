package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
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
type Pseudonyms struct{ byCode map[string]original }

type original struct{ entity, value string }

// Empty reports whether there is nothing to restore.
func (p *Pseudonyms) Empty() bool { return p == nil || len(p.byCode) == 0 }

// Pseudonym is the stand-in for value, remembered in p: EMAIL_k7qw2m9d, or, so
// that tools which want an address get one, email-k7qw2m9d@example.com.
func (r *Redactor) Pseudonym(p *Pseudonyms, entity, value string, scope Scope) string {
	code := r.code(entity, value, scope)
	if p.byCode == nil {
		p.byCode = map[string]original{}
	}
	if _, known := p.byCode[code]; !known && len(p.byCode) >= maxPseudonyms {
		return r.Replace(Label, entity, value, scope)
	}
	p.byCode[code] = original{entity, value}
	if entity == "EMAIL" {
		return "email-" + code + standInDomain
	}
	return entity + "_" + code
}

const standInDomain = "@example.com"

func (r *Redactor) code(entity, value string, scope Scope) string {
	h := hmac.New(sha256.New, r.key)
	fmt.Fprintf(h, "pseudonym %q %q ", scope.Tenant, entity)
	h.Write([]byte(value))
	sum := h.Sum(nil)
	var code [codeLen]byte
	for i := range code {
		code[i] = alphabet[sum[i]&31]
	}
	code[0] = alphabet[10+sum[0]%22] // a letter: a code is never a number
	return string(code[:])
}

// Match is a stand-in found in a text: bytes [Start, End), and the value that
// belongs there.
type Match struct {
	Start, End int
	Entity     string
	Value      string
}

// Scan appends the stand-ins in text. It sees through what models do to them:
// other case, other or escaped separators, a dropped name, a plural.
func (p *Pseudonyms) Scan(text []byte, dst []Match) []Match {
	dst, _ = p.scan(text, 0, true, dst)
	return dst
}

// scan looks into the runs of text, and returns where the last one begins if
// more of it may come.
func (p *Pseudonyms) scan(text []byte, base int, end bool, dst []Match) ([]Match, int) {
	for at := 0; at < len(text); {
		if !inRun(text[at]) {
			at++
			continue
		}
		stop := at
		for stop < len(text) && stop-at < maxRun && inRun(text[stop]) {
			stop++
		}
		if stop == len(text) && !end && stop-at < maxRun {
			return dst, at
		}
		dst = p.scanRun(text[at:stop], base+at, dst)
		at = stop
	}
	return dst, len(text)
}

// maxRun bounds what a restorer holds back, in bytes. A longer run is read in
// pieces of that length: a stand-in that lies across two of them is not seen.
const maxRun = 128

// inRun reports whether a stand-in may hold c.
func inRun(c byte) bool { return isAlnum(c) || isSeparator(c) || c == '@' || c == '.' }

func isSeparator(c byte) bool { return c == '_' || c == '-' || c == '\\' }

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// scanRun finds the stand-ins of one run of letters, digits and separators.
func (p *Pseudonyms) scanRun(run []byte, base int, dst []Match) []Match {
	done := 0
	for at := 0; at < len(run); {
		if !isAlnum(run[at]) {
			at++
			continue
		}
		stop := at
		for stop < len(run) && isAlnum(run[stop]) {
			stop++
		}
		if start, end, found := p.code(run[at:stop]); found != nil {
			start, end = widen(run, done, at+start, at+end, found.entity)
			dst = append(dst, Match{Start: base + start, End: base + end, Entity: found.entity, Value: found.value})
			done, stop = end, max(stop, end)
		}
		at = stop
	}
	return dst
}

// code finds a known code at the end or the beginning of a word.
func (p *Pseudonyms) code(word []byte) (start, end int, found *original) {
	n := len(word)
	if n < codeLen {
		return 0, 0, nil
	}
	for _, at := range [2]int{n - codeLen, 0} {
		if o, ok := p.byCode[strings.ToLower(string(word[at:at+codeLen]))]; ok {
			return at, at + codeLen, &o
		}
	}
	return 0, 0, nil
}

// widen takes the entity's name before the code into the match, and the domain
// behind it.
func widen(run []byte, least, start, end int, entity string) (int, int) {
	at, name := start, entity
	for at > least && name != "" {
		c := run[at-1]
		if isSeparator(c) {
			at--
			continue
		}
		last := name[len(name)-1]
		if last == '_' {
			name = name[:len(name)-1]
			continue
		}
		if lower(c) != lower(last) {
			break
		}
		at--
		name = name[:len(name)-1]
	}
	if name == "" {
		start = at
	}
	if rest := run[end:]; len(rest) >= len(standInDomain) && bytes.EqualFold(rest[:len(standInDomain)], []byte(standInDomain)) {
		end += len(standInDomain)
	}
	return start, end
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Restorer finds stand-ins in a running text. Not safe for concurrent use.
type Restorer struct {
	p    *Pseudonyms
	open []byte
	base int64
}

// NewRestorer begins a running text.
func (p *Pseudonyms) NewRestorer() *Restorer { return &Restorer{p: p} }

// Push takes the next piece of the text. Matches' offsets are those of the whole
// text; all before settled can no longer become part of a later match. With end
// the text is over; another may follow at the same offset.
func (r *Restorer) Push(chunk []byte, end bool, dst []Match) (matches []Match, settled int64) {
	r.open = append(r.open, chunk...)
	matches, n := r.p.scan(r.open, int(r.base), end, dst)
	r.base += int64(n)
	r.open = append(r.open[:0], r.open[n:]...)
	return matches, r.base
}
