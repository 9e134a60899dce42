package telemetry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialects"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
	"github.com/regent-proxy/regent/pkg/simulate"
)

// exchange is a call to the simulated provider. Its golden trace is
// testdata/calls/<name>.json.
type exchange struct {
	name, host, path, body string
	method                 string // POST where empty
	api                    string // as it must be recognised
	simulate               string // directives
	headers                map[string]string
	abortAfter             int // chunks of the response, 0 is never
	attempts               []int
	// answer is the response, where the simulated provider has no such API.
	answer, answerType string
}

const (
	openAIHost    = "api.openai.com"
	anthropicHost = "api.anthropic.com"
	geminiHost    = "generativelanguage.googleapis.com"
	bedrockHost   = "bedrock-runtime.us-east-1.amazonaws.com"
	cohereHost    = "api.cohere.com"
	ollamaHost    = "ollama.internal:11434"
	mcpHost       = "tools.internal"
)

// exchanges are calls of every API, and of each kind of end.
var exchanges = []exchange{
	{name: "openai.chat", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","temperature":0.5,"max_tokens":50,"n":1,"seed":7,"service_tier":"flex","response_format":{"type":"json_object"},"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hello there"}]}`},
	{name: "openai.chat.stream", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"stop":["END"],"top_p":0.9,"frequency_penalty":0.1,"presence_penalty":0.2,"messages":[{"role":"user","content":"hello there"}]}`},
	{name: "openai.chat.tools", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"look_up","description":"looks up","parameters":{"type":"object"}}}]}`},
	{name: "openai.chat.reasoning", host: openAIHost, simulate: "reasoning", path: "/v1/chat/completions", body: `{"model":"o3","reasoning_effort":"low","messages":[{"role":"user","content":"hello"}]}`},
	{name: "openai.chat.azure", api: "openai.chat", host: "example.openai.azure.com", path: "/openai/deployments/gpt-x/chat/completions?api-version=2024-10-21", body: `{"messages":[{"role":"user","content":"hello azure"}]}`},
	{name: "openai.chat.denied", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[{"role":"user","content":"please deny"}]}`},
	{name: "openai.chat.denied_in_stream", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"deny response"}]}`},
	{name: "openai.chat.redacted", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[{"role":"user","content":"write to ann@example.org"}]}`},
	{name: "openai.chat.error", host: openAIHost, simulate: "status=429", path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`},
	{name: "openai.chat.error_in_stream", host: openAIHost, simulate: "fail=2", path: "/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hello there"}]}`},
	{name: "openai.chat.aborted", host: openAIHost, path: "/v1/chat/completions", abortAfter: 2, body: `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hello there"}]}`},
	{name: "openai.chat.attempts", host: openAIHost, attempts: []int{503, 200}, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}`},
	{name: "openai.chat.malformed", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[`},
	{name: "openai.responses", host: openAIHost, path: "/v1/responses", body: `{"model":"gpt-4o","input":"hello there","instructions":"be kind","conversation":"conv_1","prompt":{"id":"pmpt_1","version":"2"}}`},
	{name: "openai.responses.stream", host: openAIHost, path: "/v1/responses", body: `{"model":"gpt-4o","stream":true,"previous_response_id":"resp_0","input":[{"role":"user","content":[{"type":"input_text","text":"hello there"}]}]}`},
	{name: "openai.completions", host: openAIHost, path: "/v1/completions", body: `{"model":"gpt-3.5-turbo-instruct","prompt":"hello there"}`},
	{name: "openai.completions.stream", host: openAIHost, path: "/v1/completions", body: `{"model":"gpt-3.5-turbo-instruct","stream":true,"prompt":"hello there"}`},
	{name: "openai.embeddings", host: openAIHost, path: "/v1/embeddings", body: `{"model":"text-embedding-3-small","encoding_format":"float","dimensions":256,"input":["hello","there"]}`},
	{name: "openai.moderations", host: openAIHost, path: "/v1/moderations", body: `{"model":"omni-moderation-latest","input":"hello there"}`},
	{name: "anthropic.messages", host: anthropicHost, path: "/v1/messages", body: `{"model":"claude-sonnet-4-5","max_tokens":50,"top_k":40,"system":"be kind","messages":[{"role":"user","content":"hello there"}]}`},
	{name: "anthropic.messages.stream", host: anthropicHost, path: "/v1/messages", body: `{"model":"claude-sonnet-4-5","max_tokens":50,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"hello there"}]}]}`},
	{name: "anthropic.messages.tools", host: anthropicHost, path: "/v1/messages", body: `{"model":"claude-sonnet-4-5","max_tokens":50,"tools":[{"name":"look_up","description":"looks up","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"hello"}]}`},
	{name: "anthropic.messages.error", host: anthropicHost, simulate: "status=529", path: "/v1/messages", body: `{"model":"claude-sonnet-4-5","max_tokens":50,"messages":[{"role":"user","content":"hello"}]}`},
	{name: "anthropic.count_tokens", host: anthropicHost, path: "/v1/messages/count_tokens", body: `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"hello there"}]}`},
	{name: "gemini.generateContent", host: geminiHost, path: "/v1beta/models/gemini-2.5-flash:generateContent", body: `{"systemInstruction":{"parts":[{"text":"be kind"}]},"generationConfig":{"candidateCount":1,"topK":20,"stopSequences":["END"]},"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{name: "gemini.streamGenerateContent", host: geminiHost, path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", body: `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{name: "gemini.streamGenerateContent.array", api: "gemini.streamGenerateContent", host: "us-central1-aiplatform.googleapis.com", path: "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:streamGenerateContent", body: `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{name: "gemini.embedContent", host: geminiHost, path: "/v1beta/models/gemini-embedding-001:embedContent", body: `{"content":{"parts":[{"text":"hello there"}]}}`},
	{name: "gemini.countTokens", host: geminiHost, path: "/v1beta/models/gemini-2.5-flash:countTokens", body: `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`},
	{name: "gemini.error", api: "gemini.generateContent", host: geminiHost, simulate: "status=400", path: "/v1beta/models/gemini-2.5-flash:generateContent", body: `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`},
	{name: "bedrock.converse", host: bedrockHost, path: "/model/amazon.nova-lite-v1%3A0/converse", body: `{"messages":[{"role":"user","content":[{"text":"hello there"}]}],"inferenceConfig":{"maxTokens":50},"guardrailConfig":{"guardrailIdentifier":"gr-1","guardrailVersion":"1"}}`},
	{name: "bedrock.converse_stream", host: bedrockHost, path: "/model/amazon.nova-lite-v1%3A0/converse-stream", body: `{"messages":[{"role":"user","content":[{"text":"hello there"}]}]}`},
	{name: "bedrock.invoke", host: bedrockHost, path: "/model/anthropic.claude-v3/invoke", body: `{"anthropic_version":"bedrock-2023-05-31","max_tokens":50,"messages":[{"role":"user","content":"hello there"}]}`, headers: map[string]string{"x-amzn-bedrock-guardrailidentifier": "gr-2"}},
	{name: "bedrock.invoke_stream", host: bedrockHost, path: "/model/anthropic.claude-v3/invoke-with-response-stream", body: `{"anthropic_version":"bedrock-2023-05-31","max_tokens":50,"messages":[{"role":"user","content":"hello there"}]}`},
	{name: "cohere.v2.chat", host: cohereHost, path: "/v2/chat", body: `{"model":"command-r","documents":[{"id":"doc-1","data":{"text":"bridges"}},"plain"],"messages":[{"role":"user","content":"hello there"}]}`},
	{name: "cohere.v2.chat.stream", host: cohereHost, path: "/v2/chat", body: `{"model":"command-r","stream":true,"messages":[{"role":"user","content":"hello there"}]}`},
	{name: "cohere.embed", host: cohereHost, path: "/v2/embed", body: `{"model":"embed-v4.0","texts":["hello there"],"input_type":"search_query","embedding_types":["float"]}`},
	{name: "ollama.chat", host: ollamaHost, path: "/api/chat", body: `{"model":"llama3.2","stream":false,"options":{"num_predict":50},"messages":[{"role":"user","content":"hello there"}]}`},
	{name: "ollama.chat.stream", host: ollamaHost, path: "/api/chat", body: `{"model":"llama3.2","messages":[{"role":"user","content":"hello there"}]}`},
	{name: "ollama.generate", host: ollamaHost, path: "/api/generate", body: `{"model":"llama3.2","prompt":"hello there"}`},
	{name: "ollama.embed", host: ollamaHost, path: "/api/embed", body: `{"model":"nomic-embed-text","input":"hello there"}`},
	{name: "mcp.initialize", api: "mcp.rpc", host: mcpHost, path: "/mcp", body: `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`},
	{name: "mcp.initialized", api: "mcp.rpc", host: mcpHost, path: "/mcp", headers: mcpSession, body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`},
	{name: "mcp.tools_list", api: "mcp.rpc", host: mcpHost, path: "/mcp", headers: mcpSession, body: `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`},
	{name: "mcp.tools_call", api: "mcp.rpc", host: mcpHost, path: "/mcp", headers: mcpSession, body: `{"jsonrpc":"2.0","id":"two","method":"tools/call","params":{"name":"echo","arguments":{"text":"hello there"}}}`},
	{name: "mcp.tools_call.stream", api: "mcp.rpc", host: mcpHost, path: "/mcp", headers: map[string]string{"accept": "application/json, text/event-stream"}, body: `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello there"}}}`},
	{name: "mcp.tools_call.error", api: "mcp.rpc", host: mcpHost, path: "/mcp", headers: mcpSession, body: `{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"absent"}}`},
	{name: "mcp.tools_call.denied", api: "mcp.rpc", host: mcpHost, path: "/mcp", headers: mcpSession, body: `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{"text":"please deny"}}}`},
	{name: "openai.chat.groq", host: "api.groq.com", path: "/openai/v1/chat/completions", body: `{"model":"llama-3.3-70b","service_tier":"auto","messages":[{"role":"user","content":"hello there"}]}`,
		answer: `{"id":"c1","model":"llama-3.3-70b","service_tier":"on_demand","system_fingerprint":"fp_1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`},
	{name: "openai.images", host: openAIHost, path: "/v1/images/generations", body: `{"model":"gpt-image-1","n":2,"prompt":"a bridge"}`,
		answer: `{"created":1,"data":[{"b64_json":"AAAA"},{"b64_json":"AAAA"}],"usage":{"input_tokens":5,"output_tokens":100,"total_tokens":105}}`},
	{name: "openai.audio.speech", host: openAIHost, path: "/v1/audio/speech", body: `{"model":"gpt-4o-mini-tts","voice":"alloy","input":"hello there"}`, answer: "ID3", answerType: "audio/mpeg"},
	{name: "openai.audio.transcriptions", host: openAIHost, path: "/v1/audio/transcriptions", headers: map[string]string{"content-type": "multipart/form-data; boundary=b"},
		body:   "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\nID3\r\n--b--\r\n",
		answer: `{"text":"hello there","usage":{"type":"tokens","input_tokens":14,"output_tokens":3,"total_tokens":17}}`},
	{name: "openai.responses.fetched", api: "openai.responses", host: openAIHost, method: "GET", path: "/v1/responses/resp_1",
		answer: `{"id":"resp_1","object":"response","model":"gpt-4o","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":5,"output_tokens":1,"total_tokens":6}}`},
	{name: "anthropic.complete", host: anthropicHost, path: "/v1/complete", body: `{"model":"claude-2.1","max_tokens_to_sample":50,"prompt":"\n\nHuman: hello\n\nAssistant:"}`,
		answer: `{"type":"completion","id":"compl_1","completion":" hi","stop_reason":"stop_sequence","model":"claude-2.1"}`},
	{name: "anthropic.messages.cached", host: anthropicHost, path: "/v1/messages", body: `{"model":"claude-sonnet-4-5","max_tokens":50,"messages":[{"role":"user","content":"hello there"}]}`,
		answer: `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"cache_read_input_tokens":1000,"cache_creation_input_tokens":200,"output_tokens":1}}`},
	{name: "gemini.interactions", host: geminiHost, path: "/v1beta/interactions", body: `{"model":"gemini-2.5-flash","input":"hello there","previous_interaction_id":"i0"}`,
		answer: `{"id":"i1","model":"gemini-2.5-flash","status":"completed","outputs":[{"type":"text","text":"hi"}],"usage":{"total_input_tokens":3,"total_output_tokens":1}}`},
	{name: "gemini.thoughts", api: "gemini.generateContent", host: geminiHost, path: "/v1beta/models/gemini-2.5-pro:generateContent", body: `{"cachedContent":"cachedContents/abc","contents":[{"role":"user","parts":[{"text":"hello there"}]}]}`,
		answer: `{"responseId":"r1","modelVersion":"gemini-2.5-pro","candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":8,"candidatesTokenCount":1,"thoughtsTokenCount":30,"totalTokenCount":41}}`},
	{name: "vertex.predict", host: "us-central1-aiplatform.googleapis.com", path: "/v1/projects/p/locations/us-central1/publishers/google/models/text-embedding-005:predict", body: `{"instances":[{"content":"hello there"}]}`,
		answer: `{"predictions":[{"embeddings":{"values":[0.1],"statistics":{"token_count":2,"truncated":false}}}]}`},
	{name: "bedrock.count_tokens", host: bedrockHost, path: "/model/anthropic.claude-v3/count-tokens", body: `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hello there"}]}]}}}`,
		answer: `{"inputTokens":9}`},
	{name: "bedrock.converse.prompt", api: "bedrock.converse", host: bedrockHost, path: "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprompt%2FPROMPT1%3A3/converse", body: `{"promptVariables":{"genre":{"text":"pop"}}}`,
		answer: `{"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":9,"outputTokens":1,"totalTokens":10}}`},
	{name: "cohere.v1.chat", host: cohereHost, path: "/v1/chat", body: `{"model":"command-r","message":"hello there","preamble":"be kind"}`,
		answer: `{"generation_id":"g1","text":"hi","finish_reason":"COMPLETE","meta":{"billed_units":{"input_tokens":3,"output_tokens":1}}}`},
	{name: "cohere.rerank", host: cohereHost, path: "/v2/rerank", body: `{"model":"rerank-v3.5","query":"bridges","documents":["a bridge","a river"]}`,
		answer: `{"id":"r1","results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1}}}`},
	{name: "cohere.generate", host: cohereHost, path: "/v1/generate", body: `{"model":"command","prompt":"hello there"}`,
		answer: `{"id":"g1","generations":[{"id":"a","text":"hi","finish_reason":"COMPLETE"}],"meta":{"billed_units":{"input_tokens":2,"output_tokens":1}}}`},
	{name: "unknown_api", host: "api.example.com", path: "/v9/anything", body: `{"prompt":"hello"}`},
}

