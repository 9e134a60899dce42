package console

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Bounds of what is kept of one call, in bytes and in members.
const (
	maxWord    = 128
	maxMessage = 400
	maxMembers = 16
)

// Call is what is kept of a finished call: names, numbers and the decision, no
// content. It is read only once made.
type Call struct {
	// Seq counts calls from 1 on in the order they ended.
	Seq              uint64
	ID               string
	TraceID          string
	Started          time.Time
	Duration         time.Duration
	TimeToFirstChunk time.Duration // 0 where no stream
	PolicyTime       time.Duration
	Evaluations      int

	API, Provider, Operation            string
	Model, UpstreamModel, ResponseModel string
	Stream                              bool
	Server                              string
	Status                              int // HTTP, 0 where no response came

	Subject, Tenant, Team, App string

	Revision, Role     string // role: active or canary while a canary is on trial
	Decision, DeniedIn string
	ReviewID           string
	Target             string
	Denies             []policy.Deny
	Labels             map[string]string
	RequestFindings    []policy.FindingFact
	ResponseFindings   []policy.FindingFact
	Redactions         map[string]int // by entity
	Restored           int
	Coverage           policy.Coverage

	Usage                         Usage
	EstimatedInput                int64
	CostUSD                       float64
	CostKnown, CostReported       bool
	HeldBytesMax, Chunks          int
	HeldTime                      time.Duration
	Steps                         []call.Step // where its recording wanted them
	Attempts                      []call.AttemptRecord
	FinishReason                  string // of the first choice
	Complete, Aborted, FailedOpen bool
	ErrorType                     string
}

// Usage is what the provider reported of tokens.
type Usage struct {
	InputTokens, OutputTokens, CacheReadTokens, ReasoningTokens int64
	Reported, HasCacheRead, HasReasoning                        bool
}

func usageOf(u *genai.Usage) Usage {
	return Usage{u.InputTokens, u.OutputTokens, u.CacheReadTokens, u.ReasoningTokens, u.Reported, u.HasCacheRead, u.HasReasoning}
}

// Label is one of a decision's labels.
type Label struct{ Name, Value string }

// Count is how often something was.
type Count struct {
	Name string
	N    int64
}

// stepNames are call.Step's kinds, for people.
var stepNames = map[call.StepKind]string{
	call.StepBody: "Body", call.StepRead: "Read", call.StepPolicy: "Policy", call.StepUpstream: "Provider",
}

// Upstream is where the call went, as well as it is known: the cluster of the
// last attempt, the decision's target, the server asked for, the provider.
func (c *Call) Upstream() string {
	if n := len(c.Attempts); n > 0 && c.Attempts[n-1].Target != "" {
		return c.Attempts[n-1].Target
	}
	return cmp.Or(c.Target, c.Server, c.Provider)
}

// Failed reports whether the call ended in an error that no policy decided.
func (c *Call) Failed() bool { return c.ErrorType != "" && c.Decision != "deny" }

// summarise copies what is kept of a record. Names are shared with it where they
// are short: none of them is a part of a body.
func summarise(r *call.Record) *Call {
	c := &Call{
		ID: word(r.ID), TraceID: word(r.TraceID), Started: r.Started, Duration: r.Ended.Sub(r.Started),
		TimeToFirstChunk: r.TimeToFirstChunk, PolicyTime: r.PolicyTime, Evaluations: r.Evaluations,
		API: word(r.API), Provider: word(r.Provider), Operation: word(string(r.Operation)),
		Model: word(r.RequestModel), UpstreamModel: word(r.UpstreamModel), ResponseModel: word(r.Response.Model),
		Stream: r.Stream, Server: word(r.ServerAddress), Status: r.HTTPStatus,
		Subject: word(r.Identity.Subject), Tenant: word(r.Identity.Tenant), Team: word(r.Identity.Team), App: word(r.Identity.App),
		Revision: word(r.PolicyRevision), Role: word(r.PolicyRole), Decision: word(r.Decision), DeniedIn: word(r.DeniedIn), ReviewID: word(r.ReviewID), Target: word(r.Target),
		RequestFindings: first(r.RequestFindings), ResponseFindings: first(r.ResponseFindings),
		Restored: r.Restored, Coverage: r.Coverage, Usage: usageOf(&r.Response.Usage), EstimatedInput: r.EstimatedInput,
		CostUSD: r.CostUSD, CostKnown: r.CostKnown, CostReported: r.CostReported,
		HeldBytesMax: r.HeldBytesMax, Chunks: r.Chunks, HeldTime: r.HeldTime, Steps: first(r.Steps), Attempts: first(r.Attempts),
		Complete: r.Complete, Aborted: r.Aborted, FailedOpen: r.FailedOpen, ErrorType: word(r.ErrorType),
	}
	c.Coverage.Reasons = first(c.Coverage.Reasons)
	if f := r.Response.FinishReasons; len(f) > 0 {
		c.FinishReason = word(f[0].Reason)
	}
	c.decided(r)
	return c
}

