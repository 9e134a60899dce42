package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
)

// sample is one labelled text; Label is 1 for an attack.
type sample struct {
	Text   string `json:"text"`
	Label  int    `json:"label"`
	Source string `json:"source"`
}

// mostText bounds what is read of one text, in bytes.
const mostText = 24 << 10

// readTexts reads JSON lines, gzipped where the name ends so.
func readTexts(path string) ([]sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("texts: %w; write them with collect.py", err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	var out []sample
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var s sample
		if err := json.Unmarshal(sc.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(out)+1, err)
		}
		s.Text = s.Text[:min(len(s.Text), mostText)]
		out = append(out, s)
	}
	return out, sc.Err()
}

// dropShared leaves out texts a third of whose six-word runs, or a text of
// fewer words than that as a whole, are in the texts of another file, so that
// a measurement on that file is not of what was learnt by heart.
func dropShared(all []sample, path string) ([]sample, error) {
	other, err := readTexts(path)
	if err != nil {
		return nil, err
	}
	seen := map[uint64]bool{}
	for _, s := range other {
		for _, h := range runs(s.Text) {
			seen[h] = true
		}
	}
	var out []sample
	for _, s := range all {
		shared, hs := 0, runs(s.Text)
		for _, h := range hs {
			if seen[h] {
				shared++
			}
		}
		if shared*3 < len(hs) || shared == 0 {
			out = append(out, s)
		}
	}
	fmt.Printf("%d of %d texts left out: in %s\n", len(all)-len(out), len(all), path)
	return out, nil
}

const runLength = 6

// runs hashes every run of six words of a text, or all of a shorter one.
func runs(text string) []uint64 {
	words := strings.Fields(strings.ToLower(text))
	var out []uint64
	for i := 0; i == 0 || i+runLength <= len(words); i++ {
		h := fnv.New64a()
		for _, w := range words[i:min(i+runLength, len(words))] {
			io.WriteString(h, w+" ")
		}
		out = append(out, h.Sum64())
	}
	return out
}
