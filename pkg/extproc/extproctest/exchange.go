package extproctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	ep "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// Mode is a body mode the filter is configured with.
type Mode = ep.ProcessingMode_BodySendMode

// The modes.
const (
	None     Mode = ep.ProcessingMode_NONE
	Buffered Mode = ep.ProcessingMode_BUFFERED
	Streamed Mode = ep.ProcessingMode_STREAMED
	Duplex   Mode = ep.ProcessingMode_FULL_DUPLEX_STREAMED
)

// Exchange is one HTTP call as Envoy sees it. Header names are lower case;
// pseudo headers are the caller's to give (":method", ":path", ":status").
type Exchange struct {
	RequestHeaders phase.Headers
	RequestBody    []byte // nil: none
	// RequestChunk splits the request body where the mode streams it; 0: one piece.
	RequestChunk    int
	RequestTrailers phase.Headers
	ResponseHeaders phase.Headers
	ResponseChunks  [][]byte // nil: no response body
	Trailers        phase.Headers
	Attributes      map[string]string // of the request
	ResponseAttrs   map[string]string
	Metadata        map[string]map[string]any // dynamic metadata by namespace
	GRPC            map[string]string         // metadata of the ext_proc stream
	// RequestMode and ResponseMode are the configured ones; NoOverride is
	// allow_mode_override: false.
	RequestMode, ResponseMode Mode
	NoOverride                bool
	// AbortAfter, if over 0, has the client leave after so many response chunks.
	AbortAfter int
}

// Result is what the two sides saw.
type Result struct {
	Reached         bool // the upstream got the request
	UpstreamHeaders phase.Headers
	UpstreamBody    []byte
	ClientStatus    int
	ClientHeaders   phase.Headers
	ClientBody      []byte
	ClientTrailers  phase.Headers
	// Metadata is the dynamic metadata the server set, by namespace.
	Metadata     map[string]map[string]any
	Immediate    bool   // the server answered itself
	Details      string // of the immediate response
	Cut          bool   // the server ended the response early
	Released     bool   // the server asked for nothing of the response
	RouteCleared bool
	Sent, Got    int   // messages to and from the server
	End          error // how the server ended the stream after the call
}

type driver struct {
	x      *Exchange
	res    *Result
	rpc    pb.ExternalProcessor_ProcessClient
	got    chan received
	wait   time.Duration
	mode   *ep.ProcessingMode
	fixed  bool
	first  bool
	ended  bool // the response's end reached the client
	abort  context.CancelFunc
	chunks int
}

type received struct {
	msg *pb.ProcessingResponse
	err error
}

// errImmediate unwinds a driver whose call is answered.
var errImmediate = errors.New("answered")

// errAborted unwinds a driver whose client left.
var errAborted = errors.New("aborted")

// Do drives x. The error is what would make Envoy fail the call: the server's
// gRPC error, an answer that is missing, spurious or malformed. The result
// holds what both sides saw until then.
func (c *Client) Do(ctx context.Context, x Exchange) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for k, v := range x.GRPC {
		ctx = metadata.AppendToOutgoingContext(ctx, k, v)
	}
	rpc, err := c.rpc.Process(ctx)
	if err != nil {
		return nil, err
	}
	d := &driver{x: &x, rpc: rpc, wait: c.Timeout, first: true, abort: cancel, got: make(chan received, 64), res: &Result{
		UpstreamHeaders: append(phase.Headers(nil), x.RequestHeaders...), ClientHeaders: append(phase.Headers(nil), x.ResponseHeaders...),
		Metadata: map[string]map[string]any{}}}
	d.mode = &ep.ProcessingMode{RequestBodyMode: x.RequestMode, ResponseBodyMode: x.ResponseMode}
	d.fixed = x.NoOverride || x.RequestMode == Duplex || x.ResponseMode == Duplex
	done := make(chan struct{})
	go d.receive(ctx, done)
	err = d.run()
	switch {
	case errors.Is(err, errAborted):
		err = nil
	case err == nil, errors.Is(err, errImmediate):
		err = d.finish()
	}
	cancel()
	<-done
	return d.res, err
}

