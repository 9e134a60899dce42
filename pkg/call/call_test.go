package call

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialects"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
)

// rules is a policy in Go, for tests of what is done with decisions.
type rules struct {
	request, response func(in *policy.Input) (*policy.Decision, error)
}

func (r rules) Evaluate(_ context.Context, in *policy.Input) (*policy.Decision, error) {
	if in.Phase == policy.Response {
		return r.response(in)
	}
	return r.request(in)
}
func (r rules) Has(p policy.Phase) bool {
	return p == policy.Request && r.request != nil || p == policy.Response && r.response != nil
}
func (rules) Reads(policy.Phase, ...string) bool { return true }
func (rules) Revision() string                   { return "test" }
func (rules) Detect() *detect.Set                { return nil }

// recorder keeps what was recorded.
type recorder struct {
	detail   bool
	records  []*Record
	released []string
}

func (r *recorder) Begin(Parent) Recording { return recording{r} }
func (r *recorder) Released(reason string) { r.released = append(r.released, reason) }

type recording struct{ r *recorder }

func (recording) TraceID() string { return "4bf92f3577b34da6a3ce929d0e0e4736" }
func (recording) SpanID() string  { return "00f067aa0ba902b7" }
func (recording) Traceparent() string {
	return "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
}
func (l recording) Detail() bool  { return l.r.detail }
func (l recording) End(r *Record) { l.r.records = append(l.r.records, r) }

func redactAll(*policy.Input) (*policy.Decision, error) {
	return &policy.Decision{Redact: []policy.Redact{{Class: "*", With: "label"}}}, nil
}

func allow(*policy.Input) (*policy.Decision, error) { return &policy.Decision{}, nil }

func denyWith(d policy.Deny) func(*policy.Input) (*policy.Decision, error) {
	return func(*policy.Input) (*policy.Decision, error) { return &policy.Decision{Deny: []policy.Deny{d}}, nil }
}

type bench struct {
	svc  *Service
	rec  *recorder
	snap *Snapshot
}

