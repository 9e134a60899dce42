package secret

import (
	"bytes"
	"math/rand/v2"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/detect/secret/internal/ruleset"
	"github.com/regent-proxy/regent/pkg/detect/secret/internal/shapetest"
)

// contexts are what people put around a token when they ask about it.
var contexts = []string{
	"%s",
	"is %s still valid?",
	"token: %s\n",
	`{"value": "%s"}`,
	"export TOKEN=%s\n./deploy.sh",
	"I use `%s` for it.",
	"(%s)",
	"<t>%s</t>",
}

// TestRuleSamples makes texts from the pattern of every rule that is data and
// wants each found: by that rule or another, over at least half of it.
func TestRuleSamples(t *testing.T) {
	set, err := ruleset.Read(bytes.NewReader(gitleaksData))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	made, missed := 0, 0
	for _, rule := range set.Rules {
		if replaced[rule.ID] || strings.HasPrefix(rule.ID, "curl-") {
			continue
		}
		tree, err := syntax.Parse(rule.Regex, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		for range rounds {
			var b strings.Builder
			shapetest.Sample(r, tree, &b)
			value := strings.TrimRight(b.String(), " \t\n\r'\"`;\\")
			text := strings.Replace(contexts[r.IntN(len(contexts))], "%s", value, 1)
			made++
			if !foundIn(t, text) {
				missed++
				t.Logf("%s: nothing in %q", rule.ID, text)
			}
		}
	}
	// Some samples are what the rules themselves refuse: too few different
	// characters, or a filler by chance.
	if missed*50 > made {
		t.Errorf("missed %d of %d", missed, made)
	}
}

func foundIn(t *testing.T, text string) bool {
	t.Helper()
	return len(scanAll(t, text)) > 0
}

// TestOwnSamples does the same for this package's table of formats.
func TestOwnSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, k := range kinds {
		if k.entropy == 0 || strings.Contains(k.regex[1:], `\b`) {
			continue
		}
		tree, err := syntax.Parse(strings.TrimSuffix(k.regex, tail), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		missed := 0
		for range 10 {
			var b strings.Builder
			shapetest.Sample(r, tree, &b)
			if !foundIn(t, "use "+b.String()+" please") {
				missed++
			}
		}
		if missed > 3 {
			t.Errorf("%s: missed %d of 10", k.entity, missed)
		}
	}
}

// TestRuleNames holds every entity to an upper snake case name.
func TestRuleNames(t *testing.T) {
	rules, err := all()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rules {
		if strings.Trim(d.Entity, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || d.Entity[0] < 'A' || d.About == "" || len(d.Literals) == 0 || d.After <= 0 {
			t.Errorf("%q with %d literals, reach %d", d.Entity, len(d.Literals), d.After)
		}
		for _, l := range d.Literals {
			if l == "" || d.Before < 0 {
				t.Errorf("%s: literal %q, %d before", d.Entity, l, d.Before)
			}
		}
	}
}
