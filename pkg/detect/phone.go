package detect

import (
	"bytes"
	"sync"

	"github.com/regent-proxy/regent/pkg/detect/internal/numbering"
)

// phoneStart reports a unit with the sign of a phone number before it, which
// bordered takes for the inside of something.
func (v *verifier) phoneStart(u *unit) bool {
	return u.start > v.from && (v.text[u.start-1] == '+' || v.text[u.start-1] == '(' || v.text[u.start-1] == '/' && u.len() >= 2 && v.text[u.start] == '0' && v.text[u.start+1] == '0')
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
	if r.more && !r.sameSize() || r.within || r.lead == '.' && r.group(0) == 1 && r.digits[0] == '0' { // 0.0529711 11.1995
		return
	}
	if r.digits[0] == '0' && r.digits[1] == '0' && len(r.digits) >= 10 && v.exit(r, start) {
		return
	}
	if len(r.digits) > 13 || r.dated() || r.sign == '.' && v.dotted(r) {
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
	v.add("PHONE", start, r.end, score, aboutPhone, r.plain() && v.argument(start))
}

// argument reports that text[start:] is what a function is called with, so +1 may
// be a number like any other: time.Unix(+9876543210).
func (v *verifier) argument(start int) bool {
	return start >= 2 && v.text[start-1] == '(' && kindOf[v.text[start-2]]&(isLower|isUpper|isDigit) != 0
}

// dialled is bordered for the plus of a number, which may end a path as well:
// wa.example/+44….
func dialled(text []byte, plus int) bool {
	return bordered(text, plus) || text[plus-1] == '/'
}

// labels are what address books write behind a number: 082 490 1693-Office.
var labels = map[string]bool{"office": true, "fax": true, "home": true, "mobile": true, "mob": true, "cell": true, "work": true, "phone": true, "tel": true, "main": true, "direct": true, "private": true, "privat": true, "buero": true, "bureau": true, "handy": true, "portable": true, "oficina": true, "casa": true, "ufficio": true, "kantoor": true, "thuis": true, "mobil": true, "movil": true, "fixe": true, "telefon": true, "telephone": true, "telefono": true, "telefoon": true}

// labelStarts are the first two letters of all labels: bit b of entry a, both by
// their five low bits.
var labelStarts = func() (starts [32]uint32) {
	for label := range labels {
		starts[label[0]&31] |= 1 << (label[1] & 31)
	}
	return starts
}()

// labelled reports such a word behind text[:end], after a dash, in brackets or
// after a space.
func (v *verifier) labelled(end int) bool {
	if end >= len(v.text) || v.text[end] != ' ' && v.text[end] != '-' && v.text[end] != '/' {
		return false
	}
	return v.label(end)
}

// label is labelled where a blank, a dash or a slash stands behind text[:end].
func (v *verifier) label(end int) bool {
	from := end + 1
	if from+1 < len(v.text) && v.text[end] == ' ' && v.text[from] == '(' {
		from++
	} else if from >= len(v.text) || !oneOf(v.text[end], "-/ ") {
		return false
	}
	if from+1 >= len(v.text) || kindOf[v.text[from]]&(isUpper|isLower) == 0 || labelStarts[v.text[from]&31]>>(v.text[from+1]&31)&1 == 0 {
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
	if from+n == len(v.text) && v.full {
		return false
	}
	return labels[string(buf[:n])]
}

// prefixed reports that unit i is a country calling code: +44, or 1.
func (v *verifier) prefixed(i int) bool {
	u := &v.units[i]
	return u.start > v.from && v.text[u.start-1] == '+' || u.len() == 1 && v.text[u.start] == '1'
}

// exit tries 00CC….
func (v *verifier) exit(r *run, start int) bool {
	if numbering.International(r.digits[2:]) != numbering.Valid {
		return false
	}
	v.add("PHONE", start, r.end, pick(r.plain(), 0.4, 0.65), aboutPhone, r.plain())
	return true
}

// dotted reports what is rather an address: 10.20.30.40, and no 810.65.12.98.
func (v *verifier) dotted(r *run) bool {
	if r.groups != 4 {
		return false
	}
	at := 0
	for i := range 4 {
		n := r.group(i)
		if n > 3 || n > 1 && r.digits[at] == '0' || number(r.digits[at:at+n]) > 255 {
			return false
		}
		at += n
	}
	v.look(r.start)
	return r.shape != 0x2222 || v.near.about(aboutTelephone) < 0.95 // tlf. 40.99.78.70
}

// national judges the form of a number, and names the region whose numbers have
// it: none where every number of that form will do.
func (v *verifier) national(r *run, start int) (base float64, region string) {
	d := r.digits
	switch n := len(d); {
	case n == 10 && d[0] >= '2' && d[3] >= '2' && v.parenthesised(r) && r.shape == 0x334:
		return 0.85, ""
	case n == 10 && d[0] >= '2' && d[3] >= '2' && (r.shaped('-', 0x334) || r.shaped('.', 0x334)):
		return 0.7, ""
	case n == 11 && d[0] == '1' && r.shape == 0x1334 && r.sign != '/':
		return 0.65, "US"
	case n == 10 && r.shape == 0x22222 && d[0] == '0' && d[1] > '0' && r.sign != '/' && v.pairsBehind(r)%5 == 0:
		return 0.75, ""
	case n == 10 && d[0] == '0' && d[1] > '1' && (r.shaped(' ', 0x3322) || r.shaped('.', 0x3322)):
		return 0.7, ""
	case n == 9 && d[0] >= '6' && (r.shaped(' ', 0x3222) || r.shaped('-', 0x3222)):
		return 0.6, "ES"
	case n == 11 && d[0] == '0' && (r.shaped(' ', 0x56) || r.shaped(' ', 0x344) || r.shaped(' ', 0x434) || r.shaped(' ', 0x533)):
		return 0.6, "GB"
	case n >= 9 && d[0] == '0' && d[1] > '0' && r.groups == 2 && r.sign == '/' && r.group(0) >= 3 && r.group(0) <= maxArea && d[r.group(0)] > '0':
		return 0.6, "DE"
	case n == 10 && d[0] == '0' && d[1] == '6' && r.shaped('-', 0x28):
		return 0.6, "NL"
	case v.parenthesised(r) && (r.shape == 0x244 || r.shape == 0x254) && valid(r, "BR"):
		return 0.6, "BR"
	case n == 11 && d[0] == '0' && r.shaped('-', 0x344) && d[1] != '0':
		return 0.6, "JP"
	case n == 11 && d[0] == '0' && d[1] == '1' && d[2] == '0' && r.shaped('-', 0x344):
		return 0.6, "KR"
	case r.shape == 0x13322 && d[0] == '8' && r.sign != '/' && r.sign != '.':
		return 0.6, "RU"
	case r.areaFirst() && validIn(r, trunkRegions()):
		return 0.6, ""
	case v.trunk(r) && validIn(r, trunkRegions()):
		return 0.6, ""
	}
	return 0, ""
}

// trunk reports a number with the zero that is dialled before an area, as
// hardly any other number is written: 030 123456, (02) 1234 5678, 0412 345 678.
func (v *verifier) trunk(r *run) bool {
	n, d := len(r.digits), r.digits
	if d[0] != '0' || d[1] == '0' || n < 9 || n > 12 || r.groups < 2 || r.groups > 4 || r.shape == 0x333 || r.shape == 0x324 || r.shape == 0x444 || r.shaped('-', 0x54) || r.groups == 2 && d[r.group(0)] == '0' || r.more || r.group(0) > maxArea {
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

// areaFirst reports an area with its zero and a sign of its own, as in 0475/12.34.56
// and 070-123 45 67.
func (r *run) areaFirst() bool {
	n, d := len(r.digits), r.digits
	return d[0] == '0' && d[1] > '0' && n >= 9 && n <= 11 && r.groups >= 3 && r.groups <= 5 && r.group(0) <= 5 && !r.more &&
		(r.lead == '/' && (r.rest == '.' || r.rest == ' ') || r.lead == '-' && r.rest == ' ')
}

// pairsBehind is how many groups of two digits follow the number, at most seven:
// five are another of its form, others say that it is part of a row.
func (v *verifier) pairsBehind(r *run) (n int) {
	const most = 7
	for i := r.first + r.groups; i < len(v.units) && n < most && v.units[i].gap == ' ' && v.units[i].digits() && v.units[i].len() == 2; i++ {
		n++
	}
	return n
}

// years reports 1998-2022.
func (r *run) years() bool {
	return r.shape == 0x44 && year(number(r.digits[:4])) && year(number(r.digits[4:]))
}

// maxArea is how many digits an area has at most, with its zero.
const maxArea = 6

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
var regions = plansOf("US", "GB", "FR", "DE", "IT", "ES", "NL", "BE", "CH", "AT", "PL", "PT", "IE", "AU", "IN", "BR", "MX", "SE", "DK", "NO", "FI", "CZ", "GR", "HU", "RO", "ZA", "NZ", "JP", "TR", "KR", "CN", "IL", "RU", "UA", "SG", "HK", "TW", "MY", "TH", "ID", "VN", "PH", "AR", "CL", "CO", "PE", "EG", "SA", "AE", "NG", "KE", "BG", "HR", "SK", "SI", "LT", "LV", "EE", "LU", "IS")

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

// named tries a number of no telling form after words for phone, after a caption
// or after another phone.
func (v *verifier) named(r *run, start int) {
	if r.sign == 1 && r.groups > 6 || r.plain() && len(r.digits) == 8 && stampedDay(r.digits) || r.shape == 0x324 || r.shaped('-', 0x54) || r.lead == '.' && r.rest == '-' || r.years() { // a day, an SSN, a ZIP+4, a standard
		return
	}
	if r.labelled && r.plain() && len(r.digits) < 9 && v.text[r.end] == ' ' { // 12500000 mobile users
		r.labelled = false
	}
	v.look(start)
	near := v.near.about(aboutPhone)
	if near >= 0.5 && v.near.nearest(aboutCard, aboutLicence) > near {
		return
	}
	named := r.labelled || v.captioned(r, start) || v.next(start)
	if !named && (near < 0.5 || r.plain() && len(r.digits) <= 8 && v.near.about(aboutTelephone) < 0.5) {
		return
	}
	short := r.shaped('-', 0x34) || r.shaped(' ', 0x34)
	v.work += len(regions())
	switch {
	case (len(r.digits) >= 8 || r.plain()) && validIn(r, regions()):
		v.add("PHONE", start, r.end, pick(named, 0.6, 0.45)+0.01*float64(len(r.digits)), aboutPhone, !named)
	case short, r.sign == ' ' && len(r.digits) >= 9 && len(r.digits) <= 11 && r.groups <= 5:
		v.add("PHONE", start, r.end, pick(named, 0.6, 0.4), aboutPhone, !named)
	case r.grouped() && (r.labelled || v.near.about(aboutTelephone) >= telephoneReach):
		v.add("PHONE", start, r.end, pick(r.labelled, 0.6, 0.4), aboutPhone, !r.labelled)
	}
}

// telephoneReach is how close the words must be before a number that is in no
// plan: " number: " may stand between.
const telephoneReach = 0.9

// grouped reports a number that could be dialled: no version, no single digits.
func (r *run) grouped() bool {
	if r.plain() {
		return len(r.digits) >= 8 && !stampedDay(r.digits)
	}
	least := 15
	for i := range r.groups {
		least = min(least, r.group(i))
	}
	return least >= 2 && r.groups <= 5
}

// captions stand before a phone and a colon, in lists of somebody's phones; those
// of one letter before other numbers too.
var captions = map[string]bool{"home": true, "work": true, "office": true, "direct": true, "main": true, "business": true, "private": true, "privat": true, "geschäftlich": true, "büro": true, "zentrale": true, "durchwahl": true, "maison": true, "bureau": true, "domicile": true, "travail": true, "casa": true, "oficina": true, "trabajo": true, "ufficio": true, "kantoor": true, "thuis": true, "werk": true, "praca": true, "dom": true, "emergency": true, "pager": true, "desk": true, "nummer": true, "landline": true, "fixe": true, "fijo": true, "fisso": true, "vast": true,
	"t": true, "m": true, "f": true, "p": true, "h": true, "w": true, "c": true, "o": true, "d": true}

// captioned reports a caption right before text[start:].
func (v *verifier) captioned(r *run, start int) bool {
	at := start
	for at > 0 && start-at < 3 && v.text[at-1] == ' ' {
		at--
	}
	if at == 0 || v.text[at-1] != ':' {
		return false
	}
	if at--; at > 0 && v.text[at-1] == ' ' { // fixe : 01 23 45 67 89
		at--
	}
	var buf [14]byte
	n := len(buf)
	for at > 0 && kindOf[v.text[at-1]]&(isUpper|isLower|isWide|isDigit) != 0 {
		if n == 0 {
			return false
		}
		n--
		at--
		buf[n] = lower(v.text[at])
	}
	if !captions[string(buf[n:])] || at > 0 && !bordered(v.text, at) {
		return false
	}
	return len(buf)-n > 1 || !r.plain() || r.digits[0] == '0'
}

// next reports that text[start:] comes right after another phone: 030 1234 / 030
// 1235, 030 1234 or 030 1235.
func (v *verifier) next(start int) bool {
	const most = 8 // bytes between
	if v.phoned <= 0 || start <= v.phoned || start-v.phoned > most {
		return false
	}
	switch string(bytes.Trim(v.text[v.phoned:start], " ,;(")) {
	case "/", "|", "&", "or", "oder", "ou", "o", "of", "lub", "eller", "tai", "and", "und", "et", "y", "e", "og", "och", "i":
		return true
	}
	return false
}

// slashed reports text[at:] right after a phone and a slash.
func (v *verifier) slashed(at int) bool {
	return v.phoned > 0 && v.phoned == at-1 && v.text[at-1] == '/'
}

// another reports a slash behind text[:end] and as many digits behind it as a
// phone has, as in 030 123456/030 123457.
func (v *verifier) another(end int) bool {
	if end >= len(v.text) || v.text[end] != '/' {
		return false
	}
	digits := 0
	for at := end + 1; at < len(v.text) && digits < leastNumber; at++ {
		k := kindOf[v.text[at]]
		if k&(isDigit|isOpen|isBlank|isWide|isDot) == 0 && v.text[at] != '-' && v.text[at] != ')' {
			return false
		}
		digits += int(k & isDigit)
	}
	return digits >= leastNumber
}

func valid(r *run, region string) bool {
	plan := numbering.Find(region)
	return plan != nil && plan.Valid(r.digits)
}

// dated reports the form of a date.
func (r *run) dated() bool {
	return r.shape == 0x422 || r.shape == 0x224 || r.shape == 0x412 || r.shape == 0x421 || len(r.digits) >= 8 && r.sign == 1 && r.group(0) == 4 && r.group(1) == 2 && r.digits[0] != '0'
}

// sameSize reports groups of one size: those that follow may be of them.
func (r *run) sameSize() bool { return r.groups > 1 && r.group(0) == r.group(r.groups-1) }
