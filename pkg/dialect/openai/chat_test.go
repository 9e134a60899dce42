package openai

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

func head(path string) *dialect.Head {
	return &dialect.Head{Method: "POST", Host: "api.openai.com", Path: path, Header: func(string) string { return "" }}
}

type textSeen struct {
	Kind genai.TextKind
	Role genai.Role
	Text string
}

func texts(doc []byte, list []genai.Text) []textSeen {
	var out []textSeen
	for _, t := range list {
		text, _ := jsonspan.View(doc[t.Range.Start:t.Range.End], jsonspan.Encoding(t.Encoding))
		out = append(out, textSeen{t.Kind, t.Role, string(text)})
	}
	return out
}

func TestReadChatRequest(t *testing.T) {
	body := []byte(`{
  "model": "gpt-4o", "stream": true, "temperature": 0.5, "max_completion_tokens": 9, "stop": ["a","b"], "unknown": {"x": 1},
  "messages": [
    {"role": "developer", "content": "be brief"},
    {"role": "user", "name": "ann", "content": [{"type":"text","text":"h\u00e9"}, {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}, {"type":"file","file":{"filename":"cv.pdf","file_data":"data:application/pdf;base64,AAAAAAAA"}}]},
    {"role": "assistant", "content": null, "tool_calls": [{"id":"c1","type":"function","function":{"name":"mail","arguments":"{\"to\":\"a@b.example\"}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "sent"}
  ],
  "tools": [{"type":"function","function":{"name":"mail","description":"sends mail","parameters":{"type":"object"}}}],
  "stream_options": {"include_usage": true}
}`)
	r, err := chat{}.ReadRequest(head("/v1/chat/completions"), body)
	if err != nil {
		t.Fatal(err)
	}
	want := []textSeen{
		{genai.Content, genai.System, "be brief"},
		{genai.Metadata, genai.User, "ann"},
		{genai.Content, genai.User, "hé"},
		{genai.FileName, genai.User, "cv.pdf"},
		{genai.ToolArguments, genai.Assistant, `{"to":"a@b.example"}`},
		{genai.ToolResult, genai.Tool, "sent"},
		{genai.ToolDescription, genai.System, "sends mail"},
	}
	if diff := cmp.Diff(want, texts(body, r.Texts)); diff != "" {
		t.Error(diff)
	}
	if r.Model != "gpt-4o" || !r.Stream || !r.UsageRequested || *r.Params.MaxTokens != 9 || *r.Params.Temperature != 0.5 || len(r.Params.StopSequences) != 2 {
		t.Errorf("parameters read as %+v", r)
	}
	if got := string(body[r.ModelRange.Start:r.ModelRange.End]); got != "gpt-4o" {
		t.Errorf("model lies at %q", got)
	}
	if len(r.Messages) != 4 || r.Messages[2].ToolCalls[0].Name != "mail" || r.Messages[1].Parts != 3 || r.Messages[3].ToolCallID != "c1" {
		t.Errorf("messages read as %+v", r.Messages)
	}
	if len(r.Attachments) != 2 || r.Attachments[0].MediaType != "image/png" || r.Attachments[0].Bytes != 3 || r.Attachments[1].Name != "cv.pdf" {
		t.Errorf("attachments read as %+v", r.Attachments)
	}
	if len(r.Tools) != 1 || r.Tools[0].Name != "mail" {
		t.Errorf("tools read as %+v", r.Tools)
	}
}