var mcpSession = map[string]string{"mcp-session-id": "session-1", "mcp-protocol-version": "2025-06-18"}

// judge is a policy that does what the prompt says.
type judge struct{}

func (judge) Has(p policy.Phase) bool                 { return p != policy.Attempt }
func (judge) Reads(policy.Phase, ...string) bool      { return true }
func (judge) Revision() string                        { return "r1" }
func (judge) Detect() *detect.Set                     { return nil }
func (judge) says(in *policy.Input, word string) bool { return strings.Contains(textsOf(in), word) }

func (j judge) Evaluate(_ context.Context, in *policy.Input) (*policy.Decision, error) {
	d := &policy.Decision{Redact: []policy.Redact{{Class: "*", With: "label"}}, Labels: map[string]string{"risk": "low"}}
	if in.Phase == policy.Request && j.says(in, "please deny") || in.Phase == policy.Response && j.says(in, "deny response") {
		d.Deny = []policy.Deny{{Code: "no", Message: "because it quotes hello", Status: 403}}
	}
	return d, nil
}

func textsOf(in *policy.Input) string {
	var b strings.Builder
	if in.LLM.Request != nil {
		for i := range in.LLM.Request.Texts {
			b.WriteString(in.LLM.Text(i))
		}
	}
	return b.String()
}

