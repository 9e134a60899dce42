package detect

// run is a number written in groups of digits.
type run struct {
	start, end int
	digits     []byte
	groups     int    // how many
	shape      uint32 // how many digits each group has, four bits each and 15 at most, the last lowest: 0x334
	sign       uint8  // between all groups; 0 where there is one group, 1 where signs differ
	more       bool   // another group of digits follows the last
	first      int    // its first unit
	lead       uint8  // the sign between the first two groups
	rest       uint8  // between all others; 0 where there are none, 1 where signs differ
	within     bool   // another group of digits stands before the first
	labelled   bool   // a word for a kind of phone follows
}

// Bounds of a number that is looked at.
const (
	maxDigits = 19
	maxGroups = 8

	leastLabelled = 6 // 92 34 70-Office
	leastNumber   = 7 // 555-0187
	leastIdentity = 9 // all that a number behind another one can be
)

// numberGaps are what may stand between the groups of a number.
var numberGaps = [256]bool{' ': true, '-': true, '.': true, '/': true, ')': true, gapDash: true}

// opens reports a gap with a bracket around the area: +1 (415), +1(415).
func opens(gap uint8) bool { return gap == gapOpen || gap == '(' }

// numbers tries the numbers that begin with unit i.
func (v *verifier) numbers(i int) {
	if i+1 < len(v.units) && v.units[i+1].gap == '.' {
		v.ipv4(i)
	}
	if u := &v.units[i]; u.len() < leastLabelled && (i+1 == len(v.units) || !numberGaps[v.units[i+1].gap] && !opens(v.units[i+1].gap)) {
		v.near.number(u.len(), u.end)
		return
	}
	r := run{start: v.units[i].start, digits: v.digits[:0], first: i}
	r.within = i > 0 && v.units[i-1].digits() && (oneOf(v.units[i].gap, " -.") || opens(v.units[i].gap) && v.prefixed(i-1))
	v.groups(i, &r)
	v.near.number(len(r.digits), r.end)
}

// groups takes the groups of r one by one, from unit i on, and tries the number
// that they are so far.
func (v *verifier) groups(i int, r *run) {
	for j := i; j < len(v.units) && r.groups < maxGroups; j++ {
		u := &v.units[j]
		v.work++
		size := u.len()
		if !u.digits() {
			if u.kind&isDigit == 0 {
				return
			}
			if size = v.extended(u); size == 0 || j == i {
				return
			}
		}
		if len(r.digits)+size > maxDigits {
			return
		}
		if j > i {
			if !numberGaps[u.gap] && !(opens(u.gap) && j == i+1) || u.gap == '/' && j > i+1 && r.sign != '/' && !(len(r.digits) < leastNumber && v.prefixed(i)) {
				return
			}
			r.sign = oneSign(r.sign, u.gap)
			if j == i+1 {
				r.lead = u.gap
			} else {
				r.rest = oneSign(r.rest, u.gap)
			}
		}
		v.work += size
		n := len(r.digits)
		v.copyDigits(n, u.start, size)
		r.digits = v.digits[:n+size]
		r.groups++
		r.shape = r.shape<<4 | uint32(min(size, 15))
		r.end = u.end
		if !u.digits() {
			if r.labelled = v.labelled(r.end); len(r.digits) >= leastNumber && len(r.digits) <= 15 && (r.labelled || v.closes(j)) {
				v.phone(r)
			}
			return
		}
		if len(r.digits) < leastLabelled || r.within && len(r.digits) < leastIdentity {
			continue
		}
		if r.labelled = v.labelled(r.end); !r.labelled && len(r.digits) < leastNumber {
			continue
		}
		if r.labelled || v.closes(j) {
			r.more = j+1 < len(v.units) && v.units[j+1].digits() && v.units[j+1].gap == ' '
			v.number(r)
		} else if len(r.digits) <= 15 && v.another(r.end) {
			v.phone(r)
		}
	}
}

// copyDigits copies text[start:start+size] to digits[n:]. It copies as much as a
// group mostly has at once, which costs less than to count: what that is too much
// is overwritten or not looked at.
func (v *verifier) copyDigits(n, start, size int) {
	if src := v.text[start:]; size <= 8 && len(src) >= 8 {
		copy(v.digits[n:n+8], src[:8])
		return
	}
	copy(v.digits[n:], v.text[start:start+size])
}

