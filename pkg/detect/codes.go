package detect

import "bytes"

// leastWallet is how many characters the shortest address of a wallet has.
const leastWallet = 26

// codes tries what is made of letters and digits and begins with unit i.
func (v *verifier) codes(i int) {
	u := &v.units[i]
	if u.kind == isDigit {
		v.digitCodes(i)
		return
	}
	t := v.text[u.start:]
	first := kindOf[t[0]]
	if first&(isUpper|isLower) != 0 && u.kind&isDigit != 0 {
		v.iban(i)
	}
	if first&isDigit != 0 && u.len() >= 6 && u.start > 0 && v.text[u.start-1] == '?' && kindOf[t[1]]&isDigit != 0 {
		u.start += 2 // ?31DE89… of a bank statement in MT940
		v.iban(i)
		u.start -= 2
	}
	if first&isLower != 0 && len(t) >= 9 && kindOf[t[1]]&isLower != 0 && u.len() != 6 {
		if u.kind&isDigit == 0 || u.len() == 9 {
			v.nino(i)
		}
		if u.len() == 16 {
			v.fiscalCode(i)
		}
	}
	if first&isUpper != 0 && len(t) >= 8 && kindOf[t[1]]&isUpper != 0 {
		v.nino(i)
		v.vat(i)
		if kindOf[t[2]]&isUpper != 0 {
			v.fiscalCode(i)
			v.bic(i)
		}
	}
	if u.kind&isDigit != 0 {
		v.spanish(i)
		v.corsican(i)
		if u.len() == 17 && u.kind&isUpper != 0 {
			v.vin(i)
		}
		if u.len() >= 7 && u.kind&isLower == 0 {
			v.papers(i)
		}
	}
	if first&isUpper != 0 && u.len() <= 4 {
		v.papersInParts(i)
	}
	if u.len() == 1 && first&isUpper != 0 {
		v.spanish(i)
	}
	if u.len() >= leastWallet {
		v.wallet(i)
	}
}

// digitCodes tries what begins with a unit of digits alone, and goes on with
// other ones.
func (v *verifier) digitCodes(i int) {
	u := &v.units[i]
	if i+1 < len(v.units) {
		switch next := &v.units[i+1]; {
		case (u.len() == 1 || u.len() == 5) && (next.gap == ' ' || next.gap == '-' || next.gap == '.'):
			v.corsican(i)
		case u.len() == 2 && next.len() == 3, u.len() == 8 && next.len() == 1:
			v.spanish(i)
		}
	}
	if u.len() >= 7 {
		v.papers(i)
	}
	if u.len() >= leastWallet {
		v.wallet(i)
	}
}

// ibanLengths are those of the SWIFT registry.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24,
	"DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27,
	"GT": 28, "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24,
	"PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25,
	"SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// ibanTable are ibanLengths by both letters' places in the alphabet.
var ibanTable = func() (t [26][26]uint8) {
	for country, n := range ibanLengths {
		t[country[0]-'A'][country[1]-'A'] = uint8(n)
	}
	return t
}()

// ibanLength is the length for a country of two letters, 0 where it has none.
func ibanLength(a, b byte) int { return int(ibanTable[upper(a)-'A'][upper(b)-'A']) }