// world is a service that records to tel, and the provider it calls.
type world struct {
	svc      *call.Service
	provider *simulate.Server
}

func newWorld(t testing.TB, tel call.Recorder, set call.Settings) *world {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := detect.New(detect.Options{})
	must(err)
	registry, err := dialects.Registry(nil)
	must(err)
	models, err := catalog.Load(nil)
	must(err)
	redactor, err := redact.New(bytes.Repeat([]byte("k"), 16))
	must(err)
	provider, err := simulate.New(simulate.Options{})
	must(err)
	set.MaxRequestBody, set.MaxResponseBody, set.MaxHeld, set.MaxEvent = 1<<20, 1<<20, 64<<10, 1<<20
	set.RoutingHeader, set.AskUsage = "x-regent-cluster", true
	snap := &call.Snapshot{Policy: judge{}, Detect: found, Redact: redactor, Dialects: registry, Catalog: models, Settings: set}
	return &world{svc: call.New(func() *call.Snapshot { return snap }, tel), provider: provider}
}

// do takes one exchange through the service as Envoy would.
func (w *world) do(t testing.TB, x *exchange) {
	t.Helper()
	head := &phase.RequestHead{Attributes: map[string]string{}, Headers: phase.Headers{
		{Name: ":method", Value: cmp.Or(x.method, "POST")}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: x.host}, {Name: ":path", Value: x.path},
		{Name: "content-type", Value: "application/json"}, {Name: "x-request-id", Value: x.name},
	}}
	head.EndOfStream = x.method == "GET"
	for _, name := range slices.Sorted(maps.Keys(x.headers)) {
		if name == "content-type" {
			head.Headers = slices.DeleteFunc(head.Headers, func(h phase.Header) bool { return h.Name == name })
		}
		head.Headers = append(head.Headers, phase.Header{Name: name, Value: x.headers[name]})
	}
	c, v := w.svc.Open(context.Background(), head)
	complete := true
	defer func() { c.Close(complete, nil) }()
	body := []byte(x.body)
	if v.Body == phase.BodyBuffered {
		if v = c.RequestBody(body); v.Reply != nil {
			return
		}
	}
	if v.Replace {
		body = v.NewBody
	}
	if v.Release {
		return
	}
	w.try(head, x.attempts)
	complete = w.respond(t, c, x, body)
}

