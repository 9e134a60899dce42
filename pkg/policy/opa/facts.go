package opa

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// facts builds input as a Rego term: only the parts r says can be read.
// Strings and flags are always there, if only empty or false; a number that is
// not known is left out, so that a comparison with it is undefined.
func (s *Set) facts(r *reads, in *policy.Input) *ast.Term {
	o := newObject(r, 16)
	o.word("phase", string(in.Phase))
	o.object("call", 4, func(o *object) { callFacts(o, &in.Call) })
	o.object("http", 8, func(o *object) { httpFacts(o, &in.HTTP) })
	o.object("source", 4, func(o *object) { sourceFacts(o, &in.Source) })
	o.object("identity", 8, func(o *object) { identityFacts(o, &in.Identity) })
	o.object("llm", 16, func(o *object) { llmFacts(o, &in.LLM) })
	o.object("tokens", 8, func(o *object) { tokenFacts(o, &in.Tokens) })
	o.object("cost", 2, func(o *object) { costFacts(o, &in.Cost) })
	o.list("findings", len(in.Findings), func(r *reads, i int) *ast.Term { return findingTerm(r, &in.Findings[i]) })
	o.object("coverage", 4, func(o *object) { coverageFacts(o, &in.Coverage) })
	o.object("terms", 4, func(o *object) { s.termFacts(o, in) })
	if in.Response != nil {
		o.object("response", 12, func(o *object) { responseFacts(o, in.Response) })
	}
	if in.Attempt != nil {
		o.object("attempt", 2, func(o *object) {
			o.integer("number", int64(in.Attempt.Number))
			o.word("target", in.Attempt.Target)
		})
	}
	return o.term()
}

func callFacts(o *object, f *policy.CallFacts) {
	o.text("id", f.ID)
	o.text("trace_id", f.TraceID)
	o.lazy("started", func() string { return f.Started.UTC().Format(time.RFC3339Nano) })
	o.integer("started_ns", f.Started.UnixNano())
}

func httpFacts(o *object, f *policy.HTTPFacts) {
	o.word("method", f.Method)
	o.word("host", f.Host)
	o.text("path", f.Path)
	o.text("query", f.Query)
	o.object("headers", len(f.Headers), func(o *object) {
		for i := range f.Headers {
			o.text(f.Headers[i][0], f.Headers[i][1])
		}
	})
}

func sourceFacts(o *object, f *policy.SourceFacts) {
	o.text("address", f.Address)
	o.text("principal", f.Principal)
	o.texts("sans", f.SANs)
}

func identityFacts(o *object, f *policy.IdentityFacts) {
	o.text("subject", f.Subject)
	o.word("tenant", f.Tenant)
	o.word("team", f.Team)
	o.word("app", f.App)
	o.texts("scopes", f.Scopes)
	o.object("claims", len(f.Claims), func(o *object) {
		for name, claim := range f.Claims {
			o.value(name, claim)
		}
	})
}

func tokenFacts(o *object, f *policy.TokenFacts) {
	o.integer("input", f.Input)
	o.flag("exact", f.Exact)
	if f.MaxOutput > 0 {
		o.integer("max_output", f.MaxOutput)
	}
	if f.ContextWindow > 0 {
		o.integer("context_window", f.ContextWindow)
		o.integer("context_left", f.ContextWindow-f.Input-f.MaxOutput)
	}
}

func costFacts(o *object, f *policy.CostFacts) {
	o.flag("known", f.Known)
	if f.Known {
		o.float("estimated_usd", f.EstimatedUSD)
	}
}

func coverageFacts(o *object, f *policy.Coverage) {
	o.word("request", string(f.Request))
	o.word("response", string(f.Response))
	o.texts("reasons", f.Reasons)
}

func findingFact(r *reads, f *policy.FindingFact) *ast.Term {
	o := newObject(r, 6)
	o.word("entity", f.Entity)
	o.word("class", f.Class)
	o.word("where", string(f.Where))
	o.word("role", string(f.Role))
	o.integer("count", int64(f.Count))
	o.float("score", f.Score)
	return o.term()
}

func responseFacts(o *object, f *policy.ResponseFacts) {
	o.integer("status", int64(f.Status))
	o.word("model", f.Model)
	o.texts("finish_reasons", f.FinishReasons)
	o.texts("tool_calls", f.ToolCalls)
	o.texts("tool_hosts", f.ToolHosts)
	o.texts("link_hosts", f.LinkHosts)
	o.object("usage", 6, func(o *object) { usageFacts(o, &f.Usage) })
	o.list("findings", len(f.Findings), func(r *reads, i int) *ast.Term { return findingTerm(r, &f.Findings[i]) })
	o.flag("final", f.Final)
	if f.Text != nil {
		o.lazy("text", f.Text)
	}
	if f.Err != nil {
		o.object("error", 4, func(o *object) {
			o.integer("status", int64(f.Err.Status))
			o.word("type", f.Err.Type)
			o.text("code", f.Err.Code)
			o.text("message", f.Err.Message)
		})
	}
}

