package extproc

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// attemptCall lets the machine drive an attempt as it drives a call. What an
// attempt does not see passes unchanged.
type attemptCall struct{ phase.Attempt }

func (a attemptCall) RequestBodyTooLarge() phase.Verdict { return phase.Verdict{} }

func (a attemptCall) ResponseHeaders(head *phase.ResponseHead) phase.Verdict {
	v := a.Attempt.ResponseHeaders(head)
	v.Body = phase.BodyNone
	return v
}

func (a attemptCall) ResponseBody([]byte, bool) phase.Verdict      { return phase.Verdict{} }
func (a attemptCall) ResponseTrailers(phase.Headers) phase.Verdict { return phase.Verdict{} }

// overloadOpener refuses every call.
type overloadOpener struct{}

func (overloadOpener) Open(context.Context, *phase.RequestHead) (phase.Call, phase.Verdict) {
	return attemptCall{noAttempt{}}, overloadVerdict()
}

func (overloadOpener) OpenAttempt(context.Context, *phase.RequestHead) (phase.Attempt, phase.Verdict) {
	return noAttempt{}, overloadVerdict()
}

func overloadVerdict() phase.Verdict {
	return phase.Verdict{Reply: &phase.Reply{Status: 503, Details: "regent_overload"}}
}

type noAttempt struct{}

func (noAttempt) RequestBody([]byte) phase.Verdict                  { return phase.Verdict{} }
func (noAttempt) ResponseHeaders(*phase.ResponseHead) phase.Verdict { return phase.Verdict{} }
func (noAttempt) Close(bool, error)                                 {}

// violation is a message that Envoy must not send at this point.
func violation(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, "ext_proc protocol: "+format, args...)
}

// misconfigured is a filter configuration that a call cannot be governed under.
func misconfigured(format string, args ...any) error {
	return status.Errorf(codes.FailedPrecondition, "ext_proc configuration: "+format, args...)
}
