// Package shapetest makes texts that a regular expression matches, for tests.
package shapetest

import (
	"math/rand/v2"
	"regexp/syntax"
	"strings"
)

// Sample writes a random text that re matches, if its assertions hold.
func Sample(r *rand.Rand, re *syntax.Regexp, b *strings.Builder) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && r.IntN(2) == 0 {
				c = []rune(strings.ToLower(string(c)))[0]
			}
			b.WriteRune(c)
		}
	case syntax.OpCharClass:
		b.WriteRune(oneOf(r, re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(byte(' ' + r.IntN(95)))
	case syntax.OpCapture:
		Sample(r, re.Sub[0], b)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			Sample(r, sub, b)
		}
	case syntax.OpAlternate:
		Sample(r, re.Sub[r.IntN(len(re.Sub))], b)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		lo, hi := repeats(re)
		if hi < 0 || hi > lo+24 {
			hi = lo + 24
		}
		for range lo + r.IntN(hi-lo+1) {
			Sample(r, re.Sub[0], b)
		}
	}
}

// oneOf picks a printable character of a class where it has one.
func oneOf(r *rand.Rand, class []rune) rune {
	var choices []rune
	for i := 0; i < len(class); i += 2 {
		for c := class[i]; c <= min(class[i+1], '~'); c++ {
			if c >= ' ' || c == '\n' || c == '\t' {
				choices = append(choices, c)
			}
		}
	}
	if len(choices) == 0 {
		return class[0]
	}
	return choices[r.IntN(len(choices))]
}

// repeats gives how often re repeats; hi is -1 without a bound.
func repeats(re *syntax.Regexp) (lo, hi int) {
	switch re.Op {
	case syntax.OpStar:
		return 0, -1
	case syntax.OpPlus:
		return 1, -1
	case syntax.OpQuest:
		return 0, 1
	}
	return re.Min, re.Max
}
