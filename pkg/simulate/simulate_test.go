package simulate_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/regent-proxy/regent/pkg/simulate"
)

func start(t *testing.T, opts simulate.Options) (*simulate.Server, string) {
	t.Helper()
	s, err := simulate.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(s)
	h.Config.Protocols = simulate.Protocols()
	h.Start()
	t.Cleanup(h.Close)
	return s, h.URL
}

type reply struct {
	*http.Response
	body string
	err  error // of reading the body
}

func post(t *testing.T, url, directives, body string) reply {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-simulate", directives)
	req.Header.Set("accept-encoding", "identity")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp, string(b), err}
}

const (
	hello       = `{"model":"sim-small","messages":[{"role":"user","content":"hello"}]}`
	helloStream = `{"model":"sim-small","stream":true,"messages":[{"role":"user","content":"hello"}]}`
)

// streamedText joins choice 0's content of a chat stream.
func streamedText(t *testing.T, body string) string {
	t.Helper()
	var out strings.Builder
	for _, event := range strings.Split(body, "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var e struct {
			Choices []struct {
				Delta struct{ Content string }
			}
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		if len(e.Choices) > 0 {
			out.WriteString(e.Choices[0].Delta.Content)
		}
	}
	return out.String()
}

func TestChatEchoes(t *testing.T) {
	s, url := start(t, simulate.Options{})
	whole := post(t, url+"/v1/chat/completions", "", hello)
	if whole.StatusCode != 200 || !strings.Contains(whole.body, `"content":"You said: hello"`) || !strings.Contains(whole.body, `"usage"`) {
		t.Errorf("whole: %d %s", whole.StatusCode, whole.body)
	}
	stream := post(t, url+"/v1/chat/completions", "", helloStream)
	if got := streamedText(t, stream.body); got != "You said: hello" {
		t.Errorf("stream says %q", got)
	}
	if strings.Contains(stream.body, "usage") || !strings.HasSuffix(stream.body, "data: [DONE]\n\n") {
		t.Errorf("stream: %s", stream.body)
	}
	if again := post(t, url+"/v1/chat/completions", "", hello); again.body != whole.body {
		t.Error("the same request got another answer")
	}
	got := s.Requests()
	if len(got) != 3 || got[0].Body != hello || got[1].Body != helloStream || got[2].Number != 3 {
		t.Errorf("journal: %+v", got)
	}
}

func TestStreamReportsUsageWhenAsked(t *testing.T) {
	_, url := start(t, simulate.Options{})
	body := strings.Replace(helloStream, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)
	got := post(t, url+"/v1/chat/completions", "", body).body
	if !strings.Contains(got, `"choices":[],`) || !strings.Contains(got, `"prompt_tokens":2,`) || !strings.Contains(got, `"usage":null`) {
		t.Errorf("stream: %s", got)
	}
}

func TestToolCalls(t *testing.T) {
	_, url := start(t, simulate.Options{})
	const offer = `{"model":"m","messages":[{"role":"user","content":"Paris"}],"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}}}}}]}`
	got := post(t, url+"/v1/chat/completions", "", offer)
	if !strings.Contains(got.body, `"arguments":"{\"city\":\"Paris\",\"days\":1}"`) || !strings.Contains(got.body, `"finish_reason":"tool_calls"`) {
		t.Error(got.body)
	}
	answered := strings.Replace(offer, `"Paris"}`, `"Paris"},{"role":"tool","tool_call_id":"c","content":"rain"}`, 1)
	if got = post(t, url+"/v1/chat/completions", "", answered); !strings.Contains(got.body, "The tool said: rain") {
		t.Error(got.body)
	}
	if got = post(t, url+"/v1/chat/completions", "no-tool", offer); strings.Contains(got.body, "tool_calls") {
		t.Error(got.body)
	}
}

