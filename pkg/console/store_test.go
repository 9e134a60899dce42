package console

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Sums are exact whoever adds and reads at once.
func TestConcurrentSumsAreExact(t *testing.T) {
	c := newClock()
	s := newStore(64, 144, c.now)
	const adders, each = 8, 500
	var group sync.WaitGroup
	for i := range adders {
		group.Go(func() {
			for n := range each {
				r := testRecord(c.t)
				r.Identity.Team = fmt.Sprintf("team-%d", i%4)
				if n%5 == 0 {
					r.Decision, r.Redactions = "redact", map[string]int{"EMAIL": 2}
				}
				s.Add(r)
			}
		})
	}
	group.Go(func() {
		for range 50 {
			s.report(Filter{}, windows[0])
			s.filter(Filter{Team: "team-1"}, 0, 10)
		}
	})
	group.Wait()
	r := s.report(Filter{}, windows[0])
	const all = adders * each
	if got := r.total; got.calls != all || got.input != 100*all || got.output != 20*all || got.redacted != all/5 || math.Abs(got.cost-0.001*all) > 1e-6 {
		t.Errorf("total %+v", got)
	}
	if len(r.total.entities) != 1 || r.total.entities[0] != (Count{"EMAIL", 2 * all / 5}) {
		t.Errorf("entities %v", r.total.entities)
	}
	one := s.report(Filter{Team: "team-1", Tenant: "acme", Model: "gpt-4o-mini"}, windows[0])
	if one.total.calls != all/4 || len(one.team) != 1 {
		t.Errorf("one team: %d calls in %d teams", one.total.calls, len(one.team))
	}
	if none := s.report(Filter{Team: "team-1", Tenant: "other"}, windows[0]); none.total.calls != 0 || len(none.teams) != 4 {
		t.Errorf("a filter that fits nothing: %d calls, %v", none.total.calls, none.teams)
	}
	calls := s.calls()
	if len(calls) != 64 || calls[0].Seq != all || calls[63].Seq != all-63 || s.total() != all {
		t.Errorf("%d calls kept, from %d to %d", len(calls), calls[0].Seq, calls[len(calls)-1].Seq)
	}
}

// Minutes become hours, hours end after a week, and no call is lost or counted
// twice in any window.
func TestWindows(t *testing.T) {
	c := newClock()
	end := c.t
	c.t = end.Add(-9 * 24 * time.Hour)
	s := newStore(10, 144, c.now)
	for ; !c.t.After(end); c.t = c.t.Add(10 * time.Minute) {
		s.Add(testRecord(c.t))
	}
	c.t = end
	for _, want := range []struct {
		window string
		calls  int64
	}{{"1h", 6}, {"6h", 36}, {"24h", 24*6 - 2}, {"7d", 7*24*6 - 20}} {
		w := windowOf(want.window)
		r := s.report(Filter{}, w)
		var steps int64
		for _, each := range r.steps {
			steps += each.calls
		}
		if r.total.calls != steps || r.total.calls != want.calls {
			t.Errorf("%s: %d calls, %d in its steps, want %d", want.window, r.total.calls, steps, want.calls)
		}
	}
	if len(s.minutes) > keepMinutes || len(s.hours) > keepHours {
		t.Errorf("%d minutes and %d hours kept", len(s.minutes), len(s.hours))
	}
	c.t = end.Add(8 * 24 * time.Hour)
	if r := s.report(Filter{}, windowOf("7d")); r.total.calls != 0 {
		t.Errorf("a week later: %d calls", r.total.calls)
	}
}

// A late record of an earlier minute counts in the running one: ended minutes
// never change.
func TestLateCall(t *testing.T) {
	c := newClock()
	s := newStore(10, 144, c.now)
	s.Add(testRecord(c.t.Add(2 * time.Minute)))
	s.Add(testRecord(c.t))
	c.t = c.t.Add(2 * time.Minute)
	if r := s.report(Filter{}, windows[0]); r.total.calls != 2 || r.steps[len(r.steps)-1].calls != 2 {
		t.Errorf("%d calls, %d in the last step", r.total.calls, r.steps[len(r.steps)-1].calls)
	}
}

