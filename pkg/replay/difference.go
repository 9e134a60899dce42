package replay

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Difference is where two policies decide otherwise about one entry.
type Difference struct {
	ID    string `json:"id"`
	Model string `json:"model,omitempty"`
	// From and To are the strongest things done: allow, redact, deny, review,
	// error.
	From string `json:"from"`
	To   string `json:"to"`
	// Changes name the members that differ, old and new, in words.
	Changes []string `json:"changes"`
}

// Differ compares what two policies made of one entry; nil where all they decided
// is the same.
func Differ(old, new *Played) (*Difference, error) {
	d := &Difference{ID: new.ID, Model: new.Model, From: old.Decision, To: new.Decision}
	for _, phase := range []policy.Phase{policy.Request, policy.Response} {
		changes, err := phaseChanges(phase, old.Last(phase), new.Last(phase))
		if err != nil {
			return nil, err
		}
		d.Changes = append(d.Changes, changes...)
	}
	if old.Status != new.Status {
		d.Changes = append(d.Changes, fmt.Sprintf("status %d → %d", old.Status, new.Status))
	}
	if len(d.Changes) == 0 && d.From == d.To {
		return nil, nil
	}
	return d, nil
}

func phaseChanges(phase policy.Phase, old, new *Evaluation) ([]string, error) {
	before, err := members(old)
	if err != nil {
		return nil, err
	}
	after, err := members(new)
	if err != nil {
		return nil, err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !reflect.DeepEqual(before[name], after[name]) {
			out = append(out, fmt.Sprintf("%s.%s %s → %s", phase, name, shown(before[name]), shown(after[name])))
		}
	}
	return out, nil
}

// members are a decision's, with an error among them.
func members(e *Evaluation) (map[string]any, error) {
	if e == nil {
		return map[string]any{}, nil
	}
	out, err := e.Object()
	if err != nil {
		return nil, err
	}
	if e.Error != "" {
		out = map[string]any{"error": e.Error}
	}
	return out, nil
}
