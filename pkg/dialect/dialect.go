// Package dialect says what a wire format of a provider is, and finds the one
// a call speaks.
//
// A dialect knows where things lie in its provider's bytes and nothing else:
// no policy, no Envoy, no other dialect. Each registers its [API]s from one
// small package below this one; siblings don't import each other (bedrock,
// which carries Anthropic's bodies, is the one exception). Every API passes the
// suite in dialecttest.
package dialect

import (
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
)

// Head is what is known of an exchange before its body. Header keys are
// lower case. A Head is read only and valid for the call's whole life.
type Head struct {
	Method string
	Host   string                   // :authority, with any port
	Path   string                   // as sent, still percent-encoded, without the query
	Query  string                   // without the '?'
	Header func(name string) string // first value of a request header, "" if absent
}

// ResponseHead is what is known of a response before its body.
type ResponseHead struct {
	Status      int
	ContentType string // the media type alone, lower case, without parameters
	Header      func(name string) string
}

// API is one endpoint family of a provider: one kind of request body, one kind
// of response. Implementations are stateless and safe for concurrent use.
type API interface {
	// Name is the API's id, "openai.chat", "gemini.generateContent": low
	// cardinality, used in facts, metrics and `regent inspect`.
	Name() string
	// Dialect is the wire format's id: openai, anthropic, gemini, bedrock, …
	Dialect() string
	// ReadRequest reads a request's body in place. A body that is not of the
	// API's shape is an error that names the place; unknown members are not.
	// The result refers to body and must not outlive it.
	ReadRequest(h *Head, body []byte) (*genai.Request, error)
	// ReadResponse reads a whole response's body, an error body included
	// (then Response.Error is set).
	ReadResponse(h *Head, rh *ResponseHead, body []byte) (*genai.Response, error)
	// NewStream returns a reader for one response stream.
	NewStream(h *Head, rh *ResponseHead) Stream
	// ErrorBody renders an error as the provider itself would, so that its
	// SDKs raise their usual exception.
	ErrorBody(e ErrorInfo) (contentType string, body []byte)
}

// Stream reads one response stream, event by event. It is used by one
// goroutine and keeps bounded state.
type Stream interface {
	// Read gives ev's meaning. d has been Reset. ev.Payload is only valid
	// during the call. An event that cannot be read is an error; it passes
	// unread and coverage says so.
	Read(ev *frame.Event, d *genai.Delta) error
	// ErrorEvent renders the bytes of a last event that the provider's SDKs
	// raise on, framed for this stream, terminator included.
	ErrorEvent(e ErrorInfo) []byte
}

// PayloadCodec is implemented by a Stream whose events carry the JSON that
// matters inside an envelope (Bedrock's base64 "bytes"). Text ranges of such a
// stream refer to the unwrapped payload.
type PayloadCodec interface {
	Unwrap(payload []byte) (inner []byte, err error)
	Wrap(payload, inner []byte) []byte
}

// Framer is implemented by an API whose responses' framing their content type
// does not tell (Gemini's streamed JSON array). known is false for a response
// that is to be read by its content type.
type Framer interface {
	Framing(h *Head, rh *ResponseHead, r *genai.Request) (kind frame.Kind, known bool)
}

// ErrorHeaderer is implemented by an API whose errors' type stands in a header
// (Bedrock's x-amzn-errortype): the headers that go with ErrorBody.
type ErrorHeaderer interface {
	ErrorHeaders(e ErrorInfo) [][2]string
}

// UsageAsker is implemented by an API whose streams report usage only when
// asked. AskUsage returns the edit of body that asks.
type UsageAsker interface {
	AskUsage(r *genai.Request, body []byte) (at genai.Range, replacement []byte, ok bool)
}

// ErrorInfo is an error Regent answers in a dialect's own format.
type ErrorInfo struct {
	Status  int    // HTTP status
	Code    string // policy_violation, request_too_large, …
	Message string
	Param   string // the offending field, where one is to blame
	CallID  string
}

// Claim is what makes a request an API's: tried most specific first.
type Claim struct {
	API API
	// Suffix matches the end of the percent-decoded path on a segment border:
	// "/chat/completions". A '*' segment matches any one segment, and
	// "*:verb" a last segment that ends in :verb.
	Suffix string
	// Method is POST where empty.
	Method string
	// Host, where set, must equal the host without its port, or be its
	// suffix where it starts with a dot. A host match outranks none.
	Host string
	// Match, where set, must agree as well (a header, a query parameter).
	Match func(h *Head) bool
	// Shape, where set, must agree with the body's first bytes: only for paths
	// that several dialects share.
	Shape func(body []byte) bool
}
