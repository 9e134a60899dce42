package extproc

import (
	"strconv"

	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// onResponseHeaders has the call say what it wants of the response.
func (s *stream) onResponseHeaders() error {
	h := s.in.full.GetResponseHeaders()
	head := &phase.ResponseHead{
		Headers:     headers(h.GetHeaders()),
		EndOfStream: h.GetEndOfStream(),
		Attributes:  attributes(s.in.full),
	}
	s.resp.hasLength = head.Headers.Has(contentLength)
	if s.call == nil {
		return s.unopenedResponse(head)
	}
	if err := s.requestWasSeen(head); err != nil {
		return err
	}
	v := s.call.ResponseHeaders(head)
	if v.Reply != nil {
		return s.reply(&v)
	}
	if v.Release || head.EndOfStream {
		v.Body = phase.BodyNone
	}
	if err := s.answerResponseHeaders(&v, head.EndOfStream); err != nil {
		return err
	}
	if v.Body == phase.BodyNone {
		return s.finish()
	}
	return nil
}

// answerResponseHeaders arranges for the body and answers.
func (s *stream) answerResponseHeaders(v *phase.Verdict, end bool) error {
	d := &s.resp
	p := &pb.ProcessingResponse{DynamicMetadata: dynamic(v.Metadata)}
	common := s.common(targetResponse, v)
	mode, err := s.arrange(d, v.Body, end)
	if err != nil {
		return err
	}
	if d.mode == duplex && d.hasLength && d.plan != planNone && d.plan != planPass {
		// Envoy keeps the length when full duplex is asked for only now, and
		// would cut a longer body to it.
		if common == nil {
			common = &pb.CommonResponse{}
		}
		common.HeaderMutation = fixLength(common.HeaderMutation, true, true, 0)
	}
	p.ModeOverride = mode
	p.Response = &pb.ProcessingResponse_ResponseHeaders{ResponseHeaders: &pb.HeadersResponse{Response: common}}
	return s.sendHeaders(d, p)
}

// unopenedResponse passes a response of no call of ours: one that was released
// where Envoy cannot go on alone, or a local reply of a filter before this one,
// whose request never came here.
func (s *stream) unopenedResponse(head *phase.ResponseHead) error {
	if s.req.part == partHeaders {
		if originOf(head) == originUpstream {
			return misconfigured("the response of a request never seen: request_header_mode must be SEND")
		}
		s.req.part = partEnd
		s.opts.Observer.LocalReply()
	}
	s.complete = true
	return s.answerResponseHeaders(&phase.Verdict{}, head.EndOfStream)
}

// requestWasSeen fails where a body that was asked for did not come, and the
// response shows that the request has left all the same: Envoy ignored the
// override. A local reply (413, a timeout) in its place is normal.
func (s *stream) requestWasSeen(head *phase.ResponseHead) error {
	if s.req.plan != planWhole || !s.overridden {
		return nil
	}
	if o := originOf(head); o == originUpstream || o == originUnknown && statusOf(head) < 400 {
		return ignoredOverride()
	}
	return nil
}

// origin is who made a response.
type origin uint8

const (
	originUnknown origin = iota
	originUpstream
	originLocal
)

// originOf goes by response.code_details if that attribute is configured, else
// by a header that Envoy's router adds to upstream responses.
func originOf(head *phase.ResponseHead) origin {
	switch d := head.Attributes["response.code_details"]; {
	case d == "via_upstream":
		return originUpstream
	case d != "":
		return originLocal
	case head.Headers.Has("x-envoy-upstream-service-time"):
		return originUpstream
	}
	return originUnknown
}

func statusOf(head *phase.ResponseHead) int {
	n, _ := strconv.Atoi(head.Headers.Get(":status"))
	return n
}

// onResponseBody takes a body message of the response.
func (s *stream) onResponseBody() error {
	d := &s.resp
	if s.in.end {
		d.part = partEnd
	}
	switch {
	case s.blank:
		return s.sendMsg(&outbound{response: true, change: changeClear})
	case d.plan == planWhole:
		return s.responseWhole()
	case d.plan == planCollect:
		return s.responsePiece()
	case d.plan == planStream:
		return s.responseChunk()
	}
	return s.pass(d)
}

// responseWhole takes the one message of a BUFFERED body.
func (s *stream) responseWhole() error {
	d := &s.resp
	if !s.in.end {
		d.part = partTrailers
	}
	d.plan = planNone
	v := s.call.ResponseBody(s.in.body, true)
	return s.lastAnswer(s.whole(d, &v, true))
}

// responsePiece takes one message of a body that has to be collected.
func (s *stream) responsePiece() error {
	d := &s.resp
	done, err := s.collect(d)
	if err != nil {
		return err
	}
	if len(d.body.bytes) > s.opts.MaxResponseBody {
		return status.Errorf(codes.ResourceExhausted, "response body over %d bytes: raise MaxResponseBody or configure response_body_mode NONE", s.opts.MaxResponseBody)
	}
	if !done {
		return s.hold(d)
	}
	d.plan = planNone
	v := s.call.ResponseBody(d.body.bytes, true)
	return s.lastAnswer(s.whole(d, &v, true))
}

// responseChunk takes one message of a stream.
func (s *stream) responseChunk() error {
	d := &s.resp
	end := s.in.end || d.mode == buffered
	v := s.call.ResponseBody(s.in.body, end)
	if v.Reply != nil {
		return status.Error(codes.Internal, "reply to a response that has begun")
	}
	out := outbound{response: true, body: v.Emit, source: s.in.buf, rest: restOf(&v)}
	last := end || v.End
	if err := s.sendChunk(d, &out, last); err != nil || !last {
		return err
	}
	if !end {
		s.cut(d)
	}
	d.plan = planNone
	return s.finish()
}

// sendChunk sends what leaves in the way of the mode in force.
func (s *stream) sendChunk(d *direction, out *outbound, last bool) error {
	switch d.mode {
	case duplex:
		if len(out.body) == 0 && !last && out.rest == nil {
			return nil
		}
		out.change, out.end = changeStream, last
	case buffered:
		if !s.in.end {
			d.part = partTrailers
		}
		out.change = changeReplace
		s.fitLength(d, out)
	default:
		out.change = changeReplace
		if len(out.body) == 0 {
			out.change = changeClear
		}
	}
	return s.sendMsg(out)
}

// cut has what the upstream still sends dropped: full duplex wants no further
// answer, the other modes one for each message.
func (s *stream) cut(d *direction) {
	if d.mode == duplex {
		s.over = true
		return
	}
	s.blank = true
}

// lastAnswer closes the call after its last phase was answered.
func (s *stream) lastAnswer(err error) error {
	if err != nil || s.over {
		return err
	}
	return s.finish()
}

// onResponseTrailers takes the response's trailers.
func (s *stream) onResponseTrailers() error {
	d := &s.resp
	switch d.plan {
	case planStream:
		return s.streamTrailers()
	case planWhole, planCollect:
		err := s.endAtTrailers(d, func(b []byte) phase.Verdict { return s.call.ResponseBody(b, true) })
		if err != nil || s.over {
			return err
		}
		return s.lastAnswer(s.sendTrailers(d, &phase.Verdict{}))
	}
	return s.sendTrailers(d, &phase.Verdict{})
}

// streamTrailers flushes what is held back before it answers: Envoy drops body
// that comes after the trailers' answer.
func (s *stream) streamTrailers() error {
	d := &s.resp
	v := s.call.ResponseTrailers(headers(s.in.full.GetResponseTrailers().GetTrailers()))
	if v.Reply != nil {
		return status.Error(codes.Internal, "reply to a response that has begun")
	}
	d.plan = planNone
	if len(v.Emit) > 0 {
		if d.mode != duplex {
			return misconfigured("trailers after a %v body, whose held-back end cannot be sent any more: configure response_body_mode NONE and allow_mode_override", d.mode)
		}
		if err := s.sendMsg(&outbound{response: true, change: changeStream, body: v.Emit}); err != nil {
			return err
		}
	}
	return s.lastAnswer(s.sendTrailers(d, &v))
}
