package call

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/policy"
)

// answered drives a call whose response is one body, and returns what leaves in
// both directions; a refusal is its body.
func (b *bench) answered(t testing.TB, path, request, contentType, response string, chunk int) (sent, got string) {
	t.Helper()
	head := &phase.RequestHead{Attributes: map[string]string{}, Headers: phase.Headers{
		{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "provider.example"}, {Name: ":path", Value: path}, {Name: "content-type", Value: "application/json"},
	}}
	c, _ := b.svc.Open(context.Background(), head)
	defer c.Close(true, nil)
	v := c.RequestBody([]byte(request))
	if v.Reply != nil {
		return "", string(v.Reply.Body)
	}
	sent = request
	if v.Replace {
		sent = string(v.NewBody)
	}
	v = c.ResponseHeaders(responseHead("200", contentType))
	switch {
	case v.Reply != nil:
		return sent, string(v.Reply.Body)
	case v.Release:
		return sent, response
	case v.Body == phase.BodyBuffered:
		v = c.ResponseBody([]byte(response), true)
		switch {
		case v.Reply != nil:
			return sent, string(v.Reply.Body)
		case v.Replace:
			return sent, string(v.NewBody)
		}
		return sent, response
	}
	var out []byte
	for rest := []byte(response); ; {
		n := len(rest)
		if chunk > 0 {
			n = min(n, chunk)
		}
		v = c.ResponseBody(append([]byte(nil), rest[:n]...), n == len(rest))
		out = append(out, v.Emit...)
		if rest = rest[n:]; len(rest) == 0 || v.End {
			return sent, string(out)
		}
	}
}

const card = "4111 1111 1111 1111"

// chunkOf is one chunk of Bedrock's InvokeModel stream.
func chunkOf(event string) string {
	payload := fmt.Appendf(nil, `{"bytes":%q}`, base64.StdEncoding.EncodeToString([]byte(event)))
	return string(frame.AppendAWS(nil, [][2]string{{":event-type", "chunk"}, {":content-type", "application/json"}, {":message-type", "event"}}, payload))
}

