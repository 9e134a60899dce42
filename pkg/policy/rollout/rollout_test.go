package rollout

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// set is a policy in Go.
type set struct {
	revision string
	decide   func(in *policy.Input) (*policy.Decision, error)
	pending  error
}

func named(revision string) *set { return &set{revision: revision} }

func (s *set) Evaluate(_ context.Context, in *policy.Input) (*policy.Decision, error) {
	if s.decide == nil {
		return &policy.Decision{}, nil
	}
	return s.decide(in)
}
func (*set) Has(p policy.Phase) bool            { return p == policy.Request }
func (*set) Reads(policy.Phase, ...string) bool { return true }
func (s *set) Revision() string                 { return s.revision }
func (*set) Detect() *detect.Set                { return nil }
func (s *set) Pending() error                   { return s.pending }
func (s *set) Freeze(in *policy.Input) (func(context.Context) (*policy.Decision, error), int) {
	own := *in
	return func(ctx context.Context) (*policy.Decision, error) { return s.Evaluate(ctx, &own) }, 100
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_800_000_000, 0)} }
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// text is a log that can be read while it is written.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func canary(c *clock, l *log) Options {
	return Options{
		Mode: Canary, Share: 0.05, Key: "subject", Now: c.now, Logger: l.logger(),
		Band: Band{MinCalls: 50, Window: time.Hour, MaxErrorRateIncrease: 0.02, MaxDenialRateIncrease: 0.1, MaxLatencyRatio: 3},
	}
}

// traffic lets n calls of different subjects through; what says what becomes of
// the canary's and of the others. It gives the calls it took until the
// candidate was gone, n where it stayed.
func traffic(r *Rollout, n int, what func(i int, role Role) Outcome) int {
	for i := range n {
		p := r.Choose(Key{Subject: "s" + strconv.Itoa(i), Call: strconv.Itoa(i)})
		p.Done(what(i, p.Role()))
		if s := r.Status(); s.Candidate == nil {
			return i + 1
		}
	}
	return n
}

func TestDirect(t *testing.T) {
	var told []string
	a, b := named("a"), named("b")
	r := New(a, Options{Mode: Direct, OnActive: func(revision string) { told = append(told, revision) }})
	r.Stage(b)
	if r.Active() != b || r.Status().Previous.Revision != "a" || r.Status().Candidate != nil {
		t.Fatalf("%+v", r.Status())
	}
	if err := r.Rollback("", "ann"); err != nil || r.Active() != a {
		t.Fatal(err)
	}
	r.Stage(named("b")) // a touched file
	if r.Active() != a {
		t.Error("what was rolled back came again by itself")
	}
	if err := r.Rollback("", "ann"); !errors.Is(err, ErrNothing) {
		t.Errorf("a second rollback: %v", err)
	}
	if err := r.Promote("", "ann"); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "name its revision") {
		t.Errorf("promoted by chance: %v", err)
	}
	if err := r.Promote("b", "ann"); err != nil || r.Active().Revision() != "b" {
		t.Errorf("not promoted by name: %v", err)
	}
	if strings.Join(told, " ") != "b a b" {
		t.Errorf("told %v", told)
	}
}

// Bundles may come late: the first set that can decide does.
func TestPendingIsReplacedAtOnce(t *testing.T) {
	for _, mode := range []Mode{Direct, Shadow, Canary} {
		r := New(&set{revision: "none", pending: errors.New("no bundle yet")}, Options{Mode: mode, Share: 0.05, Band: Band{MinCalls: 1, Window: time.Hour}})
		r.Stage(named("a"))
		if s := r.Status(); s.Active.Revision != "a" || s.Candidate != nil || s.Previous != nil {
			t.Errorf("%s: %+v", mode, s)
		}
		r.Close()
	}
}

