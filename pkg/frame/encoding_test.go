package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// flushWriter is what all compressors can do.
type flushWriter interface {
	io.WriteCloser
	Flush() error
}

// compressors are the encodings a stream may come in, deflate in both spellings.
var compressors = map[string]func(io.Writer) flushWriter{
	"gzip":    func(w io.Writer) flushWriter { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) flushWriter { return zlib.NewWriter(w) },
	"br":      func(w io.Writer) flushWriter { return brotli.NewWriter(w) },
	"DEFLATE": func(w io.Writer) flushWriter {
		f, err := flate.NewWriter(w, 6)
		if err != nil {
			panic(err)
		}
		return f
	},
	"zstd": func(w io.Writer) flushWriter {
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		return z
	},
}

func decompressAll(t testing.TB, encoding string, chunks [][]byte, opts ...DecompressorOption) ([]byte, error) {
	t.Helper()
	d, err := NewDecompressor(encoding, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var out []byte
	emit := func(b []byte) error { out = append(out, b...); return nil }
	for _, c := range chunks {
		c = bytes.Clone(c)
		if err := d.Push(c, emit); err != nil {
			return out, err
		}
		clear(c)
	}
	return out, d.Finish(emit)
}

func text(n int) []byte {
	rng := rand.New(rand.NewPCG(8, 9))
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "data: {\"id\":%d,\"delta\":{\"content\":\"word %x\"}}\n\n", len(b), rng.Uint32())
	}
	return b
}

// TestEncodings reads each encoding, single and stacked, in pieces of all sizes.
func TestEncodings(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 11))
	body := text(100_000)
	for _, enc := range []string{"gzip", "x-gzip", "deflate", "br", "zstd", "gzip, br", "Zstd,gzip ,deflate", "identity", "", "identity, gzip"} {
		for _, plain := range [][]byte{body, body[:1], nil} {
			c, err := Compress(enc, plain)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := Decompress(enc, c, int64(len(plain))); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: %d bytes of %d, %v", enc, len(got), len(plain), err)
			}
			for _, size := range []int{1, 100, len(c) + 1} {
				got, err := decompressAll(t, enc, cut(rng, c, size))
				if err != nil || !bytes.Equal(got, plain) {
					t.Errorf("%s in pieces of %d: %d bytes of %d, %v", enc, size, len(got), len(plain), err)
				}
			}
		}
	}
}

// TestPromptEncodings flushes an encoder after each event: the event is there
// with the bytes that the flush made.
func TestPromptEncodings(t *testing.T) {
	for enc, writer := range compressors {
		var wire bytes.Buffer
		w := writer(&wire)
		d, err := NewDecompressor(enc)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		emit := func(b []byte) error { got = append(got, b...); return nil }
		body := text(40_000)
		for i := 0; i < len(body); i += 100 {
			piece := body[i:min(len(body), i+100)]
			if _, err := w.Write(piece); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			err := d.Push(wire.Bytes(), emit)
			wire.Reset()
			if err != nil || len(got) != i+len(piece) {
				t.Fatalf("%s: %d bytes after %d, %v", enc, len(got), i+len(piece), err)
			}
		}
		if _, err := w.Write(body[:7]); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		body = append(body, body[:7]...)
		if err := d.Push(wire.Bytes(), emit); err != nil || len(got) != len(body) {
			t.Errorf("%s: %d bytes of %d before Finish, %v", enc, len(got), len(body), err)
		}
		if err := d.Finish(emit); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes, %v", enc, len(got), err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMembers reads a gzip file of two members, and one with a truncated second.
func TestMembers(t *testing.T) {
	one, err := Compress("gzip", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	two := append(bytes.Clone(one), one...)
	if got, err := decompressAll(t, "gzip", [][]byte{two}); err != nil || string(got) != "oneone" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := decompressAll(t, "gzip", [][]byte{two[:len(one)+5]}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("half a second member: %v", err)
	}
}

// TestBrokenEncodings cuts streams short, adds bytes and flips them.
func TestBrokenEncodings(t *testing.T) {
	body := text(5000)
	for _, enc := range []string{"gzip", "deflate", "br", "zstd", "br, gzip"} {
		c, err := Compress(enc, body)
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range map[string][]byte{
			"cut":     c[:len(c)-1],
			"head":    c[:1],
			"more":    append(bytes.Clone(c), 'x'),
			"garbage": []byte("this is no compressed body"),
		} {
			if _, err := Decompress(enc, bad, 1<<20); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s, %s: %v", enc, name, err)
			}
			for _, size := range []int{1, len(bad)} {
				if _, err := decompressAll(t, enc, cut(rand.New(rand.NewPCG(1, 1)), bad, size)); !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s, %s in pieces of %d: %v", enc, name, size, err)
				}
			}
		}
	}
	for _, enc := range []string{"compress", "gzip, gzip, gzip, gzip", "gzip;q=1"} {
		if _, err := NewDecompressor(enc); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %v", enc, err)
		}
		if _, err := Decompress(enc, nil, 1); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %v", enc, err)
		}
		if _, err := Compress(enc, nil); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %v", enc, err)
		}
	}
}