// try has the upstream filter see attempts.
func (w *world) try(head *phase.RequestHead, statuses []int) {
	for i, status := range statuses {
		a, _ := w.svc.OpenAttempt(context.Background(), &phase.RequestHead{Headers: head.Headers, Attributes: map[string]string{
			"upstream.request_attempt_count": fmt.Sprint(i + 1), "xds.cluster_name": "public", "upstream.address": "10.0.0.1:443",
		}})
		a.ResponseHeaders(&phase.ResponseHead{Headers: phase.Headers{{Name: ":status", Value: fmt.Sprint(status)}}})
		a.Close(true, nil)
	}
}

// respond feeds the provider's response in pieces of some bytes, and says
// whether it came to its end.
func (w *world) respond(t testing.TB, c phase.Call, x *exchange, body []byte) bool {
	request := httptest.NewRequest("POST", "http://"+x.host+x.path, bytes.NewReader(body))
	request.Header.Set("content-type", "application/json")
	request.Header.Set("x-simulate", x.simulate)
	for name, value := range x.headers {
		request.Header.Set(name, value)
	}
	got := httptest.NewRecorder()
	if x.answer != "" {
		got.Header().Set("content-type", cmp.Or(x.answerType, "application/json"))
		_, _ = got.WriteString(x.answer)
	} else {
		w.provider.ServeHTTP(got, request)
	}
	answer, _ := io.ReadAll(got.Body)
	head := &phase.ResponseHead{Attributes: map[string]string{}, EndOfStream: len(answer) == 0, Headers: phase.Headers{{Name: ":status", Value: fmt.Sprint(got.Code)}}}
	for name := range got.Header() {
		head.Headers = append(head.Headers, phase.Header{Name: strings.ToLower(name), Value: got.Header().Get(name)})
	}
	v := c.ResponseHeaders(head)
	switch {
	case head.EndOfStream || v.Release || v.Reply != nil:
	case v.Body == phase.BodyBuffered:
		c.ResponseBody(answer, true)
	case v.Body == phase.BodyStream:
		return stream(c, answer, x.abortAfter)
	default:
		t.Errorf("%s: the response is not wanted: %+v", x.name, v)
	}
	return true
}

