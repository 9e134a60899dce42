package rollout

import (
	"math"
	"math/bits"
	"time"
)

// slots is how many pieces a window is counted in: it forgets a sixtieth at a
// time.
const slots = 60

// timeBuckets are those of evaluation times: four to each doubling from 1 µs on,
// so that a percentile is at most a quarter too high. The last holds all over an hour.
const timeBuckets = 128

// counts are what is counted of one side.
type counts struct {
	calls, errors, denials uint64
	timed                  uint64 // calls with an evaluation
	times                  [timeBuckets]uint32
}

func (c *counts) add(o *Outcome) {
	c.calls++
	if o.Failed {
		c.errors++
	}
	if o.Denied {
		c.denials++
	}
	if o.Evaluated > 0 {
		c.timed++
		c.times[timeBucket(o.Evaluated)]++
	}
}

// take takes the counts of a slot that leaves the window out.
func (c *counts) take(old *counts) {
	c.calls, c.errors, c.denials, c.timed = c.calls-old.calls, c.errors-old.errors, c.denials-old.denials, c.timed-old.timed
	for i := range c.times {
		c.times[i] -= old.times[i]
	}
}

func timeBucket(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 1))
	doubling := bits.Len64(us) - 1
	quarter := 0
	if doubling >= 2 {
		quarter = int(us>>(doubling-2)) & 3
	} else if doubling == 1 {
		quarter = int(us&1) * 2
	}
	return min(doubling*4+quarter, timeBuckets-1)
}

// upper is the end of a bucket of evaluation times.
func upper(bucket int) time.Duration {
	doubling, quarter := bucket/4, bucket%4
	return time.Duration(math.Ldexp(1+float64(quarter+1)/4, doubling) * float64(time.Microsecond))
}

// p95 is the time that 95% of the calls stayed below, 0 where none was timed.
func (c *counts) p95() time.Duration {
	rank := (c.timed*95 + 99) / 100
	seen := uint64(0)
	for i, n := range c.times {
		if seen += uint64(n); n > 0 && seen >= rank {
			return upper(i)
		}
	}
	return 0
}

func (c *counts) rate(n uint64) float64 {
	if c.calls == 0 {
		return 0
	}
	return float64(n) / float64(c.calls)
}

// side tells the two sets of a trial apart.
type side int

const (
	activeSide side = iota
	candidateSide
	sides
)

// window counts both sides of a trial over the time last past. Its size is
// fixed, about 125 KiB. Not safe for concurrent use.
type window struct {
	width  time.Duration // of a slot
	newest int64         // number of the slot in hand since 1970
	slots  [slots][sides]counts
	sums   [sides]counts
}

func newWindow(span time.Duration, now time.Time) *window {
	w := &window{width: max(span/slots, 1)}
	w.newest = now.UnixNano() / int64(w.width)
	return w
}

// advance forgets what is older than the window. A clock that goes back counts
// into the slot in hand.
func (w *window) advance(now time.Time) {
	n := now.UnixNano() / int64(w.width)
	w.newest = max(w.newest, n-slots) // no further round is needed
	for w.newest < n {
		w.newest++
		old := &w.slots[w.newest%slots]
		for i := range old {
			if old[i].calls > 0 {
				w.sums[i].take(&old[i])
				old[i] = counts{}
			}
		}
	}
}

func (w *window) add(on side, o *Outcome) {
	w.slots[w.newest%slots][on].add(o)
	w.sums[on].add(o)
}
