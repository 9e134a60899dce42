package telemetry

import (
	"cmp"
	"context"
	"net"
	"sort"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// maxContent bounds each content attribute, in bytes; a larger one is left out
// whole, because cut JSON is none.
const maxContent = 64 << 10

// maxKey bounds what a label or an entity adds to an attribute's key, in bytes.
const maxKey = 64

// recording is one call between Begin and End.
type recording struct {
	t       *Telemetry
	parent  trace.SpanContext // invalid for a root
	baggage string
	traceID trace.TraceID
	spanID  trace.SpanID
	sampled bool
}

// Begin chooses the ids of a call's span and whether its trace is sampled.
func (t *Telemetry) Begin(p call.Parent) call.Recording {
	r := &recording{t: t, parent: t.parents.of(&p), spanID: newSpanID()}
	if len(t.baggage) > 0 {
		r.baggage = p.Baggage
	}
	r.traceID = r.parent.TraceID()
	if !r.traceID.IsValid() {
		r.traceID = newTraceID()
	}
	r.sampled = t.sampler.sampled(r.parent, r.traceID)
	t.metrics.begin()
	return r
}

// TraceID is the call's trace id, 32 hex digits.
func (r *recording) TraceID() string { return r.traceID.String() }

// SpanID is the call's span id, 16 hex digits.
func (r *recording) SpanID() string { return r.spanID.String() }

// Traceparent makes the upstream request a child of the call's span (W3C Trace
// Context). A call that is only kept at its end says "not sampled" here.
func (r *recording) Traceparent() string {
	flags := "-00"
	if r.sampled {
		flags = "-01"
	}
	return "00-" + r.traceID.String() + "-" + r.spanID.String() + flags
}

// End makes the span, if anyone is to see it, and the metrics. rec is not kept.
func (r *recording) End(rec *call.Record) {
	ctx := context.Background()
	kept := ""
	if !r.sampled {
		kept = r.t.keeper.why(rec)
	}
	if r.t.queue != nil && (r.sampled || kept != "") {
		ctx = r.export(rec, kept)
	}
	r.t.metrics.end(ctx, rec)
}

// Values of OTLP's enumerations, and its flags: sampled, it is known whether the
// parent is remote, and that it is.
const (
	kindClient     = uint64(tracepb.Span_SPAN_KIND_CLIENT)
	kindInternal   = uint64(tracepb.Span_SPAN_KIND_INTERNAL)
	statusError    = uint64(tracepb.Status_STATUS_CODE_ERROR)
	spanFlags      = 0x01 | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	parentIsRemote = uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
)

// export makes the call's span and those of its attempts; ctx carries its ids
// for the metrics' exemplars.
func (r *recording) export(rec *call.Record, kept string) context.Context {
	b := newEncoder()
	b.next = r.t.next
	r.t.attributes(b, rec)
	for _, member := range baggageMembers(r.baggage, r.t.baggage) {
		if !b.has(member[0]) {
			b.str(member[0], member[1])
		}
	}
	b.str(attrKept, kept)
	r.head(b, r.spanID, spanName(rec), kindClient, rec.Started, rec.Ended)
	flags := spanFlags
	if r.parent.IsValid() {
		parent := r.parent.SpanID()
		b.bytesField(fieldParentID, parent[:])
		b.stringField(fieldTraceState, r.parent.TraceState().String())
		flags |= parentIsRemote
	}
	b.fixed32Field(fieldFlags, flags)
	b.status(rec.ErrorType != "")
	if rec.TimeToFirstChunk > 0 {
		b.event(eventFirstChunk, uint64(rec.Started.Add(rec.TimeToFirstChunk).UnixNano()))
	}
	r.t.queue.add(b.wire)
	b.free()
	r.below(rec)
	return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: r.traceID, SpanID: r.spanID, TraceFlags: trace.FlagsSampled,
	}))
}

// head is what every span has.
func (r *recording) head(b *encoder, id trace.SpanID, name string, kind uint64, started, ended time.Time) {
	b.bytesField(fieldTraceID, r.traceID[:])
	b.bytesField(fieldSpanID, id[:])
	b.stringField(fieldName, name)
	b.varintField(fieldKind, kind)
	b.fixed64Field(fieldStart, uint64(started.UnixNano()))
	b.fixed64Field(fieldEnd, uint64(ended.UnixNano()))
}

