package integration

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
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

// traceCase is a call whose spans must be one tree.
type traceCase struct {
	name, errorType string
	do              func(t *testing.T, s *harness.Stack, parent string)
	below           []string // names of the spans below the call's own, sorted
}

var traceCases = []traceCase{
	{"document", "", func(t *testing.T, s *harness.Stack, parent string) {
		call(t, s.URL+chatPath, prompt("sim-tree", "hello"), parent)
	}, []string{"attempt", "policy request", "policy response", "read", "request_body", "upstream"}},
	{"stream", "", func(t *testing.T, s *harness.Stack, parent string) {
		call(t, s.URL+chatPath, prompt("sim-tree", "hello", streamed), parent)
	}, []string{"attempt", "policy request", "policy response", "read", "request_body", "upstream"}},
	{"retries", "server_error", func(t *testing.T, s *harness.Stack, parent string) {
		call(t, s.URL+chatPath, prompt("sim-tree", "hello"), parent, "x-simulate: status=503")
	}, []string{"attempt", "attempt", "attempt", "policy request", "policy response", "read", "request_body", "upstream"}},
	{"denial", "policy_violation", func(t *testing.T, s *harness.Stack, parent string) {
		call(t, s.URL+chatPath, prompt("sim-tree", "hello"), parent, "x-case: deny")
	}, []string{"policy request", "read", "request_body"}},
	{"abort", "client_abort", abortStream, []string{"attempt", "policy request", "read", "request_body", "upstream"}},
}

// abortStream leaves after a stream's first bytes.
func abortStream(t *testing.T, s *harness.Stack, parent string) {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+chatPath, strings.NewReader(prompt("sim-tree", "hello", streamed)))
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(parent, ": ")
	req.Header.Set(name, value)
	req.Header.Set("content-type", "application/json")
	req.Header.Set("x-simulate", "size=100000;delay=20ms")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
}

// However a call goes, its spans, and those of an Envoy that traces, are one
// tree below the client's span.
func TestTraceTrees(t *testing.T) {
	for _, envoyToo := range []bool{false, true} {
		t.Run(fmt.Sprintf("envoy=%t", envoyToo), func(t *testing.T) {
			s, c := tracedTrees(t, envoyToo)
			for i, tc := range traceCases {
				trace := fmt.Sprintf("%032x", 0xabc000+i)
				tc.do(t, s, "traceparent: 00-"+trace+"-"+clientSpan+"-01")
			}
			for i, tc := range traceCases {
				tc.check(t, c, fmt.Sprintf("%032x", 0xabc000+i), envoyToo)
			}
		})
	}
}

func tracedTrees(t *testing.T, envoyToo bool) (*harness.Stack, *harness.Collector) {
	t.Helper()
	c, err := harness.StartCollector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	opts := harness.Options{
		Config: func(config map[string]any) {
			config["telemetry"] = map[string]any{"traces": map[string]any{
				"exporter": "otlp", "protocol": "grpc", "endpoint": "http://" + c.Address, "interval": "50ms", "children": "all",
			}}
		},
		Policies: map[string]string{
			"p.rego": "package regent.request\n\ndeny contains {\"code\": \"no\"} if input.http.headers[\"x-case\"] == \"deny\"\n",
			"d.yaml": "regent: {settings: {routing: {enabled: false}}}\n",
		},
	}
	if envoyToo {
		opts.Bootstrap = func(b *harness.Bootstrap) {
			b.AddTracing(filepath.Join(tools.Root, "envoy", "tracing.yaml"), c.Address)
		}
	}
	return start(t, opts), c
}

// check waits until the trace is whole, and looks at the call's own span.
func (tc *traceCase) check(t *testing.T, c *harness.Collector, trace string, envoyToo bool) {
	t.Helper()
	var own harness.Span
	why := ""
	eventually(t, tc.name+" is one tree", func() bool {
		own, why = tc.whole(c.Spans(trace), envoyToo)
		return why == ""
	}, func() string { return why })
	if got := own.Attribute("error.type"); got != tc.errorType {
		t.Errorf("%s: error.type is %q, want %q", tc.name, got, tc.errorType)
	}
}

// whole says what the tree lacks, "" where it is whole.
func (tc *traceCase) whole(spans []harness.Span, envoyToo bool) (own harness.Span, lacks string) {
	byID, regents, envoys := map[string]harness.Span{}, 0, 0
	for _, s := range spans {
		byID[hex.EncodeToString(s.SpanId)] = s
		if s.Service != "regent" {
			envoys++
		} else if s.Attribute("regent.call.id") != "" {
			own, regents = s, regents+1
		}
	}
	if regents != 1 || (envoys > 0) != envoyToo {
		return own, fmt.Sprintf("%d spans of the call, %d of Envoy", regents, envoys)
	}
	var below []string
	for _, s := range spans {
		if string(s.ParentSpanId) == string(own.SpanId) && s.Service == "regent" {
			below = append(below, s.Name)
		}
		parent := hex.EncodeToString(s.ParentSpanId)
		if _, known := byID[parent]; !known && parent != clientSpan {
			return own, s.Service + "'s " + s.Name + " has a parent that never came"
		}
	}
	slices.Sort(below)
	if !slices.Equal(below, tc.below) {
		return own, fmt.Sprintf("below the call's span is %q, want %q", below, tc.below)
	}
	return own, ""
}
