package call

import (
	"time"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Record is a finished call: everything span, metrics, access log and audit say
// of it. It is built once, in Close, and read only from then on.
type Record struct {
	ID      string
	Started time.Time
	Ended   time.Time

	// Trace parentage as the sidecar saw it: the ext_proc stream's own gRPC
	// metadata where Envoy traces, else the client's headers. Raw W3C values.
	Traceparent, Tracestate, Baggage string
	// TraceID and SpanID are those of the call's span, hex.
	TraceID, SpanID string

	Dialect, API, Provider string
	Operation              genai.Operation
	Stream                 bool
	RequestModel           string
	// UpstreamModel is the model the request left with, where a decision
	// replaced it.
	UpstreamModel string
	ServerAddress string
	ServerPort    int
	Request       *genai.Request // parameters and shape; ranges are no longer valid
	Response      genai.Response
	HTTPStatus    int

	Identity policy.IdentityFacts
	Source   policy.SourceFacts

	// Provenance is what the request is made of, as the caller and its body name it.
	Provenance genai.Provenance

	PolicyRevision string
	// PolicyRole is active or canary while a canary is on trial, else "".
	PolicyRole string
	// Decision is "allow", "deny", "redact", "review" or "error": the strongest
	// thing done. A call that waits for its review is recorded as denied, with the
	// codes of the reviews.
	Decision string
	Denies   []policy.Deny
	// DeniedIn is the phase that denied: request, response, "" if none.
	DeniedIn string
	// ReviewID is the review that the call waits for, or that let it pass.
	ReviewID string
	Target   string
	Labels   map[string]string
	// Experiment is the one the decision counts the call in, nil for none.
	Experiment *policy.Experiment
	// Findings by entity and class, request then response, and how many of
	// them were redacted.
	RequestFindings, ResponseFindings []policy.FindingFact
	Redactions                        map[string]int // by entity
	// Restored counts the stand-ins of the request that the response gave back.
	Restored int
	Coverage policy.Coverage

	// CostUSD is by the catalog's prices or as the provider reported it.
	CostUSD      float64
	CostKnown    bool
	CostReported bool
	// EstimatedInput is the count before the call.
	EstimatedInput int64

	TimeToFirstChunk time.Duration // 0 where no stream
	// PolicyTime is the wall time of all evaluations.
	PolicyTime  time.Duration
	Evaluations int
	// HeldBytesMax is the most that was held back at once in a stream.
	HeldBytesMax int
	// HeldTime is how long anything was held back in a stream, chunk to chunk.
	HeldTime   time.Duration
	Chunks     int
	ChunkTimes ChunkTimes
	// Steps explain the call's time, in order, where its recording wants them.
	Steps []Step

	Attempts []AttemptRecord
	// Complete is false for a call that was aborted or broke.
	Complete bool
	// Aborted is true where the client left before the end.
	Aborted bool
	// FailedOpen is true where an error let the call pass unjudged, as configured.
	FailedOpen bool
	// ErrorType is error.type of the span: a provider's code, an HTTP status,
	// policy_violation, …; "" on success.
	ErrorType string
	Err       error

	// Input and Output are the messages as JSON by the conventions' schemas,
	// only where content capture is on, and then redacted.
	InputMessages, OutputMessages, SystemInstructions, ToolDefinitions []byte
	// ToolArguments is the JSON of what a tool was called with by MCP, ToolResult
	// the text it answered, likewise; a call by MCP has no messages.
	ToolArguments, ToolResult []byte
}

// AttemptRecord is one try at one upstream, as the upstream filter saw it.
type AttemptRecord struct {
	Number  int
	Target  string // cluster
	Address string // host:port
	Status  int
	Started time.Time
	Ended   time.Time
}
