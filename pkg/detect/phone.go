package detect

import (
	"sync"

	"github.com/regent-proxy/regent/pkg/detect/internal/numbering"
)

// phoneStart reports a unit with the sign of a phone number before it, which
// bordered takes for the inside of something.
func (v *verifier) phoneStart(u *unit) bool {
	return u.start > v.from && (v.text[u.start-1] == '+' || v.text[u.start-1] == '(')
}

// phone tries a number of 7 to 15 digits. What is written with + is taken where
// its length fits the country; a national one needs a form that is hardly
// anything else, or words before it.
func (v *verifier) phone(r *run) {
	start := v.lead(r)
	if start < r.start && v.text[start] == '+' {
		v.international(r, start)
		return
	}
	if r.more && !r.sameSize() || r.within {
		return
	}
	if r.digits[0] == '0' && r.digits[1] == '0' && len(r.digits) >= 10 {
		v.exit(r, start)
		return
	}
	if len(r.digits) > 12 || r.dated() || r.sign == '.' && r.groups == 4 {
		return
	}
	base, region := v.national(r, start)
	if region == "" && base == 0 {
		v.named(r, start)
		return
	}
	if region == "" || valid(r, region) {
		v.add("PHONE", start, r.end, base, aboutPhone, base < 0.5)
		return
	}
	v.named(r, start)
}

// lead is where the number begins with the signs before its first digit.
func (v *verifier) lead(r *run) int {
	start := r.start
	if start > v.from && v.text[start-1] == '(' {
		start--
	}
	if start > v.from && v.text[start-1] == '+' && dialled(v.text, start-1) {
		start--
	}
	if start < r.start && v.text[start] == '(' && !v.parenthesised(r) {
		return r.start
	}
	return start
}

// parenthesised reports that the first group ends with a bracket.
func (v *verifier) parenthesised(r *run) bool {
	at := r.start + r.group(0)
	return r.groups > 1 && at < len(v.text) && v.text[at] == ')'
}

// international tries +CC…: the leading zero in brackets of +44 (0) 20 is none
// of the number.
func (v *verifier) international(r *run, start int) {
	if len(r.digits) < 8 || r.more && len(r.digits) < 10 || !dialled(v.text, start) {
		return
	}
	verdict := numbering.International(r.digits)
	if verdict == numbering.Impossible {
		return
	}
	score := 0.7
	if verdict == numbering.Valid {
		score = 0.9
	}
	if r.more {
		score -= 0.1
	}
	v.add("PHONE", start, r.end, score, aboutPhone, false)
}

// dialled is bordered for the plus of a number, which may end a path as well:
// wa.example/+44….
func dialled(text []byte, plus int) bool {
	return bordered(text, plus) || text[plus-1] == '/'
}

// labels are what address books write behind a number: 082 490 1693-Office.
var labels = map[string]bool{"office": true, "fax": true, "home": true, "mobile": true, "mob": true, "cell": true, "work": true, "phone": true, "tel": true, "main": true, "direct": true, "private": true, "privat": true, "buero": true, "bureau": true, "handy": true, "portable": true, "oficina": true, "casa": true, "ufficio": true, "kantoor": true, "thuis": true, "mobil": true, "movil": true, "fixe": true}

// labelled reports such a word behind text[:end], after a dash or in brackets.
func (v *verifier) labelled(end int) bool {
	from := end + 1
	if from+1 < len(v.text) && v.text[end] == ' ' && v.text[from] == '(' {
		from++
	} else if from >= len(v.text) || v.text[end] != '-' && v.text[end] != '/' {
		return false
	}
	var buf [9]byte
	n := 0
	for from+n < len(v.text) && kindOf[v.text[from+n]]&(isUpper|isLower|isWide|isDigit) != 0 {
		if n == len(buf) {
			return false
		}
		buf[n] = lower(v.text[from+n])
		n++
	}
	return labels[string(buf[:n])] && (from+n < len(v.text) || !v.full)
}

// prefixed reports that unit i is a country calling code: +44, or 1.
func (v *verifier) prefixed(i int) bool {
	u := &v.units[i]
	return u.start > v.from && v.text[u.start-1] == '+' || u.len() == 1 && v.text[u.start] == '1'
}

// exit tries 00CC….
func (v *verifier) exit(r *run, start int) {
	if numbering.International(r.digits[2:]) == numbering.Valid {
		v.add("PHONE", start, r.end, pick(r.plain(), 0.4, 0.65), aboutPhone, r.plain())
	}
}