func TestCandidates(t *testing.T) {
	c, l := newClock(), &log{}
	r := New(named("a"), canary(c, l))
	r.Stage(named("b"))
	traffic(r, 200, func(int, Role) Outcome { return Outcome{} })
	if w := r.Status().Candidate.Window; w.Active.Calls+w.Candidate.Calls != 200 || w.Candidate.Calls == 0 {
		t.Fatalf("%+v", w)
	}
	r.Stage(named("b")) // again: nothing changes
	if w := r.Status().Candidate.Window; w.Active.Calls == 0 {
		t.Error("the counts are gone")
	}
	r.Stage(named("c"))
	if s := r.Status().Candidate; s.Revision != "c" || s.Window.Active.Calls != 0 {
		t.Errorf("%+v", s)
	}
	if err := r.Promote("b", "ann"); !errors.Is(err, ErrRevision) {
		t.Errorf("another revision: %v", err)
	}
	if err := r.Rollback("b", "ann"); !errors.Is(err, ErrRevision) {
		t.Errorf("another revision: %v", err)
	}
	r.Stage(named("a")) // the files went back
	if s := r.Status(); s.Candidate != nil || s.Active.Revision != "a" {
		t.Errorf("%+v", s)
	}
	r.Stage(named("c"))
	if err := r.Promote("c", "ann"); err != nil || r.Active().Revision() != "c" || r.Status().Previous.Revision != "a" {
		t.Errorf("%+v, %v", r.Status(), err)
	}
	r.Stage(named("d"))
	if err := r.Rollback("d", "ann"); err != nil {
		t.Fatal(err)
	}
	r.Stage(named("d"))
	if s := r.Status(); s.Candidate != nil || s.Refused.Revision != "d" || s.Refused.By != "ann" || s.Refused.Reason != ByOperator {
		t.Errorf("%+v", s)
	}
	r.Stage(named("e")) // the files changed
	r.Stage(named("d"))
	if s := r.Status(); s.Candidate == nil || s.Candidate.Revision != "d" {
		t.Errorf("%+v", s)
	}
	if text := l.String(); strings.Count(text, "by=ann") != 2 {
		t.Errorf("log: %s", text)
	}
}

// A canary that denies everything is rolled back as soon as it has the least
// number of calls, and the call that is in flight keeps its set.
func TestDenyingCanaryIsRolledBack(t *testing.T) {
	c, l := newClock(), &log{}
	r := New(named("a"), canary(c, l))
	r.Stage(named("b"))
	var inFlight Part
	for i := 0; inFlight.Role() != RoleCanary; i++ {
		inFlight = r.Choose(Key{Subject: "f" + strconv.Itoa(i)})
	}
	denied := 0
	n := traffic(r, 10_000, func(i int, role Role) Outcome {
		if role == RoleCanary {
			denied++
		}
		return Outcome{Denied: role == RoleCanary, Evaluated: time.Millisecond}
	})
	if denied != 50 {
		t.Errorf("%d calls were denied", denied)
	}
	s := r.Status()
	if s.Refused == nil || s.Refused.Reason != ByDenials || s.Refused.By != "regent" || s.Refused.Window.Candidate.Denials != 50 || s.Rollbacks[ByDenials] != 1 {
		t.Fatalf("after %d calls: %+v", n, s)
	}
	if inFlight.Set().Revision() != "b" {
		t.Error("a call changed its policy midway")
	}
	inFlight.Done(Outcome{Denied: true})
	if r.Status().Rollbacks[ByDenials] != 1 {
		t.Error("rolled back twice")
	}
	if text := l.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "reason=denials") || !strings.Contains(text, "candidate_figures.denials=50") {
		t.Errorf("log: %s", text)
	}
	t.Logf("rolled back after %d calls, 50 of them the canary's", n)
}

func TestBand(t *testing.T) {
	for name, of := range map[string]struct {
		outcome func(i int, role Role) Outcome
		reason  string
	}{
		"alike":          {func(i int, _ Role) Outcome { return Outcome{Denied: i%5 == 0, Evaluated: 2 * time.Millisecond} }, ""},
		"fewer denials":  {func(_ int, role Role) Outcome { return Outcome{Denied: role == RoleActive} }, ""},
		"errors":         {func(i int, role Role) Outcome { return Outcome{Failed: role == RoleCanary && i%4 == 0} }, ByErrors},
		"errors on both": {func(i int, _ Role) Outcome { return Outcome{Failed: i%3 == 0} }, ""},
		"slow":           {func(_ int, role Role) Outcome { return timed(role, 5*time.Millisecond, 20*time.Millisecond) }, ByLatency},
		"slower":         {func(_ int, role Role) Outcome { return timed(role, 5*time.Millisecond, 12*time.Millisecond) }, ""},
		"slow yet fast":  {func(_ int, role Role) Outcome { return timed(role, 40*time.Microsecond, 700*time.Microsecond) }, ""},
		"rarely slow": {func(i int, role Role) Outcome {
			if i%40 == 0 {
				return Outcome{Evaluated: time.Second}
			}
			return timed(role, 5*time.Millisecond, 5*time.Millisecond)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(named("a"), canary(newClock(), &log{}))
			r.Stage(named("b"))
			n, s := traffic(r, 6000, of.outcome), r.Status()
			got := ""
			if s.Refused != nil {
				got = s.Refused.Reason
			}
			if got != of.reason {
				t.Errorf("reason %q after %d calls, want %q: %+v", got, n, of.reason, s)
			}
		})
	}
}

