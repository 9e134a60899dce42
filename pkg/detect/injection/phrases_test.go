package injection

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestPhraseFileErrors(t *testing.T) {
	for src, want := range map[string]string{
		"nonsense":                        "want NAME common",
		"@A x = word":                     "flag 'x'",
		"~many = word":                    "commonness",
		"class heavy = a b":               "weight",
		"class 1 = ^":                     "prefilter would pass over",
		"class 1 = one":                   "prefilter would pass over",
		"class 1 =":                       "has 0 steps",
		"class 1 = a b c d e f g":         "has 7 steps",
		"class 1 = a 40 b":                "gap 40",
		"@A 1 = word\nclass 1 = A b\nbad": "line 3",
	} {
		if _, err := compilePhrases(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", src, err, want)
		}
	}
}

// TestPhraseFileIsReachable checks that every word of every concept leads to
// its set, so that no entry is lost to folding or to a longer stem.
func TestPhraseFileIsReachable(t *testing.T) {
	p, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.rules {
		r := &p.rules[i]
		for _, s := range r.steps {
			found := false
			for set := range p.sets {
				found = found || p.fit(uint16(set), s.id)
			}
			if !found {
				t.Errorf("phrase %d of class %s has a step no word fits", i, p.classes[r.class])
			}
		}
	}
}

func TestGapsAreBounds(t *testing.T) {
	p, err := compilePhrases("@V 1 = take\n@O 1 = lamp\nclass 1 = V 2 O down")
	if err != nil {
		t.Fatal(err)
	}
	z := tokenizer{p: p}
	for text, want := range map[string]bool{
		"take lamp down":                 true,
		"take the old lamp down":         true,
		"take the very old lamp down":    false,
		"take the lamp right down":       false,
		"lamp take down":                 false,
		"take take take the lamp down":   true,
		"take. That lamp. Down it comes": false,
	} {
		toks, got := z.run([]byte(text)), false
		for i := range toks {
			got = got || p.fit(toks[i].set, p.rules[0].steps[0].id) && p.match(&p.rules[0], toks, i) >= 0
		}
		if got != want {
			t.Errorf("%q: match %v, want %v", text, got, want)
		}
	}
}

// TestMisspellings: a word of TYPOS is read with an inner letter dropped or
// swapped with the next, not with another change, and not where the outcome is
// a word of its own.
func TestMisspellings(t *testing.T) {
	p, err := compilePhrases("@TYPOS - = trial\n@V 1 = hold\n@O 1 = trial court\n@T 1 = trail\nclass 1 = V O\nclass 1 = V T V")
	if err != nil {
		t.Fatal(err)
	}
	z := tokenizer{p: p}
	for text, want := range map[string]bool{
		"hold trial":  true,
		"hold tiral":  true,
		"hold trila":  false, // the last letter
		"hold tial":   true,
		"hold tral":   true,
		"hold rial":   false,
		"hold tril":   true,
		"hold trail":  false,
		"hold cuort":  false,
		"hold triaal": false,
	} {
		toks := z.run([]byte(text))
		if got := p.match(&p.rules[0], toks, 1) >= 0; got != want {
			t.Errorf("%q: match %v, want %v", text, got, want)
		}
	}
}

func TestModelRoundTrip(t *testing.T) {
	w := make([]float64, modelRows)
	w[3], w[70000] = 2.54, -1.27
	b, err := MarshalModel(w, -0.5)
	if err != nil {
		t.Fatal(err)
	}
	m, err := loadModel(b)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]float64{3: 2.54, 70000: -1.27, 5: 0} {
		if got := float64(m.weights[i]) * float64(m.scale); math.Abs(got-want) > 0.011 {
			t.Errorf("weight %d is %v, want %v", i, got, want)
		}
	}
	if _, err := New(Options{Model: b[:100]}); err == nil {
		t.Error("a cut model loads")
	}
	if _, err := MarshalModel(w[:5], 0); err == nil {
		t.Error("five weights make a model")
	}
}

// TestFeaturesAreWhatTheModelSees scores a text by the rows Features gives and
// by the model itself.
func TestFeaturesAreWhatTheModelSees(t *testing.T) {
	w := make([]float64, modelRows)
	for i := range w {
		w[i] = float64(i%255-127) / 100
	}
	b, err := MarshalModel(w, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	d := newDetector(t, Options{Model: b, NoRules: true})
	for _, text := range []string{"Forget it.", attacks[0].text, strings.Repeat(prose, 3)} {
		want := math.Inf(-1)
		d.Features([]byte(text), func(rows []uint32, tokens int) {
			sum := 0.0
			for _, r := range rows {
				sum += w[r]
			}
			want = max(want, 0.25+sum/math.Sqrt(float64(tokens)))
		})
		z := tokenizer{p: d.p}
		var sums []float32
		got, _, _ := d.model.best(z.run([]byte(text)), &sums)
		if math.Abs(got-want) > 0.02 {
			t.Errorf("%.20q: the model says %v, its features %v", text, got, want)
		}
	}
}

// TestTextsAreApart runs one prefilter over halves of attacks, one after the
// other: the half of an order in one text must not meet the other half in the
// next, also where the count of words begins again.
func TestTextsAreApart(t *testing.T) {
	p, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	stops := func(f *prefilter, text string) (at []int) {
		f.reset(p, []byte(text))
		for i := f.next(); i >= 0; i = f.next() {
			at = append(at, i)
		}
		return at
	}
	var used prefilter
	for _, a := range attacks {
		for cut := range a.text {
			first, second := a.text[:cut], a.text[cut:]
			stops(&used, first)
			if cut%7 == 0 {
				used.words += mostWords
			}
			if got, want := stops(&used, second), stops(new(prefilter), second); !slices.Equal(got, want) {
				t.Fatalf("%q after %q: stops at %d, alone at %d", second, first, got, want)
			}
		}
	}
}
