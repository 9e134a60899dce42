package call

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/policy"
)

// benchCall is an agent's request of about 8 KiB, with tools.
func benchCall(stream bool) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"model":"gpt-4o","stream":%t,"messages":[{"role":"system","content":"You help the people of a shipping company. Be short, and cite what you read."}`, stream)
	for i := range 8 {
		fmt.Fprintf(&b, `,{"role":"user","content":"Please look up container %d of the northern line and tell me where it is, when it left port and who signed for it."}`, i)
		fmt.Fprintf(&b, `,{"role":"assistant","content":null,"tool_calls":[{"id":"call_%d","type":"function","function":{"name":"find_container","arguments":"{\"number\":\"%d\",\"line\":\"north\"}"}}]}`, i, i)
		fmt.Fprintf(&b, `,{"role":"tool","tool_call_id":"call_%d","content":"{\"where\":\"Rotterdam, terminal %d\",\"left\":\"2026-03-0%d\",\"by\":\"the night shift\"}"}`, i, i, i+1)
	}
	b.WriteString(`],"tools":[`)
	for i := range 12 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"function","function":{"name":"tool_%d","description":"Finds what the planning office has written down about a voyage of that number.","parameters":{"type":"object","properties":{"voyage":{"type":"string","description":"the voyage, as on the bill of lading"},"detail":{"type":"string","enum":["short","long","everything"]}},"required":["voyage"],"additionalProperties":false}}}`, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// BenchmarkCall is what a call costs beside the protocol: reading, detection and
// accounting, with a policy in Go that redacts whatever is found.
func BenchmarkCall(b *testing.B) {
	redact := func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Redact: []policy.Redact{{Class: "*"}}}, nil
	}
	bench := newBench(b, rules{request: redact, response: redact})
	answer := strings.Fields("The container is in Rotterdam since the second of March and was signed for by the night shift of the third terminal")
	document := []byte(`{"id":"r","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat(strings.Join(answer, " ")+". ", 25) + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":900,"completion_tokens":500,"total_tokens":1400}}`)
	var events [][]byte
	for i := range 500 {
		events = append(events, []byte(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" `+answer[i%len(answer)]+`"},"logprobs":null,"finish_reason":null}]}`+"\n\n"))
	}
	events = append(events, []byte("data: [DONE]\n\n"))
	run := func(b *testing.B, body []byte, contentType string, chunks [][]byte) {
		b.ReportAllocs()
		for b.Loop() {
			c, _ := bench.svc.Open(context.Background(), requestHead())
			if v := c.RequestBody(body); v.Reply != nil {
				b.Fatal(v.Reply)
			}
			c.ResponseHeaders(responseHead("200", contentType))
			for i, chunk := range chunks {
				c.ResponseBody(chunk, i == len(chunks)-1)
			}
			c.Close(true, nil)
			bench.rec.records = bench.rec.records[:0]
		}
	}
	b.Run("document", func(b *testing.B) { run(b, benchCall(false), "application/json", [][]byte{document}) })
	b.Run("stream", func(b *testing.B) { run(b, benchCall(true), "text/event-stream", events) })
}
