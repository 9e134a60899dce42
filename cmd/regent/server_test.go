package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/regent-proxy/regent/pkg/config"
)

// echoStream answers each message until its client closes or the stream breaks.
var echoStream = grpc.ServiceDesc{
	ServiceName: "test.Echo", HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{{StreamName: "Echo", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			var m emptypb.Empty
			if err := s.RecvMsg(&m); err != nil {
				return nil
			}
			if err := s.SendMsg(&m); err != nil {
				return err
			}
		}
	}}},
}

type testServer struct {
	*grpcServer
	conn *grpc.ClientConn
	stop context.CancelFunc
	done chan error
}

func startServer(t *testing.T, drain config.Drain) *testServer {
	t.Helper()
	path := filepath.Join(socketDir(t), "r.sock")
	l, err := listen(config.Address("unix:"+path), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{grpcServer: newGRPCServer(drain, func() int64 { return 0 }, slog.New(slog.DiscardHandler)), done: make(chan error, 1)}
	s.RegisterService(&echoStream, nil)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.done <- s.serve(ctx, l) }()
	s.conn, err = grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); s.conn.Close() })
	return s
}

func (s *testServer) echo(t *testing.T) grpc.ClientStream {
	t.Helper()
	stream, err := s.conn.NewStream(context.Background(), &echoStream.Streams[0], "/test.Echo/Echo")
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func roundTrip(stream grpc.ClientStream) error {
	if err := stream.SendMsg(&emptypb.Empty{}); err != nil && !errors.Is(err, io.EOF) { // RecvMsg tells why
		return err
	}
	return stream.RecvMsg(&emptypb.Empty{})
}

func (s *testServer) healthOf(t *testing.T, service string) healthpb.HealthCheckResponse_ServingStatus {
	t.Helper()
	r, err := healthpb.NewHealthClient(s.conn).Check(context.Background(), &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return r.Status
}

// While the delay runs, health says no but new calls are still served; then a
// live stream may end by itself.
func TestDrainLetsCallsEnd(t *testing.T) {
	s := startServer(t, config.Drain{Delay: 500 * time.Millisecond, Timeout: time.Minute})
	live := s.echo(t)
	if err := roundTrip(live); err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{"", extProcService} {
		if got := s.healthOf(t, service); got != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health of %q before: %v", service, got)
		}
	}
	s.stop()
	for s.healthOf(t, "") == healthpb.HealthCheckResponse_SERVING {
		time.Sleep(time.Millisecond)
	}
	late := s.echo(t)
	if err := roundTrip(late); err != nil {
		t.Errorf("a new call during the delay: %v", err)
	}
	_ = late.CloseSend()
	if err := roundTrip(live); err != nil {
		t.Errorf("a live call during the drain: %v", err)
	}
	_ = live.CloseSend()
	if err := <-s.done; err != nil {
		t.Error(err)
	}
}

// A stream that outlives the timeout ends with an error, never with OK.
func TestDrainCutsWithAnError(t *testing.T) {
	s := startServer(t, config.Drain{Timeout: 50 * time.Millisecond})
	live := s.echo(t)
	if err := roundTrip(live); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if err := live.RecvMsg(&emptypb.Empty{}); status.Code(err) != codes.Unavailable {
		t.Errorf("a cut stream ended with %v", err) // io.EOF would be OK
	}
	if err := <-s.done; err != nil {
		t.Error(err)
	}
}

func TestListenerFailureIsReported(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := newGRPCServer(config.Drain{}, func() int64 { return 0 }, slog.New(slog.DiscardHandler))
	if err := s.serve(context.Background(), l); err == nil {
		t.Error("serving on a closed listener is no error")
	}
}
