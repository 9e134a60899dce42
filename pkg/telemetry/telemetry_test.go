package telemetry

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noEnv(string) string { return "" }

// settings export to endpoint, quickly.
func settings(endpoint string) Settings {
	return Settings{
		ServiceVersion: "v0.0.0-test",
		Traces: TraceSettings{
			Export: Export{Exporter: "otlp", Endpoint: endpoint, Timeout: 5 * time.Second},
			Queue:  2048, Batch: 512, Interval: 10 * time.Millisecond, Ratio: 1,
			Keep: []string{"denied", "redacted", "failed"}, Propagators: []string{"tracecontext", "b3"},
		},
		Metrics:   MetricSettings{Export: Export{Exporter: "none", Timeout: 5 * time.Second}, Interval: time.Minute, Prometheus: true},
		MaxModels: 10, MaxIdentities: 10, Env: noEnv,
	}
}

func start(t testing.TB, s Settings) *Telemetry {
	t.Helper()
	tel, err := New(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	return tel
}

// export records one call and gives the spans that arrived.
func export(t *testing.T, s func(*Settings), parent call.Parent, rec *call.Record) []*tracepb.Span {
	t.Helper()
	r := &receiver{}
	set := settings(r.startGRPC(t))
	if s != nil {
		s(&set)
	}
	tel := start(t, set)
	live := tel.Begin(parent)
	live.End(rec)
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r.spans()
}

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// records are calls of many kinds; each has a golden span in testdata/spans.
func records() map[string]*call.Record {
	full := policy.Coverage{Request: policy.Full, Response: policy.Full}
	base := func() *call.Record {
		return &call.Record{
			ID: "c0ffee", Started: began, Ended: began.Add(1500 * time.Millisecond),
			Dialect: "openai", API: "openai.chat", Provider: "openai", Operation: genai.Chat, RequestModel: "gpt-4o",
			ServerAddress: "api.openai.com", ServerPort: 443, HTTPStatus: 200, PolicyRevision: "r1", Decision: "allow",
			Coverage: full, Complete: true, Evaluations: 2, PolicyTime: 300 * time.Microsecond, EstimatedInput: 11,
			Request: &genai.Request{Operation: genai.Chat, Model: "gpt-4o"},
			Response: genai.Response{ID: "resp-1", Model: "gpt-4o-2024-11-20", FinishReasons: []genai.FinishReason{{Reason: "stop"}},
				Usage: genai.Usage{InputTokens: 10, OutputTokens: 20, HasInput: true, HasOutput: true, Reported: true}},
			CostUSD: 0.000225, CostKnown: true,
		}
	}
	out := map[string]*call.Record{"chat": base()}

	stream := base()
	stream.Stream, stream.TimeToFirstChunk, stream.Chunks, stream.HeldBytesMax = true, 250*time.Millisecond, 26, 17
	stream.HeldTime = 40 * time.Millisecond
	stream.ChunkTimes = call.ChunkTimes{Counts: [15]uint32{20, 4, 0, 0, 1}, Count: 25, Sum: 300 * time.Millisecond, Max: 160 * time.Millisecond}
	stream.Request.Params = genai.Params{
		MaxTokens: ptr(int64(100)), Temperature: ptr(0.5), TopP: ptr(0.9), TopK: ptr(40.0), FrequencyPenalty: ptr(0.1), PresencePenalty: ptr(-0.1),
		Seed: ptr(int64(7)), Choices: ptr(int64(2)), StopSequences: []string{"END"}, OutputType: "json", ReasoningEffort: "low", ServiceTier: "flex",
	}
	stream.Request.ConversationID, stream.Request.PreviousResponseID = "conv-1", "resp-0"
	stream.Response.ServiceTier = "flex"
	stream.Response.FinishReasons = []genai.FinishReason{{Choice: 0, Reason: "stop"}, {Choice: 1, Reason: "tool_calls"}}
	stream.Response.ToolCalls = []genai.ToolCall{{Name: "get_weather", Arguments: []byte(`{"city":"secret place"}`)}}
	stream.Response.Usage = genai.Usage{InputTokens: 10, OutputTokens: 20, CacheReadTokens: 4, CacheWriteTokens: 2, ReasoningTokens: 5,
		HasInput: true, HasOutput: true, HasCacheRead: true, HasCacheWrite: true, HasReasoning: true, Reported: true}
	stream.Identity = policy.IdentityFacts{Subject: "u1", Tenant: "acme", Team: "search", App: "bot"}
	stream.Labels = map[string]string{"risk": "low", "domain": "general"}
	out["stream"] = stream

	deny := base()
	deny.Decision, deny.DeniedIn, deny.HTTPStatus, deny.ErrorType = "deny", "request", 403, "policy_violation"
	deny.Denies = []policy.Deny{{Code: "secret_in_prompt", Message: "a message that may quote the prompt"}, {Code: "too_dear"}}
	deny.Coverage = policy.Coverage{Request: policy.Full, Response: policy.None}
	deny.RequestFindings = []policy.FindingFact{{Entity: "AWS_KEY", Class: "secret", Count: 1}, {Entity: "EMAIL", Class: "pii", Count: 2}, {Entity: "EMAIL", Class: "pii", Role: "system", Count: 1}}
	deny.Response, deny.CostKnown = genai.Response{}, false
	out["deny"] = deny

	redact := base()
	redact.Decision, redact.Redactions = "redact", map[string]int{"EMAIL": 2, "CREDIT_CARD": 1}
	redact.Target, redact.UpstreamModel = "on-prem", "llama-3"
	redact.Experiment = &policy.Experiment{Name: "small-model", Variant: "b"}
	redact.RequestFindings = []policy.FindingFact{{Entity: "EMAIL", Count: 2}}
	redact.ResponseFindings = []policy.FindingFact{{Entity: "CREDIT_CARD", Count: 1}}
	out["redact"] = redact

	retried := base()
	retried.Attempts = []call.AttemptRecord{
		{Number: 1, Target: "public", Address: "10.0.0.1:443", Status: 503, Started: began.Add(10 * time.Millisecond), Ended: began.Add(200 * time.Millisecond)},
		{Number: 2, Target: "backup", Address: "10.0.0.2:443", Status: 200, Started: began.Add(300 * time.Millisecond), Ended: began.Add(900 * time.Millisecond)},
		{Number: 3, Target: "never-answered", Address: "nowhere", Started: began.Add(950 * time.Millisecond)},
	}
	out["attempts"] = retried

	aborted := base()
	aborted.Aborted, aborted.Complete, aborted.ErrorType, aborted.Response = true, false, "client_abort", genai.Response{}
	aborted.CostKnown, aborted.Coverage = false, policy.Coverage{Request: policy.Full, Response: policy.Partial, Reasons: []string{"aborted"}}
	out["aborted"] = aborted

	broken := base()
	broken.Decision, broken.FailedOpen, broken.Err = "allow", true, &policy.Error{Kind: policy.Timeout, Err: errors.New("late, while judging a secret prompt")}
	broken.Coverage = policy.Coverage{Request: policy.Partial, Response: policy.None, Reasons: []string{"failed_open"}}
	out["failed_open"] = broken

	out["unknown_api"] = &call.Record{ID: "c1", Started: began, Ended: began.Add(time.Second), Operation: genai.Other, ServerAddress: "example.com",
		Decision: "allow", Complete: true, Coverage: policy.Coverage{Request: policy.None, Response: policy.None, Reasons: []string{"unknown_api"}}}

	embed := base()
	embed.API, embed.Operation, embed.RequestModel = "openai.embeddings", genai.Embeddings, "text-embedding-3-small"
	embed.Request = &genai.Request{Operation: genai.Embeddings, Params: genai.Params{Dimensions: ptr(int64(256)), EncodingFormats: []string{"float"}}}
	embed.Response = genai.Response{Model: "text-embedding-3-small", Usage: genai.Usage{InputTokens: 3, HasInput: true, Reported: true, CostUSD: ptr(0.1)}}
	embed.CostReported, embed.CostUSD = true, 0.1
	out["embeddings"] = embed

	content := base()
	content.InputMessages = []byte(`[{"role":"user","parts":[{"type":"text","content":"hi [EMAIL]"}]}]`)
	content.OutputMessages = []byte(`[{"role":"assistant","parts":[{"type":"text","content":"hello"}],"finish_reason":"stop"}]`)
	content.SystemInstructions = []byte(`[{"type":"text","content":"be kind"}]`)
	out["content"] = content
	large := base()
	large.InputMessages = []byte(`[{"type":"text","content":"` + strings.Repeat("x", maxContent) + `"}]`)
	out["content_large"] = large
	return out
}

// goldenSpan is a span in a form that does not change from run to run.
type goldenSpan struct {
	Name, Kind, Status string
	Start, End         string `json:",omitempty"` // after the call's start
	Parent             string `json:",omitempty"`
	Attributes         map[string]any
	Events             map[string]string `json:",omitempty"`
}

func golden(spans []*tracepb.Span) []goldenSpan {
	names := map[string]string{}
	for _, s := range spans {
		names[hex.EncodeToString(s.SpanId)] = s.Name
	}
	since := func(nanos uint64) string { return time.Unix(0, int64(nanos)).Sub(began).String() }
	var out []goldenSpan
	for _, s := range spans {
		g := goldenSpan{Name: s.Name, Kind: s.Kind.String(), Status: s.Status.GetCode().String(), Start: since(s.StartTimeUnixNano), End: since(s.EndTimeUnixNano), Attributes: plain(s.Attributes)}
		if len(s.ParentSpanId) > 0 {
			g.Parent = names[hex.EncodeToString(s.ParentSpanId)]
		}
		for _, e := range s.Events {
			g.Events = map[string]string{e.Name: since(e.TimeUnixNano)}
		}
		out = append(out, g)
	}
	return out
}

func TestGoldenSpans(t *testing.T) {
	for name, rec := range records() {
		t.Run(name, func(t *testing.T) {
			spans := export(t, func(s *Settings) { s.Content = strings.HasPrefix(name, "content") }, call.Parent{}, rec)
			got, err := json.MarshalIndent(golden(spans), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "spans", name+".json")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Content stands in records, but only settings put it into spans; a message
// quoted by a policy or an error never gets there.
func TestNoContentUnlessAsked(t *testing.T) {
	for name, rec := range records() {
		for _, s := range export(t, nil, call.Parent{}, rec) {
			text := fmt.Sprint(s)
			for _, secret := range []string{"hi [EMAIL]", "hello", "be kind", "xxxx", "quote the prompt", "secret place", "secret prompt"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: a span holds %q", name, secret)
				}
			}
		}
	}
}

// What comes from outside can't break a span: a collector refuses a whole
// message for one string that is no UTF-8, or mistakes one attribute for another.
func TestHostileRecord(t *testing.T) {
	hostile := strings.Repeat("\xff\x00é😀", 200)
	rec := records()["stream"]
	rec.RequestModel, rec.UpstreamModel, rec.Response.Model, rec.Response.ID = hostile, hostile, hostile, hostile
	rec.Provider, rec.ServerAddress, rec.Target, rec.ErrorType = hostile, hostile, hostile, hostile
	rec.Request.ConversationID, rec.Request.PreviousResponseID = hostile, hostile
	rec.Request.Params.StopSequences = []string{hostile, "ok"}
	rec.Request.Params.OutputType, rec.Request.Params.ServiceTier = hostile, hostile
	rec.Response.FinishReasons = []genai.FinishReason{{Reason: hostile}}
	rec.Identity = policy.IdentityFacts{Subject: hostile, Tenant: hostile}
	rec.Denies = []policy.Deny{{Code: hostile}}
	rec.Labels = map[string]string{hostile: hostile, hostile + "2": "same key once cut", "": "empty"}
	rec.Redactions = map[string]int{hostile: 1, hostile + "2": 2}
	for i := range 500 {
		rec.Labels[fmt.Sprint("label", i)] = "x"
		rec.Response.ToolCalls = append(rec.Response.ToolCalls, genai.ToolCall{Name: fmt.Sprint("tool", i)})
	}
	rec.InputMessages = []byte(`["` + hostile + `"]`)
	rec.Attempts = []call.AttemptRecord{{Target: hostile, Address: hostile, Number: -1}}
	spans := export(t, func(s *Settings) { s.Content = true; s.Traces.Baggage = []string{attrDecision, "a"} },
		call.Parent{Baggage: "regent.decision=forged,a=" + strings.Repeat("%41", 300)}, rec)
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	for _, s := range spans {
		if len(s.Attributes) > 160 {
			t.Errorf("%d attributes", len(s.Attributes))
		}
		seen := map[string]bool{}
		for _, kv := range s.Attributes {
			if seen[kv.Key] {
				t.Errorf("%q is there twice", kv.Key)
			}
			seen[kv.Key] = true
			if text := kv.Value.GetStringValue(); len(text) > maxString && kv.Key != attrInputMessages {
				t.Errorf("%q has %d bytes", kv.Key, len(text))
			}
			if n := len(kv.Value.GetArrayValue().GetValues()); n > maxList {
				t.Errorf("%q has %d elements", kv.Key, n)
			}
		}
	}
	if got := plain(spans[0].Attributes)[attrDecision]; got != "allow" {
		t.Errorf("baggage made the decision %v", got)
	}
}

func TestNoUsage(t *testing.T) {
	for _, s := range export(t, func(s *Settings) { s.NoUsage = true }, call.Parent{}, records()["stream"]) {
		for key := range plain(s.Attributes) {
			if strings.HasPrefix(key, "gen_ai.usage.") && key != attrUsageCost {
				t.Errorf("%s is there", key)
			}
		}
	}
}

func TestParentage(t *testing.T) {
	const (
		traceID = "0af7651916cd43dd8448eb211c80319c"
		spanID  = "b7ad6b7169203331"
	)
	rec, denied := records()["chat"], records()["deny"]
	for _, c := range []struct {
		name        string
		parent      call.Parent
		rec         *call.Record
		exported    bool
		childOf     bool
		traceparent string // a pattern
		kept        any
	}{
		{"root", call.Parent{}, rec, true, false, "-01$", nil},
		{"sampled parent", call.Parent{Traceparent: "00-" + traceID + "-" + spanID + "-01", Tracestate: "vendor=1"}, rec, true, true, "^00-" + traceID + "-[0-9a-f]{16}-01$", nil},
		{"unsampled parent", call.Parent{Traceparent: "00-" + traceID + "-" + spanID + "-00"}, rec, false, true, "^00-" + traceID + "-[0-9a-f]{16}-00$", nil},
		{"unsampled parent, kept", call.Parent{Traceparent: "00-" + traceID + "-" + spanID + "-00"}, denied, true, true, "-00$", "denied"},
		{"sampled parent, would be kept", call.Parent{Traceparent: "00-" + traceID + "-" + spanID + "-01"}, denied, true, true, "-01$", nil},
		{"b3", call.Parent{B3: traceID + "-" + spanID + "-1"}, rec, true, true, "^00-" + traceID + "-", nil},
		{"b3 unsampled", call.Parent{B3: traceID + "-" + spanID + "-0"}, rec, false, true, "-00$", nil},
		{"b3 64 bit", call.Parent{B3: traceID[16:] + "-" + spanID + "-1"}, rec, true, false, "^00-0000000000000000" + traceID[16:], nil},
		{"W3C before b3", call.Parent{Traceparent: "00-" + traceID + "-" + spanID + "-01", B3: "1" + traceID[1:] + "-" + spanID + "-1"}, rec, true, true, "^00-" + traceID, nil},
		{"malformed", call.Parent{Traceparent: "00-xyz"}, rec, true, false, "^00-[0-9a-f]{32}-", nil},
		{"all zero", call.Parent{Traceparent: "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01"}, rec, true, false, "-01$", nil},
		{"future version", call.Parent{Traceparent: "cc-" + traceID + "-" + spanID + "-01-what"}, rec, true, true, "^00-" + traceID, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &receiver{}
			tel := start(t, settings(r.startGRPC(t)))
			live := tel.Begin(c.parent)
			if !regexp.MustCompile(c.traceparent).MatchString(live.Traceparent()) {
				t.Errorf("traceparent %q, want %s", live.Traceparent(), c.traceparent)
			}
			live.End(c.rec)
			if err := tel.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			spans := r.spans()
			if !c.exported {
				if len(spans) > 0 {
					t.Errorf("%d spans", len(spans))
				}
				return
			}
			if len(spans) != 1 {
				t.Fatalf("%d spans", len(spans))
			}
			s := spans[0]
			if hex.EncodeToString(s.TraceId) != live.TraceID() || hex.EncodeToString(s.SpanId) != live.SpanID() {
				t.Errorf("ids %x %x, but the call was told %s %s", s.TraceId, s.SpanId, live.TraceID(), live.SpanID())
			}
			if !strings.Contains(live.Traceparent(), live.TraceID()+"-"+live.SpanID()) {
				t.Errorf("traceparent %q is of other ids", live.Traceparent())
			}
			if c.childOf && hex.EncodeToString(s.ParentSpanId) != spanID {
				t.Errorf("parent %x", s.ParentSpanId)
			}
			if c.parent.Tracestate != "" && s.TraceState != c.parent.Tracestate {
				t.Errorf("tracestate %q", s.TraceState)
			}
			if got := plain(s.Attributes)[attrKept]; got != c.kept {
				t.Errorf("kept is %v, want %v", got, c.kept)
			}
		})
	}
}

func TestIDsAreDistinct(t *testing.T) {
	tel := start(t, settings((&receiver{}).startGRPC(t)))
	seen := map[string]bool{}
	for range 1000 {
		live := tel.Begin(call.Parent{})
		if seen[live.TraceID()] || seen[live.SpanID()] {
			t.Fatal("an id came twice")
		}
		seen[live.TraceID()], seen[live.SpanID()] = true, true
	}
}

func TestBaggage(t *testing.T) {
	spans := export(t, func(s *Settings) { s.Traces.Baggage = []string{"session.id", "absent"} },
		call.Parent{Baggage: "session.id=abc%20d,other=secret"}, records()["chat"])
	attrs := plain(spans[0].Attributes)
	if attrs["session.id"] != "abc d" || attrs["other"] != nil {
		t.Errorf("%v", attrs)
	}
	if got := baggageMembers("%%%;;;", []string{"a"}); got != nil {
		t.Errorf("malformed baggage gave %v", got)
	}
}

func TestResource(t *testing.T) {
	r := &receiver{}
	s := settings(r.startGRPC(t))
	s.Resource = map[string]string{"deployment.environment.name": "test"}
	s.Traces.Headers = map[string]string{"authorization": "Bearer x"}
	s.Traces.Compression = "gzip"
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "team=search,deployment.environment.name=outranked")
	t.Setenv("OTEL_SERVICE_NAME", "from-env")
	tel := start(t, s)
	tel.Begin(call.Parent{}).End(records()["chat"])
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	attrs := plain(r.traces[0].Resource.Attributes)
	for key, want := range map[string]any{"service.name": "from-env", "service.version": "v0.0.0-test", "team": "search", "deployment.environment.name": "test", "telemetry.sdk.language": "go"} {
		if attrs[key] != want {
			t.Errorf("%s is %v, want %v", key, attrs[key], want)
		}
	}
	if attrs["service.instance.id"] == nil {
		t.Error("no service.instance.id")
	}
	if got := r.headers.Get("authorization"); len(got) != 1 || got[0] != "Bearer x" {
		t.Errorf("headers %v", r.headers)
	}
	if got := r.traces[0].ScopeSpans[0].SchemaUrl; got != schemaURL {
		t.Errorf("schema %q", got)
	}
}

func TestHTTPExport(t *testing.T) {
	for _, path := range []string{"", "/", "/api/public/otel/v1/traces"} {
		r := &receiver{}
		s := settings(r.startHTTP(t) + path)
		s.Traces.Protocol, s.Traces.Compression, s.Traces.Headers = "http", "gzip", map[string]string{"Authorization": "Basic x"}
		tel := start(t, s)
		tel.Begin(call.Parent{}).End(records()["chat"])
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(r.spans()) != 1 || r.headers.Get("authorization")[0] != "Basic x" || r.headers.Get("content-encoding")[0] != "gzip" {
			t.Errorf("path %q: %d spans, headers %v", path, len(r.spans()), r.headers)
		}
	}
}

// Spans and metrics reach a collector over TLS, and no collector whose
// certificate is not trusted.
func TestTLS(t *testing.T) {
	for _, protocol := range []string{"grpc", "http"} {
		r := &receiver{}
		url, trusted := r.startTLS(t, protocol)
		s := settings(url)
		s.Traces.Protocol, s.Traces.TLS = protocol, &tls.Config{RootCAs: trusted}
		s.Metrics.Export = s.Traces.Export
		tel := start(t, s)
		tel.Begin(call.Parent{}).End(records()["chat"])
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(r.spans()) != 1 || r.metric(metricDuration) == nil {
			t.Errorf("%s: %d spans, metric %v", protocol, len(r.spans()), r.metric(metricDuration))
		}
		s.Traces.TLS, s.Traces.Timeout, s.Metrics.Export = nil, 300*time.Millisecond, Export{Exporter: "none"}
		tel = start(t, s)
		tel.Begin(call.Parent{}).End(records()["chat"])
		_ = tel.Shutdown(context.Background())
		if exported, _, failed := tel.Exports(); exported != 0 || failed != 1 {
			t.Errorf("%s: %d exported to a stranger, %d failed", protocol, exported, failed)
		}
	}
}

func TestStdout(t *testing.T) {
	var out strings.Builder
	s := settings("")
	s.Traces.Exporter, s.Stdout = "stdout", &out
	tel := start(t, s)
	tel.Begin(call.Parent{}).End(records()["chat"])
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"chat gpt-4o"`) {
		t.Errorf("got %s", out.String())
	}
}

// With nothing but the standard variables set, telemetry arrives.
func TestStandardVariables(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		r := &receiver{}
		url := r.startGRPC(t)
		if protocol != "grpc" {
			url = r.startHTTP(t)
		}
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
		t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
		t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20env")
		s := settings("")
		s.Env, s.Traces.Exporter, s.Metrics.Exporter = os.Getenv, "auto", "auto"
		tel := start(t, s)
		tel.Begin(call.Parent{}).End(records()["chat"])
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(r.spans()) != 1 || r.metric(metricDuration) == nil || r.headers.Get("authorization")[0] != "Bearer env" {
			t.Errorf("%s: %d spans, metric %v, headers %v", protocol, len(r.spans()), r.metric(metricDuration), r.headers)
		}
	}
}

func TestResolveExporter(t *testing.T) {
	type env map[string]string
	for _, c := range []struct {
		name               string
		export             Export
		env                env
		exporter, protocol string
		fails              bool
	}{
		{"nothing", Export{Exporter: "auto"}, nil, "none", "grpc", false},
		{"endpoint in the settings", Export{Exporter: "auto", Endpoint: "http://c:4317"}, nil, "otlp", "grpc", false},
		{"port 4318 is HTTP", Export{Exporter: "auto", Endpoint: "http://c:4318"}, nil, "otlp", "http", false},
		{"protocol outranks port", Export{Exporter: "auto", Endpoint: "http://c:4318", Protocol: "grpc"}, nil, "otlp", "grpc", false},
		{"endpoint variable", Export{Exporter: "auto"}, env{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "otlp", "http", false},
		{"signal's variables first", Export{Exporter: "auto"}, env{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "otlp", "grpc", false},
		{"exporter none", Export{Exporter: "auto", Endpoint: "http://c:4317"}, env{"OTEL_TRACES_EXPORTER": "none"}, "none", "grpc", false},
		{"exporter console", Export{Exporter: "auto"}, env{"OTEL_TRACES_EXPORTER": "console"}, "stdout", "grpc", false},
		{"settings outrank the variable", Export{Exporter: "otlp"}, env{"OTEL_TRACES_EXPORTER": "none"}, "otlp", "grpc", false},
		{"disabled", Export{Exporter: "otlp"}, env{"OTEL_SDK_DISABLED": "true"}, "none", "grpc", false},
		{"unknown exporter", Export{Exporter: "auto"}, env{"OTEL_TRACES_EXPORTER": "zipkin"}, "", "", true},
		{"unknown protocol", Export{Exporter: "otlp"}, env{"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "", "", true},
	} {
		got, err := c.export.resolve("TRACES", func(k string) string { return c.env[k] })
		if (err != nil) != c.fails {
			t.Errorf("%s: error %v", c.name, err)
		} else if !c.fails && (got.Exporter != c.exporter || got.Protocol != c.protocol) {
			t.Errorf("%s: %s %s, want %s %s", c.name, got.Exporter, got.Protocol, c.exporter, c.protocol)
		}
	}
}

func TestNothingExported(t *testing.T) {
	s := settings("")
	s.Traces.Exporter, s.Metrics.Prometheus = "none", false
	tel := start(t, s)
	live := tel.Begin(call.Parent{})
	if len(live.TraceID()) != 32 {
		t.Error("no ids without an exporter")
	}
	live.End(records()["stream"])
	tel.Released("not_llm")
	tel.Loaded("r1", nil)
	if tel.Gatherer() != nil {
		t.Error("a gatherer, though it is off")
	}
}