// oneSign is the sign of all, where next comes to those that had it: 1 where
// they differ.
func oneSign(all, next uint8) uint8 {
	if all == 0 || all == next {
		return next
	}
	return 1
}

// extended is how many digits stand before the extension that unit u ends with:
// 4 for 9752x421. It is 0 where u is something else.
func (v *verifier) extended(u *unit) int {
	const most = 5 // digits of an extension
	n := u.end
	for n > u.start && u.end-n <= most && kindOf[v.text[n-1]]&isDigit != 0 {
		n--
	}
	if n == u.end || n < u.start+3 || v.text[n-1]|0x20 != 'x' || !all(v.text[u.start:n-1], isDigit) {
		return 0
	}
	return n - 1 - u.start
}

// cardScore is low for numbers that no network gives out, and for the short ones,
// which stand within IBANs.
func cardScore(known bool, digits int) float64 {
	if !known {
		return 0.35
	}
	return pick(digits < 14, 0.5, 0.85)
}

// inRow reports groups of four that are rather some of a longer row, as in a
// table: those before it or behind it are no whole cards. A single one before it, as a
// year, makes a row with another behind it.
func (v *verifier) inRow(r *run) bool {
	if !r.shaped(' ', 0x4444) {
		return false
	}
	const most = 8
	before := 0
	for i := r.first; i > 0 && before < most && v.units[i].gap == ' ' && v.units[i-1].digits() && v.units[i-1].len() == 4; i-- {
		before++
	}
	behind := 0
	next := r.first + r.groups
	for ; next < len(v.units) && behind < most && v.units[next].gap == ' ' && v.units[next].digits() && v.units[next].len() == 4; next++ {
		behind++
	}
	more := next < len(v.units) && v.units[next].gap == ' ' && v.units[next].digits()
	return before%4 > 1 || behind%4 > 1 || before%4 == 1 && (behind > 0 || more)
}

// number tries every entity that has as many digits.
func (v *verifier) number(r *run) {
	if v.text[max(r.start-1, 0)] != '+' && (!r.labelled || v.closesAt(r.end)) {
		v.identity(r)
	}
	if len(r.digits) <= 15 {
		v.phone(r)
	}
}

func (v *verifier) identity(r *run) {
	d := r.digits
	switch len(d) {
	case 9:
		v.nine(r)
	case 10:
		if nhs(d) && (r.shaped(' ', 0x334) || r.shaped('-', 0x334) || r.plain()) {
			v.addRun("UK_NHS", r, 0.4, aboutNHS, true)
		}
		if r.shaped(' ', 0x46) || r.shaped(' ', 0x226) { // Russia's, series and number
			v.addRun("PASSPORT", r, 0.4, aboutPassport, true)
		}
	case 11:
		v.eleven(r)
	case 13:
		if r.shaped('.', 0x3442) && string(d[:3]) == "756" && ean13(d) {
			v.addRun("CH_AHV", r, 0.9, aboutAHV, false)
		} else if r.plain() && string(d[:3]) == "756" && ean13(d) {
			v.addRun("CH_AHV", r, 0.5, aboutAHV, true)
		}
	case 14:
		v.establishment(r)
	case 15:
		if nir(d) && (r.plain() || r.sign == ' ' || r.sign == '-' || r.sign == '.') {
			passing := d[0] > '2' // of who has no number yet
			v.addRun("FR_NIR", r, pick(passing, 0.45, 0.8), aboutNIR, passing)
		}
	}
	if len(d) >= 12 && r.cardShaped() && luhn(d) && varied(d) {
		known := cardNetwork(d)
		v.addRun("CREDIT_CARD", r, cardScore(known, len(d)), aboutCard, len(d) < 14 || !known || v.inRow(r) || r.plain() && len(d) > 16) // 17 and more are rather an id of 64 bits
	}
}

// establishment is a French SIRET. Both of its check digits fit a card of
// fourteen digits one time in ten, and the establishment's number, counted from
// 00001, one in thousands: then the number is rather this.
func (v *verifier) establishment(r *run) {
	if !siret(r.digits) || !r.plain() && !(r.sign != '/' && (r.shape == 0x3335 || r.shape == 0x95)) {
		return
	}
	base := pick(r.plain(), 0.6, 0.7)
	if string(r.digits[9:12]) == "000" {
		base = 0.87
	}
	v.addRun("FR_SIRET", r, base, aboutSIREN, r.plain() && stamped(r.digits))
}

