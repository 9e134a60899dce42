package console

import (
	"cmp"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/call"
)

// choices are what the filter offers.
type choices struct{ Tenants, Teams, Models []string }

// overviewView is the first page.
type overviewView struct {
	Choices           choices
	Any               bool // a call ended since the start
	Total             totals
	Charts            []*chart
	Codes, Entities   []shareRow
	Reasons           []shareRow
	Coverage          []coverageRow
	Upstreams         []upstreamRow
	Recent            []*Call
	Policy            []row
	Tokens, Redacted  int64
	Full              int64 // calls read in full, both ways
	CoverageKnown     int64
	P50, P95, Chunk50 time.Duration
	PolicyTime        time.Duration // a call
}

// totals are a cell's counts as the templates name them.
type totals struct {
	Calls, Denied, Redacted, Errors, Openly, Unpriced int64
	Input, Output, Cached                             int64
	Cost                                              float64
}

func totalsOf(c *cell) totals {
	return totals{c.calls, c.denied, c.redacted, c.errors, c.openly, c.unpriced, c.input, c.output, c.cached, c.cost}
}

// shareRow is one line of a list with bars.
type shareRow struct {
	Name, Help, Query string
	N                 int64
	Share             float64 // of the list's highest, 0..100
}

// coverageRow is one direction's levels.
type coverageRow struct {
	Name                string
	Full, Partial, None int64
	X1, X2              float64 // where partial and none begin, 0..100
}

func (c *coverageRow) All() int64 { return c.Full + c.Partial + c.None }

// upstreamRow is one upstream's latency and errors.
type upstreamRow struct {
	Name                            string
	Calls, Errors                   int64
	P50, P95, P99, First50, First95 time.Duration
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	f := c.frame(r, "overview", "Overview", nil)
	report := c.options.Store.report(f.Filter, f.Window)
	t := &report.total
	v := &overviewView{
		Choices: choicesOf(report), Any: c.options.Store.total() > 0, Total: totalsOf(t), Charts: overviewCharts(report, f.Window),
		Codes: shares(t.codes, "code", nil), Entities: shares(t.entities, "entity", nil), Reasons: shares(t.reasons, "", reasonText),
		Coverage: coverageRows(t), Upstreams: upstreams(report.place), Policy: brief(c.policyRows()),
		Tokens: t.input + t.output, P50: t.latency.quantile(.5), P95: t.latency.quantile(.95), Chunk50: t.chunk.quantile(.5),
	}
	v.Recent, _ = c.options.Store.filter(f.Filter, 0, 12)
	for _, e := range t.entities {
		v.Redacted += e.N
	}
	if t.calls > 0 {
		v.PolicyTime = t.policy / time.Duration(t.calls)
	}
	f.Live, f.Body = true, v
	c.render(w, http.StatusOK, f)
}

func choicesOf(r *report) choices { return choices{r.tenants, r.teams, r.models} }

func overviewCharts(r *report, w window) []*chart {
	t := &r.total
	base := plot{steps: r.steps, step: w.step}
	calls, tokens, cost, latency := base, base, base, base
	calls.id, calls.title, calls.format, calls.whole = "calls", "Calls by decision", short, true
	allowed := func(c *cell) int64 { return c.calls - c.denied - c.redacted - c.reviewed - c.undecided }
	for _, l := range []struct {
		name, class string
		n           func(*cell) int64
	}{
		{"allowed", "allow", allowed},
		{"redacted", "redact", func(c *cell) int64 { return c.redacted }},
		{"reviewed", "review", func(c *cell) int64 { return c.reviewed }},
		{"denied", "deny", func(c *cell) int64 { return c.denied }},
		{"undecided", "error", func(c *cell) int64 { return c.undecided }},
	} {
		if l.n(t) > 0 || l.name == "allowed" {
			calls.layers = append(calls.layers, layer{l.name, l.class, number(l.n(t)), func(i int) float64 { return float64(l.n(&r.steps[i].cell)) }})
		}
	}
	tokens.id, tokens.title, tokens.format, tokens.whole = "tokens", "Tokens, as reported", short, true
	tokens.layers = []layer{
		{"input", "s1", short(float64(t.input)), func(i int) float64 { return float64(r.steps[i].input) }},
		{"output", "s2", short(float64(t.output)), func(i int) float64 { return float64(r.steps[i].output) }},
	}
	cost.id, cost.title, cost.format = "cost", "Cost by team", usd
	cost.layers = groupLayers(r.team, func(c *cell) float64 { return c.cost }, usd)
	latency.id, latency.title, latency.lines = "latency", "Latency", true
	latency.format = func(v float64) string {
		if v == 0 {
			return "0"
		}
		return elapsed(time.Duration(v))
	}
	latency.layers = latencyLayers(r)
	return []*chart{calls.chart(), tokens.chart(), cost.chart(), latency.chart()}
}

