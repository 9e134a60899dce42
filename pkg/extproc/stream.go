package extproc

import (
	"context"
	"fmt"

	filter "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extproc "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// state is where a stream is: which message may come next.
type state uint8

const (
	// start: nothing has come yet.
	start state = iota
	// requestBody: the request's body was asked for.
	requestBody
	// response: the request is done with; the response's headers come next.
	response
	// wholeBody: the response's body was asked for in one piece.
	wholeBody
	// streaming: the response's body comes in chunks, full duplex.
	streaming
	// passing: nothing is wanted any more; what comes all the same, because the
	// filter's configuration sends it, passes unchanged.
	passing
	// cut: the response was ended by us; what still comes of it is dropped.
	cut
	// ended: the last message was answered, or an immediate response sent.
	ended
)

var stateNames = [...]string{"start", "request body", "response", "whole body", "streaming", "passing", "cut", "ended"}

func (s state) String() string { return stateNames[s] }

// handler is the part of phase.Call and phase.Attempt that a stream drives.
type handler interface {
	RequestBody(body []byte) phase.Verdict
	ResponseHeaders(head *phase.ResponseHead) phase.Verdict
	Close(complete bool, err error)
}

// stream is one ext_proc stream.
type stream struct {
	server   *Server
	grpc     extproc.ExternalProcessor_ProcessServer
	metadata metadata.MD
	upstream bool // attached at an upstream, not at a listener

	state   state
	handler handler
	call    phase.Call // nil at an upstream
	failure error

	body     []byte // of a request that comes in pieces
	tooLarge bool
	// configured are the filter's own modes; overrides replace them per call.
	configured struct {
		request, response filter.ProcessingMode_BodySendMode
	}
	hadLength bool // the message in hand came with a content-length
}

func newStream(s *Server, g extproc.ExternalProcessor_ProcessServer) *stream {
	md, _ := metadata.FromIncomingContext(g.Context())
	return &stream{server: s, grpc: g, metadata: md, upstream: first(md, AttachKey) == "upstream"}
}

func (st *stream) context() context.Context { return st.grpc.Context() }

// complete reports whether nothing more is wanted of the call.
func (st *stream) complete() bool {
	switch st.state {
	case passing, cut, ended:
		return true
	}
	return false
}

func (st *stream) close() {
	if st.handler != nil {
		st.handler.Close(st.complete() && st.failure == nil, st.failure)
		st.handler = nil
	}
}

// take is one message's way: is it one that may come now, what does the call
// say to it, and how is that said to Envoy.
func (st *stream) take(m *extproc.ProcessingRequest) error {
	if m.GetObservabilityMode() {
		return st.misconfigured("observability_mode is on, in which no answer counts: turn it off")
	}
	if st.state == start {
		if err := st.checkConfiguration(m); err != nil {
			return err
		}
	}
	switch r := m.GetRequest().(type) {
	case *extproc.ProcessingRequest_RequestHeaders:
		return st.onRequestHeaders(m, r.RequestHeaders)
	case *extproc.ProcessingRequest_RequestBody:
		return st.onRequestBody(r.RequestBody)
	case *extproc.ProcessingRequest_RequestTrailers:
		return st.onRequestTrailers()
	case *extproc.ProcessingRequest_ResponseHeaders:
		return st.onResponseHeaders(m, r.ResponseHeaders)
	case *extproc.ProcessingRequest_ResponseBody:
		return st.onResponseBody(r.ResponseBody)
	case *extproc.ProcessingRequest_ResponseTrailers:
		return st.onResponseTrailers(r.ResponseTrailers)
	}
	return st.fault("a message of no known kind")
}

// fault is a message that may not come in this state. The stream ends with an
// error, so that the call fails as the operator configured.
func (st *stream) fault(what string) error {
	st.server.options.Observer.Fault("protocol")
	return status.Errorf(codes.FailedPrecondition, "%s came in state %q, which the protocol does not allow", what, st.state)
}

func (st *stream) misconfigured(hint string) error {
	st.server.options.Observer.Fault("configuration")
	return status.Error(codes.FailedPrecondition, "the ext_proc filter's configuration does not let this sidecar do its work: "+hint)
}

// checkConfiguration refuses the configurations under which Envoy silently
// ignores what calls ask for.
func (st *stream) checkConfiguration(m *extproc.ProcessingRequest) error {
	c := m.GetProtocolConfig()
	if c == nil {
		return nil
	}
	st.configured.request, st.configured.response = c.GetRequestBodyMode(), c.GetResponseBodyMode()
	for _, mode := range []filter.ProcessingMode_BodySendMode{st.configured.request, st.configured.response} {
		if mode == filter.ProcessingMode_FULL_DUPLEX_STREAMED || mode == filter.ProcessingMode_GRPC {
			return st.misconfigured("a body mode is " + mode.String() + ", under which Envoy ignores mode overrides: set request_body_mode and response_body_mode to NONE")
		}
	}
	if !st.upstream && st.configured.response != filter.ProcessingMode_NONE && st.configured.response != filter.ProcessingMode_BUFFERED {
		return st.misconfigured("response_body_mode is " + st.configured.response.String() + ": set it to NONE")
	}
	return nil
}

// onRequestHeaders begins the call.
func (st *stream) onRequestHeaders(m *extproc.ProcessingRequest, h *extproc.HttpHeaders) error {
	if st.state != start {
		return st.fault("a second request header message")
	}
	head := requestHead(m, h, st.metadata)
	st.hadLength = head.Headers.Has("content-length")
	var v phase.Verdict
	if st.upstream {
		st.handler, v = st.server.opener.OpenAttempt(st.context(), head)
	} else {
		st.call, v = st.server.opener.Open(st.context(), head)
		st.handler = st.call
	}
	if v.Reply != nil {
		return st.reply(v)
	}
	r := st.headersAnswer(v)
	out := &extproc.ProcessingResponse{
		Response:        &extproc.ProcessingResponse_RequestHeaders{RequestHeaders: r},
		ModeOverride:    st.requestMode(v, head.EndOfStream),
		DynamicMetadata: dynamicMetadata(v.Metadata),
	}
	switch {
	case v.Release:
		st.state = passing
	case v.Body == phase.BodyBuffered && !head.EndOfStream:
		st.state = requestBody
	case st.configured.request != filter.ProcessingMode_NONE && !head.EndOfStream && st.upstream:
		st.state = requestBody
	default:
		st.state = response
	}
	return st.send(out)
}

// requestMode is the call's mode, asked for at its start. An override replaces
// the whole mode, so it repeats what is wanted of the response.
func (st *stream) requestMode(v phase.Verdict, ended bool) *filter.ProcessingMode {
	switch {
	case v.Release:
		return &filter.ProcessingMode{ResponseHeaderMode: filter.ProcessingMode_SKIP}
	case v.Body == phase.BodyBuffered && !ended:
		return &filter.ProcessingMode{RequestBodyMode: filter.ProcessingMode_BUFFERED, ResponseHeaderMode: filter.ProcessingMode_SEND}
	case st.upstream:
		return nil
	}
	return &filter.ProcessingMode{ResponseHeaderMode: filter.ProcessingMode_SEND}
}

// onRequestBody takes the request's body: one message where it is buffered,
// whatever its end-of-stream flag says, since trailers may follow it.
func (st *stream) onRequestBody(b *extproc.HttpBody) error {
	switch st.state {
	case requestBody:
	case passing, response:
		return st.send(bodyAnswer(true, &extproc.CommonResponse{}, nil)) // sent because the filter's own mode says so
	case ended:
		return nil
	default:
		return st.fault("a request body message")
	}
	if st.inPieces() && !b.GetEndOfStream() {
		return st.keep(b.GetBody())
	}
	v := st.wholeRequest(b.GetBody())
	if v.Reply != nil {
		return st.reply(v)
	}
	st.state = response
	return st.send(bodyAnswer(true, st.bodyAnswer(v), v.Metadata))
}

// inPieces reports whether the filter's own mode sends request bodies chunk by
// chunk, which an override could not change.
func (st *stream) inPieces() bool {
	return st.upstream && st.configured.request == filter.ProcessingMode_STREAMED
}

// keep gathers a piece of a body, and holds it back from the upstream.
func (st *stream) keep(piece []byte) error {
	if len(st.body)+len(piece) > st.server.options.MaxRequestBody {
		st.tooLarge, st.body = true, nil
	}
	if !st.tooLarge {
		st.body = append(st.body, piece...)
	}
	empty := &extproc.BodyMutation{Mutation: &extproc.BodyMutation_ClearBody{ClearBody: true}}
	return st.send(bodyAnswer(true, &extproc.CommonResponse{BodyMutation: empty}, nil))
}

func (st *stream) wholeRequest(last []byte) phase.Verdict {
	body := last
	if st.body != nil {
		body = append(st.body, last...)
	}
	if st.call != nil && (st.tooLarge || len(body) > st.server.options.MaxRequestBody) {
		return st.call.RequestBodyTooLarge()
	}
	v := st.handler.RequestBody(body)
	if st.body != nil && !v.Replace { // the pieces were held back
		v.Replace, v.NewBody = true, body
	}
	return v
}

func (st *stream) onRequestTrailers() error {
	switch st.state {
	case requestBody, response, passing:
		return st.send(&extproc.ProcessingResponse{Response: &extproc.ProcessingResponse_RequestTrailers{RequestTrailers: &extproc.TrailersResponse{}}})
	case ended:
		return nil
	}
	return st.fault("a request trailers message")
}

// onResponseHeaders is the response's beginning. It comes before the request's
// body where Envoy itself answered in the upstream's place.
func (st *stream) onResponseHeaders(m *extproc.ProcessingRequest, h *extproc.HttpHeaders) error {
	switch st.state {
	case requestBody:
		if !st.upstream && fromUpstream(m, h) {
			return st.misconfigured("the request went on without its body being shown: set allow_mode_override: true")
		}
	case response:
	case passing:
		return st.send(&extproc.ProcessingResponse{Response: &extproc.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extproc.HeadersResponse{}}})
	case ended:
		return nil
	default:
		return st.fault("a response header message")
	}
	head := responseHead(m, h)
	st.hadLength = head.Headers.Has("content-length")
	v := st.handler.ResponseHeaders(head)
	if v.Reply != nil {
		return st.reply(v)
	}
	st.state = stateFor(v, head.EndOfStream)
	if st.state == streaming { // held, replaced or added bytes change the length
		v.Remove = append(v.Remove, "content-length")
	}
	return st.send(&extproc.ProcessingResponse{
		Response:        &extproc.ProcessingResponse_ResponseHeaders{ResponseHeaders: st.headersAnswer(v)},
		ModeOverride:    st.responseMode(v),
		DynamicMetadata: dynamicMetadata(v.Metadata),
	})
}

