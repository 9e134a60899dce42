package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/extproc/extproctest"
)

// benchServer, in the environment, makes this test binary a server of that kind
// instead: the sidecar's CPU can then be told from the client's.
const benchServer = "REGENT_BENCH_SERVER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(benchServer); kind != "" {
		if err := serveBench(kind, os.Getenv("REGENT_BENCH_SOCKET")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveBench serves until its standard input ends.
func serveBench(kind, path string) error {
	var server extproctest.Server = &extproctest.NoOp{}
	if kind != "noop" {
		c := config.Default()
		tuneTelemetry(c, kind)
		tuneRuntime(c.Runtime, os.Getenv, slog.New(slog.DiscardHandler))
		p, err := assemble(context.Background(), c, io.Discard, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		server = p.extproc
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	g := grpc.NewServer(server.ServerOptions()...)
	server.Register(g)
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); g.Stop() }()
	return g.Serve(l)
}

// BenchmarkCall takes whole calls through the sidecar with the default policy,
// every detector and telemetry on, beside an ext_proc server that changes
// nothing, in one interleaved run: "ratio" is the CPU time of the one process
// over that of the other, client not included.
func BenchmarkCall(b *testing.B) {
	for name, x := range benchExchanges() {
		b.Run(name, func(b *testing.B) { compareServers(b, x) })
	}
}

func benchExchanges() map[string]extproctest.Exchange {
	request := func(stream bool) []byte {
		return fmt.Appendf(nil, `{"model":"gpt-4o","stream":%t,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":%q}]}`, stream, strings.Repeat("Tell me a little more about the history of bridges. ", 16))
	}
	headers := phase.Headers{{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "api.openai.com"}, {Name: ":path", Value: "/v1/chat/completions"}, {Name: "content-type", Value: "application/json"}, {Name: "user-agent", Value: "bench"}, {Name: "x-request-id", Value: "r"}}
	document := fmt.Appendf(nil, `{"id":"x","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150}}`, strings.Repeat("Bridges are old. ", 50))
	var chunks [][]byte
	for i := range 500 {
		chunks = append(chunks, fmt.Appendf(nil, "data: {\"id\":\"x\",\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", []string{" bridge", " over", " the", " river"}[i%4]))
	}
	chunks = append(chunks, []byte("data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":500}}\n\ndata: [DONE]\n\n"))
	return map[string]extproctest.Exchange{
		"json1KiB":  {RequestHeaders: headers, RequestBody: request(false), ResponseHeaders: phase.Headers{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/json"}, {Name: "content-length", Value: strconv.Itoa(len(document))}}, ResponseChunks: [][]byte{document}},
		"stream500": {RequestHeaders: headers, RequestBody: request(true), ResponseHeaders: phase.Headers{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "text/event-stream"}}, ResponseChunks: chunks},
	}
}

func compareServers(b *testing.B, x extproctest.Exchange) {
	noop, regent := startBench(b, "noop"), startBench(b, "regent")
	for range 50 { // connections, caches, pools
		noop.call(b, x)
		regent.call(b, x)
	}
	noopBefore, regentBefore := noop.cpu(b), regent.cpu(b)
	for b.Loop() {
		noop.call(b, x)
		regent.call(b, x)
	}
	spentNoop, spentRegent := noop.cpu(b)-noopBefore, regent.cpu(b)-regentBefore
	b.ReportMetric(float64(spentNoop.Microseconds())/float64(b.N), "noop-cpu-µs")
	b.ReportMetric(float64(spentRegent.Microseconds())/float64(b.N), "regent-cpu-µs")
	if spentNoop > 0 {
		b.ReportMetric(float64(spentRegent)/float64(spentNoop), "ratio")
	}
}

type benchProcess struct {
	client *extproctest.Client
	pid    int
}

func startBench(b *testing.B, kind string) *benchProcess {
	b.Helper()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchServer+"="+kind, "REGENT_BENCH_SOCKET="+path)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stdin.Close(); _ = cmd.Wait(); os.RemoveAll(dir) })
	for range 500 {
		if _, err := os.Stat(path); err == nil {
			return &benchProcess{client: extproctest.Dial(b, path), pid: cmd.Process.Pid}
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Fatalf("the %s server did not start", kind)
	return nil
}

func (p *benchProcess) call(b *testing.B, x extproctest.Exchange) {
	if _, err := p.client.Do(b.Context(), x); err != nil {
		b.Fatal(err)
	}
}

// cpu is the process's CPU time so far, in the kernel's ticks of 10 ms.
func (p *benchProcess) cpu(b *testing.B) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		b.Skip("needs /proc")
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * 10 * time.Millisecond
}