// iban checks ISO 13616.
func (v *verifier) iban(i int) {
	u := &v.units[i]
	t := v.text[u.start:]
	if u.len() < 4 || len(t) < 15 || kindOf[t[0]]&(isUpper|isLower) == 0 || kindOf[t[1]]&(isUpper|isLower) == 0 || kindOf[t[2]]&kindOf[t[3]]&isDigit == 0 {
		return
	}
	n := ibanLength(t[0], t[1])
	if n == 0 || u.start+n > len(v.text) {
		return
	}
	var buf [34]byte
	b, last := v.joined(i, n, " -.", buf[:0])
	if len(b) != n || !v.closes(last) {
		return
	}
	for j, c := range b {
		b[j] = upper(c)
	}
	if all(b, isDigit|isUpper) && mod97(b[4:], b[:4]) == 1 {
		v.add("IBAN", v.units[i].start, v.units[last].end, 0.97, aboutIBAN, false)
	}
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// nino checks the prefix rules of the UK's national insurance numbers.
func (v *verifier) nino(i int) {
	if u := &v.units[i]; u.len() > 2 && kindOf[v.text[u.start+2]]&isDigit == 0 {
		return
	}
	var buf [9]byte
	b, last := v.joined(i, 9, " -.", buf[:0])
	if len(b) != 9 || !v.closes(last) || !all(b[2:8], isDigit) {
		return
	}
	small := kindOf[b[0]]&isLower != 0
	if small {
		copy(b, bytes.ToUpper(b))
	}
	if kindOf[b[1]]&isUpper == 0 || b[8] < 'A' || b[8] > 'D' {
		return
	}
	if bytes.IndexByte([]byte("DFIQUV"), b[0]) >= 0 || bytes.IndexByte([]byte("DFIQUVO"), b[1]) >= 0 || kindOf[b[0]]&isUpper == 0 {
		return
	}
	switch string(b[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return
	}
	hex := small && b[0] <= 'F' && b[1] <= 'F'
	v.add("UK_NINO", v.units[i].start, v.units[last].end, pick(small, 0.55, 0.75), aboutNINO, hex)
}

// fiscalOdd are the values of 0-9 and A-Z at the odd places of a codice fiscale.
var fiscalOdd = [36]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}

// fiscalCode checks an Italian codice fiscale, also with letters in the place of
// digits (omocodia).
func (v *verifier) fiscalCode(i int) {
	if n := v.units[i].len(); n != 16 && n != 3 && n != 6 {
		return
	}
	var buf [16]byte
	b, last := v.joined(i, 16, " -", buf[:0])
	if len(b) == 16 && kindOf[b[0]]&isLower != 0 && all(b, isDigit|isLower) {
		for j, c := range b {
			b[j] = upper(c)
		}
	}
	if len(b) != 16 || !v.closes(last) || !all(b, isDigit|isUpper) || !all(b[:6], isUpper) || kindOf[b[15]]&kindOf[b[11]]&isUpper == 0 || bytes.IndexByte([]byte("ABCDEHLMPRST"), b[8]) < 0 {
		return
	}
	if all(b, isUpper) {
		return // nobody has six namesakes of one birthday
	}
	for _, at := range [...]int{6, 7, 9, 10, 12, 13, 14} {
		if kindOf[b[at]]&isDigit == 0 && bytes.IndexByte([]byte("LMNPQRSTUV"), b[at]) < 0 {
			return
		}
	}
	sum := 0
	for j, c := range b[:15] {
		n := base36(c)
		switch {
		case j%2 == 0:
			sum += fiscalOdd[n]
		case n >= 10:
			sum += n - 10
		default:
			sum += n
		}
	}
	if byte('A'+sum%26) == b[15] {
		v.add("IT_FISCAL_CODE", v.units[i].start, v.units[last].end, 0.95, aboutFiscalCode, false)
	}
}

// base36 is the value of a digit or capital.
func base36(c byte) int {
	if c <= '9' {
		return int(c - '0')
	}
	return int(c-'A') + 10
}

// spanish checks the letter of a DNI, 12345678Z, or NIE, X1234567L.
func (v *verifier) spanish(i int) {
	if !v.spanishStart(i) {
		return
	}
	var buf [9]byte
	b, last := v.joined(i, 9, "-. ", buf[:0])
	if len(b) != 9 || !v.closes(last) || !all(b[1:8], isDigit) {
		return
	}
	entity, first := "ES_DNI", b[0]
	switch {
	case b[0] >= 'X' && b[0] <= 'Z':
		entity, first = "ES_NIE", '0'+b[0]-'X'
	case kindOf[b[0]]&isDigit == 0:
		return
	}
	letter := b[8] &^ 0x20
	if kindOf[b[8]]&(isUpper|isLower) == 0 || "TRWAGMYFPDXBNJZSQVHLCKE"[(int(first-'0')*10000000+number(b[1:8]))%23] != letter {
		return
	}
	small := b[8] != letter
	v.add(entity, v.units[i].start, v.units[last].end, pick(last == i, 0.7, 0.55), aboutDNI, small && mayMeasure(letter))
}

// mayMeasure reports a letter that is written behind numbers of other kinds in
// small: of hexadecimal digits, units (86400000s) and literals of code (1000l).
func mayMeasure(letter byte) bool {
	return letter <= 'H' || letter >= 'K' && letter <= 'N' || letter >= 'S' && letter <= 'X' && letter != 'V'
}

// spanishStart tells by unit i and the next whether a DNI or NIE may begin: X
// and a digit, eight digits and a letter, or 12.345.678.
func (v *verifier) spanishStart(i int) bool {
	u := &v.units[i]
	first, n := v.text[u.start], u.len()
	if kindOf[first]&isDigit == 0 {
		return first >= 'X' && first <= 'Z' && (n == 1 || n == 8 || n == 9)
	}
	if n == 9 {
		return kindOf[v.text[u.end-1]]&isDigit == 0
	}
	if i+1 == len(v.units) || u.kind != isDigit {
		return false
	}
	next := &v.units[i+1]
	return n == 8 && next.len() == 1 || n == 2 && next.len() == 3
}

// corsican is a French NIR of someone born in 2A or 2B.
func (v *verifier) corsican(i int) {
	if u := &v.units[i]; u.len() != 1 && u.len() != 5 && u.len() != 7 && u.len() != 15 && u.len() != 13 {
		return
	}
	var buf [15]byte
	b, last := v.joined(i, 15, " -.", buf[:0])
	if len(b) != 15 || !v.closes(last) || b[5] != '2' || b[6]&^0x20 != 'A' && b[6]&^0x20 != 'B' {
		return
	}
	var d [15]byte
	copy(d[:], b)
	d[5], d[6] = '1', '9'
	if b[6]&^0x20 == 'B' {
		d[6] = '8'
	}
	if all(d[:], isDigit) && nir(d[:]) {
		v.add("FR_NIR", v.units[i].start, v.units[last].end, 0.8, aboutNIR, false)
	}
}

// bic checks the form of ISO 9362 and its country; words look the same, so it
// needs to be named.
func (v *verifier) bic(i int) {
	u := &v.units[i]
	if u.len() != 8 && u.len() != 11 || !v.closes(i) {
		return
	}
	b := v.text[u.start:u.end]
	if !all(b[:6], isUpper) || !all(b[6:], isUpper|isDigit) {
		return
	}
	country := string(b[4:6])
	if _, ok := ibanLengths[country]; ok || bicOnly[country] {
		v.add("BIC", u.start, u.end, 0.5, aboutBIC, true)
	}
}

// bicOnly are countries with banks and without IBANs.
var bicOnly = map[string]bool{"US": true, "CA": true, "AU": true, "NZ": true, "JP": true, "CN": true, "HK": true, "SG": true, "IN": true, "KR": true, "ZA": true, "MX": true, "AR": true, "CL": true, "CO": true, "TH": true, "ID": true, "MY": true, "PH": true, "VN": true, "TW": true, "NG": true, "KE": true, "MA": true}

// vin checks 17 characters by ISO 3779 with the check digit of North America; without it the
// number must be named.
func (v *verifier) vin(i int) {
	u := &v.units[i]
	if !v.closes(i) {
		return
	}
	b := v.text[u.start:u.end]
	if !all(b, isUpper|isDigit) || bytes.ContainsAny(b, "IOQ") || !all(b[14:], isDigit) {
		return
	}
	checked := vinCheck(b)
	v.add("VIN", u.start, u.end, pick(checked, 0.6, 0.45), aboutVIN, !checked)
}

func vinCheck(b []byte) bool {
	const values = "0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ" // index modulo 10 is a letter's value
	weights := [17]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	sum := 0
	for j, c := range b {
		sum += weights[j] * (bytes.IndexByte([]byte(values), c) % 10)
	}
	return "0123456789X"[sum%11] == b[8]
}
