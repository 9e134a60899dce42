package rollout

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/policy"
)

func shadowing(c *clock, l *log) Options {
	return Options{Mode: Shadow, Now: c.now, Logger: l.logger(), Band: Band{MinCalls: 50, Window: time.Hour}}
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// ask lets one call through as pkg/call does.
func ask(r *Rollout, in *policy.Input) (*policy.Decision, error) {
	p := r.Choose(Key{Subject: in.Identity.Subject, Call: in.Call.ID})
	d, err := p.Set().Evaluate(context.Background(), in)
	p.Shadow(in, d, err, time.Millisecond)
	p.Done(Outcome{})
	return d, err
}

// Of a hundred calls whose decisions differ in a known way, the differences are
// counted exactly, and nothing is enforced.
func TestShadowCountsDifferences(t *testing.T) {
	c, l := newClock(), &log{}
	r := New(named("a"), shadowing(c, l))
	defer r.Close()
	r.Stage(&set{revision: "b", decide: func(in *policy.Input) (*policy.Decision, error) {
		i, _ := strconv.Atoi(in.Call.ID)
		switch {
		case i%10 == 0:
			return &policy.Decision{Deny: []policy.Deny{{Code: "no"}}}, nil
		case i%10 == 1:
			return nil, &policy.Error{Kind: policy.Eval, Err: errors.New("secret words of a prompt")}
		case i%10 == 2:
			return &policy.Decision{Labels: map[string]string{"x": "y"}, Route: &policy.Route{Target: "t"}}, nil
		}
		return &policy.Decision{}, nil
	}})
	for i := range 100 {
		d, err := ask(r, &policy.Input{Phase: policy.Request, Call: policy.CallFacts{ID: strconv.Itoa(i)}})
		if err != nil || len(d.Deny) > 0 {
			t.Fatalf("the candidate decided: %+v, %v", d, err)
		}
	}
	await(t, "all are evaluated", func() bool { return r.Status().Shadow.Evaluated == 100 })
	s := r.Status()
	want := map[string]int64{"denies": 10, "error": 10, "labels": 10, "route": 10}
	if !maps.Equal(s.Shadow.Differences, want) || s.Shadow.Differed != 30 || s.Shadow.Dropped != 0 {
		t.Errorf("%+v", s.Shadow)
	}
	if w := s.Candidate.Window; w.Candidate.Denials != 10 || w.Candidate.Errors != 10 || w.Active.Denials != 0 || w.Active.Calls != 100 {
		t.Errorf("%+v", w)
	}
	text := l.String()
	if strings.Count(text, "policy shadow differs") != 30 || !strings.Contains(text, "candidate_codes=[no]") || !strings.Contains(text, "candidate_error=eval") || strings.Contains(text, "secret words") {
		t.Errorf("log: %s", text)
	}
	if s.Candidate == nil {
		t.Error("a shadow was rolled back by itself")
	}
}

// What finds no room is dropped and counted, and no call waits.
func TestShadowDrops(t *testing.T) {
	c, l := newClock(), &log{}
	o := shadowing(c, l)
	o.Queue = 8
	r := New(named("a"), o)
	begun, release := make(chan struct{}, 100), make(chan struct{})
	r.Stage(&set{revision: "b", decide: func(*policy.Input) (*policy.Decision, error) {
		begun <- struct{}{}
		<-release
		return &policy.Decision{}, nil
	}})
	one := func() { _, _ = ask(r, &policy.Input{Phase: policy.Request}) }
	one()
	<-begun // the worker has one in hand
	for range 20 {
		one()
	}
	if got := r.Status().Shadow.Dropped; got != 12 {
		t.Errorf("dropped %d of 20, want 12", got)
	}
	close(release)
	await(t, "the rest is evaluated", func() bool { return r.Status().Shadow.Evaluated == 9 })
	if n := r.shadow.waiting.Load(); n != 0 {
		t.Errorf("%d bytes are said to wait", n)
	}
	r.shadow.waiting.Store(maxWaiting)
	one()
	if got := r.Status().Shadow.Dropped; got != 13 {
		t.Errorf("dropped %d, want one more for its bytes", got)
	}
	r.Close()
}

// Labels that a call adds later are not those of the decision that was compared.
func TestShadowSeesTheDecisionAsItWas(t *testing.T) {
	c, l := newClock(), &log{}
	same := func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Labels: map[string]string{"a": "1"}}, nil
	}
	r := New(&set{revision: "a", decide: same}, shadowing(c, l))
	defer r.Close()
	r.Stage(&set{revision: "b", decide: same})
	for range 50 {
		d, _ := ask(r, &policy.Input{Phase: policy.Request})
		d.Labels["later"] = "2"
	}
	await(t, "all are evaluated", func() bool { return r.Status().Shadow.Evaluated == 50 })
	if s := r.Status().Shadow; s.Differed != 0 {
		t.Errorf("%+v", s)
	}
}

