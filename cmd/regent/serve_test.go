package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/regent-proxy/regent/pkg/config"
)

// buffer is written by the process and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// process is a whole Regent on Unix sockets.
type process struct {
	out, log buffer
	conn     *grpc.ClientConn
	admin    *http.Client
	dir      string // of its sockets
	stop     context.CancelFunc
	done     chan error
}

func startProcess(t *testing.T, yaml string) *process {
	t.Helper()
	dir := socketDir(t)
	file := filepath.Join(dir, "regent.yaml")
	yaml = "listen: {address: 'unix:" + dir + "/calls.sock'}\nadmin: {listen: 'unix:" + dir + "/admin.sock'}\n" + yaml
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{dir: dir, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	go func() { p.done <- run(ctx, c, &p.out, &p.log) }()
	p.conn, err = grpc.NewClient("unix:"+dir+"/calls.sock", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	p.admin = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", dir+"/admin.sock")
	}}}
	t.Cleanup(func() { cancel(); p.conn.Close() })
	p.awaitHealth(t)
	return p
}

func (p *process) awaitHealth(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		r, err := healthpb.NewHealthClient(p.conn).Check(context.Background(), &healthpb.HealthCheckRequest{Service: extProcService}, grpc.WaitForReady(true))
		if err == nil && r.Status == healthpb.HealthCheckResponse_SERVING {
			return
		}
	}
	t.Fatalf("never healthy: %s", p.log.String())
}

func (p *process) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := p.admin.Get("http://admin" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func headers(kv ...string) *corev3.HeaderMap {
	m := &corev3.HeaderMap{}
	for i := 0; i < len(kv); i += 2 {
		m.Headers = append(m.Headers, &corev3.HeaderValue{Key: kv[i], RawValue: []byte(kv[i+1])})
	}
	return m
}

// say sends one message of Envoy's and gives the answer.
func say(t *testing.T, stream extprocv3.ExternalProcessor_ProcessClient, m *extprocv3.ProcessingRequest) *extprocv3.ProcessingResponse {
	t.Helper()
	if err := stream.Send(m); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// chat drives one call as Envoy would, up to its response, and gives the
// request body that goes upstream.
func (p *process) chat(t *testing.T, body string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := extprocv3.NewExternalProcessorClient(p.conn).Process(ctx)
	if err != nil {
		t.Fatal(err)
	}
	say(t, stream, &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{Headers: headers(
		":method", "POST", ":path", "/v1/chat/completions", ":authority", "api.openai.com", "content-type", "application/json", "x-team", "search")}}})
	answer := say(t, stream, &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: []byte(body), EndOfStream: true}}})
	if sent := answer.GetRequestBody().GetResponse().GetBodyMutation().GetBody(); sent != nil {
		body = string(sent)
	}
	say(t, stream, &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: &extprocv3.HttpHeaders{Headers: headers(":status", "200", "content-type", "application/json")}}})
	say(t, stream, &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: &extprocv3.HttpBody{EndOfStream: true, Body: []byte(
		`{"id":"r1","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}`)}}})
	_ = stream.CloseSend()
	_, _ = stream.Recv()
	return body
}

// One whole process: a call in, the decision carried out, span, metrics and log
// line out, and a graceful end.
func TestServe(t *testing.T) {
	p := startProcess(t, `
log: {calls: true}
drain: {delay: 300ms, timeout: 5s}
identity: {trusted_headers: [X-Team], team: {header: X-Team}}
telemetry:
  identity_labels: [team]
  traces: {exporter: stdout}
`)
	if status, body := p.get(t, "/readyz"); status != 200 {
		t.Errorf("readyz: %d %s", status, body)
	}
	sent := p.chat(t, `{"model":"gpt-4o","messages":[{"role":"user","content":"write to jane.doe@example.com"}]}`)
	if strings.Contains(sent, "jane.doe") || !strings.Contains(sent, "[EMAIL]") {
		t.Errorf("sent upstream: %s", sent)
	}
	_, metrics := p.get(t, "/metrics")
	for _, want := range []string{"regent_redactions_total", `regent_entity="EMAIL"`, `regent_identity_team="search"`, "gen_ai_client_token_usage_bucket", "regent_policy_info"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics have no %s", want)
		}
	}
	p.stop()
	for {
		if status, body := p.get(t, "/readyz"); status == 503 && strings.Contains(body, "the process is ending") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := <-p.done; err != nil {
		t.Error(err)
	}
	if spans := p.out.String(); strings.Count(spans, `"chat gpt-4o"`) != 1 {
		t.Errorf("spans: %s", spans)
	}
	p.checkLog(t)
}

// checkLog reads the line of the call.
func (p *process) checkLog(t *testing.T) {
	t.Helper()
	if strings.Contains(p.log.String(), "jane.doe") {
		t.Errorf("the log holds content: %s", p.log.String())
	}
	for _, line := range strings.Split(strings.TrimSpace(p.log.String()), "\n") {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if record["msg"] != "call" {
			continue
		}
		for key, want := range map[string]any{"model": "gpt-4o", "decision": "redact", "team": "search", "input_tokens": 9.0, "output_tokens": 1.0, "status": 200.0} {
			if record[key] != want {
				t.Errorf("the log's %s is %v, want %v", key, record[key], want)
			}
		}
		return
	}
	t.Errorf("no line of the call: %s", p.log.String())
}

func writeConfig(t *testing.T, yaml string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "regent.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCheck(t *testing.T) {
	code, out, errOut := run1("serve", "--check", "--config", writeConfig(t, "log: {level: info}\n"))
	if code != 0 || !strings.Contains(out, "are good") {
		t.Errorf("%d %q %q", code, out, errOut)
	}
	bad := writeConfig(t, "policy: {paths: [p]}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(bad), "p"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(filepath.Dir(bad), "policies")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.rego"), []byte("package regent.request\n\ndeny contains if {"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, yaml := range map[string]string{
		"unknown key":  "lisen: {}\n",
		"bad policy":   "policy: {paths: [" + dir + "]}\n",
		"unknown API":  "routes: [{host: a.example.com, api: openai.chatt}]\n",
		"bad catalog":  "catalog: {file: " + filepath.Join(dir, "bad.rego") + "}\n",
		"bad CA":       "telemetry: {traces: {exporter: otlp, endpoint: 'https://c:4317', tls: {ca: " + filepath.Join(dir, "bad.rego") + "}}}\n",
		"missing file": "policy: {paths: [nowhere]}\n",
	} {
		if code, _, errOut := run1("serve", "--check", "--config", writeConfig(t, yaml)); code != 1 || !strings.HasPrefix(errOut, "regent: ") {
			t.Errorf("%s: %d %q", name, code, errOut)
		}
	}
	if code, _, errOut := run1("serve", "--config", "/nonexistent/regent.yaml"); code != 1 || !strings.Contains(errOut, "no such file") {
		t.Errorf("%d %q", code, errOut)
	}
}

func TestSocketInUseIsReported(t *testing.T) {
	dir := socketDir(t)
	l, err := listen(config.Address("unix:"+dir+"/r.sock"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := config.Default()
	c.Listen.Address = config.Address("unix:" + dir + "/r.sock")
	c.Admin.Listen = ""
	if err := run(context.Background(), c, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "another process serves there") {
		t.Errorf("got %v", err)
	}
}
