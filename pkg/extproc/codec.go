package extproc

import (
	"fmt"

	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// codec is gRPC's proto codec with a short way for body messages, which are
// most of the traffic: received bodies alias the receive buffer, sent bodies
// are a second slice behind a few bytes of header. Every other message goes
// through proto, so that the server can carry other services too.
type codec struct{ rest encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(protocodec.Name)} }

// Name is that of the proto codec: the bytes on the wire are the same.
func (codec) Name() string { return protocodec.Name }

// Marshal encodes v.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *outbound:
		return m.marshal()
	default:
		return c.rest.Marshal(v)
	}
}

// Unmarshal decodes data into v. data is the caller's to free.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *inbound:
		return m.unmarshal(data)
	default:
		return c.rest.Unmarshal(data, v)
	}
}

// kind is which of the six messages of Envoy this is.
type kind uint8

const (
	kindNone kind = iota
	requestHeaders
	requestBody
	requestTrailers
	responseHeaders
	responseBody
	responseTrailers
)

func (k kind) String() string {
	return [...]string{"no message", "request headers", "request body", "request trailers",
		"response headers", "response body", "response trailers"}[k]
}

// Field numbers of envoy.service.ext_proc.v3.
const (
	fieldRequestBody   protowire.Number = 4  // ProcessingRequest.request_body
	fieldResponseBody  protowire.Number = 5  // ProcessingRequest.response_body
	fieldObservability protowire.Number = 10 // ProcessingRequest.observability_mode
	fieldBody          protowire.Number = 1  // HttpBody.body, StreamedBodyResponse.body
	fieldEnd           protowire.Number = 2  // HttpBody.end_of_stream, StreamedBodyResponse.end_of_stream

	fieldAnswerRequestBody  protowire.Number = 3 // ProcessingResponse.request_body
	fieldAnswerResponseBody protowire.Number = 4 // ProcessingResponse.response_body
	fieldCommon             protowire.Number = 1 // BodyResponse.response
	fieldBodyMutation       protowire.Number = 3 // CommonResponse.body_mutation
	fieldMutationBody       protowire.Number = 1 // BodyMutation.body
	fieldMutationClear      protowire.Number = 2 // BodyMutation.clear_body
	fieldMutationStreamed   protowire.Number = 3 // BodyMutation.streamed_response
)

// inbound is one message of Envoy's. It is reused for every message of a
// stream; release gives the receive buffer back.
type inbound struct {
	kind    kind
	body    []byte // of a body message; aliases buf where buf is not nil
	end     bool   // end_of_stream of a body message
	observe bool
	full    *pb.ProcessingRequest // nil for a body message read the short way
	buf     mem.Buffer
}

func (m *inbound) release() {
	if m.buf != nil {
		m.buf.Free()
	}
	*m = inbound{}
}

// take hands the body's buffer to the caller, who frees it; nil if the body is
// ordinary memory.
func (m *inbound) take() mem.Buffer {
	b := m.buf
	m.buf = nil
	return b
}

func (m *inbound) unmarshal(data mem.BufferSlice) error {
	m.release()
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	if m.readBody(buf.ReadOnlyData()) {
		m.buf = buf
		return nil
	}
	defer buf.Free()
	*m = inbound{full: &pb.ProcessingRequest{}}
	if err := proto.Unmarshal(buf.ReadOnlyData(), m.full); err != nil {
		return fmt.Errorf("decode ext_proc message: %w", err)
	}
	m.classify()
	return nil
}

// readBody reads b if it is a plain body message: one HttpBody with nothing
// but body and end_of_stream, each at most once, and observability_mode. It is
// false for everything else, which proto then reads.
func (m *inbound) readBody(b []byte) bool {
	var http []byte
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		switch {
		case (num == fieldRequestBody || num == fieldResponseBody) && typ == protowire.BytesType && m.kind == kindNone:
			m.kind = requestBody
			if num == fieldResponseBody {
				m.kind = responseBody
			}
			http, n = protowire.ConsumeBytes(b)
		case num == fieldObservability && typ == protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			m.observe = v != 0
		default:
			return false
		}
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return m.kind != kindNone && m.readHTTPBody(http)
}

