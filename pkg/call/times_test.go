package call

import (
	"context"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/policy"
)

// ticking is a clock that moves when it is told to.
type ticking struct{ at time.Time }

func (c *ticking) now() time.Time       { return c.at }
func (c *ticking) pass(d time.Duration) { c.at = c.at.Add(d) }
func (b *bench) withClock() *ticking {
	c := &ticking{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	b.svc.now = c.now
	return c
}

// feed gives a stream's pieces, each so long after the one before it.
func feed(c phase.Call, clock *ticking, pieces map[int]string, gaps ...time.Duration) {
	for i, gap := range gaps {
		clock.pass(gap)
		c.ResponseBody([]byte(pieces[i]), i == len(gaps)-1)
	}
}

const delta1 = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"}}]}\n\n"

func TestChunkTimes(t *testing.T) {
	b := newBench(t, rules{request: allow, response: allow})
	clock := b.withClock()
	c, _ := b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(streamRequest))
	c.ResponseHeaders(responseHead("200", "text/event-stream"))
	ms := time.Millisecond
	feed(c, clock, map[int]string{
		0: ": a comment\n\n", // no output
		1: delta1,            // the first
		2: delta1,            // 10 ms: at the lowest bound
		3: delta1 + delta1,   // 42 ms for two
		4: ": nothing\n\n",   // no output
		5: delta1,            // 100 s since the last
		6: "data: [DONE]\n\n",
	}, 5*ms, 200*ms, 10*ms, 42*ms, 50*time.Second, 50*time.Second, ms)
	c.Close(true, nil)
	r := b.rec.records[0]
	if r.TimeToFirstChunk != 205*ms {
		t.Errorf("first chunk after %v", r.TimeToFirstChunk)
	}
	got := r.ChunkTimes
	want := ChunkTimes{Count: 4, Sum: 100*time.Second + 52*ms, Min: 10 * ms, Max: 100 * time.Second}
	want.Counts[0], want.Counts[2], want.Counts[14] = 1, 2, 1
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestHeldTime(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	clock := b.withClock()
	c, _ := b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(streamRequest))
	c.ResponseHeaders(responseHead("200", "text/event-stream"))
	piece := func(s string) string {
		return `data: {"choices":[{"index":0,"delta":{"content":"` + s + `"}}]}` + "\n\n"
	}
	ms := time.Millisecond
	feed(c, clock, map[int]string{0: piece("to ann@b.ex"), 1: piece("ample"), 2: `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n", 3: "data: [DONE]\n\n"}, ms, 30*ms, 70*ms, 500*ms)
	c.Close(true, nil)
	if r := b.rec.records[0]; r.HeldTime != 100*ms || r.Redactions["EMAIL"] != 1 {
		t.Errorf("held for %v, redacted %v", r.HeldTime, r.Redactions)
	}
}

func TestSteps(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: denyWith(policy.Deny{Code: "no"})})
	b.rec.detail = true
	c, _ := b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`))
	c.ResponseHeaders(responseHead("200", "application/json"))
	c.ResponseBody([]byte(`{"choices":[]}`), true)
	c.Close(true, nil)
	r := b.rec.records[0]
	want := []Step{
		{Kind: StepBody}, {Kind: StepPolicy, Phase: policy.Request, Decision: "redact", Outcomes: 1}, {Kind: StepRead}, {Kind: StepUpstream},
		{Kind: StepPolicy, Phase: policy.Response, Decision: "deny", Outcomes: 1},
	}
	want[1], want[2] = want[2], want[1]
	if len(r.Steps) != len(want) {
		t.Fatalf("steps %+v", r.Steps)
	}
	at := r.Started
	for i, got := range r.Steps {
		if got.Started.Before(at) || got.Ended.Before(got.Started) || got.Ended.After(r.Ended) {
			t.Errorf("step %d overlaps: %+v", i, got)
		}
		at = got.Started
		got.Started, got.Ended = time.Time{}, time.Time{}
		if got != want[i] {
			t.Errorf("step %d is %+v, want %+v", i, got, want[i])
		}
	}
	b.rec.detail = false
	b.stream(t, streamRequest, [][]byte{[]byte(sse("a"))})
	if r := b.rec.records[1]; len(r.Steps) > 0 {
		t.Errorf("steps nobody wants: %+v", r.Steps)
	}
}

// A policy that is asked again and again does not fill a record.
func TestStepsAreBounded(t *testing.T) {
	c := &call{svc: &Service{now: time.Now}, detail: true}
	for range 100 {
		c.step(StepPolicy, time.Now()).decided(policy.Response, &policy.Decision{}, nil)
	}
	if len(c.rec.Steps) != maxSteps {
		t.Errorf("%d steps", len(c.rec.Steps))
	}
}
