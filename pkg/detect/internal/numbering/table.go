package numbering

import (
	"regexp/syntax"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// description is the pattern of one kind of number, and the lengths it may
// have: all that the pattern allows where 0.
type description struct {
	pattern string
	lengths uint32
}

// descriptions are the region's general one, and then those of its kinds.
func descriptions(m *phonenumbers.PhoneMetadata) []description {
	kinds := []*phonenumbers.PhoneNumberDesc{
		m.GetGeneralDesc(), m.GetFixedLine(), m.GetPremiumRate(), m.GetTollFree(), m.GetSharedCost(), m.GetVoip(),
		m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail(),
	}
	if !m.GetSameMobileAndFixedLinePattern() {
		kinds = append(kinds, m.GetMobile())
	}
	var out []description
	for i, k := range kinds {
		if i == 0 || k.GetNationalNumberPattern() != "" {
			d := description{k.GetNationalNumberPattern(), lengths(k.GetPossibleLength())}
			if len(k.GetPossibleLength()) > 0 && d.lengths == 0 {
				d.lengths = 1 << 31 // -1: there are none of this kind
			}
			out = append(out, d)
		}
	}
	return out
}

// table runs all patterns of a region at once, as one deterministic automaton.
type table struct {
	next    [][10]uint16 // state and digit to state; state 0 is dead
	accepts []uint16     // by state: bit i, pattern i matches what was read
	lengths []uint32     // by pattern
}

const generalBit = 1

// valid reports digits of the general pattern and of one kind of number.
func (t *table) valid(digits []byte) bool {
	if len(digits) > MostDigits {
		return false
	}
	matched := t.run(digits)
	if matched&generalBit == 0 || matched&^generalBit == 0 {
		return false
	}
	fits := uint16(0)
	for i, mask := range t.lengths {
		if mask == 0 || mask>>len(digits)&1 == 1 {
			fits |= 1 << i
		}
	}
	matched &= fits
	return matched&generalBit != 0 && matched&^generalBit != 0
}

// general reports digits of the general pattern.
func (t *table) general(digits []byte) bool { return t.run(digits)&generalBit != 0 }

func (t *table) run(digits []byte) uint16 {
	state := uint16(1)
	for _, c := range digits {
		state = t.next[state][(c-'0')%10]
	}
	return t.accepts[state]
}

// longest is how many digits the first pattern takes at most.
func (t *table) longest(digits []byte) int {
	state, n := uint16(1), 0
	for i, c := range digits {
		if state = t.next[state][(c-'0')%10]; state == 0 {
			break
		}
		if t.accepts[state]&generalBit != 0 {
			n = i + 1
		}
	}
	return n
}

// place is a state of one pattern's program.
type place struct{ pattern, pc int32 }

// builder makes a table by the subset construction.
type builder struct {
	programs []*syntax.Prog
	ids      map[string]uint16
	sets     [][]place
}

// maxStates bounds a table; the largest of the library's plans has some two
// thousand states.
const maxStates = 1 << 15

func newTable(list []description) *table {
	t := &table{}
	b := &builder{ids: map[string]uint16{}}
	var start []place
	for i, d := range list {
		re, err := syntax.Parse(d.pattern, syntax.Perl)
		if err != nil {
			continue
		}
		program, err := syntax.Compile(re.Simplify())
		if err != nil {
			continue
		}
		b.programs = append(b.programs, program)
		t.lengths = append(t.lengths, d.lengths)
		start = b.follow(start, place{int32(i), int32(program.Start)})
	}
	if len(b.programs) != len(list) { // the library would panic over such a pattern
		return &table{next: make([][10]uint16, 2), accepts: make([]uint16, 2)}
	}
	b.state(nil)
	b.state(start)
	for at := 0; at < len(b.sets); at++ {
		var row [10]uint16
		for digit := range row {
			row[digit] = b.state(b.step(b.sets[at], rune('0'+digit)))
		}
		t.next = append(t.next, row)
		t.accepts = append(t.accepts, b.matched(b.sets[at]))
	}
	return t
}

// state numbers a set of places.
func (b *builder) state(set []place) uint16 {
	slices.SortFunc(set, func(x, y place) int {
		if x.pattern != y.pattern {
			return int(x.pattern - y.pattern)
		}
		return int(x.pc - y.pc)
	})
	set = slices.Compact(set)
	key := make([]byte, 0, 5*len(set))
	for _, p := range set {
		key = append(key, byte(p.pattern), byte(p.pc), byte(p.pc>>8), byte(p.pc>>16))
	}
	id, ok := b.ids[string(key)]
	if !ok && len(b.sets) < maxStates {
		id = uint16(len(b.sets))
		b.ids[string(key)] = id
		b.sets = append(b.sets, set)
	}
	return id
}

// step is where the places go with a digit.
func (b *builder) step(set []place, digit rune) []place {
	var out []place
	for _, p := range set {
		inst := &b.programs[p.pattern].Inst[p.pc]
		switch inst.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if inst.MatchRune(digit) {
				out = b.follow(out, place{p.pattern, int32(inst.Out)})
			}
		}
	}
	return out
}

// follow appends the places that are reached without a digit.
func (b *builder) follow(set []place, p place) []place {
	if slices.Contains(set, p) {
		return set
	}
	inst := &b.programs[p.pattern].Inst[p.pc]
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		set = append(set, p)
		return b.follow(b.follow(set, place{p.pattern, int32(inst.Out)}), place{p.pattern, int32(inst.Arg)})
	case syntax.InstCapture, syntax.InstNop:
		return b.follow(set, place{p.pattern, int32(inst.Out)})
	case syntax.InstFail:
		return set
	}
	return append(set, p)
}

// matched tells which patterns have read all they want.
func (b *builder) matched(set []place) (mask uint16) {
	for _, p := range set {
		if b.programs[p.pattern].Inst[p.pc].Op == syntax.InstMatch {
			mask |= 1 << p.pattern
		}
	}
	return mask
}
