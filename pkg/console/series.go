package console

import (
	"math"
	"time"
)

// Bounds of the series. An hour holds a given number of kinds of calls and a minute a
// third of that, of which names that only failed or were denied take a quarter at
// most; further kinds count as other.
const (
	keepMinutes = 6 * 60
	keepHours   = 7 * 24
)

// other stands for what found no place of its own.
const other = "_other"

// key is what calls are told apart by in the series.
type key struct{ tenant, team, model, upstream string }

// otherKey keeps no dimension.
var otherKey = key{other, other, other, other}

// cell counts calls of one kind in one span of time.
type cell struct {
	calls, denied, redacted, reviewed, undecided int64 // by decision; the rest was allowed
	errors                                       int64 // that no policy decided: the upstream's, aborts
	openly, aborted                              int64
	input, output, cached, estimated             int64 // tokens; estimated is the input of calls without reported usage
	cost                                         float64
	unpriced                                     int64    // calls with usage and no known price
	request, response                            [3]int64 // coverage: none, partial, full
	codes, entities, reasons                     []Count
	latency, chunk                               histogram
	policy                                       time.Duration
}

// add counts a call.
func (c *cell) add(one *Call) {
	c.calls++
	switch one.Decision {
	case "deny":
		c.denied++
	case "redact":
		c.redacted++
	case "review":
		c.reviewed++
	case "error":
		c.undecided++
	}
	if one.Failed() {
		c.errors++
	}
	c.openly += bit(one.FailedOpen)
	c.aborted += bit(one.Aborted)
	c.spend(one)
	c.request[rank(one.Coverage.Request)]++
	if one.DeniedIn != "request" { // else there is no response to cover
		c.response[rank(one.Coverage.Response)]++
		c.latency.add(one.Duration)
	}
	if one.TimeToFirstChunk > 0 {
		c.chunk.add(one.TimeToFirstChunk)
	}
	c.policy += one.PolicyTime
	for _, d := range one.Denies {
		c.codes = addCount(c.codes, d.Code, 1)
	}
	for entity, n := range one.Redactions {
		c.entities = addCount(c.entities, entity, int64(n))
	}
	for _, reason := range one.Coverage.Reasons {
		c.reasons = addCount(c.reasons, reason, 1)
	}
}

func (c *cell) spend(one *Call) {
	if u := &one.Usage; u.Reported {
		c.input += u.InputTokens
		c.output += u.OutputTokens
		c.cached += u.CacheReadTokens
		c.unpriced += bit(!one.CostKnown)
	} else if one.DeniedIn != "request" {
		c.estimated += one.EstimatedInput
	}
	if one.CostKnown {
		c.cost += one.CostUSD
	}
}

// merge adds another cell's counts.
func (c *cell) merge(o *cell) {
	c.calls += o.calls
	c.denied += o.denied
	c.redacted += o.redacted
	c.reviewed += o.reviewed
	c.undecided += o.undecided
	c.errors += o.errors
	c.openly += o.openly
	c.aborted += o.aborted
	c.input += o.input
	c.output += o.output
	c.cached += o.cached
	c.estimated += o.estimated
	c.cost += o.cost
	c.unpriced += o.unpriced
	for i := range o.request {
		c.request[i] += o.request[i]
		c.response[i] += o.response[i]
	}
	c.codes = mergeCounts(c.codes, o.codes)
	c.entities = mergeCounts(c.entities, o.entities)
	c.reasons = mergeCounts(c.reasons, o.reasons)
	c.latency.merge(&o.latency)
	c.chunk.merge(&o.chunk)
	c.policy += o.policy
}

func mergeCounts(to, from []Count) []Count {
	for _, each := range from {
		to = addCount(to, each.Name, each.N)
	}
	return to
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// histogram counts durations in steps of a factor of √2 from 1 ms on, so that a
// quantile read from it is off by a fifth at most. The last step is open: from
// 22 minutes on.
type histogram [42]uint32

func (h *histogram) add(d time.Duration) {
	h[step(d)]++
}

func step(d time.Duration) int {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 1 {
		return 0
	}
	return min(int(math.Log2(ms)*2)+1, len(histogram{})-1)
}

// edge is the upper bound of a step.
func edge(i int) time.Duration {
	return time.Duration(math.Exp2(float64(i)/2) * float64(time.Millisecond))
}

func (h *histogram) merge(o *histogram) {
	for i := range o {
		h[i] += o[i]
	}
}

// quantile is the duration that a share q (0..1) of all stays below, between the
// edges of its step; 0 where there are none.
func (h *histogram) quantile(q float64) time.Duration {
	var total uint64
	for _, n := range h {
		total += uint64(n)
	}
	if total == 0 {
		return 0
	}
	want, seen := q*float64(total), 0.0
	for i, n := range h {
		if n == 0 {
			continue
		}
		if seen+float64(n) >= want {
			low := time.Duration(0)
			if i > 0 {
				low = edge(i - 1)
			}
			return low + time.Duration((want-seen)/float64(n)*float64(edge(i)-low))
		}
		seen += float64(n)
	}
	return edge(len(h) - 1)
}

// bucket is the calls that ended in one span of time, by kind.
type bucket struct {
	start   time.Time
	most    int
	cells   map[key]*cell
	foreign int // cells of names that only failed or were denied
}

func newBucket(start time.Time, most int) *bucket {
	return &bucket{start: start, most: most, cells: map[key]*cell{}}
}

// at is the cell of a kind; proven says that its names belong to a call that
// succeeded, so that made-up names can't crowd out those in real use.
func (b *bucket) at(k key, proven bool) *cell {
	if c := b.cells[k]; c != nil {
		return c
	}
	if len(b.cells) >= b.most || !proven && b.foreign >= b.most/4 {
		k = otherKey
		if c := b.cells[k]; c != nil {
			return c
		}
	}
	if !proven {
		b.foreign++
	}
	c := &cell{}
	b.cells[k] = c
	return c
}

// merge adds another bucket's cells.
func (b *bucket) merge(o *bucket) {
	for k, c := range o.cells {
		b.at(k, c.calls > c.denied+c.errors).merge(c)
	}
}

// clone is a copy that later calls don't change.
func (b *bucket) clone() *bucket {
	out := newBucket(b.start, b.most)
	for k, c := range b.cells {
		fresh := &cell{}
		fresh.merge(c)
		out.cells[k] = fresh
	}
	return out
}