// What a decision hides does not leave from where a dialect does not look for
// text, nor from a response that is not as it should be.
func TestNothingLeavesUnread(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	chat, chatDoc, sseT := `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, "text/event-stream"
	ev := func(events ...string) string { return "data: " + strings.Join(events, "\n\ndata: ") + "\n\n" }
	for _, l := range []struct{ name, path, req, ct, resp string }{
		{"both reasonings", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"reasoning":"card 4111 1111","reasoning_content":"card 4111 1111"}}]}`, `{"choices":[{"index":0,"delta":{"reasoning":" 1111 1111 ok","reasoning_content":" 1111 1111 ok"}}]}`, "[DONE]")},
		{"reasoning_details", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","text":"card 4111 1111"}]}}]}`, `{"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","text":" 1111 1111 ok"}]}}]}`, "[DONE]")},
		{"reasoning_details whole", "/v1/chat/completions", chatDoc, "application/json", `{"choices":[{"message":{"reasoning_details":[{"text":"` + card + `"}]}}]}`},
		{"whole message at the end", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"content":"is it 9"}}]}`, `{"choices":[{"index":0,"message":{"content":"`+card+` it is"}}]}`, "[DONE]")},
		{"bedrock choices", "/model/openai.gpt-oss/invoke-with-response-stream", `{"messages":[]}`, "application/vnd.amazon.eventstream", chunkOf(`{"choices":[{"index":0,"delta":{"content":"4111 1111 "}},{"index":1,"delta":{"content":"x"}}]}`) + chunkOf(`{"choices":[{"index":0,"delta":{"content":"1111 1111"}},{"index":1,"delta":{"content":"y"}}]}`)},
		{"refusal's logprobs", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{},"logprobs":{"content":null,"refusal":[{"token":"4111 1111 ","bytes":[52]},{"token":"1111 1111","bytes":[52]}]}}]}`, "[DONE]")},
		{"gemini logprobs", "/v1beta/models/m:streamGenerateContent?alt=sse", `{"contents":[]}`, sseT, ev(`{"candidates":[{"logprobsResult":{"chosenCandidates":[{"token":"4111 1111 "},{"token":"1111 1111"}]}}]}`)},
		{"logprobs later", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"content":"card 4111 1111 1111 1111 ok"}}]}`, `{"choices":[{"index":0,"delta":{},"logprobs":{"content":[{"token":"card "},{"token":"4111 1111 "},{"token":"1111 1111"},{"token":" ok"}]}}]}`, "[DONE]")},
		{"logprobs earlier", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"content":""},"logprobs":{"content":[{"token":"4111 1111 "}]}}]}`, `{"choices":[{"index":0,"delta":{"content":""},"logprobs":{"content":[{"token":"1111 1111"}]}}]}`, `{"choices":[{"index":0,"delta":{"content":"4111 1111 1111 1111"}}]}`, "[DONE]")},
		{"duplicate member event", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"role":"a","role":"a","content":"`+card+`"}}]}`, "[DONE]")},
		{"duplicate member doc", "/v1/chat/completions", chatDoc, "application/json", `{"id":"a","id":"a","choices":[{"message":{"content":"` + card + `"}}]}`},
		{"bom doc", "/v1/chat/completions", chatDoc, "application/json", "\ufeff" + `{"choices":[{"message":{"content":"` + card + `"}}]}`},
		{"two docs", "/v1/chat/completions", chatDoc, "application/json", `{"choices":[{"message":{"content":"x"}}]}` + "\n" + `{"choices":[{"message":{"content":"` + card + `"}}]}`},
		{"sse as json", "/v1/chat/completions", chat, "application/json", ev(`{"choices":[{"index":0,"delta":{"content":"4111 1111 "}}]}`, `{"choices":[{"index":0,"delta":{"content":"1111 1111"}}]}`, "[DONE]")},
		{"sse without type", "/v1/chat/completions", chat, "", ev(`{"choices":[{"index":0,"delta":{"content":"4111 1111 "}}]}`, `{"choices":[{"index":0,"delta":{"content":"1111 1111"}}]}`, "[DONE]")},
		{"sse after blank lines", "/v1/chat/completions", chat, "text/plain", strings.Repeat("\n", 600) + ev(`{"choices":[{"index":0,"delta":{"content":"`+card+`"}}]}`, "[DONE]")},
		{"text page", "/v1/chat/completions", chatDoc, "text/html", "<html>" + card + "</html>"},
		{"text page for a stream", "/v1/chat/completions", chat, "text/html", "<html>" + card + "</html>"},
		{"error event", "/v1/chat/completions", chat, sseT, ev(`{"error":{"message":"bad card ` + card + `","type":"x"}}`)},
		{"unknown member", "/v1/chat/completions", chatDoc, "application/json", `{"choices":[{"message":{"content":"x"}}],"note":"` + card + `"}`},
		{"unknown key", "/v1/chat/completions", chatDoc, "application/json", `{"choices":[{"message":{"content":"x"}}],"note":{"` + card + `":1}}`},
		{"message beside delta", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"content":"x"},"message":{"content":"`+card+`"}}]}`, "[DONE]")},
		{"anthropic message_start", "/v1/messages", `{"model":"m","stream":true,"max_tokens":9,"messages":[]}`, sseT, ev(`{"type":"message_start","message":{"id":"m","content":[{"type":"text","text":"` + card + `"}]}}`)},
		{"anthropic tool input at start", "/v1/messages", `{"model":"m","stream":true,"max_tokens":9,"messages":[]}`, sseT, ev(`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f","input":{"a":"` + card + `"}}}`)},
		{"anthropic number at start", "/v1/messages", `{"model":"m","stream":true,"max_tokens":9,"messages":[]}`, sseT, ev(`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f","input":{"a":4111111111111111}}}`)},
		{"text/json", "/v1/chat/completions", chatDoc, "text/json", `{"choices":[{"message":{"content":"4111 1111\u00201111\u00201111"}}]}`},
		{"anthropic unknown event", "/v1/messages", `{"model":"m","stream":true,"max_tokens":9,"messages":[]}`, sseT, ev(`{"type":"novel","text":"` + card + `"}`)},
		{"responses unknown item member", "/v1/responses", `{"model":"m","stream":true,"input":"hi"}`, sseT, ev(`{"type":"response.output_item.done","item":{"type":"novel_call","novelty":"` + card + `"}}`)},
		{"responses two reasonings", "/v1/responses", `{"model":"m","stream":true,"input":"hi"}`, sseT, ev(`{"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"it is 9"}`, `{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"4111111111111111 ok"}`)},
		{"gemini stream error detail", "/v1beta/models/m:streamGenerateContent?alt=sse", `{"contents":[]}`, sseT, ev(`{"error":{"message":"x","details":[{"note":"` + card + `"}]}}`)},
		{"transcript text", "/v1/audio/transcriptions", `{"model":"m","prompt":"x"}`, "text/plain", "my card is " + card},
		{"ollama ndjson junk", "/api/chat", `{"model":"m","messages":[]}`, "application/x-ndjson", "{\"message\":{\"content\":\"" + card + "\"}} trailing\n"},
		{"legacy completions logprobs", "/v1/completions", `{"model":"m","stream":true,"prompt":"x"}`, sseT, ev(`{"choices":[{"index":0,"text":"`+card+`"}]}`, `{"choices":[{"index":0,"text":"","logprobs":{"tokens":["4111 1111"," 1111 1111"],"top_logprobs":[{"4111 1111":-1}]}}]}`, "[DONE]")},
		{"data after done", "/v1/chat/completions", chat, sseT, ev("[DONE]", `{"choices":[{"index":0,"delta":{"content":"`+card+`"}}]}`)},
		{"cr only", "/v1/chat/completions", chat, sseT, strings.ReplaceAll(ev(`{"choices":[{"index":0,"delta":{"content":"4111 1111 "}}]}`, `{"choices":[{"index":0,"delta":{"content":"1111 1111"}}]}`, "[DONE]"), "\n", "\r")},
		{"multi data", "/v1/chat/completions", chat, sseT, "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"" + card + "\"}}]}\n\n"},
		{"lone surrogate", "/v1/chat/completions", chat, sseT, ev(`{"choices":[{"index":0,"delta":{"content":"\ud83d card ` + card + `"}}]}`)},
	} {
		for _, n := range []int{0, 1, 7, 64} {
			_, got := b.answered(t, l.path, l.req, l.ct, l.resp, n)
			if strings.Contains(l.path, "bedrock") || strings.HasPrefix(l.path, "/model/") {
				got = inside(t, got)
			}
			if l.name == "text/json" && !strings.Contains(got, `"[CREDIT_CARD]"`) || hasAny(got+"\x00"+joinedStrings(got), []string{card}) != "" {
				t.Errorf("%s, in chunks of %d, leaves as %s", l.name, n, got)
			}
		}
	}
}

