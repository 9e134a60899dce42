package telemetry

import (
	"slices"
	"testing"

	"github.com/regent-proxy/regent/pkg/call"
)

// What hangs below a call's span is as configured, and nothing hangs there that
// is no stretch of it.
func TestChildren(t *testing.T) {
	list := slices.DeleteFunc(slices.Clone(exchanges), func(x exchange) bool { return x.name != "openai.chat.attempts" && x.name != "openai.chat.stream" })
	for setting, want := range map[string]map[string][]string{
		"none":     {"openai.chat.attempts": nil, "openai.chat.stream": nil},
		"attempts": {"openai.chat.attempts": {"attempt", "attempt"}, "openai.chat.stream": nil},
		"all": {
			"openai.chat.attempts": {"attempt", "attempt", "policy request", "policy response", "read", "request_body", "upstream"},
			"openai.chat.stream":   {"policy request", "policy response", "read", "request_body", "upstream"},
		},
	} {
		traces, _ := record(t, func(s *Settings, _ *call.Settings) { s.Traces.Children = setting }, list)
		for i := range traces {
			tr := &traces[i]
			root := tr.call(t)
			var names []string
			for _, s := range tr.spans {
				if s == root {
					continue
				}
				names = append(names, s.Name)
				if string(s.ParentSpanId) != string(root.SpanId) || string(s.TraceId) != string(root.TraceId) {
					t.Errorf("%s: %s is not below the call's span", setting, s.Name)
				}
				if s.StartTimeUnixNano < root.StartTimeUnixNano || s.EndTimeUnixNano > root.EndTimeUnixNano || s.EndTimeUnixNano < s.StartTimeUnixNano {
					t.Errorf("%s: %s is no stretch of the call", setting, s.Name)
				}
			}
			slices.Sort(names)
			if !slices.Equal(names, want[tr.exchange.name]) {
				t.Errorf("%s: %s has %q, want %q", setting, tr.exchange.name, names, want[tr.exchange.name])
			}
		}
	}
}

// Steps cost something: a call that is not sampled has none.
func TestNoStepsUnsampled(t *testing.T) {
	s := settings((&receiver{}).startGRPC(t))
	s.Traces.Children = "all"
	tel := start(t, s)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
	if !tel.Begin(call.Parent{Traceparent: parent + "1"}).Detail() || tel.Begin(call.Parent{Traceparent: parent + "0"}).Detail() {
		t.Error("steps are wanted where they should not be, or the other way round")
	}
	s.Traces.Exporter = "none"
	if start(t, s).Begin(call.Parent{Traceparent: parent + "1"}).Detail() {
		t.Error("steps are wanted that nobody sees")
	}
}
