package telemetry

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc/codes"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// Buckets of the conventions v1.41, and of Regent's own histograms.
var (
	secondBuckets     = []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	tokenBuckets      = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
	evaluationBuckets = []float64{25e-6, 50e-6, 100e-6, 200e-6, 400e-6, 800e-6, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3, 25.6e-3, 51.2e-3, 0.1}
	rpcBuckets        = []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300}
	heldBuckets       = []float64{0, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576}
	heldSecondBuckets = []float64{0, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
)

// Bounds of the attributes that no setting bounds.
const (
	maxCodes   = 200 // deny codes, error types, entities, MCP's tools and prompts
	maxTargets = 100 // targets, server addresses, experiments and their variants
	maxReasons = 50  // coverage reasons, release reasons, MCP's methods
	cachedSets = 4096
	scopeName  = "regent"
)

// views set the buckets of the histograms.
func views() []sdkmetric.View {
	view := func(name string, buckets []float64) sdkmetric.View {
		return sdkmetric.NewView(sdkmetric.Instrument{Name: name}, sdkmetric.Stream{
			Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: buckets},
		})
	}
	return []sdkmetric.View{
		view(metricTokenUsage, tokenBuckets),
		view(metricDuration, secondBuckets),
		view(metricFirstChunk, secondBuckets),
		view(metricMCPDuration, rpcBuckets),
		view("regent.policy.duration", evaluationBuckets),
		view("regent.held.bytes", heldBuckets),
		view("regent.held.duration", heldSecondBuckets),
		view("regent.attempt.duration", secondBuckets),
	}
}

func newPrometheus(registry *prometheus.Registry, chunks *chunkMeter) (sdkmetric.Reader, error) {
	return otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithProducer(chunks), otelprom.WithoutScopeInfo())
}

// metrics are the instruments, and the vocabularies that bound their attributes.
type metrics struct {
	noUsage bool
	labels  []string // of tenant, team, app
	cache   setCache
	chunks  *chunkMeter

	models, identities, providers  *vocabulary
	codes, entities                *vocabulary
	errorTypes, targets, addresses *vocabulary
	methods, tools, variants       *vocabulary
	experiments                    bool
	reasons                        *vocabulary

	open    atomic.Int64 // calls between begin and end
	streams atomic.Int64 // of ext_proc
	policy  atomic.Pointer[loaded]
	rollout atomic.Pointer[func() rollout.Counters]

	tries                                        attempts
	heldTime                                     metric.Float64Histogram
	tokens, heldBytes                            metric.Int64Histogram
	duration, firstChunk, policySec, rpcDuration metric.Float64Histogram
	cost                                         metric.Float64Counter
	calls, denials, redactions, findings         metric.Int64Counter
	coverage, gaps, unknown, failOpen, released  metric.Int64Counter
	policyErrors, reloads                        metric.Int64Counter
	bundles, undecided                           metric.Int64Counter
	localReplies, headers, panics                metric.Int64Counter
	messages, closed                             tally
	remote, remoteStates                         tally
}