// attempt is one try at one upstream, a child of the call's span. A try that
// never got an answer ends with the call.
func (r *recording) attempt(rec *call.Record, a *call.AttemptRecord) {
	b := newEncoder()
	host, port := splitAddress(a.Address)
	b.nonzero(attrAttempt, int64(a.Number))
	b.str(attrTarget, a.Target)
	b.str(attrServerAddress, host)
	b.nonzero(attrServerPort, int64(port))
	b.nonzero(attrStatusCode, int64(a.Status))
	if a.Number > 1 {
		b.int(attrResendCount, int64(a.Number-1))
	}
	if a.Status >= 400 {
		b.str(attrErrorType, strconv.Itoa(a.Status))
	}
	b.status(a.Status >= 400)
	ended := a.Ended
	if ended.IsZero() {
		ended = rec.Ended
	}
	r.child(b, spanAttempt, kindClient, a.Started, ended)
}

// spanName is "{operation} {model}", the operation alone where no model is known;
// of a JSON-RPC call it is the method and what that is about.
func spanName(r *call.Record) string {
	if rpc := rpcOf(r); rpc != nil {
		return rpcName(rpc)
	}
	if r.RequestModel == "" {
		return operation(r)
	}
	return operation(r) + " " + clean(r.RequestModel)
}

// attributes are all of a call's span.
func (t *Telemetry) attributes(b *encoder, r *call.Record) {
	b.identify(r)
	if rpc := rpcOf(r); rpc != nil {
		b.rpc(r, rpc)
	} else {
		t.genAI(b, r)
	}
	b.response(r)
	b.provenance(&r.Provenance)
	b.decision(r)
	b.coverage(r)
	b.who(&r.Identity)
	if t.content {
		b.content(r)
	}
	if t.store != nil {
		b.str(attrContentReference, t.store.add(r))
	}
	if t.open {
		t.openInference(b, r)
	}
}

// identify says what was called.
func (b *encoder) identify(r *call.Record) {
	b.str(attrServerAddress, r.ServerAddress)
	if r.ServerAddress != "" {
		b.nonzero(attrServerPort, int64(r.ServerPort))
	}
	b.str(attrErrorType, r.ErrorType)
	b.str(attrCallID, r.ID)
	b.str(attrAPI, r.API)
	b.nonzero(attrStatusCode, int64(r.HTTPStatus))
}

// genAI are the attributes of a call of a model.
func (t *Telemetry) genAI(b *encoder, r *call.Record) {
	b.str(attrOperation, operation(r))
	b.str(attrProvider, provider(r))
	b.str(attrRequestModel, r.RequestModel)
	b.str(attrUpstreamModel, r.UpstreamModel)
	if r.Stream {
		b.bool(attrRequestStream, true)
	}
	if r.Request != nil {
		b.params(r.Request)
	}
	b.openAI(r)
	b.answer(&r.Response)
	if r.TimeToFirstChunk > 0 {
		b.float(attrResponseFirstChunk, r.TimeToFirstChunk.Seconds())
	}
	if !t.noUsage {
		b.usage(&r.Response.Usage)
	}
	b.cost(r)
}

// operation is what was asked for, "other" where that could not be read: the
// attribute is required.
func operation(r *call.Record) string {
	if r.Operation == genai.CallTool {
		return executeTool
	}
	return cmp.Or(string(r.Operation), string(genai.Other))
}

// provider is the provider's name, the dialect's where it is unknown, or
// "unknown": the attribute is required.
func provider(r *call.Record) string {
	return cmp.Or(r.Provider, r.Dialect, "unknown")
}

// openAI are OpenAI's own attributes: providers that merely speak its format
// are told apart by gen_ai.provider.name, and have none.
func (b *encoder) openAI(r *call.Record) {
	if r.Provider != "openai" && r.Provider != "azure.ai.openai" {
		return
	}
	switch r.API {
	case "openai.chat":
		b.str(attrOpenAIAPIType, "chat_completions")
	case "openai.responses":
		b.str(attrOpenAIAPIType, "responses")
	}
	if r.Request != nil {
		b.str(attrOpenAIRequestServiceTier, r.Request.Params.ServiceTier)
	}
	b.str(attrOpenAIResponseServiceTier, r.Response.ServiceTier)
	b.str(attrOpenAIFingerprint, r.Response.Fingerprint)
}

