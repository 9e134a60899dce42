package call

import (
	"time"

	"github.com/regent-proxy/regent/pkg/policy"
)

// ChunkBounds are the upper bounds, inclusive, of what [ChunkTimes] counts: those
// of the GenAI conventions for times of chunks.
var ChunkBounds = [14]time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, 160 * time.Millisecond,
	320 * time.Millisecond, 640 * time.Millisecond, 1280 * time.Millisecond, 2560 * time.Millisecond, 5120 * time.Millisecond,
	10240 * time.Millisecond, 20480 * time.Millisecond, 40960 * time.Millisecond, 81920 * time.Millisecond,
}

// ChunkTimes are the times between a stream's output chunks, the events that
// bring text or tool calls, after the first. Events that arrive together share
// the time since those before them.
type ChunkTimes struct {
	Counts   [len(ChunkBounds) + 1]uint32 // the last is over all bounds
	Count    uint64
	Sum      time.Duration
	Min, Max time.Duration
}

func (t *ChunkTimes) add(each time.Duration, n int) {
	if n <= 0 {
		return
	}
	i := 0
	for i < len(ChunkBounds) && each > ChunkBounds[i] {
		i++
	}
	if t.Count == 0 || each < t.Min {
		t.Min = each
	}
	t.Max = max(t.Max, each)
	t.Counts[i] += uint32(n)
	t.Count += uint64(n)
	t.Sum += each * time.Duration(n)
}

// clock accounts for the time at a chunk's end: since the last output, and how
// long anything was held back. It reads the clock at most once.
func (s *stream) clock() {
	outputs, holding := s.outputs, s.hold.bytes > 0
	s.outputs = 0
	if outputs == 0 && holding == !s.holdingSince.IsZero() {
		return
	}
	now := s.c.svc.now()
	if outputs > 0 {
		if s.lastOutput.IsZero() {
			s.c.rec.ChunkTimes.add(0, outputs-1)
		} else {
			s.c.rec.ChunkTimes.add(now.Sub(s.lastOutput)/time.Duration(outputs), outputs)
		}
		s.lastOutput = now
	}
	switch {
	case !holding:
		s.heldUntil(now)
	case s.holdingSince.IsZero():
		s.holdingSince = now
	}
}

// heldUntil ends a time of holding back.
func (s *stream) heldUntil(now time.Time) {
	if !s.holdingSince.IsZero() {
		s.c.rec.HeldTime += now.Sub(s.holdingSince)
		s.holdingSince = time.Time{}
	}
}

// Step is a stretch of a call that explains its time.
type Step struct {
	Kind           StepKind
	Started, Ended time.Time
	// Of a policy's evaluation: its phase, what it decided, and how many denies,
	// redactions, reviews, routes, changes and labels that has.
	Phase    policy.Phase
	Decision string // allow, deny, redact, review, error
	Outcomes int
}

// StepKind is what a call did in a step.
type StepKind string

// Kinds of steps.
const (
	StepBody     StepKind = "request_body" // waiting for the request's last byte
	StepRead     StepKind = "read"         // reading and scanning the request
	StepPolicy   StepKind = "policy"
	StepUpstream StepKind = "upstream" // from the request's leaving to the response's head
)

// maxSteps bounds the steps kept of one call; later ones are left out.
const maxSteps = 12

// step notes a step that ends now, where the call's recording wants them.
func (c *call) step(kind StepKind, started time.Time) *Step {
	if !c.detail || started.IsZero() || len(c.rec.Steps) >= maxSteps {
		return &Step{}
	}
	c.rec.Steps = append(c.rec.Steps, Step{Kind: kind, Started: started, Ended: c.svc.now()})
	return &c.rec.Steps[len(c.rec.Steps)-1]
}

// mark is the time now, where steps are wanted.
func (c *call) mark() time.Time {
	if !c.detail {
		return time.Time{}
	}
	return c.svc.now()
}

func (s *Step) decided(phase policy.Phase, d *policy.Decision, err error) {
	s.Phase = phase
	if err != nil {
		s.Decision = "error"
		return
	}
	s.Outcomes = len(d.Deny) + len(d.Redact) + len(d.Review) + len(d.Body) + len(d.Labels)
	if d.Route != nil {
		s.Outcomes++
	}
	switch {
	case len(d.Deny) > 0:
		s.Decision = "deny"
	case len(d.Review) > 0:
		s.Decision = "review"
	case len(d.Redact) > 0:
		s.Decision = "redact"
	default:
		s.Decision = "allow"
	}
}
