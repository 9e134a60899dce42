package call

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
	"github.com/regent-proxy/regent/pkg/simulate"
)

// spokenTo are requests of each family of dialects: $T is a text as a JSON
// string, $A a JSON string whose text is the source of {"note": text}.
var spokenTo = []struct{ name, path, body string }{
	{"openai.chat", "/v1/chat/completions", `{"model":"m","user":$T,"messages":[{"role":"system","content":$T},{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":$A}}]},{"role":"tool","tool_call_id":"1","content":$A},{"role":"user","content":[{"type":"text","text":$T}]}]}`},
	{"openai.chat stream", "/v1/chat/completions", `{"model":"m","stream":true,"messages":[{"role":"user","content":$T}]}`},
	{"openai.chat tools", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":$T}],"tools":[{"type":"function","function":{"name":"f","description":$T,"parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}]}`},
	{"openai.chat tools stream", "/v1/chat/completions", `{"model":"m","stream":true,"messages":[{"role":"user","content":$T}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}]}`},
	{"openai.responses", "/v1/responses", `{"model":"m","instructions":$T,"input":[{"type":"function_call","call_id":"1","name":"f","arguments":$A},{"type":"function_call_output","call_id":"1","output":$T},{"role":"user","content":[{"type":"input_text","text":$T}]}]}`},
	{"openai.responses stream", "/v1/responses", `{"model":"m","stream":true,"input":$T}`},
	{"openai.completions stream", "/v1/completions", `{"model":"m","stream":true,"prompt":$T}`},
	{"openai.embeddings", "/v1/embeddings", `{"model":"m","input":[$T,$T]}`},
	{"anthropic", "/v1/messages", `{"model":"m","max_tokens":9,"system":[{"type":"text","text":$T}],"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{"note":$T,"more":[{"deep":$T}]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":$A}]}]},{"role":"assistant","content":"ok"},{"role":"user","content":[{"type":"text","text":$T}]}]}`},
	{"anthropic stream", "/v1/messages", `{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":$T}]}`},
	{"anthropic tools stream", "/v1/messages", `{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":$T}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{"a":{"type":"string"}}}}]}`},
	{"gemini", "/v1beta/models/m:generateContent", `{"systemInstruction":{"parts":[{"text":$T}]},"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"note":$T}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"r":$T}}}]},{"role":"user","parts":[{"text":$T}]}]}`},
	{"gemini stream", "/v1beta/models/m:streamGenerateContent?alt=sse", `{"contents":[{"role":"user","parts":[{"text":$T}]}]}`},
	{"gemini array", "/v1beta/models/m:streamGenerateContent", `{"contents":[{"role":"user","parts":[{"text":$T}]}]}`},
	{"bedrock.converse", "/model/amazon.nova-lite-v1%3A0/converse", `{"system":[{"text":$T}],"messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"1","name":"f","input":{"note":$T}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"1","content":[{"text":$A}]}}]},{"role":"assistant","content":[{"text":"ok"}]},{"role":"user","content":[{"text":$T}]}]}`},
	{"bedrock.converse stream", "/model/amazon.nova-lite-v1%3A0/converse-stream", `{"messages":[{"role":"user","content":[{"text":$T}]}]}`},
	{"bedrock.invoke stream", "/model/anthropic.claude-v3/invoke-with-response-stream", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":50,"messages":[{"role":"user","content":$T}]}`},
	{"cohere", "/v2/chat", `{"model":"m","messages":[{"role":"system","content":$T},{"role":"user","content":$T}]}`},
	{"cohere stream", "/v2/chat", `{"model":"m","stream":true,"messages":[{"role":"user","content":$T}]}`},
	{"ollama stream", "/api/chat", `{"model":"m","messages":[{"role":"user","content":$T}]}`},
	{"ollama.generate", "/api/generate", `{"model":"m","stream":false,"system":$T,"prompt":$T}`},
	{"mcp", "/mcp", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":$T}}}`},
}

// filled is a body with a text in all its places, its characters escaped at
// random: \u00XX of either case, surrogate pairs, twice inside arguments.
func filled(r *rand.Rand, body, text string) string {
	for strings.Contains(body, "$T") {
		body = strings.Replace(body, "$T", escaped(r, text), 1)
	}
	for strings.Contains(body, "$A") {
		body = strings.Replace(body, "$A", escaped(r, `{"note":`+escaped(r, text)+`}`), 1)
	}
	return body
}

// escaped is quoted, with surrogate pairs and capital digits as well.
func escaped(r *rand.Rand, s string) string {
	var b strings.Builder
	for _, c := range s {
		if c >= 0x10000 && r.IntN(2) == 0 {
			c -= 0x10000
			fmt.Fprintf(&b, `\u%04X\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
			continue
		}
		q := quoted(r, string(c))
		if r.IntN(2) == 0 {
			q = lowerEscape.ReplaceAllStringFunc(q, func(e string) string { return `\u` + strings.ToUpper(e[2:]) })
		}
		b.WriteString(q[1 : len(q)-1])
	}
	return `"` + b.String() + `"`
}

var lowerEscape = regexp.MustCompile(`\\u[0-9a-f]{4}`)

// exchange drives a whole call against the simulated provider, the response cut
// at random. It returns what left in both directions.
func exchange(t *testing.T, b *bench, provider *simulate.Server, r *rand.Rand, path, body string) (sent, got string, c *call) {
	t.Helper()
	head := &phase.RequestHead{Attributes: map[string]string{}, Headers: phase.Headers{
		{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "provider.example"}, {Name: ":path", Value: path}, {Name: "content-type", Value: "application/json"},
	}}
	opened, _ := b.svc.Open(context.Background(), head)
	v := opened.RequestBody([]byte(body))
	if v.Reply != nil {
		t.Fatalf("%s: refused: %s", path, v.Reply.Body)
	}
	sent = body
	if v.Replace {
		sent = string(v.NewBody)
	}
	answer, contentType := ask(provider, path, sent)
	mode := opened.ResponseHeaders(responseHead("200", contentType)).Body
	if mode == phase.BodyBuffered {
		got = string(answer)
		if v = opened.ResponseBody(answer, true); v.Replace {
			got = string(v.NewBody)
		}
	} else {
		var out []byte
		chunks := cutAt(string(answer), r, 1+r.IntN(300))
		for i, chunk := range chunks {
			out = append(out, opened.ResponseBody(chunk, i == len(chunks)-1).Emit...)
		}
		got = string(out)
	}
	opened.Close(true, nil)
	return sent, got, opened.(*call)
}

func ask(provider *simulate.Server, path, body string) ([]byte, string) {
	request := httptest.NewRequest("POST", "http://provider.example"+path, strings.NewReader(body))
	request.Header.Set("content-type", "application/json")
	w := httptest.NewRecorder()
	provider.ServeHTTP(w, request)
	return w.Body.Bytes(), strings.Split(w.Header().Get("content-type"), ";")[0]
}

// heard is every text of a response as a client puts it together.
func heard(t *testing.T, c *call, body string) []string {
	t.Helper()
	rh := &c.reply.head
	if c.reply.stream == nil {
		read, err := c.api.ReadResponse(&c.dhead, rh, []byte(body))
		if err != nil {
			t.Fatalf("%s: %v in %s", c.api.Name(), err, body)
		}
		return decoded(read.Texts, []byte(body))
	}
	joined := map[genai.Channel][]byte{}
	var whole []string
	kind, _ := c.framing()
	d := frame.New(kind)
	stream := c.api.NewStream(&c.dhead, rh)
	read := func(ev *frame.Event) error {
		var delta genai.Delta
		payload := ev.Payload
		if err := stream.Read(ev, &delta); err != nil {
			t.Fatalf("%s: %v in %s", c.api.Name(), err, ev.Raw)
		}
		if codec, ok := stream.(dialect.PayloadCodec); ok {
			if inner, err := codec.Unwrap(payload); err == nil {
				payload = inner
			}
		}
		for _, text := range delta.Texts {
			if !text.Partial {
				whole = append(whole, textOf(payload, text))
				continue
			}
			raw := payload[text.Range.Start:text.Range.End]
			if text.Encoding == genai.JSONInString { // its fragments are joined before they are read
				view, _ := jsonspan.View(raw, jsonspan.JSONString)
				raw = view
			} else {
				view, _ := jsonspan.View(raw, jsonspan.Encoding(text.Encoding))
				raw = view
			}
			joined[text.Channel] = append(joined[text.Channel], raw...)
		}
		return nil
	}
	if err := d.Push([]byte(body), read); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(read); err != nil {
		t.Fatal(err)
	}
	for ch, text := range joined {
		if ch.Kind == genai.ToolArguments {
			view, _ := jsonspan.View(text, jsonspan.JSONValue)
			text = view
		}
		whole = append(whole, string(text))
	}
	slices.Sort(whole)
	return whole
}

func decoded(texts []genai.Text, doc []byte) []string {
	var out []string
	for _, t := range texts {
		out = append(out, textOf(doc, t))
	}
	slices.Sort(out)
	return out
}

// allStrings is every string of a JSON document, those inside strings included.
func allStrings(t *testing.T, source string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(source), &v); err != nil {
		t.Fatalf("no JSON any more: %v in %s", err, source)
	}
	var b strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			b.WriteString(v + "\x00")
			var inner any
			if json.Unmarshal([]byte(v), &inner) == nil {
				walk(inner)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for name, e := range v {
				b.WriteString(name + "\x00")
				walk(e)
			}
		}
	}
	walk(v)
	return b.String()
}

func everything(verb string) func(*policy.Input) (*policy.Decision, error) {
	return func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Redact: []policy.Redact{{Class: "*", With: verb}}}, nil
	}
}

func hasAny(text string, values []string) string {
	letters := notLetter.ReplaceAllString(text, "")
	for _, v := range values {
		if strings.Contains(text, v) || strings.Contains(letters, notLetter.ReplaceAllString(v, "")) {
			return v
		}
	}
	return ""
}

var notLetter = regexp.MustCompile(`[^0-9A-Za-z]+`)

// What is redacted in a request, by any verb and in any dialect, is nowhere in
// the bytes that leave, however it was escaped; a pseudonym is undone for the
// client, so that it gets what it would have got from a provider that saw the
// values.
func TestRequestLeaksNothing(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 1
	}
	provider, err := simulate.New(simulate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range redact.Verbs {
		b := newBench(t, rules{request: everything(verb), response: redactAll})
		for i, s := range spokenTo {
			for round := range rounds {
				r := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				text, values := secretText(r)
				body := filled(r, s.body, text)
				sent, got, c := exchange(t, b, provider, r, s.path, body)
				if v := hasAny(allStrings(t, sent), values); v != "" {
					t.Fatalf("%s, %s, round %d: %q left:\n%s\nwas\n%s", verb, s.name, round, v, sent, body)
				}
				if verb != redact.Pseudonym || strings.Contains(s.name, "embeddings") {
					continue
				}
				answer, _ := ask(provider, s.path, body)
				if is, want := heard(t, c, got), heard(t, c, string(answer)); !slices.Equal(is, want) {
					t.Fatalf("%s, round %d: the client hears\n%q\nwant\n%q", s.name, round, is, want)
				}
			}
		}
	}
}

// What is redacted in a response, by any verb, in any dialect and split over
// deltas and chunks, is in none of the texts that a client puts together.
func TestResponseLeaksNothing(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 1
	}
	provider, err := simulate.New(simulate.Options{Behaviour: "reasoning;chunk=3"})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range redact.Verbs {
		b := newBench(t, rules{request: allow, response: everything(verb)})
		for i, s := range spokenTo {
			for round := range rounds {
				r := rand.New(rand.NewPCG(uint64(round), uint64(100+i)))
				text, values := secretText(r)
				_, got, c := exchange(t, b, provider, r, s.path, filled(r, s.body, text))
				if v := hasAny(strings.Join(heard(t, c, got), "\x00"), values); v != "" {
					t.Fatalf("%s, %s, round %d: the client hears %q:\n%s", verb, s.name, round, v, got)
				}
			}
		}
	}
}
