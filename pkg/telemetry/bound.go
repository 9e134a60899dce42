package telemetry

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// maxString bounds every string attribute that is not content, in bytes.
const maxString = 256

// maxList bounds the elements of a list and the members of a map.
const maxList = 32

// otherWord stands for values over a vocabulary's bound, as the conventions' fallback
// for error.type does.
const otherWord = "_OTHER"

// clean makes s fit for an attribute: valid UTF-8, because protobuf refuses a
// whole batch for one bad string, and at most maxString bytes, cut between runes.
func clean(s string) string { return cut(s, maxString) }

func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
		for i := 0; i < utf8.UTFMax-1 && len(s) > 0; i++ {
			if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "?")
}

// vocabulary bounds the distinct values of one metric attribute: the first max
// ones are kept for good, later ones become _OTHER. Nothing is ever evicted, so
// a series never changes its meaning. Safe for concurrent use.
type vocabulary struct {
	max   int
	mu    sync.RWMutex
	words map[string]struct{}
}

func newVocabulary(max int) *vocabulary {
	return &vocabulary{max: max, words: map[string]struct{}{}}
}

// of is word, or _OTHER. admit says whether a new word may take a place: a
// model name that a provider refused or a policy denied must not crowd out
// those in real use.
func (v *vocabulary) of(word string, admit bool) string {
	if word == "" {
		return ""
	}
	word = clean(word)
	v.mu.RLock()
	_, known := v.words[word]
	full := len(v.words) >= v.max
	v.mu.RUnlock()
	if known {
		return word
	}
	if full || !admit {
		return otherWord
	}
	return v.add(word)
}

func (v *vocabulary) add(word string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.words[word]; !known && len(v.words) >= v.max {
		return otherWord
	}
	v.words[strings.Clone(word)] = struct{}{}
	return word
}