func TestLinesAreBounded(t *testing.T) {
	c := newClock()
	l := lines{now: c.now}
	for i := range 100 {
		if _, ok := l.next(); ok != (i < linesAMinute) {
			t.Fatalf("line %d: %v", i, ok)
		}
	}
	c.pass(time.Minute)
	if left, ok := l.next(); !ok || left != 40 {
		t.Errorf("left out %d, %v", left, ok)
	}
}

// A member that decisions get must be compared: only the revision is not.
func TestCompareSeesEveryMember(t *testing.T) {
	members := reflect.TypeFor[policy.Decision]()
	for i := range members.NumField() {
		var d policy.Decision
		field := reflect.ValueOf(&d).Elem().Field(i)
		switch field.Kind() {
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
			fill(field.Elem())
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			fill(field.Index(0))
		case reflect.Map:
			field.Set(reflect.ValueOf(map[string]string{"a": "b"}))
		}
		if name := members.Field(i).Name; (len(Compare(&policy.Decision{}, nil, &d, nil)) == 0) != (name == "Revision") {
			t.Errorf("%s is not compared: %+v", name, d)
		}
	}
}

// fill sets the first member of v that can be.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
			return
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"x"}))
			return
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"x": "y"}))
			return
		}
	}
}

func TestCompare(t *testing.T) {
	deny := func(codes ...string) *policy.Decision {
		d := &policy.Decision{}
		for _, code := range codes {
			d.Deny = append(d.Deny, policy.Deny{Code: code})
		}
		return d
	}
	fault := errors.New("x")
	redact := func(list ...policy.Redact) *policy.Decision { return &policy.Decision{Redact: list} }
	a, b := policy.Redact{Entity: "EMAIL"}, policy.Redact{Class: "secret", With: "drop"}
	for name, c := range map[string]struct {
		active       *policy.Decision
		activeErr    error
		candidate    *policy.Decision
		candidateErr error
		want         []Kind
	}{
		"same":            {redact(a, b), nil, redact(b, a), nil, nil},
		"revision":        {&policy.Decision{Revision: "1"}, nil, &policy.Decision{Revision: "2"}, nil, nil},
		"denies":          {redact(a), nil, deny("x"), nil, []Kind{Denies}},
		"allows":          {deny("x"), nil, redact(a), nil, []Kind{Allows}},
		"codes in order":  {deny("x", "y"), nil, deny("y", "x"), nil, nil},
		"codes":           {deny("x"), nil, deny("x", "y"), nil, []Kind{Codes}},
		"message":         {&policy.Decision{Deny: []policy.Deny{{Code: "x", Message: "a"}}}, nil, &policy.Decision{Deny: []policy.Deny{{Code: "x", Message: "b", Status: 403}}}, nil, nil},
		"fails":           {redact(a), nil, nil, fault, []Kind{Fails}},
		"recovers":        {nil, fault, redact(a), nil, []Kind{Recovered}},
		"both fail":       {nil, fault, nil, errors.New("y"), nil},
		"redact":          {redact(a), nil, redact(a, b), nil, []Kind{Redacts}},
		"review":          {redact(), nil, &policy.Decision{Review: []policy.Review{{Code: "r"}}}, nil, []Kind{Reviews}},
		"no headers":      {&policy.Decision{Headers: &policy.HeaderChanges{}}, nil, &policy.Decision{}, nil, nil},
		"headers":         {&policy.Decision{Headers: &policy.HeaderChanges{Set: map[string]string{"a": "1"}}}, nil, &policy.Decision{}, nil, []Kind{Headers}},
		"removed headers": {&policy.Decision{Headers: &policy.HeaderChanges{Remove: []string{"a", "b"}}}, nil, &policy.Decision{Headers: &policy.HeaderChanges{Remove: []string{"b", "a"}}}, nil, nil},
		"route and body":  {&policy.Decision{}, nil, &policy.Decision{Route: &policy.Route{Model: "m"}, Body: []policy.Change{{Op: "remove", Path: "/a"}}}, nil, []Kind{Routes, Bodies}},
		"labels":          {&policy.Decision{Labels: map[string]string{"a": "1"}}, nil, &policy.Decision{Labels: map[string]string{"a": "2"}}, nil, []Kind{Labels}},
		"watch":           {&policy.Decision{Watch: &policy.Watch{Off: true}}, nil, &policy.Decision{}, nil, []Kind{Watches}},
	} {
		if diff := cmp.Diff(c.want, Compare(c.active, c.activeErr, c.candidate, c.candidateErr)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
