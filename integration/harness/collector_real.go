package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// small leaves out of a binary what a test does not need.
var small = []string{"-trimpath", "-ldflags=-s -w"}

// OTelCollector is the path of an OpenTelemetry Collector, built once from
// integration/backends/otelcol: two and a half minutes of CPU. It is built in the
// cache, a module of its own that no command of ours comes across.
func (t *Tools) OTelCollector(ctx context.Context) (string, error) {
	files := map[string][]byte{"go.mod": nil, "go.sum": nil, "main.go": nil}
	var what []byte
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join(t.Root, "integration", "backends", "otelcol", name+".txt"))
		if err != nil {
			return "", err
		}
		files[name], what = text, append(what, text...)
	}
	dir, err := t.install("otelcol", what, func(dir string) error {
		t.say("Building an OpenTelemetry Collector (once, minutes) …")
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				return err
			}
		}
		return run(ctx, dir, "go", append(append([]string{"build", "-o", "otelcol"}, small...), ".")...)
	})
	return filepath.Join(dir, "otelcol"), err
}

const jaegerModule = "github.com/jaegertracing/jaeger@v1.76.0"

// Jaeger is the path of Jaeger's all-in-one, built once from its module, as its
// own go.mod has it: eight minutes of CPU.
func (t *Tools) Jaeger(ctx context.Context) (string, error) {
	dir, err := t.install("jaeger", []byte(jaegerModule), func(dir string) error {
		t.say("Building Jaeger (once, minutes) …")
		cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", jaegerModule)
		cmd.Dir = dir // in no module: nothing of ours changes
		out, err := cmd.Output()
		var module struct{ Dir string }
		if err = errors.Join(err, json.Unmarshal(out, &module)); err != nil {
			return fmt.Errorf("download %s: %w", jaegerModule, err)
		}
		return run(ctx, module.Dir, "go", append(append([]string{"build", "-o", filepath.Join(dir, "jaeger")}, small...), "./cmd/all-in-one")...)
	})
	return filepath.Join(dir, "jaeger"), err
}

// FreeAddress is a port of loopback that nobody listened on a moment ago, for
// programs that can't say which port they chose.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// JaegerServer is a Jaeger that runs.
type JaegerServer struct {
	*Process
	OTLP string // host:port of OTLP over gRPC
	URL  string // of its API
}

// StartJaeger starts a Jaeger that keeps traces in memory.
func StartJaeger(ctx context.Context, binary, dir string) (*JaegerServer, error) {
	flags := []string{"query.http-server.host-port", "collector.otlp.grpc.host-port", "collector.otlp.http.host-port", "collector.grpc-server.host-port",
		"collector.http-server.host-port", "query.grpc-server.host-port", "admin.http.host-port"}
	args := []string{"--memory.max-traces=10000"}
	var chosen []string
	for _, flag := range flags {
		address, err := FreeAddress()
		if err != nil {
			return nil, err
		}
		chosen, args = append(chosen, address), append(args, "--"+flag+"="+address)
	}
	process, err := startProcess(dir, "jaeger", []string{"SPAN_STORAGE_TYPE=memory"}, binary, args...)
	if err != nil {
		return nil, err
	}
	j := &JaegerServer{Process: process, OTLP: chosen[1], URL: "http://" + chosen[0]}
	return j, j.Await(ctx, "serves", func() bool {
		_, err := get(ctx, &http.Client{Timeout: time.Second}, j.URL+"/api/services")
		return err == nil
	})
}

// JaegerSpan is a span as Jaeger's API tells it.
type JaegerSpan struct {
	SpanID, OperationName, ProcessID string
	References                       []struct{ RefType, SpanID string }
	Tags                             []struct {
		Key   string
		Value any
	}
	Service string `json:"-"`
}

// Trace is what Jaeger has of a trace; nothing before it has any.
func (j *JaegerServer) Trace(ctx context.Context, id string) ([]JaegerSpan, error) {
	body, err := get(ctx, &http.Client{Timeout: 5 * time.Second}, j.URL+"/api/traces/"+id)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data []struct {
			Spans     []JaegerSpan
			Processes map[string]struct{ ServiceName string }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Data) == 0 {
		return nil, err
	}
	trace := answer.Data[0]
	for i := range trace.Spans {
		trace.Spans[i].Service = trace.Processes[trace.Spans[i].ProcessID].ServiceName
	}
	return trace.Spans, nil
}
