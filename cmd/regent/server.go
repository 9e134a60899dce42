package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/regent-proxy/regent/pkg/config"
)

// extProcService is the name Envoy's gRPC health checks may ask for.
const extProcService = "envoy.service.ext_proc.v3.ExternalProcessor"

// grpcServer is the gRPC side of the process and its graceful end.
type grpcServer struct {
	*grpc.Server
	health *health.Server
	drain  config.Drain
	open   func() int64 // streams
	log    *slog.Logger
}

func newGRPCServer(drain config.Drain, open func() int64, log *slog.Logger, options ...grpc.ServerOption) *grpcServer {
	s := &grpcServer{health: health.NewServer(), drain: drain, open: open, log: log}
	s.Server = grpc.NewServer(append(options, grpc.WaitForHandlers(true))...)
	healthpb.RegisterHealthServer(s.Server, s.health)
	s.setHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	return s
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
	s.log.Info("draining", "delay", s.drain.Delay.String(), "timeout", s.drain.Timeout.String(), "streams", s.open())
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

// end waits for the streams, and cuts them at the timeout. When it returns every
// handler has returned, and so every call has been recorded.
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
		s.log.Warn("cutting streams that did not end in time", "streams", s.open(), "timeout", s.drain.Timeout.String())
		s.Server.Stop()
		<-ended
	}
}
