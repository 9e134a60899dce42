package integration

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/integration/harness"
)

const (
	clientTrace  = "0af7651916cd43dd8448eb211c80319c"
	clientSpan   = "b7ad6b7169203331"
	clientParent = "traceparent: 00-" + clientTrace + "-" + clientSpan + "-01"
)

func traced(t *testing.T, envoyToo bool) (*harness.Stack, *harness.Collector) {
	t.Helper()
	c, err := harness.StartCollector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	opts := harness.Options{Config: func(config map[string]any) {
		config["telemetry"] = map[string]any{"traces": map[string]any{
			"exporter": "otlp", "protocol": "grpc", "endpoint": "http://" + c.Address, "interval": "50ms",
		}}
	}}
	if envoyToo {
		opts.Bootstrap = func(b *harness.Bootstrap) {
			b.AddTracing(filepath.Join(tools.Root, "envoy", "tracing.yaml"), c.Address)
		}
	}
	return start(t, opts), c
}

// spanOf waits for Regent's span of a trace.
func spanOf(t *testing.T, c *harness.Collector, trace, name string) harness.Span {
	t.Helper()
	var found harness.Span
	eventually(t, "Regent's span arrives", func() bool {
		for _, s := range c.Spans(trace) {
			if s.Service == "regent" && s.Name == name {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// Without a tracer of Envoy's, Regent's span stands between the client's and
// the provider's.
func TestTraceByClientsParent(t *testing.T) {
	s, c := traced(t, false)
	call(t, s.URL+chatPath, prompt("sim-small", "ann@example.org"), clientParent)
	span := spanOf(t, c, clientTrace, "chat sim-small")
	if got := hex.EncodeToString(span.ParentSpanId); got != clientSpan {
		t.Errorf("parent is %s, want the client's %s", got, clientSpan)
	}
	if got, want := s.Public.Last().Header("traceparent"), "00-"+clientTrace+"-"+hex.EncodeToString(span.SpanId)+"-01"; got != want {
		t.Errorf("the provider received traceparent %s, want %s", got, want)
	}
	if span.Attribute("gen_ai.request.model") != "sim-small" || span.Attribute("gen_ai.operation.name") != "chat" || strings.Contains(span.String(), "ann@") || strings.Contains(span.String(), "You said") {
		t.Errorf("span: %v", span)
	}
}

// With a tracer of Envoy's, Regent's span is below Envoy's in the same trace.
func TestTraceByEnvoysParent(t *testing.T) {
	s, c := traced(t, true)
	call(t, s.URL+chatPath, prompt("sim-small", "hello"), clientParent)
	span := spanOf(t, c, clientTrace, "chat sim-small")
	eventually(t, "Regent's span hangs below Envoy's, and that below the client's", func() bool {
		parents := map[string]string{}
		for _, s := range c.Spans(clientTrace) {
			parents[hex.EncodeToString(s.SpanId)] = hex.EncodeToString(s.ParentSpanId)
		}
		id, steps := hex.EncodeToString(span.SpanId), 0
		for parents[id] != "" && steps < 10 {
			id, steps = parents[id], steps+1
		}
		return id == clientSpan && steps >= 3
	})
	if received := s.Public.Last().Header("traceparent"); !strings.HasPrefix(received, "00-"+clientTrace) {
		t.Errorf("the provider received traceparent %s", received)
	}
}
