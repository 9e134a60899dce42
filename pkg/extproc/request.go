package extproc

import (
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// onRequestHeaders opens the call.
func (s *stream) onRequestHeaders() error {
	h := s.in.full.GetRequestHeaders()
	head := &phase.RequestHead{
		Headers:     headers(h.GetHeaders()),
		EndOfStream: h.GetEndOfStream(),
		Attributes:  attributes(s.in.full),
		Metadata:    metadataOf(s.in.full),
		GRPC:        s.grpcValue,
	}
	s.req.hasLength = head.Headers.Has(contentLength)
	v := s.open(head)
	if v.Reply != nil {
		return s.reply(&v)
	}
	if v.Release {
		return s.releaseRequest(&v, head.EndOfStream)
	}
	if v.Body == phase.BodyStream {
		v.Body = phase.BodyBuffered
	}
	p := s.requestHeadersAnswer(&v)
	mode, err := s.arrange(&s.req, v.Body, head.EndOfStream)
	if err != nil {
		return err
	}
	p.ModeOverride = mode
	return s.sendHeaders(&s.req, p)
}

func (s *stream) grpcValue(key string) string {
	if v := s.md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}

// open hands the head to the opener that fits the place of attachment.
func (s *stream) open(head *phase.RequestHead) phase.Verdict {
	if !s.upstream {
		c, v := s.opener.Open(s.grpc.Context(), head)
		s.call = c
		return v
	}
	a, v := s.opener.OpenAttempt(s.grpc.Context(), head)
	if a != nil {
		s.call = attemptCall{a}
	}
	return v
}

func (s *stream) requestHeadersAnswer(v *phase.Verdict) *pb.ProcessingResponse {
	return &pb.ProcessingResponse{
		Response:        &pb.ProcessingResponse_RequestHeaders{RequestHeaders: &pb.HeadersResponse{Response: s.common(targetRequest, v)}},
		DynamicMetadata: dynamic(v.Metadata),
	}
}

// releaseRequest lets the whole call go. Where Envoy cannot be told to go on
// alone, what it still sends passes unchanged.
func (s *stream) releaseRequest(v *phase.Verdict, end bool) error {
	p := s.requestHeadersAnswer(v)
	p.ModeOverride = s.releaseMode()
	s.req.part, s.req.plan = partBody, planPass
	if end {
		s.req.part = partEnd
	}
	if err := s.send(p); err != nil {
		return err
	}
	return s.finish()
}

// onRequestBody takes a body message of the request.
func (s *stream) onRequestBody() error {
	d := &s.req
	if s.in.end {
		d.part = partEnd
	}
	switch d.plan {
	case planWhole:
		return s.requestWhole()
	case planCollect:
		return s.requestPiece()
	}
	return s.pass(d)
}

// requestWhole takes the one message of a BUFFERED body. It may lack
// end_of_stream, where trailers follow.
func (s *stream) requestWhole() error {
	d := &s.req
	if !s.in.end && s.overridden && d.configured != none && d.configured != buffered {
		return ignoredOverride()
	}
	if !s.in.end {
		d.part = partTrailers
	}
	d.plan = planNone
	if len(s.in.body) > s.opts.MaxRequestBody {
		v := s.call.RequestBodyTooLarge()
		return s.whole(d, &v, true)
	}
	d.body.add(&s.in)
	v := s.call.RequestBody(d.body.bytes)
	return s.whole(d, &v, true)
}

// requestPiece takes one message of a body that has to be collected.
func (s *stream) requestPiece() error {
	d := &s.req
	done, err := s.collect(d)
	if err != nil {
		return err
	}
	if len(d.body.bytes) > s.opts.MaxRequestBody {
		return s.requestOverflow(done)
	}
	if !done {
		return s.hold(d)
	}
	d.plan = planNone
	v := s.call.RequestBody(d.body.bytes)
	return s.whole(d, &v, true)
}

// requestOverflow has the call decide about a body over the bound. If it lets
// it go, what was held back goes on, and the rest unseen.
func (s *stream) requestOverflow(done bool) error {
	d := &s.req
	v := s.call.RequestBodyTooLarge()
	v.Replace = false
	d.plan = planPass
	err := s.whole(d, &v, done)
	d.body.free()
	return err
}

// onRequestTrailers answers the request's trailers, which nobody asked for but
// end its body.
func (s *stream) onRequestTrailers() error {
	d := &s.req
	if d.plan == planWhole || d.plan == planCollect {
		if err := s.endAtTrailers(d, s.call.RequestBody); err != nil || s.over {
			return err
		}
	}
	if err := s.sendPending(d, nil); err != nil {
		return err
	}
	return s.sendTrailers(d, &phase.Verdict{})
}
