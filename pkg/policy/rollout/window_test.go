package rollout

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The buckets of times meet without a gap, and an end is at most a quarter over any
// time in its bucket.
func TestTimeBuckets(t *testing.T) {
	for d := 4 * time.Microsecond; d < time.Hour; d += d/50 + time.Microsecond {
		b := timeBucket(d)
		if end := upper(b); end <= d.Truncate(time.Microsecond) || float64(end) > 1.26*float64(d) {
			t.Fatalf("%v lies in bucket %d, which ends at %v", d, b, end)
		}
		if next := timeBucket(d + d/50 + time.Microsecond); next != b && next != b+1 {
			t.Fatalf("after bucket %d of %v comes %d", b, d, next)
		}
	}
	if timeBucket(0) != 0 || timeBucket(1000*time.Hour) != timeBuckets-1 {
		t.Error("the ends are elsewhere")
	}
}

func TestP95(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 19, 20, 21, 100, 5000} {
		var c counts
		var all []time.Duration
		for range n {
			d := time.Duration(100+random.IntN(100_000)) * time.Microsecond
			all = append(all, d)
			c.add(&Outcome{Evaluated: d})
		}
		slices.Sort(all)
		want := all[(n*95+99)/100-1]
		if got := c.p95(); got < want || float64(got) > 1.26*float64(want) {
			t.Errorf("of %d: %v, want %v", n, got, want)
		}
	}
}
