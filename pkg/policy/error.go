package policy

import (
	"context"
	"errors"
	"fmt"
)

// ErrorKind says in one word why an evaluation gave no decision: a label of
// metrics and spans, so the set is small and fixed.
type ErrorKind string

// Kinds of error. None of them ever stands for "allow": what happens to the
// call is what the operator configured.
const (
	// Timeout: the evaluation ran past its time, or the call was cancelled.
	Timeout ErrorKind = "timeout"
	// Eval: a rule or a builtin failed.
	Eval ErrorKind = "eval"
	// Undefined: the phase has no decision.
	Undefined ErrorKind = "undefined"
	// Decode: the decision has an unknown or mistyped member.
	Decode ErrorKind = "decode"
	// Conflict: two rules gave one member different values.
	Conflict ErrorKind = "conflict"
	// Panic: the engine or a builtin panicked; the call's goroutine survived.
	Panic ErrorKind = "panic"
	// Load: a policy could not be loaded.
	Load ErrorKind = "load"
)

// Error is why there is no decision.
type Error struct {
	Kind ErrorKind
	// Path is the member of the decision at fault, "request.deny[0].status",
	// or the place in a policy's source, "file.rego:12"; empty where neither is
	// known.
	Path string
	Err  error
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("policy: %s: %v", e.Kind, e.Err)
	}
	return fmt.Sprintf("policy: %s: %s: %v", e.Kind, e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of a policy error, "" for nil, Timeout for a bare context
// error and Eval for any other.
func KindOf(err error) ErrorKind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Timeout
	}
	return Eval
}
