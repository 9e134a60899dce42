//go:build backends

package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/integration/harness"
)

// A real Jaeger shows one connected trace: Envoy's spans, and Regent's among
// them, with what Regent says of the call.
func TestBackendJaeger(t *testing.T) {
	binary, err := tools.Jaeger(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	j, err := harness.StartJaeger(t.Context(), binary, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Stop() })
	s := start(t, harness.Options{
		Config: func(c map[string]any) {
			c["telemetry"] = map[string]any{"traces": map[string]any{"exporter": "otlp", "protocol": "grpc", "endpoint": "http://" + j.OTLP, "interval": "50ms"}}
		},
		Bootstrap: func(b *harness.Bootstrap) { b.AddTracing(filepath.Join(tools.Root, "envoy", "tracing.yaml"), j.OTLP) },
	})
	call(t, s.URL+chatPath, prompt("gpt-4o-mini", "mail ann@example.org"), clientParent)
	entry := awaitLog(t, s, "model", "gpt-4o-mini")
	var spans []harness.JaegerSpan
	eventually(t, "Jaeger has a connected trace of Envoy and Regent", func() bool {
		spans, _ = j.Trace(t.Context(), clientTrace)
		return connected(spans)
	})
	for _, span := range spans {
		if span.Service != "regent" || span.OperationName != "chat gpt-4o-mini" {
			continue
		}
		tags := map[string]any{}
		for _, tag := range span.Tags {
			tags[tag.Key] = tag.Value
		}
		for key, want := range map[string]any{
			"gen_ai.request.model": "gpt-4o-mini", "gen_ai.operation.name": "chat", "regent.decision": "redact", "span.kind": "client",
			"regent.call.id": entry["call_id"], "gen_ai.usage.input_tokens": entry["input_tokens"], "gen_ai.usage.cost": entry["cost_usd"], "regent.redactions.EMAIL": float64(1),
		} {
			if tags[key] != want {
				t.Errorf("Jaeger shows %s = %v, want %v", key, tags[key], want)
			}
		}
		t.Logf("a trace of %d spans, Regent's with %d tags", len(spans), len(tags))
		return
	}
	t.Errorf("no span of Regent's call: %v", spans)
}

// connected: spans of both services, Regent's attempt among them, each below
// another or the client's.
func connected(spans []harness.JaegerSpan) bool {
	ids, services := map[string]bool{clientSpan: true}, map[string]int{}
	for _, s := range spans {
		ids[s.SpanID] = true
		services[s.Service]++
	}
	for _, s := range spans {
		if len(s.References) != 1 || !ids[s.References[0].SpanID] {
			return false
		}
	}
	return services["envoy"] >= 2 && services["regent"] >= 2
}

const collectorConfig = `
receivers:
  otlp:
    protocols:
      grpc: &server
        endpoint: %[1]s
        tls: {cert_file: %[4]s/server.pem, key_file: %[4]s/server.key, client_ca_file: %[4]s/ca.pem}
        auth: {authenticator: bearertokenauth}
      http: {<<: *server, endpoint: "%[2]s"}
exporters:
  otlp: {endpoint: "%[3]s", tls: {insecure: true}}
extensions:
  bearertokenauth: {token: sesame}
service:
  extensions: [bearertokenauth]
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp]}
`

