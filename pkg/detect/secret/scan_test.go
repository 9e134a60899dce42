package secret

import (
	"bytes"
	"sort"
	"testing"
)

// hit is a finding of the simple scanner that these tests hold rules against.
type hit struct {
	start, end int
	entity     string
}

// scanAll tries every rule at every place of every literal of it, and keeps
// the earlier and longer of findings that overlap: what the engine does, slowly.
func scanAll(t testing.TB, text string) []hit {
	t.Helper()
	rules, err := all()
	if err != nil {
		t.Fatal(err)
	}
	var hits []hit
	lower := bytes.ToLower([]byte(text))
	if len(lower) != len(text) {
		lower = []byte(text)
	}
	for i := range rules {
		hits = append(hits, scanRule(&rules[i], []byte(text), lower)...)
	}
	return resolveHits(hits)
}

func scanRule(d *Rule, text, lower []byte) []hit {
	var hits []hit
	for _, l := range d.Literals {
		for at := 0; ; at++ {
			i := bytes.Index(lower[at:], []byte(l))
			if i < 0 {
				break
			}
			at += i
			s, e, ok := d.Find(text, at)
			for ok {
				hits = append(hits, hit{s, e, d.Entity})
				if d.Next == nil {
					break
				}
				s, e, ok = d.Next(text, at, e)
			}
		}
	}
	return hits
}

func resolveHits(hits []hit) []hit {
	sort.SliceStable(hits, func(i, j int) bool {
		a, b := hits[i], hits[j]
		if a.start != b.start {
			return a.start < b.start
		}
		return a.end > b.end
	})
	var out []hit
	for _, h := range hits {
		if n := len(out); n > 0 && h.start < out[n-1].end {
			continue
		}
		out = append(out, h)
	}
	return out
}
