package detect

// luhn checks ISO/IEC 7812-1.
func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// cardNetwork reports that a network gives out numbers of this beginning and
// length.
func cardNetwork(d []byte) bool {
	n := len(d)
	if n < 12 || n > 19 {
		return false
	}
	two, three, four := number(d[:2]), number(d[:3]), number(d[:4])
	ok := false
	switch {
	case d[0] == '4': // Visa
		ok = n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720: // Mastercard
		ok = n == 16
	case two == 34, two == 37: // American Express
		ok = n == 15
	case three >= 300 && three <= 305, two == 36, two == 38, two == 39: // Diners Club
		ok = n == 14 || n == 16 && two != 36
	case four >= 3528 && four <= 3589: // JCB
		ok = n >= 16
	case four == 1800, four == 2131: // JCB, old
		ok = n == 15
	case four == 6011, two == 65, three >= 644 && three <= 649: // Discover
		ok = n >= 16
	case two == 62, two == 81: // UnionPay
		ok = n >= 16
	case four >= 2200 && four <= 2204: // Mir
		ok = n >= 16
	case two == 50, two >= 56 && two <= 58, four == 6304, four == 6390, two == 67, four == 604: // Maestro
		ok = true
	}
	return ok
}

// varied rejects numbers of one digit.
func varied(d []byte) bool {
	for _, c := range d[1:] {
		if c != d[0] {
			return true
		}
	}
	return false
}

// nhs checks the modulus 11 of the NHS Data Dictionary.
func nhs(d []byte) bool {
	sum := 0
	for i := range 9 {
		sum += (10 - i) * int(d[i]-'0')
	}
	check := 11 - sum%11
	return check%11 == int(d[9]-'0') && check != 10 && varied(d)
}

// ean13 checks GS1's check digit.
func ean13(d []byte) bool {
	sum := 0
	for i, c := range d {
		sum += int(c-'0') * (1 + 2*(i%2))
	}
	return sum%10 == 0
}

// siret checks an establishment's number: Luhn over all and over the company's
// nine digits; the post office's sum to a multiple of five.
func siret(d []byte) bool {
	if !varied(d) {
		return false
	}
	if string(d[:9]) == "356000000" {
		sum := 0
		for _, c := range d {
			sum += int(c - '0')
		}
		return sum%5 == 0
	}
	return luhn(d) && luhn(d[:9])
}

// stamped reports a day and time written as one number: 20260305102233.
func stamped(d []byte) bool {
	return stampedDay(d) && number(d[8:10]) < 24
}

// stampedDay reports a day that a number begins with: 20260305.
func stampedDay(d []byte) bool {
	century, month, day := number(d[:2]), number(d[4:6]), number(d[6:8])
	return (century == 19 || century == 20) && month >= 1 && month <= 12 && day >= 1 && day <= 31
}

// nir checks a number of the INSEE with its key of 97, Corsica's letters
// already replaced.
func nir(d []byte) bool {
	if len(d) != 15 || d[0] != '1' && d[0] != '2' && d[0] != '3' && d[0] != '4' && d[0] != '7' && d[0] != '8' {
		return false
	}
	if m := number(d[3:5]); m == 0 || m > 12 && m < 20 || m > 42 && m < 50 {
		return false
	}
	rest := 0
	for _, c := range d[:13] {
		rest = (rest*10 + int(c-'0')) % 97
	}
	return 97-rest == number(d[13:])
}

// pick11 is the check digit of a sum of weights modulo 11, 0 for 10 and 11.
func pick11(d []byte, weights []int) int {
	if n := 11 - weigh(d, weights)%11; n < 10 {
		return n
	}
	return 0
}

func weigh(d []byte, weights []int) int {
	sum := 0
	for i, w := range weights {
		sum += w * int(d[i]-'0')
	}
	return sum
}

// bsn checks the Dutch test of eleven.
func bsn(d []byte) bool {
	return weigh(d, []int{9, 8, 7, 6, 5, 4, 3, 2, -1})%11 == 0 && varied(d)
}

// pesel checks the Polish number's date and check digit.
func pesel(d []byte) bool {
	month, day := number(d[2:4])%20, number(d[4:6])
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
		weigh(d, []int{1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1})%10 == 0
}

// nrn checks the Belgian number's date and its key of 97, for both centuries.
func nrn(d []byte) bool {
	if month, day := number(d[2:4])%20, number(d[4:6]); month > 12 || day > 31 {
		return false
	}
	n, key := number(d[:9]), number(d[9:])
	return 97-n%97 == key || 97-(2000000000+n)%97 == key
}

// germanTax checks ISO 7064 MOD 11,10 and that one digit, and only one, comes
// two or three times among the first ten.
func germanTax(d []byte) bool {
	if d[0] == '0' || mod1110(d[:10]) != int(d[10]-'0') {
		return false
	}
	var count [10]int
	for _, c := range d[:10] {
		count[c-'0']++
	}
	repeated := 0
	for _, n := range count {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	return repeated == 1
}

// mod1110 is the check digit of ISO 7064 MOD 11,10.
func mod1110(d []byte) int {
	product := 10
	for _, c := range d {
		sum := (int(c-'0') + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = 2 * sum % 11
	}
	return (11 - product) % 10
}

// mod97 is the rest of ISO 7064 MOD 97-10, letters as 10 to 35.
func mod97(parts ...[]byte) int {
	rest := 0
	for _, part := range parts {
		for _, c := range part {
			if c >= '0' && c <= '9' {
				rest = (rest*10 + int(c-'0')) % 97
			} else {
				rest = (rest*100 + int(c-'A'+10)) % 97
			}
		}
	}
	return rest
}