func latencyLayers(r *report) []layer {
	quantile := func(of func(*cell) *histogram, q float64) func(int) float64 {
		return func(i int) float64 { return float64(of(&r.steps[i].cell).quantile(q)) }
	}
	whole := func(c *cell) *histogram { return &c.latency }
	chunk := func(c *cell) *histogram { return &c.chunk }
	out := []layer{
		{"median", "s1", elapsed(r.total.latency.quantile(.5)), quantile(whole, .5)},
		{"95 %", "s2", elapsed(r.total.latency.quantile(.95)), quantile(whole, .95)},
	}
	if first := r.total.chunk.quantile(.5); first > 0 {
		out = append(out, layer{"first chunk, median", "s3", elapsed(first), quantile(chunk, .5)})
	}
	return out
}

// maxLayers bounds the names of a chart; the rest is one more.
const maxLayers = 6

// groupLayers are the series of a chart by name.
func groupLayers(all groups, value func(*cell) float64, format func(float64) string) []layer {
	var out []layer
	rest := groups{}
	for i, g := range all {
		if i >= maxLayers || g.Name == other {
			rest = append(rest, g)
			continue
		}
		out = append(out, layer{nameOf(g.Name), "s" + strconv.Itoa(len(out)+1), format(value(&g.cell)), func(i int) float64 { return value(&g.steps[i]) }})
	}
	if len(rest) == 0 {
		return out
	}
	sum := func(of func(*group) *cell) (total float64) {
		for _, g := range rest {
			total += value(of(g))
		}
		return total
	}
	return append(out, layer{"others", "rest", format(sum(func(g *group) *cell { return &g.cell })), func(i int) float64 {
		return sum(func(g *group) *cell { return &g.steps[i] })
	}})
}

// nameOf is a group's name for people.
func nameOf(name string) string {
	switch name {
	case "":
		return "(none)"
	case other:
		return "others"
	}
	return name
}

// shares makes a list with bars, the highest first.
func shares(list []Count, query string, help func(string) string) []shareRow {
	list = append([]Count(nil), list...)
	sortCounts(list)
	out := make([]shareRow, len(list))
	for i, each := range list {
		out[i] = shareRow{Name: each.Name, N: each.N, Share: float64(each.N) / float64(list[0].N) * 100}
		if help != nil {
			out[i].Help = help(each.Name)
		}
		if query != "" && each.Name != other {
			out[i].Query = query
		}
	}
	return out
}

func coverageRows(t *cell) []coverageRow {
	make := func(name string, levels [3]int64) coverageRow {
		c := coverageRow{Name: name, None: levels[0], Partial: levels[1], Full: levels[2]}
		if all := float64(c.All()); all > 0 {
			c.X1, c.X2 = float64(c.Full)/all*100, float64(c.Full+c.Partial)/all*100
		}
		return c
	}
	return []coverageRow{make("Requests", t.request), make("Responses", t.response)}
}

func upstreams(all groups) []upstreamRow {
	out := make([]upstreamRow, 0, len(all))
	for _, g := range all {
		l := &g.latency
		out = append(out, upstreamRow{
			Name: nameOf(g.Name), Calls: g.calls, Errors: g.errors, P50: l.quantile(.5), P95: l.quantile(.95), P99: l.quantile(.99),
			First50: g.chunk.quantile(.5), First95: g.chunk.quantile(.95),
		})
	}
	return out
}

// callsView is the list of calls.
type callsView struct {
	Choices   choices
	Calls     []*Call
	Newer     string // the query of the newest page, "" on it
	Older     string // the query of the next page, "" on the last
	Kept, All uint64
	Any       bool
}

