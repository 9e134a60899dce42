// Package telemetry turns a finished call into one trace span and metrics, by
// the OpenTelemetry GenAI conventions v1.41.
//
// Most callers want [New] and hand the [Telemetry] to package call as its
// recorder. A call's ids are chosen at its start, because the upstream request
// carries them; its span is made at its end, and only if it is exported. A dead
// collector never slows a call: what finds no room is dropped and counted.
package telemetry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/regent-proxy/regent/pkg/call"
)

// Settings are the operator's choices.
type Settings struct {
	ServiceName, ServiceVersion string
	Resource                    map[string]string
	Traces                      TraceSettings
	Metrics                     MetricSettings
	// Content puts the messages a record carries into its span.
	Content bool
	// Store keeps them in files that spans refer to.
	Store StoreSettings
	// NoUsage leaves token counts to spans and metrics of the applications' own.
	NoUsage bool
	// MaxModels and MaxIdentities bound the distinct values of a metric
	// attribute that a model name or an identity fills; at least 1.
	MaxModels, MaxIdentities int
	// IdentityLabels are those of tenant, team, app that become metric attributes.
	IdentityLabels []string
	// Stdout is where the stdout exporters write.
	Stdout io.Writer
	// OnError hears of exports that failed. It is called by the exporting
	// goroutines and must not block; nil ignores them.
	OnError func(error)
	// Env is os.Getenv where nil. The exporters read the standard
	// OTEL_EXPORTER_OTLP_* variables from the process's environment by themselves.
	Env func(string) string
}

// TraceSettings are those of the spans.
type TraceSettings struct {
	Export
	Queue, Batch int // spans
	Interval     time.Duration
	Ratio        float64 // of the calls without a parent, 0..1
	Keep         []string
	KeepCostUSD  float64 // calls from this cost on are kept; 0 is off
	Propagators  []string
	Baggage      []string // members that become attributes
	Children     string   // none, attempts, all: spans below the call's own
	// OpenInference adds its attributes to those of the conventions.
	OpenInference bool
}

// MetricSettings are those of the metrics.
type MetricSettings struct {
	Export
	Interval   time.Duration
	Prometheus bool
	// Experiments puts experiment and variant on the counts of calls and costs.
	Experiments bool
}

// Export is where telemetry goes. Empty members come from the environment.
type Export struct {
	Exporter    string // auto, otlp, stdout, none
	Endpoint    string // URL
	Protocol    string // grpc, http
	Compression string // gzip, none
	Headers     map[string]string
	TLS         *tls.Config // nil is the system's
	Timeout     time.Duration
}

// Telemetry records calls. Safe for concurrent use.
type Telemetry struct {
	parents  parents
	sampler  sampler
	keeper   keeper
	baggage  []string
	content  bool
	noUsage  bool
	children children
	open     bool   // OpenInference's attributes too
	next     bool   // names of the conventions' next version
	store    *store // nil where off

	queue   *queue // nil where spans go nowhere
	meters  *sdkmetric.MeterProvider
	metrics *metrics
	gather  *prometheus.Registry // nil where off
}

var _ call.Recorder = (*Telemetry)(nil)

// New sets exporters and instruments up. It does not wait for a collector.
func New(ctx context.Context, s Settings) (*Telemetry, error) {
	if s.Env == nil {
		s.Env = os.Getenv
	}
	sampler, err := newSampler(s.Traces.Ratio, s.Env)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{
		parents: newParents(s.Traces.Propagators), sampler: sampler,
		keeper:  newKeeper(s.Traces.Keep, s.Traces.KeepCostUSD),
		baggage: s.Traces.Baggage, content: s.Content, noUsage: s.NoUsage, children: childrenOf(s.Traces.Children),
		open: s.Traces.OpenInference, next: wantsNext(s.Env("OTEL_SEMCONV_STABILITY_OPT_IN")),
	}
	res, err := newResource(ctx, &s)
	if err != nil {
		return nil, err
	}
	if s.Store.Dir != "" {
		if t.store, err = openStore(s.Store, s.OnError); err != nil {
			return nil, err
		}
	}
	if err := t.startTraces(ctx, &s, res); err != nil {
		return nil, errors.Join(fmt.Errorf("telemetry.traces: %w", err), t.Shutdown(ctx))
	}
	if err := t.startMetrics(ctx, &s, res); err != nil {
		return nil, errors.Join(fmt.Errorf("telemetry.metrics: %w", err), t.Shutdown(ctx))
	}
	return t, nil
}

// wantsNext reads OTEL_SEMCONV_STABILITY_OPT_IN, a list of words parted by commas.
func wantsNext(list string) bool {
	for word := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(word) == "gen_ai_latest_experimental" {
			return true
		}
	}
	return false
}

func (t *Telemetry) startTraces(ctx context.Context, s *Settings, res *resource.Resource) error {
	u, err := newUploader(ctx, s)
	if err == nil && u != nil {
		t.queue = newQueue(u, envelope(s, res), s.Traces, s.OnError)
	}
	return err
}

func (t *Telemetry) startMetrics(ctx context.Context, s *Settings, res *resource.Resource) error {
	options := []sdkmetric.Option{sdkmetric.WithResource(res), sdkmetric.WithView(views()...)}
	chunks := newChunkMeter(s)
	reader, err := newMetricReader(ctx, s, chunks)
	if err != nil {
		return err
	}
	if reader != nil {
		options = append(options, sdkmetric.WithReader(reader))
	}
	if s.Metrics.Prometheus {
		t.gather = prometheus.NewRegistry()
		t.gather.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		exporter, err := newPrometheus(t.gather, chunks)
		if err != nil {
			return err
		}
		options = append(options, sdkmetric.WithReader(exporter))
	}
	t.meters = sdkmetric.NewMeterProvider(options...)
	t.metrics, err = newMetrics(t.meters, s, t.queue, chunks, t.store)
	return err
}

// Gatherer is what /metrics serves, nil where it is off.
func (t *Telemetry) Gatherer() prometheus.Gatherer {
	if t.gather == nil {
		return nil
	}
	return t.gather
}

// Shutdown sends what waits, within ctx. The spans of calls
// recorded later are dropped and counted.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var errs []error
	if t.store != nil {
		t.store.close()
	}
	if t.queue != nil {
		errs = append(errs, t.queue.shutdown(ctx))
	}
	if t.meters != nil {
		errs = append(errs, t.meters.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// Exports are the spans by what became of them so far.
func (t *Telemetry) Exports() (exported, dropped, failed int64) {
	if t.queue == nil {
		return 0, 0, 0
	}
	return t.queue.exported.Load(), t.queue.dropped.Load(), t.queue.failed.Load()
}
