// Package extproc speaks Envoy's external-processing protocol (ext_proc v3) and
// nothing else: it turns Envoy's messages into the phases of a call, and the
// verdicts on them into answers.
//
// One gRPC stream is one HTTP call, handled by one goroutine. The filter is
// best attached with bodies NONE and allow_mode_override; each call then asks
// for the bodies it wants. Other processing modes work as far as Envoy lets
// them, and fail with FailedPrecondition and a hint where it does not.
//
// A stream of a live call never ends with OK, since Envoy would let the rest
// pass uninspected: whatever goes wrong is a gRPC error, and failure_mode_allow
// in Envoy's configuration decides what becomes of the call.
package extproc

import (
	"context"
	"fmt"
	"sync"
	"time"

	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// Overload is what becomes of a call over Options.MaxCalls.
type Overload uint8

const (
	// OverloadError ends the stream with ResourceExhausted: Envoy's
	// failure_mode_allow decides between an error and passing uninspected.
	OverloadError Overload = iota
	// OverloadReply answers 503 with details "regent_overload".
	OverloadReply
)

// Options of a Server. The zero value means the defaults given.
type Options struct {
	// MaxRequestBody bounds a request body kept for a call, in bytes (32 MiB).
	// For one over it the call is asked what to do (RequestBodyTooLarge).
	MaxRequestBody int
	// MaxResponseBody bounds a response body that must be collected from
	// pieces, in bytes (32 MiB); over it the stream fails with
	// ResourceExhausted. It does not apply to streams, nor to BUFFERED, which
	// Envoy bounds.
	MaxResponseBody int
	// MaxMessage bounds one gRPC message, in bytes (64 MiB, and at least 1 MiB
	// over MaxRequestBody).
	MaxMessage int
	// MaxCalls bounds the calls at one time (10 000).
	MaxCalls int
	Overload Overload
	// AttachKey and AttachValue are the gRPC metadata by which the upstream
	// filter is told from the listener filter ("x-regent-attach", "upstream"):
	// grpc_service.initial_metadata in Envoy's configuration.
	AttachKey, AttachValue string
	// OnInvalidHeader hears of header names in verdicts that were not sent.
	OnInvalidHeader func(name string)
	// OnPanic hears of panics in a call.
	OnPanic func(recovered any, stack []byte)
	// Observer hears of streams and messages; nil for none.
	Observer Observer
}

// Observer counts. Its methods are called concurrently and must be quick.
type Observer interface {
	// StreamOpened and StreamClosed come in pairs; code is the stream's end,
	// codes.OK for a call that came to its end.
	StreamOpened()
	StreamClosed(code codes.Code)
	// Message is one message of Envoy's: "request headers", "response body", …
	Message(kind string)
	// LocalReply is a response that Envoy made before the filter saw its
	// request, passed through unseen.
	LocalReply()
}

type noObserver struct{}

func (noObserver) StreamOpened()           {}
func (noObserver) StreamClosed(codes.Code) {}
func (noObserver) Message(string)          {}
func (noObserver) LocalReply()             {}

// withDefaults fills what is unset.
func (o Options) withDefaults() Options {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&o.MaxRequestBody, 32<<20)
	set(&o.MaxResponseBody, 32<<20)
	set(&o.MaxMessage, 64<<20)
	o.MaxMessage = max(o.MaxMessage, o.MaxRequestBody+1<<20)
	set(&o.MaxCalls, 10_000)
	if o.AttachKey == "" {
		o.AttachKey, o.AttachValue = "x-regent-attach", "upstream"
	}
	if o.OnInvalidHeader == nil {
		o.OnInvalidHeader = func(string) {}
	}
	if o.OnPanic == nil {
		o.OnPanic = func(any, []byte) {}
	}
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
	return o
}

// Server is an ext_proc service. It is safe for concurrent use.
type Server struct {
	pb.UnimplementedExternalProcessorServer
	opener phase.Opener
	opts   Options

	mu   sync.Mutex
	live int
	idle chan struct{} // closed when live falls to 0; nil while nobody waits
}

// New makes a Server that opens its calls at opener. It must be served by a
// grpc.Server made with ServerOptions.
func New(opener phase.Opener, opts Options) *Server {
	return &Server{opener: opener, opts: opts.withDefaults()}
}

// Register adds the service to r.
func (s *Server) Register(r grpc.ServiceRegistrar) { pb.RegisterExternalProcessorServer(r, s) }

// Windows of HTTP/2 flow control: bodies should not wait for window updates.
const (
	streamWindow = 1 << 20
	connWindow   = 4 << 20
)

// ServerOptions are what the grpc.Server must be made with: the codec of body
// messages (any other service's messages go through it as through proto), the
// message bound, windows and keepalive.
func (s *Server) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(s.opts.MaxMessage),
		grpc.MaxSendMsgSize(s.opts.MaxMessage),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connWindow),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
}

// Process serves one stream of Envoy's.
func (s *Server) Process(g grpc.BidiStreamingServer[pb.ProcessingRequest, pb.ProcessingResponse]) error {
	overloaded := !s.enter()
	defer s.leave()
	s.opts.Observer.StreamOpened()
	err := s.process(g, overloaded)
	s.opts.Observer.StreamClosed(status.Code(err))
	return err
}

func (s *Server) process(g grpc.ServerStream, overloaded bool) error {
	switch {
	case overloaded && s.opts.Overload == OverloadReply:
		return s.newStream(g, overloadOpener{}).run()
	case overloaded:
		return status.Errorf(codes.ResourceExhausted, "over %d calls at one time: raise MaxCalls or add replicas", s.opts.MaxCalls)
	}
	return s.newStream(g, s.opener).run()
}

func (s *Server) newStream(g grpc.ServerStream, opener phase.Opener) *stream {
	md, _ := metadata.FromIncomingContext(g.Context())
	st := &stream{opts: &s.opts, grpc: g, opener: opener, md: md}
	for _, v := range md.Get(s.opts.AttachKey) {
		st.upstream = st.upstream || v == s.opts.AttachValue
	}
	return st
}

// enter counts a stream in; false if it is over the bound.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live++
	return s.live <= s.opts.MaxCalls
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
	if s.live == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// Live is the number of streams open now.
func (s *Server) Live() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// Drain waits until no stream is open, or ctx is done: then the error says how
// many calls are still under way. It refuses nothing: start
// grpc.Server.GracefulStop (in its own goroutine) before, which tells Envoy to
// send new calls elsewhere, and call grpc.Server.Stop after.
func (s *Server) Drain(ctx context.Context) error {
	for {
		s.mu.Lock()
		if s.live == 0 {
			s.mu.Unlock()
			return nil
		}
		if s.idle == nil {
			s.idle = make(chan struct{})
		}
		idle := s.idle
		s.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("%w: %d calls still under way", ctx.Err(), s.Live())
		}
	}
}