// A real OpenTelemetry Collector takes what Regent sends, over gRPC and HTTP, with
// gzip, mutual TLS and a token, and hands all of it on.
func TestBackendCollector(t *testing.T) {
	binary, err := tools.OTelCollector(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	behind, err := harness.StartCollector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(behind.Close)
	dir := t.TempDir()
	writeCertificates(t, dir)
	grpc, http := startOTelCollector(t, binary, dir, behind.Address)
	for protocol, address := range map[string]string{"grpc": grpc, "http": http} {
		t.Run(protocol, func(t *testing.T) { throughCollector(t, behind, protocol, address, dir, "sesame", true) })
		t.Run(protocol+", a wrong token", func(t *testing.T) { throughCollector(t, behind, protocol, address, dir, "guess", false) })
	}
}

func startOTelCollector(t *testing.T, binary, dir, behind string) (grpc, http string) {
	t.Helper()
	var err error
	if grpc, err = harness.FreeAddress(); err == nil {
		http, err = harness.FreeAddress()
	}
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "otelcol.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, collectorConfig, grpc, http, behind, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := harness.StartProcess(dir, "otelcol", binary, "--config", "file:"+config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Stop()
		if t.Failed() {
			t.Log(p.Logs())
		}
	})
	err = p.Await(t.Context(), "listens", func() bool {
		for _, address := range []string{grpc, http} {
			c, err := net.Dial("tcp", address)
			if err != nil {
				return false
			}
			_ = c.Close()
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return grpc, http
}

// throughCollector makes calls of different kinds and compares the spans that
// come out behind the collector with Envoy's log; or none, where it refuses.
func throughCollector(t *testing.T, behind *harness.Collector, protocol, address, dir, token string, accepted bool) {
	s := start(t, harness.Options{Config: func(c map[string]any) {
		c["telemetry"] = map[string]any{"traces": map[string]any{
			"exporter": "otlp", "protocol": protocol, "endpoint": "https://" + address, "interval": "50ms", "timeout": "2s", "compression": "gzip", "children": "none",
			"headers": map[string]any{"authorization": "Bearer " + token},
			"tls":     map[string]any{"ca": dir + "/ca.pem", "cert": dir + "/client.pem", "key": dir + "/client.key"},
		}}
	}})
	before, calls := behind.Received(), 12
	for i := range calls {
		more := []string{}
		if i%2 == 1 {
			more = append(more, withUsage)
		}
		call(t, s.URL+chatPath, prompt("gpt-4o-mini", fmt.Sprintf("hello %d, mail ann@example.org", i), more...))
	}
	result := "exported"
	if !accepted {
		result = "failed"
	}
	eventually(t, "all spans are "+result, func() bool {
		metrics, err := s.RegentAdmin(context.Background(), "/metrics")
		return err == nil && containsLine(metrics, fmt.Sprintf(`regent_export_spans_total{regent_result=%q} %d`, result, calls))
	})
	if !accepted {
		if now := behind.Received(); now != before {
			t.Errorf("%d spans passed a collector that refused them", now-before)
		}
		return
	}
	eventually(t, "all spans came through the collector", func() bool { return behind.Received() == before+calls })
	compareWithLog(t, s, behind)
}

func containsLine(text, line string) bool {
	for _, each := range strings.Split(text, "\n") {
		if each == line {
			return true
		}
	}
	return false
}

// compareWithLog: each call that Envoy logged has one span, which says the same.
func compareWithLog(t *testing.T, s *harness.Stack, behind *harness.Collector) {
	t.Helper()
	compared := 0
	for _, line := range strings.Split(s.Envoy.Stdout(), "\n") {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		trace, _ := entry["trace_id"].(string)
		spans := behind.Spans(trace)
		if trace == "" || len(spans) != 1 {
			t.Errorf("call %v has %d spans behind the collector", entry["call_id"], len(spans))
			continue
		}
		span := spans[0]
		input, output := 0.0, 0.0
		for _, a := range span.Attributes {
			switch a.Key {
			case "gen_ai.usage.input_tokens":
				input = float64(a.Value.GetIntValue())
			case "gen_ai.usage.output_tokens":
				output = float64(a.Value.GetIntValue())
			}
		}
		if span.Service != "regent" || span.Attribute("regent.call.id") != entry["call_id"] || span.Attribute("regent.decision") != entry["decision"] || input != entry["input_tokens"] || output != entry["output_tokens"] {
			t.Errorf("logged %v, the span says %v", entry, span.Span)
		}
		compared++
	}
	if compared < 10 {
		t.Errorf("only %d calls are compared", compared)
	}
}

// writeCertificates writes an authority, and a server's and a client's
// certificate by it.
func writeCertificates(t *testing.T, dir string) {
	t.Helper()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	key := writePair(t, dir, "ca", authority, authority, nil)
	for i, name := range []string{"server", "client"} {
		writePair(t, dir, name, &x509.Certificate{SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, authority, key)
	}
}

func writePair(t *testing.T, dir, name string, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signer == nil {
		signer = key
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: certificate}, name + ".key": {Type: "EC PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key
}
