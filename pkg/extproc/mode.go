package extproc

import (
	ep "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// Envoy's body modes, short.
const (
	none     = ep.ProcessingMode_NONE
	buffered = ep.ProcessingMode_BUFFERED
	partial  = ep.ProcessingMode_BUFFERED_PARTIAL
	streamed = ep.ProcessingMode_STREAMED
	duplex   = ep.ProcessingMode_FULL_DUPLEX_STREAMED
)

type bodyMode = ep.ProcessingMode_BodySendMode

// plan is what is done with the body messages of a direction.
type plan uint8

const (
	planNone    plan = iota // none may come
	planPass                // they come unasked (the configuration insists) and go on unchanged
	planWhole               // one comes, with the whole body
	planCollect             // pieces come, the whole body is wanted
	planStream              // pieces come and are wanted as they come
)

// part is a direction's position: which part of the message comes next.
type part uint8

const (
	partHeaders  part = iota
	partBody          // body messages may come
	partTrailers      // the body is over or unseen, trailers may come
	partEnd           // nothing may come
)

// direction is the request's or the response's half of a stream.
type direction struct {
	part       part
	configured bodyMode
	mode       bodyMode // in force: configured, or overridden
	plan       plan
	hasLength  bool // the message has a content-length
	body       held // of planCollect
	// pending is the answer to the headers, withheld until a collected
	// full-duplex body is judged, so that it can still change them.
	pending *pb.ProcessingResponse
}

// configure reads the modes the filter is configured with.
func (s *stream) configure(c *pb.ProtocolConfiguration) error {
	s.req.configured, s.resp.configured = c.GetRequestBodyMode(), c.GetResponseBodyMode()
	s.req.mode, s.resp.mode = s.req.configured, s.resp.configured
	if s.req.mode > duplex || s.resp.mode > duplex {
		return misconfigured("body mode %v/%v is not supported: use NONE with allow_mode_override", s.req.mode, s.resp.mode)
	}
	// Envoy ignores overrides silently where either body is full duplex by
	// configuration, and where bodies do not wait for the headers' answer.
	s.fixed = s.req.mode == duplex || s.resp.mode == duplex || c.GetSendBodyWithoutWaitingForHeaderResponse()
	return nil
}

// override makes mode the one in force, by an override if it is not, and
// returns the whole mode to send; nil if none is needed or possible.
func (s *stream) override(d *direction, mode bodyMode) *ep.ProcessingMode {
	if s.fixed || d.mode == mode {
		return nil
	}
	d.mode = mode
	s.overridden = true
	m := &ep.ProcessingMode{RequestBodyMode: s.req.mode, ResponseBodyMode: s.resp.mode, ResponseHeaderMode: ep.ProcessingMode_SEND}
	if s.resp.mode == duplex {
		m.ResponseTrailerMode = ep.ProcessingMode_SEND
	}
	return m
}

// releaseMode has Envoy go on without us.
func (s *stream) releaseMode() *ep.ProcessingMode {
	if s.fixed {
		return nil
	}
	return &ep.ProcessingMode{ResponseHeaderMode: ep.ProcessingMode_SKIP}
}

// arrange settles how a direction's body is had in the way a call wants it. end
// tells that there is none.
func (s *stream) arrange(d *direction, want phase.BodyMode, end bool) (*ep.ProcessingMode, error) {
	if end {
		d.part, d.plan = partEnd, planNone
		return nil, nil
	}
	mode := s.override(d, modeFor(d, &s.req, want))
	d.part, d.plan = partBody, planFor(d.mode, want)
	if d.plan == planNone {
		d.part = partTrailers
	}
	if want != phase.BodyNone && d.plan == planNone {
		return nil, misconfigured("a body is wanted, but its mode is NONE and cannot be overridden beside a FULL_DUPLEX_STREAMED one: configure both bodies NONE and allow_mode_override")
	}
	return mode, nil
}

// modeFor is Envoy's mode for what a call wants. Requests are never streamed:
// they are judged whole.
func modeFor(d, request *direction, want phase.BodyMode) bodyMode {
	switch {
	case want == phase.BodyNone:
		return none
	case want == phase.BodyStream && d != request:
		return duplex
	}
	return buffered
}

func planFor(mode bodyMode, want phase.BodyMode) plan {
	switch {
	case mode == none:
		return planNone
	case want == phase.BodyNone:
		return planPass
	case want == phase.BodyStream:
		return planStream
	case mode == buffered:
		return planWhole
	}
	return planCollect
}
