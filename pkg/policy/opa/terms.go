package opa

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// termLists are the named lists of regent.settings.terms, ready to be looked
// for in texts: all of them in one walk, however many there are.
type termLists struct {
	names []string
	roles [][]string // by list; whose texts it is looked for in, all where empty
	empty []bool     // by list
	first map[string][]candidate
	// maybe is false for an ASCII word that begins no term: by its first byte
	// and its length, the longest together.
	maybe [utf8.RuneSelf][maxLength + 1]bool
}

const maxLength = 31

// candidate is a term, found where its first word is followed by the rest.
type candidate struct {
	list int
	rest []string
	term string
}

// newTermLists reads regent.settings.terms, whose shape the settings' schema
// has checked.
func newTermLists(settings map[string]any) (*termLists, error) {
	t := &termLists{first: map[string][]candidate{}}
	lists, _ := settings["terms"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		entry, _ := lists[name].(map[string]any)
		terms := stringList(entry["words"])
		t.names = append(t.names, name)
		t.roles = append(t.roles, stringList(entry["roles"]))
		t.empty = append(t.empty, len(terms) == 0)
		for _, term := range terms {
			if !t.add(len(t.names)-1, wordsOf(term)) {
				return nil, fmt.Errorf("data.regent.settings.terms.%s: %q holds neither a letter nor a digit", name, term)
			}
		}
	}
	return t, nil
}

func (t *termLists) add(list int, words []string) bool {
	if len(words) == 0 {
		return false
	}
	word := words[0]
	t.first[word] = append(t.first[word], candidate{list: list, rest: words[1:], term: strings.Join(words, " ")})
	if word[0] < utf8.RuneSelf {
		n := min(len(word), maxLength)
		t.maybe[word[0]][n] = true
		if upper := word[0] - 'a' + 'A'; 'a' <= word[0] && word[0] <= 'z' {
			t.maybe[upper][n] = true
		}
	}
	return true
}

func stringList(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, each := range list {
		if s, ok := each.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// termFacts adds, for each list that is read, its terms that occur in the
// request's texts, sorted. What was found stays in the Input for its later
// evaluations.
func (s *Set) termFacts(o *object, in *policy.Input) {
	var wanted []int
	for i, name := range s.terms.names {
		if _, known := in.Terms[name]; !known && o.reads.field(name) != nil {
			wanted = append(wanted, i)
		}
	}
	if len(wanted) > 0 {
		found := s.terms.find(wanted, &in.LLM)
		maps.Copy(found, in.Terms)
		in.Terms = found
	}
	for name, hits := range in.Terms {
		o.texts(name, hits)
	}
}

// find looks for the terms of the wanted lists.
func (t *termLists) find(wanted []int, f *policy.LLMFacts) map[string][]string {
	found := make(map[string][]string, len(wanted))
	some := false
	for _, list := range wanted {
		found[t.names[list]] = nil
		some = some || !t.empty[list]
	}
	if f.Request == nil || f.Text == nil || !some {
		return found
	}
	here := make([]bool, len(t.names))
	for i := range f.Request.Texts {
		if t.covers(&f.Request.Texts[i], wanted, here) {
			t.scan(f.Text(i), here, found)
		}
	}
	for _, hits := range found {
		slices.Sort(hits)
	}
	return found
}

// covers says which of the wanted lists are looked for in a text: what people,
// models and tools say, of the roles a list names. It reports whether any is.
func (t *termLists) covers(text *genai.Text, wanted []int, here []bool) bool {
	if text.Kind == genai.ToolDescription || text.Kind == genai.Metadata {
		return false
	}
	some := false
	for _, list := range wanted {
		roles := t.roles[list]
		here[list] = !t.empty[list] && (len(roles) == 0 || slices.Contains(roles, string(text.Role)))
		some = some || here[list]
	}
	return some
}

// scan adds the terms of the lists here that text holds to found.
func (t *termLists) scan(text string, here []bool, found map[string][]string) {
	for {
		start, end, ascii := wordIn(text)
		if start == end {
			return
		}
		word, rest := text[start:end], text[end:]
		text = rest
		if ascii && !t.maybe[word[0]][min(len(word), maxLength)] {
			continue
		}
		for _, c := range t.candidates(word, ascii) {
			if here[c.list] && follows(c.rest, rest) {
				name := t.names[c.list]
				found[name] = insert(found[name], c.term)
			}
		}
	}
}

// candidates are the terms that begin with word. Only a long or foreign word
// costs an allocation.
func (t *termLists) candidates(word string, ascii bool) []candidate {
	var lower [maxLength]byte
	if !ascii || len(word) > len(lower) {
		return t.first[strings.ToLower(word)]
	}
	for i := range len(word) {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return t.first[string(lower[:len(word)])]
}

func insert(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// follows reports whether text goes on with words.
func follows(words []string, text string) bool {
	for _, want := range words {
		var word string
		if word, text = nextWord(text); word != want {
			return false
		}
	}
	return true
}

// wordsOf are a text's words in lower case.
func wordsOf(text string) []string {
	var out []string
	for {
		var word string
		if word, text = nextWord(text); word == "" {
			return out
		}
		out = append(out, word)
	}
}

// nextWord is text's first word in lower case, and what comes after; "" where
// there is none.
func nextWord(text string) (word, rest string) {
	start, end, _ := wordIn(text)
	return strings.ToLower(text[start:end]), text[end:]
}

// wordIn is where text's first run of letters, digits and combining marks lies,
// and whether it is all ASCII; start equals end where there is none.
func wordIn(text string) (start, end int, ascii bool) {
	for start < len(text) {
		if c := text[start]; c < utf8.RuneSelf {
			if asciiWord[c] {
				break
			}
			start++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[start:])
		if inWord(r) {
			break
		}
		start += n
	}
	end, ascii = start, true
	for end < len(text) {
		if c := text[end]; c < utf8.RuneSelf {
			if !asciiWord[c] {
				break
			}
			end++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[end:])
		if !inWord(r) {
			break
		}
		ascii = false
		end += n
	}
	return start, end, ascii
}

var asciiWord = func() (table [utf8.RuneSelf]bool) {
	for c := range table {
		table[c] = unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))
	}
	return table
}()

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return asciiWord[r]
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}
