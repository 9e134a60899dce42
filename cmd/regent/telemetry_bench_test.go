package main

import (
	"net"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/extproc/extproctest"
)

// benchCollector, in the environment, is where the server's telemetry goes.
const benchCollector = "REGENT_BENCH_COLLECTOR"

// tuneTelemetry makes the telemetry of a benchmark's server: none of it for
// "silent", all of it for "telling", "regent" is in between.
func tuneTelemetry(c *config.Config, kind string) {
	t := &c.Telemetry
	t.Traces.Exporter, t.Metrics.Exporter = "none", "none"
	switch kind {
	case "silent":
		t.Metrics.Prometheus = false
	case "telling", "steps":
		for _, e := range []*config.Export{&t.Traces.Export, &t.Metrics.Export} {
			e.Exporter, e.Protocol, e.Endpoint = "otlp", "grpc", os.Getenv(benchCollector)
		}
		if kind == "steps" {
			t.Traces.Children = "all"
		}
	}
}

// BenchmarkTelemetry takes whole calls through a sidecar that tells nothing and
// through one that exports a span of every call and all metrics, in one
// interleaved run: "ratio" is the CPU time of the latter process over that of the
// former. "steps" has the steps of every call as spans too.
func BenchmarkTelemetry(b *testing.B) {
	b.Setenv(benchCollector, "http://"+startBenchCollector(b))
	for name, x := range benchExchanges() {
		for _, kind := range []string{"telling", "steps"} {
			b.Run(name+"/"+kind, func(b *testing.B) { compareTelemetry(b, x, kind) })
		}
	}
}

func compareTelemetry(b *testing.B, x extproctest.Exchange, kind string) {
	silent, telling := startBench(b, "silent"), startBench(b, kind)
	for range 300 { // connections, caches, pools
		silent.call(b, x)
		telling.call(b, x)
	}
	silentBefore, tellingBefore := silent.cpu(b), telling.cpu(b)
	for b.Loop() {
		silent.call(b, x)
		telling.call(b, x)
	}
	time.Sleep(1500 * time.Millisecond) // the last spans leave
	spentSilent, spentTelling := silent.cpu(b)-silentBefore, telling.cpu(b)-tellingBefore
	b.ReportMetric(float64(spentSilent.Microseconds())/float64(b.N), "silent-cpu-µs")
	b.ReportMetric(float64(spentTelling.Microseconds())/float64(b.N), "telling-cpu-µs")
	if spentSilent > 0 {
		b.ReportMetric(float64(spentTelling)/float64(spentSilent), "ratio")
	}
}

// startBenchCollector takes whatever it is sent, and gives its address.
func startBenchCollector(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	}))
	go func() { _ = s.Serve(l) }()
	b.Cleanup(s.Stop)
	return l.Addr().String()
}
