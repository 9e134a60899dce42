package detect

import (
	"bytes"
	"strings"
	"testing"
)

var cleanProse = []byte(strings.Repeat("The committee met on Tuesday to consider what the report had said about rivers, and it agreed with most of its conclusions. Nobody doubted that the water would rise again; how far was another question, which the engineers left open. ", 300))

func denseText() []byte {
	var b bytes.Buffer
	for range 20 {
		for _, p := range planted {
			b.WriteString(p.text)
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func benchScan(b *testing.B, text []byte) {
	s := newSet(b, Options{})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var out []Finding
	for b.Loop() {
		out = s.Scan(text, out[:0])
	}
}

func BenchmarkScanProse(b *testing.B) { benchScan(b, cleanProse) }
func BenchmarkScanDense(b *testing.B) { benchScan(b, denseText()) }

// BenchmarkIndexByte is the rate of memory, to compare with.
func BenchmarkIndexByte(b *testing.B) {
	b.SetBytes(int64(len(cleanProse)))
	for b.Loop() {
		bytes.IndexByte(cleanProse, 0)
	}
}

// BenchmarkPush4 is one push of four bytes of prose.
func BenchmarkPush4(b *testing.B) {
	st := newSet(b, Options{}).NewStream()
	var out []Finding
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		out, _ = st.Push(cleanProse[at:at+4], false, out[:0])
		if at += 4; at+4 > len(cleanProse) {
			at = 0
		}
	}
}
