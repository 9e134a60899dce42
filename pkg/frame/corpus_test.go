package frame

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a stream of the corpus.
type sample struct {
	name string
	kind Kind
	data []byte
}

// corpus reads testdata/<kind>/<name>.txt, lines of Go-quoted bytes, and adds the
// AWS event streams, which the tests make.
func corpus(t testing.TB) []sample {
	t.Helper()
	var all []sample
	for dir, kind := range map[string]Kind{"sse": SSE, "ndjson": NDJSON, "array": JSONArray} {
		paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txt"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no samples in testdata/%s: %v", dir, err)
		}
		for _, p := range paths {
			all = append(all, sample{strings.TrimSuffix(p, ".txt"), kind, unquoted(t, p)})
		}
	}
	all = append(all, sample{"testdata/aws/bedrock", AWSEventStream, bedrockStream()})
	all = append(all, sample{"testdata/aws/truncated", AWSEventStream, bedrockStream()[:200]})
	all = append(all, sample{"testdata/aws/vectors", AWSEventStream, awsVectors(t)})
	return all
}

func unquoted(t testing.TB, path string) (data []byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		s, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%s: %s: %v", path, line, err)
		}
		data = append(data, s...)
	}
	return data
}

func bedrockStream() (b []byte) {
	headers := func(event string) [][2]string {
		return [][2]string{{":event-type", event}, {":content-type", "application/json"}, {":message-type", "event"}}
	}
	b = AppendAWS(b, headers("messageStart"), []byte(`{"role":"assistant"}`))
	b = AppendAWS(b, headers("contentBlockDelta"), []byte(`{"contentBlockIndex":0,"delta":{"text":"Hi"}}`))
	b = AppendAWS(b, headers("chunk"), []byte(`{"bytes":"eyJ0eXBlIjoicGluZyJ9","p":"abcdef"}`))
	b = AppendAWS(b, [][2]string{{":exception-type", "throttlingException"}, {":message-type", "exception"}}, []byte(`{"message":"slow down"}`))
	b = AppendAWS(b, [][2]string{{":error-code", "InternalFailure"}, {":message-type", "error"}}, nil)
	return AppendAWS(b, headers("metadata"), nil)
}

// awsVectors are messages published with the AWS SDKs, and one with a header of
// each type made by hand.
func awsVectors(t testing.TB) (b []byte) {
	t.Helper()
	for _, s := range []string{
		"00000010 00000000 05c248eb 7d98c8ff",
		"0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936",
		"0000002d 00000010 41c424b8 0a6576656e742d74797065 04 0000a00c 7b27666f6f273a27626172277d 36f480a0",
		"0000003d 00000020 07fd8396 0c636f6e74656e742d74797065 07 0010 6170706c69636174696f6e2f6a736f6e 7b27666f6f273a27626172277d 8d9c08b1",
	} {
		v, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, v...)
	}
	return append(b, allHeaders()...)
}

func allHeaders() []byte {
	var h []byte
	add := func(name string, kind byte, value ...byte) {
		h = append(append(h, byte(len(name))), name...)
		h = append(append(h, kind), value...)
	}
	add("true", 0)
	add("false", 1)
	add("byte", 2, 0xFE)
	add("short", 3, 0xFF, 0xFE)
	add("int", 4, 0, 0, 0x01, 0x00)
	add("long", 5, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	add("bytes", 6, 0, 3, 1, 2, 3)
	add("string", 7, 0, 2, 'o', 'k')
	add("time", 8, 0, 0, 0, 0, 0, 0, 0, 9)
	add("uuid", 9, []byte("0123456789abcdef")...)
	add(":event-type", 7, 0, 3, 'a', 'l', 'l')
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(h)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(h)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(b, h...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

var kindNames = map[EventKind]string{Data: "data", None: "none", Done: "done", Exception: "exception"}

// describe is an event in one line, its frame included.
func describe(e *Event) string {
	return fmt.Sprintf("%s %q payload %q raw %q", kindNames[e.Kind], e.Name, e.Payload, e.Raw)
}

// events decodes chunks; where the stream is corrupt, what Flush gives is the rest.
func events(t testing.TB, kind Kind, chunks ...[]byte) (out []*Event, failed error) {
	t.Helper()
	d := New(kind)
	var copied Event // by CloneTo, over and over
	emit := func(e *Event) error {
		out = append(out, e.Clone())
		if e.CloneTo(&copied); describe(&copied) != describe(e) {
			t.Fatalf("copy of %s is %s", describe(e), describe(&copied))
		}
		return nil
	}
	var input []byte
	for _, c := range chunks {
		before := d.Buffered()
		c = bytes.Clone(c)
		err := d.Push(c, emit)
		if failed != nil {
			if err != failed || d.Buffered() != before {
				t.Fatalf("push after %v: %v, %d bytes more", failed, err, d.Buffered()-before)
			}
			continue
		}
		failed = err
		input = append(input, c...)
		clear(c) // a chunk is not kept
	}
	if err := d.Flush(emit); err != nil {
		t.Fatal(err)
	}
	var raw []byte
	for _, e := range out {
		raw = append(raw, e.Raw...)
		if len(e.Raw) == 0 {
			t.Fatal("event without bytes")
		}
	}
	if !bytes.Equal(raw, input) {
		t.Fatalf("events are of %q, pushed %q", raw, input)
	}
	if d.Buffered() != 0 {
		t.Fatalf("%d bytes buffered after Flush", d.Buffered())
	}
	return out, failed
}

func lines(evs []*Event) string {
	var b strings.Builder
	for _, e := range evs {
		b.WriteString(describe(e) + "\n")
	}
	return b.String()
}

// TestCorpus compares the events of each sample with its golden file.
func TestCorpus(t *testing.T) {
	for _, s := range corpus(t) {
		evs, err := events(t, s.kind, s.data)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		golden := s.name + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(lines(evs)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(evs); got != string(want) {
			t.Errorf("%s:\n%swant\n%s", s.name, got, want)
		}
	}
}
