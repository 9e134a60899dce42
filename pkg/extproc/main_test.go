package extproc

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is an opener and its one call: each phase's verdict, and a log of what
// came.
type script struct {
	open, request, response, tooLarge phase.Verdict
	body                              func(chunk []byte, end bool) phase.Verdict
	trailers                          func(phase.Headers) phase.Verdict
	panicAt                           string

	mu     sync.Mutex
	log    []string
	head   *phase.RequestHead
	closed chan struct{}
}

func newScript() *script { return &script{closed: make(chan struct{})} }

func (s *script) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	s.log = append(s.log, line)
	if word, _, _ := strings.Cut(line, " "); word == s.panicAt {
		panic("scripted")
	}
}

func (s *script) lines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "; ")
}

func (s *script) Open(_ context.Context, h *phase.RequestHead) (phase.Call, phase.Verdict) {
	s.head = h
	s.note("open")
	return s, s.open
}

func (s *script) OpenAttempt(_ context.Context, h *phase.RequestHead) (phase.Attempt, phase.Verdict) {
	s.head = h
	s.note("attempt")
	return s, s.open
}

func (s *script) RequestBody(b []byte) phase.Verdict {
	s.note("request %s", abbreviate(b))
	return s.request
}

func (s *script) RequestBodyTooLarge() phase.Verdict { s.note("too-large"); return s.tooLarge }

func (s *script) ResponseHeaders(h *phase.ResponseHead) phase.Verdict {
	s.note("response %s", h.Headers.Get(":status"))
	return s.response
}

func (s *script) ResponseBody(b []byte, end bool) phase.Verdict {
	s.note("body %s %v", abbreviate(b), end)
	if s.body != nil {
		return s.body(b, end)
	}
	return phase.Verdict{Emit: b}
}

func (s *script) ResponseTrailers(h phase.Headers) phase.Verdict {
	s.note("trailers %d", len(h))
	if s.trailers != nil {
		return s.trailers(h)
	}
	return phase.Verdict{}
}

func (s *script) Close(complete bool, err error) {
	s.note("close %v %v", complete, err != nil)
	close(s.closed)
}

func abbreviate(b []byte) string {
	if len(b) > 20 {
		return fmt.Sprintf("[%d]", len(b))
	}
	return string(b)
}
