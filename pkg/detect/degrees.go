package detect

import (
	"bytes"

	"github.com/regent-proxy/regent/pkg/detect/secret"
)

// Coordinates with signs for degrees, such as 48°51'24"N 2°21'03"E, N 48°
// 51.4', E 2° 21.05' and 48.8566° N, 2.3522° E, are no token: their quotes end
// tokens. So they are a rule with a literal, like secrets: the sign for degrees.

// maxDegrees is how many bytes a pair of coordinates has at most behind its
// first sign for degrees, and beforeDegrees before it: N and 48.12345678.
const (
	maxDegrees    = 72
	beforeDegrees = 16
)

// degreesRule finds a latitude and a longitude, either first.
func degreesRule() secret.Rule {
	return secret.Rule{
		Entity: "GPS_COORDINATES", Literals: []string{"°"}, Before: beforeDegrees, After: maxDegrees, Score: 0.9,
		Find: func(text []byte, at int) (start, end int, ok bool) {
			p := degreesAt(text, at)
			return p.start, p.at, p.pair()
		},
		Open: func(text []byte, at int) bool {
			if len(text)-at >= maxDegrees {
				return false
			}
			p := degreesAt(text, at)
			p.pair()
			return p.touched
		},
	}
}

// degrees reads a pair of coordinates.
type degrees struct {
	text    []byte
	start   int  // of the pair
	at      int  // next byte
	touched bool // the end of text was asked about
}

// degreesAt goes back from the sign for degrees at text[at:] to where the
// coordinate begins.
func degreesAt(text []byte, at int) degrees {
	limit := max(0, at-beforeDegrees)
	start := at
	for start > limit && (kindOf[text[start-1]]&isDigit != 0 || text[start-1] == '.') {
		start--
	}
	begin := start
	for begin > limit && text[begin-1] == ' ' && start-begin < 2 {
		begin--
	}
	if begin > limit && isHemisphere(text[begin-1]) && (begin == 1 || bordered(text, begin-1)) {
		start = begin - 1
	} else if start > limit && text[start-1] == '-' {
		start--
	}
	return degrees{text: text[:min(len(text), at+maxDegrees)], start: start, at: start}
}

// isHemisphere reports N, S, E, W, and the O of Ouest, Ost and Oeste.
func isHemisphere(c byte) bool { return bytes.IndexByte([]byte("NSEWO"), c) >= 0 }

// pair reads both coordinates.
func (p *degrees) pair() bool {
	if !bordered(p.text, p.start) {
		return false
	}
	first, ok := p.coordinate()
	if !ok {
		return false
	}
	for n := 0; n < 4 && p.more() && bytes.IndexByte([]byte(" ,;/"), p.text[p.at]) >= 0; n++ {
		p.at++
	}
	second, ok := p.coordinate()
	return ok && first != second
}

// coordinate reads one, and tells whether it is a latitude.
func (p *degrees) coordinate() (latitude, ok bool) {
	side := p.hemisphere()
	if side != 0 {
		p.blanks()
	} else if p.more() && p.text[p.at] == '-' {
		p.at++
	}
	most := 180
	whole, digits := p.number()
	if digits == 0 || digits > 3 {
		return false, false
	}
	p.blanks()
	if !p.sign("°", "º") {
		return false, false
	}
	p.blanks()
	if n, digits := p.number(); digits > 0 { // minutes
		p.blanks()
		if n >= 60 || !p.sign("'", "′", "’", "´", "`") {
			return false, false
		}
		p.blanks()
		if n, digits := p.number(); digits > 0 { // seconds
			p.blanks()
			if n >= 60 || !p.sign("\"", "″", "”", "''", "′′", "’’", "\\\"") {
				return false, false
			}
		}
	}
	if side == 0 {
		p.blanks()
		if side = p.hemisphere(); side == 0 {
			return false, false
		}
		if p.more() && kindOf[p.text[p.at]]&(isUpper|isLower|isDigit) != 0 {
			return false, false
		}
	}
	if latitude = side == 'N' || side == 'S'; latitude {
		most = 90
	}
	return latitude, whole <= most
}

// more reports another byte.
func (p *degrees) more() bool {
	p.touched = p.touched || p.at >= len(p.text)
	return p.at < len(p.text)
}

func (p *degrees) blanks() {
	for n := 0; n < 2 && p.more() && p.text[p.at] == ' '; n++ {
		p.at++
	}
}

// number reads digits and their decimals: its whole part, and how many digits
// that has.
func (p *degrees) number() (whole, digits int) {
	for p.more() && kindOf[p.text[p.at]]&isDigit != 0 && digits < 4 {
		whole = whole*10 + int(p.text[p.at]-'0')
		p.at++
		digits++
	}
	if digits > 0 && p.more() && p.text[p.at] == '.' {
		p.at++
		for n := 0; n < 10 && p.more() && kindOf[p.text[p.at]]&isDigit != 0; n++ {
			p.at++
		}
	}
	return whole, digits
}

// sign reads one of the signs, the longest.
func (p *degrees) sign(list ...string) bool {
	best := 0
	rest := p.text[p.at:]
	for _, s := range list {
		n := min(len(s), len(rest))
		if string(rest[:n]) != s[:n] {
			continue
		}
		if n < len(s) {
			p.touched = true
		} else {
			best = max(best, n)
		}
	}
	p.at += best
	return best > 0
}

// hemisphere reads its letter, 0 where there is none.
func (p *degrees) hemisphere() byte {
	if p.more() && isHemisphere(p.text[p.at]) {
		p.at++
		return p.text[p.at-1]
	}
	return 0
}
