package opa

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// termLists are the named lists of regent.settings.terms, ready to be looked
// for in texts.
type termLists struct{ lists map[string]*termList }

// termList is one list: its terms as words in lower case, by their first word.
type termList struct {
	roles []string // whose texts; all where empty
	first map[string][][]string
}

// newTermLists reads regent.settings.terms, whose shape the settings' schema
// has checked.
func newTermLists(settings map[string]any) (*termLists, error) {
	t := &termLists{lists: map[string]*termList{}}
	lists, _ := settings["terms"].(map[string]any)
	for name, v := range lists {
		entry, _ := v.(map[string]any)
		l := &termList{roles: stringList(entry["roles"]), first: map[string][][]string{}}
		for _, term := range stringList(entry["words"]) {
			words := wordsOf(term)
			if len(words) == 0 {
				return nil, fmt.Errorf("data.regent.settings.terms.%s: %q holds neither a letter nor a digit", name, term)
			}
			l.first[words[0]] = append(l.first[words[0]], words)
		}
		t.lists[name] = l
	}
	return t, nil
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
	var wanted []string
	for name := range s.terms.lists {
		if _, known := in.Terms[name]; !known && o.reads.field(name) != nil {
			wanted = append(wanted, name)
		}
	}
	if len(wanted) > 0 {
		found := s.terms.find(wanted, &in.LLM)
		for name, hits := range in.Terms {
			found[name] = hits
		}
		in.Terms = found
	}
	for name, hits := range in.Terms {
		o.texts(name, hits)
	}
}

// find looks for the terms of the named lists, all in one walk over each text.
func (t *termLists) find(names []string, f *policy.LLMFacts) map[string][]string {
	found := make(map[string][]string, len(names))
	var live []string
	for _, name := range names {
		found[name] = []string{}
		if len(t.lists[name].first) > 0 {
			live = append(live, name)
		}
	}
	if f.Request == nil || f.Text == nil || len(live) == 0 {
		return found
	}
	for i := range f.Request.Texts {
		text := &f.Request.Texts[i]
		var here []string
		for _, name := range live {
			if t.lists[name].covers(text) {
				here = append(here, name)
			}
		}
		if len(here) > 0 {
			t.scan(f.Text(i), here, found)
		}
	}
	for _, name := range names {
		slices.Sort(found[name])
	}
	return found
}

// covers reports whether the list is looked for in a text: what people, models
// and tools say, of the roles it names.
func (l *termList) covers(t *genai.Text) bool {
	switch t.Kind {
	case genai.ToolDescription, genai.Metadata:
		return false
	}
	return len(l.roles) == 0 || slices.Contains(l.roles, string(t.Role))
}

func (t *termLists) scan(text string, names []string, found map[string][]string) {
	for rest := text; ; {
		var word string
		if word, rest = nextWord(rest); word == "" {
			return
		}
		for _, name := range names {
			for _, words := range t.lists[name].first[word] {
				if follows(words[1:], rest) {
					found[name] = insert(found[name], strings.Join(words, " "))
				}
			}
		}
	}
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

// nextWord is text's first run of letters, digits and combining marks, in lower
// case, and what comes after; "" where there is none.
func nextWord(text string) (word, rest string) {
	start := strings.IndexFunc(text, inWord)
	if start < 0 {
		return "", ""
	}
	end, lower := start, true
	for end < len(text) {
		c := text[end]
		if c < utf8.RuneSelf {
			if !asciiWord[c] {
				break
			}
			lower = lower && (c < 'A' || c > 'Z')
			end++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[end:])
		if !inWord(r) {
			break
		}
		lower = false
		end += n
	}
	word, rest = text[start:end], text[end:]
	if !lower {
		word = strings.ToLower(word)
	}
	return word, rest
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
