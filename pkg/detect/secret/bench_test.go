package secret

import (
	"bytes"
	"strings"
	"testing"
)

// prose is a text of the words that rules look for, none of them a secret.
var prose = []byte(strings.Repeat(strings.Join([]string{
	"The key to a good password policy is that nobody has to pass a test of memory.",
	"They passed the token to the author, who keeps no secret of how keys are made.",
	"Authentication happens before authorization; the credentials never leave the host.",
	"func (s *Server) tokens(ctx context.Context, key string) (map[string]Token, error) {",
	"See https://docs.example.org/keys for how the passphrase is kept and who has access.",
	"password: string  // the API key's owner sets it, see PasswordPolicy and maxTokens",
}, "\n")+"\n", 20))

// place is where a literal of a rule stands.
type place struct{ rule, at int }

func places(rules []Rule, text []byte) []place {
	var out []place
	lower := bytes.ToLower(text)
	for i := range rules {
		for _, l := range rules[i].Literals {
			for at := 0; ; at++ {
				j := bytes.Index(lower[at:], []byte(l))
				if j < 0 {
					break
				}
				at += j
				out = append(out, place{i, at})
			}
		}
	}
	return out
}

// BenchmarkFind measures what the rules add to a prefilter's pass: every
// attempt on a text full of their literals.
func BenchmarkFind(b *testing.B) {
	rules, err := Rules()
	if err != nil {
		b.Fatal(err)
	}
	hits := places(rules, prose)
	b.SetBytes(int64(len(prose)))
	b.ReportAllocs()
	b.ReportMetric(float64(len(hits))*1000/float64(len(prose)), "hits/kB")
	for b.Loop() {
		for _, p := range hits {
			rules[p.rule].Find(prose, p.at)
		}
	}
}

// TestCleanAllocates holds attempts on clean text to no allocation.
func TestCleanAllocates(t *testing.T) {
	rules, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range places(rules, prose[:600]) {
		if n := testing.AllocsPerRun(10, func() { rules[p.rule].Find(prose, p.at) }); n != 0 {
			t.Errorf("%s allocates %v times at %q", rules[p.rule].Entity, n, prose[p.at:p.at+20])
		}
	}
}
