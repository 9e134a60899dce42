package remote

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/regent-proxy/regent/pkg/detect"
)

// maxAnswer bounds an answer, in bytes, maxFindings the findings taken of it.
const (
	maxAnswer   = 1 << 20
	maxFindings = 4096
)

// result is one member of an answer; further members are left alone. Places are
// code points of the text.
type result struct {
	Start  *int     `json:"start"`
	End    *int     `json:"end"`
	Entity string   `json:"entity_type"`
	Score  *float64 `json:"score"`
}

// read turns an answer into findings in bytes of text. One that is not what the
// API says, in any of its members, is an error: a service that counts otherwise
// must not have the wrong words hidden.
func (d *Detector) read(data, text []byte) ([]detect.Finding, error) {
	if len(data) > maxAnswer {
		return nil, fmt.Errorf("its answer is larger than %d bytes", maxAnswer)
	}
	var list []result
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("its answer is no list of results: %w", err)
	}
	if list == nil || len(list) > maxFindings {
		return nil, fmt.Errorf("its answer holds no list, or one of more than %d results", maxFindings)
	}
	places := placesOf(text)
	var found []detect.Finding
	for i, r := range list {
		if r.Start == nil || r.End == nil || r.Score == nil || *r.Start < 0 || *r.End <= *r.Start || *r.End >= len(places) || !(*r.Score >= 0 && *r.Score <= 1) {
			return nil, fmt.Errorf("result %d of its answer has no place in a text of %d characters, or no score from 0 to 1", i, len(places)-1)
		}
		entity, wanted := d.o.Entities[r.Entity]
		if !wanted || *r.Score < d.o.MinScore || *r.Score == 0 {
			continue
		}
		found = append(found, detect.Finding{Start: places[*r.Start], End: places[*r.End], Entity: entity, Class: detect.PII, Score: *r.Score})
	}
	slices.SortFunc(found, func(a, b detect.Finding) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	return found, nil
}

// placesOf is where each character of text begins, in bytes, and where it ends.
// A byte that is no UTF-8 is one character, as it is sent.
func placesOf(text []byte) []int {
	places := make([]int, 0, len(text)+1)
	for at := 0; at < len(text); {
		places = append(places, at)
		_, n := utf8.DecodeRune(text[at:])
		at += n
	}
	return append(places, len(text))
}
