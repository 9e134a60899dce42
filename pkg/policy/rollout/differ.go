package rollout

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Kind is in what two decisions about the same facts differ.
type Kind string

// Kinds of difference, from the candidate's point of view. Where either denies,
// nothing else of the decisions is carried out or compared.
const (
	Denies    Kind = "denies"  // what the active set lets pass
	Allows    Kind = "allows"  // what the active set denies
	Codes     Kind = "codes"   // both deny, with other codes or statuses
	Reviews   Kind = "review"  // what is parked for review
	Redacts   Kind = "redact"  //
	Routes    Kind = "route"   //
	Headers   Kind = "headers" //
	Bodies    Kind = "body"    //
	Labels    Kind = "labels"  //
	Trials    Kind = "experiment"
	Watches   Kind = "watch"     //
	Fails     Kind = "error"     // it fails where the active set decides
	Recovered Kind = "recovered" // it decides where the active set fails
)

var kinds = [...]Kind{Denies, Allows, Codes, Reviews, Redacts, Routes, Headers, Bodies, Labels, Trials, Watches, Fails, Recovered}

// Compare lists in what the candidate's decision differs, in a fixed order; nil
// where it does not. Where an order means nothing, it is not compared.
func Compare(active *policy.Decision, activeErr error, candidate *policy.Decision, candidateErr error) []Kind {
	switch {
	case activeErr != nil && candidateErr != nil:
		return nil
	case candidateErr != nil:
		return []Kind{Fails}
	case activeErr != nil:
		return []Kind{Recovered}
	case len(active.Deny) == 0 && len(candidate.Deny) > 0:
		return []Kind{Denies}
	case len(active.Deny) > 0 && len(candidate.Deny) == 0:
		return []Kind{Allows}
	case len(active.Deny) > 0:
		return differing(Codes, !sameSet(codesOf(active.Deny), codesOf(candidate.Deny)))
	}
	var out []Kind
	out = append(out, differing(Reviews, !sameSet(active.Review, candidate.Review))...)
	out = append(out, differing(Redacts, !sameSet(active.Redact, candidate.Redact))...)
	out = append(out, differing(Routes, !sameJSON(active.Route, candidate.Route))...)
	out = append(out, differing(Headers, !sameHeaders(active.Headers, candidate.Headers))...)
	out = append(out, differing(Bodies, !sameJSON(active.Body, candidate.Body))...)
	out = append(out, differing(Labels, !maps.Equal(active.Labels, candidate.Labels))...)
	out = append(out, differing(Trials, !sameJSON(active.Experiment, candidate.Experiment))...)
	return append(out, differing(Watches, !sameWatch(active.Watch, candidate.Watch))...)
}

func differing(k Kind, differs bool) []Kind {
	if differs {
		return []Kind{k}
	}
	return nil
}

// codesOf leaves the messages out: a word for people that is put better is no
// difference.
func codesOf(list []policy.Deny) []policy.Deny {
	out := make([]policy.Deny, len(list))
	for i, d := range list {
		out[i] = policy.Deny{Code: d.Code, Status: cmp.Or(d.Status, 403)}
	}
	return out
}

func text(v any) []byte {
	b, _ := json.Marshal(v) // decisions are JSON
	return b
}

func sameJSON[T any](a, b T) bool { return bytes.Equal(text(a), text(b)) }

// sameSet compares lists whose order means nothing.
func sameSet[T any](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 {
		return true
	}
	return slices.EqualFunc(sortedTexts(a), sortedTexts(b), bytes.Equal)
}

func sortedTexts[T any](list []T) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = text(list[i])
	}
	slices.SortFunc(out, bytes.Compare)
	return out
}

func sameHeaders(a, b *policy.HeaderChanges) bool {
	var none policy.HeaderChanges
	a, b = cmp.Or(a, &none), cmp.Or(b, &none)
	return maps.Equal(a.Set, b.Set) && sameSet(a.Remove, b.Remove)
}

func sameWatch(a, b *policy.Watch) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Off == b.Off && a.EveryTokens == b.EveryTokens && sameSet(a.Entities, b.Entities) && sameSet(a.Classes, b.Classes)
}