func TestDirectives(t *testing.T) {
	_, url := start(t, simulate.Options{})
	chat := url + "/v1/chat/completions"
	tests := []struct {
		name, directives, body string
		check                  func(r reply) bool
	}{
		{"status", "status=429; retry-after=7", hello, func(r reply) bool {
			return r.StatusCode == 429 && r.Header.Get("retry-after") == "7" && strings.Contains(r.body, "rate_limit_exceeded")
		}},
		{"say", "say=a%3Bb", hello, func(r reply) bool { return strings.Contains(r.body, `"content":"a;b"`) }},
		{"model name", "", strings.Replace(hello, "sim-small", "sim-small+status=500", 1), func(r reply) bool { return r.StatusCode == 500 }},
		{"secret in pieces", "secret; chunk=3", helloStream, func(r reply) bool {
			return strings.Contains(streamedText(t, r.body), "AKIA") && !strings.Contains(r.body, "AKIA")
		}},
		{"size", "size=100000", hello, func(r reply) bool { return len(r.body) > 100000 && len(r.body) < 101000 }},
		{"malformed", "malformed", hello, func(r reply) bool { return !json.Valid([]byte(r.body)) }},
		{"abort a document", "abort=20", hello, func(r reply) bool { return r.err != nil && len(r.body) == 20 }},
		{"abort a stream", "abort=3", helloStream, func(r reply) bool { return r.err != nil && strings.Count(r.body, "data: ") == 3 }},
		{"fail", "fail=2", helloStream, func(r reply) bool { return r.err == nil && strings.Contains(r.body, `"server_error"`) }},
		{"trailers", "trailers", helloStream, func(r reply) bool { return r.Trailer.Get("x-simulated-trailer") == "the-end" }},
		{"gzip", "gzip", helloStream, func(r reply) bool {
			z, err := gzip.NewReader(strings.NewReader(r.body))
			if err != nil || r.Header.Get("content-encoding") != "gzip" {
				return false
			}
			plain, err := io.ReadAll(z)
			return err == nil && streamedText(t, string(plain)) == "You said: hello"
		}},
		{"write", "write=1", helloStream, func(r reply) bool { return streamedText(t, r.body) == "You said: hello" }},
		{"usage on", "usage=on", helloStream, func(r reply) bool { return strings.Contains(r.body, "prompt_tokens") }},
		{"usage off", "usage=off", hello, func(r reply) bool { return !strings.Contains(r.body, "prompt_tokens") }},
		{"reasoning", "reasoning", hello, func(r reply) bool { return strings.Contains(r.body, "reasoning_content") }},
		{"unknown", "sercet", hello, func(r reply) bool { return r.StatusCode == 400 && strings.Contains(r.body, "sercet") }},
		{"out of range", "chunk=0", hello, func(r reply) bool { return r.StatusCode == 400 }},
		{"no messages", "", `{"model":"m"}`, func(r reply) bool { return r.StatusCode == 400 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if r := post(t, chat, test.directives, test.body); !test.check(r) {
				t.Errorf("%d %v %q (%v)", r.StatusCode, r.Header, r.body, r.err)
			}
		})
	}
}

func TestBadBehaviour(t *testing.T) {
	if _, err := simulate.New(simulate.Options{Behaviour: "delay=1h"}); err == nil {
		t.Error("a delay of an hour was taken")
	}
}

func TestBodyOverTheBound(t *testing.T) {
	s, url := start(t, simulate.Options{MaxBody: 10})
	if got := post(t, url+"/v1/chat/completions", "", hello); got.StatusCode != 413 {
		t.Error(got.StatusCode)
	}
	if got := s.Requests(); len(got) != 1 || got[0].Error == "" {
		t.Errorf("%+v", got)
	}
}

func TestJournalIsBounded(t *testing.T) {
	s, url := start(t, simulate.Options{Keep: 2, KeepBody: 8})
	for range 3 {
		post(t, url+"/v1/chat/completions", "", hello)
	}
	post(t, url+"/elsewhere", "", "\xff\xfe")
	got := s.Requests()
	if len(got) != 2 || got[0].Number != 3 || got[0].Body != hello[:8] || !got[0].Truncated || got[0].Size != len(hello) {
		t.Errorf("%+v", got)
	}
	if !bytes.Equal(got[1].BodyBytes, []byte("\xff\xfe")) {
		t.Errorf("%+v", got[1])
	}
	resp, err := http.Get(url + "/__requests")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var listed []simulate.Received
	if err := json.NewDecoder(resp.Body).Decode(&listed); err != nil || len(listed) != 2 || listed[1].URL != "/elsewhere" {
		t.Errorf("%v %+v", err, listed)
	}
}

func TestWebSocket(t *testing.T) {
	_, url := start(t, simulate.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url+"/v1/realtime", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || string(got) != "hi" {
		t.Errorf("%q %v", got, err)
	}
}
