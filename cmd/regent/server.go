package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/config"
)

// extProcService is the name Envoy's gRPC health checks may ask for.
const extProcService = "envoy.service.ext_proc.v3.ExternalProcessor"

// gRPC windows that Envoy's body messages fit into.
const (
	streamWindow     = 1 << 20
	connectionWindow = 4 << 20
)

// grpcServer is the gRPC side of the process and its graceful end.
type grpcServer struct {
	*grpc.Server
	health  *health.Server
	drain   config.Drain
	streams atomic.Int64 // open now
	most    int64
	log     *slog.Logger
}

func newGRPCServer(c *config.Config, log *slog.Logger, options ...grpc.ServerOption) *grpcServer {
	s := &grpcServer{health: health.NewServer(), drain: c.Drain, most: int64(c.Limits.MaxCalls), log: log}
	largest := int(max(c.Limits.MaxRequestBody, c.Limits.MaxResponseBody)) + 1<<20
	s.Server = grpc.NewServer(append([]grpc.ServerOption{
		grpc.MaxRecvMsgSize(largest), grpc.MaxSendMsgSize(2 * largest),
		grpc.InitialWindowSize(streamWindow), grpc.InitialConnWindowSize(connectionWindow),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.ChainStreamInterceptor(s.bound),
	}, options...)...)
	healthpb.RegisterHealthServer(s.Server, s.health)
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	return s
}

// bound refuses streams over the limit with an error, which Envoy treats by its
// failure mode: a stream left waiting would hold its call without end.
func (s *grpcServer) bound(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if info.FullMethod == healthpb.Health_Watch_FullMethodName {
		return next(srv, stream)
	}
	defer s.streams.Add(-1)
	if s.streams.Add(1) > s.most {
		return status.Error(codes.ResourceExhausted, "limits.max_calls streams are open")
	}
	return next(srv, stream)
}

func (s *grpcServer) setHealth(to healthpb.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", to)
	s.health.SetServingStatus(extProcService, to)
}

// serve serves on l until ctx ends, then drains: turn health, go on serving for
// the delay, take no new streams, let live ones end within the timeout, and cut
// the rest. A cut stream ends with a connection error, never with OK, at which
// Envoy would pass the rest of the call uninspected.
func (s *grpcServer) serve(ctx context.Context, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Server.Serve(l) }()
	s.setHealth(healthpb.HealthCheckResponse_SERVING)
	select {
	case err := <-failed:
		return fmt.Errorf("gRPC server: %w", err)
	case <-ctx.Done():
	}
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	s.log.Info("draining", "delay", s.drain.Delay, "timeout", s.drain.Timeout, "streams", s.streams.Load())
	sleep(s.drain.Delay, failed)
	s.end()
	return nil
}

// sleep waits for d, or less where the server has failed meanwhile.
func sleep(d time.Duration, failed <-chan error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-failed:
	}
}

func (s *grpcServer) end() {
	ended := make(chan struct{})
	go func() {
		s.Server.GracefulStop()
		close(ended)
	}()
	timer := time.NewTimer(s.drain.Timeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.log.Warn("cutting streams that did not end in time", "streams", s.streams.Load(), "timeout", s.drain.Timeout)
		s.Server.Stop()
		<-ended
	}
}