func stateFor(v phase.Verdict, ended bool) state {
	switch {
	case ended || v.Release || v.Body == phase.BodyNone:
		return passing
	case v.Body == phase.BodyStream:
		return streaming
	}
	return wholeBody
}

func (st *stream) responseMode(v phase.Verdict) *filter.ProcessingMode {
	switch st.state {
	case streaming:
		return &filter.ProcessingMode{ResponseBodyMode: filter.ProcessingMode_FULL_DUPLEX_STREAMED, ResponseTrailerMode: filter.ProcessingMode_SEND}
	case wholeBody:
		return &filter.ProcessingMode{ResponseBodyMode: filter.ProcessingMode_BUFFERED}
	}
	if st.upstream {
		return nil
	}
	return &filter.ProcessingMode{}
}

// fromUpstream reports whether a response came from the upstream, not from
// Envoy itself.
func fromUpstream(m *extproc.ProcessingRequest, h *extproc.HttpHeaders) bool {
	if details := attributes(m)["response.code_details"]; details != "" {
		return details == "via_upstream"
	}
	for _, each := range h.GetHeaders().GetHeaders() {
		if each.GetKey() == "x-envoy-upstream-service-time" {
			return true
		}
	}
	return false
}

func (st *stream) onResponseBody(b *extproc.HttpBody) error {
	switch st.state {
	case wholeBody:
		return st.wholeResponse(b)
	case streaming:
		return st.chunk(b)
	case passing:
		return st.send(bodyAnswer(false, &extproc.CommonResponse{}, nil))
	case cut, ended:
		return nil
	}
	return st.fault("a response body message")
}

