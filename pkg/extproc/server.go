// Package extproc speaks Envoy's external processing protocol (ext_proc v3) and
// nothing else: messages in, mutations out, and no word of LLMs.
//
// Each gRPC stream is one call at the listener filter or one attempt at the
// upstream filter. A [stream] walks its states as Envoy's messages come, hands
// each to the call behind it, and turns the verdict into Envoy's answer. It is
// the only importer of Envoy's protobufs.
//
// The filter is to be attached with both bodies NONE and allow_mode_override:
// true; what a call needs is switched on for that call alone.
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_proc_filter
package extproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	extproc "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// AttachKey is the gRPC metadata key by which a filter's configuration tells
// where it is attached: grpc_service.initial_metadata {key: x-regent-attach,
// value: upstream}. Without it, at a listener.
const AttachKey = "x-regent-attach"

// Options set up a [Server].
type Options struct {
	// MaxMessage bounds one gRPC message, in bytes, and so a buffered body:
	// 64 MiB where 0.
	MaxMessage int
	// MaxRequestBody bounds a request body that Envoy sends in pieces, in bytes:
	// 32 MiB where 0. A body over it is refused by the call.
	MaxRequestBody int
	// MaxCalls bounds the streams served at once: 10 000 where 0. One more is
	// refused with RESOURCE_EXHAUSTED, which Envoy treats as any failure of the
	// filter, by its failure_mode_allow.
	MaxCalls int64
	// Observer sees what happens on the wire; nil sees nothing.
	Observer Observer
	// Logger is told of panics and protocol faults; nil is slog's default.
	Logger *slog.Logger
}

// Observer counts what happens on the wire. Its methods are called from many
// goroutines and must not block.
type Observer interface {
	// StreamsOpen reports the number of streams being served.
	StreamsOpen(n int64)
	// Fault counts what broke a stream, by a word of a small vocabulary:
	// protocol, panic, overload, configuration.
	Fault(kind string)
	// HeaderRejected counts a header that was not sent because its name or
	// value is not one that Envoy takes.
	HeaderRejected()
}

type noObserver struct{}

func (noObserver) StreamsOpen(int64) {}
func (noObserver) Fault(string)      {}
func (noObserver) HeaderRejected()   {}

// Server serves ext_proc streams. It is safe for concurrent use.
type Server struct {
	extproc.UnimplementedExternalProcessorServer
	opener   phase.Opener
	options  Options
	open     atomic.Int64
	draining atomic.Bool
	live     sync.WaitGroup
}

// New makes a server that begins its calls at opener.
func New(opener phase.Opener, options Options) *Server {
	if options.MaxMessage == 0 {
		options.MaxMessage = 64 << 20
	}
	if options.MaxRequestBody == 0 {
		options.MaxRequestBody = 32 << 20
	}
	if options.MaxCalls == 0 {
		options.MaxCalls = 10_000
	}
	if options.Observer == nil {
		options.Observer = noObserver{}
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	return &Server{opener: opener, options: options}
}

// Register adds the service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) { extproc.RegisterExternalProcessorServer(r, s) }

// ServerOptions are the gRPC server's options that the service needs: message
// bounds above the bodies it reads, windows that take a body at once, and a
// codec that does not copy bodies.
func (s *Server) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(s.options.MaxMessage),
		grpc.MaxSendMsgSize(s.options.MaxMessage),
		grpc.InitialWindowSize(1 << 20),
		grpc.InitialConnWindowSize(4 << 20),
		grpc.MaxConcurrentStreams(uint32(s.options.MaxCalls) + 1024), // the bound is ours, with its own answer
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 2 * time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.ForceServerCodecV2(codec{}),
	}
}

// OpenStreams is the number of streams being served.
func (s *Server) OpenStreams() int64 { return s.open.Load() }

// Drain refuses new streams and waits until those that are open have ended, or
// ctx is done.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	done := make(chan struct{})
	go func() { s.live.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d calls were still open: %w", s.open.Load(), ctx.Err())
	}
}

// Process serves one stream. It returns nil only when nothing more is wanted of
// the call: Envoy takes a stream that ends with OK for leave to go on
// uninspected, whatever its failure_mode_allow.
func (s *Server) Process(g extproc.ExternalProcessor_ProcessServer) (err error) {
	if err := s.admit(); err != nil {
		return err
	}
	defer s.dismiss()
	st := newStream(s, g)
	defer func() {
		if cause := recover(); cause != nil {
			err = s.panicked(cause)
			st.failure = err
		}
		st.close()
	}()
	return st.serve()
}

func (s *Server) admit() error {
	if s.draining.Load() {
		return status.Error(codes.Unavailable, "this sidecar is shutting down")
	}
	if n := s.open.Add(1); n > s.options.MaxCalls {
		s.open.Add(-1)
		s.options.Observer.Fault("overload")
		return status.Errorf(codes.ResourceExhausted, "%d calls are open, the most this sidecar serves at once", s.options.MaxCalls)
	}
	s.live.Add(1)
	s.options.Observer.StreamsOpen(s.open.Load())
	return nil
}

func (s *Server) dismiss() {
	s.options.Observer.StreamsOpen(s.open.Add(-1))
	s.live.Done()
}

func (s *Server) panicked(cause any) error {
	s.options.Observer.Fault("panic")
	s.options.Logger.Error("a call panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	return status.Error(codes.Internal, "internal error")
}

// serve takes messages until the call has ended.
func (st *stream) serve() error {
	for {
		m, err := st.grpc.Recv()
		if err != nil {
			return st.hungUp(err)
		}
		if err := st.take(m); err != nil {
			st.failure = err
			return err
		}
	}
}

// hungUp is the end of the stream from Envoy's side: after a call that is
// complete, or one whose client or upstream has gone. Envoy resets the stream
// in either case, so the error tells nothing.
func (st *stream) hungUp(err error) error {
	if st.complete() {
		return nil
	}
	if errors.Is(err, io.EOF) || status.Code(err) == codes.Canceled {
		return status.Error(codes.Canceled, "the call was given up")
	}
	st.failure = err
	return err
}

// first returns the first value of key in the stream's gRPC metadata.
func first(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}
