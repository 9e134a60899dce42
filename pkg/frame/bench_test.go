package frame

import (
	"bytes"
	"testing"
)

// streams are a minute of each framing, in chunks as Envoy sends them.
func streams() map[string]struct {
	kind Kind
	data []byte
} {
	payload := []byte(`{"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}`)
	pretty := bytes.Repeat([]byte("{\n  \"candidates\": [\n    {\"content\": 1}\n  ]\n}\n"), 1)
	out := map[string]struct {
		kind Kind
		data []byte
	}{}
	add := func(name string, kind Kind, one []byte) {
		data := bytes.Repeat(one, 400)
		if kind == JSONArray {
			data = append([]byte("["), data...)
		}
		out[name] = struct {
			kind Kind
			data []byte
		}{kind, data}
	}
	add("sse", SSE, AppendSSE(nil, "", payload))
	add("sseNamed", SSE, AppendSSE(nil, "content_block_delta", payload))
	add("sseLines", SSE, AppendSSE(nil, "", pretty))
	add("ndjson", NDJSON, AppendNDJSON(nil, payload))
	add("array", JSONArray, append(bytes.Clone(payload), ",\r\n"...))
	add("aws", AWSEventStream, AppendAWS(nil, [][2]string{{":event-type", "contentBlockDelta"}, {":content-type", "application/json"}, {":message-type", "event"}}, payload))
	return out
}

func BenchmarkDecoder(b *testing.B) {
	for name, s := range streams() {
		for _, size := range []struct {
			name  string
			bytes int
		}{{"event", len(s.data) / 400}, {"16K", 16 << 10}, {"17B", 17}} {
			b.Run(name+"/"+size.name, func(b *testing.B) {
				d, n := New(s.kind), 0
				emit := func(*Event) error { n++; return nil }
				b.SetBytes(int64(len(s.data)))
				b.ReportAllocs()
				for b.Loop() {
					for rest := s.data; len(rest) > 0; {
						k := min(len(rest), size.bytes)
						if err := d.Push(rest[:k], emit); err != nil {
							b.Fatal(err)
						}
						rest = rest[k:]
					}
					_ = d.Flush(emit)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
			})
		}
	}
}

func BenchmarkRebuild(b *testing.B) {
	for name, s := range streams() {
		var first *Event
		_ = New(s.kind).Push(s.data, func(e *Event) error {
			if first == nil {
				first = e.Clone()
			}
			return nil
		})
		other := append(bytes.Clone(first.Payload), ' ')
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = first.Rebuild(buf[:0], other)
			}
		})
	}
}

func BenchmarkDecompressor(b *testing.B) {
	body := text(256 << 10)
	for _, enc := range []string{"gzip", "deflate", "br", "zstd"} {
		c, err := Compress(enc, body)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(enc, func(b *testing.B) {
			emit := func([]byte) error { return nil }
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := NewDecompressor(enc)
				if err != nil {
					b.Fatal(err)
				}
				for rest := c; len(rest) > 0; {
					k := min(len(rest), 4<<10)
					if err := d.Push(rest[:k], emit); err != nil {
						b.Fatal(err)
					}
					rest = rest[k:]
				}
				if err := d.Finish(emit); err != nil {
					b.Fatal(err)
				}
				_ = d.Close()
			}
		})
	}
}
