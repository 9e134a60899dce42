// Package call is the life of one LLM call: a method a phase, and one Close
// that ends span, usage and accounting exactly once.
//
// It is the one place that knows the order of things: claim a dialect, read the
// request, find what is sensitive, ask the policy, carry its decision out, read
// the response, account for it. Each of these is another package's; what call
// needs of those that are chosen at start it declares here as small interfaces.
// extproc drives a call through the types of package phase.
package call

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
	"github.com/regent-proxy/regent/pkg/redact"
	"github.com/regent-proxy/regent/pkg/review"
)

// PolicySet is one loaded, immutable revision of the policy. A call takes one
// at its start and keeps it. Safe for concurrent use.
type PolicySet interface {
	// Evaluate decides in.Phase. It is bounded in time; an undefined or
	// malformed decision is an error.
	Evaluate(ctx context.Context, in *policy.Input) (*policy.Decision, error)
	// Has reports whether any rule decides phase.
	Has(phase policy.Phase) bool
	// Reads reports whether a rule of phase may read that part of the input.
	Reads(phase policy.Phase, path ...string) bool
	// Detect is what finds sensitive values for the set: the operator's detectors
	// with the set's own entities; nil where it declares none.
	Detect() *detect.Set
	Revision() string
}

// Reviews parks calls until a human has decided. Safe for concurrent use.
type Reviews interface {
	// Ask says where the call stands; approved means that it may pass now, once.
	Ask(a review.Ask) (review.Review, error)
}

// Remote finds what only another service can. It is bounded in time. Safe for
// concurrent use.
type Remote interface {
	// Scan has one list of findings a text, ordered; skipped counts texts that
	// were beyond a bound, err says why another was not judged.
	Scan(ctx context.Context, texts [][]byte) (found [][]detect.Finding, skipped int, err error)
}

// Recorder turns calls into spans and metrics. Safe for concurrent use.
type Recorder interface {
	// Begin is called at a call's start, so that its ids are known.
	Begin(p Parent) Recording
	// Released counts a request that was no LLM call, with a reason of a small
	// vocabulary.
	Released(reason string)
}

// Recording is one call being recorded. End is called exactly once, and must
// not block.
type Recording interface {
	TraceID() string
	SpanID() string
	// Traceparent is the W3C header that makes the upstream request a child of
	// the call's span.
	Traceparent() string
	// Detail reports whether the record's steps are wanted.
	Detail() bool
	End(r *Record)
}

// Parent is the trace context a call came with, as W3C header values, "" where
// absent; B3 is the single b3 header, or one made of the X-B3-* headers.
type Parent struct{ Traceparent, Tracestate, Baggage, B3 string }

// Snapshot is all that a call consults and that can be swapped while calls are
// in flight. A call takes one at its start.
type Snapshot struct {
	Policy PolicySet
	// Rollout chooses each call's set by who calls; nil is Policy for all.
	Rollout *rollout.Rollout
	Detect  *detect.Set
	// Remote is nil where the operator has configured none.
	Remote   Remote
	Redact   *redact.Redactor
	Dialects *dialect.Registry
	Catalog  *catalog.Catalog
	// Reviews keeps the calls that a human must see; nil where the operator has
	// configured none, and then such a call is refused.
	Reviews  Reviews
	Settings Settings
}

// Settings are the operator's choices, from the config.
type Settings struct {
	// FailOpen lets a call pass unjudged where the policy cannot decide.
	FailOpen bool
	// PassMalformed lets a request through whose body cannot be read; else it
	// gets 400.
	PassMalformed bool
	// MaxRequestBody and MaxResponseBody bound what is read of one body, in
	// bytes, also after decompression.
	MaxRequestBody, MaxResponseBody int
	// MaxHeld bounds the bytes of a stream's events held back at once.
	MaxHeld int
	// MaxEvent bounds one event of a stream, in bytes.
	MaxEvent int
	// RoutingHeader carries the decision's route target to Envoy.
	RoutingHeader string
	// AskUsage has streams report usage whose clients did not ask.
	AskUsage bool
	Identity IdentitySettings
	// Provenance is where callers name prompts and data sources.
	Provenance ProvenanceSettings
	// Content captures messages into the record, redacted.
	Content bool
	// RemoteRequired refuses a call that the remote detector could not judge;
	// RemoteResponses asks it about response documents too.
	RemoteRequired, RemoteResponses bool
	// Canary marks system prompts, and hides the mark in responses.
	Canary bool
	// ReviewContent gives a reviewer the messages, redacted.
	ReviewContent bool
}

// IdentitySettings say where identity comes from. A claim of a verified token
// outranks a header.
type IdentitySettings struct {
	// JWTNamespace is the dynamic metadata namespace of Envoy's JWT filter,
	// JWTKey the member of it that holds the claims; "" is all of it.
	JWTNamespace, JWTKey               string
	Subject, Tenant, Team, App, Scopes IdentitySource
}

// IdentitySource is where one fact of the identity is read: the claim first,
// whose name may step into objects by dots, then the header.
type IdentitySource struct{ Claim, Header string }

// Service begins calls. It implements phase.Opener.
type Service struct {
	snapshot func() *Snapshot
	recorder Recorder
	attempts *attempts
	now      func() time.Time
}

// New makes a service. snapshot returns the current snapshot, never nil.
func New(snapshot func() *Snapshot, recorder Recorder) *Service {
	return &Service{snapshot: snapshot, recorder: recorder, attempts: newAttempts(), now: time.Now}
}

// newID is a call id: 16 random bytes in hex.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
