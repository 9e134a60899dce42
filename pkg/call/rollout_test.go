package call

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// revision is a policy in Go of a given revision.
type revision struct {
	rules
	name string
	own  *detect.Set
}

func (r revision) Detect() *detect.Set { return r.own }

func (r revision) Revision() string { return r.name }

func (r revision) Freeze(in *policy.Input) (func(context.Context) (*policy.Decision, error), int) {
	own := *in
	return func(ctx context.Context) (*policy.Decision, error) { return r.Evaluate(ctx, &own) }, 0
}

// labelled allows, and says which revision decided in both phases.
func labelled(name string) revision {
	decide := func(in *policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Labels: map[string]string{string(in.Phase): name}}, nil
	}
	return revision{rules: rules{request: decide, response: decide}, name: name}
}

func denying(name string) revision {
	return revision{rules: rules{request: denyWith(policy.Deny{Code: "all", Message: "no", Status: 403})}, name: name}
}

func rolling(t *testing.T, b *bench, first rollout.Set, o rollout.Options) *rollout.Rollout {
	t.Helper()
	b.snap.Rollout = rollout.New(first, o)
	b.snap.Settings.Identity.Subject.Header = "x-subject"
	t.Cleanup(b.snap.Rollout.Close)
	return b.snap.Rollout
}

func canaryOptions() rollout.Options {
	return rollout.Options{Mode: rollout.Canary, Share: 0.05, Key: "subject", Band: rollout.Band{
		MinCalls: 50, Window: time.Hour, MaxErrorRateIncrease: 0.02, MaxDenialRateIncrease: 0.1, MaxLatencyRatio: 3}}
}

const plainRequest = `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`

// chatAs drives one whole call of a subject; between comes before the response.
func (b *bench) chatAs(t testing.TB, subject string, between func()) {
	c, v := b.svc.Open(context.Background(), requestHead(phase.Header{Name: "x-subject", Value: subject}))
	defer c.Close(true, nil)
	if v = c.RequestBody([]byte(plainRequest)); v.Reply != nil {
		return
	}
	between()
	c.ResponseHeaders(responseHead("200", "application/json"))
	c.ResponseBody([]byte(`{"id":"r","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}`), true)
}

// A canary that denies everything is rolled back by the calls themselves.
func TestDenyingCanary(t *testing.T) {
	b := newBench(t, rules{})
	r := rolling(t, b, labelled("a"), canaryOptions())
	r.Stage(denying("b"))
	began, n := time.Now(), 0
	for ; r.Status().Candidate != nil && n < 10_000; n++ {
		b.chatAs(t, fmt.Sprint("user", n), func() {})
	}
	s := r.Status()
	if s.Refused == nil || s.Refused.Reason != rollout.ByDenials || s.Active.Revision != "a" {
		t.Fatalf("after %d calls: %+v", n, s)
	}
	denied := 0
	for _, rec := range b.rec.records {
		byCanary := rec.PolicyRole == "canary" && rec.PolicyRevision == "b" && rec.Decision == "deny"
		byActive := rec.PolicyRole == "active" && rec.PolicyRevision == "a" && rec.Decision == "allow"
		if !byCanary && !byActive {
			t.Fatalf("%+v", rec)
		}
		if byCanary {
			denied++
		}
	}
	if denied != 50 {
		t.Errorf("%d calls were denied", denied)
	}
	t.Logf("rolled back after %d calls, %d of them denied, in %v", n, denied, time.Since(began))
	b.chatAs(t, "user1", func() {})
	if last := b.rec.records[len(b.rec.records)-1]; last.PolicyRole != "" || last.PolicyRevision != "a" {
		t.Errorf("%+v", last)
	}
}

// Whatever is swapped while a call waits for its response, one revision judges
// both its phases and stands in its record.
func TestCallsKeepTheirPolicy(t *testing.T) {
	b := newBench(t, rules{})
	o := canaryOptions()
	o.Share = 0.5
	r := rolling(t, b, labelled("0"), o)
	swap := 0
	for i := range 300 {
		b.chatAs(t, fmt.Sprint("user", i), func() {
			swap++
			r.Stage(labelled(fmt.Sprint(swap)))
			switch i % 3 {
			case 0:
				_ = r.Promote("", "ann")
			case 1:
				_ = r.Rollback("", "ann")
			}
		})
	}
	seen := map[string]bool{}
	for _, rec := range b.rec.records {
		seen[rec.PolicyRole] = true
		if by := rec.PolicyRevision; rec.Labels["request"] != by || rec.Labels["response"] != by {
			t.Fatalf("revision %s, labels %v", by, rec.Labels)
		}
	}
	if !seen["active"] || !seen["canary"] {
		t.Errorf("roles %v", seen)
	}
}

