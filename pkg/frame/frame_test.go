package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSplits cuts each sample at each place, in random pieces and into bytes: the
// events are those of the whole.
func TestSplits(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range corpus(t) {
		whole, _ := events(t, s.kind, s.data)
		check := func(chunks ...[]byte) {
			t.Helper()
			if got, _ := events(t, s.kind, chunks...); lines(got) != lines(whole) {
				t.Fatalf("%s in %q:\n%swant\n%s", s.name, chunks, lines(got), lines(whole))
			}
		}
		for i := range s.data {
			check(s.data[:i], s.data[i:])
		}
		for range 50 {
			check(cut(rng, s.data, 1+rng.IntN(40))...)
		}
		check(cut(rng, s.data, 1)...)
	}
}

// cut cuts data into random pieces of at most n bytes, some of them empty.
func cut(rng *rand.Rand, data []byte, n int) (chunks [][]byte) {
	for len(data) > 0 {
		k := min(len(data), rng.IntN(n+1))
		chunks, data = append(chunks, data[:k]), data[k:]
	}
	return chunks
}

// TestRebuild puts each event's own payload in its frame, which gives the frame
// back, and then another payload.
func TestRebuild(t *testing.T) {
	for _, s := range corpus(t) {
		whole, _ := events(t, s.kind, s.data)
		for _, e := range whole {
			if same := e.Rebuild([]byte("x"), e.Payload); string(same) != "x"+string(e.Raw) {
				t.Errorf("%s: %s rebuilt is %q", s.name, describe(e), same)
			}
			if e.Kind == None || s.kind == JSONArray {
				continue
			}
			if e.multi {
				again := one(t, s.kind, e.rebuildLines(nil, e.Payload))
				if string(again.Payload) != string(e.Payload) || again.Name != e.Name {
					t.Errorf("%s: %s in lines is %s", s.name, describe(e), describe(again))
				}
			}
			other := []byte(`{"other":"payload, longer than some"}`)
			again := one(t, s.kind, e.Rebuild(nil, other))
			if !bytes.Equal(again.Payload, other) || again.Name != e.Name || again.Header(":content-type") != e.Header(":content-type") {
				t.Errorf("%s: %s with %s: %s", s.name, describe(e), other, describe(again))
			}
		}
	}
}

// one decodes a frame that stands alone.
func one(t *testing.T, kind Kind, raw []byte) *Event {
	t.Helper()
	evs, err := events(t, kind, raw)
	if err != nil || len(evs) != 1 {
		t.Fatalf("%q is %d events, %v", raw, len(evs), err)
	}
	return evs[0]
}

// TestRebuildArray replaces each element of an array: the rest of the stream is
// what it was.
func TestRebuildArray(t *testing.T) {
	in := "[{\"a\":1}\n,\r\n{\"b\":2} , 3 ]\n"
	evs, _ := events(t, JSONArray, []byte(in))
	var out []byte
	for _, e := range evs {
		if e.Kind == Data {
			out = e.Rebuild(out, []byte(`{}`))
		} else {
			out = append(out, e.Raw...)
		}
	}
	if want := "[{}\n,\r\n{} , {} ]\n"; string(out) != want {
		t.Errorf("%q, want %q", out, want)
	}
}

func TestRebuildSSE(t *testing.T) {
	for _, c := range []struct{ raw, payload, want string }{
		{"event: a\ndata: x\nid: 1\n\n", "y", "event: a\ndata: y\nid: 1\n\n"},
		{"data:x\r\n\r\n", " y", "data:  y\r\n\r\n"},
		{"data: x\r\nid: 1\r\n\r\n", "1\n2\r\n3\r4", "data: 1\r\ndata: 2\r\ndata: 3\r\ndata: 4\r\nid: 1\r\n\r\n"},
		{"data:1\nid: 1\ndata: 2\n\n", "x", "data:x\nid: 1\n\n"},
		{"data:1\ndata:2\n\n", " x\n y", "data:  x\ndata:  y\n\n"},
		{"data: 1\ndata: 2\n\n", "", "data: \n\n"},
		{": ping\n\n", "x", ": ping\ndata: x\n\n"},
		{": ping", "x", ": ping\ndata: x\n"},
		{": ping\n", "", ": ping\n"},
		{"\n", "x", "data: x\n\n"},
		{"data\n\n", "x", "data: x\n\n"},
		{"data: x", "1\n2", "data: 1\ndata: 2\n"},
		{"\xEF\xBB\xBFdata: 1\rdata: 2\r\r", "x\ny", "\xEF\xBB\xBFdata: x\rdata: y\r\r"},
	} {
		evs, _ := events(t, SSE, []byte(c.raw))
		got := evs[0].Rebuild(nil, []byte(c.payload))
		if string(got) != c.want {
			t.Errorf("%q with %q: %q, want %q", c.raw, c.payload, got, c.want)
		}
	}
}