// TestBombs expands far beyond the bounds: what is emitted stays within them.
func TestBombs(t *testing.T) {
	zeros := make([]byte, 8<<20)
	for _, enc := range []string{"gzip", "deflate", "br", "zstd", "gzip, gzip"} {
		c, err := Compress(enc, zeros)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := decompressAll(t, enc, [][]byte{c}); !errors.Is(err, ErrTooLarge) || len(out) > 2<<20 {
			t.Errorf("%s: %d bytes of %d, %v", enc, len(out), len(c), err)
		}
		if out, err := decompressAll(t, enc, [][]byte{c}, MaxRatio(1<<40), MaxOutput(1000)); !errors.Is(err, ErrTooLarge) || len(out) > 1000 {
			t.Errorf("%s: %d bytes, %v", enc, len(out), err)
		}
		if out, err := decompressAll(t, enc, [][]byte{c}, MaxRatio(1<<40)); err != nil || len(out) != len(zeros) {
			t.Errorf("%s without a ratio: %d bytes, %v", enc, len(out), err)
		}
		if _, err := Decompress(enc, c, int64(len(zeros))-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, whole: %v", enc, err)
		}
	}
	var wide bytes.Buffer
	w, err := zstd.NewWriter(&wide, zstd.WithWindowSize(16<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, io.LimitReader(rand.NewChaCha8([32]byte{}), 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := decompressAll(t, "zstd", [][]byte{wide.Bytes()}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("zstd window of 16 MiB: %v", err)
	}
	if _, err := decompressAll(t, "", [][]byte{zeros}, MaxOutput(1000)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("identity: %v", err)
	}
}

// TestClose stops in the middle, before the start and twice; goleak sees what is
// left running.
func TestClose(t *testing.T) {
	c, err := Compress("gzip", text(5000))
	if err != nil {
		t.Fatal(err)
	}
	emit := func([]byte) error { return nil }
	for _, n := range []int{0, 1, 50, len(c)} {
		d, err := NewDecompressor("gzip")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Push(c[:n], emit); err != nil {
			t.Fatal(err)
		}
		_ = d.Close()
		_ = d.Close()
		if d.Push(c[n:], emit) == nil || d.Finish(emit) == nil {
			t.Errorf("closed after %d bytes and goes on", n)
		}
	}
	stop := errors.New("stop")
	d, err := NewDecompressor("gzip")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Push(c, func([]byte) error { return stop }); err != stop {
		t.Errorf("error of emit: %v", err)
	}
}

func FuzzDecompressor(f *testing.F) {
	names := []string{"gzip", "deflate", "br", "zstd", "br, gzip"}
	for i, enc := range names {
		c, err := Compress(enc, text(300))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c, uint8(i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8, seed uint64) {
		enc := names[int(which)%len(names)]
		limit := MaxOutput(1 << 20)
		whole, err := decompressAll(t, enc, [][]byte{data}, limit)
		again, err2 := decompressAll(t, enc, cut(rand.New(rand.NewPCG(seed, 0)), data, 7), limit)
		if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(whole, again) {
			t.Fatalf("%s: %d bytes, %v; in pieces %d bytes, %v", enc, len(whole), err, len(again), err2)
		}
	})
}
