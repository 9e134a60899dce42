package extproctest

import (
	"fmt"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	ep "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// side is one direction of the call, request or response.
type side struct {
	response bool
	headers  *phase.Headers
	out      *[]byte
	pieces   [][]byte
	trailers phase.Headers
	answered bool // the headers' answer came
	ended    bool // the server sent end_of_stream
}

func (d *driver) request() error {
	x := d.x
	s := &side{headers: &d.res.UpstreamHeaders, out: &d.res.UpstreamBody, pieces: split(x.RequestBody, x.RequestChunk), trailers: x.RequestTrailers}
	err := d.send(&pb.ProcessingRequest{
		Request:         &pb.ProcessingRequest_RequestHeaders{RequestHeaders: &pb.HttpHeaders{Headers: headerMap(x.RequestHeaders), EndOfStream: s.empty()}},
		Attributes:      attributeMap(x.Attributes),
		MetadataContext: metadataContext(x.Metadata),
	})
	if err != nil {
		return err
	}
	return d.side(s, x.RequestMode)
}

func (d *driver) response() error {
	x := d.x
	if d.mode.ResponseHeaderMode == ep.ProcessingMode_SKIP {
		d.res.Released = true
		d.deliver()
		d.res.ClientBody = join(x.ResponseChunks)
		d.res.ClientTrailers = x.Trailers
		return nil
	}
	s := &side{response: true, headers: &d.res.ClientHeaders, out: &d.res.ClientBody, pieces: x.ResponseChunks, trailers: x.Trailers}
	err := d.send(&pb.ProcessingRequest{
		Request:    &pb.ProcessingRequest_ResponseHeaders{ResponseHeaders: &pb.HttpHeaders{Headers: headerMap(x.ResponseHeaders), EndOfStream: s.empty()}},
		Attributes: attributeMap(x.ResponseAttrs),
	})
	if err != nil {
		return err
	}
	if err := d.side(s, x.ResponseMode); err != nil {
		return err
	}
	d.deliver()
	return nil
}

// deliver marks the response's headers as sent to the client.
func (d *driver) deliver() {
	if _, err := fmt.Sscan(d.res.ClientHeaders.Get(":status"), &d.res.ClientStatus); err != nil {
		d.res.ClientStatus = 0
	}
}

func (s *side) empty() bool { return len(s.pieces) == 0 && len(s.trailers) == 0 }

func (d *driver) bodyMode(s *side) Mode {
	if s.response {
		return d.mode.ResponseBodyMode
	}
	return d.mode.RequestBodyMode
}

// side takes one direction through after its headers were sent.
func (d *driver) side(s *side, configured Mode) error {
	if configured == Duplex && !s.empty() {
		return d.duplex(s)
	}
	if err := d.headersAnswer(s); err != nil {
		return err
	}
	if s.empty() {
		return nil
	}
	switch d.bodyMode(s) {
	case None:
		*s.out = join(s.pieces)
		return d.trailers(s)
	case Buffered:
		return d.buffered(s)
	case Duplex:
		return d.duplex(s)
	}
	return d.streamed(s)
}

func (d *driver) headersAnswer(s *side) error {
	m, err := d.answer()
	if err != nil {
		return err
	}
	return d.takeHeaders(s, m)
}

func (d *driver) takeHeaders(s *side, m *pb.ProcessingResponse) error {
	r := m.GetRequestHeaders()
	if s.response {
		r = m.GetResponseHeaders()
	}
	if r == nil {
		return fmt.Errorf("spurious_message: %T where headers were due", m.Response)
	}
	s.answered = true
	if err := d.override(m.ModeOverride); err != nil {
		return err
	}
	return d.common(s, r.GetResponse())
}

func (d *driver) common(s *side, c *pb.CommonResponse) (err error) {
	d.res.RouteCleared = d.res.RouteCleared || c.GetClearRouteCache()
	*s.headers, err = mutate(*s.headers, c.GetHeaderMutation())
	return err
}

func (d *driver) buffered(s *side) error {
	body := join(s.pieces)
	if len(s.pieces) > 0 {
		if err := d.sendBody(s, body, len(s.trailers) == 0); err != nil {
			return err
		}
		m, err := d.answer()
		if err != nil {
			return err
		}
		c, err := bodyOf(s, m)
		if err != nil {
			return err
		}
		if body, err = replaced(c.GetBodyMutation(), body); err != nil {
			return err
		}
		if err := d.common(s, c); err != nil {
			return err
		}
		if c.GetBodyMutation() != nil {
			if err := checkLength(*s.headers, body); err != nil {
				return err
			}
		}
	}
	*s.out = body
	return d.trailers(s)
}

func bodyOf(s *side, m *pb.ProcessingResponse) (*pb.CommonResponse, error) {
	r := m.GetRequestBody()
	if s.response {
		r = m.GetResponseBody()
	}
	if r == nil {
		return nil, fmt.Errorf("spurious_message: %T where a body was due", m.Response)
	}
	return r.GetResponse(), nil
}

func replaced(m *pb.BodyMutation, body []byte) ([]byte, error) {
	switch v := m.GetMutation().(type) {
	case nil:
		return body, nil
	case *pb.BodyMutation_Body:
		return v.Body, nil
	case *pb.BodyMutation_ClearBody:
		return nil, nil
	}
	return nil, fmt.Errorf("streamed_response to a body that is not FULL_DUPLEX_STREAMED")
}

func (d *driver) streamed(s *side) error {
	*s.headers = remove(*s.headers, "content-length")
	pieces := s.pieces
	if len(s.trailers) == 0 {
		pieces = append(pieces[:len(pieces):len(pieces)], nil) // the empty message that ends
	}
	if s.response {
		d.deliver()
	}
	for i, p := range pieces {
		if err := d.sendBody(s, p, len(s.trailers) == 0 && i == len(pieces)-1); err != nil {
			return err
		}
		m, err := d.answer()
		if err != nil {
			return err
		}
		c, err := bodyOf(s, m)
		if err != nil {
			return err
		}
		if p, err = replaced(c.GetBodyMutation(), p); err != nil {
			return err
		}
		*s.out = append(*s.out, p...)
	}
	return d.trailers(s)
}

// duplex sends the pieces as they come and takes answers as they come.
func (d *driver) duplex(s *side) error {
	pieces := s.pieces
	if len(s.trailers) == 0 {
		pieces = append(pieces[:len(pieces):len(pieces)], nil)
	}
	for i, p := range pieces {
		if err := d.sendBody(s, p, len(s.trailers) == 0 && i == len(pieces)-1); err != nil {
			return err
		}
		if s.response && i+1 == d.x.AbortAfter {
			d.abort()
			return errAborted
		}
		for !s.ended && len(d.got) > 0 {
			if err := d.duplexAnswer(s); err != nil {
				return err
			}
		}
		if s.ended && i < len(pieces)-1 {
			d.res.Cut = true
			return d.duplexLength(s)
		}
	}
	if len(s.trailers) > 0 && !s.ended {
		if err := d.sendTrailers(s); err != nil {
			return err
		}
	}
	for !s.ended {
		if err := d.duplexAnswer(s); err != nil {
			return err
		}
	}
	return d.duplexLength(s)
}

func (d *driver) duplexAnswer(s *side) error {
	m, err := d.answer()
	if err != nil {
		return err
	}
	if !s.answered {
		return d.takeHeaders(s, m)
	}
	if t := trailersOf(s, m); t != nil {
		s.ended = true
		return d.takeTrailers(s, t)
	}
	c, err := bodyOf(s, m)
	if err != nil {
		return err
	}
	if s.response && d.res.ClientStatus == 0 {
		d.deliver()
	}
	r := c.GetBodyMutation().GetStreamedResponse()
	if r == nil {
		return fmt.Errorf("spurious_message: body answer without streamed_response in FULL_DUPLEX_STREAMED")
	}
	*s.out = append(*s.out, r.GetBody()...)
	s.ended = r.GetEndOfStream()
	return nil
}

// duplexLength: a content-length that was kept cuts a longer body.
func (d *driver) duplexLength(s *side) error {
	if s.response && d.x.ResponseMode != Duplex {
		return checkLength(*s.headers, *s.out)
	}
	*s.headers = remove(*s.headers, "content-length")
	return nil
}

func (d *driver) sendBody(s *side, b []byte, end bool) error {
	body := &pb.HttpBody{Body: b, EndOfStream: end}
	if s.response {
		return d.send(&pb.ProcessingRequest{Request: &pb.ProcessingRequest_ResponseBody{ResponseBody: body}})
	}
	return d.send(&pb.ProcessingRequest{Request: &pb.ProcessingRequest_RequestBody{RequestBody: body}})
}

// trailers are sent only where the mode asks for them.
func (d *driver) trailers(s *side) error {
	if len(s.trailers) == 0 {
		return nil
	}
	send := d.mode.RequestTrailerMode
	if s.response {
		send = d.mode.ResponseTrailerMode
	}
	if send != ep.ProcessingMode_SEND {
		if s.response {
			d.res.ClientTrailers = s.trailers
		}
		return nil
	}
	if err := d.sendTrailers(s); err != nil {
		return err
	}
	m, err := d.answer()
	if err != nil {
		return err
	}
	t := trailersOf(s, m)
	if t == nil {
		return fmt.Errorf("spurious_message: %T where trailers were due", m.Response)
	}
	return d.takeTrailers(s, t)
}

func (d *driver) sendTrailers(s *side) error {
	t := &pb.HttpTrailers{Trailers: headerMap(s.trailers)}
	if s.response {
		return d.send(&pb.ProcessingRequest{Request: &pb.ProcessingRequest_ResponseTrailers{ResponseTrailers: t}})
	}
	return d.send(&pb.ProcessingRequest{Request: &pb.ProcessingRequest_RequestTrailers{RequestTrailers: t}})
}

func trailersOf(s *side, m *pb.ProcessingResponse) *pb.TrailersResponse {
	if s.response {
		return m.GetResponseTrailers()
	}
	return m.GetRequestTrailers()
}

func (d *driver) takeTrailers(s *side, t *pb.TrailersResponse) error {
	h, err := mutate(s.trailers, t.GetHeaderMutation())
	if s.response {
		d.res.ClientTrailers = h
	}
	return err
}

func metadataContext(m map[string]map[string]any) *core.Metadata {
	if len(m) == 0 {
		return nil
	}
	out := &core.Metadata{FilterMetadata: map[string]*structpb.Struct{}}
	for ns, v := range m {
		if s, err := structpb.NewStruct(v); err == nil {
			out.FilterMetadata[ns] = s
		}
	}
	return out
}

func join(pieces [][]byte) []byte {
	var out []byte
	for _, p := range pieces {
		out = append(out, p...)
	}
	return out
}

// split cuts body in pieces of n bytes; one piece for n 0, none for no body.
func split(body []byte, n int) [][]byte {
	if len(body) == 0 {
		return nil
	}
	if n <= 0 {
		return [][]byte{body}
	}
	var out [][]byte
	for ; len(body) > n; body = body[n:] {
		out = append(out, body[:n])
	}
	return append(out, body)
}
