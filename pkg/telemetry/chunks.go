package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/regent-proxy/regent/pkg/call"
)

// chunkMeter is the histogram of times between output chunks. A stream has
// hundreds, and an instrument takes one value at a time: calls count into
// buckets of their own, which are added here once, at their end. It implements
// sdkmetric.Producer. Safe for concurrent use.
type chunkMeter struct {
	scope   instrumentation.Scope
	started time.Time

	mu     sync.Mutex
	series map[attribute.Distinct]*chunkSeries
}

// chunkSeries is one series, guarded by the meter's lock.
type chunkSeries struct {
	set      attribute.Set
	counts   [len(call.ChunkBounds) + 1]uint64
	count    uint64
	sum      time.Duration
	min, max time.Duration
}

var _ sdkmetric.Producer = (*chunkMeter)(nil)

// maxSeries bounds the series, as the SDK does for its instruments.
const maxSeries = 2000

// overflow is the set of what is over the bound, as the SDK's is.
var overflow = attribute.NewSet(attribute.Bool("otel.metric.overflow", true))

func newChunkMeter(s *Settings) *chunkMeter {
	return &chunkMeter{
		scope:   instrumentation.Scope{Name: scopeName, Version: s.ServiceVersion, SchemaURL: schemaURL},
		started: time.Now(), series: map[attribute.Distinct]*chunkSeries{},
	}
}

// of is the series of a set, that of the overflow at the bound.
func (m *chunkMeter) of(set attribute.Set) *chunkSeries {
	if s := m.series[set.Equivalent()]; s != nil {
		return s
	}
	if len(m.series) >= maxSeries-1 {
		set = overflow
		if s := m.series[set.Equivalent()]; s != nil {
			return s
		}
	}
	s := &chunkSeries{set: set}
	m.series[set.Equivalent()] = s
	return s
}

// add adds a call's times to its series.
func (m *chunkMeter) add(set attribute.Set, t *call.ChunkTimes) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.of(set)
	if s.count == 0 || t.Min < s.min {
		s.min = t.Min
	}
	s.max = max(s.max, t.Max)
	s.sum += t.Sum
	s.count += t.Count
	for i, n := range t.Counts {
		s.counts[i] += uint64(n)
	}
}

// Produce implements sdkmetric.Producer.
func (m *chunkMeter) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	var points []metricdata.HistogramDataPoint[float64]
	for _, s := range m.series {
		if s.count > 0 {
			points = append(points, s.point(m.started, now))
		}
	}
	if len(points) == 0 {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{Scope: m.scope, Metrics: []metricdata.Metrics{{
		Name: metricOutputChunk, Unit: "s", Description: "Time per output chunk after the first.",
		Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points},
	}}}}, nil
}

func (s *chunkSeries) point(started, now time.Time) metricdata.HistogramDataPoint[float64] {
	return metricdata.HistogramDataPoint[float64]{
		Attributes: s.set, StartTime: started, Time: now,
		Count: s.count, Bounds: secondBuckets, BucketCounts: append([]uint64(nil), s.counts[:]...),
		Min: metricdata.NewExtrema(s.min.Seconds()), Max: metricdata.NewExtrema(s.max.Seconds()), Sum: s.sum.Seconds(),
	}
}
