package injection

import (
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Runes that skip the normaliser must be ones it would have left as they are.
func TestStandingRunesHaveNoOtherLetter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !stands(r) {
			continue
		}
		var letters []rune
		for _, d := range norm.NFKD.String(string(r)) {
			if unicode.IsLetter(d) || unicode.IsDigit(d) {
				letters = append(letters, d)
			}
		}
		if len(letters) == 1 && letters[0] != r {
			t.Errorf("%U stands for %U", r, letters[0])
		}
	}
}

func TestFoldDoesNotAllocate(t *testing.T) {
	for _, r := range "\uFFFD한글✓☀🙂\uE000中a" {
		if n := testing.AllocsPerRun(20, func() { fold(r) }); n != 0 {
			t.Errorf("%U: %v allocations", r, n)
		}
	}
}

// A vowel sign is part of its word, whichever side of the letter it stands.
func TestMarksDoNotEndWords(t *testing.T) {
	for _, word := range []string{"निर्देशों", "दिखाओ", "নির্দেশ", "คำสั่ง", "تَجاهَل", "e\u0301te\u0301"} {
		for _, r := range word {
			if _, kind := fold(r); kind == kindSep {
				t.Errorf("%s: %U ends a word", word, r)
			}
		}
	}
}
