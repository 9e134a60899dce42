package detect

// vat checks the VAT numbers that have a check digit, with their country's
// letters before them.
func (v *verifier) vat(i int) {
	t := v.text[v.units[i].start:]
	if len(t) < 10 || kindOf[t[1]]&isUpper == 0 {
		return
	}
	if vatStarts[t[0]&31]>>(t[1]&31)&1 == 0 {
		return
	}
	for _, form := range vatForms[string(t[:2])] {
		b, last := v.joined(i, form.length+2, " .-", v.code[:0])
		if len(b) == form.length+2 && v.closes(last) && form.check(b[2:]) {
			v.add("VAT_NUMBER", v.units[i].start, v.units[last].end, pick(form.short, 0.5, 0.6), aboutVAT, form.short)
			return
		}
	}
}

// vatStarts are the countries' codes: bit b of entry a, both letters by their
// low bits.
var vatStarts = func() (out [32]uint32) {
	for country := range vatForms {
		out[country[0]&31] |= 1 << (country[1] & 31)
	}
	return out
}()

type vatForm struct {
	length int
	check  func(b []byte) bool
	short  bool // two letters and so many digits are many things: it must be named
}

// digitsOnly makes a check of digits one of any bytes.
func digitsOnly(check func(d []byte) bool) func([]byte) bool {
	return func(b []byte) bool { return all(b, isDigit) && check(b) && varied(b) }
}

// vatForms are the forms of the EU's VIES, Switzerland's and the UK's.
var vatForms = map[string][]vatForm{
	"DE": {{length: 9, check: digitsOnly(func(d []byte) bool { return d[0] != '0' && mod1110(d[:8]) == int(d[8]-'0') })}},
	"FR": {{length: 11, check: digitsOnly(func(d []byte) bool {
		return luhn(d[2:]) && (12+3*(number(d[2:])%97))%97 == number(d[:2])
	})}},
	"IT": {{length: 11, check: digitsOnly(luhn)}},
	"BE": {{length: 10, check: digitsOnly(func(d []byte) bool { return d[0] <= '1' && 97-number(d[:8])%97 == number(d[8:]) })}},
	"PL": {{length: 10, check: digitsOnly(func(d []byte) bool { return weigh(d, []int{6, 5, 7, 2, 3, 4, 5, 6, 7})%11 == int(d[9]-'0') })}},
	"PT": {{length: 9, check: digitsOnly(func(d []byte) bool { return pick11(d, []int{9, 8, 7, 6, 5, 4, 3, 2}) == int(d[8]-'0') })}},
	"GB": {{length: 9, check: digitsOnly(func(d []byte) bool {
		n := weigh(d, []int{8, 7, 6, 5, 4, 3, 2}) + number(d[7:])
		return n%97 == 0 || (n+55)%97 == 0
	})}},
	"NL": {{length: 12, check: func(b []byte) bool {
		if b[9] != 'B' || !all(b[:9], isDigit) || !all(b[10:], isDigit) {
			return false
		}
		return bsn(b[:9]) || mod97([]byte("NL"), b) == 1
	}}},
	"AT": {{length: 9, check: func(b []byte) bool {
		if b[0] != 'U' || !all(b[1:], isDigit) {
			return false
		}
		sum := 4
		for i, c := range b[1:8] {
			n := int(c-'0') * (1 + i%2)
			sum += n/10 + n%10
		}
		return (10-sum%10)%10 == int(b[8]-'0')
	}}},
	"LU": {{length: 8, check: digitsOnly(func(d []byte) bool { return number(d[:6])%89 == number(d[6:]) })}},
	"ES": {{length: 9, check: func(b []byte) bool {
		return all(b[:8], isDigit) && kindOf[b[8]]&isUpper != 0 && "TRWAGMYFPDXBNJZSQVHLCKE"[number(b[:8])%23] == b[8] || spanishCompany(b)
	}}},
	"CH": {{length: 10, check: swissCompany}}, // CHE-123.456.789
	"SE": {{length: 12, check: digitsOnly(func(d []byte) bool { return luhn(d[:10]) && string(d[10:]) == "01" })}},
	"DK": {{length: 8, check: digitsOnly(func(d []byte) bool { return d[0] != '0' && weigh(d, []int{2, 7, 6, 5, 4, 3, 2, 1})%11 == 0 }), short: true}},
	"FI": {{length: 8, check: digitsOnly(func(d []byte) bool { return weigh(d, []int{7, 9, 10, 5, 8, 4, 2, 1})%11 == 0 }), short: true}},
	"IE": {{length: 8, check: irish, short: true}, {length: 9, check: irish, short: true}},
	"CZ": {{length: 8, check: digitsOnly(func(d []byte) bool {
		return d[0] != '9' && (11-weigh(d, []int{8, 7, 6, 5, 4, 3, 2})%11)%10 == int(d[7]-'0')
	}), short: true}},
	"RO": {{length: 10, check: romanian, short: true}, {length: 9, check: romanian, short: true}, {length: 8, check: romanian, short: true}, {length: 7, check: romanian, short: true}},
	"HU": {{length: 8, check: digitsOnly(func(d []byte) bool { return weigh(d, []int{9, 7, 3, 1, 9, 7, 3, 1})%10 == 0 }), short: true}},
	"EL": {{length: 9, check: digitsOnly(func(d []byte) bool {
		return weigh(d, []int{256, 128, 64, 32, 16, 8, 4, 2})%11%10 == int(d[8]-'0')
	}), short: true}},
	"SK": {{length: 10, check: digitsOnly(func(d []byte) bool { return d[0] != '0' && (10*number(d[:9])+int(d[9]-'0'))%11 == 0 }), short: true}},
	"SI": {{length: 8, check: digitsOnly(func(d []byte) bool {
		return d[0] != '0' && (11-weigh(d, []int{8, 7, 6, 5, 4, 3, 2})%11)%10 == int(d[7]-'0')
	}), short: true}},
	"HR": {{length: 11, check: digitsOnly(func(d []byte) bool { return mod1110(d[:10]) == int(d[10]-'0') }), short: true}},
	"BG": {{length: 9, check: digitsOnly(bulgarian), short: true}},
	"EE": {{length: 9, check: digitsOnly(func(d []byte) bool { return weigh(d, []int{3, 7, 1, 3, 7, 1, 3, 7, 1})%10 == 0 }), short: true}},
	"LT": {{length: 9, check: digitsOnly(lithuanian), short: true}, {length: 12, check: digitsOnly(lithuanian), short: true}},
	"LV": {{length: 11, check: digitsOnly(func(d []byte) bool {
		return d[0] > '3' && weigh(d, []int{9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1})%11 == 3
	}), short: true}},
	"MT": {{length: 8, check: digitsOnly(func(d []byte) bool { return (weigh(d[:6], []int{3, 4, 6, 7, 8, 9})+number(d[6:]))%37 == 0 }), short: true}},
	"CY": {{length: 9, check: cypriot, short: true}},
}

