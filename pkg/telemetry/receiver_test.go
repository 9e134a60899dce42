package telemetry

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // what a collector understands
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP collector: gRPC and HTTP.
type receiver struct {
	collectortrace.UnimplementedTraceServiceServer

	mu       sync.Mutex
	traces   []*tracepb.ResourceSpans
	metrics  []*metricspb.ResourceMetrics
	headers  metadata.MD
	rejected int64 // of the next message
	refuse   error
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer
	*receiver
}

func (r *receiver) Export(ctx context.Context, in *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return nil, r.refuse
	}
	r.traces = append(r.traces, in.ResourceSpans...)
	r.headers, _ = metadata.FromIncomingContext(ctx)
	out := &collectortrace.ExportTraceServiceResponse{}
	if r.rejected > 0 {
		out.PartialSuccess = &collectortrace.ExportTracePartialSuccess{RejectedSpans: r.rejected, ErrorMessage: "too many"}
		r.rejected = 0
	}
	return out, nil
}

func (m metricsService) Export(_ context.Context, in *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.receiver.metrics = append(m.receiver.metrics, in.ResourceMetrics...)
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

// startGRPC gives the receiver's URL.
func (r *receiver) startGRPC(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.serve(t, grpc.NewServer(), l)
	return "http://" + l.Addr().String()
}

func (r *receiver) serve(t testing.TB, s *grpc.Server, l net.Listener) {
	collectortrace.RegisterTraceServiceServer(s, r)
	collectormetrics.RegisterMetricsServiceServer(s, metricsService{receiver: r})
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
}

// startTLS gives the receiver's URL over either protocol, and who signed its
// certificate.
func (r *receiver) startTLS(t testing.TB, protocol string) (url string, trusted *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(r)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail on purpose
	t.Cleanup(s.Close)
	trusted = x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	if protocol == "http" {
		return s.URL, trusted
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&s.TLS.Certificates[0])))
	r.serve(t, g, l)
	return "https://" + l.Addr().String(), trusted
}

// ServeHTTP is OTLP over HTTP.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(req.Body)
	}
	data, err := io.ReadAll(body)
	if err != nil || req.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "bad message", http.StatusBadRequest)
		return
	}
	var answer proto.Message
	ctx := metadata.NewIncomingContext(req.Context(), metadata.Pairs("authorization", req.Header.Get("Authorization"), "content-encoding", req.Header.Get("Content-Encoding")))
	switch req.URL.Path {
	case "/v1/traces", "/api/public/otel/v1/traces":
		in := &collectortrace.ExportTraceServiceRequest{}
		if err = proto.Unmarshal(data, in); err == nil {
			answer, err = r.Export(ctx, in)
		}
	case "/v1/metrics":
		in := &collectormetrics.ExportMetricsServiceRequest{}
		if err = proto.Unmarshal(data, in); err == nil {
			answer, err = metricsService{receiver: r}.Export(ctx, in)
		}
	default:
		http.NotFound(w, req)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, _ := proto.Marshal(answer)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

func (r *receiver) startHTTP(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return s.URL
}

// spans are all spans received, in order.
func (r *receiver) spans() []*tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*tracepb.Span
	for _, rs := range r.traces {
		for _, ss := range rs.ScopeSpans {
			out = append(out, ss.Spans...)
		}
	}
	return out
}

// metric is the last export's metric of that name, nil if there is none.
func (r *receiver) metric(name string) *metricspb.Metric {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found *metricspb.Metric
	for _, rm := range r.metrics {
		for _, sm := range rm.ScopeMetrics {
			for _, m := range sm.Metrics {
				if m.Name == name {
					found = m
				}
			}
		}
	}
	return found
}

// allMetrics are all metrics received.
func (r *receiver) allMetrics() []*metricspb.Metric {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*metricspb.Metric
	for _, rm := range r.metrics {
		for _, sm := range rm.ScopeMetrics {
			out = append(out, sm.Metrics...)
		}
	}
	return out
}

// plain is an attribute list as JSON values.
func plain(attrs []*commonpb.KeyValue) map[string]any {
	out := map[string]any{}
	for _, kv := range attrs {
		out[kv.Key] = plainValue(kv.Value)
	}
	return out
}

func plainValue(v *commonpb.AnyValue) any {
	switch v := v.Value.(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return v.BoolValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		return v.DoubleValue
	case *commonpb.AnyValue_ArrayValue:
		out := []any{}
		for _, each := range v.ArrayValue.Values {
			out = append(out, plainValue(each))
		}
		return out
	}
	return nil
}