// Names that a caller makes up take bounded room, and none from names in use.
func TestHostileNames(t *testing.T) {
	c := newClock()
	s := newStore(100, 144, c.now)
	made := 300 // names a minute
	if testing.Short() {
		made = 100
	}
	for minute := range 70 {
		for i := range made {
			r := testRecord(c.t)
			r.RequestModel = fmt.Sprintf("made-up-%d-%d", minute, i)
			r.Decision, r.DeniedIn = "deny", "request"
			r.Denies = []policy.Deny{{Code: r.RequestModel, Message: strings.Repeat("é", 5000)}}
			r.Coverage.Reasons = []string{r.RequestModel}
			r.Labels, r.Redactions = map[string]string{"long": strings.Repeat("x", 5000)}, map[string]int{strings.Repeat("E", 5000): 1}
			for n := range 40 {
				r.Labels[fmt.Sprint("label-", n)], r.Redactions[fmt.Sprint("entity-", n)] = "v", 1
			}
			s.Add(r)
		}
		for i := range 24 {
			r := testRecord(c.t)
			r.RequestModel = fmt.Sprintf("real-%d", i)
			s.Add(r)
		}
		c.t = c.t.Add(time.Minute)
	}
	r := s.report(Filter{}, windows[0])
	if got := r.total.calls; got != int64(59*(made+24)) {
		t.Errorf("%d calls", got)
	}
	real := 0
	for _, g := range r.model {
		if strings.HasPrefix(g.Name, "real-") && g.calls == 59 {
			real++
		}
	}
	if real != 24 {
		t.Errorf("%d of %d real models counted in full", real, 24)
	}
	for _, b := range append(s.minutes, s.hours...) {
		if len(b.cells) > b.most+1 {
			t.Fatalf("%d cells", len(b.cells))
		}
		for _, each := range b.cells {
			if len(each.codes) > maxMembers+1 || len(each.reasons) > maxMembers+1 {
				t.Fatalf("%d codes, %d reasons", len(each.codes), len(each.reasons))
			}
		}
	}
	for _, each := range s.calls() {
		if strings.HasPrefix(each.Model, "made-up") && (len(each.Labels) != maxMembers || redacted(each) != 41 || len(each.Redactions) != maxMembers || len(each.RedactionList()[0].Name) > maxWord) {
			t.Fatalf("%d labels, %d redactions of %d entities", len(each.Labels), redacted(each), len(each.Redactions))
		}
		for _, d := range each.Denies {
			if len(d.Message) > maxMessage {
				t.Fatalf("a message of %d bytes", len(d.Message))
			}
		}
	}
}

// The most that the series can take, in bytes, as docs/CONSOLE.md states it.
func TestMostMemory(t *testing.T) {
	one := int(unsafe.Sizeof(cell{}) + unsafe.Sizeof(key{}) + unsafe.Sizeof(Count{})*4)
	const kinds = 200 // the default
	cells := keepMinutes*((kinds+2)/3+1) + keepHours*(kinds+1)
	if most := one * cells; most > 45<<20 {
		t.Errorf("%d cells of %d bytes are %d MiB", cells, one, most>>20)
	}
	if size := unsafe.Sizeof(Call{}); size > 1024 {
		t.Errorf("a call takes %d bytes", size)
	}
}

func TestLongNamesAreCut(t *testing.T) {
	for _, s := range []string{"", "a", strings.Repeat("a", maxWord), strings.Repeat("a", maxWord+1), strings.Repeat("é", maxWord), "a" + strings.Repeat("語", maxWord), strings.Repeat("\xff", maxWord+9)} {
		got := word(s)
		if len(got) > maxWord || len(s) <= maxWord && got != s || len(s) > maxWord && !strings.HasSuffix(got, "…") {
			t.Errorf("%d bytes become %d: %q", len(s), len(got), got)
		}
	}
}

