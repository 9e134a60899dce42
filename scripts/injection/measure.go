package main

import (
	"fmt"
	"slices"

	"github.com/regent-proxy/regent/pkg/detect/injection"
)

// ways are the detectors compared: each half by itself, and both.
var ways = []struct {
	name string
	opts injection.Options
}{
	{"rules", injection.Options{NoModel: true}},
	{"model", injection.Options{NoRules: true}},
	{"both", injection.Options{}},
}

// counts of one source: texts flagged, and at which scores.
type tally struct {
	n      int
	scores [3][]float64
}

// measure scores texts in each way.
func measure(texts []sample, weights []byte) (map[string]*tally, error) {
	out := map[string]*tally{}
	for i, way := range ways {
		way.opts.Model = weights
		d, err := injection.New(way.opts)
		if err != nil {
			return nil, err
		}
		for _, s := range texts {
			key := fmt.Sprintf("%d %s", s.Label, s.Source)
			if out[key] == nil {
				out[key] = &tally{}
			}
			out[key].scores[i] = append(out[key].scores[i], d.Score([]byte(s.Text), "").Score)
			out[key].n = len(out[key].scores[i])
		}
	}
	return out, nil
}

// crossValidate leaves each source out of the training in turn and measures
// on it: an attack source for recall, a benign one for false positives.
func crossValidate(all []sample) error {
	var names []string
	for _, s := range all {
		if !slices.Contains(names, s.Source) {
			names = append(names, s.Source)
		}
	}
	sum := map[string]*tally{}
	fmt.Printf("%-20s %6s  share flagged at %.2f by rules, model, both\n", "label source", "texts", injection.Likely)
	for _, name := range names {
		var in, left []sample
		for _, s := range all {
			if s.Source == name {
				left = append(left, s)
			} else {
				in = append(in, s)
			}
		}
		weights, err := train(in)
		if err != nil {
			return err
		}
		got, err := measure(left, weights)
		if err != nil {
			return err
		}
		show(got)
		for k, t := range got {
			merge(sum, k[:1], t)
		}
	}
	summary(sum)
	return nil
}

func merge(sum map[string]*tally, key string, t *tally) {
	if sum[key] == nil {
		sum[key] = &tally{}
	}
	sum[key].n += t.n
	for i := range t.scores {
		sum[key].scores[i] = append(sum[key].scores[i], t.scores[i]...)
	}
}

func show(got map[string]*tally) {
	var keys []string
	for k := range got {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		t := got[k]
		fmt.Printf("%-32s %6d  %.3f  %.3f  %.3f\n", k, t.n, over(t.scores[0], injection.Likely), over(t.scores[1], injection.Likely), over(t.scores[2], injection.Likely))
	}
}

func over(scores []float64, least float64) float64 {
	n := 0
	for _, s := range scores {
		if s >= least {
			n++
		}
	}
	return float64(n) / float64(max(1, len(scores)))
}

// summary prints recall and false positives over everything, at the threshold
// and at the one where 2 % of the benign texts are flagged.
func summary(sum map[string]*tally) {
	for i, way := range ways {
		bad, good := sum["1"].scores[i], slices.Clone(sum["0"].scores[i])
		slices.Sort(good)
		at := good[len(good)-1-len(good)/50] + 1e-9
		fmt.Printf("%-6s recall %.3f at false positives %.4f; recall %.3f at 2 %% (score %.3f)\n",
			way.name, over(bad, injection.Likely), over(good, injection.Likely), over(bad, at), at)
	}
}

func evaluate(path string, weights []byte) error {
	texts, err := readTexts(path)
	if err != nil {
		return err
	}
	got, err := measure(texts, weights)
	if err != nil {
		return err
	}
	show(got)
	sum := map[string]*tally{}
	for k, t := range got {
		merge(sum, k[:1], t)
	}
	if sum["0"] != nil && sum["1"] != nil {
		summary(sum)
	}
	return nil
}
