package main

import (
	"math"
	"math/rand/v2"

	"github.com/regent-proxy/regent/pkg/detect/injection"
)

// Settings of the training.
const (
	epochs       = 14
	rate         = 0.25
	decay        = 2e-6 // of every weight a step makes, times the rate
	attackWeight = 0.35 // attacks' share of all weight
	mostStretch  = 24   // stretches of one text that are learnt from
	rowsOfModel  = 1 << 17
)

// stretch is what the model judges at once: rows and how many times each.
type stretch struct {
	rows   []uint32
	value  float64
	label  float64
	weight float64
}

// train fits a logistic regression by AdaGrad and returns it as a model file.
func train(all []sample) ([]byte, error) {
	stretches, err := cut(all)
	if err != nil {
		return nil, err
	}
	w := make([]float64, rowsOfModel)
	g := make([]float64, rowsOfModel)
	var bias, biasG float64
	rng := rand.New(rand.NewPCG(7, 11))
	for range epochs {
		rng.Shuffle(len(stretches), func(i, j int) { stretches[i], stretches[j] = stretches[j], stretches[i] })
		for i := range stretches {
			s := &stretches[i]
			x := bias
			for _, r := range s.rows {
				x += w[r] * s.value
			}
			d := (1/(1+math.Exp(-x)) - s.label) * s.weight
			biasG += d * d
			bias -= rate * d / math.Sqrt(biasG+1e-8)
			for _, r := range s.rows {
				step := d*s.value + decay*w[r]
				g[r] += step * step
				w[r] -= rate * step / math.Sqrt(g[r]+1e-4)
			}
		}
	}
	return injection.MarshalModel(w, bias)
}

// cut turns texts into weighted stretches. A text counts once however long it
// is; of a long one, evenly spaced stretches are taken.
func cut(all []sample) ([]stretch, error) {
	d, err := injection.New(injection.Options{NoModel: true})
	if err != nil {
		return nil, err
	}
	var out []stretch
	var total [2]float64
	for _, s := range all {
		var own []stretch
		d.Features([]byte(s.Text), func(rows []uint32, tokens int) {
			own = append(own, stretch{rows: append([]uint32(nil), rows...), value: 1 / math.Sqrt(float64(tokens)), label: float64(s.Label)})
		})
		step := max(1, (len(own)+mostStretch-1)/mostStretch)
		n := 0
		for i := 0; i < len(own); i += step {
			n++
		}
		for i := 0; i < len(own); i += step {
			// the root: a long text says more than a short one, not as much more
			own[i].weight = math.Sqrt(float64(n)) / float64(n)
			total[s.Label] += own[i].weight
			out = append(out, own[i])
		}
	}
	share := [2]float64{1 - attackWeight, attackWeight}
	for i := range out {
		l := int(out[i].label)
		out[i].weight *= share[l] * float64(len(out)) / total[l]
	}
	return out, nil
}
