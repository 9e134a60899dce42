package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Retries of one message, within its timeout.
const (
	retryInitial = 500 * time.Millisecond
	retryMax     = 5 * time.Second
)

// newResource says who reports. The environment comes second to the settings,
// the name "regent" last.
func newResource(ctx context.Context, s *Settings) (*resource.Resource, error) {
	set := []attribute.KeyValue{attribute.String(attrServiceVer, s.ServiceVersion)}
	if s.ServiceName != "" {
		set = append(set, attribute.String(attrServiceName, s.ServiceName))
	}
	for key, value := range s.Resource {
		set = append(set, attribute.String(key, cut(value, 4*maxString)))
	}
	instance := newTraceID()
	return resource.New(ctx,
		resource.WithAttributes(attribute.String(attrServiceName, "regent"), attribute.String(attrServiceInst, instance.String())),
		resource.WithTelemetrySDK(), resource.WithFromEnv(), resource.WithAttributes(set...))
}

// resolve settles auto and the protocol by the standard variables. signal is
// TRACES or METRICS.
func (e Export) resolve(signal string, env func(string) string) (Export, error) {
	if env("OTEL_SDK_DISABLED") == "true" {
		e.Exporter = "none"
	}
	if e.Exporter == "auto" || e.Exporter == "" {
		var err error
		if e.Exporter, err = exporterFromEnv(e, signal, env); err != nil {
			return e, err
		}
	}
	if e.Protocol == "" {
		return e.protocolFromEnv(signal, env)
	}
	return e, nil
}

func exporterFromEnv(e Export, signal string, env func(string) string) (string, error) {
	switch name := env("OTEL_" + signal + "_EXPORTER"); name {
	case "otlp", "none":
		return name, nil
	case "console":
		return "stdout", nil
	case "":
	default:
		return "", fmt.Errorf("OTEL_%s_EXPORTER: no such exporter: %q (known: otlp, console, none)", signal, name)
	}
	if e.Endpoint != "" || env("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || env("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != "" {
		return "otlp", nil
	}
	return "none", nil
}

// protocolFromEnv falls back to http for an endpoint on its standard port 4318,
// else to grpc.
func (e Export) protocolFromEnv(signal string, env func(string) string) (Export, error) {
	name := env("OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL")
	if name == "" {
		name = env("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	switch name {
	case "grpc":
		e.Protocol = "grpc"
	case "http/protobuf":
		e.Protocol = "http"
	case "":
		e.Protocol = "grpc"
		if u, err := url.Parse(e.Endpoint); err == nil && u.Port() == "4318" {
			e.Protocol = "http"
		}
	default:
		return e, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: no such protocol: %q (known: grpc, http/protobuf)", name)
	}
	return e, nil
}

// httpURL is the endpoint with the signal's standard path where it has none.
func (e Export) httpURL(path string) string {
	u, err := url.Parse(e.Endpoint)
	if err == nil && strings.Trim(u.Path, "/") == "" {
		u.Path = path
		return u.String()
	}
	return e.Endpoint
}

// newUploader is nil where spans go nowhere.
func newUploader(ctx context.Context, s *Settings) (uploader, error) {
	e, err := s.Traces.Export.resolve("TRACES", s.Env)
	if err != nil {
		return nil, err
	}
	var client otlptrace.Client
	switch {
	case e.Exporter == "none":
		return nil, nil
	case e.Exporter == "stdout":
		return printer{stdout(s)}, nil
	case e.Exporter != "otlp":
		return nil, fmt.Errorf("no such exporter: %q", e.Exporter)
	case e.Protocol == "http":
		client = otlptracehttp.NewClient(e.traceHTTP()...)
	default:
		client = otlptracegrpc.NewClient(e.traceGRPC()...)
	}
	return client, client.Start(ctx)
}

// printer writes spans as OTLP JSON, for development.
type printer struct{ w io.Writer }

// UploadTraces implements uploader. The spans are encoded already, so they are
// read again first.
func (p printer) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	wire, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	var plain tracepb.TracesData
	if err := proto.Unmarshal(wire, &plain); err != nil {
		return err
	}
	text, err := protojson.MarshalOptions{Multiline: true}.Marshal(&plain)
	if err != nil {
		return err
	}
	_, err = p.w.Write(append(text, '\n'))
	return err
}

// Stop implements uploader.
func (printer) Stop(context.Context) error { return nil }

// envelope is what every message of spans says of who sends it.
func envelope(s *Settings, res *resource.Resource) *tracepb.ResourceSpans {
	var attrs []*commonpb.KeyValue
	for _, kv := range res.Attributes() {
		value := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: cut(kv.Value.Emit(), 4*maxString)}}
		attrs = append(attrs, &commonpb.KeyValue{Key: string(kv.Key), Value: value})
	}
	return &tracepb.ResourceSpans{
		Resource: &resourcepb.Resource{Attributes: attrs}, SchemaUrl: res.SchemaURL(),
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: scopeName, Version: s.ServiceVersion}}},
	}
}

func stdout(s *Settings) io.Writer {
	if s.Stdout == nil {
		return io.Discard
	}
	return s.Stdout
}

