package detect

import (
	"bytes"
	"regexp"
	"sort"
)

// Options choose what a set looks for.
type Options struct {
	// MaxHold bounds what a stream holds back for one token, in bytes; 512 where
	// 0. A longer run without a border is decided as if it ended there.
	MaxHold int
}

// Set is what is looked for. It is immutable and safe for concurrent use.
type Set struct{ maxHold int }

// New makes a set.
func New(o Options) (*Set, error) {
	if o.MaxHold <= 0 {
		o.MaxHold = 512
	}
	return &Set{maxHold: o.MaxHold}, nil
}

// kind is one entity: a pattern tried only on tokens with its trigger byte, and
// a check of what it matched.
type kind struct {
	entity  string
	class   Class
	trigger func(flags byte) bool
	literal string // must occur; "" where none need
	pattern *regexp.Regexp
	check   func(match []byte) bool
	score   float64
}

const (
	hasAt = 1 << iota
	hasDigit
	hasUpper
)

var kinds = []kind{
	{"EMAIL", PII, func(f byte) bool { return f&hasAt != 0 }, "@", regexp.MustCompile(`[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24}`), nil, 1},
	{"CREDIT_CARD", PII, func(f byte) bool { return f&hasDigit != 0 }, "", regexp.MustCompile(`\b[3-6]\d{3}(?:[ \-]?\d){8,15}\b`), card, 1},
	{"IBAN", PII, func(f byte) bool { return f&(hasDigit|hasUpper) == hasDigit|hasUpper }, "", regexp.MustCompile(`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b`), iban, 1},
	{"AWS_ACCESS_KEY", Secret, func(f byte) bool { return f&hasUpper != 0 }, "IA", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`), nil, 1},
	{"GITHUB_TOKEN", Secret, func(f byte) bool { return true }, "gh", regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}\b`), nil, 1},
	{"OPENAI_API_KEY", Secret, func(f byte) bool { return true }, "sk-", regexp.MustCompile(`\bsk-[A-Za-z0-9_\-]{32,200}\b`), nil, 1},
}

// longest is the end of the longest match that checks: what follows a number may
// look like more of it. It is start where none does.
func (k *kind) longest(t []byte, start, end int) int {
	if k.check == nil {
		return end
	}
	for ; end > start; end-- {
		if (end == len(t) || !isWord(t[end])) && isWord(t[end-1]) && k.check(t[start:end]) {
			return end
		}
	}
	return start
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// wordLen is the length of the word that t begins with, at least 1.
func wordLen(t []byte) int {
	n := 0
	for n < len(t) && isWord(t[n]) {
		n++
	}
	return max(n, 1)
}

func card(match []byte) bool {
	sum, n := 0, 0
	for i := len(match) - 1; i >= 0; i-- {
		c := match[i]
		if c < '0' || c > '9' {
			continue
		}
		d := int(c - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		n++
	}
	return n >= 13 && n <= 19 && sum%10 == 0
}

// iban checks ISO 7064 MOD 97-10.
func iban(match []byte) bool {
	compact := bytes.ReplaceAll(match, []byte(" "), nil)
	if len(compact) < 15 || len(compact) > 34 {
		return false
	}
	rest := 0
	for _, c := range append(append([]byte(nil), compact[4:]...), compact[:4]...) {
		if c >= '0' && c <= '9' {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A'+10)) % 97
		}
	}
	return rest == 1
}

// Scan appends what it finds in text, ordered and without overlaps.
func (s *Set) Scan(text []byte, dst []Finding) []Finding {
	dst, _ = s.scan(text, 0, true, dst)
	return dst
}

// scan looks into the tokens of text, and returns where the first token begins
// that is still open.
func (s *Set) scan(text []byte, base int64, end bool, dst []Finding) ([]Finding, int) {
	at := 0
	for at < len(text) {
		stop, flags, closed := token(text[at:])
		if !closed && !end && stop < s.maxHold {
			return dst, at
		}
		dst = scanToken(text[at:at+stop], base+int64(at), flags, dst)
		at += stop
		for at < len(text) && isSpace(text[at]) {
			at++
		}
	}
	return dst, at
}

// token is the length of the run at the start of text that a match could lie
// in: words joined by single spaces where digits stand on both sides.
func token(text []byte) (n int, flags byte, closed bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case isSpace(c):
			if flags&hasDigit == 0 || c != ' ' {
				return i, flags, true
			}
			if i+1 == len(text) {
				return i, flags, false
			}
			if next := text[i+1]; !(next >= '0' && next <= '9' || next >= 'A' && next <= 'Z') {
				return i, flags, true
			}
		case c >= '0' && c <= '9':
			flags |= hasDigit
		case c == '@':
			flags |= hasAt
		case c >= 'A' && c <= 'Z':
			flags |= hasUpper
		}
	}
	return len(text), flags, false
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func scanToken(t []byte, base int64, flags byte, dst []Finding) []Finding {
	first := len(dst)
	for i := range kinds {
		k := &kinds[i]
		if !k.trigger(flags) || k.literal != "" && !bytes.Contains(t, []byte(k.literal)) {
			continue
		}
		for at := 0; at < len(t); {
			m := k.pattern.FindIndex(t[at:])
			if m == nil {
				break
			}
			start, end := at+m[0], k.longest(t, at+m[0], at+m[1])
			if end == start {
				at += m[0] + wordLen(t[start:])
				continue
			}
			dst = append(dst, Finding{Start: int(base) + start, End: int(base) + end, Entity: k.entity, Class: k.class, Score: k.score})
			at = end
		}
	}
	return resolve(dst, first)
}

// resolve orders the findings from first on, and drops those that overlap an
// earlier or longer one.
func resolve(dst []Finding, first int) []Finding {
	if len(dst)-first < 2 {
		return dst
	}
	list := dst[first:]
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].Start != list[j].Start {
			return list[i].Start < list[j].Start
		}
		return list[i].End > list[j].End
	})
	out := dst[:first]
	for _, f := range list {
		if n := len(out); n > first && f.Start < out[n-1].End {
			continue
		}
		out = append(out, f)
	}
	return out
}

// Stream scans a running text. Not safe for concurrent use.
type Stream struct {
	set  *Set
	open []byte // the token that is still open
	base int64  // where it begins
}

// NewStream begins a running text.
func (s *Set) NewStream() *Stream { return &Stream{set: s} }

// Push takes the next piece of the text. Findings' offsets are those of the
// whole text; all before settled can no longer become part of a later finding.
// With end the text is over, and the stream ready for another that goes on at
// the same offset.
func (st *Stream) Push(chunk []byte, end bool, dst []Finding) (findings []Finding, settled int64) {
	st.open = append(st.open, chunk...)
	findings, n := st.set.scan(st.open, st.base, end, dst)
	st.base += int64(n)
	st.open = append(st.open[:0], st.open[n:]...)
	return findings, st.base
}
