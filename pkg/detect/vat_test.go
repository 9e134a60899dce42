package detect

import "testing"

// vatNumbers are two of each form with a check digit, made to fit it.
var vatNumbers = []string{
	"ATU13585627", "BE0428759497", "CHE107787577", "DE136695976", "ESB58378431", "FR40303265045", "GB980780684", "IT00743110157", "LU15027442", "NL004495445B01", "PL8567346215", "PT501964843",
	"BG644684602", "BG792732169", "CY19760130P", "CY89478520V", "CZ16907949", "CZ24148270", "DK38065386", "DK38358634", "EE220864291", "EE919311864", "EL043285074", "EL212130990",
	"FI25466237", "FI76301926", "HR91351980111", "HR97986295739", "HU14936803", "HU34998423", "IE4637227Q", "IE4694109I", "LT132205815", "LT862267417", "LV40427137082", "LV45962257166",
	"MT43759669", "MT74488169", "RO64916315", "RO91273780", "SE143452259301", "SE425242335701", "SI58514635", "SI96235004", "SK5196667476", "SK6848324241",
}

// TestVATNumbers finds each behind its words, and hardly any with a wrong digit.
func TestVATNumbers(t *testing.T) {
	s := newSet(t, Options{Entities: []string{"VAT_NUMBER"}})
	for _, n := range vatNumbers {
		if text := "VAT number: " + n; len(s.Scan([]byte(text), nil)) != 1 {
			t.Errorf("%q: nothing", text)
		}
		wrong := []byte("VAT number: " + n)
		at := len(wrong) - 6 // of digits that all checks weigh
		passed := 0
		for range 9 {
			wrong[at] = '0' + (wrong[at]-'0'+1)%10
			passed += len(s.Scan(wrong, nil))
		}
		if passed > 1 { // the rest 10 of eleven has no digit, and shares that of another
			t.Errorf("%s: %d of 9 wrong digits pass", n, passed)
		}
	}
	for _, text := range []string{"part DK38065386", "model SI58514635", "ref IE4637227Q"} {
		if found := s.Scan([]byte(text), nil); len(found) > 0 {
			t.Errorf("%q: %s", text, describe(text, found))
		}
	}
}
