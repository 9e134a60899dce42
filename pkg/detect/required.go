package detect

import "regexp/syntax"

// required is what a token must have for a pattern to match in it.
type required struct {
	literal string // stands in every match; "" where none does
	length  int    // of the shortest match, in bytes
}

// requiredOf reads it off a pattern (RE2). It errs on the side of asking for too
// little.
func requiredOf(pattern string) required {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return required{}
	}
	return required{longestLiteral(re.Simplify()), shortest(re)}
}

// longestLiteral is the longest string that every match of re holds, letter case
// included.
func longestLiteral(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return ""
		}
		return string(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return longestLiteral(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return longestLiteral(re.Sub[0])
		}
	case syntax.OpConcat:
		best := ""
		for _, sub := range re.Sub {
			if l := longestLiteral(sub); len(l) > len(best) {
				best = l
			}
		}
		return best
	}
	return ""
}

// shortest is the length of re's shortest match, in bytes.
func shortest(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min * shortest(re.Sub[0])
	case syntax.OpConcat:
		n := 0
		for _, sub := range re.Sub {
			n += shortest(sub)
		}
		return n
	case syntax.OpAlternate:
		n := shortest(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			n = min(n, shortest(sub))
		}
		return n
	}
	return 0
}
