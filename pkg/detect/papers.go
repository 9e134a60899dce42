package detect

// Passports and driving licences: their forms say little, so they must be
// named.

// Forms of the countries whose papers hold few digits, or that are written in
// parts: A is a capital, 9 a digit, X either. All others are taken as seven or
// more digits and capitals, five of them digits.
var (
	passportForms = []string{
		"AAXXXXXX9", // Netherlands, Belgium's and Italy's newer ones
		"AXXXXXXX9", // Germany (BSI TR-03105: no vowels, so no words)
		"A9999999",  // India
	}
	licenceForms = []string{
		"AA9999999999999", // India: state, office, year, number
		"A999999999999",   // Florida, Maryland, Michigan, Minnesota
		"A99999999999",    // Illinois
		"A9999999999999",  // Wisconsin
		"A99999999999999", // New Jersey
	}
)

// papers tries unit i alone.
func (v *verifier) papers(i int) {
	u := &v.units[i]
	if !v.closes(i) || u.len() > 18 {
		return
	}
	b := v.text[u.start:u.end]
	digits := 0
	for _, c := range b {
		digits += int(kindOf[c] & isDigit)
	}
	if len(b) <= 9 && digits >= 5 || digits >= 2 && hasForm(b, passportForms) {
		v.add("PASSPORT", u.start, u.end, 0.4, aboutPassport, true)
	}
	if len(b) == 16 && kindOf[b[0]]&isUpper != 0 && all(b[5:11], isDigit) && ukLicence(b) {
		v.add("DRIVING_LICENCE", u.start, u.end, 0.75, aboutLicence, false)
	} else if digits >= 5 {
		v.add("DRIVING_LICENCE", u.start, u.end, 0.4, aboutLicence, true)
	}
}

// papersInParts tries the units from i on, a few capitals or digits after
// capitals first: J 8369854, MH12 20110012345, W426-545-30-761-0.
func (v *verifier) papersInParts(i int) {
	if i+1 >= len(v.units) || !v.units[i+1].digits() || v.units[i].kind&isLower != 0 {
		return
	}
	b := append(v.code[:0], v.text[v.units[i].start:v.units[i].end]...)
	for j := i + 1; j < len(v.units); j++ {
		u := &v.units[j]
		if !u.digits() || u.gap != ' ' && u.gap != '-' || len(b)+u.len() > 15 {
			return
		}
		v.work += u.len()
		b = append(b, v.text[u.start:u.end]...)
		if !v.closes(j) {
			continue
		}
		if hasForm(b, passportForms) {
			v.add("PASSPORT", v.units[i].start, u.end, 0.45, aboutPassport, true)
		}
		if hasForm(b, licenceForms) {
			v.add("DRIVING_LICENCE", v.units[i].start, u.end, 0.45, aboutLicence, true)
		}
	}
}

// hasForm reports one of the forms.
func hasForm(b []byte, forms []string) bool {
	for _, form := range forms {
		if len(form) != len(b) {
			continue
		}
		fits := true
		for i := 0; fits && i < len(b); i++ {
			switch k := kindOf[b[i]]; form[i] {
			case 'A':
				fits = k&isUpper != 0
			case '9':
				fits = k&isDigit != 0
			default:
				fits = k&(isUpper|isDigit) != 0
			}
		}
		if fits {
			return true
		}
	}
	return false
}

// ukLicence checks the date of birth within a driver number of the DVLA.
func ukLicence(b []byte) bool {
	month, day := number(b[6:8])%50, number(b[8:10])
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && kindOf[b[11]]&isUpper != 0 && kindOf[b[14]]&kindOf[b[15]]&isUpper != 0
}