// A quantile lies within a step of the true one.
func TestQuantile(t *testing.T) {
	var h histogram
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * 3 * time.Millisecond)
	}
	for _, q := range []float64{.01, .1, .5, .9, .99, 1} {
		want := q * 3000
		got := float64(h.quantile(q)) / float64(time.Millisecond)
		if got < want/math.Sqrt2 || got > want*math.Sqrt2 {
			t.Errorf("quantile %v: %v ms, want about %v", q, got, want)
		}
	}
	var edges histogram
	for _, d := range []time.Duration{-1, 0, 1, time.Millisecond, time.Hour, math.MaxInt64} {
		edges.add(d)
	}
	if got := edges.quantile(1); got < 20*time.Minute {
		t.Errorf("the longest: %s", got)
	}
	if got := (&histogram{}).quantile(.5); got != 0 {
		t.Errorf("of none: %s", got)
	}
}

// A step's edges fit its calls.
func TestSteps(t *testing.T) {
	for d := time.Microsecond; d < time.Hour; d = d*21/20 + 1 {
		i := step(d)
		if i < len(histogram{})-1 && d > edge(i)+time.Microsecond || i > 0 && d < edge(i-1)-time.Microsecond {
			t.Fatalf("%s is in step %d, up to %s", d, i, edge(i))
		}
	}
}

type fakeRecorder struct{ ended int }

func (f *fakeRecorder) Begin(call.Parent) call.Recording { return f }
func (f *fakeRecorder) Released(string)                  {}
func (f *fakeRecorder) TraceID() string                  { return "t" }
func (f *fakeRecorder) SpanID() string                   { return "s" }
func (f *fakeRecorder) Traceparent() string              { return "p" }
func (*fakeRecorder) Detail() bool                       { return false }
func (f *fakeRecorder) End(*call.Record)                 { f.ended++ }

func TestRecorder(t *testing.T) {
	s := NewStore(10, 144)
	f := &fakeRecorder{}
	recording := s.Recorder(f).Begin(call.Parent{})
	if recording.TraceID() != "t" || recording.Traceparent() != "p" {
		t.Error("ids are not passed on")
	}
	recording.End(testRecord(time.Now()))
	if f.ended != 1 || s.total() != 1 {
		t.Errorf("ended %d times, %d calls kept", f.ended, s.total())
	}
}

func TestCallsFilter(t *testing.T) {
	c := newClock()
	s := story(c)
	for _, want := range []struct {
		name   string
		filter Filter
		ids    string
	}{
		{"all", Filter{}, "5e4d ed17 de01 a110"},
		{"team", Filter{Team: "growth"}, "de01"},
		{"denied", Filter{Decision: "deny"}, "de01"},
		{"failed", Filter{Decision: "failed"}, "5e4d"},
		{"code", Filter{Code: "model_not_allowed"}, "de01"},
		{"entity", Filter{Entity: "PHONE"}, "ed17"},
		{"upstream", Filter{Upstream: "public", Decision: "allow"}, "5e4d a110"},
		{"trace", Filter{ID: "4bf92f35", Team: "growth"}, "de01"},
		{"nothing", Filter{ID: "ffff"}, ""},
	} {
		list, more := s.filter(want.filter, 0, 50)
		var ids []string
		for _, each := range list {
			ids = append(ids, strings.TrimLeft(each.ID, "0"))
		}
		if got := strings.Join(ids, " "); got != want.ids || more {
			t.Errorf("%s: %q, more %v, want %q", want.name, got, more, want.ids)
		}
	}
	page, more := s.filter(Filter{}, 0, 3)
	rest, last := s.filter(Filter{}, page[2].Seq, 3)
	if !more || len(rest) != 1 || last {
		t.Errorf("pages of 3: more %v, then %d, more %v", more, len(rest), last)
	}
}
