package harness

import (
	"context"
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"sync"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // what a collector understands
)

// Span is one that a collector received, with the service it came from.
type Span struct {
	Service string
	*tracepb.Span
}

// Attribute is a string attribute, "" if absent.
func (s Span) Attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// Collector receives spans over OTLP gRPC.
type Collector struct {
	collectortrace.UnimplementedTraceServiceServer
	Address string // host:port
	server  *grpc.Server

	mu       sync.Mutex
	spans    []Span
	received int
}

// maxSpans bounds what a collector keeps; the oldest go first.
const maxSpans = 10_000

// StartCollector serves a collector on a free port of loopback.
func StartCollector() (*Collector, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Collector{Address: l.Addr().String(), server: grpc.NewServer()}
	collectortrace.RegisterTraceServiceServer(c.server, c)
	go func() { _ = c.server.Serve(l) }() // ends at Close
	return c, nil
}

// Close ends the collector.
func (c *Collector) Close() { c.server.Stop() }

// Export takes spans in.
func (c *Collector) Export(_ context.Context, in *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range in.ResourceSpans {
		service := ""
		for _, a := range resource.Resource.GetAttributes() {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, Span{service, s})
				c.received++
			}
		}
	}
	if over := len(c.spans) - maxSpans; over > 0 {
		c.spans = slices.Delete(c.spans, 0, over)
	}
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

// Received is how many spans came in, kept or not.
func (c *Collector) Received() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received
}

// Spans are the spans of a trace (hex), in the order of their start; of all
// traces for "".
func (c *Collector) Spans(trace string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Span
	for _, s := range c.spans {
		if trace == "" || hex.EncodeToString(s.TraceId) == trace {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	return out
}

// Tree draws spans as a tree, a line each, as line has it.
func Tree(spans []Span, line func(Span) string) string {
	children, known := map[string][]Span{}, map[string]bool{}
	for _, s := range spans {
		known[string(s.SpanId)] = true
	}
	for _, s := range spans {
		parent := string(s.ParentSpanId)
		if !known[parent] {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var b strings.Builder
	var draw func(parent, indent string)
	draw = func(parent, indent string) {
		list := children[parent]
		for i, s := range list {
			branch, below := "├─ ", "│  "
			if i == len(list)-1 {
				branch, below = "└─ ", "   "
			}
			b.WriteString(indent + branch + line(s) + "\n")
			draw(string(s.SpanId), indent+below)
		}
	}
	draw("", "")
	return b.String()
}