func pick(yes bool, a, b float64) float64 {
	if yes {
		return a
	}
	return b
}

func (v *verifier) addRun(entity string, r *run, base float64, about subject, need bool) {
	v.add(entity, r.start, r.end, base, about, need)
}

// nine tries numbers of nine digits.
func (v *verifier) nine(r *run) {
	d := r.digits
	switch {
	case r.shaped('-', 0x324):
		v.social(r, 0.7, false)
	case r.shaped(' ', 0x324):
		v.social(r, 0.5, true)
	case r.shaped('.', 0x324), r.plain():
		v.social(r, 0.35, true)
	case r.shaped('-', 0x27):
		v.addRun("US_EIN", r, 0.4, aboutEIN, true)
	}
	if r.plain() && d[0] != '0' && pick11(d, []int{9, 8, 7, 6, 5, 4, 3, 2}) == int(d[8]-'0') {
		v.addRun("PT_NIF", r, 0.4, aboutNIF, true)
	}
	if r.shaped(' ', 0x333) && pick11(d, []int{9, 8, 7, 6, 5, 4, 3, 2}) == int(d[8]-'0') {
		v.addRun("PT_NIF", r, 0.4, aboutNIF, true)
	}
	if (r.plain() || r.shaped(' ', 0x333) || r.shaped('.', 0x333) || r.shaped('.', 0x423)) && bsn(d) {
		v.addRun("NL_BSN", r, 0.4, aboutBSN, true)
	}
	if (r.plain() || r.shaped(' ', 0x333)) && luhn(d) {
		v.addRun("FR_SIREN", r, 0.4, aboutSIREN, true)
	}
}

// social is a US number of social security or of a taxpayer.
func (v *verifier) social(r *run, base float64, need bool) {
	area, group, serial := number(r.digits[:3]), number(r.digits[3:5]), number(r.digits[5:])
	switch {
	case area >= 900:
		if group >= 50 && group <= 65 || group >= 70 && group <= 88 || group >= 90 && group != 93 {
			v.addRun("US_ITIN", r, base, aboutITIN, need)
			if need {
				v.addRun("US_ITIN", r, base, aboutSSN, need)
			}
		}
	case area == 0 || area == 666 || group == 0 || serial == 0:
	case string(r.digits) == "123456789", string(r.digits) == "078051120", string(r.digits) == "219099999":
	default:
		v.addRun("US_SSN", r, base, aboutSSN, need)
	}
}

// eleven tries numbers of eleven digits.
func (v *verifier) eleven(r *run) {
	d := r.digits
	if r.plain() && pesel(d) {
		v.addRun("PL_PESEL", r, 0.45, aboutPESEL, true)
	}
	if (r.plain() || r.groups == 5 && r.group(3) == 3 || r.shaped('-', 0x92) || r.shaped('-', 0x65) || r.shape == 0x632 && r.sign != '/') && nrn(d) {
		v.addRun("BE_NRN", r, pick(r.groups == 5, 0.75, 0.4), aboutNRN, r.groups != 5)
	}
	if (r.plain() || r.shaped(' ', 0x2333)) && germanTax(d) {
		v.addRun("DE_TAX_ID", r, 0.45, aboutGermanTax, true)
	}
}

// plain is a number without signs.
func (r *run) plain() bool { return r.groups == 1 }

// shaped reports groups of these sizes with the sign between all of them.
func (r *run) shaped(sign uint8, shape uint32) bool { return r.sign == sign && r.shape == shape }

// group is how many digits the i-th group has.
func (r *run) group(i int) int { return int(r.shape >> (4 * (r.groups - 1 - i)) & 15) }

// cardShaped reports groups as they are printed on cards.
func (r *run) cardShaped() bool {
	if r.plain() {
		return true
	}
	if r.sign != ' ' && r.sign != '-' && r.sign != '.' {
		return false
	}
	switch r.shape {
	case 0x4444, 0x465, 0x464, 0x44443, 0x4443, 0x444, 0x445, 0x44442, 0x4441, 0x4442:
		return true
	}
	return false
}
