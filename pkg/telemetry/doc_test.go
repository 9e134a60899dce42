package telemetry

import (
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"
)

// docs/TELEMETRY.md names every attribute that a span can have and every metric.
func TestDocNamesEverything(t *testing.T) {
	data, err := os.ReadFile("../../docs/TELEMETRY.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	for ours := range conventional {
		if !strings.HasPrefix(ours, "service.") && !strings.Contains(doc, "`"+ours+"`") {
			t.Errorf("docs/TELEMETRY.md has no %s", ours)
		}
	}
	for _, name := range literals(t, "attr.go") {
		if strings.HasPrefix(name, "regent.") && !strings.Contains(doc, "`"+name) {
			t.Errorf("docs/TELEMETRY.md has no %s", name)
		}
	}
	seen := &names{}
	if _, err := newMetrics(noting{meter: seen}, &Settings{MaxModels: 1, MaxIdentities: 1}, &queue{}, newChunkMeter(&Settings{}), nil); err != nil {
		t.Fatal(err)
	}
	if len(seen.list) < 25 {
		t.Errorf("only %d metrics: %v", len(seen.list), seen.list)
	}
	for _, name := range append(seen.list, metricOutputChunk) {
		if !strings.Contains(doc, "| `"+name+"` |") {
			t.Errorf("docs/TELEMETRY.md has no metric %s", name)
		}
	}
}

// names is a meter that notes the instruments made.
type names struct {
	noop.Meter
	list []string
}

type noting struct {
	embedded.MeterProvider
	meter *names
}

func (p noting) Meter(string, ...metric.MeterOption) metric.Meter { return p.meter }

func (n *names) Int64Histogram(name string, _ ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	n.list = append(n.list, name)
	return noop.Int64Histogram{}, nil
}

func (n *names) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	n.list = append(n.list, name)
	return noop.Float64Histogram{}, nil
}

func (n *names) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	n.list = append(n.list, name)
	return noop.Int64Counter{}, nil
}

func (n *names) Float64Counter(name string, _ ...metric.Float64CounterOption) (metric.Float64Counter, error) {
	n.list = append(n.list, name)
	return noop.Float64Counter{}, nil
}

func (n *names) Int64ObservableCounter(name string, _ ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	n.list = append(n.list, name)
	return noop.Int64ObservableCounter{}, nil
}

func (n *names) Int64ObservableUpDownCounter(name string, _ ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	n.list = append(n.list, name)
	return noop.Int64ObservableUpDownCounter{}, nil
}

func (n *names) Int64ObservableGauge(name string, _ ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	n.list = append(n.list, name)
	return noop.Int64ObservableGauge{}, nil
}