func TestReadChatRequestRejects(t *testing.T) {
	for name, body := range map[string]string{
		"not json":          `{"model":`,
		"not an object":     `[]`,
		"duplicate model":   `{"model":"a","model":"b"}`,
		"messages no array": `{"messages":{}}`,
		"message no object": `{"messages":["hi"]}`,
		"escaped duplicate": `{"model":"a","\u006dodel":"b"}`,
		"trailing bytes":    `{} {}`,
		"invalid utf-8":     "{\"model\":\"\xff\"}",
		"raw control char":  "{\"model\":\"a\nb\"}",
		"empty body":        ``,
	} {
		if _, err := (chat{}).ReadRequest(head("/v1/chat/completions"), []byte(body)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestModelFromAzurePath(t *testing.T) {
	r, err := chat{}.ReadRequest(head("/openai/deployments/my-gpt/chat/completions"), []byte(`{"messages":[]}`))
	if err != nil || r.Model != "my-gpt" {
		t.Fatalf("model %q, %v", r.Model, err)
	}
}

func TestReadChatResponse(t *testing.T) {
	body := []byte(`{"id":"x","object":"chat.completion","model":"gpt-4o-2024","choices":[
 {"index":0,"message":{"role":"assistant","content":"hello","reasoning_content":"hm"},"finish_reason":"stop"},
 {"index":1,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
 "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`)
	r, err := chat{}.ReadResponse(head("/"), &dialect.ResponseHead{Status: 200}, body)
	if err != nil {
		t.Fatal(err)
	}
	want := genai.Usage{InputTokens: 10, OutputTokens: 5, CacheReadTokens: 4, ReasoningTokens: 2, HasInput: true, HasOutput: true, HasCacheRead: true, HasReasoning: true, Reported: true}
	if diff := cmp.Diff(want, r.Usage); diff != "" {
		t.Error(diff)
	}
	if r.Choices != 2 || len(r.FinishReasons) != 2 || r.FinishReasons[1] != (genai.FinishReason{Choice: 1, Reason: "tool_calls"}) || r.ToolCalls[0].Name != "f" {
		t.Errorf("read as %+v", r)
	}
}

func TestReadErrors(t *testing.T) {
	for body, want := range map[string]genai.Error{
		`{"error":{"message":"m","type":"t","code":"c"}}`:      {Status: 429, Message: "m", Type: "t", Code: "c"},
		`{"error":{"message":"m","code":402}}`:                 {Status: 429, Message: "m", Code: "402"},
		`{"error":"m","code":"invalid"}`:                       {Status: 429, Message: "m", Code: "invalid"},
		`{"object":"error","message":"m","type":"t","code":3}`: {Status: 429, Message: "m", Type: "t", Code: "3"},
		`{"detail":"m"}`: {Status: 429, Message: "m"},
		`{"detail":[{"msg":"m","loc":["body"]}]}`: {Status: 429, Message: "m"},
		`{}`: {Status: 429},
	} {
		r, err := chat{}.ReadResponse(head("/"), &dialect.ResponseHead{Status: 429}, []byte(body))
		if err != nil || r.Error == nil || *r.Error != want {
			t.Errorf("%s read as %+v, %v", body, r.Error, err)
		}
	}
}

// readStream gives all deltas' meaning at once.
func readStream(t *testing.T, s dialect.Stream, body string) (all genai.Delta, content string) {
	t.Helper()
	decoder := frame.New(frame.SSE)
	emit := func(ev *frame.Event) error {
		var d genai.Delta
		if err := s.Read(ev, &d); err != nil {
			return err
		}
		for _, text := range texts(ev.Payload, d.Texts) {
			if text.Kind == genai.Content {
				content += text.Text
			}
		}
		all.FinishReasons = append(all.FinishReasons, d.FinishReasons...)
		all.ToolCalls = append(all.ToolCalls, d.ToolCalls...)
		all.End = all.End || d.End
		all.UsageOnly = all.UsageOnly || d.UsageOnly
		if d.HasUsage {
			all.Usage, all.HasUsage = d.Usage, true
		}
		if d.Error != nil {
			all.Error = d.Error
		}
		return nil
	}
	if err := decoder.Push([]byte(body), emit); err != nil {
		t.Fatal(err)
	}
	if err := decoder.Flush(emit); err != nil {
		t.Fatal(err)
	}
	return all, content
}

func TestReadChatStream(t *testing.T) {
	body := ": OPENROUTER PROCESSING\n\n" +
		`data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}` + "\n\n" +
		`data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"Hel"}}]}` + "\n\n" +
		`data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"lo"}}]}` + "\n\n" +
		`data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}}]}` + "\n\n" +
		`data: {"id":"x","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" +
		`data: {"id":"x","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}` + "\n\n" +
		"data: [DONE]\n\n"
	d, content := readStream(t, chat{}.NewStream(nil, nil), body)
	if content != "Hello" || !d.End || !d.UsageOnly || d.Usage.InputTokens != 3 || d.FinishReasons[0].Reason != "stop" {
		t.Errorf("read as %q %+v", content, d)
	}
	if len(d.ToolCalls) != 1 || d.ToolCalls[0].Index != 1 {
		t.Errorf("tool calls %+v", d.ToolCalls)
	}
}

// Our own error event must be read as one by our own reader, as SDKs do.
func TestErrorEventIsAnError(t *testing.T) {
	e := dialect.ErrorInfo{Status: 403, Code: "policy_violation", Message: `no "secrets"`}
	d, _ := readStream(t, chat{}.NewStream(nil, nil), string(errors{}.ErrorEvent(e)))
	if d.Error == nil || d.Error.Code != "policy_violation" || d.Error.Message != e.Message || !d.End {
		t.Errorf("read as %+v", d.Error)
	}
}

func TestAskUsage(t *testing.T) {
	for in, want := range map[string]string{
		`{"stream":true}`: `{"stream":true,"stream_options":{"include_usage":true}}`,
		`{"stream_options":{"include_usage":false},"stream":true}`: `{"stream_options":{"include_usage":true},"stream":true}`,
		`{"stream":true,"stream_options":{"x":1}}`:                 `{"stream":true,"stream_options":{"x":1,"include_usage":true}}`,
		`{"stream":true,"stream_options":null}`:                    `{"stream":true,"stream_options":{"include_usage":true}}`,
	} {
		at, with, ok := chat{}.AskUsage(nil, []byte(in))
		got := in[:at.Start] + string(with) + in[at.End:]
		if !ok || got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}

func FuzzChat(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}`))
	f.Add([]byte(`{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		check := func(list []genai.Text) {
			for _, text := range list {
				if text.Range.Start < 0 || text.Range.End > len(body) || text.Range.Start > text.Range.End {
					t.Fatalf("a text lies at %v of %d bytes", text.Range, len(body))
				}
			}
		}
		if r, err := (chat{}).ReadRequest(head("/v1/chat/completions"), body); err == nil {
			check(r.Texts)
		}
		if r, err := (chat{}).ReadResponse(head("/"), &dialect.ResponseHead{Status: 200}, body); err == nil {
			check(r.Texts)
		}
		var d genai.Delta
		if err := (&chatStream{}).Read(&frame.Event{Payload: body}, &d); err == nil {
			check(d.Texts)
		}
	})
}