// The same with swaps and calls at once.
func TestSwapsUnderLoad(t *testing.T) {
	b := newBench(t, rules{})
	o := canaryOptions()
	o.Share = 0.5
	r := rolling(t, b, labelled("0"), o)
	stop := make(chan struct{})
	var swaps, calls sync.WaitGroup
	swaps.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
				r.Stage(labelled(fmt.Sprint(i)))
				_ = r.Promote("", "ann")
			}
		}
	})
	for g := range 3 {
		own := &bench{rec: &recorder{}, snap: b.snap}
		own.svc = New(func() *Snapshot { return b.snap }, own.rec)
		calls.Go(func() {
			for i := range 200 {
				own.chatAs(t, fmt.Sprint(g, "/", i), func() {})
			}
			for _, rec := range own.rec.records {
				if by := rec.PolicyRevision; rec.Labels["request"] != by || rec.Labels["response"] != by {
					t.Errorf("revision %s, labels %v", by, rec.Labels)
					return
				}
			}
		})
	}
	calls.Wait()
	close(stop)
	swaps.Wait()
}

// A shadow decides both phases of the calls it sees, and changes none of them.
func TestShadowOfCalls(t *testing.T) {
	b := newBench(t, rules{})
	r := rolling(t, b, labelled("a"), rollout.Options{Mode: rollout.Shadow, Band: rollout.Band{MinCalls: 1, Window: time.Hour}})
	shadow := labelled("a")
	shadow.name = "b"
	shadow.response = func(in *policy.Input) (*policy.Decision, error) {
		if in.Response.Text() != "fine" || in.LLM.Text(0) != "hi" {
			return nil, fmt.Errorf("texts %q and %q", in.Response.Text(), in.LLM.Text(0))
		}
		return &policy.Decision{Deny: []policy.Deny{{Code: "no"}}}, nil
	}
	r.Stage(shadow)
	for i := range 40 {
		b.chatAs(t, fmt.Sprint("user", i), func() {})
	}
	for deadline := time.Now().Add(30 * time.Second); r.Status().Shadow.Evaluated < 80 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if s := r.Status().Shadow; s.Evaluated != 80 || s.Differed != 40 || s.Differences["denies"] != 40 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
	for _, rec := range b.rec.records {
		if rec.Decision != "allow" || rec.PolicyRole != "" || rec.PolicyRevision != "a" || rec.Labels["response"] != "a" || rec.Evaluations != 2 {
			t.Fatalf("%+v", rec)
		}
	}
}

