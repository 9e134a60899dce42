// Package phase is what call and extproc say to each other: plain types and
// two small interfaces, with no word of protobuf, LLMs or policy.
//
// extproc turns Envoy's messages into these types, call answers each phase with
// a [Verdict], extproc carries it out. The order of a call's phases is
// RequestHeaders (Open), RequestBody, ResponseHeaders, then ResponseBody and
// ResponseTrailers as often as they come, and one Close. Phases a verdict did
// not ask for do not happen; a call may end after any of them.
package phase

import "context"

// Header is one header or trailer. Names are lower case.
type Header struct{ Name, Value string }

// Headers are in the order Envoy sent them, pseudo headers included.
type Headers []Header

// Get is the first value of name (lower case), "" if absent.
func (h Headers) Get(name string) string {
	for i := range h {
		if h[i].Name == name {
			return h[i].Value
		}
	}
	return ""
}

// List is the values of name (lower case) as the one list that they stand for
// (RFC 9110, section 5.3), "" if absent.
func (h Headers) List(name string) string {
	list := ""
	for i := range h {
		switch {
		case h[i].Name != name:
		case list == "":
			list = h[i].Value
		default:
			list += ", " + h[i].Value
		}
	}
	return list
}

// Has reports whether name (lower case) is present.
func (h Headers) Has(name string) bool {
	for i := range h {
		if h[i].Name == name {
			return true
		}
	}
	return false
}

// RequestHead is a request before its body.
type RequestHead struct {
	Headers Headers
	// EndOfStream: the request has no body, so no RequestBody will come.
	EndOfStream bool
	// Attributes are Envoy's request attributes ("source.address",
	// "connection.uri_san_peer_certificate", …) in their string form.
	Attributes map[string]string
	// Metadata returns Envoy's dynamic metadata of a namespace ("envoy.filters.
	// http.jwt_authn"), as JSON-like values; nil if absent. Cheap until called.
	Metadata func(namespace string) map[string]any
	// GRPC is a value of the ext_proc stream's own gRPC metadata
	// ("traceparent"), "" if absent.
	GRPC func(key string) string
}

// ResponseHead is a response before its body.
type ResponseHead struct {
	Headers     Headers
	EndOfStream bool
	Attributes  map[string]string // response attributes
}

// BodyMode is how a body is wanted, answered at the headers before it.
type BodyMode uint8

const (
	// BodyNone: the body passes unseen.
	BodyNone BodyMode = iota
	// BodyBuffered: the whole body in one RequestBody or ResponseBody.
	BodyBuffered
	// BodyStream: chunk by chunk as it arrives; each verdict's Emit says what
	// leaves. Responses only.
	BodyStream
)

// Verdict is call's answer to a phase. The zero Verdict changes nothing.
type Verdict struct {
	// Release (request headers, response headers): nothing more of this call
	// is wanted; Envoy goes on without Regent and Close follows at once.
	Release bool
	// Body is how the body that follows these headers is wanted: the request's
	// at Open, the response's at ResponseHeaders.
	Body BodyMode
	// Set replaces, Remove deletes headers of the message in hand (at a
	// BodyBuffered body, the headers still held back are meant).
	Set    []Header
	Remove []string
	// ClearRouteCache makes Envoy choose the route anew (request phases).
	ClearRouteCache bool
	// Replace, at a BodyBuffered body, puts NewBody in the body's place; extproc
	// keeps content-length right. NewBody must not be written to again, not
	// even after Close: gRPC may send it later, without a copy.
	Replace bool
	NewBody []byte
	// Emit, at a BodyStream body or trailers, is what leaves now, possibly
	// nothing. It may alias the chunk; extproc sends it before returning.
	Emit []byte
	// End, at a BodyStream body, ends the response after Emit; what the
	// upstream still sends is dropped, and no further phase but Close comes.
	End bool
	// Metadata is dynamic metadata for Envoy's namespace "regent".
	Metadata []Field
	// Reply answers the client in place of everything else, and ends the call.
	// Not possible once a BodyStream response has begun.
	Reply *Reply
}

// Field is one member of dynamic metadata: Value is a string, bool, float64,
// int64, []string or map[string]any of these.
type Field struct {
	Name  string
	Value any
}

// Reply is an immediate response.
type Reply struct {
	Status  int // HTTP status, 200..599
	Headers []Header
	Body    []byte
	// Details appears in Envoy's %RESPONSE_CODE_DETAILS%: one word, no spaces.
	Details string
}

// Opener begins calls: one for each ext_proc stream at the listener filter. It
// is safe for concurrent use.
type Opener interface {
	Open(ctx context.Context, head *RequestHead) (Call, Verdict)
	// OpenAttempt begins one attempt at an upstream: one for each ext_proc
	// stream at the upstream filter.
	OpenAttempt(ctx context.Context, head *RequestHead) (Attempt, Verdict)
}

// Call is one call's life. Its methods are called in order by one goroutine,
// none after Close. Byte slices given are valid only during the method unless
// it says otherwise.
type Call interface {
	// RequestBody gets the whole request body, valid until Close.
	RequestBody(body []byte) Verdict
	// RequestBodyTooLarge comes in RequestBody's place where the body is over
	// extproc's own bound and was not kept.
	RequestBodyTooLarge() Verdict
	ResponseHeaders(head *ResponseHead) Verdict
	// ResponseBody gets the whole body (BodyBuffered, end is true), or a chunk.
	ResponseBody(chunk []byte, end bool) Verdict
	// ResponseTrailers comes in the place of an end: what is still held back
	// must be emitted here.
	ResponseTrailers(trailers Headers) Verdict
	// Close ends the call exactly once, whatever happened. complete is true
	// where every phase that was asked for has come to its end; err is what
	// broke the stream (nil for a client that left).
	Close(complete bool, err error)
}

// Attempt is one try at one upstream.
type Attempt interface {
	RequestBody(body []byte) Verdict
	ResponseHeaders(head *ResponseHead) Verdict
	Close(complete bool, err error)
}
