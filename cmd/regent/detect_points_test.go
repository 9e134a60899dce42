package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/regent-proxy/regent/pkg/detect"
)

// Offsets in code points are those of counting each from the text's start,
// wherever the last finding, an injection, begins.
func TestCodePoints(t *testing.T) {
	text := strings.Repeat("aé漢😀\xff", 50)
	starts := []int{} // of its code points
	for i := range text {
		starts = append(starts, i)
	}
	for seed := range 200 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		var found []detect.Finding
		for at := r.IntN(20); at < len(starts)-10; at += 10 + r.IntN(30) {
			found = append(found, detect.Finding{Start: starts[at], End: starts[at+r.IntN(10)]})
		}
		found = append(found, detect.Finding{Start: starts[r.IntN(100)], End: starts[150]})
		var want, got [][2]int
		for _, f := range found {
			want = append(want, [2]int{utf8.RuneCountInString(text[:f.Start]), utf8.RuneCountInString(text[:f.Start]) + utf8.RuneCountInString(text[f.Start:f.End])})
		}
		for _, f := range inCodePoints(text, found) {
			got = append(got, [2]int{f.Start, f.End})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
	}
}