func newMetrics(provider metric.MeterProvider, s *Settings, q *queue, chunks *chunkMeter, st *store) (*metrics, error) {
	m := &metrics{
		noUsage: s.NoUsage, labels: s.IdentityLabels,
		models: newVocabulary(s.MaxModels), identities: newVocabulary(s.MaxIdentities), providers: newVocabulary(maxTargets),
		codes: newVocabulary(maxCodes), entities: newVocabulary(maxCodes), errorTypes: newVocabulary(maxCodes),
		targets: newVocabulary(maxTargets), addresses: newVocabulary(maxTargets), reasons: newVocabulary(maxReasons),
		methods: newVocabulary(maxReasons), tools: newVocabulary(maxCodes),
		variants: newVocabulary(maxTargets), experiments: s.Metrics.Experiments,
	}
	in := instruments{meter: provider.Meter(scopeName, metric.WithInstrumentationVersion(s.ServiceVersion), metric.WithSchemaURL(schemaURL))}
	m.tokens = in.histogram(metricTokenUsage, "{token}", "Number of input and output tokens used.")
	m.duration = in.seconds(metricDuration, "GenAI operation duration.")
	m.firstChunk = in.seconds(metricFirstChunk, "Time to receive the first chunk of a stream.")
	m.chunks = chunks
	m.rpcDuration = in.seconds(metricMCPDuration, "Duration of an MCP request or notification.")
	m.policySec = in.seconds("regent.policy.duration", "Time a call spent in policy evaluation.")
	m.heldBytes = in.histogram("regent.held.bytes", "By", "Most bytes a stream held back at once.")
	m.heldTime = in.seconds("regent.held.duration", "Time a stream was held back, chunk to chunk.")
	m.tries.duration = in.seconds("regent.attempt.duration", "Time of a try at an upstream.")
	m.cost = in.sum("regent.cost.usd", "{USD}", "Cost of calls in US dollars.")
	m.calls = in.counter("regent.calls", "{call}", "Calls by decision and coverage.")
	m.denials = in.counter("regent.denials", "{denial}", "Denials by code and phase.")
	m.redactions = in.counter("regent.redactions", "{value}", "Values redacted, by entity.")
	m.findings = in.counter("regent.findings", "{value}", "Values found, by entity.")
	m.coverage = in.counter("regent.coverage", "{call}", "Calls by how much of request and response was read and judged.")
	m.gaps = in.counter("regent.coverage.gaps", "{call}", "Calls by the reason why a part was not read or judged.")
	m.unknown = in.counter("regent.unknown", "{item}", "What passed without a known meaning.")
	m.failOpen = in.counter("regent.fail_open", "{call}", "Calls that an error let pass unjudged.")
	m.released = in.counter("regent.released", "{request}", "Requests that were no LLM call.")
	m.policyErrors = in.counter("regent.policy.errors", "{call}", "Calls whose policy evaluation failed.")
	m.reloads = in.counter("regent.policy.reloads", "{reload}", "Policy loads by result.")
	m.bundles = in.counter("regent.policy.bundles", "{bundle}", "Fetched policy bundles by name and result.")
	m.undecided = in.counter("regent.decision_logs.dropped", "{decision}", "Decisions not logged because the queue was full.")
	m.localReplies = in.counter("regent.local_replies", "{response}", "Responses that Envoy made before Regent saw their request.")
	m.headers = in.counter("regent.headers.rejected", "{header}", "Headers not sent because Envoy would not take them.")
	m.panics = in.counter("regent.panics", "{panic}", "Panics, each of which ended one call.")
	in.tallied("regent.messages", "{message}", "Messages of Envoy's by kind.", attrKind, &m.messages)
	in.tallied("regent.streams.closed", "{stream}", "Ended ext_proc streams by gRPC code.", attrResult, &m.closed)
	in.tallied("regent.detect.remote.texts", "{text}", "Texts for the remote detector by what became of them.", attrResult, &m.remote)
	in.tallied("regent.detect.remote.states", "{change}", "Changes of the remote detector's circuit breaker, by its new state.", attrResult, &m.remoteStates)
	in.observed("regent.streams.open", "{stream}", "Open ext_proc streams.", m.streams.Load)
	in.observed("regent.calls.open", "{call}", "Calls in progress.", m.open.Load)
	in.observedPolicy(&m.policy)
	in.observedRollout(&m.rollout)
	if q != nil {
		in.observedSpans(q)
	}
	in.observedStore(st)
	if in.err == nil {
		m.zero(context.Background())
	}
	return m, in.err
}

// instruments makes instruments and keeps the first error.
type instruments struct {
	meter metric.Meter
	err   error
}

func (in *instruments) keep(err error) {
	if in.err == nil {
		in.err = err
	}
}

func (in *instruments) histogram(name, unit, text string) metric.Int64Histogram {
	h, err := in.meter.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(text))
	in.keep(err)
	return h
}

func (in *instruments) seconds(name, text string) metric.Float64Histogram {
	h, err := in.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(text))
	in.keep(err)
	return h
}

func (in *instruments) counter(name, unit, text string) metric.Int64Counter {
	c, err := in.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(text))
	in.keep(err)
	return c
}

func (in *instruments) sum(name, unit, text string) metric.Float64Counter {
	c, err := in.meter.Float64Counter(name, metric.WithUnit(unit), metric.WithDescription(text))
	in.keep(err)
	return c
}

func (in *instruments) observed(name, unit, text string, value func() int64) {
	_, err := in.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(text),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error { o.Observe(value()); return nil }))
	in.keep(err)
}

// tallied counts what happens too often for an instrument's own counter.
func (in *instruments) tallied(name, unit, text, attr string, counts *tally) {
	_, err := in.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(text),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			counts.each(func(word string, n int64) { o.Observe(n, with(attr, word)) })
			return nil
		}))
	in.keep(err)
}