func TestRebuildNDJSON(t *testing.T) {
	e := one(t, NDJSON, []byte(" {\"a\":1} \r\n"))
	if got := string(e.Rebuild(nil, []byte("{\n\"b\":\r\n2}"))); got != " { \"b\":  2} \r\n" {
		t.Errorf("%q", got)
	}
}

func TestAppend(t *testing.T) {
	for _, c := range []struct{ got, want []byte }{
		{AppendSSE([]byte("x"), "error", []byte("{\n}")), []byte("xevent: error\ndata: {\ndata: }\n\n")},
		{AppendSSE(nil, "", []byte("[DONE]")), []byte("data: [DONE]\n\n")},
		{AppendNDJSON(nil, []byte("{\n}")), []byte("{ }\n")},
		{AppendAWS(nil, nil, nil), awsVectors(t)[:16]},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	long := strings.Repeat("x", 70_000)
	e := one(t, AWSEventStream, AppendAWS(nil, [][2]string{{"k" + long, long}, {"z", "1"}}, []byte("p")))
	if e.Header("z") != "1" || len(e.Header("k"+long[:254])) != 65535 {
		t.Error("headers beyond their bounds are not cut")
	}
}

func TestHeader(t *testing.T) {
	e := one(t, AWSEventStream, allHeaders())
	for name, want := range map[string]string{
		"true": "true", "false": "false", "byte": "-2", "short": "-2", "int": "256", "long": "-1", "bytes": "\x01\x02\x03",
		"string": "ok", "time": "9", "uuid": "0123456789abcdef", "absent": "", ":event-type": "all",
	} {
		if got := e.Header(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if sse := one(t, SSE, []byte("event: x\n\n")); sse.Header("event") != "" {
		t.Error("an SSE event has a header")
	}
}

// TestCorrupt breaks a message of the AWS event stream: what came before it is
// emitted, what comes after it is kept.
func TestCorrupt(t *testing.T) {
	good := bedrockStream()
	first := int(binary.BigEndian.Uint32(good))
	for _, at := range []int{0, 4, 8, 14, first - 6, first - 1} {
		bad := bytes.Clone(good[:first])
		bad[at] ^= 1
		stream := append(append(bytes.Clone(good[:first]), bad...), good...)
		evs, err := events(t, AWSEventStream, stream)
		if !errors.Is(err, ErrCorrupt) || len(evs) != 2 || evs[0].Name != "messageStart" || evs[1].Kind != None {
			t.Errorf("byte %d: %v\n%s", at, err, lines(evs))
		}
		rng := rand.New(rand.NewPCG(7, uint64(at)))
		d, n := New(AWSEventStream), 0
		for _, c := range cut(rng, stream, 9) {
			if err = d.Push(c, func(*Event) error { n++; return nil }); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrCorrupt) || n != 1 {
			t.Errorf("byte %d in pieces: %v after %d events", at, err, n)
		}
	}
	prelude := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 20), 12)
	prelude = binary.BigEndian.AppendUint32(prelude, crc32.ChecksumIEEE(prelude))
	if _, err := events(t, AWSEventStream, prelude); !errors.Is(err, ErrCorrupt) {
		t.Errorf("headers longer than the message: %v", err)
	}
}

// TestTooLarge goes beyond the bound of one event, whole and in pieces.
func TestTooLarge(t *testing.T) {
	pad := strings.Repeat("x", 200)
	for kind, s := range map[Kind]string{
		SSE:            "data: 1\n\ndata: " + pad + "\n\ndata: 3\n\n",
		NDJSON:         "1\n\"" + pad + "\"\n3\n",
		JSONArray:      "[1,\"" + pad + "\",3]",
		AWSEventStream: string(AppendAWS(AppendAWS(nil, nil, []byte("1")), nil, []byte(pad))),
	} {
		for _, size := range []int{len(s), 50, 1} {
			d := New(kind, MaxEvent(100))
			var raw []byte
			n := 0
			emit := func(e *Event) error { n++; raw = append(raw, e.Raw...); return nil }
			var err error
			pushed := 0
			for i := 0; i < len(s) && err == nil; i += size {
				pushed = min(len(s), i+size)
				err = d.Push([]byte(s[i:pushed]), emit)
			}
			if !errors.Is(err, ErrTooLarge) || n != 1 {
				t.Errorf("%v in pieces of %d: %v after %d events", kind, size, err, n)
			}
			if err := d.Flush(emit); err != nil || string(raw) != s[:pushed] {
				t.Errorf("%v in pieces of %d: %q of %q, %v", kind, size, raw, s[:pushed], err)
			}
		}
	}
}

// TestEmitError stops in the middle of a chunk and goes on with the next.
func TestEmitError(t *testing.T) {
	stop := errors.New("stop")
	for _, split := range []int{0, 3, 9} {
		d, got := New(NDJSON), ""
		emit := func(e *Event) error {
			got += string(e.Payload)
			if string(e.Payload) == "2" {
				return stop
			}
			return nil
		}
		s := []byte("1\n2\n3\n4\n5")
		err := d.Push(s[:split], emit)
		if err == nil {
			err = d.Push(s[split:], emit)
		} else {
			_ = d.Push(s[split:], emit)
		}
		if err != stop {
			t.Errorf("cut at %d: %v", split, err)
		}
		if err := d.Flush(emit); err != nil || strings.Trim(got, "12") == got {
			t.Errorf("cut at %d: %q, %v", split, got, err)
		}
	}
}

// TestPrompt expects each event with its last byte, where the framing allows it.
func TestPrompt(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		chunks []string
	}{
		{SSE, []string{"data: 1\n\n", "data: 2\r\n\r\n", ": ping\n\n"}},
		{NDJSON, []string{"1\n", "{}\r\n"}},
		{JSONArray, []string{`[{"a":1}`, "\n,\n[]", `,"x"`, "]"}},
		{AWSEventStream, []string{string(AppendAWS(nil, nil, nil)), string(AppendAWS(nil, nil, []byte("x")))}},
	} {
		d := New(c.kind)
		for _, chunk := range c.chunks {
			n := 0
			if err := d.Push([]byte(chunk), func(*Event) error { n++; return nil }); err != nil || n != 1 || d.Buffered() != 0 {
				t.Errorf("%v: %q: %d events, %d bytes held, %v", c.kind, chunk, n, d.Buffered(), err)
			}
		}
	}
}

