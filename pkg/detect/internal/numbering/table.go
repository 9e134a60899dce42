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

// place is a state of one pattern's program: the pattern in the high half, the
// instruction in the low.
type place uint32

func placeOf(pattern int, pc uint32) place { return place(pattern)<<16 | place(pc) }

func (p place) pattern() int { return int(p >> 16) }

// builder makes a table by the subset construction.
type builder struct {
	programs []*syntax.Prog
	ids      map[string]uint16
	sets     [][]place
	key      []byte
	reached  []place
}

// maxStates bounds a table; the largest of the library's plans has some two
// thousand states.
const maxStates = 1 << 15

func newTable(list []description) *table {
	t := &table{}
	b := &builder{ids: map[string]uint16{}}
	for i, d := range list {
		re, err := syntax.Parse(d.pattern, syntax.Perl)
		if err != nil {
			continue
		}
		program, err := syntax.Compile(re.Simplify())
		if err != nil || len(program.Inst) > 1<<16 {
			continue
		}
		b.programs = append(b.programs, program)
		t.lengths = append(t.lengths, d.lengths)
		b.follow(placeOf(i, uint32(program.Start)))
	}
	if len(b.programs) != len(list) { // the library would panic over such a pattern
		return &table{next: make([][10]uint16, 2), accepts: make([]uint16, 2)}
	}
	start := b.reached
	b.reached = nil
	b.state()
	b.reached = start
	b.state()
	for at := 0; at < len(b.sets); at++ {
		var row [10]uint16
		for digit := range row {
			b.step(b.sets[at], rune('0'+digit))
			row[digit] = b.state()
		}
		t.next = append(t.next, row)
		t.accepts = append(t.accepts, b.matched(b.sets[at]))
	}
	return t
}

// state numbers the set of places that were reached.
func (b *builder) state() uint16 {
	slices.Sort(b.reached)
	set := slices.Compact(b.reached)
	b.key = b.key[:0]
	for _, p := range set {
		b.key = append(b.key, byte(p), byte(p>>8), byte(p>>16))
	}
	id, ok := b.ids[string(b.key)]
	if !ok && len(b.sets) < maxStates {
		id = uint16(len(b.sets))
		b.ids[string(b.key)] = id
		b.sets = append(b.sets, slices.Clone(set))
	}
	return id
}

// step notes where the places go with a digit.
func (b *builder) step(set []place, digit rune) {
	b.reached = b.reached[:0]
	for _, p := range set {
		inst := &b.programs[p.pattern()].Inst[uint16(p)]
		switch inst.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if inst.MatchRune(digit) {
				b.follow(placeOf(p.pattern(), inst.Out))
			}
		}
	}
}

// follow notes the places that are reached without a digit. Only those count
// that wait for one or are the end. No pattern of the plans repeats nothing, so
// it ends.
func (b *builder) follow(p place) {
	inst := &b.programs[p.pattern()].Inst[uint16(p)]
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		b.follow(placeOf(p.pattern(), inst.Out))
		b.follow(placeOf(p.pattern(), inst.Arg))
	case syntax.InstCapture, syntax.InstNop:
		b.follow(placeOf(p.pattern(), inst.Out))
	case syntax.InstFail:
	default:
		if !slices.Contains(b.reached, p) {
			b.reached = append(b.reached, p)
		}
	}
}

// matched tells which patterns have read all they want.
func (b *builder) matched(set []place) (mask uint16) {
	for _, p := range set {
		if b.programs[p.pattern()].Inst[uint16(p)].Op == syntax.InstMatch {
			mask |= 1 << p.pattern()
		}
	}
	return mask
}
