package secret

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/regent-proxy/regent/pkg/detect/secret/internal/ruleset"
	"github.com/regent-proxy/regent/pkg/detect/secret/internal/shape"
)

// allowList says what is no secret although a pattern matched it.
type allowList struct {
	target    string
	regexes   []*regexp.Regexp
	stopWords [][]byte
}

func newAllowList(a ruleset.Allow) (allowList, error) {
	list := allowList{target: a.Target}
	for _, source := range a.Regexes {
		re, err := regexp.Compile(source)
		if err != nil {
			return allowList{}, fmt.Errorf("allow-list %q: %w", source, err)
		}
		list.regexes = append(list.regexes, re)
	}
	for _, w := range a.StopWords {
		list.stopWords = append(list.stopWords, []byte(w))
	}
	return list, nil
}

func (a *allowList) allows(text []byte, start, end int, m *shape.Match) bool {
	value := text[start:end]
	target := value
	switch a.target {
	case "match":
		target = text[m.Start:m.End]
	case "line":
		target = lineOf(text, start, end)
	}
	for _, re := range a.regexes {
		if re.Match(target) {
			return true
		}
	}
	return a.stops(value)
}

func (a *allowList) stops(value []byte) bool {
	if len(a.stopWords) == 0 {
		return false
	}
	lower := bytes.ToLower(value)
	for _, w := range a.stopWords {
		if bytes.Contains(lower, w) {
			return true
		}
	}
	return false
}

// lineReach is how far from a value its line is looked at, in bytes.
const lineReach = 256

// lineOf is the line, or as much of it as is near, around text[start:end].
func lineOf(text []byte, start, end int) []byte {
	from, to := max(0, start-lineReach), min(len(text), end+lineReach)
	if i := bytes.LastIndexByte(text[from:start], '\n'); i >= 0 {
		from += i + 1
	}
	if i := bytes.IndexByte(text[end:to], '\n'); i >= 0 {
		to = end + i
	}
	return text[from:to]
}