// irish checks seven digits and a letter, and perhaps another letter.
func irish(b []byte) bool {
	if !all(b[:7], isDigit) || !all(b[7:], isUpper) {
		return false
	}
	sum := weigh(b[:7], []int{8, 7, 6, 5, 4, 3, 2})
	if len(b) == 9 {
		sum += 9 * int(b[8]-'A'+1)
	}
	return "WABCDEFGHIJKLMNOPQRSTUV"[sum%23] == b[7]
}

// romanian checks up to ten digits.
func romanian(b []byte) bool {
	if !all(b, isDigit) || b[0] == '0' {
		return false
	}
	weights := []int{7, 5, 3, 2, 1, 7, 5, 3, 2}
	n := len(b) - 1
	return weigh(b[:n], weights[9-n:])*10%11%10 == int(b[n]-'0')
}

// bulgarian checks a company's nine digits.
func bulgarian(d []byte) bool {
	check := weigh(d, []int{1, 2, 3, 4, 5, 6, 7, 8}) % 11
	if check == 10 {
		check = weigh(d, []int{3, 4, 5, 6, 7, 8, 9, 10}) % 11
	}
	return check%10 == int(d[8]-'0')
}

// lithuanian checks nine or twelve digits, the one before the last a 1.
func lithuanian(d []byte) bool {
	n := len(d) - 1
	if d[n-1] != '1' {
		return false
	}
	check := 0
	for i, c := range d[:n] {
		check += (1 + i%9) * int(c-'0')
	}
	if check %= 11; check == 10 {
		check = 0
		for i, c := range d[:n] {
			check += (1 + (i+2)%9) * int(c-'0')
		}
	}
	return check%11%10 == int(d[n]-'0')
}

// cypriot checks eight digits and a letter: the digits at odd places stand for
// other values.
func cypriot(b []byte) bool {
	if !all(b[:8], isDigit) || kindOf[b[8]]&isUpper == 0 || string(b[:2]) == "12" {
		return false
	}
	sum := 0
	for i, c := range b[:8] {
		if i%2 == 0 {
			sum += fiscalOdd[c-'0']
		} else {
			sum += int(c - '0')
		}
	}
	return byte('A'+sum%26) == b[8]
}

// spanishCompany checks a CIF: a letter, seven digits, a digit or letter.
func spanishCompany(b []byte) bool {
	if kindOf[b[0]]&isUpper == 0 || !all(b[1:8], isDigit) {
		return false
	}
	sum := 0
	for i, c := range b[1:8] {
		n := int(c - '0')
		if i%2 == 0 {
			n *= 2
			n = n/10 + n%10
		}
		sum += n
	}
	check := (10 - sum%10) % 10
	return b[8] == byte('0'+check) || b[8] == "JABCDEFGHI"[check]
}

// swissCompany checks a UID: E and nine digits.
func swissCompany(b []byte) bool {
	return b[0] == 'E' && all(b[1:], isDigit) && (11-weigh(b[1:], []int{5, 4, 3, 2, 7, 6, 5, 4})%11)%11 == int(b[9]-'0')
}
