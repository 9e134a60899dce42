package detect

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSkippingAgrees holds that the tokens with digits are the same whether plain
// ones before them were skipped or cut.
func TestSkippingAgrees(t *testing.T) {
	words := strings.Fields("cf=RSS RSS MRA RSSMRA x=RSSMRA A562S 85T10 12 7 de März mars 1.mars mars. X. xX éX (AB +4 a+b AB) A/B W@x 1st word Another 3:4 ,x x, \"q\" €9")
	for seed := range 4000 {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		var b strings.Builder
		for range 1 + r.IntN(40) {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteString([]string{" ", " ", " ", " ", "  ", "\n", ", ", ""}[r.IntN(8)])
		}
		text := []byte(b.String())
		cut, skipped := tokensWithDigits(t, text, false), tokensWithDigits(t, text, true)
		if diff := cmp.Diff(cut, skipped); diff != "" {
			t.Fatalf("seed %d, text %q: %s", seed, text, diff)
		}
	}
}

func tokensWithDigits(t *testing.T, text []byte, skip bool) (tokens []string) {
	sc := &scanner{set: newSet(t, Options{Off: true})}
	for c := &sc.cut; c.start < len(text); {
		if skip {
			sc.skipPlain(text)
		}
		stop, ok := c.next(text, true, sc.set.maxHold)
		if !ok {
			break
		}
		start := c.start
		if c.take(stop)&isDigit != 0 {
			tokens = append(tokens, string(text[start:stop]))
		}
		sc.skipGap(text, stop)
	}
	return tokens
}