// inside is the events of Bedrock's InvokeModel stream, a line each.
func inside(t *testing.T, stream string) string {
	t.Helper()
	var out strings.Builder
	err := frame.New(frame.AWSEventStream).Push([]byte(stream), func(ev *frame.Event) error {
		var chunk struct{ Bytes []byte }
		if err := json.Unmarshal(ev.Payload, &chunk); err != nil {
			return err
		}
		_, err := fmt.Fprintf(&out, "%s\n", chunk.Bytes)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// joinedStrings joins the strings that stand at one place of a stream's events.
func joinedStrings(body string) string {
	joined := map[string]string{}
	for _, line := range strings.FieldsFunc(body, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimPrefix(line, "data: ")
		var v any
		if json.Unmarshal([]byte(line), &v) != nil {
			continue
		}
		var walk func(path string, v any)
		walk = func(path string, v any) {
			switch v := v.(type) {
			case string:
				joined[path] += v
			case []any:
				for _, e := range v {
					walk(path+"[]", e)
				}
			case map[string]any:
				for k, e := range v {
					walk(path+"."+k, e)
				}
			}
		}
		walk("", v)
	}
	return fmt.Sprint(joined)
}

// Requests, likewise: $T is the value.
func TestNothingIsSentUnread(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	for _, l := range []struct{ name, path, req string }{
		{"schema description", "/v1/chat/completions", `{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string","description":"e.g. $T","enum":["$T"],"default":"$T"}}}}}]}`},
		{"schema key", "/v1/chat/completions", `{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"$T":{}}}}}]}`},
		{"response format", "/v1/chat/completions", `{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"schema":{"description":"$T"}}}}`},
		{"stop", "/v1/chat/completions", `{"model":"m","messages":[],"stop":["$T"]}`},
		{"cache key", "/v1/chat/completions", `{"model":"m","messages":[],"prompt_cache_key":"$T"}`},
		{"user", "/v1/chat/completions", `{"model":"m","messages":[],"user":"$T","safety_identifier":"$T"}`},
		{"metadata key", "/v1/chat/completions", `{"model":"m","messages":[],"metadata":{"$T":"a"}}`},
		{"unknown", "/v1/chat/completions", `{"model":"m","messages":[],"x":{"y":["$T"]}}`},
		{"unknown part", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":[{"type":"novel","body":"$T"}]}]}`},
		{"message unknown", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"x","reasoning_details":[{"text":"$T"}]}]}`},
		{"image url query", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/?q=$T"}}]}]}`},
		{"data url text", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:text/plain,$T"}}]}]}`},
		{"content object", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":{"text":"$T"}}]}`},
		{"tool name", "/v1/chat/completions", `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"$T","arguments":"{}"}}]}]}`},
		{"responses mcp", "/v1/responses", `{"model":"m","input":"x","tools":[{"type":"mcp","server_description":"$T"}]}`},
		{"responses prompt object", "/v1/responses", `{"model":"m","input":[{"type":"computer_call_output","output":{"image_url":"x","note":"$T"}},{"type":"mcp_list_tools","server_label":"$T","tools":[]}]}`},
		{"anthropic tool schema", "/v1/messages", `{"model":"m","max_tokens":9,"messages":[],"tools":[{"name":"f","input_schema":{"properties":{"a":{"description":"$T"}}}}]}`},
		{"anthropic unknown block", "/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"novel","text":"$T"}]}]}`},
		{"anthropic text with citations", "/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"$T"},"title":"$T","context":"$T"}]}]}`},
		{"gemini schema", "/v1beta/models/m:generateContent", `{"contents":[],"generationConfig":{"responseSchema":{"description":"$T"}}}`},
		{"gemini declaration", "/v1beta/models/m:generateContent", `{"contents":[],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"properties":{"a":{"description":"$T"}}}}]}]}`},
		{"gemini display name", "/v1beta/models/m:generateContent", `{"contents":[{"parts":[{"fileData":{"fileUri":"x","displayName":"$T"}}]}]}`},
		{"gemini batch embed title", "/v1beta/models/m:embedContent", `{"content":{"parts":[{"text":"x"}]},"title":"$T"}`},
		{"bedrock additional fields", "/model/m/converse", `{"messages":[],"additionalModelRequestFields":{"x":"$T"}}`},
		{"bedrock schema", "/model/m/converse", `{"messages":[],"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"properties":{"a":{"description":"$T"}}}}}}]}}`},
		{"bedrock invoke unknown family", "/model/m/invoke", `{"question":"$T"}`},
		{"cohere image", "/v2/chat", `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/?q=$T"}}]}]}`},
		{"cohere connectors", "/v1/chat", `{"model":"m","message":"x","connectors":[{"id":"a","options":{"site":"$T"}}]}`},
		{"ollama template", "/api/generate", `{"model":"m","prompt":"x","template":"$T","stream":false}`},
		{"ollama format", "/api/chat", `{"model":"m","messages":[{"role":"user","content":"x","tool_name":"$T"}],"format":{"description":"$T"},"stream":false}`},
		{"mcp meta", "/mcp", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{},"_meta":{"x":"$T"}}}`},
		{"vertex parameters", "/v1/publishers/google/models/m:predict", `{"instances":[{"content":"x"}],"parameters":{"x":"$T"}}`},
	} {
		sent, got := b.answered(t, l.path, strings.ReplaceAll(l.req, "$T", card), "application/json", `{}`, 0)
		if sent == "" || hasAny(sent, []string{card}) != "" {
			t.Errorf("%s leaves as %q, answered %s", l.name, sent, got)
		}
	}
}

// What carries no text, or would break if it were changed, is left alone.
func TestCarriersAreLeftAlone(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	for _, body := range []string{
		`{"model":"4111 1111 1111 1111","messages":[{"role":"tool","tool_call_id":"4111 1111 1111 1111","content":"x"}],"tools":[{"type":"mcp","server_url":"https://x.example","headers":{"Authorization":"Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a"}}]}`,
		`{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"4111 1111 1111 1111"}]}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("ghp_16C7e42F292c6912E7710c838347Ae178B4a", 9) + `"}}]}]}`,
	} {
		path := "/v1/chat/completions"
		if strings.Contains(body, `"input"`) {
			path = "/v1/responses"
		}
		if sent, _ := b.answered(t, path, body, "application/json", `{}`, 0); sent != body {
			t.Errorf("%s\nleaves as\n%s", body, sent)
		}
	}
}

// A policy that asks for a score is asked again when a kind of finding comes with
// a higher one.
func TestStreamIsJudgedAgainForAHigherScore(t *testing.T) {
	b := newBench(t, rules{request: allow, response: func(in *policy.Input) (*policy.Decision, error) {
		for _, f := range in.Response.Findings {
			if f.Entity == "PHONE" && f.Score > 0.95 {
				return &policy.Decision{Deny: []policy.Deny{{Code: "sure"}}}, nil
			}
		}
		return &policy.Decision{}, nil
	}})
	got := b.stream(t, streamRequest, [][]byte{[]byte(sse("call 555-123-4567 now, ", "phone: +44 20 7946 0999", " bye"))})
	if !strings.Contains(got, "4567") || strings.Contains(got, "0999") {
		t.Errorf("it leaves as\n%s", got)
	}
}

// A stream that can no longer be read passes where the operator says so; what was
// read of it before is decided first.
func TestFailOpenDecidesWhatItHolds(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	b.snap.Settings.FailOpen, b.snap.Settings.MaxEvent = true, 400
	event, rest := strings.SplitAfter(sse("card "+card), "\n\n")[0], "data: "+strings.Repeat("x", 800)+"\n\n"
	got := b.stream(t, streamRequest, [][]byte{[]byte(event), []byte(rest)})
	if hasAny(got, []string{card}) != "" || !strings.HasSuffix(got, rest) {
		t.Errorf("it leaves as %s", got)
	}
}

// A damaged document that a decision refuses is answered in the client's format.
func TestDamagedDocumentIsDenied(t *testing.T) {
	b := newBench(t, rules{request: allow, response: func(in *policy.Input) (*policy.Decision, error) {
		if len(in.Response.Findings) > 0 {
			return &policy.Decision{Deny: []policy.Deny{{Code: "x", Message: "no cards"}}}, nil
		}
		return &policy.Decision{}, nil
	}})
	doc := `{"id":"x","id":"x","choices":[{"message":{"content":"`
	for content, refused := range map[string]bool{card: true, "nothing": false} {
		whole := doc + content + `"}}]}`
		_, got := b.answered(t, "/v1/chat/completions", `{"model":"m","messages":[]}`, "application/json", whole, 0)
		if refused != strings.Contains(got, `"message":"no cards"`) || !refused && got != whole {
			t.Errorf("%s is answered %s", content, got)
		}
	}
}

// The numbers of a text's tokens leave only with the text.
func TestNumbersOfAChangedText(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	for said, kept := range map[string]bool{card: false, "nothing": true} {
		stream := `{"response":"it is ` + said + `","done":false}` + "\n" + `{"response":" ok","done":true,"context":[1, 2, 3]}` + "\n"
		if _, got := b.answered(t, "/api/generate", `{"model":"m","prompt":"x"}`, "application/x-ndjson", stream, 0); kept != strings.Contains(got, `"context":[1, 2, 3]`) || !kept && !strings.Contains(got, `"context":[]`) {
			t.Errorf("a stream leaves as %s", got)
		}
		doc := `{"choices":[{"message":{"content":"` + said + `"},"token_ids":[7]}]}`
		if _, got := b.answered(t, "/v1/chat/completions", `{"model":"m","messages":[]}`, "application/json", doc, 0); kept != strings.Contains(got, `"token_ids":[7]`) {
			t.Errorf("a document leaves as %s", got)
		}
	}
}

// A form's fields and the names of its files are read; what begins like its
// boundary is content.
func TestNothingIsSentUnreadInAForm(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	for name, part := range map[string]string{
		"prompt":           "content-disposition: form-data; name=\"prompt\"\r\n\r\n" + card,
		"another field":    "content-disposition: form-data; name=\"user\"\r\n\r\n" + card,
		"file name":        "content-disposition: form-data; name=\"file\"; filename=\"of ann@corp.example, " + card + "\"\r\n\r\nbytes",
		"like a boundary":  "content-disposition: form-data; name=\"prompt\"\r\n\r\nx\r\n--bound\r\ncontent-disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + card,
		"behind the first": "content-disposition: form-data; name=\"prompt\"\r\n\r\nx\r\n--b \t\r\ncontent-disposition: form-data; name=\"user\"\r\n\r\n" + card,
	} {
		body := "--b\r\n" + part + "\r\n--b--\r\n"
		head := &phase.RequestHead{Attributes: map[string]string{}, Headers: phase.Headers{
			{Name: ":method", Value: "POST"}, {Name: ":authority", Value: "provider.example"}, {Name: ":path", Value: "/v1/images/edits"}, {Name: "content-type", Value: "multipart/form-data; boundary=b"},
		}}
		c, _ := b.svc.Open(context.Background(), head)
		v := c.RequestBody([]byte(body))
		c.Close(true, nil)
		want := strings.NewReplacer(card, "[CREDIT_CARD]", "ann@corp.example", "[EMAIL]").Replace(body)
		if string(v.NewBody) != want {
			t.Errorf("%s leaves as %q", name, v.NewBody)
		}
	}
}

// A body compressed twice, as two headers say, is read; so is what leaves.
func TestTwoEncodingHeaders(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + card + `"}]}`)
	answer := []byte(`{"choices":[{"message":{"content":"` + card + `"}}]}`)
	for _, each := range []*[]byte{&body, &answer} {
		packed, err := frame.Compress("gzip, br", *each)
		if err != nil {
			t.Fatal(err)
		}
		*each = packed
	}
	two := []phase.Header{{Name: "content-encoding", Value: "gzip"}, {Name: "content-encoding", Value: "br"}}
	c, _ := b.svc.Open(context.Background(), requestHead(two...))
	if v := c.RequestBody(body); !strings.Contains(string(v.NewBody), `"[CREDIT_CARD]"`) || len(v.Remove) != 1 {
		t.Errorf("the request leaves as %q, without %v, answered %+v", v.NewBody, v.Remove, v.Reply)
	}
	c.ResponseHeaders(responseHead("200", "application/json", two...))
	if v := c.ResponseBody(answer, true); !strings.Contains(string(v.NewBody), `"[CREDIT_CARD]"`) || len(v.Remove) != 1 {
		t.Errorf("the response leaves as %q, without %v", v.NewBody, v.Remove)
	}
	c.Close(true, nil)
}

// Entities of one's own may be short words, also in names and values that no
// dialect notes.
func TestShortWordsOfOnesOwnAreFoundEverywhere(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	own, err := b.snap.Detect.With([]detect.Custom{{Entity: "CODE", Terms: []string{"owl"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.snap.Detect = own
	sent, got := b.answered(t, "/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"metadata":{"owl":"x","team":"owl"}}`, "application/json",
		`{"id":"r","model":"gpt-4o","owl":1,"note":"owl","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}`, 0)
	if strings.Contains(sent+got, "owl") || strings.Count(sent+got, "[CODE]") != 4 {
		t.Errorf("sent %s, got %s", sent, got)
	}
}

// A property of a schema may have the name of a member that carries no text.
func TestPropertiesNamedLikeCarriers(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	for _, name := range []string{"id", "status", "type", "model", "event", "role", "container"} {
		sent, _ := b.answered(t, "/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"`+name+`":{"type":"string","description":"such as `+card+`"}}}}}]}`,
			"application/json", `{"id":"r","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}`, 0)
		if strings.Contains(sent, card) || !strings.Contains(sent, "such as [CREDIT_CARD]") {
			t.Errorf("%s: sent %s", name, sent)
		}
	}
}
