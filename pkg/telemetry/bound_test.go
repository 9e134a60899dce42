package telemetry

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                        "plain",
		"":                             "",
		"a\xffb":                       "a?b",
		strings.Repeat("a", 300):       strings.Repeat("a", 256),
		strings.Repeat("é", 200):       strings.Repeat("é", 128),
		"a" + strings.Repeat("é", 200): "a" + strings.Repeat("é", 127),
		strings.Repeat("a", 253) + "😀": strings.Repeat("a", 253),
		strings.Repeat("a", 252) + "😀": strings.Repeat("a", 252) + "😀",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 5)
	f.Add("a\xff\xfe", 2)
	f.Add("😀😀", 5)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 0 || most > 1000 {
			return
		}
		got := cut(s, most)
		if !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		if len(got) > most {
			t.Errorf("%d bytes, want at most %d", len(got), most)
		}
		if utf8.ValidString(s) && len(s) <= most && got != s {
			t.Errorf("%q became %q", s, got)
		}
		if utf8.ValidString(s) && len(got) < most-utf8.UTFMax+1 && got != s {
			t.Errorf("%q was cut to %q at %d", s, got, most)
		}
	})
}

func TestVocabulary(t *testing.T) {
	v := newVocabulary(2)
	for _, c := range []struct {
		word  string
		admit bool
		want  string
	}{
		{"", true, ""}, {"hostile", false, "_OTHER"}, {"a", true, "a"}, {"b", true, "b"}, {"c", true, "_OTHER"},
		{"a", false, "a"}, {"b", true, "b"}, {"c", true, "_OTHER"},
	} {
		if got := v.of(c.word, c.admit); got != c.want {
			t.Errorf("%q: %q, want %q", c.word, got, c.want)
		}
	}
}

func TestVocabularyHoldsItsBoundUnderConcurrency(t *testing.T) {
	v := newVocabulary(10)
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				got := v.of(fmt.Sprintf("model-%d-%d", g, i), true)
				mu.Lock()
				seen[got] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != 11 { // ten and _OTHER
		t.Errorf("%d values: %v", len(seen), seen)
	}
}

func TestTally(t *testing.T) {
	var c tally
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 1000 {
				c.add(fmt.Sprint("word", i%100))
			}
		})
	}
	all.Wait()
	var sum int64
	words := 0
	c.each(func(_ string, n int64) { sum += n; words++ })
	if sum != 8000 || words != maxReasons+1 {
		t.Errorf("%d in %d words", sum, words)
	}
}