// params are the request's parameters, as far as it states them.
func (b *encoder) params(r *genai.Request) {
	p := &r.Params
	b.intPtr(attrRequestMaxTokens, p.MaxTokens)
	b.floatPtr(attrRequestTemperature, p.Temperature)
	b.floatPtr(attrRequestTopP, p.TopP)
	b.floatPtr(attrRequestTopK, p.TopK)
	b.floatPtr(attrRequestFrequencyPenalty, p.FrequencyPenalty)
	b.floatPtr(attrRequestPresencePenalty, p.PresencePenalty)
	b.intPtr(attrRequestSeed, p.Seed)
	if p.Choices != nil && *p.Choices != 1 {
		b.int(attrRequestChoices, *p.Choices)
	}
	b.strs(attrRequestStopSequences, p.StopSequences)
	b.strs(attrRequestEncodingFormats, p.EncodingFormats)
	b.intPtr(attrEmbeddingsDimensions, p.Dimensions)
	b.str(attrOutputType, p.OutputType)
	b.str(attrReasoningEffort, p.ReasoningEffort)
	b.str(attrConversationID, r.ConversationID)
	b.str(attrPreviousResponse, r.PreviousResponseID)
	b.str(attrGuardrail, r.Guardrail)
}

// answer is what the model says of its response.
func (b *encoder) answer(r *genai.Response) {
	b.str(attrResponseID, r.ID)
	b.str(attrResponseModel, r.Model)
	if n := len(r.FinishReasons); n > 0 {
		reasons := make([]string, n)
		for i, f := range r.FinishReasons {
			reasons[i] = f.Reason
		}
		b.strs(attrResponseFinishReasons, reasons)
	}
	if n := len(r.ToolCalls); n > 0 {
		names := make([]string, n)
		for i, tool := range r.ToolCalls {
			names[i] = tool.Name
		}
		b.strs(attrToolCalls, names)
	}
}

// provenance names what the request is made of. The conventions have a place for
// one source; all stand in Regent's own.
func (b *encoder) provenance(p *genai.Provenance) {
	if !b.has(attrPromptName) {
		b.str(attrPromptName, p.PromptID)
	}
	b.str(attrPromptVersion, p.PromptVersion)
	b.strs(attrDataSources, p.DataSources)
	if len(p.DataSources) == 1 {
		b.str(attrDataSource, p.DataSources[0])
	}
}

// response is how the response came.
func (b *encoder) response(r *call.Record) {
	b.nonzero(attrChunks, int64(r.Chunks))
	b.nonzero(attrHeldBytesMax, int64(r.HeldBytesMax))
	if r.HeldTime > 0 {
		b.float(attrHeldDuration, r.HeldTime.Seconds())
	}
	if r.Aborted {
		b.bool(attrAborted, true)
	}
	b.bool(attrComplete, r.Complete)
}

// usage is what the provider reported, and nothing where it did not: the
// conventions forbid to guess.
func (b *encoder) usage(u *genai.Usage) {
	if !u.Reported {
		return
	}
	for _, count := range []struct {
		has   bool
		key   string
		value int64
	}{
		{u.HasInput, attrUsageInput, u.InputTokens},
		{u.HasOutput, attrUsageOutput, u.OutputTokens},
		{u.HasCacheRead, attrUsageCacheRead, u.CacheReadTokens},
		{u.HasCacheWrite, attrUsageCacheWrite, u.CacheWriteTokens},
		{u.HasReasoning, attrUsageReasoning, u.ReasoningTokens},
	} {
		if count.has {
			b.int(count.key, count.value)
		}
	}
}

func (b *encoder) cost(r *call.Record) {
	source := "none"
	if r.Response.Usage.Reported {
		source = "reported"
	}
	b.str(attrTokensSource, source)
	b.nonzero(attrEstimatedInput, r.EstimatedInput)
	if !r.CostKnown {
		return
	}
	b.float(attrUsageCost, r.CostUSD)
	b.str(attrCostSource, costSource(r))
}