func usageFacts(o *object, u *genai.Usage) {
	o.flag("reported", u.Reported)
	o.known("input_tokens", u.HasInput, u.InputTokens)
	o.known("output_tokens", u.HasOutput, u.OutputTokens)
	o.known("cache_read_tokens", u.HasCacheRead, u.CacheReadTokens)
	o.known("cache_write_tokens", u.HasCacheWrite, u.CacheWriteTokens)
	o.known("reasoning_tokens", u.HasReasoning, u.ReasoningTokens)
}

func llmFacts(o *object, f *policy.LLMFacts) {
	o.word("dialect", f.Dialect)
	o.word("api", f.API)
	o.word("operation", string(f.Operation))
	o.word("provider", f.Provider)
	o.word("model", f.Model)
	o.flag("stream", f.Stream)
	q := f.Request
	if q == nil {
		q = &genai.Request{}
	}
	o.lazy("system", func() string { return systemText(f, q) })
	o.list("messages", len(q.Messages), func(r *reads, i int) *ast.Term { return messageFact(r, f, q, &q.Messages[i]) })
	o.list("tools", len(q.Tools), func(r *reads, i int) *ast.Term { return toolFact(r, &q.Tools[i]) })
	o.object("params", 16, func(o *object) { paramFacts(o, &q.Params) })
	o.list("attachments", len(q.Attachments), func(r *reads, i int) *ast.Term { return attachmentFact(r, &q.Attachments[i]) })
	o.text("conversation_id", q.ConversationID)
	o.text("previous_response_id", q.PreviousResponseID)
	o.text("user", q.User)
	o.integer("unknown_parts", int64(q.UnknownParts))
}

func messageFact(r *reads, f *policy.LLMFacts, q *genai.Request, m *genai.Message) *ast.Term {
	o := newObject(r, 8)
	o.word("role", string(m.Role))
	o.text("name", m.Name)
	o.integer("parts", int64(m.Parts))
	o.text("tool_call_id", m.ToolCallID)
	o.lazy("text", func() string {
		return joinTexts(f, q, m.FirstText, min(m.EndText, len(q.Texts)), func(t *genai.Text) bool { return spoken(t.Kind) })
	})
	o.list("tool_calls", len(m.ToolCalls), func(r *reads, i int) *ast.Term {
		o := newObject(r, 3)
		o.text("id", m.ToolCalls[i].ID)
		o.text("name", m.ToolCalls[i].Name)
		o.text("arguments", string(m.ToolCalls[i].Arguments))
		return o.term()
	})
	return o.term()
}

// spoken reports whether a text is part of what a message says; arguments of
// tool calls, links, file names and ids have places of their own.
func spoken(k genai.TextKind) bool {
	switch k {
	case genai.ToolArguments, genai.ToolDescription, genai.FileName, genai.URL, genai.Metadata:
		return false
	}
	return true
}

func systemText(f *policy.LLMFacts, q *genai.Request) string {
	return joinTexts(f, q, 0, len(q.Texts), func(t *genai.Text) bool { return t.Role == genai.System && spoken(t.Kind) })
}

// joinTexts joins the texts [from, to) that keep wants by line breaks.
func joinTexts(f *policy.LLMFacts, q *genai.Request, from, to int, keep func(*genai.Text) bool) string {
	if f.Text == nil {
		return ""
	}
	var parts []string
	for i := from; i < to; i++ {
		if keep(&q.Texts[i]) {
			parts = append(parts, f.Text(i))
		}
	}
	return strings.Join(parts, "\n")
}

func toolFact(r *reads, t *genai.ToolDefinition) *ast.Term {
	o := newObject(r, 2)
	o.word("name", t.Name)
	o.word("type", t.Type)
	return o.term()
}

func attachmentFact(r *reads, a *genai.Attachment) *ast.Term {
	o := newObject(r, 6)
	o.word("modality", a.Modality)
	o.word("media_type", a.MediaType)
	o.integer("bytes", a.Bytes)
	o.text("name", a.Name)
	o.text("uri", a.URI)
	o.integer("message", int64(a.Message))
	return o.term()
}

func paramFacts(o *object, p *genai.Params) {
	o.integerAt("max_tokens", p.MaxTokens)
	o.floatAt("temperature", p.Temperature)
	o.floatAt("top_p", p.TopP)
	o.floatAt("top_k", p.TopK)
	o.floatAt("frequency_penalty", p.FrequencyPenalty)
	o.floatAt("presence_penalty", p.PresencePenalty)
	o.integerAt("seed", p.Seed)
	o.integerAt("choices", p.Choices)
	o.texts("stop_sequences", p.StopSequences)
	o.word("output_type", p.OutputType)
	o.word("reasoning_effort", p.ReasoningEffort)
	o.word("service_tier", p.ServiceTier)
	o.texts("encoding_formats", p.EncodingFormats)
	o.integerAt("dimensions", p.Dimensions)
	o.word("tool_choice", p.ToolChoice)
}

