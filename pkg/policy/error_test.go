package policy

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestKindOf(t *testing.T) {
	cause := errors.New("cause")
	for want, err := range map[ErrorKind]error{
		"":       nil,
		Conflict: fmt.Errorf("wrapped: %w", &Error{Kind: Conflict, Err: cause}),
		Timeout:  fmt.Errorf("wrapped: %w", context.DeadlineExceeded),
		Eval:     cause,
	} {
		if got := KindOf(err); got != want {
			t.Errorf("kind of %v: %q, want %q", err, got, want)
		}
	}
	if KindOf(context.Canceled) != Timeout {
		t.Error("a cancelled evaluation is no timeout")
	}
}

func TestErrorNamesItsPlace(t *testing.T) {
	cause := errors.New("is empty")
	err := &Error{Kind: Decode, Path: "request.deny[0].code", Err: cause}
	if got := err.Error(); got != "policy: decode: request.deny[0].code: is empty" {
		t.Error(got)
	}
	if got := (&Error{Kind: Undefined, Err: cause}).Error(); got != "policy: undefined: is empty" {
		t.Error(got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}
