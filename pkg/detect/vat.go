package detect

// vat checks the VAT numbers that have a check digit, with their country's
// letters before them.
func (v *verifier) vat(i int) {
	t := v.text[v.units[i].start:]
	if len(t) < 10 || kindOf[t[1]]&isUpper == 0 {
		return
	}
	if !vatStarts[t[0]&31] {
		return
	}
	for _, form := range vatForms[string(t[:2])] {
		b, last := v.joined(i, form.length+2, " .-", v.code[:0])
		if len(b) == form.length+2 && v.closes(last) && form.check(b[2:]) {
			v.add("VAT_NUMBER", v.units[i].start, v.units[last].end, 0.6, aboutVAT, false)
			return
		}
	}
}

// vatStarts are the first letters of the countries' codes, by their low bits.
var vatStarts = func() (out [32]bool) {
	for country := range vatForms {
		out[country[0]&31] = true
	}
	return out
}()

type vatForm struct {
	length int
	check  func(b []byte) bool
}

// digitsOnly makes a check of digits one of any bytes.
func digitsOnly(check func(d []byte) bool) func([]byte) bool {
	return func(b []byte) bool { return all(b, isDigit) && check(b) && varied(b) }
}

// vatForms are the forms of the EU's VIES, Switzerland's and the UK's.
var vatForms = map[string][]vatForm{
	"DE": {{9, digitsOnly(func(d []byte) bool { return d[0] != '0' && mod1110(d[:8]) == int(d[8]-'0') })}},
	"FR": {{11, digitsOnly(func(d []byte) bool {
		return luhn(d[2:]) && (12+3*(number(d[2:])%97))%97 == number(d[:2])
	})}},
	"IT": {{11, digitsOnly(luhn)}},
	"BE": {{10, digitsOnly(func(d []byte) bool { return d[0] <= '1' && 97-number(d[:8])%97 == number(d[8:]) })}},
	"PL": {{10, digitsOnly(func(d []byte) bool { return weigh(d, []int{6, 5, 7, 2, 3, 4, 5, 6, 7})%11 == int(d[9]-'0') })}},
	"PT": {{9, digitsOnly(func(d []byte) bool { return pick11(d, []int{9, 8, 7, 6, 5, 4, 3, 2}) == int(d[8]-'0') })}},
	"GB": {{9, digitsOnly(func(d []byte) bool {
		n := weigh(d, []int{8, 7, 6, 5, 4, 3, 2}) + number(d[7:])
		return n%97 == 0 || (n+55)%97 == 0
	})}},
	"NL": {{12, func(b []byte) bool {
		if b[9] != 'B' || !all(b[:9], isDigit) || !all(b[10:], isDigit) {
			return false
		}
		return bsn(b[:9]) || mod97([]byte("NL"), b) == 1
	}}},
	"AT": {{9, func(b []byte) bool {
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
	"LU": {{8, digitsOnly(func(d []byte) bool { return number(d[:6])%89 == number(d[6:]) })}},
	"ES": {{9, func(b []byte) bool {
		return all(b[:8], isDigit) && kindOf[b[8]]&isUpper != 0 && "TRWAGMYFPDXBNJZSQVHLCKE"[number(b[:8])%23] == b[8] || spanishCompany(b)
	}}},
	"CH": {{10, swissCompany}}, // CHE-123.456.789
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