// observedPolicy tells the policy in force; a revision that is replaced leaves.
func (in *instruments) observedPolicy(policy *atomic.Pointer[loaded]) {
	info, err := in.meter.Int64ObservableGauge("regent.policy.info", metric.WithUnit("{policy}"), metric.WithDescription("1, with the revision in force."))
	in.keep(err)
	fresh, err := in.meter.Int64ObservableGauge("regent.policy.fresh", metric.WithUnit("{policy}"), metric.WithDescription("1 where the last load of the policy was a success, 0 where an older one stays in force."))
	in.keep(err)
	_, err = in.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		p := policy.Load()
		if p == nil {
			return nil
		}
		o.ObserveInt64(info, 1, with(attrPolicyRevision, p.revision))
		o.ObserveInt64(fresh, int64(map[bool]int{true: 1}[p.ok]))
		return nil
	}, info, fresh)
	in.keep(err)
}

// observedSpans counts the spans by what became of them.
func (in *instruments) observedSpans(q *queue) {
	of := func(result string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attribute.String(attrResult, result)))
	}
	exported, dropped, failed := of("exported"), of("dropped"), of("failed")
	_, err := in.meter.Int64ObservableCounter("regent.export.spans", metric.WithUnit("{span}"),
		metric.WithDescription("Spans by result: dropped found no room in the queue, failed were refused or never answered."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(q.exported.Load(), exported)
			o.Observe(q.dropped.Load(), dropped)
			o.Observe(q.failed.Load(), failed)
			return nil
		}))
	in.keep(err)
}

// observedStore counts stored contents by what became of them.
func (in *instruments) observedStore(s *store) {
	_, err := in.meter.Int64ObservableCounter("regent.content.records", metric.WithUnit("{record}"),
		metric.WithDescription("Contents that spans refer to, by result: dropped found no room in the queue, evicted left for newer ones."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			if s != nil {
				o.Observe(s.written.Load(), with(attrResult, "written"))
				o.Observe(s.dropped.Load(), with(attrResult, "dropped"))
				o.Observe(s.failed.Load(), with(attrResult, "failed"))
				o.Observe(s.evicted.Load(), with(attrResult, "evicted"))
			}
			return nil
		}))
	in.keep(err)
}

func (m *metrics) begin() { m.open.Add(1) }

// end counts a finished call.
func (m *metrics) end(ctx context.Context, r *call.Record) {
	m.open.Add(-1)
	sets := m.cache.get(m.keyOf(r))
	if rpc := rpcOf(r); rpc != nil {
		m.rpcDuration.Record(ctx, r.Ended.Sub(r.Started).Seconds(), m.cache.rpc(m.rpcKeyOf(r, rpc)))
	} else {
		m.conventions(ctx, r, sets)
	}
	m.calls.Add(ctx, 1, sets.calls)
	if r.CostKnown {
		m.cost.Add(ctx, r.CostUSD, sets.spend)
	}
	if r.Evaluations > 0 {
		m.policySec.Record(ctx, r.PolicyTime.Seconds())
	}
	if r.Stream {
		m.heldBytes.Record(ctx, int64(r.HeldBytesMax))
		m.heldTime.Record(ctx, r.HeldTime.Seconds())
	}
	m.attempts(ctx, r)
	m.judged(ctx, r)
	m.oddities(ctx, r)
}

// conventions are the metrics of the GenAI conventions. A request that no dialect
// claims may be no GenAI call at all, and is left out.
func (m *metrics) conventions(ctx context.Context, r *call.Record, sets *sets) {
	if r.Dialect == "" {
		return
	}
	took := r.Ended.Sub(r.Started)
	m.duration.Record(ctx, took.Seconds(), sets.duration)
	if u := &r.Response.Usage; u.Reported && !m.noUsage {
		if u.HasInput {
			m.tokens.Record(ctx, u.InputTokens, sets.input)
		}
		if u.HasOutput {
			m.tokens.Record(ctx, u.OutputTokens, sets.output)
		}
	}
	if r.TimeToFirstChunk <= 0 {
		return
	}
	m.firstChunk.Record(ctx, r.TimeToFirstChunk.Seconds(), sets.stream)
	if r.ChunkTimes.Count > 0 {
		m.chunks.add(sets.common, &r.ChunkTimes)
	}
}

// judged counts what policy and detection did.
func (m *metrics) judged(ctx context.Context, r *call.Record) {
	for _, d := range r.Denies {
		m.denials.Add(ctx, 1, with(attrDenyCode, m.codes.of(d.Code, true), attrPhase, clean(r.DeniedIn)))
	}
	for entity, n := range r.Redactions {
		m.redactions.Add(ctx, int64(n), with(attrEntity, m.entities.of(entity, true)))
	}
	for _, f := range r.RequestFindings {
		m.findings.Add(ctx, int64(f.Count), with(attrEntity, m.entities.of(f.Entity, true), attrPart, "request"))
	}
	for _, f := range r.ResponseFindings {
		m.findings.Add(ctx, int64(f.Count), with(attrEntity, m.entities.of(f.Entity, true), attrPart, "response"))
	}
	m.coverage.Add(ctx, 1, m.cache.pair(attrPart, "request", attrLevel, string(r.Coverage.Request)))
	m.coverage.Add(ctx, 1, m.cache.pair(attrPart, "response", attrLevel, string(r.Coverage.Response)))
	for _, reason := range r.Coverage.Reasons {
		m.gaps.Add(ctx, 1, with(attrReason, m.reasons.of(reason, true)))
	}
}

