package telemetry

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// gathered is what /metrics shows, by metric name.
func gathered(t *testing.T, tel *Telemetry) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := tel.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*dto.MetricFamily{}
	for _, f := range families {
		out[f.GetName()] = f
	}
	return out
}

// labelsOf is a metric's labels, sorted, as name=value.
func labelsOf(m *dto.Metric) string {
	var out []string
	for _, l := range m.Label {
		out = append(out, l.GetName()+"="+l.GetValue())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// values is a counter family's or histogram count's values by labels.
func values(f *dto.MetricFamily) map[string]float64 {
	out := map[string]float64{}
	for _, m := range f.GetMetric() {
		switch {
		case m.Counter != nil:
			out[labelsOf(m)] = m.Counter.GetValue()
		case m.Gauge != nil:
			out[labelsOf(m)] = m.Gauge.GetValue()
		case m.Histogram != nil:
			out[labelsOf(m)] = m.Histogram.GetSampleSum()
		}
	}
	return out
}

func metricSettings() Settings {
	s := settings("")
	s.Traces.Exporter = "none"
	return s
}

func TestPrometheusMetrics(t *testing.T) {
	s := metricSettings()
	s.IdentityLabels = []string{"team"}
	tel := start(t, s)
	all := records()
	for _, name := range slices.Sorted(maps.Keys(all)) { // a name is admitted by a call that went well
		tel.Begin(call.Parent{}).End(all[name])
	}
	live := tel.Begin(call.Parent{})
	tel.Released("not_llm")
	tel.Loaded("r0", nil)
	tel.Loaded("r1", nil)
	tel.Loaded("r1", fmt.Errorf("bad"))
	tel.StreamOpened()
	tel.StreamOpened()
	tel.StreamClosed(codes.Unavailable)
	tel.Message("request headers")
	tel.Message("request headers")
	tel.LocalReply()
	tel.HeaderRejected("x")
	tel.Panicked()
	tel.BundleActivated("main")
	tel.BundleFailed("main", true)
	tel.BundleFailed("main", false)
	tel.DecisionDropped()
	got := gathered(t, tel)
	const chat = "gen_ai_operation_name=chat gen_ai_provider_name=openai gen_ai_request_model=gpt-4o"
	for _, c := range []struct {
		family, labels string
		want           float64
	}{
		{"gen_ai_client_token_usage", chat + " gen_ai_response_model=gpt-4o-2024-11-20 gen_ai_token_type=input regent_identity_team=search server_address=api.openai.com server_port=443", 10},
		{"gen_ai_client_token_usage", chat + " gen_ai_response_model=gpt-4o-2024-11-20 gen_ai_token_type=output regent_identity_team=search server_address=api.openai.com server_port=443", 20},
		{"gen_ai_client_operation_duration_seconds", "error_type=policy_violation " + chat + " server_address=api.openai.com server_port=443", 1.5},
		{"gen_ai_client_operation_time_to_first_chunk_seconds", chat + " gen_ai_response_model=gpt-4o-2024-11-20 server_address=api.openai.com server_port=443", 0.25},
		{"gen_ai_client_operation_time_per_output_chunk_seconds", chat + " gen_ai_response_model=gpt-4o-2024-11-20 server_address=api.openai.com server_port=443", 0.3},
		{"regent_calls_total", chat + " regent_coverage=none regent_decision=deny", 1},
		{"regent_calls_total", chat + " regent_coverage=full regent_decision=allow regent_identity_team=search", 1},
		{"regent_cost_usd_total", chat + " regent_identity_team=search", 0.000225},
		{"regent_cost_usd_total", chat + " regent_target=on-prem", 0.000225},
		{"regent_denials_total", "regent_deny_code=secret_in_prompt regent_phase=request", 1},
		{"regent_denials_total", "regent_deny_code=too_dear regent_phase=request", 1},
		{"regent_redactions_total", "regent_entity=EMAIL", 2},
		{"regent_findings_total", "regent_coverage_part=response regent_entity=CREDIT_CARD", 1},
		{"regent_coverage_total", "regent_coverage_level=partial regent_coverage_part=response", 1},
		{"regent_coverage_gaps_total", "regent_reason=aborted", 1},
		{"regent_fail_open_total", "", 1},
		{"regent_policy_errors_total", "regent_kind=timeout", 1},
		{"regent_policy_reloads_total", "regent_result=ok", 2},
		{"regent_policy_reloads_total", "regent_result=failed", 1},
		{"regent_policy_info", "regent_policy_revision=r1", 1},
		{"regent_policy_fresh", "", 0},
		{"regent_released_total", "regent_reason=not_llm", 1},
		{"regent_calls_open", "", 1},
		{"regent_streams_open", "", 1},
		{"regent_streams_closed_total", "regent_result=Unavailable", 1},
		{"regent_messages_total", "regent_kind=request headers", 2},
		{"regent_local_replies_total", "", 1},
		{"regent_panics_total", "", 1},
		{"regent_policy_bundles_total", "regent_policy_bundle=main regent_result=activated", 1},
		{"regent_policy_bundles_total", "regent_policy_bundle=main regent_result=refused", 1},
		{"regent_policy_bundles_total", "regent_policy_bundle=main regent_result=failed", 1},
		{"regent_decision_logs_dropped_total", "", 1},
		{"regent_headers_rejected_total", "", 1},
		{"regent_held_bytes", "", 17},
		{"regent_policy_duration_seconds", "", 0.0003 * 10},
	} {
		value, ok := values(got[c.family])[c.labels]
		if !ok || value-c.want > 1e-9 || c.want-value > 1e-9 {
			t.Errorf("%s{%s} is %v, want %v; there is %v", c.family, c.labels, value, c.want, values(got[c.family]))
		}
	}
	if seen := fmt.Sprint(values(got["gen_ai_client_operation_duration_seconds"])); strings.Contains(seen, "=other") {
		t.Errorf("a request that no dialect claims is counted as GenAI: %s", seen)
	}
	if n := len(got["regent_policy_info"].Metric); n != 1 {
		t.Errorf("%d policies are in force", n)
	}
	for _, family := range []string{"go_goroutines", "process_open_fds"} {
		if got[family] == nil {
			t.Errorf("no %s", family)
		}
	}
	live.End(records()["chat"])
	if open := values(gathered(t, tel)["regent_calls_open"])[""]; open != 0 {
		t.Errorf("%v calls open", open)
	}
}

func TestExportCounts(t *testing.T) {
	r := &receiver{}
	tel := start(t, settings(r.startGRPC(t)))
	tel.Begin(call.Parent{}).End(records()["chat"])
	for len(r.spans()) == 0 {
		time.Sleep(time.Millisecond)
	}
	for values(gathered(t, tel)["regent_export_spans_total"])["regent_result=exported"] != 1 {
		time.Sleep(time.Millisecond)
	}
}

// The conventions' buckets, as they reach a collector.
func TestBuckets(t *testing.T) {
	r := &receiver{}
	s := metricSettings()
	s.Metrics.Export = Export{Exporter: "otlp", Endpoint: r.startGRPC(t), Timeout: 5 * time.Second}
	tel := start(t, s)
	tel.Begin(call.Parent{}).End(records()["stream"])
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	seconds := []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	tokens := []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
	for name, c := range map[string]struct {
		unit   string
		bounds []float64
		points int
	}{
		"gen_ai.client.token.usage":                     {"{token}", tokens, 2},
		"gen_ai.client.operation.duration":              {"s", seconds, 1},
		"gen_ai.client.operation.time_to_first_chunk":   {"s", seconds, 1},
		"gen_ai.client.operation.time_per_output_chunk": {"s", seconds, 1},
	} {
		m := r.metric(name)
		if m == nil {
			t.Errorf("no %s", name)
			continue
		}
		points := m.Data.(*metricspb.Metric_Histogram).Histogram.DataPoints
		if m.Unit != c.unit || len(points) != c.points || !slices.Equal(points[0].ExplicitBounds, c.bounds) {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// A caller that makes names up must not make series up.
func TestHostileNamesAreBounded(t *testing.T) {
	s := metricSettings()
	s.MaxModels, s.MaxIdentities, s.IdentityLabels = 5, 4, []string{"tenant", "team", "app"}
	tel := start(t, s)
	good := records()["chat"]
	tel.Begin(call.Parent{}).End(good)
	for i := range 3000 {
		bad := *records()["chat"]
		name := fmt.Sprintf("model-%d\xff%s", i, strings.Repeat("x", 500))
		bad.RequestModel, bad.Response.Model, bad.ServerAddress, bad.Target = name, name, name, name
		bad.ErrorType, bad.Provider = name, name
		bad.Identity = policy.IdentityFacts{Tenant: name, Team: name, App: name}
		bad.Denies = nil
		bad.Redactions = map[string]int{name: 1}
		bad.RequestFindings = []policy.FindingFact{{Entity: name, Count: 1}}
		bad.Coverage.Reasons = []string{name}
		switch i % 3 {
		case 0:
			bad.HTTPStatus = 404
		case 1:
			bad.Denies = []policy.Deny{{Code: name}}
		}
		tel.Begin(call.Parent{}).End(&bad)
	}
	tel.Begin(call.Parent{}).End(good)
	distinct := map[string]map[string]bool{}
	for name, f := range gathered(t, tel) {
		if strings.HasPrefix(name, "go_") {
			continue
		}
		if n := len(f.Metric); n > 2001 {
			t.Errorf("%s has %d series", name, n)
		}
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if distinct[l.GetName()] == nil {
					distinct[l.GetName()] = map[string]bool{}
				}
				distinct[l.GetName()][l.GetValue()] = true
				if len(l.GetValue()) > maxString {
					t.Errorf("%s: a value of %d bytes", l.GetName(), len(l.GetValue()))
				}
			}
		}
	}
	for label, most := range map[string]int{
		"gen_ai_request_model": 5, "gen_ai_response_model": 5, "regent_identity_tenant": 4, "regent_identity_team": 4, "regent_identity_app": 4,
		"server_address": maxTargets, "regent_target": maxTargets, "gen_ai_provider_name": maxTargets, "error_type": maxCodes,
		"regent_deny_code": maxCodes, "regent_entity": maxCodes, "regent_reason": maxReasons,
	} {
		if n := len(distinct[label]); n > most+1 || n < 2 {
			t.Errorf("%s has %d values, want at most %d and _OTHER", label, n, most)
		}
		if !distinct[label]["_OTHER"] {
			t.Errorf("%s has no _OTHER", label)
		}
	}
}

// Names that a provider refused or a policy denied take no place from real ones.
func TestRefusedNamesAreNotAdmitted(t *testing.T) {
	s := metricSettings()
	s.MaxModels = 2
	tel := start(t, s)
	for i := range 10 {
		refused := *records()["chat"]
		refused.RequestModel, refused.HTTPStatus, refused.Response = fmt.Sprintf("made-up-%d", i), 404, genai.Response{}
		tel.Begin(call.Parent{}).End(&refused)
	}
	tel.Begin(call.Parent{}).End(records()["chat"])
	seen := fmt.Sprint(values(gathered(t, tel)["regent_calls_total"]))
	if strings.Contains(seen, "made-up") || !strings.Contains(seen, "gen_ai_request_model=gpt-4o") {
		t.Error(seen)
	}
}

func TestExemplarsPointToTheTrace(t *testing.T) {
	tel := start(t, settings((&receiver{}).startGRPC(t)))
	live := tel.Begin(call.Parent{})
	live.End(records()["chat"])
	for _, m := range gathered(t, tel)["gen_ai_client_operation_duration_seconds"].GetMetric() {
		for _, b := range m.Histogram.Bucket {
			for _, l := range b.GetExemplar().GetLabel() {
				if l.GetName() == "trace_id" && l.GetValue() == live.TraceID() {
					return
				}
			}
		}
	}
	t.Error("no exemplar names the trace")
}

// rawCodec leaves messages unread: a collector that costs nothing.
type rawCodec struct{}

func (rawCodec) Name() string                         { return "proto" }
func (rawCodec) Marshal(any) (mem.BufferSlice, error) { return mem.BufferSlice{}, nil }
func (rawCodec) Unmarshal(mem.BufferSlice, any) error { return nil }

func discardServer(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		_ = stream.RecvMsg(nil)
		return stream.SendMsg(nil)
	}))
	go func() { _ = s.Serve(l) }()
	b.Cleanup(s.Stop)
	return "http://" + l.Addr().String()
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCall is a call's whole telemetry, its share of the exports included.
func BenchmarkCall(b *testing.B) {
	off := metricSettings()
	off.Metrics.Prometheus = false
	traced := settings(discardServer(b))
	traced.Traces.Queue = 1_000_000
	unsampled := traced
	unsampled.Traces.Ratio = 0
	for _, c := range []struct {
		name string
		s    Settings
	}{{"off", off}, {"metrics", metricSettings()}, {"metrics, not sampled", unsampled}, {"metrics and traces", traced}} {
		for _, kind := range []string{"chat", "stream"} {
			b.Run(c.name+"/"+kind, func(b *testing.B) {
				tel := start(b, c.s)
				rec := records()[kind]
				b.ReportAllocs()
				before := cpuTime()
				for b.Loop() {
					tel.Begin(call.Parent{}).End(rec)
				}
				_ = tel.Shutdown(context.Background())
				b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// discard takes spans and forgets them.
type discard struct{}

func (discard) UploadTraces(context.Context, []*tracepb.ResourceSpans) error { return nil }
func (discard) Stop(context.Context) error                                   { return nil }

// BenchmarkSpan is a call's span without its export.
func BenchmarkSpan(b *testing.B) {
	s := settings("").Traces
	s.Queue = 100_000
	tel := withQueue(b, discard{}, s)
	for name, rec := range map[string]*call.Record{"chat": records()["chat"], "stream": records()["stream"]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tel.Begin(call.Parent{}).End(rec)
			}
		})
	}
}

// Experiments are counted apart where that is asked for, and bounded.
func TestExperiments(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		s := metricSettings()
		s.Metrics.Experiments = wanted
		tel := start(t, s)
		for i := range 300 {
			rec := records()["redact"]
			rec.Experiment.Variant = fmt.Sprint("v", i)
			tel.Begin(call.Parent{}).End(rec)
		}
		got := values(gathered(t, tel)["regent_calls_total"])
		named := 0
		for labels := range got {
			if strings.Contains(labels, "regent_experiment_name=small-model") && strings.Contains(labels, "regent_experiment_variant=v") {
				named++
			}
		}
		if want := map[bool]int{false: 0, true: maxTargets - 1}[wanted]; named != want {
			t.Errorf("experiments %t: %d variants are counted, want %d", wanted, named, want)
		}
	}
}
