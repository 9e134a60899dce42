package console

import (
	"sync"
	"time"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Store keeps the last calls and counts of all, in memory, in bounds: a call is
// added at its end and takes well under a microsecond. Safe for concurrent use.
type Store struct {
	now   func() time.Time
	began time.Time
	kinds int // an hour

	mu   sync.Mutex
	ring []*Call // the call of Seq n at (n-1) % len
	seq  uint64

	minute  *bucket   // the running one; the ones below never change again
	minutes []*bucket // oldest first, of keepMinutes
	hour    *bucket   // of the ended minutes of the running hour
	hours   []*bucket // oldest first, of keepHours
}

// NewStore makes a store for that many calls, which tells that many kinds of calls
// (by tenant, team, model and upstream) apart in an hour.
func NewStore(calls, kinds int) *Store { return newStore(calls, kinds, time.Now) }

func newStore(calls, kinds int, now func() time.Time) *Store {
	s := &Store{now: now, began: now(), ring: make([]*Call, max(calls, 1)), kinds: max(kinds, 1)}
	s.minute = newBucket(s.began.Truncate(time.Minute), s.aMinute())
	s.hour = newBucket(s.began.Truncate(time.Hour), s.kinds)
	return s
}

// aMinute is how many kinds a minute holds: fewer come together in one.
func (s *Store) aMinute() int { return (s.kinds + 2) / 3 }

// Add keeps a finished call. r is not changed and not kept.
func (s *Store) Add(r *call.Record) {
	c := summarise(r)
	k := key{c.Tenant, c.Team, c.Model, upstream(c)}
	proven := c.Decision != "deny" && c.ErrorType == ""
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(r.Ended)
	s.seq++
	c.Seq = s.seq
	s.ring[(s.seq-1)%uint64(len(s.ring))] = c
	s.minute.at(k, proven).add(c)
}

// turn ends the running minute, and hour, that lie before now.
func (s *Store) turn(now time.Time) {
	start := now.Truncate(time.Minute)
	if !start.After(s.minute.start) {
		return
	}
	if len(s.minute.cells) > 0 {
		s.hour.merge(s.minute)
		s.minutes = append(s.minutes, s.minute)
	}
	s.minute = newBucket(start, s.aMinute())
	s.minutes = since(s.minutes, start.Add(-keepMinutes*time.Minute))
	if hour := now.Truncate(time.Hour); hour.After(s.hour.start) {
		if len(s.hour.cells) > 0 {
			s.hours = append(s.hours, s.hour)
		}
		s.hour = newBucket(hour, s.kinds)
		s.hours = since(s.hours, hour.Add(-keepHours*time.Hour))
	}
}

// since leaves out buckets that began before.
func since(list []*bucket, before time.Time) []*bucket {
	keep := 0
	for keep < len(list) && list[keep].start.Before(before) {
		list[keep] = nil
		keep++
	}
	return list[keep:]
}

// snapshot is the buckets from a time on, oldest first: minutes, or hours where
// they reach back too far for minutes. Nothing changes them any more.
func (s *Store) snapshot(from time.Time, hours bool) []*bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(s.now())
	var out []*bucket
	if hours {
		for _, b := range s.hours {
			if !b.start.Before(from) {
				out = append(out, b)
			}
		}
		from = s.hour.start // the running hour is made of its minutes
	}
	for _, b := range s.minutes {
		if !b.start.Before(from) {
			out = append(out, b)
		}
	}
	return append(out, s.minute.clone())
}

// calls are the kept calls, the newest first.
func (s *Store) calls() []*Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Call, 0, min(s.seq, uint64(len(s.ring))))
	for n := s.seq; n > 0 && len(out) < cap(out); n-- {
		out = append(out, s.ring[(n-1)%uint64(len(s.ring))])
	}
	return out
}

// find is the kept call of that id.
func (s *Store) find(id string) *Call {
	for _, c := range s.calls() {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// total is how many calls ended since the start.
func (s *Store) total() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

func rank(l policy.Level) int {
	switch l {
	case policy.Full:
		return 2
	case policy.Partial:
		return 1
	}
	return 0
}

// Recorder adds each call to the store beside recording it.
func (s *Store) Recorder(to call.Recorder) call.Recorder { return recorder{to, s} }

type recorder struct {
	call.Recorder
	store *Store
}

// Begin implements call.Recorder.
func (r recorder) Begin(p call.Parent) call.Recording {
	return recording{r.Recorder.Begin(p), r.store}
}

type recording struct {
	call.Recording
	store *Store
}

// End implements call.Recording.
func (r recording) End(rec *call.Record) {
	r.Recording.End(rec)
	r.store.Add(rec)
}