func (m *inbound) readHTTPBody(b []byte) bool {
	seen := false
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		switch {
		case num == fieldBody && typ == protowire.BytesType && !seen:
			seen = true
			m.body, n = protowire.ConsumeBytes(b)
		case num == fieldEnd && typ == protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			m.end = v != 0
		default:
			return false
		}
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// classify fills the short fields from the full message.
func (m *inbound) classify() {
	m.observe = m.full.GetObservabilityMode()
	switch r := m.full.GetRequest().(type) {
	case *pb.ProcessingRequest_RequestHeaders:
		m.kind = requestHeaders
	case *pb.ProcessingRequest_RequestBody:
		m.kind, m.body, m.end = requestBody, r.RequestBody.GetBody(), r.RequestBody.GetEndOfStream()
	case *pb.ProcessingRequest_RequestTrailers:
		m.kind = requestTrailers
	case *pb.ProcessingRequest_ResponseHeaders:
		m.kind = responseHeaders
	case *pb.ProcessingRequest_ResponseBody:
		m.kind, m.body, m.end = responseBody, r.ResponseBody.GetBody(), r.ResponseBody.GetEndOfStream()
	case *pb.ProcessingRequest_ResponseTrailers:
		m.kind = responseTrailers
	}
}

// change is what a body answer does to the body.
type change uint8

const (
	changeNothing change = iota // the body stays (no body_mutation)
	changeClear                 // clear_body
	changeReplace               // body
	changeStream                // streamed_response
)

// outbound is an answer to a body message.
type outbound struct {
	response bool // to a response body, else to a request body
	change   change
	body     []byte
	end      bool // of changeStream
	// owned: nobody writes to body again, so it need not be copied.
	owned bool
	// source is the buffer body aliases if any; marshal takes its own reference.
	source mem.Buffer
	// common carries header mutation, status and route cache; without body. Nil if none.
	common *pb.CommonResponse
	// rest carries dynamic metadata; without response. Nil if none.
	rest *pb.ProcessingResponse
}

// inlineBody is the size up to which a body is copied behind its header: less
// work than a second slice.
const inlineBody = 1 << 10

// marshal puts the body last at each level, so that it can be its own slice;
// protobuf leaves the order of fields free.
func (m *outbound) marshal() (mem.BufferSlice, error) {
	rest, err := optional(m.rest)
	if err != nil {
		return nil, err
	}
	common, err := optional(m.common)
	if err != nil {
		return nil, err
	}
	head, tail := m.header(rest, common)
	if len(tail) == 0 {
		return mem.BufferSlice{mem.SliceBuffer(head)}, nil
	}
	return mem.BufferSlice{mem.SliceBuffer(head), m.tail(tail)}, nil
}

// optional encodes a message that may be missing.
func optional[M interface {
	proto.Message
	comparable
}](m M) ([]byte, error) {
	var none M
	if m == none {
		return nil, nil
	}
	return proto.Marshal(m)
}

// header is everything before the body, and the body if it is not inlined.
func (m *outbound) header(rest, common []byte) (head, tail []byte) {
	mutation, inner := m.sizes()
	inCommon := len(common)
	if m.change != changeNothing {
		inCommon += protowire.SizeTag(fieldBodyMutation) + protowire.SizeBytes(mutation)
	}
	inBody := protowire.SizeTag(fieldCommon) + protowire.SizeBytes(inCommon)
	room := len(rest) + len(common) + 48
	if len(m.body) <= inlineBody {
		room += len(m.body)
	}
	b := append(make([]byte, 0, room), rest...)
	field := fieldAnswerRequestBody
	if m.response {
		field = fieldAnswerResponseBody
	}
	b = appendLength(b, field, inBody)
	b = appendLength(b, fieldCommon, inCommon)
	b = append(b, common...)
	if m.change != changeNothing {
		b = m.appendMutation(appendLength(b, fieldBodyMutation, mutation), inner)
	}
	if !m.hasBody() {
		return b, nil
	}
	if len(m.body) <= inlineBody {
		return append(b, m.body...), nil
	}
	return b, m.body
}

func (m *outbound) hasBody() bool { return m.change == changeReplace || m.change == changeStream }

// sizes are those of BodyMutation and of StreamedBodyResponse.
func (m *outbound) sizes() (mutation, inner int) {
	switch m.change {
	case changeClear:
		mutation = 2
	case changeReplace:
		mutation = protowire.SizeTag(fieldMutationBody) + protowire.SizeBytes(len(m.body))
	case changeStream:
		if len(m.body) > 0 {
			inner = protowire.SizeTag(fieldBody) + protowire.SizeBytes(len(m.body))
		}
		if m.end {
			inner += 2
		}
		mutation = protowire.SizeTag(fieldMutationStreamed) + protowire.SizeBytes(inner)
	}
	return mutation, inner
}

// appendMutation writes a BodyMutation up to the body's first byte.
func (m *outbound) appendMutation(b []byte, inner int) []byte {
	switch m.change {
	case changeClear:
		return appendTrue(b, fieldMutationClear)
	case changeReplace:
		return appendLength(b, fieldMutationBody, len(m.body))
	}
	b = appendLength(b, fieldMutationStreamed, inner)
	if m.end {
		b = appendTrue(b, fieldEnd)
	}
	if len(m.body) > 0 {
		b = appendLength(b, fieldBody, len(m.body))
	}
	return b
}

// tail is the body as a buffer that stays valid until gRPC has written it:
// SendMsg returns before that.
func (m *outbound) tail(body []byte) mem.Buffer {
	if m.owned {
		return mem.SliceBuffer(body)
	}
	if m.source != nil {
		if at, ok := within(m.source.ReadOnlyData(), body); ok {
			return m.source.Slice(at, at+len(body))
		}
	}
	return mem.Copy(body, mem.DefaultBufferPool())
}

func appendLength(b []byte, num protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.BytesType), uint64(n))
}

func appendTrue(b []byte, num protowire.Number) []byte {
	return append(protowire.AppendTag(b, num, protowire.VarintType), 1)
}
