package detect

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Context are words that stand before the matches of a custom entity, within 64
// bytes and with fewer than six digits between. Nothing behind a match counts:
// a stream would have to wait for it.
//
// Words are compared without regard to letter case, signs and blanks between
// their parts count as one blank, camelCase as two words. They are whole words;
// one that ends with * may go on.
type Context struct {
	Words   []string // raise the score by Boost
	Against []string // lower it by Boost, where they stand nearer than Words
	Boost   float64  // from 0 to 1; 0.2 where 0
	// Required drops a match with none of Words before it.
	Required bool
}

// defaultBoost is Context.Boost where that is 0.
const defaultBoost = 0.2

// nearWords is a context that is ready to be looked for.
type nearWords struct {
	finder   *automaton
	boost    float64
	required bool
}

// The subjects of a custom context.
const (
	aboutWords subject = iota
	aboutAgainst
)

func newNearWords(c *Context) (*nearWords, error) {
	if c == nil {
		return nil, nil
	}
	if c.Boost < 0 || c.Boost > 1 {
		return nil, fmt.Errorf("its context's boost is %g, not from 0 to 1", c.Boost)
	}
	if c.Required && len(c.Words) == 0 {
		return nil, errors.New("its context is required and has no words")
	}
	var list []literal
	for about, words := range [][]string{aboutWords: c.Words, aboutAgainst: c.Against} {
		for _, w := range words {
			forms := contextForms(w)
			if len(forms) == 0 || len(forms[0]) > wordReach {
				return nil, fmt.Errorf("context word %q: it must have a letter or digit, and at most %d bytes", w, wordReach-2)
			}
			for _, f := range forms {
				list = append(list, literal{f, about})
			}
		}
	}
	n := &nearWords{finder: wordFinder(list), boost: c.Boost, required: c.Required}
	if n.boost == 0 {
		n.boost = defaultBoost
	}
	return n, nil
}

// contextForms are a context word as the finder reads it: its parts between
// blanks, in small letters and, as the finder folds only ASCII, in the other
// cases that words are written in.
func contextForms(word string) []string {
	open := strings.HasSuffix(word, "*")
	parts := strings.FieldsFunc(word, func(r rune) bool { return r < utf8.RuneSelf && isSign(byte(r)) })
	if len(parts) == 0 {
		return nil
	}
	small := strings.ToLower(" " + strings.Join(parts, " ") + " ")
	if open {
		small = small[:len(small)-1]
	}
	first, n := utf8.DecodeRuneInString(small[1:])
	title := " " + string(unicode.ToUpper(first)) + small[1+n:]
	forms := []string{small}
	for _, form := range []string{title, strings.ToUpper(small)} {
		if form = lowerASCII(form); form != forms[len(forms)-1] && form != small {
			forms = append(forms, form)
		}
	}
	return forms
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

// score is that of the match text[start:end], 0 where it lacks a word that it
// must have. It reads contextReach and wordReach bytes at most.
func (n *nearWords) score(text []byte, start, end int, plain float64) float64 {
	if n == nil {
		return plain
	}
	s := surroundings{finder: n.finder}
	s.read(text[:end], start)
	words, against := s.about(aboutWords), s.about(aboutAgainst)
	switch {
	case n.required && words == 0:
		return 0
	case words > against:
		return min(1, plain+n.boost)
	case against > words:
		return max(0, plain-n.boost)
	}
	return plain
}