func timed(role Role, active, candidate time.Duration) Outcome {
	if role == RoleCanary {
		return Outcome{Evaluated: candidate}
	}
	return Outcome{Evaluated: active}
}

// Chance alone does not roll a canary back, though it is looked at after every
// call: the rate of both sides is 20%, the band 5%.
func TestChanceRollsNothingBack(t *testing.T) {
	gone := 0
	for trial := range 100 {
		o := canary(newClock(), &log{})
		o.Band.MaxDenialRateIncrease = 0.05
		r := New(named("a"), o)
		r.Stage(named("b"))
		traffic(r, 3000, func(i int, _ Role) Outcome {
			return Outcome{Denied: bucket(strconv.Itoa(trial)+"/"+strconv.Itoa(i)) < 0.2}
		})
		if r.Status().Candidate == nil {
			gone++
		}
	}
	t.Logf("%d of 100 alike candidates were rolled back", gone)
	if gone > 4 {
		t.Errorf("%d of 100 alike candidates were rolled back", gone)
	}
}

// What has left the window no longer counts.
func TestWindowForgets(t *testing.T) {
	c, l := newClock(), &log{}
	r := New(named("a"), canary(c, l))
	r.Stage(named("b"))
	r.options.Band.MinCalls = 1 << 30 // no verdict
	for range 90 {
		traffic(r, 40, func(_ int, role Role) Outcome { return Outcome{Denied: true, Failed: true, Evaluated: time.Second} })
		c.pass(time.Minute)
	}
	w := r.Status().Candidate.Window
	if sum := w.Active.Calls + w.Candidate.Calls; sum < 59*40 || sum > 60*40 || w.Active.Calls != w.Active.Errors || w.Active.Calls != w.Active.Denials {
		t.Errorf("%+v", w)
	}
	c.pass(-10 * time.Minute) // a clock set back loses nothing
	if again := r.Status().Candidate.Window; again.Active != w.Active {
		t.Errorf("%+v, then %+v", w.Active, again.Active)
	}
	c.pass(1000 * time.Hour)
	if w := r.Status().Candidate.Window; w.Active.Calls+w.Candidate.Calls != 0 || w.Active.P95 != 0 {
		t.Errorf("%+v", w)
	}
}

func TestPromoteAfter(t *testing.T) {
	c, l := newClock(), &log{}
	o := canary(c, l)
	o.PromoteAfter = 30 * time.Minute
	r := New(named("a"), o)
	r.Stage(named("b"))
	fine := func(int, Role) Outcome { return Outcome{Evaluated: time.Millisecond} }
	c.pass(time.Hour)
	r.Choose(Key{Subject: "x"}) // time alone promotes nothing: it must have been seen
	if n := traffic(r, 100, fine); n != 100 {
		t.Fatalf("promoted after %d calls", n)
	}
	traffic(r, 5000, fine)
	if r.Active().Revision() != "b" || !strings.Contains(l.String(), "by=promote_after") {
		t.Fatalf("%+v %s", r.Status(), l.String())
	}
	if err := r.Rollback("b", "ann"); err != nil || r.Active().Revision() != "a" {
		t.Errorf("%+v, %v", r.Status(), err)
	}
}

// Calls, loads, operators and the rollout itself at once: every call has one
// set, and the states that can be seen are whole.
func TestConcurrent(t *testing.T) {
	for _, mode := range []Mode{Canary, Shadow, Direct} {
		o := canary(newClock(), &log{})
		o.Mode, o.Share, o.Now, o.Band.MinCalls = mode, 0.5, nil, 20
		r := New(named("0"), o)
		var calls sync.WaitGroup
		stop := make(chan struct{})
		for g := range 4 {
			calls.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					p := r.Choose(Key{Subject: strconv.Itoa(g), Call: strconv.Itoa(i)})
					in := &policy.Input{Phase: policy.Request}
					d, err := p.Set().Evaluate(context.Background(), in)
					p.Shadow(in, d, err, time.Microsecond)
					p.Done(Outcome{Denied: p.Role() == RoleCanary && i%2 == 0, Evaluated: time.Microsecond})
					if s := r.Status(); s.Candidate != nil && s.Candidate.Revision == s.Active.Revision {
						t.Errorf("%+v", s)
					}
				}
			})
		}
		for i := range 300 {
			r.Stage(named(strconv.Itoa(i)))
			switch i % 5 {
			case 1:
				_ = r.Promote("", "ann")
			case 3:
				_ = r.Rollback("", "ann")
			}
			r.Counters()
		}
		close(stop)
		calls.Wait()
		r.Close()
	}
}