func (st *stream) wholeResponse(b *extproc.HttpBody) error {
	v := st.call.ResponseBody(b.GetBody(), true)
	if v.Reply != nil {
		return st.reply(v)
	}
	st.state = ended
	if !b.GetEndOfStream() { // trailers may follow
		st.state = passing
	}
	return st.send(bodyAnswer(false, st.bodyAnswer(v), v.Metadata))
}

// chunk answers a chunk of a full duplex stream with what leaves now: nothing
// is said where nothing leaves.
func (st *stream) chunk(b *extproc.HttpBody) error {
	end := b.GetEndOfStream()
	v := st.call.ResponseBody(b.GetBody(), end)
	switch {
	case v.End:
		st.state = cut
		if end {
			st.state = ended
		}
		return st.emit(v.Emit, true, v.Metadata)
	case end:
		st.state = ended
		return st.emit(v.Emit, true, v.Metadata)
	case len(v.Emit) == 0 && len(v.Metadata) == 0:
		return nil
	}
	return st.emit(v.Emit, false, v.Metadata)
}

// maxEmit bounds one message of a streamed body, in bytes: larger pieces would
// sit in Envoy's buffers as one.
const maxEmit = 64 << 10

func (st *stream) emit(body []byte, end bool, fields []phase.Field) error {
	for len(body) > maxEmit {
		if err := st.send(streamedAnswer(body[:maxEmit], false, nil)); err != nil {
			return err
		}
		body = body[maxEmit:]
	}
	return st.send(streamedAnswer(body, end, fields))
}

