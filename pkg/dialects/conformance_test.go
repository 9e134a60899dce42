package dialects_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialects"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/inspect"
	"github.com/regent-proxy/regent/pkg/simulate"
)

var update = flag.Bool("update", false, "write the golden files anew")

func registry(t testing.TB) *dialect.Registry {
	t.Helper()
	r, err := dialects.Registry(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// heads are request heads under which each API can be asked for a stream.
func heads(api string) []*dialect.Head {
	none := func(string) string { return "" }
	plain := &dialect.Head{Method: "POST", Host: "h", Path: "/v1/x", Header: none}
	if api == "gemini.streamGenerateContent" {
		return []*dialect.Head{
			{Method: "POST", Host: "h", Path: "/v1beta/models/m:streamGenerateContent", Query: "alt=sse", Header: none},
			{Method: "POST", Host: "h", Path: "/v1beta/models/m:streamGenerateContent", Header: none},
		}
	}
	return []*dialect.Head{plain}
}

var denied = dialect.ErrorInfo{Status: 403, Code: "policy_violation", Message: `no "secrets" — здесь`, CallID: "c1"}

// What Regent writes as an API's error must be an error to that API's own
// reader, as it is to the provider's client libraries.
func TestErrorBodyIsReadAsError(t *testing.T) {
	for _, api := range registry(t).APIs() {
		contentType, body := api.ErrorBody(denied)
		if !strings.Contains(contentType, "json") || !json.Valid(body) {
			t.Errorf("%s: %s %s", api.Name(), contentType, body)
		}
		rh := &dialect.ResponseHead{Status: 403, ContentType: "application/json", Header: func(string) string { return "" }}
		r, err := api.ReadResponse(heads(api.Name())[0], rh, body)
		if err != nil || r.Error == nil || !strings.Contains(r.Error.Message, denied.Message) {
			t.Errorf("%s: its error body %s reads as %+v, %v", api.Name(), body, r, err)
		}
	}
}

func TestErrorEventIsReadAsError(t *testing.T) {
	for _, api := range registry(t).APIs() {
		for _, h := range heads(api.Name()) {
			rh := &dialect.ResponseHead{Status: 200, Header: func(string) string { return "" }}
			stream := api.NewStream(h, rh)
			got := readEvents(t, api.Name(), stream, stream.ErrorEvent(denied))
			if got == nil || !strings.Contains(got.Message, denied.Message) {
				t.Errorf("%s %s: its error event reads as %+v", api.Name(), h.Query, got)
			}
		}
	}
}

func readEvents(t *testing.T, name string, s dialect.Stream, data []byte) (found *genai.Error) {
	t.Helper()
	kind, ok := frame.Sniff("", data)
	if !ok {
		t.Errorf("%s: the framing of its error event %q can't be told", name, data)
		return nil
	}
	emit := func(ev *frame.Event) error {
		var d genai.Delta
		if err := s.Read(ev, &d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d.Error != nil {
			found = d.Error
		}
		return nil
	}
	decoder := frame.New(kind)
	if err := decoder.Push(data, emit); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if err := decoder.Flush(emit); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return found
}

// conversation is a request in an API's words: what is asked must come back in
// what is understood.
type conversation struct{ api, method, path, body string }

var conversations = []conversation{
	{"openai.chat", "POST", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hello there"}]}`},
	{"openai.chat", "POST", "/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello there"}]}`},
	{"openai.chat", "POST", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"look_up","parameters":{"type":"object"}}}]}`},
	{"openai.chat", "POST", "/openai/deployments/gpt-x/chat/completions?api-version=2024-10-21", `{"messages":[{"role":"user","content":"hello azure"}]}`},
	{"openai.responses", "POST", "/v1/responses", `{"model":"m","input":"hello there","instructions":"be kind"}`},
	{"openai.responses", "POST", "/v1/responses", `{"model":"m","stream":true,"input":[{"role":"user","content":[{"type":"input_text","text":"hello there"}]}]}`},
	{"openai.completions", "POST", "/v1/completions", `{"model":"m","prompt":"hello there"}`},
	{"openai.completions", "POST", "/v1/completions", `{"model":"m","stream":true,"prompt":"hello there"}`},
	{"openai.embeddings", "POST", "/v1/embeddings", `{"model":"m","input":["hello","there"]}`},
	{"openai.moderations", "POST", "/v1/moderations", `{"model":"m","input":"hello there"}`},
	{"anthropic.messages", "POST", "/v1/messages", `{"model":"m","max_tokens":50,"system":"be kind","messages":[{"role":"user","content":"hello there"}]}`},
	{"anthropic.messages", "POST", "/v1/messages", `{"model":"m","max_tokens":50,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"hello there"}]}]}`},
	{"anthropic.count_tokens", "POST", "/v1/messages/count_tokens", `{"model":"m","messages":[{"role":"user","content":"hello there"}]}`},
	{"gemini.generateContent", "POST", "/v1beta/models/m:generateContent", `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{"gemini.streamGenerateContent", "POST", "/v1beta/models/m:streamGenerateContent?alt=sse", `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{"gemini.streamGenerateContent", "POST", "/v1beta/models/m:streamGenerateContent", `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{"gemini.embedContent", "POST", "/v1beta/models/m:embedContent", `{"content":{"parts":[{"text":"hello there"}]}}`},
	{"gemini.countTokens", "POST", "/v1beta/models/m:countTokens", `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{"bedrock.converse", "POST", "/model/amazon.nova-lite-v1%3A0/converse", `{"messages":[{"role":"user","content":[{"text":"hello there"}]}]}`},
	{"bedrock.converse_stream", "POST", "/model/amazon.nova-lite-v1%3A0/converse-stream", `{"messages":[{"role":"user","content":[{"text":"hello there"}]}]}`},
	{"bedrock.invoke", "POST", "/model/anthropic.claude-v3/invoke", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":50,"messages":[{"role":"user","content":"hello there"}]}`},
	{"bedrock.invoke_stream", "POST", "/model/anthropic.claude-v3/invoke-with-response-stream", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":50,"messages":[{"role":"user","content":"hello there"}]}`},
	{"cohere.v2.chat", "POST", "/v2/chat", `{"model":"m","messages":[{"role":"user","content":"hello there"}]}`},
	{"cohere.v2.chat", "POST", "/v2/chat", `{"model":"m","stream":true,"messages":[{"role":"user","content":"hello there"}]}`},
	{"cohere.embed", "POST", "/v2/embed", `{"model":"m","texts":["hello there"],"input_type":"search_query","embedding_types":["float"]}`},
	{"ollama.chat", "POST", "/api/chat", `{"model":"m","messages":[{"role":"user","content":"hello there"}]}`},
	{"ollama.chat", "POST", "/api/chat", `{"model":"m","stream":false,"messages":[{"role":"user","content":"hello there"}]}`},
	{"ollama.generate", "POST", "/api/generate", `{"model":"m","prompt":"hello there"}`},
	{"ollama.embed", "POST", "/api/embed", `{"model":"m","input":"hello there"}`},
	{"mcp.rpc", "POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`},
	{"mcp.rpc", "POST", "/mcp", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello there"}}}`},
}

// TestConversations holds what is understood of an exchange with the simulated
// provider against a golden file, whole and cut into single bytes.
func TestConversations(t *testing.T) {
	const golden = "testdata/conversations.jsonl"
	server, err := simulate.New(simulate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for n, c := range conversations {
		e := exchange(server, c)
		whole := understood(t, "", n, e)
		for _, chunks := range []string{"1", "random:3", "random:4"} {
			if cut := understood(t, chunks, n, e); cut != whole {
				t.Errorf("%s %s: in chunks %s it is understood as %s, whole as %s", c.api, c.path, chunks, cut, whole)
			}
		}
		if !strings.Contains(whole, `"api":"`+c.api+`"`) {
			t.Errorf("%s was taken for another API: %s", c.api, whole)
		}
		got.WriteString(whole)
	}
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("what is understood changed; look, then run with -update:\n%s", got.String())
	}
}

func exchange(server *simulate.Server, c conversation) *har.Entry {
	request := httptest.NewRequest(c.method, "http://provider.example"+c.path, strings.NewReader(c.body))
	request.Header.Set("content-type", "application/json")
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, request)
	headers := []map[string]string{}
	for name, values := range recorder.Header() {
		headers = append(headers, map[string]string{"name": name, "value": values[0]})
	}
	source, _ := json.Marshal(map[string]any{
		"request":  map[string]any{"method": c.method, "url": "http://provider.example" + c.path, "postData": map[string]any{"mimeType": "application/json", "text": c.body}},
		"response": map[string]any{"status": recorder.Code, "headers": headers, "content": map[string]any{"encoding": "base64", "text": base64.StdEncoding.EncodeToString(recorder.Body.Bytes())}},
	})
	e := &har.Entry{}
	_ = json.Unmarshal(source, e)
	return e
}

func understood(t *testing.T, chunks string, n int, e *har.Entry) string {
	t.Helper()
	cut, err := inspect.ParseChunks(chunks)
	if err != nil {
		t.Fatal(err)
	}
	models, err := catalog.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	i := &inspect.Inspector{Dialects: registry(t), Catalog: models, Chunks: cut, MaxBody: 1 << 20}
	line, err := json.Marshal(i.Inspect(n+1, e))
	if err != nil {
		t.Fatal(err)
	}
	return string(line) + "\n"
}

// FuzzAPIs reads any bytes as every API's request, response and event: nothing
// panics, and every text lies where it says.
func FuzzAPIs(f *testing.F) {
	for _, c := range conversations {
		f.Add([]byte(c.body))
	}
	apis := registry(f).APIs()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, api := range apis {
			check := func(doc []byte, list []genai.Text) {
				for _, text := range list {
					if r := text.Range; r.Start < 0 || r.End > len(doc) || r.Start > r.End {
						t.Fatalf("%s: a text lies at %v of %d bytes", api.Name(), r, len(doc))
					}
				}
			}
			h := heads(api.Name())[0]
			rh := &dialect.ResponseHead{Status: 200, Header: func(string) string { return "" }}
			if r, err := api.ReadRequest(h, body); err == nil {
				check(body, r.Texts)
			}
			if r, err := api.ReadResponse(h, rh, body); err == nil {
				check(body, r.Texts)
			}
			stream := api.NewStream(h, rh)
			for _, kind := range []frame.EventKind{frame.Data, frame.Exception} {
				var d genai.Delta
				payload := body
				if codec, ok := stream.(dialect.PayloadCodec); ok {
					if inner, err := codec.Unwrap(body); err == nil {
						payload = inner
					}
				}
				if err := stream.Read(&frame.Event{Payload: body, Kind: kind, Name: "contentBlockDelta"}, &d); err == nil {
					check(payload, d.Texts)
				}
			}
		}
	})
}

// TestDocumented holds docs/DIALECTS.md against the registry.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/DIALECTS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, line := range strings.Split(string(page), "\n") {
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(cell, "`")
			rows[name] = true
		}
	}
	for _, name := range registry(t).Names() {
		if !rows[name] {
			t.Errorf("docs/DIALECTS.md has no row for %s", name)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("docs/DIALECTS.md has a row for %s, which no claim leads to", name)
	}
}
