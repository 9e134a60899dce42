package frame

import (
	"bytes"
	"fmt"
	"testing"
)

func collect(t *testing.T, kind Kind, chunks ...[]byte) (events []string, raw []byte) {
	t.Helper()
	d := New(kind)
	emit := func(e *Event) error {
		events = append(events, fmt.Sprintf("%d %s %q %q", e.Kind, e.Name, e.Payload, e.Raw))
		raw = append(raw, e.Raw...)
		return nil
	}
	for _, c := range chunks {
		if err := d.Push(c, emit); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Flush(emit); err != nil {
		t.Fatal(err)
	}
	return events, raw
}

func TestSplits(t *testing.T) {
	streams := map[Kind]string{
		SSE:            ": hi\n\nevent: ping\r\ndata: {\"a\":1}\r\n\r\ndata:x\rdata: y\r\rdata: [DONE]\n\ndata: tail",
		NDJSON:         "{\"a\":1}\n\r\n {\"b\":2}\r\n{\"c\"",
		JSONArray:      "[{\"a\":\"}\\\"]\"}\r\n,\r\n{\"b\":[1,{}]} ,12, \"x\"\n]\n \n",
		AWSEventStream: string(AppendAWS(AppendAWS(nil, [][2]string{{":event-type", "chunk"}}, []byte(`{"a":1}`)), [][2]string{{":message-type", "exception"}, {":exception-type", "x"}}, nil)),
	}
	for kind, s := range streams {
		want, raw := collect(t, kind, []byte(s))
		if string(raw) != s {
			t.Errorf("%v: raw %q, want %q", kind, raw, s)
		}
		for i := range s {
			if got, _ := collect(t, kind, []byte(s[:i]), []byte(s[i:])); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v cut at %d:\n%v\nwant\n%v", kind, i, got, want)
			}
		}
		t.Log(want)
	}
}

func TestEncodings(t *testing.T) {
	body := bytes.Repeat([]byte("hello world, "), 5000)
	for _, enc := range []string{"gzip", "deflate", "br", "zstd", "gzip, br", "identity"} {
		c, err := Compress(enc, body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decompress(enc, c, 1<<20); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes, %v", enc, len(got), err)
		}
		d, err := NewDecompressor(enc)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		emit := func(b []byte) error { got = append(got, b...); return nil }
		for i := range c {
			if err := d.Push(c[i:i+1], emit); err != nil {
				t.Fatal(enc, err)
			}
		}
		if err := d.Finish(emit); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s by bytes: %d bytes, %v", enc, len(got), err)
		}
		d.Close()
	}
}
