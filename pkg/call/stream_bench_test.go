package call

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkStream takes a stream of five hundred deltas through a call, all
// detectors on; ns/event is what one delta costs. Escapes are of a text that
// quotes JSON source.
func BenchmarkStream(b *testing.B) {
	for name, words := range map[string][]string{
		"prose":   {" bridge", " over", " the", " river"},
		"escapes": {` \"bridge`, ` over`, `\n the`, ` \u0041`},
		"dense":   {" 4111 1111", " 1111 1111,", " ann@corp", ".example"},
	} {
		b.Run(name, func(b *testing.B) {
			bench := newBench(b, rules{request: allow, response: redactAll})
			deltas := make([]string, 500)
			for i := range deltas {
				deltas[i] = words[i%len(words)]
			}
			events := bytes.SplitAfter([]byte(chatEvents(deltas...)), []byte("\n\n"))
			b.ReportAllocs()
			for b.Loop() {
				c, _ := bench.svc.Open(context.Background(), requestHead())
				c.RequestBody([]byte(streamRequest))
				c.ResponseHeaders(responseHead("200", "text/event-stream"))
				for i, event := range events {
					c.ResponseBody(event, i == len(events)-1)
				}
				c.Close(true, nil)
				bench.rec.records = bench.rec.records[:0]
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
		})
	}
}

// BenchmarkRequest reads and judges a request with fifty tools, each with its
// schema.
func BenchmarkRequest(b *testing.B) {
	tool := `{"type":"function","function":{"name":"look_up_weather","description":"Looks up the weather of a place.","parameters":{"type":"object","properties":{"place":{"type":"string","description":"The name of a town or region, such as Lake District."},"unit":{"type":"string","enum":["celsius","fahrenheit"],"description":"The unit of the answer."}},"required":["place"],"additionalProperties":false}}}`
	body := []byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"` + strings.Repeat("Tell me of bridges. ", 50) + `"}],"tools":[` + strings.TrimSuffix(strings.Repeat(tool+",", 50), ",") + `]}`)
	bench := newBench(b, rules{request: redactAll})
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		c, _ := bench.svc.Open(context.Background(), requestHead())
		c.RequestBody(body)
		c.Close(true, nil)
		bench.rec.records = bench.rec.records[:0]
	}
}

// BenchmarkHostileRequest grows what is looked at of a request in all ways that a
// client has: stop sequences, tools, unknown members and escapes, all with values.
// Its time is to grow with the request.
func BenchmarkHostileRequest(b *testing.B) {
	for _, n := range []int{500, 4000} {
		many := func(s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
		var stops strings.Builder
		for i := range n {
			fmt.Fprintf(&stops, `"u%d@corp.example",`, i)
		}
		body := []byte(`{"model":"m","stop":[` + strings.TrimSuffix(stops.String(), ",") + `],"messages":[{"role":"user","content":"` + strings.Repeat(`a\\u0040b.example, u@corp.example `, n) + `"},` + many(`{"role":"user","content":"x","more":"ann@corp.example"}`) + `],"tools":[` + many(`{"type":"function","function":{"name":"f","parameters":{"a":"ann@corp.example"}}}`) + `]}`)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bench := newBench(b, rules{request: redactAll})
			bench.snap.Settings.MaxRequestBody = len(body)
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				c, _ := bench.svc.Open(context.Background(), requestHead())
				if v := c.RequestBody(body); v.Reply != nil {
					b.Fatalf("%s", v.Reply.Body)
				}
				c.Close(true, nil)
				bench.rec.records = bench.rec.records[:0]
			}
		})
	}
}
