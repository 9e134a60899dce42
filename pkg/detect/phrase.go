package detect

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/regent-proxy/regent/pkg/detect/secret"
)

// Bounds of a phrase.
const (
	maxPhrase   = 256      // bytes of a match from its literal on; what goes beyond is not seen
	maxBefore   = 64       // bytes of a match before its literal
	maxSpelled  = 64       // literals of one phrase
	leastAnchor = 2        // bytes of the shortest of them
	maxBegun    = 16 << 10 // bytes of the expression of what a match begins with
	unbounded   = 1 << 20
)

// phrase is a custom pattern that may match over several tokens. It is cut at a
// string that each of its matches has: the head before it, which stands in the
// token where the string begins, and the tail from it on.
type phrase struct {
	literals []string
	head     *regexp.Regexp // ends where the tail begins; nil where there is none
	before   int            // bytes of the head at most
	first    *regexp.Regexp // the tail at the start of the text
	tail     *regexp.Regexp // behind any one byte
	open     *regexp.Regexp // what a tail may still come of; nil where that is too much to ask
	after    int            // bytes of the tail at most
}

// phrasesOf makes the phrases of a pattern, one of each alternative; none where
// it names no byte that ends a token. A phrase must have, in its first word, a
// string of two bytes or more that stands in each of its matches: there it is
// looked for. It must not ask for the start or the end of a text or line.
func phrasesOf(pattern string) ([]*phrase, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	re = bare(re.Simplify())
	if !namesEnder(re) {
		return nil, nil
	}
	if asksForEnds(re) {
		return nil, errors.New("its pattern spans several words and asks for the start or end of a text (^, $): use \\b")
	}
	branches := []*syntax.Regexp{re}
	if re.Op == syntax.OpAlternate {
		branches = re.Sub
	}
	var out []*phrase
	for _, branch := range branches {
		p, err := phraseOf(bare(branch))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// bare is re without the group around it.
func bare(re *syntax.Regexp) *syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	return re
}

func phraseOf(re *syntax.Regexp) (*phrase, error) {
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	at, literals := anchor(parts)
	if at < 0 {
		return nil, fmt.Errorf("its pattern spans several words, and %s has no string of %d bytes or more in its first word to look for, with at most %d bytes before it: begin it with one, as in PRJ \\d{4}", re, leastAnchor, maxBefore)
	}
	tail := &syntax.Regexp{Op: syntax.OpConcat, Sub: parts[at:]}
	p := &phrase{literals: literals, before: longestOf(parts[:at]), after: min(longestOf(parts[at:]), maxPhrase) + 1}
	var err error
	for _, c := range []struct {
		into **regexp.Regexp
		text string
	}{
		{&p.first, `\A(?:` + tail.String() + `)`},
		{&p.tail, `\A(?s:.)(?:` + tail.String() + `)`},
	} {
		if *c.into, err = regexp.Compile(c.text); err != nil {
			return nil, fmt.Errorf("compile its pattern: %w", err)
		}
	}
	if text := begun(parts[at:]); len(text) <= maxBegun {
		p.open, _ = regexp.Compile(`\A(?:` + text + `)\z`)
	}
	if at > 0 {
		head := &syntax.Regexp{Op: syntax.OpConcat, Sub: parts[:at]}
		p.head, err = regexp.Compile(`(?:` + head.String() + `)\z`)
	}
	return p, err
}

// rule looks for the phrase where one of its literals stands.
func (p *phrase) rule(entity string, score float64, check func([]byte) bool) secret.Rule {
	return secret.Rule{
		Entity: entity, Literals: p.literals, Before: p.before + 1, After: p.after, Score: score,
		Find: func(text []byte, at int) (start, end int, ok bool) {
			start, end, ok = p.find(text, at)
			return start, end, ok && passes(check, text[start:end])
		},
		Open: func(text []byte, at int) bool {
			return len(text) < at+p.after && (p.open == nil || p.open.Match(wholeRunes(text[at:])))
		},
	}
}

// find reports the match whose literal begins at text[at]. One byte more on
// either side is what \b asks about.
func (p *phrase) find(text []byte, at int) (start, end int, ok bool) {
	re, from := p.first, at
	if at > 0 {
		re, from = p.tail, at-1
	}
	m := re.FindIndex(text[from:min(len(text), at+p.after)])
	if m == nil {
		return 0, 0, false
	}
	start, end = at, min(from+m[1], at+maxPhrase)
	if p.head == nil {
		return start, end, true
	}
	from = max(0, at-p.before-1)
	if m = p.head.FindIndex(text[from:at]); m == nil {
		return 0, 0, false
	}
	return from + m[0], end, true
}

// wholeRunes is text without the rune at its end that is not all there.
func wholeRunes(text []byte) []byte {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i]
			}
			break
		}
	}
	return text
}