// What the client or the provider's 4xx is to blame for is no failure of a
// policy; what refuses as 5xx is.
func TestOutcome(t *testing.T) {
	fail := func(*policy.Input) (*policy.Decision, error) {
		return nil, &policy.Error{Kind: policy.Eval, Err: fmt.Errorf("x")}
	}
	impossibleRoute := func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Body: []policy.Change{{Op: "remove", Path: "/nowhere"}}}, nil
	}
	for name, c := range map[string]struct {
		rules  rules
		body   string
		status string
		want   rollout.Outcome
	}{
		"fine":              {rules{request: allow, response: allow}, plainRequest, "200", rollout.Outcome{}},
		"provider's 429":    {rules{request: allow, response: allow}, plainRequest, "429", rollout.Outcome{}},
		"provider's 502":    {rules{request: allow, response: allow}, plainRequest, "502", rollout.Outcome{Failed: true}},
		"malformed":         {rules{request: allow}, `{"model":`, "200", rollout.Outcome{}},
		"denied":            {rules{request: denyWith(policy.Deny{Code: "x", Status: 503})}, plainRequest, "200", rollout.Outcome{Denied: true}},
		"response denied":   {rules{request: allow, response: denyWith(policy.Deny{Code: "x"})}, plainRequest, "200", rollout.Outcome{Denied: true}},
		"evaluation failed": {rules{request: fail}, plainRequest, "200", rollout.Outcome{Failed: true}},
		"not possible":      {rules{request: impossibleRoute}, plainRequest, "200", rollout.Outcome{Failed: true}},
	} {
		b := newBench(t, c.rules)
		opened, _ := b.svc.Open(context.Background(), requestHead())
		if v := opened.RequestBody([]byte(c.body)); v.Reply == nil {
			opened.ResponseHeaders(responseHead(c.status, "application/json"))
			opened.ResponseBody(bytes.Clone([]byte(`{}`)), true)
		}
		opened.Close(true, nil)
		got := opened.(*call).outcome()
		got.Evaluated = 0
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// entities redacts whatever is found, and tells what that is.
func entities(t *testing.T, b *bench, name string, tell func(policy.Phase, []policy.FindingFact), own ...detect.Custom) revision {
	t.Helper()
	set, err := b.snap.Detect.With(own)
	if err != nil {
		t.Fatal(err)
	}
	decide := func(in *policy.Input) (*policy.Decision, error) {
		found := in.Findings
		if in.Phase == policy.Response {
			found = in.Response.Findings
		}
		tell(in.Phase, found)
		return &policy.Decision{Redact: []policy.Redact{{Class: "*"}}}, nil
	}
	return revision{rules: rules{request: decide, response: decide}, name: name, own: set}
}

// A set's own entities are found in the calls that it judges, in documents and in
// streams; a candidate that shadows is told what its own would have been, and
// changes nothing.
func TestEntitiesOfTheSet(t *testing.T) {
	var mu sync.Mutex
	told := map[string]string{}
	tell := func(who string) func(policy.Phase, []policy.FindingFact) {
		return func(p policy.Phase, found []policy.FindingFact) {
			mu.Lock()
			defer mu.Unlock()
			for _, f := range found {
				told[who+" "+string(p)] += fmt.Sprintf("%s*%d ", f.Entity, f.Count)
			}
		}
	}
	b := newBench(t, rules{})
	r := rolling(t, b, entities(t, b, "a", tell("a"), detect.Custom{Entity: "PROJECT", Terms: []string{"heron"}}), rollout.Options{Mode: rollout.Shadow, Band: rollout.Band{MinCalls: 1, Window: time.Hour}})
	r.Stage(entities(t, b, "b", tell("b"), detect.Custom{Entity: "CITY", Terms: []string{"Oslo", "Rome"}}))

	c, _ := b.svc.Open(context.Background(), requestHead())
	v := c.RequestBody([]byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"heron flies to Oslo, Rome; ask ann@corp.example"}]}`))
	if want := `"content":"[PROJECT] flies to Oslo, Rome; ask [EMAIL]"`; !strings.Contains(string(v.NewBody), want) {
		t.Errorf("left as %s", v.NewBody)
	}
	c.ResponseHeaders(responseHead("200", "application/json"))
	v = c.ResponseBody([]byte(`{"id":"r","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Heron is in Rome"},"finish_reason":"stop"}]}`), true)
	if want := `"content":"[PROJECT] is in Rome"`; !strings.Contains(string(v.NewBody), want) {
		t.Errorf("came back as %s", v.NewBody)
	}
	c.Close(true, nil)

	c, _ = b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(plainRequest))
	c.ResponseHeaders(responseHead("200", "text/event-stream"))
	out := ""
	for i, piece := range []string{"The her", "on is", " there"} {
		v := c.ResponseBody([]byte(`data: {"id":"r","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"`+piece+`"}}]}`+"\n\n"), i == 2)
		out += string(v.Emit)
	}
	if !strings.Contains(out, "[PROJECT]") || strings.Contains(out, `her"`) {
		t.Errorf("streamed as %s", out)
	}
	c.Close(true, nil)

	for deadline := time.Now().Add(30 * time.Second); r.Status().Shadow.Evaluated < 4 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	for who, want := range map[string]string{"a request": "EMAIL*1 PROJECT*1 ", "b request": "CITY*2 EMAIL*1 ", "b response": "CITY*1 "} {
		if !strings.HasPrefix(told[who], want) {
			t.Errorf("%s was told %q, want %q", who, told[who], want)
		}
	}
}
