package call

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// A value that comes back to the client must not come back into what is kept.
func TestContentKeepsStandIns(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		b := newBench(t, rules{request: pseudonymise, response: redactAll})
		b.snap.Settings.Content = true
		sent, c := b.hiddenFrom(t, `{"model":"m","stream":`+map[bool]string{true: "true", false: "false"}[streamed]+`,"messages":[{"role":"user","content":"I am ann@corp.example"}]}`)
		content := sent[strings.Index(sent, "I am ")+len("I am "):]
		content = content[:strings.Index(content, `"`)]
		var got string
		if streamed {
			c.ResponseHeaders(responseHead("200", "text/event-stream"))
			got = string(c.ResponseBody([]byte(sse("So ", content[:3], content[3:], " and eve@evil.example")), true).Emit)
		} else {
			c.ResponseHeaders(responseHead("200", "application/json"))
			got = string(c.ResponseBody([]byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":"So `+content+` and eve@evil.example"}}]}`), true).NewBody)
		}
		c.Close(true, nil)
		if !strings.Contains(got, "corp.example") || strings.Contains(got, "eve@") {
			t.Fatalf("streamed %t: the client gets %s", streamed, got)
		}
		kept := string(b.rec.records[0].OutputMessages)
		if want := "So " + content + " and [EMAIL]"; !strings.Contains(kept, want) || strings.Contains(kept, "ann@") {
			t.Errorf("streamed %t: kept is %s, want %q", streamed, kept, want)
		}
	}
}

// part is a part of a message by the conventions' schemas.
type part struct {
	Type, Content, ID, Name, Response string
	Arguments                         any
}

type message struct {
	Role         string
	Parts        []part
	FinishReason string `json:"finish_reason"`
}

func messagesOf(t *testing.T, data []byte) []message {
	t.Helper()
	var list []message
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return list
}

func TestContentHasToolCalls(t *testing.T) {
	request := `{"model":"m","messages":[{"role":"user","content":"weather?"},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Ulm\"}"}},{"id":"c2","type":"function","function":{"name":"odd","arguments":"{\"a"}}]},` +
		`{"role":"tool","tool_call_id":"c1","content":"rain"}],` +
		`"tools":[{"type":"function","function":{"name":"weather","description":"tells ann@corp.example","parameters":{"type":"object"}}}]}`
	b := newBench(t, rules{request: redactAll, response: redactAll})
	b.snap.Settings.Content = true
	c, _ := b.svc.Open(context.Background(), requestHead())
	c.RequestBody([]byte(request))
	c.ResponseHeaders(responseHead("200", "application/json"))
	c.ResponseBody([]byte(`{"choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":"well","tool_calls":[{"id":"c3","type":"function","function":{"name":"weather","arguments":"{}"}}]}},{"index":1,"finish_reason":"length","message":{"role":"assistant","content":"hm"}}]}`), true)
	c.Close(true, nil)
	r := b.rec.records[0]
	in := messagesOf(t, r.InputMessages)
	call := in[1].Parts[0]
	if city, _ := call.Arguments.(map[string]any); call.Type != "tool_call" || call.ID != "c1" || call.Name != "weather" || city["city"] != "Ulm" {
		t.Errorf("call %+v", call)
	}
	if odd := in[1].Parts[1]; odd.ID != "c2" || odd.Arguments != `{"a` {
		t.Errorf("call %+v", odd)
	}
	if result := in[2].Parts[0]; in[2].Role != "tool" || result.Type != "tool_call_response" || result.ID != "c1" || result.Response != "rain" {
		t.Errorf("result %+v", result)
	}
	out := messagesOf(t, r.OutputMessages)
	if len(out) != 2 || out[0].FinishReason != "tool_call" || out[1].FinishReason != "length" || out[0].Parts[1].Name != "weather" || out[0].Parts[1].ID != "c3" {
		t.Errorf("output %+v", out)
	}
	if want := `[{"type":"function","name":"weather","description":"tells [EMAIL]","parameters":{"type":"object"}}]`; string(r.ToolDefinitions) != want {
		t.Errorf("tools %s", r.ToolDefinitions)
	}
}

// In a stream arguments find their call by its number, whatever came between.
func TestContentHasToolCallsOfAStream(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	b.snap.Settings.Content = true
	delta := func(calls string) string {
		return `data: {"choices":[{"index":0,"delta":{"tool_calls":[` + calls + `]}}]}` + "\n\n"
	}
	body := delta(`{"index":0,"id":"a","type":"function","function":{"name":"one","arguments":""}},{"index":1,"id":"b","type":"function","function":{"name":"two","arguments":"{\"to\":"}}`) +
		delta(`{"index":1,"function":{"arguments":"\"ann@corp.example\"}"}}`) + delta(`{"index":0,"function":{"arguments":"{}"}}`) +
		`data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n\ndata: [DONE]\n\n"
	b.stream(t, streamRequest, [][]byte{[]byte(body)})
	want := `[{"role":"assistant","parts":[{"type":"tool_call","id":"b","name":"two","arguments":{"to":"[EMAIL]"}},{"type":"tool_call","id":"a","name":"one","arguments":{}}],"finish_reason":"tool_call"}]`
	if got := string(b.rec.records[0].OutputMessages); got != want {
		t.Errorf("output %s\nwant %s", got, want)
	}
}

var _ phase.Call = (*call)(nil)
