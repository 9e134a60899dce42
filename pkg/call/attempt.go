package call

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// attempts joins what the upstream filter sees of each try with the call the
// listener filter sees: by x-request-id, which Envoy shows both alike. A call
// without one has no attempts recorded.
type attempts struct {
	mu   sync.Mutex
	live map[string][]AttemptRecord
}

// maxAttempts bounds the attempts remembered of one call, maxOpenCalls the
// calls; beyond them attempts pass unrecorded.
const (
	maxAttempts  = 32
	maxOpenCalls = 100_000
)

func newAttempts() *attempts { return &attempts{live: map[string][]AttemptRecord{}} }

func (a *attempts) open(_ *Record, id string) {
	if id == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.live) < maxOpenCalls {
		a.live[id] = nil
	}
}

func (a *attempts) close(r *Record, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.Attempts = a.live[id]
	delete(a.live, id)
}

func (a *attempts) add(id string, r AttemptRecord) (index int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	list, known := a.live[id]
	if !known || len(list) >= maxAttempts {
		return 0, false
	}
	a.live[id] = append(list, r)
	return len(list), true
}

func (a *attempts) update(id string, index int, status int, ended time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if list := a.live[id]; index < len(list) {
		list[index].Status, list[index].Ended = status, ended
	}
}

// attempt is one try as the upstream filter sees it. It is recorded, not
// changed: what a provider needs of an attempt is policy's to say, in a later
// version.
type attempt struct {
	svc   *Service
	id    string
	index int
	known bool
}

// OpenAttempt records a try at an upstream.
func (s *Service) OpenAttempt(_ context.Context, head *phase.RequestHead) (phase.Attempt, phase.Verdict) {
	number, _ := strconv.Atoi(head.Attributes["upstream.request_attempt_count"])
	r := AttemptRecord{
		Number: number, Target: head.Attributes["xds.cluster_name"],
		Address: head.Attributes["upstream.address"], Started: s.now(),
	}
	a := &attempt{svc: s, id: requestID(head)}
	a.index, a.known = s.attempts.add(a.id, r)
	if !a.known {
		return a, phase.Verdict{Release: true}
	}
	return a, phase.Verdict{}
}

func (a *attempt) RequestBody([]byte) phase.Verdict { return phase.Verdict{} }

// ResponseHeaders notes the try's status.
func (a *attempt) ResponseHeaders(head *phase.ResponseHead) phase.Verdict {
	status, _ := strconv.Atoi(head.Headers.Get(":status"))
	if a.known {
		a.svc.attempts.update(a.id, a.index, status, a.svc.now())
	}
	return phase.Verdict{Release: true}
}

func (a *attempt) Close(complete bool, err error) {}