// pageSize is calls a page.
const pageSize = 50

func (c *Console) calls(w http.ResponseWriter, r *http.Request) {
	f := c.frame(r, "calls", "Calls", nil)
	before, _ := strconv.ParseUint(r.FormValue("before"), 10, 64)
	s := c.options.Store
	list, more := s.filter(f.Filter, before, pageSize)
	v := &callsView{Choices: s.choices(), Calls: list, All: s.total(), Kept: min(s.total(), uint64(len(s.ring)))}
	v.Any = v.All > 0
	query := r.URL.Query()
	if query.Del("before"); before > 0 {
		v.Newer = "?" + query.Encode()
	}
	if more {
		query.Set("before", strconv.FormatUint(list[len(list)-1].Seq, 10))
		v.Older = "?" + query.Encode()
	}
	f.Live, f.Body = before == 0, v
	c.render(w, http.StatusOK, f)
}

// choices are the names of the kept calls.
func (s *Store) choices() choices {
	sums := newSums(0)
	for _, c := range s.calls() {
		sums.seen(key{tenant: c.Tenant, team: c.Team, model: c.Model})
	}
	return choices{known(sums.tenants), known(sums.teams), known(sums.models)}
}

// callView is one call's page.
type callView struct {
	*Call
	Verdict  string
	Steps    []stage
	Trace    string
	Reasons  []row
	Timeline []track
	Findings []findingRow
}

// track is one line of a call's timeline: from Start over Length, both 0..100 of
// the call's time.
type track struct {
	Name, Note, Class string
	Start, Length     float64
}

type findingRow struct {
	Phase, Entity, Class, Where, Role string
	Count                             int
	Score                             string
}

func (c *Console) call(w http.ResponseWriter, r *http.Request) {
	one := c.options.Store.find(r.PathValue("id"))
	if one == nil {
		c.render(w, http.StatusNotFound, c.frame(r, "error", "Call not found", failure{
			"No call of this id is kept",
			"The console keeps the last " + plural(int64(len(c.options.Store.ring)), "call") + " since Regent’s start (console.calls). Look for an older one in the traces or in Envoy’s access log.",
		}))
		return
	}
	v := &callView{Call: one, Verdict: verdict(one), Steps: explain(one), Trace: c.traceLink(one.TraceID), Timeline: timeline(one), Findings: findingRows(one)}
	for _, reason := range one.Coverage.Reasons {
		v.Reasons = append(v.Reasons, row{reason, reasonText(reason)})
	}
	c.render(w, http.StatusOK, c.frame(r, "call", "Call "+one.ID, v))
}

var traceID = regexp.MustCompile("^[0-9a-fA-F]{16,32}$")

func (c *Console) traceLink(id string) string {
	if c.options.TraceURL == "" || !traceID.MatchString(id) {
		return ""
	}
	return strings.ReplaceAll(c.options.TraceURL, "{trace_id}", id)
}

// timeline puts what is known of a call's times on one scale.
func timeline(c *Call) []track {
	out := []track{c.track("Call", "s1", c.Started, c.Duration, elapsed(c.Duration))}
	for _, s := range c.Steps {
		took := s.Ended.Sub(s.Started)
		note := elapsed(took)
		if s.Kind == call.StepPolicy {
			note += ", " + string(s.Phase) + ": " + s.Decision
		}
		out = append(out, c.track(cmp.Or(stepNames[s.Kind], string(s.Kind)), stepClass(s.Kind), s.Started, took, note))
	}
	if len(c.Steps) == 0 {
		out = append(out, c.track("Policy", "s3", c.Started, c.PolicyTime, elapsed(c.PolicyTime)+" in "+plural(int64(c.Evaluations), "evaluation")))
	}
	for _, a := range c.Attempts {
		out = append(out, c.attempt(a))
	}
	if first := c.TimeToFirstChunk; first > 0 {
		out = append(out, c.track("Stream", "s4", c.Started.Add(first), c.Duration-first, "first chunk after "+elapsed(first)))
	}
	return out
}

func stepClass(kind call.StepKind) string {
	if kind == call.StepPolicy {
		return "s3"
	}
	return "s5"
}

// leastTrack is the length of what is too short to be seen.
const leastTrack = .4