func (e Export) traceGRPC() []otlptracegrpc.Option {
	o := []otlptracegrpc.Option{
		otlptracegrpc.WithTimeout(e.Timeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: retryInitial, MaxInterval: retryMax, MaxElapsedTime: e.Timeout}),
	}
	if e.Endpoint != "" {
		o = append(o, otlptracegrpc.WithEndpointURL(e.Endpoint))
	}
	if len(e.Headers) > 0 {
		o = append(o, otlptracegrpc.WithHeaders(e.Headers))
	}
	if e.Compression == "gzip" {
		o = append(o, otlptracegrpc.WithCompressor("gzip"))
	}
	if e.TLS != nil {
		o = append(o, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(e.TLS)))
	}
	return o
}

func (e Export) traceHTTP() []otlptracehttp.Option {
	o := []otlptracehttp.Option{
		otlptracehttp.WithTimeout(e.Timeout),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: retryInitial, MaxInterval: retryMax, MaxElapsedTime: e.Timeout}),
	}
	if e.Endpoint != "" {
		o = append(o, otlptracehttp.WithEndpointURL(e.httpURL("/v1/traces")))
	}
	if len(e.Headers) > 0 {
		o = append(o, otlptracehttp.WithHeaders(e.Headers))
	}
	switch e.Compression {
	case "gzip":
		o = append(o, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	case "none":
		o = append(o, otlptracehttp.WithCompression(otlptracehttp.NoCompression))
	}
	if e.TLS != nil {
		o = append(o, otlptracehttp.WithTLSClientConfig(e.TLS))
	}
	return o
}

// newMetricReader is nil where metrics are not sent.
func newMetricReader(ctx context.Context, s *Settings, chunks *chunkMeter) (sdkmetric.Reader, error) {
	e, err := s.Metrics.Export.resolve("METRICS", s.Env)
	if err != nil {
		return nil, err
	}
	exporter, err := e.metricExporter(ctx, s)
	if err != nil || exporter == nil {
		return nil, err
	}
	return sdkmetric.NewPeriodicReader(heard{exporter, s.OnError}, sdkmetric.WithProducer(chunks), sdkmetric.WithInterval(s.Metrics.Interval), sdkmetric.WithTimeout(e.Timeout)), nil
}

// heard tells OnError of failed exports, and the SDK's global handler nothing.
type heard struct {
	sdkmetric.Exporter
	onError func(error)
}

// Export implements sdkmetric.Exporter.
func (h heard) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	if err := h.Exporter.Export(ctx, m); err != nil && h.onError != nil && !errors.Is(err, context.Canceled) {
		h.onError(err)
	}
	return nil
}

func (e Export) metricExporter(ctx context.Context, s *Settings) (sdkmetric.Exporter, error) {
	switch {
	case e.Exporter == "none":
		return nil, nil
	case e.Exporter == "stdout":
		return stdoutmetric.New(stdoutmetric.WithWriter(stdout(s)), stdoutmetric.WithPrettyPrint())
	case e.Exporter != "otlp":
		return nil, fmt.Errorf("no such exporter: %q", e.Exporter)
	case e.Protocol == "http":
		return otlpmetrichttp.New(ctx, e.metricHTTP()...)
	}
	return otlpmetricgrpc.New(ctx, e.metricGRPC()...)
}

func (e Export) metricGRPC() []otlpmetricgrpc.Option {
	o := []otlpmetricgrpc.Option{
		otlpmetricgrpc.WithTimeout(e.Timeout),
		otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{Enabled: true, InitialInterval: retryInitial, MaxInterval: retryMax, MaxElapsedTime: e.Timeout}),
	}
	if e.Endpoint != "" {
		o = append(o, otlpmetricgrpc.WithEndpointURL(e.Endpoint))
	}
	if len(e.Headers) > 0 {
		o = append(o, otlpmetricgrpc.WithHeaders(e.Headers))
	}
	if e.Compression == "gzip" {
		o = append(o, otlpmetricgrpc.WithCompressor("gzip"))
	}
	if e.TLS != nil {
		o = append(o, otlpmetricgrpc.WithTLSCredentials(credentials.NewTLS(e.TLS)))
	}
	return o
}

func (e Export) metricHTTP() []otlpmetrichttp.Option {
	o := []otlpmetrichttp.Option{
		otlpmetrichttp.WithTimeout(e.Timeout),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{Enabled: true, InitialInterval: retryInitial, MaxInterval: retryMax, MaxElapsedTime: e.Timeout}),
	}
	if e.Endpoint != "" {
		o = append(o, otlpmetrichttp.WithEndpointURL(e.httpURL("/v1/metrics")))
	}
	if len(e.Headers) > 0 {
		o = append(o, otlpmetrichttp.WithHeaders(e.Headers))
	}
	switch e.Compression {
	case "gzip":
		o = append(o, otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	case "none":
		o = append(o, otlpmetrichttp.WithCompression(otlpmetrichttp.NoCompression))
	}
	if e.TLS != nil {
		o = append(o, otlpmetrichttp.WithTLSClientConfig(e.TLS))
	}
	return o
}
