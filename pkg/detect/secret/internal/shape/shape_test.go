package shape

import (
	"bytes"
	"math/rand/v2"
	"os"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/detect/secret/internal/ruleset"
	"github.com/regent-proxy/regent/pkg/detect/secret/internal/shapetest"
)

// rules reads the embedded rule set of the package above.
func rules(t testing.TB) []ruleset.Rule {
	t.Helper()
	raw, err := os.ReadFile("../../gitleaks.json")
	if err != nil {
		t.Fatal(err)
	}
	set, err := ruleset.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return set.Rules
}

// TestLikeRE2 holds every rule that has a shape against regexp on texts made
// from its own pattern, whole and damaged: the same match, the same groups.
func TestLikeRE2(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	matched := 0
	for _, rule := range rules(t) {
		tree, err := syntax.Parse(rule.Regex, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		s, err := FromTree(tree)
		if err != nil {
			t.Logf("%s: %v", rule.ID, err)
			continue
		}
		re := regexp.MustCompile(`\A(?s:.{2})(?:` + rule.Regex + `)`)
		for range rounds {
			var b strings.Builder
			b.WriteString([]string{"  ", "a ", "=\"", "x_"}[r.IntN(4)])
			shapetest.Sample(r, tree, &b)
			b.WriteString([]string{"", " ", "\"", "z9", "\n."}[r.IntN(5)])
			text := damage(r, b.String())
			if sameMatch(t, rule.ID, s, re, text) {
				matched++
			}
		}
	}
	if matched < 100 {
		t.Errorf("only %d samples matched: the texts are no test", matched)
	}
}

// damage changes a byte of some texts.
func damage(r *rand.Rand, text string) string {
	if len(text) < 3 || r.IntN(3) > 0 {
		return text
	}
	i := 2 + r.IntN(len(text)-2)
	return text[:i] + string(rune('!'+r.IntN(90))) + text[i+1:]
}

func sameMatch(t *testing.T, id string, s *Shape, re *regexp.Regexp, text string) bool {
	t.Helper()
	if len(text) < 2 {
		return false
	}
	var m Match
	got := s.Match([]byte(text), 2, &m)
	want := re.FindStringSubmatchIndex(text)
	if got == Spent {
		return false
	}
	if (got == Yes) != (want != nil) {
		t.Errorf("%s on %q: shape %v, regexp %v", id, text, got, want)
		return false
	}
	if got != Yes {
		return false
	}
	if m.End != want[1] {
		t.Errorf("%s on %q: ends at %d, regexp at %d", id, text, m.End, want[1])
	}
	for i := 2; i < len(want) && i < len(m.Groups); i++ {
		if m.Groups[i] != want[i] {
			t.Errorf("%s on %q: group offset %d is %d, regexp's %d", id, text, i, m.Groups[i], want[i])
		}
	}
	return true
}

// TestAnchors holds the anchor of every rule against its samples: a literal
// stands within its distance of the start.
func TestAnchors(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, rule := range rules(t) {
		tree, err := syntax.Parse(rule.Regex, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if tree.Op == syntax.OpAlternate {
			continue
		}
		tree = StripLead(tree)
		a := FindAnchor(tree)
		for range 10 {
			var b strings.Builder
			shapetest.Sample(r, tree, &b)
			if len(a.Literals) > 0 && !anchored(a, strings.ToLower(b.String())) {
				t.Errorf("%s: no literal of %v in %q", rule.ID, a, b.String())
			}
		}
	}
}

func anchored(a Anchor, text string) bool {
	for at := a.Least; at <= min(a.Most, len(text)); at++ {
		for _, l := range a.Literals {
			if strings.HasPrefix(text[at:], l) {
				return true
			}
		}
	}
	return false
}

// TestSpent holds a shape with nested choices to its budget of steps.
func TestSpent(t *testing.T) {
	s, err := Compile(`[a-c]{0,60}[b-d]{0,60}[a-d]{0,60}[abd]{0,60}!`)
	if err != nil {
		t.Fatal(err)
	}
	var m Match
	if got := s.Match([]byte(strings.Repeat("b", 300)), 0, &m); got != Spent {
		t.Errorf("got %v, want Spent", got)
	}
}

// TestUnsupported names what a shape cannot hold.
func TestUnsupported(t *testing.T) {
	for _, pattern := range []string{`(?:ab)*`, `[à-ü]{3}`, `(`} {
		if _, err := Compile(pattern); err == nil {
			t.Errorf("%q compiled", pattern)
		}
	}
}

// TestMatchAllocates holds a match to no allocation.
func TestMatchAllocates(t *testing.T) {
	s, err := Compile(`\b(ghp_[0-9a-zA-Z]{36})(?:[\s;]|$)`)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("token ghp_" + strings.Repeat("a1B2", 9))
	var m Match
	if n := testing.AllocsPerRun(100, func() { s.Match(text, 6, &m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if m.End != len(text) {
		t.Errorf("matched to %d of %d", m.End, len(text))
	}
}

// FuzzMatch holds shapes against regexp on any text.
func FuzzMatch(f *testing.F) {
	patterns := []string{
		`\b(ghp_[0-9a-zA-Z]{4,6})(?:[\x60'"\s;]|\\[nr]|$)`,
		`(?i)ab[\w.-]{0,5}[\s'"]{0,3}(?:=|>|:{1,3}=|\|\||:|=>)[\x60'"\s=]{0,5}([a-z0-9=]{4})(?:[\s;]|$)`,
		`x[a-f]+?(b|c(d)?)e\B`,
		`^(?:a{2,3}b){1,3}$`,
	}
	var shapes []*Shape
	var oracles []*regexp.Regexp
	for _, p := range patterns {
		s, err := Compile(p)
		if err != nil {
			f.Fatal(err)
		}
		shapes, oracles = append(shapes, s), append(oracles, regexp.MustCompile(`\A(?:`+p+`)`))
	}
	f.Add("ghp_abcd ")
	f.Add("AB.key = \"=a1b2\" ")
	f.Add("xaabcdee")
	f.Add("aabaaab")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range text {
			if c > 0x7e {
				return
			}
		}
		for i, s := range shapes {
			var m Match
			got := s.Match([]byte(text), 0, &m)
			want := oracles[i].FindStringSubmatchIndex(text)
			if got != Spent && (got == Yes) != (want != nil) {
				t.Fatalf("%s on %q: %v, regexp %v", patterns[i], text, got, want)
			}
			if got == Yes && m.End != want[1] {
				t.Fatalf("%s on %q: end %d, regexp %v", patterns[i], text, m.End, want)
			}
		}
	})
}
