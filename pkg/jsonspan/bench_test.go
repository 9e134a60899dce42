package jsonspan

import (
	"fmt"
	"strings"
	"testing"
)

const prose = "The quick brown fox jumps over the lazy dog, and then it explains why: because the dog was lazy. "

// chatBody is a chat request of about n bytes: messages of prose with escaped
// line ends and quotes, tools and parameters.
func chatBody(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"model":"gpt-4o-mini","stream":true,"temperature":0.7,"max_tokens":1024,"messages":[{"role":"system","content":"You are helpful."}`)
	for i := 0; b.Len() < n-600; i++ {
		fmt.Fprintf(&b, `,{"role":"%s","content":"`, []string{"user", "assistant"}[i%2])
		for range min(12, 1+(n-600-b.Len())/(2*len(prose))) {
			b.WriteString(prose + prose + `\nHe said \"yes\".`)
		}
		b.WriteString(`"}`)
	}
	b.WriteString(`],"tools":[{"type":"function","function":{"name":"get_weather","description":"Weather of a place","parameters":{"type":"object","properties":{"city":{"type":"string"},"unit":{"type":"string","enum":["c","f"]}},"required":["city"]}}}],"user":"u-1"}`)
	return []byte(b.String())
}

// event is a stream's typical payload.
var event = []byte(`{"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}]}`)

func documents() map[string][]byte {
	image := append([]byte(`{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,`), []byte(strings.Repeat("iVBORw0KGgoAAAANSUhEUgAA", 4<<20/24))...)
	return map[string][]byte{
		"event":     event,
		"chat4K":    chatBody(4 << 10),
		"chat64K":   chatBody(64 << 10),
		"chinese64": []byte(`{"content":"` + strings.Repeat("今天的天气非常好，我们去公园散步吧。", 64<<10/54) + `"}`),
		"floats":    []byte(`{"embedding":[` + strings.Repeat("0.0123456,-0.98765432,", 3000) + `0]}`),
		"image4M":   append(image, `"}}]}]}`...),
	}
}

func BenchmarkValidate(b *testing.B) {
	for name, doc := range documents() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Validate(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMessages walks a chat body the way a dialect does: model, and each
// message's role and content.
func BenchmarkMessages(b *testing.B) {
	for _, name := range []string{"chat4K", "chat64K", "image4M"} {
		doc := documents()[name]
		root, err := Parse(doc)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for k, v := range root.Members() {
					switch {
					case k.Is("model"), k.Is("stream"):
						n += v.Range().Len()
					case k.Is("messages"):
						for _, msg := range v.Elements() {
							if msg.Get("role").StrIs("user") {
								n += msg.Get("content").Inner().Len()
							}
						}
					}
				}
			}
			if n == 0 {
				b.Fatal("nothing found")
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for name, doc := range documents() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEventPath(b *testing.B) {
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		if !Root(event).Get("choices").Exists() {
			b.Fatal("no choices")
		}
	}
}