// costSource is where a known cost comes from: the provider's own word, or the
// catalog's prices times the reported tokens.
func costSource(r *call.Record) string {
	switch {
	case r.CostReported:
		return "reported"
	case r.Response.Usage.Reported:
		return "catalog"
	}
	return "estimated"
}

// decision is what the policy decided and what became of it.
func (b *encoder) decision(r *call.Record) {
	b.str(attrDecision, r.Decision)
	b.str(attrPolicyRevision, r.PolicyRevision)
	b.str(attrPolicyRole, r.PolicyRole)
	if r.Evaluations > 0 {
		b.int(attrPolicyEvaluations, int64(r.Evaluations))
		b.float(attrPolicyDuration, r.PolicyTime.Seconds())
	}
	if len(r.Denies) > 0 {
		codes := make([]string, len(r.Denies))
		for i, d := range r.Denies {
			codes[i] = d.Code
		}
		b.strs(attrDenyCodes, codes)
		b.str(attrDenyPhase, r.DeniedIn)
	}
	b.redactions(r.Redactions)
	b.strs(attrRequestFindings, entities(r.RequestFindings))
	b.strs(attrResponseFindings, entities(r.ResponseFindings))
	if r.Experiment != nil {
		b.str(attrExperiment, r.Experiment.Name)
		b.str(attrVariant, r.Experiment.Variant)
	}
	b.str(attrReviewID, r.ReviewID)
	b.str(attrTarget, r.Target)
	for _, name := range sortedKeys(r.Labels) {
		if key := attrLabelsPrefix + cut(name, maxKey); !b.has(key) {
			b.str(key, r.Labels[name])
		}
	}
	if r.FailedOpen {
		b.bool(attrFailOpen, true)
	}
}

func (b *encoder) redactions(byEntity map[string]int) {
	total := 0
	for _, n := range byEntity {
		total += n
	}
	b.nonzero(attrRedactions, int64(total))
	for _, entity := range sortedKeys(byEntity) {
		if key := attrRedactionsPrefix + cut(entity, maxKey); !b.has(key) {
			b.int(key, int64(byEntity[entity]))
		}
	}
}

func (b *encoder) coverage(r *call.Record) {
	b.str(attrCoverageRequest, string(r.Coverage.Request))
	b.str(attrCoverageResponse, string(r.Coverage.Response))
	b.strs(attrCoverageReasons, r.Coverage.Reasons)
}

func (b *encoder) who(id *policy.IdentityFacts) {
	b.str(attrSubject, id.Subject)
	b.str(attrTenant, id.Tenant)
	b.str(attrTeam, id.Team)
	b.str(attrApp, id.App)
}

// content is the messages as JSON strings, redacted by the time they are here.
func (b *encoder) content(r *call.Record) {
	leftOut := 0
	for _, c := range []struct {
		key  string
		json []byte
	}{
		{attrInputMessages, r.InputMessages}, {attrOutputMessages, r.OutputMessages}, {attrSystemInstructions, r.SystemInstructions}, {attrToolDefinitions, r.ToolDefinitions}, {attrToolArguments, r.ToolArguments}, {attrToolResult, r.ToolResult},
	} {
		switch {
		case len(c.json) == 0:
		case len(c.json) > maxContent:
			leftOut += len(c.json)
		default:
			b.long(c.key, cut(string(c.json), maxContent))
		}
	}
	b.nonzero(attrContentLeftOut, int64(leftOut))
}

// entities are the distinct entities of findings, in their order.
func entities(findings []policy.FindingFact) []string {
	var out []string
	for _, f := range findings {
		if n := len(out); n == 0 || out[n-1] != f.Entity {
			out = append(out, f.Entity)
		}
	}
	return out
}

// sortedKeys are a map's keys in order, at most maxList.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys[:min(len(keys), maxList)]
}

// splitAddress parts host:port; an address without port has port 0.
func splitAddress(address string) (host string, port int) {
	h, p, err := net.SplitHostPort(address)
	if err != nil {
		return address, 0
	}
	port, _ = strconv.Atoi(p)
	return h, port
}
