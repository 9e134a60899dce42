package numbering

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// digitsLike are random digits, half of them an example number of the region
// with some digits changed, so that both answers are common.
func digitsLike(r *rand.Rand, example string) []byte {
	if example == "" || r.IntN(3) == 0 {
		out := make([]byte, 4+r.IntN(11))
		for i := range out {
			out[i] = byte('0' + r.IntN(10))
		}
		return out
	}
	out := []byte(example)
	for range r.IntN(4) {
		out[r.IntN(len(out))] = byte('0' + r.IntN(10))
	}
	switch r.IntN(8) {
	case 0:
		out = append(out, byte('0'+r.IntN(10)))
	case 1:
		out = out[:len(out)-1]
	}
	return out
}

// kinds of numbers that there are examples of.
var kinds = []phonenumbers.PhoneNumberType{phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.VOIP, phonenumbers.UAN}

func exampleOf(r *rand.Rand, region string) string {
	n := phonenumbers.GetExampleNumberForType(region, kinds[r.IntN(len(kinds))])
	if n == nil {
		n = phonenumbers.GetExampleNumber(region)
	}
	if n == nil {
		return ""
	}
	return phonenumbers.GetNationalSignificantNumber(n)
}

// sortedRegions are all regions of the library.
func sortedRegions() []string {
	var out []string
	for region := range phonenumbers.GetSupportedRegions() {
		out = append(out, region)
	}
	slices.Sort(out)
	return out
}

// TestValidIsTheLibrarys holds the tables to the library: the same numbers are
// valid in every region.
func TestValidIsTheLibrarys(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 6
	}
	valid, all := 0, 0
	r := rand.New(rand.NewPCG(1, 2))
	for _, region := range sortedRegions() {
		code := phonenumbers.GetCountryCodeForRegion(region)
		for range rounds {
			d := digitsLike(r, exampleOf(r, region))
			n := libraryNumber(code, d)
			want := phonenumbers.IsValidNumberForRegion(n, region)
			if got := Find(region).table().valid(d); got != want {
				t.Errorf("%s %s: valid %v, the library says %v", region, d, got, want)
			}
			all++
			if want {
				valid++
			}
		}
	}
	if valid*5 < all || valid*5 > all*4 {
		t.Errorf("%d of %d numbers are valid: the test is lopsided", valid, all)
	}
}

// libraryNumber is the library's form of a national number.
func libraryNumber(code int, digits []byte) *phonenumbers.PhoneNumber {
	zeros := int32(0)
	for int(zeros) < len(digits)-1 && digits[zeros] == '0' {
		zeros++
	}
	value, _ := strconv.ParseUint(string(digits), 10, 64)
	country, leading := int32(code), zeros > 0
	n := &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &value}
	if leading {
		n.ItalianLeadingZero, n.NumberOfLeadingZeros = &leading, &zeros
	}
	return n
}

// TestDialled holds the national prefix and the country's code to the
// library's parser, for regions whose prefix is always the same.
func TestDialled(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 40
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, region := range []string{"US", "GB", "FR", "DE", "IT", "ES", "NL", "BE", "CH", "AT", "PL", "PT", "IE", "IN", "SE"} {
		plan := Find(region)
		for range rounds {
			d := digitsLike(r, exampleOf(r, region))
			switch r.IntN(3) {
			case 0:
				d = append([]byte(phonenumbers.GetNddPrefixForRegion(region, true)), d...)
			case 1:
				d = append([]byte(plan.code), d...)
			}
			if d[0] == '0' && d[1] == '0' || string(d[:3]) == "011" {
				continue // dialled abroad: the caller's own case
			}
			n, err := phonenumbers.Parse(string(d), region)
			want := err == nil && phonenumbers.IsValidNumberForRegion(n, region)
			if got := plan.Valid(d); got != want {
				t.Errorf("%s %s: valid %v, the library says %v (%v)", region, d, got, want, n)
			}
		}
	}
}

// rewrites are regions where a prefix stands for digits of the number, which
// the tables leave to those who write numbers without a plus sign.
func rewrites(region string) bool {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return false
	}
	for _, m := range all.GetMetadata() {
		if m.GetId() == region {
			return m.GetNationalPrefixTransformRule() != ""
		}
	}
	return false
}

// TestInternational holds numbers with a plus sign to the library's parser.
func TestInternational(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 6
	}
	r := rand.New(rand.NewPCG(5, 6))
	for _, region := range sortedRegions() {
		plan := Find(phonenumbers.GetRegionCodeForCountryCode(phonenumbers.GetCountryCodeForRegion(region)))
		for range rounds {
			d := append([]byte(plan.code), digitsLike(r, exampleOf(r, region))...)
			if want, got := libraryVerdict(d), International(d); got != want && !rewrites(phonenumbers.GetRegionCodeForCountryCode(phonenumbers.GetCountryCodeForRegion(region))) {
				t.Errorf("+%s of %s: %v, the library says %v", d, region, got, want)
			}
		}
	}
}

func libraryVerdict(d []byte) Verdict {
	n, err := phonenumbers.Parse("+"+string(d), "")
	switch {
	case err != nil || !phonenumbers.IsPossibleNumber(n):
		return Impossible
	case phonenumbers.IsValidNumber(n):
		return Valid
	}
	return Possible
}

func TestNoAllocation(t *testing.T) {
	d := []byte("442079460958")
	International(d)
	gb := Find("GB")
	if n := testing.AllocsPerRun(100, func() { International(d); gb.Valid(d[1:]) }); n != 0 {
		t.Errorf("%v allocations a number", n)
	}
}

// FuzzInternational holds that no digits stop the tables.
func FuzzInternational(f *testing.F) {
	f.Add([]byte("442079460958"))
	f.Add([]byte("80012345678"))
	f.Add([]byte("0"))
	f.Fuzz(func(t *testing.T, d []byte) {
		for _, c := range d {
			if c < '0' || c > '9' {
				return
			}
		}
		if International(d) > Valid || Find("DE").Valid(d) && len(d) > 20 {
			t.Fatalf("%s", d)
		}
	})
}

func BenchmarkInternational(b *testing.B) {
	d := []byte("442079460958")
	b.ReportAllocs()
	for b.Loop() {
		International(d)
	}
}

func BenchmarkCompile(b *testing.B) {
	all, _ := phonenumbers.MetadataCollection()
	for b.Loop() {
		states := 0
		for _, m := range all.GetMetadata() {
			states += len(newTable(descriptions(m)).next)
		}
		b.ReportMetric(float64(states), "states")
	}
}
