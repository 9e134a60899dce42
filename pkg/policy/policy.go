// Package policy is the contract with policy authors: the facts a policy is
// given ([Input]) and the decision it returns ([Decision]), strictly typed.
//
// Rego decides from these facts; Go carries the decision out. Package opa below
// evaluates; this one imports no engine.
package policy

import (
	"encoding/json"
	"time"

	"github.com/regent-proxy/regent/pkg/genai"
)

// Phase names one of the documents a policy defines: data.regent.<phase>.
type Phase string

// Phases.
const (
	Request  Phase = "request"
	Attempt  Phase = "attempt"
	Response Phase = "response"
)

// Input is the facts of one evaluation. It is built once a phase and read only
// by the engine, which gives a policy only the parts it can read.
type Input struct {
	Phase    Phase
	Call     CallFacts
	HTTP     HTTPFacts
	Source   SourceFacts
	Identity IdentityFacts
	LLM      LLMFacts
	Tokens   TokenFacts
	Cost     CostFacts
	Findings []FindingFact
	Coverage Coverage
	Response *ResponseFacts // response phase only
	Attempt  *AttemptFacts  // attempt phase only
	// Terms are, by list of regent.settings.terms, the words found in the
	// request's texts. Nil lets the engine look, once an Input and only for
	// lists a policy reads; a test or a replay may set them.
	Terms map[string][]string
}

// CallFacts identify the call.
type CallFacts struct {
	ID      string
	Started time.Time
	TraceID string
}

// HTTPFacts are the request's head. Header names are lower case; of a repeated
// header the values are joined by ", ".
type HTTPFacts struct {
	Method, Host, Path, Query string
	Headers                   [][2]string
}

// SourceFacts say where the call came from, as Envoy saw it.
type SourceFacts struct {
	Address   string
	Principal string   // SPIFFE id or subject of the peer certificate
	SANs      []string // URI and DNS SANs of the peer certificate
}

// IdentityFacts come from verified metadata or configured headers, never from
// the body.
type IdentityFacts struct {
	Subject, Tenant, Team, App string
	Scopes                     []string
	Claims                     map[string]any
}

// LLMFacts are what the call asks for. Request and Body are nil for a call
// whose body was not read.
type LLMFacts struct {
	Dialect   string
	API       string
	Operation genai.Operation
	Provider  string
	Model     string
	Stream    bool
	Request   *genai.Request
	// Text decodes Request.Texts[i]. Only called where a policy reads texts.
	Text func(i int) string
}

// TokenFacts are counts before the call: an estimate unless Exact.
type TokenFacts struct {
	Input         int64
	Exact         bool
	MaxOutput     int64 // what the request allows, 0 where unstated
	ContextWindow int64 // 0 where unknown
}

// CostFacts are the estimate before the call; Known is false for a model with
// no price.
type CostFacts struct {
	EstimatedUSD float64
	Known        bool
}

// FindingFact is one kind of finding, counted: the places stay in Go.
type FindingFact struct {
	Entity string
	Class  string
	Where  genai.TextKind
	Role   genai.Role
	Count  int
	Score  float64 // the highest
}

// Level says how much of a body was read and judged.
type Level string

// Levels of coverage.
const (
	Full    Level = "full"
	Partial Level = "partial"
	None    Level = "none"
	// Pending: not there yet (the response, in the request phase).
	Pending Level = "pending"
)

// Coverage says which parts of a call were read and judged, and why others
// were not. Reasons are of a small fixed vocabulary, sorted.
type Coverage struct {
	Request  Level
	Response Level
	Reasons  []string
}

// ResponseFacts are what came back so far.
type ResponseFacts struct {
	Status        int
	Model         string
	FinishReasons []string
	ToolCalls     []string // names
	// ToolHosts and LinkHosts are the hosts of the URLs in tools' arguments and in
	// what is said so far: lower case, each once, "_more" behind the 64th.
	ToolHosts, LinkHosts []string
	Usage                genai.Usage
	Findings             []FindingFact
	Final                bool
	// Text is the response's text so far, decoded. Only called where a policy
	// reads it. Nil in a stream, where texts have left already.
	Text func() string
	Err  *genai.Error
}

// AttemptFacts are one try at one upstream.
type AttemptFacts struct {
	Number int
	Target string
}

// Decision is what a policy returned, decoded strictly: an unknown or mistyped
// member is an error, never ignored.
type Decision struct {
	Deny    []Deny            `json:"deny,omitempty"`
	Review  []Review          `json:"review,omitempty"`
	Redact  []Redact          `json:"redact,omitempty"`
	Route   *Route            `json:"route,omitempty"`
	Headers *HeaderChanges    `json:"headers,omitempty"`
	Body    []Change          `json:"body,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	// Experiment is the experiment the call is part of; nil for none.
	Experiment *Experiment `json:"experiment,omitempty"`
	// Watch is what a response is inspected for; nil is everything.
	Watch *Watch `json:"watch,omitempty"`
	// Revision is the policy set's.
	Revision string `json:"revision,omitempty"`
}

// Deny refuses the call. Any one denies; all are recorded.
type Deny struct {
	Code    string `json:"code"`              // a word for machines: "secret_in_prompt"
	Message string `json:"message,omitempty"` // for the client
	Status  int    `json:"status,omitempty"`  // HTTP status 400..599; the engine puts 403 where a policy states none
}

// Review parks the call until a human has approved it; then the same call passes
// once. Any one parks, one approval is for all of them. A denied call is not
// parked.
type Review struct {
	Code    string `json:"code"`              // a word for machines: "large_spend"
	Message string `json:"message,omitempty"` // for the client and the reviewer
	Status  int    `json:"status,omitempty"`  // HTTP status while it waits, 202 or 400..499; the engine puts 409 where a policy states none
	// Wait is how long it may wait; 0 is the operator's own time.
	Wait time.Duration `json:"wait,omitempty"`
}

// Redact hides what was found.
type Redact struct {
	Entity string   `json:"entity,omitempty"` // one entity, or
	Class  string   `json:"class,omitempty"`  // a class; "*" is every finding
	With   string   `json:"with,omitempty"`   // label (default), mask, hash, drop; pseudonym in requests
	Roles  []string `json:"roles,omitempty"`
	// MinScore leaves weaker findings alone.
	MinScore float64 `json:"min_score,omitempty"`
}

// Route says where the call goes.
type Route struct {
	Target   string   `json:"target,omitempty"`   // the value of the routing header: an Envoy cluster, or what a route matches
	Model    string   `json:"model,omitempty"`    // replaces the request's model where not empty
	Fallback []string `json:"fallback,omitempty"` // further targets, in order
}

// Experiment is a comparison that a call is part of. It changes nothing by
// itself: what the variant means, other members of the decision say.
type Experiment struct {
	Name    string `json:"name"`
	Variant string `json:"variant"`
}

// HeaderChanges are made to the upstream request.
type HeaderChanges struct {
	Set    map[string]string `json:"set,omitempty"`
	Remove []string          `json:"remove,omitempty"`
}

// Change is one change of the request body by JSON Pointer (RFC 6901), in the
// manner of RFC 6902: op is add, replace or remove; "-" appends to an array.
type Change struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Watch narrows what is inspected in a response.
type Watch struct {
	// Entities and Classes to look for; both empty is everything.
	Entities []string `json:"entities,omitempty"`
	Classes  []string `json:"classes,omitempty"`
	// EveryTokens asks the response policy again after that many output
	// tokens; 0 never.
	EveryTokens int64 `json:"every_tokens,omitempty"`
	// Off turns inspection of the response off; coverage says so.
	Off bool `json:"off,omitempty"`
}
