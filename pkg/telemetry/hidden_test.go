package telemetry

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/regent-proxy/regent/pkg/call"
)

const (
	hiddenCard = "4111 1111 1111 1111"
	hiddenMail = "ann.lee@corp.example"
)

// secretive are the exchanges with values wherever a word may stand, and some in
// which names hold them too.
func secretive() []exchange {
	both := hiddenCard + " and " + hiddenMail
	fill := strings.NewReplacer("hello", "hello "+both, "be kind", "be kind "+both, `"END"`, `"END `+both+`"`, "looks up", "looks up "+both, `"hi"`, `"hi `+both+`"`, "bridges", "bridges "+both, "a bridge", "a bridge "+both)
	var list []exchange
	for _, x := range exchanges {
		x.body, x.answer = fill.Replace(x.body), fill.Replace(x.answer)
		x.api, x.name = cmp.Or(x.api, x.name), x.name+" hidden"
		list = append(list, x)
	}
	more := []exchange{
		{name: "named", api: "openai.chat", host: openAIHost, path: "/v1/chat/completions",
			body:   `{"model":"gpt-4o","stop":["$V"],"user":"$V","messages":[{"role":"user","name":"$V","content":"x"},{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"$V","arguments":"{\"a\":\"$V\"}"}}]}],"tools":[{"type":"function","function":{"name":"$V","parameters":{"$V":{"description":"$V"}}}}]}`,
			answer: `{"id":"c1","choices":[{"index":0,"message":{"content":"x","tool_calls":[{"id":"2","function":{"name":"$V","arguments":"{\"$V\":\"$V\"}"}}]},"finish_reason":"stop"}]}`},
		{name: "named in a stream", api: "openai.chat", host: openAIHost, path: "/v1/chat/completions", answerType: "text/event-stream",
			body:   `{"model":"gpt-4o","stream":true,"messages":[]}`,
			answer: "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"2\",\"function\":{\"name\":\"$V\",\"arguments\":\"{}\"}}]}}]}\n\ndata: [DONE]\n\n"},
		{name: "failed", api: "openai.chat", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[]}`,
			answer: `{"error":{"message":"no $V","type":"bad $V","code":"$V"}}`},
		{name: "failed in a stream", api: "openai.chat", host: openAIHost, path: "/v1/chat/completions", answerType: "text/event-stream",
			body: `{"model":"gpt-4o","stream":true,"messages":[]}`, answer: "data: {\"error\":{\"message\":\"no $V\",\"type\":\"bad $V\"}}\n\n"},
		{name: "damaged", api: "openai.chat", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[]}`,
			answer: `{"choices":[{"message":{"content":"$V","content":"$V"}}]}`},
		{name: "page", api: "openai.chat", host: openAIHost, path: "/v1/chat/completions", answerType: "text/html", body: `{"model":"gpt-4o","messages":[]}`, answer: `<p>$V</p>`},
		{name: "refused", api: "openai.chat", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","stop":["$V"],"conversation":"$V","messages":[{"role":"user","content":"please deny $V"}]}`},
		{name: "sourced", api: "cohere.v2.chat", host: cohereHost, path: "/v2/chat", body: `{"model":"command-r","documents":[{"id":"$V","data":{"text":"$V"}}],"messages":[{"role":"user","content":"x"}]}`},
		{name: "tooled", api: "mcp.rpc", host: mcpHost, path: "/mcp", headers: mcpSession, body: `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"$V","arguments":{"$V":"$V"}}}`,
			answer: `{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"$V"}],"isError":true}}`},
	}
	for _, x := range more {
		for i, v := range []string{hiddenCard, hiddenMail} {
			each := x
			each.name += []string{" card", " mail"}[i]
			each.body, each.answer = strings.ReplaceAll(x.body, "$V", v), strings.ReplaceAll(x.answer, "$V", v)
			list = append(list, each)
		}
	}
	return list
}

// Nothing that a decision hid is in what a call emits, with content or without,
// in spans, in metrics or in files.
func TestNothingHiddenIsEmitted(t *testing.T) {
	for _, content := range []bool{false, true} {
		dir := t.TempDir()
		traces, r := record(t, func(s *Settings, calls *call.Settings) {
			s.Content, calls.Content, s.Traces.OpenInference, s.Traces.Children = content, content, true, "all"
			if content {
				s.Store = StoreSettings{Dir: dir, MaxBytes: 1 << 24}
			}
		}, secretive())
		for i := range traces {
			for _, span := range traces[i].spans {
				checkHidden(t, traces[i].exchange.name, jsonOf(t, span))
			}
		}
		for _, m := range r.allMetrics() {
			checkHidden(t, m.Name, jsonOf(t, m))
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		if content && len(files) == 0 {
			t.Error("no files")
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			checkHidden(t, file, string(data))
		}
	}
}

func jsonOf(t *testing.T, m proto.Message) string {
	t.Helper()
	data, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func checkHidden(t *testing.T, where, emitted string) {
	t.Helper()
	for _, v := range []string{hiddenCard, hiddenMail} {
		for _, form := range []string{v, strings.ReplaceAll(v, " ", ""), url.QueryEscape(v), base64.StdEncoding.EncodeToString([]byte(v)), hex.EncodeToString([]byte(v))} {
			if i := strings.Index(emitted, form); i >= 0 {
				t.Errorf("%s emits %s: …%s…", where, v, emitted[max(0, i-80):min(len(emitted), i+80)])
				return
			}
		}
	}
}
