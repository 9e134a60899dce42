package telemetry

import (
	"context"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/regent-proxy/regent/pkg/call"
)

// parents reads the span a call belongs to out of headers. The first format
// that holds a valid parent wins.
type parents struct {
	formats []propagation.TextMapPropagator
}

func newParents(names []string) parents {
	var p parents
	for _, name := range names {
		switch name {
		case "tracecontext":
			p.formats = append(p.formats, propagation.TraceContext{})
		case "b3":
			p.formats = append(p.formats, b3.New(b3.WithInjectEncoding(b3.B3SingleHeader)))
		}
	}
	return p
}

// of is the parent, invalid where the headers name none.
func (p parents) of(headers *call.Parent) trace.SpanContext {
	if headers.Traceparent == "" && headers.B3 == "" {
		return trace.SpanContext{}
	}
	for _, format := range p.formats {
		ctx := format.Extract(context.Background(), carrier{headers})
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			return sc
		}
	}
	return trace.SpanContext{}
}

// carrier shows a call's headers to a propagator.
type carrier struct{ *call.Parent }

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	switch key {
	case "traceparent":
		return c.Traceparent
	case "tracestate":
		return c.Tracestate
	case "b3":
		return c.B3
	}
	return ""
}

// Set implements propagation.TextMapCarrier; nothing is ever written.
func (carrier) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (carrier) Keys() []string { return []string{"traceparent", "tracestate", "b3"} }

// baggageMembers are the wanted members of a baggage header, nil where it can't
// be read (W3C Baggage).
func baggageMembers(header string, wanted []string) [][2]string {
	if header == "" || len(wanted) == 0 {
		return nil
	}
	parsed, err := baggage.Parse(header)
	if err != nil {
		return nil
	}
	var out [][2]string
	for _, key := range wanted {
		if value := parsed.Member(key).Value(); value != "" {
			out = append(out, [2]string{key, clean(value)})
		}
	}
	return out
}