// TestLinear pushes a large event byte by byte: quadratic work would take minutes.
func TestLinear(t *testing.T) {
	size := 512 << 10
	if testing.Short() {
		size = 128 << 10
	}
	pad := strings.Repeat(`x\\ `, size/4)
	for kind, s := range map[Kind]string{
		SSE:            "data: " + pad + "\n\n",
		NDJSON:         "\"" + pad + "\"\n",
		JSONArray:      "[\"" + pad + "\"]",
		AWSEventStream: string(AppendAWS(nil, nil, []byte(pad))),
	} {
		d, n := New(kind), 0
		for i := range s {
			if err := d.Push([]byte(s[i:i+1]), func(*Event) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if n == 0 {
			t.Errorf("%v: no event", kind)
		}
	}
	crs := strings.Repeat("data: x\r\r", size/9)
	if evs, _ := events(t, SSE, []byte(crs)); len(evs) != size/9 {
		t.Errorf("%d events that end in CR, want %d", len(evs), size/9)
	}
}

func TestAllocations(t *testing.T) {
	for _, s := range corpus(t) {
		if s.kind == AWSEventStream && strings.HasSuffix(s.name, "vectors") {
			continue
		}
		d := New(s.kind)
		half := len(s.data) / 2
		emit := func(*Event) error { return nil }
		push := func() {
			_ = d.Push(s.data[:half], emit)
			_ = d.Push(s.data[half:], emit)
			_ = d.Flush(emit)
		}
		push()
		if n := testing.AllocsPerRun(50, push); n > 0 {
			t.Errorf("%s: %v allocations a stream", s.name, n)
		}
	}
}

func TestInternIsBounded(t *testing.T) {
	d := New(SSE)
	for i := range 1000 {
		if err := d.Push(fmt.Appendf(nil, "event: name-%d\n\n", i), func(e *Event) error {
			if e.Name != fmt.Sprintf("name-%d", i) {
				t.Errorf("%q", e.Name)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.(*decoder).parser.(*sse).seen); n != maxNames {
		t.Errorf("%d names kept, want %d", n, maxNames)
	}
}

func TestSniff(t *testing.T) {
	for _, c := range []struct {
		media, first string
		want         Kind
	}{
		{"text/event-stream; charset=utf-8", "", SSE},
		{"Text/Event-Stream", "{", SSE},
		{"application/x-ndjson", "", NDJSON},
		{"application/stream+json", "", NDJSON},
		{"application/jsonl", "", NDJSON},
		{"application/vnd.amazon.eventstream", "", AWSEventStream},
		{"application/json; charset=UTF-8", " \n[{", JSONArray},
		{"application/json", `{"a":1}`, 0},
		{"application/json", "", 0},
		{"application/json", "data: {", SSE},
		{"", "", 0},
		{"", "\xEF\xBB\xBFdata: x", SSE},
		{"text/plain", "event: x", SSE},
		{"", ": ping", SSE},
		{"", "id: 1", SSE},
		{"", "retry: 1", SSE},
		{"", `{"a":1}`, NDJSON},
		{"", "[1", JSONArray},
		{"application/octet-stream", string(bedrockStream()[:12]), AWSEventStream},
		{"", string(bedrockStream()[:11]), 0},
		{"text/html", "data: x", 0},
		{"", "hello", 0},
	} {
		kind, ok := Sniff(c.media, []byte(c.first))
		if ok != (c.want != 0) || ok && kind != c.want {
			t.Errorf("%q %q: %v %v, want %v", c.media, c.first, kind, ok, c.want)
		}
	}
}