func stream(c phase.Call, answer []byte, abortAfter int) bool {
	const piece = 100
	for n := 1; ; n++ {
		chunk := answer[:min(piece, len(answer))]
		answer = answer[len(chunk):]
		if v := c.ResponseBody(bytes.Clone(chunk), len(answer) == 0); v.End || len(answer) == 0 {
			return true
		}
		if n == abortAfter {
			return false
		}
	}
}

// callTrace is what one exchange left.
type callTrace struct {
	exchange *exchange
	spans    []*tracepb.Span
}

// call is the call's own span.
func (tr *callTrace) call(t testing.TB) *tracepb.Span {
	t.Helper()
	for _, s := range tr.spans {
		if len(s.ParentSpanId) == 0 {
			return s
		}
	}
	t.Fatalf("%s: no span of the call among %d", tr.exchange.name, len(tr.spans))
	return nil
}

// record takes exchanges through a service with that telemetry.
func record(t testing.TB, tweak func(*Settings, *call.Settings), list []exchange) ([]callTrace, *receiver) {
	t.Helper()
	r := &receiver{}
	set := settings(r.startGRPC(t))
	set.Metrics.Export = Export{Exporter: "otlp", Endpoint: set.Traces.Endpoint, Timeout: set.Traces.Timeout}
	set.MaxModels = 100
	var calls call.Settings
	if tweak != nil {
		tweak(&set, &calls)
	}
	tel, err := New(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	ids := &lastID{Recorder: tel}
	w := newWorld(t, ids, calls)
	out := make([]callTrace, len(list))
	byID := map[string]*callTrace{}
	for i := range list {
		w.do(t, &list[i])
		out[i].exchange = &list[i]
		byID[ids.id] = &out[i]
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.spans() {
		tr := byID[hex.EncodeToString(s.TraceId)]
		tr.spans = append(tr.spans, s)
	}
	return out, r
}

// lastID notes the trace id of the last call.
type lastID struct {
	call.Recorder
	id string
}

func (l *lastID) Begin(p call.Parent) call.Recording {
	r := l.Recorder.Begin(p)
	l.id = r.TraceID()
	return r
}

// Every API's calls, streamed or not, ended well or ill, are by the conventions.
func TestCallsAreByTheConventions(t *testing.T) {
	c := readConventions(t)
	traces, r := record(t, func(s *Settings, calls *call.Settings) {
		s.Content, calls.Content = true, true
		s.IdentityLabels = []string{"tenant"}
	}, exchanges)
	for i := range traces {
		tr := &traces[i]
		root := tr.call(t)
		c.checkCall(t, root)
		want := tr.exchange.api
		if want == "" {
			want = tr.exchange.name
		}
		if got := plain(root.Attributes)[attrAPI]; got != nil && !strings.HasPrefix(want, got.(string)) {
			t.Errorf("%s was taken for %v", want, got)
		}
		for _, s := range tr.spans {
			if s != root {
				c.checkAttributes(t, s)
			}
		}
	}
	known := map[string]bool{}
	for _, m := range r.allMetrics() {
		if c.checkMetric(t, m) {
			known[m.Name] = true
		}
	}
	for _, name := range []string{metricMCPDuration, metricDuration, metricTokenUsage, metricFirstChunk, metricOutputChunk} {
		if !known[name] {
			t.Errorf("no metric %s", name)
		}
	}
}

// With content on, a span holds what was said and offered, as it left.
func TestContentOfCalls(t *testing.T) {
	byName := map[string]map[string]any{}
	traces, _ := record(t, func(s *Settings, calls *call.Settings) { s.Content, calls.Content = true, true }, exchanges)
	for i := range traces {
		byName[traces[i].exchange.name] = plain(traces[i].call(t).Attributes)
	}
	for name, wants := range map[string]map[string]string{
		"openai.chat.tools":     {attrToolDefinitions: `[{"type":"function","name":"look_up","description":"looks up","parameters":{"type":"object"}}]`, attrOutputMessages: `"finish_reason":"tool_call"`},
		"openai.chat.redacted":  {attrInputMessages: `write to [EMAIL]`, attrOutputMessages: `[EMAIL]`},
		"anthropic.messages":    {attrSystemInstructions: `[{"type":"text","content":"be kind"}]`, attrOutputMessages: `You said`},
		"gemini.error":          {attrOutputMessages: `"finish_reason":"error"`},
		"mcp.tools_call":        {attrToolArguments: `{"text":"hello there"}`, attrToolResult: "You said: hello there"},
		"mcp.tools_call.stream": {attrToolArguments: `{"text":"hello there"}`, attrToolResult: "You said: hello there"},
	} {
		for key, want := range wants {
			if got, _ := byName[name][key].(string); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %s, want %s", name, key, got, want)
			}
		}
	}
}

// Every API that Regent knows is among the exchanges.
func TestEveryAPIIsCalled(t *testing.T) {
	registry, err := dialects.Registry(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range registry.APIs() {
		name := api.Name()
		if !slices.ContainsFunc(exchanges, func(x exchange) bool { return x.api == name || x.name == name }) {
			t.Errorf("no call of %s", name)
		}
	}
}

// TestGoldenCalls holds the spans of every exchange against golden files. What
// differs from run to run, ids and times, is left out.
func TestGoldenCalls(t *testing.T) {
	traces, _ := record(t, func(s *Settings, _ *call.Settings) { s.Traces.Children = "all" }, exchanges)
	for i := range traces {
		tr := &traces[i]
		t.Run(tr.exchange.name, func(t *testing.T) {
			compare(t, filepath.Join("testdata", "calls", tr.exchange.name+".json"), goldenCalls(tr.spans))
		})
	}
}

// unsteady are attributes whose values differ from run to run.
var unsteady = []string{attrCallID, attrPolicyDuration, attrResponseFirstChunk, attrHeldDuration}

func goldenCalls(spans []*tracepb.Span) any {
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b *tracepb.Span) int {
		return cmp.Or(cmp.Compare(len(a.ParentSpanId), len(b.ParentSpanId)), cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano))
	})
	list := golden(spans)
	for i := range list {
		list[i].Start, list[i].End = "", ""
		for name := range list[i].Events {
			list[i].Events[name] = "…"
		}
		for _, key := range unsteady {
			if list[i].Attributes[key] != nil {
				list[i].Attributes[key] = "…"
			}
		}
	}
	return list
}

// compare holds got, as JSON, against a golden file.
func compare(t *testing.T, file string, got any) {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
