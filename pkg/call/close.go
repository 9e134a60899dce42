package call

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
)

// Close ends the call, whatever became of it: usage, cost, record. extproc
// calls it exactly once.
func (c *call) Close(complete bool, err error) {
	if c.live == nil {
		return
	}
	c.svc.attempts.close(&c.rec, requestID(c.head))
	if c.reply.stream != nil {
		c.reply.stream.close()
	}
	c.rec.Ended = c.svc.now()
	c.rec.Complete = complete || c.finished
	c.rec.Aborted = !c.rec.Complete && err == nil
	if err != nil && c.rec.Err == nil {
		c.rec.Err = err
	}
	c.settle()
	c.closeCoverage()
	if c.rec.ErrorType == "" {
		c.rec.ErrorType = c.failure()
	}
	c.part.Done(c.outcome())
	c.live.End(&c.rec)
	c.live = nil
}

// failure is error.type of a call that no answer explains.
func (c *call) failure() string {
	switch {
	case c.rec.Aborted:
		return "client_abort"
	case !c.rec.Complete:
		return "ext_proc_error"
	case c.rec.HTTPStatus >= 400:
		return strconv.Itoa(c.rec.HTTPStatus)
	}
	return ""
}

// settle turns the reported usage into a cost. A count nobody reported stays
// unreported: the record keeps the estimate apart.
func (c *call) settle() {
	if !spends(c.rec.Operation) {
		c.rec.Response.Usage = genai.Usage{}
		return
	}
	u := c.rec.Response.Usage
	if u.CostUSD != nil {
		c.rec.CostUSD, c.rec.CostKnown, c.rec.CostReported = *u.CostUSD, true, true
		return
	}
	if !u.Reported {
		return
	}
	name := c.rec.Response.Model
	if name == "" { // some APIs don't say
		name = c.upstreamModel()
	}
	model := c.snap.Catalog.Lookup(c.rec.Provider, name)
	if asked := c.upstreamModel(); !model.Known() && strings.HasPrefix(name, asked) { // a dated name
		model = c.snap.Catalog.Lookup(c.rec.Provider, asked)
	}
	c.rec.CostUSD, c.rec.CostKnown = model.Cost(u)
}

// spends reports whether the usage in an operation's response is its own: a
// count of tokens spends none, and a response that is fetched was paid for by the
// call that made it.
func spends(o genai.Operation) bool { return o != genai.CountTokens && o != genai.FetchResponse }

func (c *call) upstreamModel() string {
	if c.rec.UpstreamModel != "" {
		return c.rec.UpstreamModel
	}
	return c.rec.RequestModel
}

// closeCoverage says of a response that never came, or never ended, that it
// was not read.
func (c *call) closeCoverage() {
	if c.rec.Coverage.Response == policy.Pending {
		c.rec.Coverage.Response = policy.None
		if c.rec.DeniedIn != string(policy.Request) {
			c.reason("no_response")
		}
	}
	if c.rec.Aborted {
		c.reason("aborted")
	}
}

// cover states how much of request and response was read and why not more; ""
// leaves a level as it is. A level never rises.
func (c *call) cover(reason string, request, response policy.Level) {
	cov := &c.rec.Coverage
	if request != "" {
		cov.Request = request
	}
	if response != "" && (cov.Response == policy.Pending || lower(response, cov.Response)) {
		cov.Response = response
	}
	if reason != "" {
		c.reason(reason)
	}
}

func lower(a, b policy.Level) bool { return rankOf(a) < rankOf(b) }

func rankOf(l policy.Level) int {
	switch l {
	case policy.None:
		return 0
	case policy.Partial:
		return 1
	}
	return 2
}

// reason adds to the coverage's reasons, sorted, once each.
func (c *call) reason(word string) {
	cov := &c.rec.Coverage
	if at, there := slices.BinarySearch(cov.Reasons, word); !there {
		cov.Reasons = slices.Insert(slices.Clip(cov.Reasons), at, word)
	}
}

func (c *call) coverRequest(r *genai.Request) {
	if r.Operation == genai.Other {
		c.cover("unread_api", policy.None, "")
		return
	}
	level := policy.Full
	if r.UnknownParts > 0 {
		c.reason("unknown_parts")
		level = policy.Partial
	}
	if len(r.Attachments) > 0 {
		c.reason("attachments")
		level = policy.Partial
	}
	c.cover("", level, "")
}

