package simulate_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/simulate"
)

// apis are one request of each API that answers with a text, and the part of
// its answer that repeats "hello".
var apis = []struct{ name, path, body, echo, events string }{
	{"chat", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`, `"content":"You said: hello"`, ""},
	{"chat parts", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}]}`, `"content":"You said: hello"`, ""},
	{"azure", "/openai/deployments/d/chat/completions?api-version=1", `{"messages":[{"role":"user","content":"hello"}]}`, `"content":"You said: hello"`, ""},
	{"completions", "/v1/completions", `{"model":"m","prompt":["hello"]}`, `"text":"You said: hello"`, ""},
	{"responses", "/v1/responses", `{"model":"m","input":"hello"}`, `"text":"You said: hello"`, ""},
	{"responses items", "/v1/responses", `{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"hello"}]}],"stream":true}`, `"text":"You said: hello"`, "event: response.completed\n"},
	{"anthropic", "/v1/messages", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`, `"text":"You said: hello"`, ""},
	{"anthropic stream", "/v1/messages", `{"model":"m","stream":true,"messages":[{"role":"user","content":"hello"}]}`, `"text":"You "`, "event: message_stop\n"},
	{"gemini", "/v1beta/models/m:generateContent", `{"contents":[{"parts":[{"text":"hello"}]}]}`, `"text":"You said: hello"`, ""},
	{"gemini events", "/v1beta/models/m:streamGenerateContent?alt=sse", `{"contents":[{"parts":[{"text":"hello"}]}]}`, `"text":"You "`, "\r\n\r\n"},
	{"gemini array", "/v1beta/models/m:streamGenerateContent", `{"contents":[{"parts":[{"text":"hello"}]}]}`, `"text": "You "`, "\n]\n"},
	{"vertex", "/v1/projects/p/locations/l/publishers/google/models/m:generateContent", `{"contents":[{"parts":[{"text":"hello"}]}]}`, `"text":"You said: hello"`, ""},
	{"converse", "/model/a%2Fb%3Ac/converse", `{"messages":[{"role":"user","content":[{"text":"hello"}]}]}`, `"text":"You said: hello"`, ""},
	{"invoke", "/model/m/invoke", `{"messages":[{"role":"user","content":"hello"}]}`, `"text":"You said: hello"`, ""},
	{"cohere", "/v2/chat", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`, `"text":"You said: hello"`, ""},
	{"ollama", "/api/chat", `{"model":"m","stream":false,"messages":[{"role":"user","content":"hello"}]}`, `"content":"You said: hello"`, ""},
	{"ollama stream", "/api/generate", `{"model":"m","prompt":"hello"}`, `"response":"You "`, "\n"},
	{"mcp", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`, `"text":"You said: hello"`, ""},
}

func TestEveryAPIEchoes(t *testing.T) {
	_, url := start(t, simulate.Options{})
	for _, test := range apis {
		t.Run(test.name, func(t *testing.T) {
			got := post(t, url+test.path, "", test.body)
			if got.StatusCode != 200 || !strings.Contains(got.body, test.echo) || !strings.Contains(got.body, test.events) {
				t.Errorf("%d %s", got.StatusCode, got.body)
			}
			if again := post(t, url+test.path, "", test.body); again.body != got.body {
				t.Error("the same request got another answer")
			}
			if bad := post(t, url+test.path, "", `{"`); bad.StatusCode != 400 || bad.Header.Get("content-type") != "application/json" {
				t.Errorf("no JSON: %d %s", bad.StatusCode, bad.body)
			}
			if busy := post(t, url+test.path, "status=429", test.body); busy.StatusCode != 429 {
				t.Errorf("told to be busy: %d %s", busy.StatusCode, busy.body)
			}
		})
	}
}

// Frames of the AWS event stream have right lengths and checksums.
func TestEventStreamFrames(t *testing.T) {
	_, url := start(t, simulate.Options{})
	for _, path := range []string{"/model/m/converse-stream", "/model/m/invoke-with-response-stream"} {
		body := strings.Replace(`{"messages":[{"role":"user","content":C}]}`, "C", map[bool]string{true: `[{"text":"hello"}]`, false: `"hello"`}[strings.HasSuffix(path, "converse-stream")], 1)
		got := post(t, url+path, "fail=4", body)
		rest, frames := []byte(got.body), 0
		for ; len(rest) >= 16; frames++ {
			total := binary.BigEndian.Uint32(rest)
			if int(total) > len(rest) || crc32.ChecksumIEEE(rest[:8]) != binary.BigEndian.Uint32(rest[8:]) ||
				crc32.ChecksumIEEE(rest[:total-4]) != binary.BigEndian.Uint32(rest[total-4:]) {
				t.Fatalf("frame %d of %s: %q", frames, path, rest)
			}
			rest = rest[total:]
		}
		if len(rest) != 0 || frames != 5 || !bytes.Contains([]byte(got.body), []byte("modelStreamErrorException")) {
			t.Errorf("%s: %d frames, %d bytes left", path, frames, len(rest))
		}
	}
}

// No request makes a provider panic.
func FuzzRequests(f *testing.F) {
	for _, a := range apis {
		f.Add(a.path, a.body, "secret;chunk=3")
	}
	f.Add("/v1beta/models/nothing", `{}`, "tool=x")
	f.Fuzz(func(t *testing.T, path, body, directives string) {
		for _, slow := range []string{"delay", "slow", "abort", "size"} {
			if strings.Contains(directives+body+path, slow) {
				return // takes its time, or panics as net/http wants it
			}
		}
		req, err := http.NewRequest("POST", "http://sim/", strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		if req.URL, err = req.URL.Parse("http://sim" + path); err != nil {
			return
		}
		req.Header.Set("x-simulate", directives)
		s, err := simulate.New(simulate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if w.Code < 200 || w.Code > 599 {
			t.Errorf("status %d", w.Code)
		}
	})
}
