package injection

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The model is a logistic regression over hashed words, word pairs and pairs
// with one word between. A stretch of n words has the sum of its features'
// weights over the square root of n.
const (
	modelBits    = 17
	modelRows    = 1 << modelBits
	stretchWords = 40
	stretchStep  = 8
)

// modelMagic begins a weights file: magic, scale and bias as little-endian
// float32, then one int8 a row.
const modelMagic = "RGIJ1\n"

type model struct {
	weights []int8
	scale   float32
	bias    float32
}

// MarshalModel writes weights (one a row of the hash table, as Features
// numbers them) and a bias in the form Options.Model takes. Weights are
// rounded to 255 steps.
func MarshalModel(weights []float64, bias float64) ([]byte, error) {
	if len(weights) != modelRows {
		return nil, fmt.Errorf("injection: %d weights; a model has %d", len(weights), modelRows)
	}
	top := 1e-9
	for _, w := range weights {
		top = max(top, math.Abs(w))
	}
	scale := top / 127
	out := append([]byte(nil), modelMagic...)
	out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(scale)))
	out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(bias)))
	for _, w := range weights {
		out = append(out, byte(int8(math.Round(w/scale))))
	}
	return out, nil
}

func loadModel(b []byte) (*model, error) {
	const head = len(modelMagic) + 8
	if len(b) != head+modelRows || string(b[:len(modelMagic)]) != modelMagic {
		return nil, errors.New("not a model file: write one with scripts/injection")
	}
	m := &model{
		scale:   math.Float32frombits(binary.LittleEndian.Uint32(b[head-8:])),
		bias:    math.Float32frombits(binary.LittleEndian.Uint32(b[head-4:])),
		weights: make([]int8, modelRows),
	}
	for i, v := range b[head:] {
		m.weights[i] = int8(v)
	}
	return m, nil
}

// rows are the features a word adds after the two before it (0 where there
// is none): itself, with the one before, and with the one before that.
func rows(h2, h1, h uint32) (uni, bi, skip uint32) {
	return mix(h, 0x9E3779B1), mix(h1*31+h, 0x85EBCA6B), mix(h2*37+h, 0xC2B2AE35)
}

func mix(h, seed uint32) uint32 {
	h = (h ^ seed) * 0x2C1B3C6D
	h ^= h >> 15
	h *= 0x297A2D39
	return h >> (32 - modelBits)
}

// best finds the stretch the model likes least and returns its logit and its
// tokens; to is 0 where there is no word. sums is scratch.
func (m *model) best(toks []token, sums *[]float32) (logit float64, from, to int) {
	acc := (*sums)[:0]
	total := float32(0)
	var h2, h1 uint32
	words := 0
	for i := range toks {
		t := &toks[i]
		if t.word {
			u, b, k := rows(h2, h1, t.hash)
			total += float32(m.weights[u]) + float32(m.weights[b]) + float32(m.weights[k])
			h2, h1 = h1, t.hash
			words++
		}
		acc = append(acc, total)
	}
	*sums = acc
	if words == 0 {
		return 0, 0, 0
	}
	return m.slide(toks, acc)
}

// slide moves a stretch over the tokens by their running sums. Tokens that are
// no words count as part of its length.
func (m *model) slide(toks []token, acc []float32) (logit float64, from, to int) {
	logit = math.Inf(-1)
	for i := 0; ; i += stretchStep {
		j := min(i+stretchWords, len(toks))
		if j == len(toks) {
			i = max(0, j-stretchWords)
		}
		sum := acc[j-1]
		if i > 0 {
			sum -= acc[i-1]
		}
		x := float64(m.bias) + float64(sum*m.scale)/math.Sqrt(float64(j-i))
		if x > logit {
			logit, from, to = x, i, j
		}
		if j == len(toks) {
			return logit, from, to
		}
	}
}

// Features cuts a text into the stretches the model judges and calls visit
// with the rows of each, repeated where a feature repeats, and the number of
// tokens its sum is scaled by. The training script is its only user; visit
// must not keep the slice.
func (d *Detector) Features(text []byte, visit func(rows []uint32, tokens int)) {
	s := d.pool.Get().(*scanner)
	defer d.pool.Put(s)
	toks := s.tok[0].run(text)
	var all [][3]uint32
	var h2, h1 uint32
	for i := range toks {
		f := [3]uint32{noRow, noRow, noRow}
		if t := &toks[i]; t.word {
			f[0], f[1], f[2] = rows(h2, h1, t.hash)
			h2, h1 = h1, t.hash
		}
		all = append(all, f)
	}
	visitStretches(all, visit)
}

const noRow = math.MaxUint32

func visitStretches(all [][3]uint32, visit func([]uint32, int)) {
	for i := 0; ; i += stretchStep {
		j := min(i+stretchWords, len(all))
		if j == len(all) {
			i = max(0, j-stretchWords)
		}
		var out []uint32
		for _, f := range all[i:j] {
			if f[0] != noRow {
				out = append(out, f[:]...)
			}
		}
		if len(out) > 0 {
			visit(out, j-i)
		}
		if j == len(all) {
			return
		}
	}
}