// onResponseTrailers ends a stream in the place of an end-of-stream flag: what
// was held back must leave before the trailers are answered, or it is lost.
func (st *stream) onResponseTrailers(t *extproc.HttpTrailers) error {
	answer := &extproc.ProcessingResponse{Response: &extproc.ProcessingResponse_ResponseTrailers{ResponseTrailers: &extproc.TrailersResponse{}}}
	switch st.state {
	case streaming:
	case passing, ended, response:
		return st.send(answer)
	case cut:
		return nil
	default:
		return st.fault("a response trailers message")
	}
	v := st.call.ResponseTrailers(headers(t.GetTrailers()))
	st.state = ended
	if len(v.Emit) > 0 {
		if err := st.emit(v.Emit, false, nil); err != nil {
			return err
		}
	}
	answer.DynamicMetadata = dynamicMetadata(v.Metadata)
	return st.send(answer)
}

// reply answers the client in place of everything else.
func (st *stream) reply(v phase.Verdict) error {
	st.state = ended
	return st.send(&extproc.ProcessingResponse{
		Response:        &extproc.ProcessingResponse_ImmediateResponse{ImmediateResponse: st.immediate(v.Reply)},
		DynamicMetadata: dynamicMetadata(v.Metadata),
	})
}

func (st *stream) send(m *extproc.ProcessingResponse) error {
	if err := st.grpc.Send(m); err != nil {
		return fmt.Errorf("answer Envoy: %w", err)
	}
	return nil
}
