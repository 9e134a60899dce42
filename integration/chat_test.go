package integration

import (
	"net/http"
	"strings"
	"testing"
)

// What no decision changes is the same to the byte with and without Regent, in
// both directions.
func TestUnchangedCallsAreEqualToTheByte(t *testing.T) {
	with, without := with(t, "default"), with(t, "plain")
	odd := "{\r\n\t\"unknown\" : [1.50, 1e3, null], \"model\":\"sim-small\",\"messages\":[{\"content\":\"caf\\u00e9 \\ud83d\\ude00 \\/ <b>\",\"role\":\"user\"}],\n\"metadata\":{\"b\":\"\",\"a\":\"\"} }\n"
	tests := []struct{ name, body, directives string }{
		{"small", prompt("sim-small", "hello"), ""},
		{"odd JSON", odd, ""},
		{"large answer", prompt("sim-small", "hello"), "size=5000000"},
		{"large question", prompt("sim-small", strings.Repeat("many words ", 200_000)), ""},
		{"tools", prompt("sim-small", "Paris", `,"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`), ""},
		{"several choices", prompt("sim-small", "hello", `,"n":3`), ""},
		{"malformed answer", prompt("sim-small", "hello"), "malformed"},
		{"provider's error", prompt("sim-small", "hello"), "status=500"},
		{"stream with usage", prompt("sim-small", "hello", withUsage), ""},
		{"stream without usage", prompt("sim-small", "hello", streamed), "usage=off"},
		{"stream of tools", prompt("sim-small", "Paris", withUsage, `,"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`), ""},
		{"stream in single bytes", prompt("sim-small", "hello", withUsage), "write=1"},
		{"stream with a broken event", prompt("sim-small", "hello", withUsage), "malformed"},
		{"stream with an error event", prompt("sim-small", "hello", withUsage), "fail=3"},
		{"long stream", prompt("sim-small", "hello", withUsage), "size=40000;chunk=7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := call(t, with.URL+chatPath, test.body, "x-simulate: "+test.directives)
			want := call(t, without.URL+chatPath, test.body, "x-simulate: "+test.directives)
			if got.StatusCode != want.StatusCode || got.body != want.body || got.err != nil {
				t.Errorf("with Regent: %d (%v)\n%.2000s\nwithout: %d\n%.2000s", got.StatusCode, got.err, got.body, want.StatusCode, want.body)
			}
			if ask := strings.Contains(test.body, streamed) && !strings.Contains(test.body, "include_usage"); ask {
				return // Regent asks for the usage
			}
			if received := with.Public.Last(); received.Body != test.body {
				t.Errorf("the provider received\n%.2000s", received.Body)
			}
		})
	}
}

// A stream is asked for its usage; the answer is counted, and the client does
// not see it.
func TestUsageIsAskedForAndTakenOut(t *testing.T) {
	s, without := with(t, "default"), with(t, "plain")
	body := prompt("sim-usage", "how many tokens?", streamed)
	got := call(t, s.URL+chatPath, body)
	if want := call(t, without.URL+chatPath, body); strings.Contains(got.body, `"usage":{`) || strings.Contains(got.body, `"choices":[]`) ||
		strings.ReplaceAll(got.body, `,"usage":null`, "") != want.body {
		t.Errorf("with Regent:\n%s\nwithout:\n%s", got.body, want.body)
	}
	if received := s.Public.Last().Body; !strings.Contains(received, `"include_usage":true`) {
		t.Errorf("the provider received %s", received)
	}
	entry := awaitLog(t, s, "model", "sim-usage")
	if entry["usage_reported"] != true || entry["input_tokens"] != float64(4) || entry["output_tokens"] != float64(7) {
		t.Errorf("access log: %v", entry)
	}
}

