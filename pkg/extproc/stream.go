package extproc

import (
	"context"
	"errors"
	"io"
	"runtime/debug"

	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// stream is the state machine of one ext_proc stream: one call, or one attempt
// at the upstream filter. Request and response are a direction each, which
// advance on their own, since an upstream may answer before it has read all.
type stream struct {
	opts     *Options
	grpc     grpc.ServerStream
	opener   phase.Opener
	md       metadata.MD
	upstream bool // attached at the upstream filter

	call      phase.Call // nil before the request's headers and after Close
	req, resp direction
	begun     bool // the first message has been seen
	// fixed: Envoy would ignore a mode override.
	fixed bool
	// overridden: the request's mode in force is one we asked for.
	overridden bool
	// complete: the call came to its end; whatever comes is not its own.
	complete bool
	// over: Envoy has its last answer; what still comes is swallowed.
	over bool
	// blank: the response was ended early in STREAMED mode, where the rest can
	// only be emptied.
	blank bool

	in inbound
}

// run serves the stream until Envoy ends it or something breaks.
func (s *stream) run() (err error) {
	defer func() { err = s.end(recover(), err) }()
	for {
		if err := s.grpc.RecvMsg(&s.in); err != nil {
			return s.hungUp(err)
		}
		if err := s.step(); err != nil {
			return err
		}
	}
}

// end closes the call if nothing has, and turns a panic into an error.
func (s *stream) end(panicked any, err error) error {
	if panicked != nil {
		s.opts.OnPanic(panicked, debug.Stack())
		err = status.Errorf(codes.Internal, "panic in call: %v", panicked)
	}
	cause := err
	if errors.Is(err, errLeft) {
		cause, err = nil, status.Error(codes.Canceled, errLeft.Error())
	}
	if again := s.close(s.complete && err == nil, cause); again != nil && err == nil {
		err = again
	}
	s.in.release()
	return err
}

// errLeft: Envoy ended the stream of an unfinished call, because the client
// or the upstream went away.
var errLeft = errors.New("stream ended before its call")

// hungUp judges the end of the stream. Envoy resets streams at the normal end
// of a call too: what tells the two apart is whether the call was complete.
func (s *stream) hungUp(err error) error {
	switch {
	case s.complete:
		return nil
	case err == io.EOF, status.Code(err) == codes.Canceled, errors.Is(err, context.Canceled):
		return errLeft
	}
	return err
}

// finish marks the call complete and closes it.
func (s *stream) finish() error {
	s.complete = true
	if s.req.plan == planWhole || s.req.plan == planCollect {
		s.req.part = partEnd // what was to be judged and never came may not come now
	}
	return s.close(true, nil)
}

// close closes the call, once.
func (s *stream) close(complete bool, cause error) (err error) {
	c := s.call
	s.call = nil
	defer func() {
		if p := recover(); p != nil {
			s.opts.OnPanic(p, debug.Stack())
			err = status.Errorf(codes.Internal, "panic in call: %v", p)
		}
		s.req.body.free()
		s.resp.body.free()
	}()
	if c != nil {
		c.Close(complete, cause)
	}
	return nil
}

// legal is the transition table: which part of a message may come at which
// position of its direction. What it lacks is a violation of the protocol.
var legal = [...][3]bool{
	//            headers body   trailers
	partHeaders:  {true, false, false},
	partBody:     {false, true, true},
	partTrailers: {false, false, true},
	partEnd:      {false, false, false},
}

// handlers carry out a legal message.
var handlers = [...]func(*stream) error{
	requestHeaders:   (*stream).onRequestHeaders,
	requestBody:      (*stream).onRequestBody,
	requestTrailers:  (*stream).onRequestTrailers,
	responseHeaders:  (*stream).onResponseHeaders,
	responseBody:     (*stream).onResponseBody,
	responseTrailers: (*stream).onResponseTrailers,
}

// step takes the message in hand.
func (s *stream) step() error {
	k := s.in.kind
	s.opts.Observer.Message(k.String())
	switch {
	case s.in.observe:
		return misconfigured("observability_mode ignores every answer: turn it off to govern calls")
	case s.over:
		return nil
	case k == kindNone && s.in.full.GetClientWindowUpdate() != nil && s.begun:
		return nil
	case k == kindNone:
		return violation("a message without request or response part")
	}
	if !s.begun {
		if err := s.begin(k); err != nil {
			return err
		}
	}
	d := s.direction(k)
	if !legal[d.part][(k-requestHeaders)%3] {
		return s.illegal(k, d)
	}
	return handlers[k](s)
}

func (s *stream) direction(k kind) *direction {
	if k >= responseHeaders {
		return &s.resp
	}
	return &s.req
}

// begin takes the stream's first message, which carries the configured modes.
func (s *stream) begin(k kind) error {
	s.begun = true
	if k != requestHeaders && k != responseHeaders {
		return misconfigured("the stream begins with %s: request_header_mode must be SEND", k)
	}
	return s.configure(s.in.full.GetProtocolConfig())
}

// illegal says what is wrong with a message the table does not allow.
func (s *stream) illegal(k kind, d *direction) error {
	switch {
	case k == requestBody && s.overridden && d.part >= partTrailers && d.configured != none && d.configured != buffered:
		return ignoredOverride()
	case d.part == partHeaders:
		return violation("%s before headers", k)
	case k == requestHeaders || k == responseHeaders:
		return violation("second %s", k)
	case d.part == partEnd:
		return violation("%s after the message's end", k)
	}
	return violation("%s, which were not asked for", k)
}

func ignoredOverride() error {
	return misconfigured("the mode override to BUFFERED was ignored: set allow_mode_override, and check allowed_override_modes")
}

// reply sends the immediate response and ends the call.
func (s *stream) reply(v *phase.Verdict) error {
	err := s.send(&pb.ProcessingResponse{
		Response:        immediate(v.Reply, s.opts.OnInvalidHeader),
		DynamicMetadata: dynamic(v.Metadata),
	})
	if err != nil {
		return err
	}
	s.over = true
	return s.finish()
}

func (s *stream) send(m *pb.ProcessingResponse) error { return s.sendMsg(m) }

func (s *stream) sendMsg(m any) error {
	if err := s.grpc.SendMsg(m); err != nil {
		if status.Code(err) == codes.Canceled || s.grpc.Context().Err() != nil {
			return errLeft
		}
		return status.Errorf(status.Code(err), "send answer: %v", err)
	}
	return nil
}

// common is the part of a verdict that headers and body answers share; nil for
// one that changes nothing.
func (s *stream) common(t target, v *phase.Verdict) *pb.CommonResponse {
	m := mutation(t, v.Set, v.Remove, s.opts.OnInvalidHeader)
	if m == nil && !v.ClearRouteCache {
		return nil
	}
	return &pb.CommonResponse{HeaderMutation: m, ClearRouteCache: v.ClearRouteCache}
}

// sendPending sends a withheld headers answer, with what came to it since.
func (s *stream) sendPending(d *direction, more *pb.CommonResponse) error {
	p := d.pending
	if p == nil {
		return nil
	}
	d.pending = nil
	h := headersOf(p)
	if more != nil {
		if h.Response == nil {
			h.Response = &pb.CommonResponse{}
		}
		h.Response.HeaderMutation = merge(h.Response.HeaderMutation, more.HeaderMutation)
		h.Response.ClearRouteCache = h.Response.ClearRouteCache || more.ClearRouteCache
	}
	return s.send(p)
}

func headersOf(p *pb.ProcessingResponse) *pb.HeadersResponse {
	if r, ok := p.Response.(*pb.ProcessingResponse_ResponseHeaders); ok {
		return r.ResponseHeaders
	}
	return p.GetRequestHeaders()
}

// sendHeaders answers headers, or withholds the answer where a full-duplex
// body is collected first.
func (s *stream) sendHeaders(d *direction, p *pb.ProcessingResponse) error {
	if d.plan == planCollect && d.mode == duplex {
		d.pending = p
		return nil
	}
	return s.send(p)
}

// pass lets the body message in hand through unchanged.
func (s *stream) pass(d *direction) error {
	if err := s.sendPending(d, nil); err != nil {
		return err
	}
	out := outbound{response: d == &s.resp}
	if d.mode == duplex {
		out.change, out.body, out.end, out.source = changeStream, s.in.body, s.in.end, s.in.buf
	}
	return s.sendMsg(&out)
}

// whole answers the end of a body that was wanted whole: original if the
// verdict keeps it. last is false where trailers follow a full-duplex body.
func (s *stream) whole(d *direction, v *phase.Verdict, last bool) error {
	if v.Reply != nil {
		return s.reply(v)
	}
	t := targetRequest
	if d == &s.resp {
		t = targetResponse
	}
	out := outbound{response: d == &s.resp, common: s.common(t, v), rest: restOf(v)}
	if v.Replace {
		out.change, out.body, out.owned = changeReplace, v.NewBody, true
	}
	switch d.mode {
	case buffered:
		if v.Replace {
			s.fitLength(d, &out)
		}
		return s.sendMsg(&out)
	case duplex:
		return s.wholeDuplex(d, &out, last)
	}
	return s.wholeStreamed(d, &out)
}

func (s *stream) fitLength(d *direction, out *outbound) {
	if out.common == nil {
		out.common = &pb.CommonResponse{}
	}
	out.common.HeaderMutation = fixLength(out.common.HeaderMutation, d.hasLength, s.upstream, len(out.body))
}

// wholeDuplex sends the withheld headers and then the body.
func (s *stream) wholeDuplex(d *direction, out *outbound, last bool) error {
	if out.change == changeReplace && d.hasLength {
		s.upstreamLength(out)
	}
	if err := s.sendPending(d, out.common); err != nil {
		return err
	}
	if out.change == changeNothing {
		out.body, out.source, out.owned = d.body.bytes, d.body.buf, d.body.buf == nil
	}
	out.change, out.end, out.common = changeStream, last, nil
	if !last && len(out.body) == 0 {
		return nil
	}
	return s.sendMsg(out)
}

func (s *stream) upstreamLength(out *outbound) {
	if out.common == nil {
		out.common = &pb.CommonResponse{}
	}
	out.common.HeaderMutation = fixLength(out.common.HeaderMutation, true, true, 0)
}

// wholeStreamed puts the whole body into the answer of its last piece. The
// headers have left before it.
func (s *stream) wholeStreamed(d *direction, out *outbound) error {
	if out.common != nil {
		return misconfigured("headers or route cannot change with a %v body: configure body mode NONE and allow_mode_override", d.mode)
	}
	if out.change == changeNothing {
		out.body, out.source, out.owned = d.body.bytes, d.body.buf, d.body.buf == nil
	}
	out.change = changeReplace
	return s.sendMsg(out)
}

// restOf carries the verdict's metadata beside a body answer; nil if it has none.
func restOf(v *phase.Verdict) *pb.ProcessingResponse {
	if m := dynamic(v.Metadata); m != nil {
		return &pb.ProcessingResponse{DynamicMetadata: m}
	}
	return nil
}

// collect adds the message in hand to a body wanted whole; done at its end.
func (s *stream) collect(d *direction) (done bool, err error) {
	if d.mode == partial && !s.in.end {
		return false, misconfigured("body over the limit in BUFFERED_PARTIAL: the rest would pass unseen; use NONE with allow_mode_override")
	}
	d.body.add(&s.in)
	return s.in.end, nil
}

// hold answers a piece that is kept back. Full duplex needs no answer.
func (s *stream) hold(d *direction) error {
	if d.mode == duplex {
		return nil
	}
	return s.sendMsg(&outbound{response: d == &s.resp, change: changeClear})
}

// sendTrailers answers trailers.
func (s *stream) sendTrailers(d *direction, v *phase.Verdict) error {
	t := &pb.TrailersResponse{HeaderMutation: mutation(targetTrailers, v.Set, v.Remove, s.opts.OnInvalidHeader)}
	p := &pb.ProcessingResponse{DynamicMetadata: dynamic(v.Metadata)}
	if d == &s.resp {
		p.Response = &pb.ProcessingResponse_ResponseTrailers{ResponseTrailers: t}
	} else {
		p.Response = &pb.ProcessingResponse_RequestTrailers{RequestTrailers: t}
	}
	d.part = partEnd
	return s.send(p)
}

// endAtTrailers gives a body that ends in trailers to judge, and sends it on
// as far as its mode still allows.
func (s *stream) endAtTrailers(d *direction, judge func([]byte) phase.Verdict) error {
	duplexed := d.mode == duplex
	if !duplexed && len(d.body.bytes) > 0 {
		return misconfigured("trailers after a collected %v body, whose end cannot be sent any more: configure body mode NONE and allow_mode_override", d.mode)
	}
	v := judge(d.body.bytes)
	d.plan = planNone
	switch {
	case v.Reply != nil || duplexed:
		return s.whole(d, &v, false)
	case v.Replace || len(v.Set)+len(v.Remove) > 0 || v.ClearRouteCache:
		return violation("a message without body ended in trailers and cannot be changed any more")
	}
	return nil
}
