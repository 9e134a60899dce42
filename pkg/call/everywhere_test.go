package call

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/simulate"
)

// placesOf are the places of a document's strings and numbers, as calls that put
// a value there; those of members that carry no text are left out, and so are the
// names of all others.
func placesOf(v any, put func(any), name string, dst []func(any)) []func(any) {
	if isCarrier([]byte(name), false) {
		return dst
	}
	switch v := v.(type) {
	case string:
		return append(dst, put)
	case []any:
		for i := range v {
			dst = placesOf(v[i], func(x any) { v[i] = x }, name, dst)
		}
	case map[string]any:
		names := []string{}
		for member := range v {
			names = append(names, member)
		}
		slices.Sort(names)
		for _, member := range names {
			dst = placesOf(v[member], func(x any) { v[member] = x }, member, dst)
		}
		dst = append(dst, func(x any) { // one more member
			if s, ok := x.(string); ok {
				v["new_member"] = map[string]any{s: []any{x}}
			} else {
				delete(v, "new_member")
			}
		})
	}
	return dst
}

// eachPlace gives a document with the card at each of its places in turn.
func eachPlace(t *testing.T, source string, each func(mutant string)) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(source), &v); err != nil {
		t.Fatalf("%v in %s", err, source)
	}
	for n := range placesOf(v, nil, "", nil) {
		var own any
		_ = json.Unmarshal([]byte(source), &own) // as above
		placesOf(own, func(any) {}, "", nil)[n]("a " + card + " b")
		mutant, err := json.Marshal(own)
		if err != nil {
			t.Fatal(err)
		}
		each(string(mutant))
	}
}

// Wherever in a request of any dialect a value stands, in a string that is known or
// in a member or a name that is not, it does not reach the provider.
func TestHiddenEverywhereInARequest(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	for i, s := range spokenTo {
		places := 0
		eachPlace(t, filled(rand.New(rand.NewPCG(uint64(i), 5)), s.body, "hello"), func(mutant string) {
			places++
			sent, refusal := b.answered(t, s.path, mutant, "application/json", "{}", 0)
			if sent != "" && hasAny(allStrings(t, sent), []string{card}) != "" {
				t.Errorf("%s: %s is sent as %s", s.name, mutant, sent)
			}
			if sent == "" && strings.Contains(refusal, card) {
				t.Errorf("%s: refused with %s", s.name, refusal)
			}
		})
		if places < 2 {
			t.Errorf("%s: only %d places", s.name, places)
		}
	}
}

// saysNothing is an event without its texts and numbers.
func saysNothing(event string) string { return said.ReplaceAllString(event, "") }

var said = regexp.MustCompile(`"(content|text|delta|thinking|reasoning_content|sequence_number|response)": ?("[^"]*"|[0-9]+)`)

// Wherever in a document or in an event of any dialect a value stands, it does not
// reach the client.
func TestHiddenEverywhereInAResponse(t *testing.T) {
	provider, err := simulate.New(simulate.Options{Behaviour: "reasoning;chunk=9"})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, rules{request: allow, response: redactAll})
	for i, s := range spokenTo {
		request := filled(rand.New(rand.NewPCG(uint64(i), 6)), s.body, "hello there")
		answer, contentType := ask(provider, s.path, request)
		if contentType == "application/vnd.amazon.eventstream" {
			continue // its frames are not text; the events are those of the whole
		}
		check := func(response string) {
			_, got := b.answered(t, s.path, request, contentType, response, 50)
			if hasAny(got, []string{card}) != "" {
				t.Errorf("%s: %s leaves as %s", s.name, response, got)
			}
		}
		if contentType == "application/json" {
			eachPlace(t, string(answer), check)
			continue
		}
		known := map[string]bool{} // events that differ in nothing but what they say
		for _, line := range strings.Split(string(answer), "\n") {
			event := strings.TrimPrefix(line, "data: ")
			if !strings.HasPrefix(event, "{") || known[saysNothing(event)] || len(known) > 12 {
				continue
			}
			known[saysNothing(event)] = true
			eachPlace(t, event, func(mutant string) {
				check(strings.Replace(string(answer), event, mutant, 1))
			})
		}
	}
}
