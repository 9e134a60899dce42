package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// match is a rule about a model's name, in lower case. Exactly one member is
// set.
type match struct {
	Equals     *string  `json:"equals"`
	StartsWith *string  `json:"starts_with"`
	EndsWith   *string  `json:"ends_with"`
	Contains   *string  `json:"contains"`
	Regex      *string  `json:"regex"`
	Or         []*match `json:"or"`
	And        []*match `json:"and"`
	Not        *match   `json:"not"`

	compiled *regexp.Regexp
}

// prepare lowers the rule's words and compiles its expression.
func (m *match) prepare() error {
	if m == nil {
		return errors.New("a match rule is null")
	}
	if n := m.members(); n != 1 {
		return fmt.Errorf("a match rule has %d members; it needs exactly one", n)
	}
	for _, word := range []*string{m.Equals, m.StartsWith, m.EndsWith, m.Contains} {
		if word != nil {
			*word = strings.ToLower(*word)
		}
	}
	if m.Regex != nil {
		compiled, err := regexp.Compile(*m.Regex)
		if err != nil {
			return err
		}
		m.compiled = compiled
	}
	if m.Not != nil {
		return m.Not.prepare()
	}
	for _, list := range [][]*match{m.Or, m.And} {
		for _, inner := range list {
			if err := inner.prepare(); err != nil {
				return err
			}
		}
	}
	return nil
}

// members is how many of its members are set.
func (m *match) members() int {
	n := 0
	for _, set := range []bool{m.Equals != nil, m.StartsWith != nil, m.EndsWith != nil, m.Contains != nil, m.Regex != nil, len(m.Or) > 0, len(m.And) > 0, m.Not != nil} {
		if set {
			n++
		}
	}
	return n
}

func (m *match) fits(name string) bool {
	switch {
	case m.Equals != nil:
		return name == *m.Equals
	case m.StartsWith != nil:
		return strings.HasPrefix(name, *m.StartsWith)
	case m.EndsWith != nil:
		return strings.HasSuffix(name, *m.EndsWith)
	case m.Contains != nil:
		return strings.Contains(name, *m.Contains)
	case m.compiled != nil:
		return m.compiled.MatchString(name)
	case m.Not != nil:
		return !m.Not.fits(name)
	case len(m.Or) > 0:
		for _, inner := range m.Or {
			if inner.fits(name) {
				return true
			}
		}
		return false
	}
	for _, inner := range m.And {
		if !inner.fits(name) {
			return false
		}
	}
	return true
}
