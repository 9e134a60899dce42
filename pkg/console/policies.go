package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// policyView is the policy set in force, the one on trial, and how the kept calls
// fared by revision.
type policyView struct {
	Rows      []row
	Trial     *trialView
	Refused   *rollout.Refused
	Revisions []revisionRow
	Kept      int
}

// trialView is a candidate beside the policy in force.
type trialView struct {
	Mode, Revision string
	Since          time.Time
	Rows           []row
	Waits          string
	Sides          []sideRow // none while there is nothing to compare
	Differences    []shareRow
}

type sideRow struct {
	Name                  string
	Calls, Errors, Denied int64
	P95                   time.Duration
}

type revisionRow struct {
	Revision, Role                             string
	Calls, Denied, Redacted, Undecided, Failed int64
	First, Last                                time.Time
	Policy                                     time.Duration // a call
}

func (c *Console) policy(w http.ResponseWriter, r *http.Request) {
	f := c.frame(r, "policy", "Policy", nil)
	calls := c.options.Store.calls()
	v := &policyView{Rows: c.policyRows(), Revisions: revisions(calls), Kept: len(calls)}
	if c.options.Rollout != nil {
		v.rollout(c.options.Rollout())
	}
	f.Live, f.Body = true, v
	c.render(w, http.StatusOK, f)
}

// policyRows is what is known of the set in force, with what is on trial.
func (c *Console) policyRows() []row {
	var rows []row
	if c.options.Policy != nil {
		rows = jsonRows(c.options.Policy())
	}
	if c.options.Rollout == nil {
		return rows
	}
	s := c.options.Rollout()
	if s.Candidate != nil {
		rows = append(rows, row{string(s.Mode) + " on trial", s.Candidate.Revision})
	} else if s.Refused != nil {
		rows = append(rows, row{"rolled back last", s.Refused.Revision})
	}
	return rows
}

// rollout adds what a rollout says.
func (v *policyView) rollout(s rollout.Status) {
	v.Refused = s.Refused
	if s.Candidate == nil {
		return
	}
	t := &trialView{Mode: string(s.Mode), Revision: s.Candidate.Revision, Since: s.Candidate.Since}
	if s.Canary != nil {
		t.canary(s.Canary)
	}
	if s.Shadow != nil {
		t.shadow(s.Shadow)
	}
	if window := s.Candidate.Window; window != nil {
		t.Waits = window.Waits
		t.Sides = []sideRow{sideOf("in force", &window.Active), sideOf("on trial", &window.Candidate)}
	}
	v.Trial = t
}

func (t *trialView) canary(s *rollout.Sharing) {
	calls, after := trim(s.Share*100)+" %, by "+s.Key, "by hand only"
	if len(s.Tenants) > 0 {
		calls += ", of " + strings.Join(first(s.Tenants), ", ")
	}
	if s.PromoteAfterSeconds > 0 {
		after = "after " + elapsed(time.Duration(s.PromoteAfterSeconds*float64(time.Second)))
	}
	t.Rows = []row{
		{"Calls it judges", calls},
		{"Put in force", after},
		{"Rolled back at", "+" + trim(s.MaxErrorRateIncrease*100) + " % errors, +" + trim(s.MaxDenialRateIncrease*100) + " % denials, or " + trim(s.MaxLatencyRatio) + " times the evaluation time"},
	}
}

func (t *trialView) shadow(s *rollout.Shadows) {
	t.Rows = []row{
		{"Decisions compared", number(s.Evaluated)},
		{"That differed", number(s.Differed) + " (" + share(s.Differed, s.Evaluated) + ")"},
		{"Left out for want of room", number(s.Dropped)},
	}
	var list []Count
	for kind, n := range s.Differences {
		if n > 0 {
			list = append(list, Count{kind, n})
		}
	}
	t.Differences = shares(list, "", nil)
}

func sideOf(name string, f *rollout.Figures) sideRow {
	return sideRow{name, int64(f.Calls), int64(f.Errors), int64(f.Denials), time.Duration(f.P95 * float64(time.Second))}
}

// revisions sums the calls, newest first, by policy revision.
func revisions(calls []*Call) []revisionRow {
	var out []revisionRow
	at := map[[2]string]int{}
	for _, c := range calls {
		key := [2]string{c.Revision, c.Role}
		i, known := at[key]
		if !known {
			i, at[key] = len(out), len(out)
			out = append(out, revisionRow{Revision: c.Revision, Role: c.Role, Last: c.Started.UTC()})
		}
		out[i].add(c)
	}
	for i := range out {
		out[i].Policy /= time.Duration(out[i].Calls)
	}
	slices.SortStableFunc(out, func(a, b revisionRow) int { return cmp.Compare(b.Last.Unix(), a.Last.Unix()) })
	return out
}

func (r *revisionRow) add(c *Call) {
	r.Calls++
	r.Denied += bit(c.Decision == "deny")
	r.Redacted += bit(c.Decision == "redact")
	r.Undecided += bit(c.Decision == "error" || c.FailedOpen)
	r.Failed += bit(c.Failed())
	r.First = c.Started.UTC()
	r.Policy += c.PolicyTime
}
