package telemetry

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/regent-proxy/regent/pkg/call"
)

// A call counts in the buckets that its histogram has.
func TestChunkBoundsAreTheConventions(t *testing.T) {
	var bounds []float64
	for _, b := range call.ChunkBounds {
		bounds = append(bounds, b.Seconds())
	}
	if !slices.Equal(bounds, secondBuckets) {
		t.Errorf("bounds are %v, want %v", bounds, secondBuckets)
	}
}

func produced(t *testing.T, m *chunkMeter) []metricdata.HistogramDataPoint[float64] {
	t.Helper()
	got, err := m.Produce(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 {
		return nil
	}
	return got[0].Metrics[0].Data.(metricdata.Histogram[float64]).DataPoints
}

func TestChunkMeter(t *testing.T) {
	m := newChunkMeter(&Settings{})
	if got := produced(t, m); got != nil {
		t.Errorf("%v before anything was counted", got)
	}
	set := attribute.NewSet(attribute.String("a", "b"))
	one := &call.ChunkTimes{Counts: [15]uint32{2, 1}, Count: 3, Sum: 30 * time.Millisecond, Min: 5 * time.Millisecond, Max: 20 * time.Millisecond}
	two := &call.ChunkTimes{Counts: [15]uint32{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, Count: 1, Sum: 100 * time.Second, Min: 100 * time.Second, Max: 100 * time.Second}
	m.add(set, one)
	m.add(set, two)
	points := produced(t, m)
	if len(points) != 1 {
		t.Fatalf("%d points", len(points))
	}
	p := points[0]
	least, _ := p.Min.Value()
	most, _ := p.Max.Value()
	if want := []uint64{2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}; !slices.Equal(p.BucketCounts, want) || p.Count != 4 || p.Sum != 100.03 || least != 0.005 || most != 100 {
		t.Errorf("%+v", p)
	}
}

func TestChunkSeriesAreBounded(t *testing.T) {
	m := newChunkMeter(&Settings{})
	one := &call.ChunkTimes{Counts: [15]uint32{1}, Count: 1}
	for i := range maxSeries + 500 {
		m.add(attribute.NewSet(attribute.Int("n", i)), one)
	}
	points := produced(t, m)
	if len(points) != maxSeries {
		t.Errorf("%d series", len(points))
	}
	for _, p := range points {
		if over, _ := p.Attributes.Value("otel.metric.overflow"); over.AsBool() && p.Count == 501 {
			return
		}
	}
	t.Error("what is over the bound is not in one series")
}
