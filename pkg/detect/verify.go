package detect

import (
	"hash"
	"slices"
)

// verifier looks into one token. It keeps its buffers from token to token.
type verifier struct {
	set   *Set
	text  []byte // ends with the token
	from  int    // where the token begins
	full  bool   // the token was cut within a word
	units []unit
	code  [40]byte // one that is being checked, without its blanks
	// digits are room for those of a number.
	digits [maxDigits + 8]byte
	near   surroundings
	keccak hash.Hash // for addresses of Ethereum; nil before the first
	sum    [32]byte  // room for its sum
	out    []Finding
	// phoned is where the last phone that was found ends: another may follow it.
	phoned int
	work   int // steps taken, for the tests that hold it to the length of a text
}

// token appends what personal data the token text[from:] holds, overlaps and
// all.
func (v *verifier) token(set *Set, text []byte, from int, flags uint16, dst []Finding) []Finding {
	v.set, v.text, v.from, v.out = set, text, from, dst
	v.work += len(text) - from
	if flags&isAt != 0 {
		v.emails()
	}
	if flags&isColon != 0 {
		v.colons(flags)
	}
	if len(text)-from >= leastBlob && flags&isDigit != 0 { // as nearly all that long have
		v.blob()
	}
	if flags&isDigit != 0 && promising(text[from:], isDigit, leastDigits) || flags&isUpper != 0 && promising(text[from:], isUpper, leastCapitals) {
		v.units = split(text, from, v.units[:0])
		for i := range v.units {
			v.unit(i)
		}
	}
	dst, v.out, v.text = v.out, nil, nil
	return dst
}

// Least counts of what a value has that is no address: a date's four digits,
// or six capitals of a BIC.
const (
	leastDigits   = 4
	leastCapitals = 6
)

// promising reports a token that has the least count of bytes of a kind, so is
// worth being taken apart.
func promising(token []byte, kind uint16, least int) bool {
	for _, c := range token {
		if kindOf[c]&kind != 0 {
			if least--; least == 0 {
				return true
			}
		}
	}
	return false
}

// unit tries what may begin with the i-th unit.
func (v *verifier) unit(i int) {
	u := &v.units[i]
	if at := u.start - 2; at >= v.from && (v.text[at+1] == '-' || v.text[at+1] == '.') && kindOf[v.text[at]]&isWord != 0 {
		return // the usual inside of a number, a name, an address
	}
	if !bordered(v.text, u.start) && !v.phoneStart(u) && !v.slashed(u.start) {
		return
	}
	if n := u.len(); (n == 2 || n == 4) && i+1 < len(v.units) && (v.units[i+1].gap == '-' || v.units[i+1].gap == '.') {
		v.hardware(i)
	}
	if u.digits() {
		v.numbers(i)
		v.date(i)
	} else if u.kind&isDigit == 0 && monthOf(v.text[u.start:u.end]) > 0 || u.kind&isDigit != 0 && u.len() <= 4 && v.ordinal(u) {
		v.date(i)
	}
	if u.kind&isWide == 0 && u.kind&(isUpper|isDigit) != 0 {
		v.codes(i)
	}
}

// add reports text[start:end] with a score of base, raised where the subject's
// words stand before it and lowered where others do. With need it is dropped
// without such words.
func (v *verifier) add(entity string, start, end int, base float64, about subject, need bool) {
	if !v.set.wants(entity) {
		return
	}
	v.look(start)
	near := v.near.about(about)
	if need && near == 0 {
		return
	}
	if near > 0 {
		base += 0.2 + 0.15*near
	}
	if other := v.near.about(subjects); other > near && other > unlikeReach {
		base -= 0.3
	}
	v.report(entity, PII, start, end, min(base, 1))
}

// unlikeReach is how close a word that lowers a score must be: in the half of
// the reach that is nearer.
const unlikeReach = 0.75

// look reads the context before text[at:].
func (v *verifier) look(at int) { v.work += v.near.read(v.text, at) }

func (v *verifier) report(entity string, class Class, start, end int, score float64) {
	if v.set.accepts(entity, score) {
		v.out = append(v.out, Finding{Start: start, End: end, Entity: entity, Class: class, Score: score})
		if entity == "PHONE" {
			v.phoned = end
		}
	}
}

// joined copies the units from i on, without what stands between them, until
// they have at least n bytes, and returns the last unit taken. Only the gaps
// given may stand between.
func (v *verifier) joined(i, n int, gaps string, buf []byte) ([]byte, int) {
	if v.units[i].len() > n {
		return nil, i
	}
	v.work++
	buf = append(buf, v.text[v.units[i].start:v.units[i].end]...)
	for len(buf) < n && i+1 < len(v.units) {
		next := &v.units[i+1]
		if !oneOf(next.gap, gaps) || len(buf)+next.len() > n {
			break
		}
		buf = append(buf, v.text[next.start:next.end]...)
		i++
	}
	return buf, i
}

func oneOf(c uint8, list string) bool {
	for i := range len(list) {
		if list[i] == c {
			return true
		}
	}
	return false
}

// closes reports whether unit i can be the end of a value.
func (v *verifier) closes(i int) bool { return v.closesAt(v.units[i].end) }

// closesAt is closes for any place.
func (v *verifier) closesAt(end int) bool { return closed(v.text, end, v.full) }

func all(b []byte, kind uint16) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return kindOf[c]&kind == 0 })
}
