package replay

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Expected reports whether an entry says what is to be decided.
func Expected(e *har.Entry) bool { return e.Regent != nil && len(e.Regent.Expect) > 0 }

// Compare says where an entry's decisions are not those it expects, in words,
// none where they are. expect has a phase's members of the decision, and status,
// what the client gets. A member must be met in full; of an object in a list,
// only the fields that are named. Lists may be in any order. [] and {} expect
// that there is none. A failed evaluation is never expected.
func Compare(e *har.Entry, p *Played) []string {
	var wrong []string
	for _, each := range p.Evaluations {
		if each.Error != "" {
			wrong = append(wrong, fmt.Sprintf("%s: the evaluation failed: %s", each.Phase, each.Error))
		}
	}
	if !Expected(e) || len(wrong) > 0 {
		return wrong
	}
	for _, name := range slices.Sorted(maps.Keys(e.Regent.Expect)) {
		if fault := compare(name, e.Regent.Expect[name], p); fault != "" {
			wrong = append(wrong, fault)
		}
	}
	return wrong
}

func compare(name string, expect json.RawMessage, p *Played) string {
	var want any
	if err := json.Unmarshal(expect, &want); err != nil {
		return fmt.Sprintf("_regent.expect.%s is no JSON: %v", name, err)
	}
	switch name {
	case "status":
		return fits("status", want, float64(p.Status))
	case string(policy.Request), string(policy.Response):
	default:
		return fmt.Sprintf("_regent.expect.%s is none of request, response, status", name)
	}
	members, ok := want.(map[string]any)
	if !ok {
		return fmt.Sprintf("_regent.expect.%s is no object", name)
	}
	got := map[string]any{}
	if last := p.Last(policy.Phase(name)); last != nil {
		var err error
		if got, err = last.Object(); err != nil {
			return fmt.Sprintf("%s: %v", name, err)
		}
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		if fault := fits(name+"."+member, members[member], got[member]); fault != "" {
			return fault
		}
	}
	return ""
}

// fits says where got is not what is wanted, "" where it is.
func fits(path string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok && got != nil {
			return differs(path, want, got)
		}
		if len(want) == 0 && len(have) > 0 {
			return differs(path, want, got)
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if fault := fits(path+"."+name, want[name], have[name]); fault != "" {
				return fault
			}
		}
		return ""
	case []any:
		have, ok := got.([]any)
		if !ok && got != nil || len(have) != len(want) || !pair(want, have) {
			return differs(path, want, got)
		}
		return ""
	}
	if want != got {
		return differs(path, want, got)
	}
	return ""
}

// pair reports whether each of want fits one of have, all different. Lists of a
// decision are short.
func pair(want, have []any) bool {
	if len(want) == 0 {
		return true
	}
	for i, got := range have {
		if fits("", want[0], got) == "" && pair(want[1:], slices.Delete(slices.Clone(have), i, i+1)) {
			return true
		}
	}
	return false
}

func differs(path string, want, got any) string {
	return fmt.Sprintf("%s is %s, want %s", path, shown(got), shown(want))
}

func shown(v any) string {
	if v == nil {
		return "absent"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
