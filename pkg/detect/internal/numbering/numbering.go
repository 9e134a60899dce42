// Package numbering judges phone numbers by the numbering plans of their
// countries, without allocating and in time that grows with the number alone.
//
// The plans are libphonenumber's, taken from the library's own metadata when
// the process starts: lengths, national prefixes, and the patterns of every
// kind of number. The patterns of a region become one table over the ten
// digits, compiled when the region is first asked for, which answers what the
// library answers with up to twelve regular expressions. A test holds the
// tables to the library over random numbers of every country.
package numbering

import (
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// MostDigits is the length of the longest number that can be valid: E.164 has
// 15 digits, some plans of single countries two more.
const MostDigits = 17

// Region is the numbering plan of one region. It is safe for concurrent use.
type Region struct {
	code     string // country calling code
	prefix   *table // dialled before a national number; nil where there is none
	possible uint32 // bit n: a number may have n digits
	local    uint32 // bit n: a number without its area code may have n digits
	longest  int
	dialled  uint32 // bit n: n digits may be a number, with what may be dialled before it or without
	table    func() *table
}

// plan is all regions of one country calling code, the main one first.
type plan []*Region

// plans are those of all calling codes, and of all regions by their names.
type plans struct {
	byCode   [1000]plan
	byRegion map[string]*Region
}

var loaded = sync.OnceValue(load)

// Load reads the plans; the first use does so otherwise. It takes about a
// millisecond.
func Load() { loaded() }

func load() *plans {
	p := &plans{byRegion: map[string]*Region{}}
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return p // the library itself panics at start where its metadata is broken
	}
	worldwide := map[int]*Region{}
	for _, m := range all.GetMetadata() {
		r := newRegion(m)
		if m.GetId() == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			worldwide[int(m.GetCountryCode())] = r
		} else {
			p.byRegion[m.GetId()] = r
		}
	}
	for code := range phonenumbers.GetSupportedCallingCodes() {
		for _, name := range phonenumbers.GetRegionCodesForCountryCode(code) {
			r := p.byRegion[name]
			if name == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
				r = worldwide[code]
			}
			if r != nil && code < len(p.byCode) {
				p.byCode[code] = append(p.byCode[code], r)
			}
		}
	}
	return p
}

func newRegion(m *phonenumbers.PhoneMetadata) *Region {
	general := m.GetGeneralDesc()
	r := &Region{
		code: strconv.Itoa(int(m.GetCountryCode())), prefix: newPrefix(m),
		possible: lengths(general.GetPossibleLength()), local: lengths(general.GetPossibleLengthLocalOnly()),
		table: sync.OnceValue(func() *table { return newTable(descriptions(m)) }),
	}
	for n := range 32 {
		if r.possible>>n&1 == 1 {
			r.longest = n
		}
	}
	const most = 4 // digits of the longest national prefix that is read
	for n := range most + len(r.code) + 1 {
		r.dialled |= r.possible << n
	}
	return r
}

// newPrefix is the table of the national prefix. A prefix that brings a
// carrier's code or rewrites the number is read as its usual digits alone.
func newPrefix(m *phonenumbers.PhoneMetadata) *table {
	pattern := m.GetNationalPrefixForParsing()
	if strings.Contains(strings.ReplaceAll(pattern, "(?:", ""), "(") || m.GetNationalPrefixTransformRule() != "" {
		pattern = m.GetNationalPrefix()
	}
	if pattern == "" {
		return nil
	}
	return newTable([]description{{pattern: pattern}})
}

func lengths(list []int32) (mask uint32) {
	for _, n := range list {
		if n >= 0 && n < 32 {
			mask |= 1 << n
		}
	}
	return mask
}

// Find returns the plan of a region by its ISO 3166 code, nil where it has
// none.
func Find(region string) *Region { return loaded().byRegion[region] }

// Verdict is what is known of a number.
type Verdict uint8

// Verdicts, from the least to the most.
const (
	Impossible Verdict = iota
	Possible           // its length is one of the country's
	Valid              // its digits are those of a kind of number there
)

// International judges the digits after a plus sign: a country calling code
// and a number, before which the national prefix may stand.
func International(digits []byte) Verdict {
	p, rest := callingCode(digits)
	if len(p) == 0 || len(rest) < 2 {
		return Impossible
	}
	main := p[0]
	rest = main.strip(rest)
	if len(rest) > MostDigits || (main.possible|main.local)>>len(rest)&1 == 0 {
		return Impossible
	}
	for _, r := range p {
		if r.table().valid(rest) {
			return Valid
		}
	}
	return Possible
}

// callingCode cuts the country calling code off. No code begins another.
func callingCode(digits []byte) (plan, []byte) {
	if len(digits) == 0 || digits[0] == '0' {
		return nil, nil
	}
	code, p := 0, loaded()
	for i := 0; i < 3 && i < len(digits); i++ {
		code = code*10 + int(digits[i]-'0')
		if len(p.byCode[code]) > 0 {
			return p.byCode[code], digits[i+1:]
		}
	}
	return nil, nil
}

// Valid reports whether the digits, as they are dialled within the region, are
// a number there: with or without the national prefix, and after the country
// calling code without its plus sign.
func (r *Region) Valid(digits []byte) bool {
	if len(digits) >= 32 || r.dialled>>len(digits)&1 == 0 {
		return false
	}
	return r.table().valid(r.strip(r.uncode(digits)))
}

// uncode cuts the country calling code off where that makes a number of what
// is none or is too long.
func (r *Region) uncode(digits []byte) []byte {
	if len(digits) <= len(r.code) || string(digits[:len(r.code)]) != r.code {
		return digits
	}
	rest := digits[len(r.code):]
	if len(digits) > r.longest || !r.table().general(digits) && r.table().general(r.stripPattern(rest)) {
		return rest
	}
	return digits
}

// strip cuts the national prefix off, unless that leaves too little.
func (r *Region) strip(digits []byte) []byte {
	rest := r.stripPattern(digits)
	if n := len(rest); n > r.longest || r.possible>>n&1 == 1 {
		return rest
	}
	return digits
}

// stripPattern cuts the national prefix off, unless only with it the digits are
// of the region's form.
func (r *Region) stripPattern(digits []byte) []byte {
	if r.prefix == nil {
		return digits
	}
	n := r.prefix.longest(digits)
	if n == 0 {
		return digits
	}
	rest := digits[n:]
	if r.table().general(digits) && !r.table().general(rest) {
		return digits
	}
	return rest
}
