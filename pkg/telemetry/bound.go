package telemetry

import (
	"strings"
	"sync"
	"sync/atomic"
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

// tally counts words of a small vocabulary, cheaply: a stream's every message is
// one. Over maxReasons words it counts _OTHER. Safe for concurrent use.
type tally struct {
	mu     sync.RWMutex
	counts map[string]*atomic.Int64
}

func (t *tally) add(word string) {
	t.mu.RLock()
	n := t.counts[word]
	t.mu.RUnlock()
	if n == nil {
		n = t.counter(word)
	}
	n.Add(1)
}

func (t *tally) counter(word string) *atomic.Int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]*atomic.Int64{}
	}
	if len(t.counts) >= maxReasons {
		word = otherWord
	}
	if t.counts[word] == nil {
		t.counts[strings.Clone(word)] = new(atomic.Int64)
	}
	return t.counts[word]
}

func (t *tally) each(do func(word string, n int64)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for word, n := range t.counts {
		do(clean(word), n.Load())
	}
}