func (d *driver) receive(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	for {
		m, err := d.rpc.Recv()
		select {
		case d.got <- received{m, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (d *driver) run() error {
	if err := d.request(); err != nil {
		return err
	}
	d.res.Reached = true
	return d.response()
}

// finish half-closes and checks that nothing spurious follows.
func (d *driver) finish() error {
	if err := d.rpc.CloseSend(); err != nil {
		return err
	}
	for {
		m, err := d.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			d.res.End = err
			return nil
		}
		return fmt.Errorf("spurious message after the call: %T", m.Response)
	}
}

func (d *driver) send(m *pb.ProcessingRequest) error {
	if d.first {
		d.first = false
		m.ProtocolConfig = &pb.ProtocolConfiguration{RequestBodyMode: d.x.RequestMode, ResponseBodyMode: d.x.ResponseMode}
	}
	d.res.Sent++
	if err := d.rpc.Send(m); err != nil {
		_, err = d.next() // the stream's own error
		if err == nil || err == io.EOF {
			err = errors.New("the server closed the stream of a live call: Envoy would pass the rest uninspected")
		}
		return err
	}
	return nil
}

// next is the next answer.
func (d *driver) next() (*pb.ProcessingResponse, error) {
	timer := time.NewTimer(d.wait)
	defer timer.Stop()
	select {
	case r := <-d.got:
		if r.err == nil {
			d.res.Got++
		}
		return r.msg, r.err
	case <-timer.C:
		return nil, errors.New("no answer: message timeout")
	}
}

// answer is the next answer where one is due. Immediate responses end the call.
func (d *driver) answer() (*pb.ProcessingResponse, error) {
	m, err := d.next()
	if err == io.EOF {
		return nil, errors.New("the server closed the stream of a live call: Envoy would pass the rest uninspected")
	}
	if err != nil {
		return nil, err
	}
	d.note(m.GetDynamicMetadata())
	if r := m.GetImmediateResponse(); r != nil {
		return nil, d.immediate(r)
	}
	return m, nil
}

func (d *driver) note(s *structpb.Struct) {
	for ns, v := range s.GetFields() {
		if d.res.Metadata[ns] == nil {
			d.res.Metadata[ns] = map[string]any{}
		}
		for k, v := range v.GetStructValue().AsMap() {
			d.res.Metadata[ns][k] = v
		}
	}
}

func (d *driver) immediate(r *pb.ImmediateResponse) error {
	if d.res.ClientStatus != 0 {
		return errors.New("immediate response after the response began: Envoy cuts the connection")
	}
	status := int(r.GetStatus().GetCode())
	if status < 200 {
		return fmt.Errorf("immediate response with status %d", status)
	}
	h := phase.Headers{{Name: ":status", Value: strconv.Itoa(status)}, {Name: "content-type", Value: "text/plain"}, {Name: "content-length", Value: strconv.Itoa(len(r.GetBody()))}}
	h, err := mutate(h, r.GetHeaders())
	if err != nil {
		return err
	}
	d.res.Immediate, d.res.Details = true, r.GetDetails()
	d.res.ClientStatus, d.res.ClientHeaders, d.res.ClientBody = status, h, r.GetBody()
	return errImmediate
}

// override applies a mode override as Envoy does: the whole mode, or nothing.
func (d *driver) override(m *ep.ProcessingMode) error {
	if m == nil || d.fixed {
		return nil
	}
	if m.ResponseBodyMode == Duplex && m.ResponseTrailerMode != ep.ProcessingMode_SEND {
		return errors.New("FULL_DUPLEX_STREAMED without response_trailer_mode SEND")
	}
	d.mode = m
	return nil
}

func headerMap(h phase.Headers) *core.HeaderMap {
	m := &core.HeaderMap{}
	for _, e := range h {
		m.Headers = append(m.Headers, &core.HeaderValue{Key: e.Name, RawValue: []byte(e.Value)})
	}
	return m
}

func attributeMap(a map[string]string) map[string]*structpb.Struct {
	if len(a) == 0 {
		return nil
	}
	s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for k, v := range a {
		s.Fields[k] = structpb.NewStringValue(v)
	}
	return map[string]*structpb.Struct{"envoy.filters.http.ext_proc": s}
}

// mutate applies a header mutation by Envoy's rules: removals, then overwrites.
func mutate(h phase.Headers, m *pb.HeaderMutation) (phase.Headers, error) {
	for _, name := range m.GetRemoveHeaders() {
		h = remove(h, name)
	}
	for _, o := range m.GetSetHeaders() {
		name, v := o.GetHeader().GetKey(), o.GetHeader()
		switch {
		case v.GetValue() != "":
			return h, fmt.Errorf("header %q set by value: Envoy reads raw_value only", name)
		case name != strings.ToLower(name) || name == "" || strings.ContainsAny(name, "\r\n\x00 "):
			return h, fmt.Errorf("header name %q", name)
		case name == "connection" || name == "transfer-encoding":
			return h, fmt.Errorf("header %q hangs the message", name)
		case strings.ContainsAny(string(v.GetRawValue()), "\r\n\x00"):
			return h, fmt.Errorf("header %q: invalid character", name)
		}
		h = append(remove(h, name), phase.Header{Name: name, Value: string(v.GetRawValue())})
	}
	return h, nil
}

func remove(h phase.Headers, name string) phase.Headers {
	var out phase.Headers
	for _, e := range h {
		if e.Name != name {
			out = append(out, e)
		}
	}
	return out
}

// checkLength fails as Envoy does for a BUFFERED body that its content-length
// does not fit.
func checkLength(h phase.Headers, body []byte) error {
	if l := h.Get("content-length"); l != "" && l != strconv.Itoa(len(body)) {
		return fmt.Errorf("mismatch_between_content_length_and_the_length_of_the_mutated_body: %s for %d bytes", l, len(body))
	}
	return nil
}