// object builds one object of the facts: what nobody reads is left out.
type object struct {
	reads *reads
	pairs [][2]*ast.Term
}

func newObject(r *reads, size int) *object {
	if !r.whole && r.any == nil {
		size = min(size, len(r.kids))
	}
	return &object{reads: r, pairs: make([][2]*ast.Term, 0, size)}
}

func (o *object) term() *ast.Term { return ast.ObjectTerm(o.pairs...) }

func (o *object) add(name string, v *ast.Term) {
	o.pairs = append(o.pairs, [2]*ast.Term{keyTerm(name), v})
}

func (o *object) text(name, v string) {
	if o.reads.field(name) != nil {
		o.add(name, ast.StringTerm(v))
	}
}

// word is a text that comes again from call to call.
func (o *object) word(name, v string) {
	if o.reads.field(name) != nil {
		o.add(name, wordTerm(v))
	}
}

func (o *object) lazy(name string, v func() string) {
	if o.reads.field(name) != nil {
		o.add(name, ast.StringTerm(v()))
	}
}

func (o *object) flag(name string, v bool) {
	if o.reads.field(name) != nil {
		o.add(name, ast.InternedTerm(v))
	}
}

func (o *object) integer(name string, v int64) {
	if o.reads.field(name) != nil {
		o.add(name, ast.InternedTerm(int(v)))
	}
}

func (o *object) known(name string, known bool, v int64) {
	if known {
		o.integer(name, v)
	}
}

func (o *object) integerAt(name string, v *int64) {
	if v != nil {
		o.integer(name, *v)
	}
}

func (o *object) float(name string, v float64) {
	if o.reads.field(name) != nil {
		o.add(name, ast.NumberTerm(floatNumber(v)))
	}
}

func (o *object) floatAt(name string, v *float64) {
	if v != nil {
		o.float(name, *v)
	}
}

func (o *object) texts(name string, v []string) {
	if o.reads.field(name) == nil {
		return
	}
	terms := make([]*ast.Term, len(v))
	for i, each := range v {
		terms[i] = wordTerm(each)
	}
	o.add(name, ast.ArrayTerm(terms...))
}

// value adds any JSON value. One that is none is left out: claims come from
// outside.
func (o *object) value(name string, v any) {
	if o.reads.field(name) == nil {
		return
	}
	if value, err := ast.InterfaceToValue(v); err == nil {
		o.add(name, ast.NewTerm(value))
	}
}

func (o *object) object(name string, size int, fill func(*object)) {
	r := o.reads.field(name)
	if r == nil {
		return
	}
	inner := newObject(r, size)
	fill(inner)
	o.add(name, inner.term())
}

func (o *object) list(name string, n int, element func(r *reads, i int) *ast.Term) {
	r := o.reads.field(name)
	if r == nil {
		return
	}
	of := r.element()
	if of == nil {
		of = &reads{}
	}
	terms := make([]*ast.Term, n)
	for i := range terms {
		terms[i] = element(of, i)
	}
	o.add(name, ast.ArrayTerm(terms...))
}

// keyTerm is a fact's name as a term. Those of the contract are interned.
func keyTerm(name string) *ast.Term { return ast.InternedTerm(name) }

// floatNumber is v in the shortest form that reads back the same.
func floatNumber(v float64) json.Number { return json.Number(strconv.FormatFloat(v, 'g', -1, 64)) }

// Names of the contract become shared terms. The table is the engine's and must
// not change once evaluations run, hence here.
func init() {
	ast.InternStringTerm(
		"address", "api", "app", "arguments", "attachments", "attempt", "bytes", "cache_read_tokens",
		"cache_write_tokens", "call", "choices", "claims", "class", "code", "context_left", "context_window",
		"conversation_id", "cost", "count", "coverage", "dialect", "dimensions", "encoding_formats", "entity",
		"error", "estimated_usd", "exact", "final", "findings", "finish_reasons", "frequency_penalty", "headers",
		"host", "http", "id", "identity", "link_hosts", "tool_hosts", "input", "input_tokens", "known", "llm",
		"max_output", "max_tokens", "media_type", "message", "messages", "method", "modality", "model",
		"name", "number", "operation", "output_tokens", "output_type", "params", "parts", "path",
		"phase", "presence_penalty", "previous_response_id", "principal", "provider", "query", "reasoning_effort", "reasoning_tokens",
		"reasons", "reported", "request", "response", "role", "sans", "scopes", "score",
		"seed", "service_tier", "source", "started", "started_ns", "status", "stop_sequences", "stream",
		"subject", "system", "target", "team", "temperature", "tenant", "terms", "text",
		"tokens", "tool_call_id", "tool_calls", "tool_choice", "tools", "top_k", "top_p", "trace_id",
		"type", "unknown_parts", "uri", "usage", "user", "where",
		// Members of decisions, which decode asks for.
		"body", "deny", "entities", "every_tokens", "experiment", "min_score", "off", "op", "redact", "remove",
		"review", "roles", "route", "set", "value", "variant", "wait", "watch", "with",
	)
}