// oddities count what should be rare.
func (m *metrics) oddities(ctx context.Context, r *call.Record) {
	if r.Request != nil && r.Request.UnknownParts > 0 {
		m.unknown.Add(ctx, int64(r.Request.UnknownParts), with(attrKind, "request_part"))
	}
	if r.Response.UnknownParts > 0 {
		m.unknown.Add(ctx, int64(r.Response.UnknownParts), with(attrKind, "response_part"))
	}
	if r.Response.Usage.Reported && !r.CostKnown {
		m.unknown.Add(ctx, 1, with(attrKind, "price"))
	}
	if r.FailedOpen {
		m.failOpen.Add(ctx, 1)
	}
	if r.FailedOpen || r.Decision == "error" {
		m.policyErrors.Add(ctx, 1, with(attrKind, string(policy.KindOf(r.Err))))
	}
}

// Released counts a request that was no LLM call.
func (t *Telemetry) Released(reason string) {
	t.metrics.released.Add(context.Background(), 1, t.metrics.cache.pair(attrReason, t.metrics.reasons.of(reason, true), "", ""))
}

// StreamOpened counts an ext_proc stream in.
func (t *Telemetry) StreamOpened() { t.metrics.streams.Add(1) }

// StreamClosed counts an ext_proc stream out, by how it ended.
func (t *Telemetry) StreamClosed(code codes.Code) {
	t.metrics.streams.Add(-1)
	t.metrics.closed.add(code.String())
}

// Message counts a message of Envoy's, by its kind.
func (t *Telemetry) Message(kind string) { t.metrics.messages.add(kind) }

// LocalReply counts a response that Envoy made before the filter saw its request.
func (t *Telemetry) LocalReply() { t.metrics.localReplies.Add(context.Background(), 1) }

// HeaderRejected counts a header that was not sent because Envoy would not take
// it. The name is not kept: it may come from anywhere.
func (t *Telemetry) HeaderRejected(string) { t.metrics.headers.Add(context.Background(), 1) }

// Panicked counts a panic in a call, which ended that call alone.
func (t *Telemetry) Panicked() { t.metrics.panics.Add(context.Background(), 1) }

// RemoteText counts a text for the remote detector by what became of it.
func (t *Telemetry) RemoteText(outcome string) { t.metrics.remote.add(outcome) }

// RemoteState counts a change of the remote detector's circuit breaker.
func (t *Telemetry) RemoteState(state string) { t.metrics.remoteStates.add(state) }

// OpenStreams is the number of open ext_proc streams.
func (t *Telemetry) OpenStreams() int64 { return t.metrics.streams.Load() }

// Loaded counts a load of the policy set: revision is the one now in force, err
// why another was refused, nil where none was.
func (t *Telemetry) Loaded(revision string, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	t.metrics.reloads.Add(context.Background(), 1, with(attrResult, result))
	t.metrics.policy.Store(&loaded{revision: clean(revision), ok: err == nil})
}

// BundleActivated counts a policy bundle that took effect.
func (t *Telemetry) BundleActivated(name string) {
	t.metrics.bundles.Add(context.Background(), 1, with(attrBundle, clean(name), attrResult, "activated"))
}

// BundleFailed counts a policy bundle that could not be fetched, verified or
// read, or that the policy engine refused. Names are the configuration's.
func (t *Telemetry) BundleFailed(name string, refused bool) {
	result := "failed"
	if refused {
		result = "refused"
	}
	t.metrics.bundles.Add(context.Background(), 1, with(attrBundle, clean(name), attrResult, result))
}

// DecisionDropped counts a decision that was not logged.
func (t *Telemetry) DecisionDropped() { t.metrics.undecided.Add(context.Background(), 1) }

// loaded is the policy in force, and whether the last load was a success.
type loaded struct {
	revision string
	ok       bool
}

// with is a set of one or two attributes, given as key, value, key, value.
func with(kv ...string) metric.MeasurementOption {
	attrs := make([]attribute.KeyValue, 0, 2)
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i] != "" {
			attrs = append(attrs, attribute.String(kv[i], kv[i+1]))
		}
	}
	return metric.WithAttributeSet(attribute.NewSet(attrs...))
}
