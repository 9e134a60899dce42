package integration

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/integration/harness"
	"github.com/regent-proxy/regent/pkg/frame"
)

// spoken is a request of an API, with $T where a text goes (inside a JSON
// string). What a refusal of a document is known by is at message.
type spoken struct {
	name, path, body string
	// message is where the words of an error stand in a body, kind a text that
	// its body or headers must hold beside them.
	message, kind string
	stream        bool
}

var apis = []spoken{
	{"openai.chat", chatPath, `{"model":"sim-x","messages":[{"role":"user","content":"$T"}]}`, "error.message", `"code":"policy_violation"`, false},
	{"openai.chat stream", chatPath, `{"model":"sim-x","stream":true,"messages":[{"role":"user","content":"$T"}]}`, "error.message", `"code":"policy_violation"`, true},
	{"openai.responses", "/v1/responses", `{"model":"sim-x","input":"$T"}`, "error.message", `"code":"policy_violation"`, false},
	{"openai.responses stream", "/v1/responses", `{"model":"sim-x","stream":true,"input":"$T"}`, "error.message", `"code":"policy_violation"`, true},
	{"anthropic", "/v1/messages", `{"model":"sim-x","max_tokens":99,"messages":[{"role":"user","content":"$T"}]}`, "error.message", `"type":"permission_error"`, false},
	{"anthropic stream", "/v1/messages", `{"model":"sim-x","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"$T"}]}`, "error.message", `"type":"permission_error"`, true},
	{"gemini", "/v1beta/models/sim-x:generateContent", `{"contents":[{"role":"user","parts":[{"text":"$T"}]}]}`, "error.message", `"status":"PERMISSION_DENIED"`, false},
	{"gemini stream", "/v1beta/models/sim-x:streamGenerateContent?alt=sse", `{"contents":[{"role":"user","parts":[{"text":"$T"}]}]}`, "error.message", `"status":"PERMISSION_DENIED"`, true},
	{"gemini array", "/v1beta/models/sim-x:streamGenerateContent", `{"contents":[{"role":"user","parts":[{"text":"$T"}]}]}`, "error.message", `"status":"PERMISSION_DENIED"`, true},
	{"bedrock", "/model/sim-x/converse", `{"messages":[{"role":"user","content":[{"text":"$T"}]}]}`, "message", "AccessDeniedException", false},
	{"bedrock stream", "/model/sim-x/converse-stream", `{"messages":[{"role":"user","content":[{"text":"$T"}]}]}`, "message", "validationException", true},
	{"bedrock invoke stream", "/model/anthropic.claude-sim/invoke-with-response-stream", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":50,"messages":[{"role":"user","content":"$T"}]}`, "message", "validationException", true},
	{"cohere", "/v2/chat", `{"model":"sim-x","messages":[{"role":"user","content":"$T"}]}`, "message", "policy_violation", false},
	{"cohere stream", "/v2/chat", `{"model":"sim-x","stream":true,"messages":[{"role":"user","content":"$T"}]}`, "delta.error", "policy_violation", true},
	{"ollama", "/api/chat", `{"model":"sim-x","stream":false,"messages":[{"role":"user","content":"$T"}]}`, "error", "policy_violation", false},
	{"ollama stream", "/api/chat", `{"model":"sim-x","messages":[{"role":"user","content":"$T"}]}`, "error", "policy_violation", true},
	{"mcp", "/mcp", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"$T"}}}`, "error.message", `"code":-32001`, false},
}

func (a *spoken) asking(text string) string {
	quoted, _ := json.Marshal(text)
	return strings.ReplaceAll(a.body, "$T", string(quoted[1:len(quoted)-1]))
}

// documents are the JSON documents that a body is made of, in order; of frames of
// Bedrock with their names, and what its InvokeModel puts into them.
func documents(t *testing.T, body string, contentType string) []string {
	t.Helper()
	kind, framed := frame.Sniff(contentType, []byte(body))
	if !framed {
		return []string{body}
	}
	var out []string
	emit := func(ev *frame.Event) error {
		var chunk struct{ Bytes string }
		if json.Unmarshal(ev.Payload, &chunk) == nil && chunk.Bytes != "" {
			inner, err := base64.StdEncoding.DecodeString(chunk.Bytes)
			out = append(out, string(inner))
			return err
		}
		if json.Valid(ev.Payload) {
			out = append(out, string(ev.Payload)+ev.Header(":exception-type"))
		}
		return nil
	}
	d := frame.New(kind)
	if err := d.Push([]byte(body), emit); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(emit); err != nil {
		t.Fatal(err)
	}
	return out
}

// at is the string at a path of names.
func at(document, path string) string {
	var v any
	_ = json.NewDecoder(strings.NewReader(document)).Decode(&v) // what follows it is no part of it
	for name := range strings.SplitSeq(path, ".") {
		members, _ := v.(map[string]any)
		v = members[name]
	}
	s, _ := v.(string)
	return s
}

// A value that policies refuse calls for is refused in the words of each API, in
// the request and in the response, documents and streams, and does not leave.
func TestFindingsAreRefusedInEachAPIsFormat(t *testing.T) {
	s := start(t, harness.Options{Policies: map[string]string{
		"settings.yaml": "regent: {settings: {redaction: {request: {enabled: false}, response: {enabled: false}}, findings: {request: {classes: [pii]}, response: {classes: [secret]}}}}\n",
	}})
	for _, a := range apis {
		t.Run(a.name, func(t *testing.T) {
			before := s.Public.Last().Number
			got := call(t, s.URL+a.path, a.asking("write to ann@example.org"))
			whole := fmt.Sprint(got.Header) + got.body
			if got.StatusCode != 403 || !strings.Contains(at(got.body, a.documentMessage()), "not allowed here") || !strings.Contains(whole, a.documentKind()) || s.Public.Last().Number != before {
				t.Errorf("the request is answered %d %v %s", got.StatusCode, got.Header, got.body)
			}
			got = call(t, s.URL+a.path, a.asking("tell"), "x-simulate: secret;chunk=3")
			if a.name == "mcp" { // its tool tells no secrets
				return
			}
			list := documents(t, got.body, got.Header.Get("content-type"))
			last := list[len(list)-1]
			if text := strings.Join(list, " "); got.err != nil || strings.Contains(text, "AKIA") || strings.Contains(text, "nobody else") {
				t.Errorf("the client gets %v %q", got.err, text)
			}
			if whole = fmt.Sprint(got.Header) + strings.Join(list, " "); !strings.Contains(at(last, a.message), "not allowed here") || !strings.Contains(whole, a.kind) || a.stream != (got.StatusCode == 200) {
				t.Errorf("the response ends %d %s", got.StatusCode, last)
			}
		})
	}
}

// documentMessage and documentKind are message and kind of a refusal before the
// response has begun.
func (a *spoken) documentMessage() string {
	if a.message == "delta.error" {
		return "message"
	}
	return a.message
}

func (a *spoken) documentKind() string {
	if a.kind == "validationException" {
		return "AccessDeniedException"
	}
	return a.kind
}

// In each API the provider works with stand-ins, and the client gets the values
// back, whole and in streams.
func TestPseudonymsInEachAPI(t *testing.T) {
	s := start(t, harness.Options{Policies: pseudonymPolicy})
	text := strings.Join(said, " ")
	for _, a := range apis {
		t.Run(a.name, func(t *testing.T) {
			got := call(t, s.URL+a.path, a.asking(text), "x-simulate: chunk=3")
			received := s.Public.Last()
			for _, value := range personal {
				if form := formIn([]byte(received.URL+" "+received.Body), value); form != "" {
					t.Errorf("the provider received %q (%s): %s", value, form, received.Body)
				}
			}
			if n := len(standIn.FindAllString(received.Body, -1)); n < len(personal) {
				t.Errorf("the provider received %d stand-ins: %s", n, received.Body)
			}
			answer := words(t, documents(t, got.body, got.Header.Get("content-type")))
			if got.StatusCode != 200 || got.err != nil || !strings.Contains(answer, text) || standIn.MatchString(answer) {
				t.Errorf("the client gets %d %v %q", got.StatusCode, got.err, answer)
			}
		})
	}
}

// words joins the strings of documents that are said: those named as the APIs
// name their texts.
func words(t *testing.T, list []string) string {
	t.Helper()
	var b strings.Builder
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case string:
			if name == "text" || name == "content" || name == "delta" {
				b.WriteString(v)
			}
		case []any:
			for _, e := range v {
				walk(name, e)
			}
		case map[string]any:
			if v["type"] == "response.output_text.done" || v["type"] == "response.content_part.done" || v["type"] == "response.output_item.done" || v["type"] == "response.completed" {
				return // they repeat what was said
			}
			for name, e := range v {
				walk(name, e)
			}
		}
	}
	for _, document := range list {
		var v any
		if err := json.Unmarshal([]byte(document), &v); err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		walk("", v)
	}
	return b.String()
}

// A remote detector that is killed is as one that is down: calls pass or are
// refused as the operator said. Once it is back, it is asked again.
func TestRemoteDetectorIsKilled(t *testing.T) {
	for _, onError := range []string{"open", "closed"} {
		t.Run(onError, func(t *testing.T) {
			p, a := &repeater{}, &analyzer{}
			provider, remote := httptest.NewServer(p), httptest.NewServer(a)
			t.Cleanup(provider.Close)
			address := remote.Listener.Addr().String()
			s := start(t, harness.Options{
				Providers: map[string]string{"public": provider.Listener.Addr().String()},
				Config: func(c map[string]any) {
					c["detect"] = map[string]any{"remote": map[string]any{"url": remote.URL + "/analyze", "entities": map[string]any{"PERSON": "PERSON"}, "on_error": onError, "retry": "200ms"}}
				},
			})
			hidden := func(n int) bool {
				got := call(t, s.URL+chatPath, prompt("sim-found", fmt.Sprint(n, " for ", person)))
				return got.StatusCode == 200 && strings.Contains(p.received(), fmt.Sprint(n, " for [PERSON]"))
			}
			if !hidden(1) {
				t.Fatalf("the provider received %s", p.received())
			}
			remote.CloseClientConnections()
			remote.Close()
			before := p.received()
			got := call(t, s.URL+chatPath, prompt("sim-killed", "Is "+person+" in?"))
			if onError == "closed" {
				if got.StatusCode != 503 || !strings.Contains(got.body, `"code":"detector_unavailable"`) || p.received() != before {
					t.Errorf("%d %s, the provider received %s", got.StatusCode, got.body, p.received())
				}
			} else if entry := awaitLog(t, s, "model", "sim-killed"); got.StatusCode != 200 || !strings.Contains(fmt.Sprint(entry), "remote_detector") {
				t.Errorf("%d %s, access log %v", got.StatusCode, got.body, entry)
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			again := &http.Server{Handler: a}
			go func() { _ = again.Serve(l) }() // ends at Close
			t.Cleanup(func() { _ = again.Close() })
			n := 1
			eventually(t, "the detector is asked again", func() bool { n++; return hidden(n) })
		})
	}
}

// What hides where an API has no text, and an answer that is not what the API
// says, do not pass Envoy either.
func TestUnreadPartsThroughEnvoy(t *testing.T) {
	var answer, contentType string
	var received []byte
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received, _ = io.ReadAll(r.Body)
		w.Header()["Content-Type"] = []string{contentType}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(provider.Close)
	s := start(t, harness.Options{Providers: map[string]string{"public": provider.Listener.Addr().String()}})
	const value = "ann@example.org"
	for name, x := range map[string]struct{ request, contentType, answer string }{
		"schema and member":  {`{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"description":"$V"}}}}}]}`, "application/json", `{"choices":[{"message":{"content":"x","more":["$V"]}}]}`},
		"events as JSON":     {`{"model":"m","stream":true,"messages":[],"x":"$V"}`, "application/json", "data: {\"choices\":[{\"delta\":{\"content\":\"to ann@exa\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"mple.org now\"}}]}\n\n"},
		"a page":             {`{"model":"m","messages":[],"x":"$V"}`, "text/html", "<p>mail $V</p>"},
		"a page as a stream": {`{"model":"m","stream":true,"messages":[],"x":"$V"}`, "text/html; charset=utf-8", "<p>mail $V</p>"},
		"two members":        {`{"model":"m","messages":[],"x":"$V"}`, "application/json", `{"id":"a","id":"b","choices":[{"message":{"content":"to $V now"}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			answer, contentType = strings.ReplaceAll(x.answer, "$V", value), x.contentType
			got := call(t, s.URL+chatPath, strings.ReplaceAll(x.request, "$V", value))
			if strings.Contains(string(received), value) || !strings.Contains(string(received), "[EMAIL]") {
				t.Errorf("the provider received %s", received)
			}
			if got.StatusCode != 200 || got.err != nil || strings.Contains(got.body, value) || strings.Contains(deltasApart.ReplaceAllString(got.body, ""), value) || !strings.Contains(got.body, "[EMAIL]") {
				t.Errorf("the client gets %d %v %s", got.StatusCode, got.err, got.body)
			}
		})
	}
}

// deltasApart is what stands between two deltas of a stream.
var deltasApart = regexp.MustCompile(`"}}\]}\s+data: {"choices":\[{"delta":{"content":"`)