// anchor chooses where a phrase's tail begins, and the strings that it begins
// with, in lower case; -1 where there are none. What stands before must be in
// the same token: a stream has let go of the ones before that.
func anchor(parts []*syntax.Regexp) (at int, literals []string) {
	at, best := -1, leastAnchor-1
	for i := range parts {
		if mayEnd(parts[:i]) || longestOf(parts[:i]) > maxBefore {
			break
		}
		spelled := spellRun(parts[i:])
		if longestOf(parts[:i]) > 0 {
			spelled = firstWords(spelled)
		}
		least := unbounded
		for _, s := range spelled {
			if strings.TrimSpace(s) == "" {
				least = 0
			}
			least = min(least, len(s))
		}
		if least > best && least < unbounded {
			at, best, literals = i, least, spelled
		}
	}
	return at, literals
}

// firstWords cuts strings before the first byte that ends a token.
func firstWords(list []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range list {
		if i := strings.IndexFunc(s, endsToken); i >= 0 {
			s = s[:i]
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// spellRun are the strings that the parts begin with, as far as they are few.
func spellRun(parts []*syntax.Regexp) []string {
	out := []string{""}
	for _, p := range parts {
		next, ok := spell(p)
		if !ok {
			// A literal that has too many forms of letters may have few at first.
			if p.Op == syntax.OpLiteral {
				out = spellLiteral(out, p)
			}
			break
		}
		longer, ok := product(out, next)
		if !ok {
			break
		}
		out = longer
	}
	return out
}

// spellLiteral appends as much of a literal as leaves few strings.
func spellLiteral(out []string, p *syntax.Regexp) []string {
	for _, r := range p.Rune {
		longer, ok := product(out, foldsOf(r, p.Flags&syntax.FoldCase != 0))
		if !ok {
			break
		}
		out = longer
	}
	return out
}

// spell are all strings that re matches, in lower case; ok is false where they
// are too many.
func spell(re *syntax.Regexp) (list []string, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, true
	case syntax.OpCapture:
		return spell(re.Sub[0])
	case syntax.OpLiteral:
		list, ok = []string{""}, true
		for _, r := range re.Rune {
			if list, ok = product(list, foldsOf(r, re.Flags&syntax.FoldCase != 0)); !ok {
				return nil, false
			}
		}
		return list, true
	case syntax.OpCharClass:
		return spellClass(re)
	case syntax.OpQuest:
		list, ok = spell(re.Sub[0])
		return append([]string{""}, list...), ok
	case syntax.OpConcat:
		list, ok = []string{""}, true
		for _, sub := range re.Sub {
			next, few := spell(sub)
			if list, ok = product(list, next); !few || !ok {
				return nil, false
			}
		}
		return list, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			next, few := spell(sub)
			if list = append(list, next...); !few || len(list) > maxSpelled {
				return nil, false
			}
		}
		return list, true
	}
	return nil, false
}

func spellClass(re *syntax.Regexp) (list []string, ok bool) {
	seen := map[string]bool{}
	for i := 0; i < len(re.Rune); i += 2 {
		if re.Rune[i+1]-re.Rune[i] > maxSpelled {
			return nil, false
		}
		for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
			if s := lowerASCII(string(r)); !seen[s] {
				seen[s] = true
				list = append(list, s)
			}
		}
	}
	return list, len(list) <= 8 // more tell little: they stand everywhere
}

// foldsOf are a rune, or with fold all that it is equal to but for letter case,
// each in lower case as far as it is ASCII.
func foldsOf(r rune, fold bool) []string {
	out := []string{lowerASCII(string(r))}
	if !fold {
		return out
	}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		if s := lowerASCII(string(f)); s != out[0] {
			out = append(out, s)
		}
	}
	return out
}

// product are the strings of a, each with one of b behind.
func product(a, b []string) ([]string, bool) {
	if len(a)*len(b) > maxSpelled {
		return nil, false
	}
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out, true
}