func newBench(t testing.TB, r rules) *bench {
	t.Helper()
	set, err := detect.New(detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	registry, err := dialects.Registry(nil)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	redactor, err := redact.New(bytes.Repeat([]byte("k"), 16))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{rec: &recorder{}, snap: &Snapshot{
		Policy: r, Detect: set, Redact: redactor, Dialects: registry, Catalog: cat,
		Settings: Settings{MaxRequestBody: 1 << 20, MaxResponseBody: 1 << 20, MaxHeld: 64 << 10, MaxEvent: 1 << 20, RoutingHeader: "x-regent-cluster", AskUsage: true},
	}}
	b.svc = New(func() *Snapshot { return b.snap }, b.rec)
	return b
}

func requestHead(extra ...phase.Header) *phase.RequestHead {
	h := phase.Headers{{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "api.openai.com"}, {Name: ":path", Value: "/v1/chat/completions"}, {Name: "content-type", Value: "application/json"}, {Name: "x-request-id", Value: "r1"}}
	return &phase.RequestHead{Headers: append(h, extra...), Attributes: map[string]string{}}
}

func responseHead(status, contentType string, extra ...phase.Header) *phase.ResponseHead {
	return &phase.ResponseHead{Headers: append(phase.Headers{{Name: ":status", Value: status}, {Name: "content-type", Value: contentType}}, extra...), Attributes: map[string]string{}}
}

// stream drives a whole call with a streamed response in the given chunks.
func (b *bench) stream(t testing.TB, request string, chunks [][]byte) string {
	t.Helper()
	c, v := b.svc.Open(context.Background(), requestHead())
	if v.Body != phase.BodyBuffered {
		t.Fatalf("the request's body is not wanted: %+v", v)
	}
	if v = c.RequestBody([]byte(request)); v.Reply != nil {
		t.Fatalf("refused: %s", v.Reply.Body)
	}
	if v = c.ResponseHeaders(responseHead("200", "text/event-stream")); v.Body != phase.BodyStream {
		t.Fatalf("the response is not streamed: %+v", v)
	}
	var out bytes.Buffer
	for i, chunk := range chunks {
		v = c.ResponseBody(append([]byte(nil), chunk...), i == len(chunks)-1)
		out.Write(v.Emit)
		if v.End {
			break
		}
	}
	c.Close(true, nil)
	return out.String()
}

const streamRequest = `{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`

func sse(deltas ...string) string {
	var b strings.Builder
	for _, d := range deltas {
		fmt.Fprintf(&b, "data: {\"id\":\"x\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", d)
	}
	b.WriteString(`data: {"id":"x","model":"gpt-4o-2024","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n")
	b.WriteString(`data: {"id":"x","model":"gpt-4o-2024","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}` + "\n\n")
	b.WriteString("data: [DONE]\n\n")
	return b.String()
}

func TestStreamWithoutFindingsIsIdentical(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	body := ": hello\n\n" + sse("Hello", " there", ", how are", " you?") + "\n"
	for i := 1; i < len(body); i++ {
		if got := b.stream(t, streamRequest, [][]byte{[]byte(body[:i]), []byte(body[i:])}); got != body {
			t.Fatalf("cut at %d: %q", i, got)
		}
	}
	r := b.rec.records[0]
	if r.Response.Usage.InputTokens != 10 || r.Response.Model != "gpt-4o-2024" || !r.CostKnown || r.Coverage.Response != policy.Full {
		t.Errorf("recorded %+v", r)
	}
}

func TestStreamRedactsAcrossChunks(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	body := sse("write to a", "@b.ex", "ample please", " or a@b.example")
	want := sse("write to [EMAIL]", "", " please", " or [EMAIL]")
	if got := b.stream(t, streamRequest, [][]byte{[]byte(body)}); got != want {
		t.Fatalf("whole: %q", got)
	}
	for i := 1; i < len(body); i++ {
		if got := b.stream(t, streamRequest, [][]byte{[]byte(body[:i]), []byte(body[i:])}); got != want {
			t.Fatalf("cut at %d: %q", i, got)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var chunks [][]byte
		for rest := []byte(body); len(rest) > 0; {
			n := min(1+random.IntN(40), len(rest))
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		if got := b.stream(t, streamRequest, chunks); got != want {
			t.Fatalf("chunks %d: %q", len(chunks), got)
		}
	}
	if r := b.rec.records[0]; r.Redactions["EMAIL"] != 2 || r.Decision != "redact" {
		t.Errorf("recorded %+v", r.Redactions)
	}
}

func TestUnaskedUsageIsTakenOut(t *testing.T) {
	for name, response := range map[string]func(*policy.Input) (*policy.Decision, error){"watched": allow, "unwatched": nil} {
		b := newBench(t, rules{request: allow, response: response})
		asked := `{"model":"gpt-4o","stream":true,"messages":[]}`
		c, _ := b.svc.Open(context.Background(), requestHead())
		v := c.RequestBody([]byte(asked))
		if want := `{"model":"gpt-4o","stream":true,"messages":[],"stream_options":{"include_usage":true}}`; string(v.NewBody) != want {
			t.Errorf("%s: the request became %s", name, v.NewBody)
		}
		body := strings.ReplaceAll(sse("Hello"), `]}`+"\n", `],"usage":null}`+"\n")
		c.ResponseHeaders(responseHead("200", "text/event-stream"))
		v = c.ResponseBody([]byte(body), true)
		c.Close(true, nil)
		want := strings.ReplaceAll(body, `,"usage":null`, "")
		at := strings.Index(want, `data: {"id":"x","model":"gpt-4o-2024","choices":[],`)
		want = want[:at] + want[at+strings.Index(want[at:], "\n\n")+2:]
		if string(v.Emit) != want {
			t.Errorf("%s: got  %q\nwant %q", name, v.Emit, want)
		}
		if u := b.rec.records[0].Response.Usage; u.OutputTokens != 20 || !u.Reported {
			t.Errorf("%s: usage %+v", name, u)
		}
	}
}

func TestRequestIsRedactedInPlace(t *testing.T) {
	b := newBench(t, rules{request: redactAll})
	c, _ := b.svc.Open(context.Background(), requestHead(phase.Header{Name: "accept-encoding", Value: "gzip"}))
	body := `{ "model":"gpt-4o", "messages":[{"role":"user","content":"mail a@b.exampl\u0065 now"},{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"to\":\"a\\u0040b.example\"}"}}]}] }`
	v := c.RequestBody([]byte(body))
	want := `{ "model":"gpt-4o", "messages":[{"role":"user","content":"mail [EMAIL] now"},{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"to\":\"[EMAIL]\"}"}}]}] }`
	if !v.Replace || string(v.NewBody) != want {
		t.Errorf("became %s", v.NewBody)
	}
	var set []string
	for _, h := range v.Set {
		set = append(set, h.Name+"="+h.Value)
	}
	if got := strings.Join(set, " "); got != "accept-encoding=identity traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" {
		t.Errorf("headers %s", got)
	}
}

func TestDenyInTheClientsFormat(t *testing.T) {
	b := newBench(t, rules{request: denyWith(policy.Deny{Code: "no", Message: `not "allowed"`, Status: 451})})
	c, _ := b.svc.Open(context.Background(), requestHead())
	v := c.RequestBody([]byte(`{"model":"m","messages":[]}`))
	if v.Reply == nil || v.Reply.Status != 451 || string(v.Reply.Body) != `{"error":{"message":"not \"allowed\"","type":"invalid_request_error","param":null,"code":"policy_violation"}}` {
		t.Fatalf("answered %+v", v.Reply)
	}
	metadata := map[string]any{}
	for _, f := range v.Metadata {
		metadata[f.Name] = f.Value
	}
	if metadata["decision"] != "deny" || metadata["model"] != "m" || fmt.Sprint(metadata["deny_codes"]) != "[no]" {
		t.Errorf("metadata %v", metadata)
	}
	c.Close(true, nil)
	if r := b.rec.records[0]; r.Decision != "deny" || r.DeniedIn != "request" || r.Denies[0].Code != "no" {
		t.Errorf("recorded %+v", r)
	}
}

func TestDenyMidStream(t *testing.T) {
	b := newBench(t, rules{request: allow, response: func(in *policy.Input) (*policy.Decision, error) {
		if len(in.Response.Findings) > 0 {
			return &policy.Decision{Deny: []policy.Deny{{Code: "leak", Message: "leaks"}}}, nil
		}
		return &policy.Decision{}, nil
	}})
	body := sse("one and then some", " more words here", " a@b", ".example", " three")
	got := b.stream(t, streamRequest, [][]byte{[]byte(body)})
	keep := sse("one and then some", " more words here")
	keep = keep[:strings.Index(keep, `data: {"id":"x","model":"gpt-4o-2024","choices":[{"index":0,"delta":{},`)]
	want := keep + `data: {"error":{"message":"leaks","type":"permission_error","param":null,"code":"policy_violation"}}` + "\n\ndata: [DONE]\n\n"
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if r := b.rec.records[0]; r.Decision != "deny" || r.DeniedIn != "response" {
		t.Errorf("recorded %+v", r)
	}
}

func TestPolicyErrorFailsAsConfigured(t *testing.T) {
	broken := func(*policy.Input) (*policy.Decision, error) { return nil, fmt.Errorf("boom") }
	b := newBench(t, rules{request: broken})
	c, _ := b.svc.Open(context.Background(), requestHead())
	if v := c.RequestBody([]byte(`{"model":"m"}`)); v.Reply == nil || v.Reply.Status != 503 || strings.Contains(string(v.Reply.Body), "boom") {
		t.Errorf("closed: %+v", v)
	}
	b.snap.Settings.FailOpen = true
	c, _ = b.svc.Open(context.Background(), requestHead())
	if v := c.RequestBody([]byte(`{"model":"m"}`)); v.Reply != nil {
		t.Errorf("open: %+v", v.Reply)
	}
	c.Close(true, nil)
	if r := b.rec.records[0]; !r.FailedOpen || strings.Join(r.Coverage.Reasons, ",") == "" {
		t.Errorf("recorded %+v", r)
	}
}

func TestRouteAndModel(t *testing.T) {
	b := newBench(t, rules{request: func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Route: &policy.Route{Target: "on-prem", Model: `small "x"`}, Body: []policy.Change{{Op: "add", Path: "/temperature", Value: []byte("0")}, {Op: "remove", Path: "/user"}}}, nil
	}})
	c, _ := b.svc.Open(context.Background(), requestHead())
	v := c.RequestBody([]byte(`{"user":"u","model":"big","messages":[]}`))
	if string(v.NewBody) != `{"model":"small \"x\"","messages":[],"temperature":0}` || !v.ClearRouteCache {
		t.Errorf("became %s %+v", v.NewBody, v)
	}
}

func TestNotAnLLMCallIsReleased(t *testing.T) {
	b := newBench(t, rules{request: allow})
	for _, head := range []*phase.RequestHead{
		{Headers: phase.Headers{{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}}, EndOfStream: true},
		{Headers: phase.Headers{{Name: ":method", Value: "POST"}, {Name: ":path", Value: "/upload"}, {Name: "content-type", Value: "image/png"}}},
	} {
		c, v := b.svc.Open(context.Background(), head)
		if !v.Release {
			t.Errorf("%v was kept", head.Headers)
		}
		c.Close(true, nil)
	}
	if len(b.rec.records) != 0 || len(b.rec.released) != 2 {
		t.Errorf("recorded %d, released %v", len(b.rec.records), b.rec.released)
	}
}

func TestUnknownAPIIsJudgedByItsHead(t *testing.T) {
	head := &phase.RequestHead{Headers: phase.Headers{{Name: ":method", Value: "POST"}, {Name: ":path", Value: "/v9/think"}, {Name: "content-type", Value: "application/json; charset=utf-8"}}}
	b := newBench(t, rules{request: func(in *policy.Input) (*policy.Decision, error) {
		if in.Coverage.Request != policy.Full {
			return &policy.Decision{Deny: []policy.Deny{{Code: "uninspected"}}}, nil
		}
		return &policy.Decision{}, nil
	}})
	if _, v := b.svc.Open(context.Background(), head); v.Reply == nil || v.Reply.Status != 403 {
		t.Errorf("not refused: %+v", v)
	}
	b = newBench(t, rules{request: allow})
	if _, v := b.svc.Open(context.Background(), head); !v.Release {
		t.Errorf("not released: %+v", v)
	}
}

func TestTooLargeAndMalformed(t *testing.T) {
	b := newBench(t, rules{request: allow})
	c, _ := b.svc.Open(context.Background(), requestHead())
	if v := c.RequestBody(make([]byte, 1<<20+1)); v.Reply == nil || v.Reply.Status != 413 {
		t.Errorf("too large: %+v", v)
	}
	c, _ = b.svc.Open(context.Background(), requestHead())
	if v := c.RequestBody([]byte(`{"model":"a","model":"b"}`)); v.Reply == nil || v.Reply.Status != 400 || !strings.Contains(string(v.Reply.Body), "duplicate") {
		t.Errorf("malformed: %+v", v.Reply)
	}
}

func TestLocalReplyInTheClientsFormat(t *testing.T) {
	b := newBench(t, rules{request: allow})
	c, _ := b.svc.Open(context.Background(), requestHead())
	head := responseHead("413", "text/plain")
	head.Attributes["response.code_details"] = "request_payload_too_large"
	v := c.ResponseHeaders(head)
	if v.Reply == nil || v.Reply.Status != 413 || !strings.Contains(string(v.Reply.Body), `"code":"request_too_large"`) {
		t.Errorf("answered %+v", v.Reply)
	}
}

func TestJSONResponse(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	c, _ := b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(`{"model":"gpt-4o","messages":[]}`))
	if v := c.ResponseHeaders(responseHead("200", "application/json")); v.Body != phase.BodyBuffered {
		t.Fatalf("%+v", v)
	}
	v := c.ResponseBody([]byte(`{"id":"x", "choices":[{"message":{"content":"ask a@b.example"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`), true)
	if want := `{"id":"x", "choices":[{"message":{"content":"ask [EMAIL]"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`; string(v.NewBody) != want {
		t.Errorf("became %s", v.NewBody)
	}
	found := map[string]any{}
	for _, f := range v.Metadata {
		found[f.Name] = f.Value
	}
	if found["input_tokens"] != int64(1) || found["output_tokens"] != int64(2) || found["decision"] != "redact" {
		t.Errorf("metadata %v", found)
	}
}

func TestAbortedCallIsRecorded(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	c, _ := b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(streamRequest))
	c.ResponseHeaders(responseHead("200", "text/event-stream"))
	c.ResponseBody([]byte("data: {\"choices\":[]"), false)
	c.Close(false, nil)
	if r := b.rec.records[0]; !r.Aborted || r.Complete || r.ErrorType != "client_abort" || r.Response.Usage.Reported {
		t.Errorf("recorded %+v", r)
	}
}

func TestContentIsCapturedRedacted(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	b.snap.Settings.Content = true
	request := `{"model":"gpt-4o","stream":true,"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"I am a@b.example"}]}`
	b.stream(t, request, [][]byte{[]byte(sse("write to a", "@b.ex", "ample now"))})
	r := b.rec.records[0]
	if want := `[{"role":"system","parts":[{"type":"text","content":"be kind"}]},{"role":"user","parts":[{"type":"text","content":"I am [EMAIL]"}]}]`; string(r.InputMessages) != want {
		t.Errorf("input %s", r.InputMessages)
	}
	if want := `[{"role":"assistant","parts":[{"type":"text","content":"write to [EMAIL] now"}],"finish_reason":"stop"}]`; string(r.OutputMessages) != want {
		t.Errorf("output %s", r.OutputMessages)
	}
	b.snap.Settings.Content = false
	b.stream(t, request, [][]byte{[]byte(sse("hello"))})
	if r := b.rec.records[1]; r.InputMessages != nil || r.OutputMessages != nil {
		t.Error("content was captured unasked")
	}
}

// pseudonymise is a policy that hides values from the provider alone: what comes
// back is the client's own.
func pseudonymise(*policy.Input) (*policy.Decision, error) {
	return &policy.Decision{Redact: []policy.Redact{{Class: "*", With: "pseudonym"}}}, nil
}

// hiddenFrom sends a request and returns what the provider would get, and the
// call.
func (b *bench) hiddenFrom(t *testing.T, request string) (string, phase.Call) {
	t.Helper()
	c, _ := b.svc.Open(context.Background(), requestHead())
	v := c.RequestBody([]byte(request))
	if !v.Replace {
		t.Fatalf("the request left as it came: %+v", v)
	}
	return string(v.NewBody), c
}

func TestPseudonymsComeBackInAStream(t *testing.T) {
	b := newBench(t, rules{request: pseudonymise, response: redactAll})
	request := `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"I am ann@corp.example, card 4111 1111 1111 1111"}]}`
	sent, _ := b.hiddenFrom(t, request)
	if strings.Contains(sent, "ann@") || strings.Contains(sent, "4111 1111") {
		t.Fatalf("the provider gets %s", sent)
	}
	content := sent[strings.Index(sent, "I am "):strings.Index(sent, `"}]`)]
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var pieces []string
		for rest := "So: " + content + ". And eve@evil.example too"; rest != ""; {
			n := min(1+random.IntN(6), len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		out := b.stream(t, request, cutAt(sse(pieces...), random, 60))
		if got := textsOf(t, out)[0]; got != "So: I am ann@corp.example, card 4111 1111 1111 1111. And [EMAIL] too" {
			t.Fatalf("the client gets %q", got)
		}
	}
	if r := b.rec.records[0]; r.Restored != 2 {
		t.Errorf("restored %d", r.Restored)
	}
}

func TestPseudonymsComeBackInADocument(t *testing.T) {
	b := newBench(t, rules{request: pseudonymise})
	sent, c := b.hiddenFrom(t, `{"model":"m","messages":[{"role":"user","content":"I am ann@corp.example"}]}`)
	stand := sent[strings.Index(sent, "email-"):]
	stand = stand[:strings.Index(stand, `"`)]
	c.ResponseHeaders(responseHead("200", "application/json"))
	v := c.ResponseBody([]byte(`{"choices":[{"message":{"content":"Hi `+strings.ToUpper(stand)+`!","tool_calls":[{"function":{"name":"mail","arguments":"{\"to\":\"`+stand+`\"}"}}]}}]}`), true)
	if want := `{"choices":[{"message":{"content":"Hi ann@corp.example!","tool_calls":[{"function":{"name":"mail","arguments":"{\"to\":\"ann@corp.example\"}"}}]}}]}`; string(v.NewBody) != want {
		t.Errorf("the client gets %s", v.NewBody)
	}
}

func TestTokensAreCountedExactlyNearTheWindow(t *testing.T) {
	var seen policy.TokenFacts
	b := newBench(t, rules{request: func(in *policy.Input) (*policy.Decision, error) { seen = in.Tokens; return &policy.Decision{}, nil }})
	ask := func(words int) {
		c, _ := b.svc.Open(context.Background(), requestHead())
		c.RequestBody([]byte(`{"model":"gpt-4","max_tokens":7,"messages":[{"role":"user","content":"` + strings.Repeat("word ", words) + `"}]}`))
	}
	if ask(100); seen.Exact || seen.Input < 80 || seen.Input > 130 || seen.MaxOutput != 7 || seen.ContextWindow == 0 {
		t.Errorf("a short prompt: %+v", seen)
	}
	near := int(seen.ContextWindow) * 9 / 10
	if ask(near); !seen.Exact || seen.Input < int64(near) || seen.Input > int64(near)+10 {
		t.Errorf("a prompt of %d words: %+v", near, seen)
	}
}

// Bedrock's clients take an error's type from a header.
func TestDenyCarriesTheDialectsHeaders(t *testing.T) {
	b := newBench(t, rules{request: denyWith(policy.Deny{Code: "no"})})
	head := &phase.RequestHead{Headers: phase.Headers{{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "bedrock-runtime.us-east-1.amazonaws.com"}, {Name: ":path", Value: "/model/m/converse"}}, Attributes: map[string]string{}}
	c, _ := b.svc.Open(context.Background(), head)
	v := c.RequestBody([]byte(`{"messages":[]}`))
	if v.Reply == nil || phase.Headers(v.Reply.Headers).Get("x-amzn-errortype") != "AccessDeniedException" {
		t.Errorf("answered %+v", v.Reply)
	}
}

func TestTheRuleThatNamesMostCloselyCounts(t *testing.T) {
	all := []policy.Redact{{Class: "*", With: "drop"}, {Class: "pii", With: "label"}, {Class: "pii", With: "hash"}, {Entity: "IBAN", With: "mask", MinScore: 0.8}, {Entity: "EMAIL", With: "mask", Roles: []string{"user"}}}
	for _, c := range []struct {
		entity, class, role, want string
		score                     float64
	}{
		{"IBAN", "pii", "user", "mask", 0.9}, {"IBAN", "pii", "user", "label", 0.7}, {"EMAIL", "pii", "user", "mask", 0.6},
		{"EMAIL", "pii", "system", "label", 0.6}, {"JWT", "secret", "user", "drop", 1},
	} {
		if got := ruleFor(all, c.entity, c.class, c.score, genai.Role(c.role)); got == nil || got.With != c.want {
			t.Errorf("%v: %+v", c, got)
		}
	}
	if got := ruleFor(all[3:], "EMAIL", "pii", 1, genai.Tool); got != nil {
		t.Errorf("%+v covers another role", got)
	}
}

// Two replicas with one key give a conversation's turns the same stand-in, and
// another conversation another.
func TestPseudonymsAgreeOverReplicasAndTurns(t *testing.T) {
	hidden := func(tenant, conversation string) string {
		b := newBench(t, rules{request: pseudonymise})
		b.snap.Settings.Identity.Tenant = IdentitySource{Header: "x-tenant"}
		head := requestHead(phase.Header{Name: "x-tenant", Value: tenant})
		head.Headers[2].Value = "/v1/responses"
		c, _ := b.svc.Open(context.Background(), head)
		v := c.RequestBody([]byte(`{"model":"m",` + conversation + `"input":"I am ann@corp.example"}`))
		_, after, _ := strings.Cut(string(v.NewBody), "I am ")
		return after
	}
	plain, a := hidden("t", ""), hidden("t", `"conversation":"conv_a",`)
	if again := hidden("t", ""); again != plain || !strings.HasPrefix(plain, "email-") {
		t.Errorf("one replica sends %s, another %s", plain, again)
	}
	if again := hidden("t", `"conversation":{"id":"conv_a"},`); again != a {
		t.Errorf("a turn sends %s, another %s", a, again)
	}
	for name, other := range map[string]string{"no conversation": plain, "another conversation": hidden("t", `"conversation":"conv_b",`), "another tenant": hidden("u", `"conversation":"conv_a",`)} {
		if other == a {
			t.Errorf("%s: the same stand-in %s", name, other)
		}
	}
}

// What comes after the terminal event is still looked at to its end.
func TestTextAfterTheEndIsDecided(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	late := "data: [DONE]\n\n" + `data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"write to ann@example.org"}}]}` + "\n\n"
	out := b.stream(t, streamRequest, [][]byte{[]byte(sse("hello ") + late)})
	if strings.Contains(out, "ann@") {
		t.Errorf("it left as it came:\n%s", out)
	}
}

// A response that cannot be read is the policy's to refuse.
func TestUnreadResponseIsJudged(t *testing.T) {
	refuse := func(in *policy.Input) (*policy.Decision, error) {
		if in.Coverage.Response == policy.None {
			return &policy.Decision{Deny: []policy.Deny{{Code: "unread", Status: 403}}}, nil
		}
		return &policy.Decision{}, nil
	}
	b := newBench(t, rules{request: allow, response: refuse})
	c, _ := b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(`{"model":"gpt-4o","messages":[]}`))
	c.ResponseHeaders(responseHead("200", "application/json"))
	if v := c.ResponseBody([]byte(`{"choices": [`), true); v.Reply == nil || v.Reply.Status != 403 {
		t.Errorf("damaged JSON got %+v", v)
	}
	c.Close(true, nil)
}

// Nothing of a private key longer than what a stream holds back leaves.
func TestLongKeyInAStream(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	line := strings.Repeat("QmFzZTY0IQ+/", 5) + "abcd\n"
	deltas := []string{"here: ", "-----BEGIN PRIVATE KEY-----\n"}
	for range 600 {
		deltas = append(deltas, line)
	}
	deltas = append(deltas, "-----END PRIV", "ATE KEY-----", " done")
	body := sse(deltas...)
	var chunks [][]byte
	for at := 0; at < len(body); at += 700 {
		chunks = append(chunks, []byte(body[at:min(len(body), at+700)]))
	}
	out := b.stream(t, streamRequest, chunks)
	if strings.Contains(out, "QmFz") || strings.Count(out, "[PRIVATE_KEY]") != 1 || !strings.Contains(out, " done") {
		t.Errorf("%d bytes left, %d labels, %d lines of the key", len(out), strings.Count(out, "[PRIVATE_KEY]"), strings.Count(out, "QmFz"))
	}
	if r := b.rec.records[0]; r.Redactions["PRIVATE_KEY"] != 1 {
		t.Errorf("counted as %v", r.Redactions)
	}
}

// A text that was changed does not leave in its tokens.
func TestTokensOfAChangedText(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	deltas := []string{"write to ann", "@exam", "ple.org now, ", "or not"}
	var body strings.Builder
	for _, d := range deltas {
		fmt.Fprintf(&body, "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"logprobs\":{\"content\":[{\"token\":%q,\"top_logprobs\":[]}]}}]}\n\n", d, d)
	}
	body.WriteString("data: [DONE]\n\n")
	out := b.stream(t, streamRequest, [][]byte{[]byte(body.String())})
	if strings.Contains(out, "exam") || strings.Contains(out, "ann") || !strings.Contains(out, `"token":"or not"`) || strings.Count(out, `"logprobs":null`) != 3 {
		t.Errorf("it leaves as\n%s", out)
	}
	doc := `{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"to ann@example.org"},"logprobs":{"content":[{"token":"to "},{"token":"ann@example.org"}]},"finish_reason":"stop"}]}`
	for text, kept := range map[string]bool{doc: false, strings.ReplaceAll(doc, "ann@example.org", "nobody"): true} {
		c, _ := b.svc.Open(context.Background(), requestHead())
		c.RequestBody([]byte(`{"model":"gpt-4o","messages":[]}`))
		c.ResponseHeaders(responseHead("200", "application/json"))
		v := c.ResponseBody([]byte(text), true)
		c.Close(true, nil)
		if v.Replace == kept || strings.Contains(string(v.NewBody), "ann@") {
			t.Errorf("%s leaves as %s", text, v.NewBody)
		}
	}
}