// national judges the form of a number, and names the region whose numbers have
// it: none where every number of that form will do.
func (v *verifier) national(r *run, start int) (base float64, region string) {
	d := r.digits
	switch n := len(d); {
	case n == 10 && d[0] >= '2' && d[3] >= '2' && v.parenthesised(r) && r.shape == 0x334:
		return 0.75, ""
	case n == 10 && d[0] >= '2' && d[3] >= '2' && (r.shaped('-', 0x334) || r.shaped('.', 0x334)):
		return 0.7, ""
	case n == 11 && d[0] == '1' && r.shape == 0x1334 && r.sign != '/':
		return 0.65, "US"
	case n == 10 && r.shape == 0x22222 && d[0] == '0' && d[1] > '0' && r.sign != '/':
		return 0.75, ""
	case n == 10 && d[0] == '0' && d[1] > '1' && (r.shaped(' ', 0x3322) || r.shaped('.', 0x3322)):
		return 0.7, ""
	case n == 11 && d[0] == '0' && (r.shaped(' ', 0x56) || r.shaped(' ', 0x344) || r.shaped(' ', 0x434) || r.shaped(' ', 0x533)):
		return 0.6, "GB"
	case n >= 9 && d[0] == '0' && d[1] > '0' && r.groups == 2 && r.sign == '/' && r.group(0) >= 3:
		return 0.6, "DE"
	case n == 10 && d[0] == '0' && d[1] == '6' && r.shaped('-', 0x28):
		return 0.6, "NL"
	case v.parenthesised(r) && (r.shape == 0x244 || r.shape == 0x254) && valid(r, "BR"):
		return 0.6, "BR"
	case n == 11 && d[0] == '0' && r.shaped('-', 0x344) && d[1] != '0':
		return 0.6, "JP"
	case v.trunk(r) && validIn(r, trunkRegions()):
		return 0.6, ""
	}
	return 0, ""
}

// trunk reports a number with the zero that is dialled before an area, as
// hardly any other number is written: 030 123456, (02) 1234 5678, 0412 345 678.
func (v *verifier) trunk(r *run) bool {
	n, d := len(r.digits), r.digits
	if d[0] != '0' || d[1] == '0' || n < 9 || n > 12 || r.groups < 2 || r.groups > 4 || r.shape == 0x333 || r.shape == 0x324 {
		return false
	}
	if v.parenthesised(r) && r.start > v.from && v.text[r.start-1] == '(' {
		return true
	}
	if r.sign == '-' || r.sign == '.' {
		return r.group(0) >= 3 && r.sign == '-' && r.groups == 2 || r.shape == 0x433 || r.shape == 0x434
	}
	return r.group(0) >= 3 && r.sign == ' '
}

// validIn reports a number of one of the regions.
func validIn(r *run, list []*numbering.Region) bool {
	for _, region := range list {
		if region.Valid(r.digits) {
			return true
		}
	}
	return false
}

// regions are those tried for a number that words say is a phone's.
var regions = plansOf("US", "GB", "FR", "DE", "IT", "ES", "NL", "BE", "CH", "AT", "PL", "PT", "IE", "AU", "IN", "BR", "MX", "SE", "DK", "NO", "FI", "CZ", "GR", "HU", "RO", "ZA", "NZ", "JP", "TR")

// trunkRegions are those with a zero before areas, and lengths that say
// something: Italy's are anything.
var trunkRegions = plansOf("GB", "DE", "AT", "AU", "NL", "BE", "CH", "IE", "SE", "ZA", "NZ")

// plansOf finds the plans of regions when they are first asked for.
func plansOf(names ...string) func() []*numbering.Region {
	return sync.OnceValue(func() (list []*numbering.Region) {
		for _, name := range names {
			if r := numbering.Find(name); r != nil {
				list = append(list, r)
			}
		}
		return list
	})
}

// named tries a number of no telling form after words for phone.
func (v *verifier) named(r *run, start int) {
	short := r.shaped('-', 0x34) || r.shaped(' ', 0x34)
	if len(r.digits) < 8 && !short || r.sign == 1 && r.groups > 5 || r.plain() && len(r.digits) == 8 && stampedDay(r.digits) {
		return
	}
	v.look(start)
	near := v.near.about(aboutPhone)
	if near < 0.5 && !r.labelled {
		return
	}
	v.work += len(regions())
	if validIn(r, regions()) {
		v.add("PHONE", start, r.end, 0.45+0.01*float64(len(r.digits)), aboutPhone, !r.labelled)
		return
	}
	if short || r.sign == ' ' && len(r.digits) >= 9 && len(r.digits) <= 11 && r.groups <= 5 {
		v.add("PHONE", start, r.end, pick(r.labelled, 0.6, 0.4), aboutPhone, !r.labelled)
	}
}

func valid(r *run, region string) bool {
	plan := numbering.Find(region)
	return plan != nil && plan.Valid(r.digits)
}

// dated reports the form of a date.
func (r *run) dated() bool {
	return r.shape == 0x422 || r.shape == 0x224 || r.shape == 0x412 || r.shape == 0x421 || len(r.digits) >= 8 && r.sign == 1 && r.group(0) == 4 && r.group(1) == 2
}

// sameSize reports groups of one size: those that follow may be of them.
func (r *run) sameSize() bool { return r.groups > 1 && r.group(0) == r.group(r.groups-1) }