// begun is an expression for all that the parts' matches begin with, the whole
// of them included: words' bounds are taken to be there.
func begun(parts []*syntax.Regexp) string {
	if len(parts) == 0 {
		return ""
	}
	head := parts[0]
	rest := begun(parts[1:])
	return `(?:` + begunOne(head) + `|(?:` + unbound(head).String() + `)` + rest + `)`
}

func begunOne(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		out := ""
		for i := len(re.Rune) - 1; i >= 0; i-- {
			one := &syntax.Regexp{Op: syntax.OpLiteral, Flags: re.Flags, Rune: re.Rune[i : i+1]}
			out = `(?:` + one.String() + out + `)?`
		}
		return out
	case syntax.OpCapture:
		return begunOne(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus:
		return `(?:` + unbound(re.Sub[0]).String() + `)*` + begunOne(re.Sub[0])
	case syntax.OpQuest:
		return begunOne(re.Sub[0])
	case syntax.OpConcat:
		return begun(re.Sub)
	case syntax.OpAlternate:
		out := make([]string, len(re.Sub))
		for i, sub := range re.Sub {
			out[i] = begunOne(sub)
		}
		return `(?:` + strings.Join(out, `|`) + `)`
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return `(?:` + re.String() + `)?`
	}
	return ""
}

// unbound is re without what it asks about words' bounds.
func unbound(re *syntax.Regexp) *syntax.Regexp {
	if re.Op == syntax.OpWordBoundary || re.Op == syntax.OpNoWordBoundary {
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	}
	if len(re.Sub) == 0 {
		return re
	}
	out := *re
	out.Sub = make([]*syntax.Regexp, len(re.Sub))
	for i, sub := range re.Sub {
		out.Sub[i] = unbound(sub)
	}
	return &out
}

func endsToken(r rune) bool {
	return r < utf8.RuneSelf && kindOf[r]&(isBreak|isBlank|isComma) != 0
}

// namesEnder reports that re names a byte that ends a token. Classes of all but
// some runes name none.
func namesEnder(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return strings.ContainsFunc(string(re.Rune), endsToken)
	case syntax.OpCharClass:
		return len(re.Rune) > 0 && re.Rune[len(re.Rune)-1] < unicode.MaxRune && classEnds(re)
	}
	for _, sub := range re.Sub {
		if namesEnder(sub) {
			return true
		}
	}
	return false
}

func classEnds(re *syntax.Regexp) bool {
	for i := 0; i < len(re.Rune); i += 2 {
		for r := re.Rune[i]; r <= min(re.Rune[i+1], utf8.RuneSelf-1); r++ {
			if endsToken(r) {
				return true
			}
		}
	}
	return false
}

// mayEnd reports that the parts may match a byte that ends a token.
func mayEnd(parts []*syntax.Regexp) bool {
	for _, re := range parts {
		switch re.Op {
		case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
			return true
		case syntax.OpCharClass:
			if classEnds(re) {
				return true
			}
		}
		if namesEnder(re) || mayEnd(re.Sub) {
			return true
		}
	}
	return false
}

// asksForEnds reports that re asks for the start or the end of a text or line.
func asksForEnds(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return true
	}
	for _, sub := range re.Sub {
		if asksForEnds(sub) {
			return true
		}
	}
	return false
}

// longestOf is the length of the parts' longest match, in bytes.
func longestOf(parts []*syntax.Regexp) int {
	n := 0
	for _, re := range parts {
		n = min(unbounded, n+longest(re))
	}
	return n
}

func longest(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		n := 0
		for _, r := range re.Rune {
			most := utf8.RuneLen(r)
			for _, f := range foldsOf(r, re.Flags&syntax.FoldCase != 0) {
				most = max(most, len(f))
			}
			n += most
		}
		return n
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return 0
		}
		return max(1, utf8.RuneLen(re.Rune[len(re.Rune)-1]))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return utf8.UTFMax
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat: // of a simplified one, Repeat is none
		if longest(re.Sub[0]) > 0 {
			return unbounded
		}
		return 0
	case syntax.OpCapture, syntax.OpQuest, syntax.OpConcat:
		return longestOf(re.Sub)
	case syntax.OpAlternate:
		n := 0
		for _, sub := range re.Sub {
			n = max(n, longest(sub))
		}
		return n
	}
	return 0
}
