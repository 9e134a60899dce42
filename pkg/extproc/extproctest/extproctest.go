// Package extproctest drives an ext_proc server as Envoy does, so that what a
// call does to a request and a response can be tested without Envoy. It holds
// the server to Envoy's own rules: an answer that Envoy would call spurious, a
// content-length that does not fit, or a header it refuses is an error.
package extproctest

import (
	"context"
	"net"
	"testing"
	"time"

	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// Server is what is driven: *extproc.Server, or any other ext_proc service.
type Server interface {
	Register(grpc.ServiceRegistrar)
	ServerOptions() []grpc.ServerOption
}

// Client drives one server over an in-process connection. It is safe for
// concurrent use.
type Client struct {
	conn *grpc.ClientConn
	rpc  pb.ExternalProcessorClient
	// Timeout bounds a wait for an answer (10 s); an answer that does not come
	// is an error, as Envoy's message_timeout makes it one.
	Timeout time.Duration
}

// New serves s until the test ends.
func New(t testing.TB, s Server) *Client {
	t.Helper()
	lis := bufconn.Listen(1 << 20)
	return start(t, s, lis, "passthrough:///bufconn", func(ctx context.Context, _ string) (net.Conn, error) {
		return lis.DialContext(ctx)
	})
}

// NewUnix serves s on a Unix socket at path until the test ends, as an Envoy
// beside it would reach it.
func NewUnix(t testing.TB, s Server, path string) *Client {
	t.Helper()
	lis, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s, lis, "passthrough:///"+path, func(ctx context.Context, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})
}

// Dial drives a server that another process serves on a Unix socket at path.
func Dial(t testing.TB, path string) *Client {
	t.Helper()
	c := dial(t, "passthrough:///"+path, func(ctx context.Context, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})
	t.Cleanup(func() { c.conn.Close() })
	return c
}

func start(t testing.TB, s Server, lis net.Listener, target string, connect func(context.Context, string) (net.Conn, error)) *Client {
	t.Helper()
	g := grpc.NewServer(s.ServerOptions()...)
	s.Register(g)
	served := make(chan struct{})
	go func() { defer close(served); _ = g.Serve(lis) }()
	c := dial(t, target, connect)
	t.Cleanup(func() { c.conn.Close(); g.Stop(); <-served })
	return c
}

func dial(t testing.TB, target string, connect func(context.Context, string) (net.Conn, error)) *Client {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithContextDialer(connect),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), grpc.MaxCallSendMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	return &Client{conn: conn, rpc: pb.NewExternalProcessorClient(conn), Timeout: 10 * time.Second}
}

// Conn is the connection, for other services of the same server.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Stream opens a bare ext_proc stream, for tests that send messages of their
// own choosing.
func (c *Client) Stream(ctx context.Context) (pb.ExternalProcessor_ProcessClient, error) {
	return c.rpc.Process(ctx)
}
