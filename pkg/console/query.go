package console

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Filter narrows what a page shows; an empty member narrows nothing.
type Filter struct {
	Tenant, Team, Model string
	// Of calls only: a decision, a deny's code, a redacted entity, an upstream, and
	// the start of a call's or trace's id.
	Decision, Code, Entity, Upstream, ID string
}

func (f *Filter) matches(k key) bool {
	return (f.Tenant == "" || f.Tenant == k.tenant) && (f.Team == "" || f.Team == k.team) && (f.Model == "" || f.Model == k.model)
}

func (f *Filter) matchesCall(c *Call) bool {
	return f.matches(key{tenant: c.Tenant, team: c.Team, model: c.Model}) &&
		(f.Decision == "" || f.Decision == c.Decision || f.Decision == "failed" && c.Failed()) &&
		(f.Upstream == "" || f.Upstream == c.Upstream()) &&
		(f.Code == "" || slices.ContainsFunc(c.Denies, func(d policy.Deny) bool { return d.Code == f.Code })) &&
		(f.Entity == "" || c.Redactions[f.Entity] > 0) &&
		(f.ID == "" || strings.HasPrefix(c.ID, f.ID) || strings.HasPrefix(c.TraceID, f.ID))
}

// window is a span of time shown, and its steps.
type window struct {
	Name, Title string
	steps       int
	step        time.Duration
	hours       bool // beyond the minutes kept
}

var windows = []window{
	{"1h", "last hour", 60, time.Minute, false},
	{"6h", "last 6 hours", 72, 5 * time.Minute, false},
	{"24h", "last 24 hours", 24, time.Hour, true},
	{"7d", "last 7 days", 28, 6 * time.Hour, true},
}

// windowOf is the window of that name, the first where there is none.
func windowOf(name string) window {
	for _, w := range windows {
		if w.Name == name {
			return w
		}
	}
	return windows[0]
}

// report is what the series say of a window.
type report struct {
	total  cell
	steps  []span
	tenant groups
	team   groups
	model  groups
	place  groups // upstreams; calls that went nowhere are left out
	// names are those seen in the window whatever the filter, for its choices.
	tenants, teams, models []string
}

// span is one step of a report.
type span struct {
	start time.Time
	cell
}

// group is the calls of one name.
type group struct {
	Name string
	cell
	steps []cell // as the report's
}

type groups []*group

// report sums the window's buckets.
func (s *Store) report(f Filter, w window) *report {
	end := s.now().Truncate(w.step).Add(w.step)
	begin := end.Add(-time.Duration(w.steps) * w.step)
	r := &report{steps: make([]span, w.steps)}
	for i := range r.steps {
		r.steps[i].start = begin.Add(time.Duration(i) * w.step)
	}
	sums := newSums(w.steps)
	for _, b := range s.snapshot(begin, w.hours) {
		at := int(b.start.Sub(begin) / w.step)
		if at < 0 || at >= w.steps {
			continue
		}
		for k, c := range b.cells {
			sums.seen(k)
			if f.matches(k) {
				r.total.merge(c)
				r.steps[at].merge(c)
				sums.add(k, c, at)
			}
		}
	}
	sums.fill(r)
	return r
}

// sums collects the groups of a report.
type sums struct {
	steps                      int
	tenant, team, model, place map[string]*group
	tenants, teams, models     map[string]bool
}

func newSums(steps int) *sums {
	return &sums{steps, map[string]*group{}, map[string]*group{}, map[string]*group{}, map[string]*group{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

func (s *sums) seen(k key) {
	s.tenants[k.tenant], s.teams[k.team], s.models[k.model] = true, true, true
}

func (s *sums) add(k key, c *cell, at int) {
	s.group(s.tenant, k.tenant, c, at)
	s.group(s.team, k.team, c, at)
	s.group(s.model, k.model, c, at)
	if k.upstream != "" {
		s.group(s.place, k.upstream, c, at)
	}
}

func (s *sums) group(all map[string]*group, name string, c *cell, at int) {
	g := all[name]
	if g == nil {
		g = &group{Name: name, steps: make([]cell, s.steps)}
		all[name] = g
	}
	g.merge(c)
	g.steps[at].merge(c)
}

func (s *sums) fill(r *report) {
	r.tenant, r.team, r.model, r.place = sorted(s.tenant), sorted(s.team), sorted(s.model), sorted(s.place)
	r.tenants, r.teams, r.models = known(s.tenants), known(s.teams), known(s.models)
}

// sorted puts the dearest first, then the one with the most calls.
func sorted(all map[string]*group) groups {
	out := make(groups, 0, len(all))
	for _, g := range all {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.cost, a.cost), cmp.Compare(b.calls, a.calls), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// known are the names that can be chosen in a filter.
func known(all map[string]bool) []string {
	var out []string
	for name := range all {
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// sortCounts puts the highest first.
func sortCounts(list []Count) {
	slices.SortFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
}

// filter is the kept calls that match, newest first, at most most of them from
// before the one of that number (0 is from the newest on), and whether there are
// more.
func (s *Store) filter(f Filter, before uint64, most int) (list []*Call, more bool) {
	for _, c := range s.calls() {
		if before > 0 && c.Seq >= before || !f.matchesCall(c) {
			continue
		}
		if len(list) == most {
			return list, true
		}
		list = append(list, c)
	}
	return list, false
}