// decided copies what the decision holds of words from outside.
func (c *Call) decided(r *call.Record) {
	if n := len(first(r.Denies)); n > 0 {
		c.Denies = make([]policy.Deny, 0, n)
	}
	for _, d := range first(r.Denies) {
		c.Denies = append(c.Denies, policy.Deny{Code: word(d.Code), Message: bounded(d.Message, maxMessage), Status: d.Status})
	}
	c.Labels, c.Redactions = r.Labels, r.Redactions // nobody changes them any more
	if !isShort(c.Labels) || longValue(c.Labels) {
		c.Labels = cutLabels(r.Labels)
	}
	if !isShort(c.Redactions) {
		c.Redactions = cutCounts(r.Redactions)
	}
}

// isShort reports whether a map's size and keys keep the bounds, as nearly all do.
func isShort[V any](m map[string]V) bool {
	if len(m) > maxMembers {
		return false
	}
	for name := range m {
		if len(name) > maxWord {
			return false
		}
	}
	return true
}

func longValue(m map[string]string) bool {
	for _, value := range m {
		if len(value) > maxWord {
			return true
		}
	}
	return false
}

// cutLabels keeps the first labels by name.
func cutLabels(m map[string]string) map[string]string {
	out := make(map[string]string, maxMembers)
	for _, name := range first(sortedKeys(m)) {
		out[word(name)] = word(m[name])
	}
	return out
}

// cutCounts keeps the first entities by name and counts the others as one.
func cutCounts(m map[string]int) map[string]int {
	out := make(map[string]int, maxMembers)
	for i, name := range sortedKeys(m) {
		if i < maxMembers-1 {
			out[word(name)] += m[name]
		} else {
			out[other] += m[name]
		}
	}
	return out
}

// LabelList is the labels by name.
func (c *Call) LabelList() []Label {
	var out []Label
	for _, name := range sortedKeys(c.Labels) {
		out = append(out, Label{name, c.Labels[name]})
	}
	return out
}

// RedactionList is the redactions by entity.
func (c *Call) RedactionList() []Count {
	var out []Count
	for _, entity := range sortedKeys(c.Redactions) {
		out = append(out, Count{entity, int64(c.Redactions[entity])})
	}
	return out
}

// sortedKeys is nil, at no cost, for most calls.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for name := range m {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	return keys
}

func first[T any](list []T) []T { return list[:min(len(list), maxMembers)] }

// addCount adds n to name's count; over maxMembers names it adds to the last
// resort's.
func addCount(list []Count, name string, n int64) []Count {
	for i := range list {
		if list[i].Name == name {
			list[i].N += n
			return list
		}
	}
	if len(list) >= maxMembers && name != other {
		return addCount(list, other, n)
	}
	return append(list, Count{name, n})
}

// word bounds a name.
func word(s string) string { return bounded(s, maxWord) }

// bounded is s, or a copy of at most that many bytes with an ellipsis for what was
// cut off.
func bounded(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most - len("…")
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…" // a new string: the long one is not kept
}
