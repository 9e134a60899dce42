package telemetry

import (
	"time"

	"github.com/regent-proxy/regent/pkg/call"
)

// children says which spans a call's span has below it.
type children uint8

const (
	noChildren children = iota
	attemptChildren
	allChildren
)

func childrenOf(name string) children {
	switch name {
	case "none":
		return noChildren
	case "all":
		return allChildren
	}
	return attemptChildren
}

// Detail reports whether the call's steps are wanted: those of a call that is
// only kept at its end are not.
func (r *recording) Detail() bool {
	return r.sampled && r.t.queue != nil && r.t.children == allChildren
}

// below makes the spans below the call's own.
func (r *recording) below(rec *call.Record) {
	if r.t.children == noChildren {
		return
	}
	for i := range rec.Attempts {
		r.attempt(rec, &rec.Attempts[i])
	}
	for i := range rec.Steps {
		r.step(&rec.Steps[i])
	}
}

// step is a stretch of the call within Regent, or, for the upstream's, as Regent
// sees it.
func (r *recording) step(s *call.Step) {
	b := newEncoder()
	name := string(s.Kind)
	if s.Kind == call.StepPolicy {
		name += " " + string(s.Phase)
		b.str(attrPhase, string(s.Phase))
		b.str(attrDecision, s.Decision)
		b.int(attrOutcomes, int64(s.Outcomes))
	}
	b.status(s.Decision == "error")
	if s.Decision == "error" {
		b.str(attrErrorType, "policy_error")
	}
	r.child(b, name, kindInternal, s.Started, s.Ended)
}

// child ends a span below the call's own.
func (r *recording) child(b *encoder, name string, kind uint64, started, ended time.Time) {
	r.head(b, newSpanID(), name, kind, started, ended)
	b.bytesField(fieldParentID, r.spanID[:])
	b.fixed32Field(fieldFlags, spanFlags)
	r.t.queue.add(b.wire)
	b.free()
}