func (c *call) coverResponse(unknownParts int) {
	if unknownParts > 0 {
		c.cover("unknown_parts", "", policy.Partial)
		return
	}
	c.cover("", "", policy.Full)
}

func (c *call) redactScope() redact.Scope {
	s := redact.Scope{Tenant: c.rec.Identity.Tenant}
	if c.rec.Request != nil && c.rec.Dialect != "anthropic" { // its container has an id from the second turn on
		s.Conversation = c.rec.Request.ConversationID
	}
	return s
}

// requestMetadata is what Envoy's access log can say of a call whose response
// never comes.
func (c *call) requestMetadata() []phase.Field {
	r := &c.rec
	fields := []phase.Field{
		{Name: "call_id", Value: r.ID},
		{Name: "dialect", Value: r.Dialect},
		{Name: "operation", Value: string(r.Operation)},
		{Name: "provider", Value: r.Provider},
		{Name: "model", Value: r.RequestModel},
		{Name: "decision", Value: r.Decision},
		{Name: "policy_revision", Value: r.PolicyRevision},
		{Name: "target", Value: r.Target},
		{Name: "coverage_request", Value: string(r.Coverage.Request)},
	}
	if r.PolicyRole != "" {
		fields = append(fields, phase.Field{Name: "policy_role", Value: r.PolicyRole})
	}
	return fields
}

// finalMetadata adds what the response brought.
func (c *call) finalMetadata() []phase.Field {
	c.settle()
	r := &c.rec
	responseLevel := r.Coverage.Response
	if responseLevel == policy.Pending { // this is the call's last word: none will come
		responseLevel = policy.None
	}
	fields := append(c.requestMetadata(),
		phase.Field{Name: "response_model", Value: r.Response.Model},
		phase.Field{Name: "stream", Value: r.Stream},
		phase.Field{Name: "coverage_response", Value: string(responseLevel)},
		phase.Field{Name: "coverage_reasons", Value: r.Coverage.Reasons},
		phase.Field{Name: "usage_reported", Value: r.Response.Usage.Reported},
		phase.Field{Name: "duration_ms", Value: c.svc.now().Sub(r.Started).Milliseconds()},
	)
	if u := r.Response.Usage; u.Reported {
		fields = append(fields,
			phase.Field{Name: "input_tokens", Value: u.InputTokens},
			phase.Field{Name: "output_tokens", Value: u.OutputTokens},
			phase.Field{Name: "cached_tokens", Value: u.CacheReadTokens},
			phase.Field{Name: "reasoning_tokens", Value: u.ReasoningTokens},
			phase.Field{Name: "tokens", Value: u.InputTokens + u.OutputTokens},
		)
	}
	if r.CostKnown {
		fields = append(fields, phase.Field{Name: "cost_usd", Value: r.CostUSD})
	}
	return c.moreMetadata(c.decisionMetadata(fields))
}

func (c *call) decisionMetadata(fields []phase.Field) []phase.Field {
	r := &c.rec
	if len(r.Denies) > 0 {
		codes := make([]string, len(r.Denies))
		for i, d := range r.Denies {
			codes[i] = d.Code
		}
		fields = append(fields, phase.Field{Name: "deny_codes", Value: codes}, phase.Field{Name: "denied_in", Value: r.DeniedIn})
	}
	if r.ReviewID != "" {
		fields = append(fields, phase.Field{Name: "review_id", Value: r.ReviewID})
	}
	if len(r.Redactions) > 0 {
		counts := make(map[string]any, len(r.Redactions))
		for entity, n := range r.Redactions {
			counts[entity] = int64(n)
		}
		fields = append(fields, phase.Field{Name: "redactions", Value: counts})
	}
	if len(r.Labels) > 0 {
		labels := make(map[string]any, len(r.Labels))
		for name, value := range r.Labels {
			labels[name] = value
		}
		fields = append(fields, phase.Field{Name: "labels", Value: labels})
	}
	if r.Experiment != nil {
		fields = append(fields, phase.Field{Name: "experiment", Value: r.Experiment.Name}, phase.Field{Name: "variant", Value: r.Experiment.Variant})
	}
	if r.TimeToFirstChunk > 0 {
		fields = append(fields, phase.Field{Name: "time_to_first_chunk_ms", Value: float64(r.TimeToFirstChunk) / float64(time.Millisecond)})
	}
	return fields
}

// lastVerdict adds the call's account to the last answer Envoy takes.
func (c *call) lastVerdict(v phase.Verdict) phase.Verdict {
	v.Metadata = c.finalMetadata()
	return v
}