// track places a part of the call's time on its scale.
func (c *Call) track(name, class string, from time.Time, length time.Duration, note string) track {
	share := func(d time.Duration) float64 { return min(max(float64(d)/float64(max(c.Duration, 1))*100, 0), 100) }
	t := track{Name: name, Note: note, Class: class, Start: min(share(from.Sub(c.Started)), 100-leastTrack)}
	t.Length = max(min(share(length), 100-t.Start), leastTrack)
	return t
}

func (c *Call) attempt(a call.AttemptRecord) track {
	length, note, class := a.Ended.Sub(a.Started), a.Target, "s2"
	switch {
	case a.Status == 0:
		length, class = c.Started.Add(c.Duration).Sub(a.Started), "deny"
		note += ", no answer"
	default:
		note += ", head after " + elapsed(length) + ", status " + strconv.Itoa(a.Status)
	}
	if a.Status >= 400 {
		class = "deny"
	}
	return c.track("Attempt "+strconv.Itoa(max(a.Number, 1)), class, a.Started, length, note)
}

func findingRows(c *Call) []findingRow {
	var out []findingRow
	for _, f := range c.RequestFindings {
		out = append(out, findingRow{"request", f.Entity, f.Class, string(f.Where), string(f.Role), f.Count, trim(f.Score)})
	}
	for _, f := range c.ResponseFindings {
		out = append(out, findingRow{"response", f.Entity, f.Class, string(f.Where), string(f.Role), f.Count, trim(f.Score)})
	}
	return out
}

// spendView is who spends what.
type spendView struct {
	Choices choices
	By      string
	Bys     []string
	Charts  []*chart
	Tables  []spendTable
	Total   totals
	Any     bool
}

// spendTable is one dimension's list, the dearest first.
type spendTable struct {
	Name, Query string
	Rows        []spendRow
	More        int // names left out
}

type spendRow struct {
	Name, Value          string
	Link                 bool
	Calls, Input, Output int64
	Cost, Share          float64
	Part                 string
}

// maxSpendRows bounds a list of names.
const maxSpendRows = 20

func (c *Console) spend(w http.ResponseWriter, r *http.Request) {
	f := c.frame(r, "spend", "Spend", nil)
	report := c.options.Store.report(f.Filter, f.Window)
	dimensions := map[string]groups{"team": report.team, "model": report.model, "tenant": report.tenant}
	by := r.FormValue("by")
	if dimensions[by] == nil {
		by = "team"
	}
	v := &spendView{Choices: choicesOf(report), By: by, Bys: []string{"team", "model", "tenant"}, Total: totalsOf(&report.total), Any: c.options.Store.total() > 0}
	cost := plot{id: "cost", title: "Cost by " + by, steps: report.steps, step: f.Window.step, format: usd}
	cost.layers = groupLayers(dimensions[by], func(c *cell) float64 { return c.cost }, usd)
	tokens := plot{id: "tokens", title: "Tokens by " + by, steps: report.steps, step: f.Window.step, format: short, whole: true}
	tokens.layers = groupLayers(dimensions[by], func(c *cell) float64 { return float64(c.input + c.output) }, short)
	v.Charts = []*chart{cost.chart(), tokens.chart()}
	for _, name := range v.Bys {
		v.Tables = append(v.Tables, spendTableOf(name, dimensions[name], &report.total))
	}
	f.Live, f.Body = true, v
	c.render(w, http.StatusOK, f)
}

func spendTableOf(name string, all groups, total *cell) spendTable {
	t := spendTable{Name: name, Query: name, More: max(len(all)-maxSpendRows, 0)}
	for _, g := range all[:len(all)-t.More] {
		row := spendRow{Name: nameOf(g.Name), Value: g.Name, Link: g.Name != "" && g.Name != other, Calls: g.calls, Input: g.input, Output: g.output, Cost: g.cost, Part: "–"}
		if total.cost > 0 {
			row.Share = g.cost / total.cost * 100
			row.Part = trim(row.Share) + " %"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// maxBrief bounds what the overview says of the policy.
const maxBrief = 6

// brief is the rows that are no part of a part, the first of them.
func brief(rows []row) (out []row) {
	for _, r := range rows {
		if strings.Count(r.Name, "›") < 2 && len(out) < maxBrief {
			out = append(out, r)
		}
	}
	return out
}