func TestAccessLogTellsTheCall(t *testing.T) {
	s := with(t, "default")
	got := call(t, s.URL+chatPath, prompt("gpt-4o-mini", "hello"))
	entry := awaitLog(t, s, "model", "gpt-4o-mini")
	for member, want := range map[string]any{
		"status": float64(200), "details": "via_upstream", "dialect": "openai", "operation": "chat", "decision": "allow",
		"target": "public", "cluster": "public", "coverage_request": "full", "coverage_response": "full",
	} {
		if entry[member] != want {
			t.Errorf("%s = %v, want %v", member, entry[member], want)
		}
	}
	if cost, _ := entry["cost_usd"].(float64); cost <= 0 {
		t.Errorf("cost_usd = %v", entry["cost_usd"])
	}
	if got.StatusCode != 200 {
		t.Error(got.StatusCode)
	}
}

func TestRequestIsRedacted(t *testing.T) {
	s := with(t, "default")
	got := call(t, s.URL+chatPath, prompt("sim-small", "write to ann@example.org, card 4111 1111 1111 1111, thanks"))
	received := s.Public.Last().Body
	want := prompt("sim-small", "write to [EMAIL], card [CREDIT_CARD], thanks")
	if received != want {
		t.Errorf("the provider received\n%s, want\n%s", received, want)
	}
	if got.StatusCode != 200 || !strings.Contains(got.body, "[EMAIL]") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}

func TestResponseIsRedacted(t *testing.T) {
	s := with(t, "default")
	for _, body := range []string{prompt("sim-small", "tell"), prompt("sim-small", "tell", streamed)} {
		for _, directives := range []string{"secret;chunk=1", "secret;chunk=3", "secret;chunk=100", "secret;chunk=3;write=5", "secret;chunk=2;gzip"} {
			got := call(t, s.URL+chatPath, body, "x-simulate: "+directives)
			text := got.body
			if strings.HasPrefix(got.Header.Get("content-type"), "text/event-stream") {
				text = streamText(t, got.body)
			}
			if got.StatusCode != 200 || got.err != nil || strings.Contains(text, "AKIA") || !strings.Contains(text, "By the way, the key is [") || !strings.Contains(text, "] and nobody else has it.") {
				t.Errorf("%s: %d (%v) %q", directives, got.StatusCode, got.err, text)
			}
		}
	}
}

func TestRouting(t *testing.T) {
	s := with(t, "default")
	tests := []struct {
		name, content string
		header        string
		want          string
	}{
		{"plain", "hello", "", "public"},
		{"header", "hello", "x-data-sensitivity: high", "on-prem"},
		{"term", "this is strictly confidential", "", "on-prem"},
		{"domain", "what does this diagnosis of the patient mean", "", "custom"},
		{"domain header", "hello", "x-domain: risk", "custom"},
		{"a client does not choose", "hello", "x-regent-cluster: on-prem", "public"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			headers := []string{}
			if test.header != "" {
				headers = append(headers, test.header)
			}
			got := call(t, s.URL+chatPath, prompt("sim-small", test.content), headers...)
			if by := got.Header.Get("x-simulated-by"); by != test.want {
				t.Errorf("answered by %q, want %q: %d %s", by, test.want, got.StatusCode, got.body)
			}
		})
	}
}

// What is no LLM call passes untouched.
func TestOtherRequestsPass(t *testing.T) {
	s := with(t, "default")
	if got := do(t, client, http.MethodGet, s.URL+"/v1/models", ""); got.StatusCode != 200 || !strings.Contains(got.body, "sim-small") {
		t.Errorf("GET: %d %s", got.StatusCode, got.body)
	}
	if got := do(t, client, http.MethodHead, s.URL+"/v1/models", ""); got.StatusCode != 200 || got.body != "" || got.ContentLength <= 0 {
		t.Errorf("HEAD: %d %d %s", got.StatusCode, got.ContentLength, got.body)
	}
	if got := do(t, client, http.MethodGet, s.URL+"/v1/models", "", "x-regent-cluster: regent"); got.StatusCode != 200 || got.Header.Get("x-simulated-by") != "public" {
		t.Errorf("a client chose its cluster: %d %s", got.StatusCode, got.body)
	}
	body := strings.Repeat("\x00\xff bytes ", 1000)
	got := call(t, s.URL+"/upload", body, "content-type: application/octet-stream")
	if received := s.Public.Last(); got.StatusCode != 404 || string(received.BodyBytes) != body {
		t.Errorf("%d, the provider received %d bytes", got.StatusCode, received.Size)
	}
}
