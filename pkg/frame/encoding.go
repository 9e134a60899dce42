package frame

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Bounds on what a compressed body expands to.
const (
	// DefaultMaxOutput bounds the plain bytes of a whole stream.
	DefaultMaxOutput = 256 << 20
	// DefaultMaxRatio bounds plain bytes to each compressed one, once there are
	// more than a MiB of them. Chat bodies reach about 20, deflate at most 1030,
	// br and zstd hundreds of thousands.
	DefaultMaxRatio = 200

	ratioSlack   = 1 << 20
	maxEncodings = 3
	maxWindow    = 8 << 20 // zstd; RFC 8878 asks decoders for 8 MiB, RFC 9659 fixes it for HTTP
)

// ErrEncoding is wrapped where a Content-Encoding is not known.
var ErrEncoding = errors.New("unsupported content-encoding")

// Decompressor undoes a Content-Encoding, chunk by chunk. Not safe for concurrent
// use.
type Decompressor interface {
	// Push reads a chunk and calls emit with the plain bytes that it completes:
	// all that the bytes so far decode to, as far as their encoder flushed them.
	// They are valid during emit only, and the chunk is not kept. Errors wrap
	// [ErrTooLarge] at a bound and [ErrCorrupt] where the bytes are no such
	// encoding, and stay: later calls return them too.
	Push(chunk []byte, emit func([]byte) error) error
	// Finish ends the stream: what is left is emitted; a stream that breaks off
	// is corrupt.
	Finish(emit func([]byte) error) error
	// Close frees what the decompressor holds. It must be called, also after
	// Finish; calling it twice does nothing.
	Close() error
}

// DecompressorOption sets up a [Decompressor].
type DecompressorOption func(*limits)

// MaxOutput bounds the plain bytes of the whole stream.
func MaxOutput(n int64) DecompressorOption { return func(l *limits) { l.output = n } }

// MaxRatio bounds the plain bytes to each compressed one, once there are more
// than a MiB of them.
func MaxRatio(n int64) DecompressorOption { return func(l *limits) { l.ratio = n } }

// limits counts what goes in and out.
type limits struct {
	output, ratio int64
	in, out       int64
}

func (l *limits) add(n int) error {
	l.out += int64(n)
	if l.out > l.output {
		return fmt.Errorf("body expands to more than %d bytes: %w", l.output, ErrTooLarge)
	}
	if l.out > ratioSlack && l.out/l.ratio > l.in {
		return fmt.Errorf("body expands to more than %d times its size: %w", l.ratio, ErrTooLarge)
	}
	return nil
}

// NewDecompressor returns a decompressor for the value of a Content-Encoding
// header: gzip, x-gzip, deflate (zlib or raw), br, zstd, identity, or a list of
// up to three of them in the order they were applied.
func NewDecompressor(encoding string, opts ...DecompressorOption) (Decompressor, error) {
	layers, err := encodings(encoding)
	if err != nil {
		return nil, err
	}
	l := limits{output: DefaultMaxOutput, ratio: DefaultMaxRatio}
	for _, o := range opts {
		o(&l)
	}
	if len(layers) == 0 {
		return &plain{l}, nil
	}
	d := &decompressor{limits: l, layers: layers}
	d.next, d.stop = iter.Pull(d.run)
	return d, nil
}

// encodings are the layers to undo, the outermost first.
func encodings(header string) ([]string, error) {
	var layers []string
	for name := range strings.SplitSeq(header, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name {
		case "", "identity":
			continue
		case "x-gzip":
			name = "gzip"
		case "gzip", "deflate", "br", "zstd":
		default:
			return nil, fmt.Errorf("%w %q", ErrEncoding, name)
		}
		layers = append([]string{name}, layers...)
	}
	if len(layers) > maxEncodings {
		return nil, fmt.Errorf("%w: %d layers, at most %d", ErrEncoding, len(layers), maxEncodings)
	}
	return layers, nil
}

type plain struct{ limits }

func (p *plain) Push(chunk []byte, emit func([]byte) error) error {
	p.in += int64(len(chunk))
	if err := p.add(len(chunk)); err != nil || len(chunk) == 0 {
		return err
	}
	return emit(chunk)
}

func (p *plain) Finish(func([]byte) error) error { return nil }

func (p *plain) Close() error { return nil }

// decompressor runs the readers of the layers in a coroutine: their source yields
// where it has no more bytes, and goes on with the next chunk.
type decompressor struct {
	limits
	layers []string
	next   func() ([]byte, bool) // plain bytes; none where the source is empty
	stop   func()
	yield  func([]byte) bool
	chunk  []byte
	ended  bool // no more chunks
	done   bool // run has returned
	err    error
}

var errClosed = errors.New("decompressor is closed")

// Read is the source of the outermost layer.
func (d *decompressor) Read(p []byte) (int, error) {
	for len(d.chunk) == 0 {
		if d.ended {
			return 0, io.EOF
		}
		if !d.yield(nil) {
			return 0, errClosed
		}
	}
	n := copy(p, d.chunk)
	d.chunk = d.chunk[n:]
	return n, nil
}

// run is the coroutine.
func (d *decompressor) run(yield func([]byte) bool) {
	d.yield = yield
	var s stack
	defer s.close()
	r, err := s.open(d, d.layers)
	buf := make([]byte, 16<<10)
	for err == nil {
		var n int
		n, err = r.Read(buf)
		if n > 0 && !yield(buf[:n]) {
			return
		}
	}
	if err == io.EOF {
		err = s.end()
	}
	if err != nil {
		d.err = corrupt(err)
	}
}

func corrupt(err error) error {
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

func (d *decompressor) Push(chunk []byte, emit func([]byte) error) error {
	if d.err != nil {
		return d.err
	}
	d.in += int64(len(chunk))
	d.chunk = chunk
	err := d.drain(emit)
	d.chunk = nil
	if err != nil {
		d.err = err
	}
	return err
}

// drain emits until the source is empty and wants more.
func (d *decompressor) drain(emit func([]byte) error) error {
	for !d.done {
		out, ok := d.next()
		if !ok {
			d.done = true
			return d.err
		}
		if out == nil {
			return nil
		}
		if err := d.add(len(out)); err != nil {
			return err
		}
		if err := emit(out); err != nil {
			return err
		}
	}
	return nil
}

func (d *decompressor) Finish(emit func([]byte) error) error {
	if d.err != nil || d.in == 0 {
		return d.err
	}
	d.ended = true
	if err := d.drain(emit); err != nil {
		d.err = err
	}
	return d.err
}

func (d *decompressor) Close() error {
	d.stop()
	if d.done = true; d.err == nil {
		d.err = errClosed
	}
	return nil
}

// stack is the readers that undo the layers, and what each reads from.
type stack struct {
	sources []*bufio.Reader
	free    []func()
}

// open returns the reader of the plain bytes. It may read from src.
func (s *stack) open(src io.Reader, layers []string) (io.Reader, error) {
	for _, name := range layers {
		in := bufio.NewReaderSize(src, 4<<10)
		r, free, err := layer(in, name)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		src = r
		s.sources, s.free = append(s.sources, in), append(s.free, free)
	}
	return src, nil
}

// end reports bytes behind the end of a layer, which another reader could take
// for more of the body.
func (s *stack) end() error {
	for _, in := range s.sources {
		if _, err := in.ReadByte(); err == nil {
			return errors.New("bytes behind the end of the compressed body")
		} else if err != io.EOF {
			return err
		}
	}
	return nil
}

func (s *stack) close() {
	for _, free := range s.free {
		free()
	}
}

// Readers are large; they are used again.
var gzips, inflaters, brotlis, zstds sync.Pool

// layer returns the reader of one layer, and what gives it back.
func layer(src *bufio.Reader, name string) (r io.Reader, free func(), err error) {
	switch name {
	case "gzip":
		return gunzip(src)
	case "br":
		r, ok := brotlis.Get().(*brotli.Reader)
		if !ok {
			r = new(brotli.Reader)
		}
		return r, func() { brotlis.Put(r) }, r.Reset(src)
	case "zstd":
		return unzstd(src)
	}
	return inflate(src)
}

// members reads the members of a gzip file one by one. The library would look for
// a next member before it gives the last bytes of the one before.
type members struct {
	in    *bufio.Reader
	r     *gzip.Reader
	ended bool // the member r has read
}

func gunzip(src *bufio.Reader) (io.Reader, func(), error) {
	r, ok := gzips.Get().(*gzip.Reader)
	if !ok {
		r = new(gzip.Reader)
	}
	m := &members{in: src, r: r}
	return m, func() { gzips.Put(r) }, m.open()
}

func (m *members) open() error {
	if err := m.r.Reset(m.in); err != nil {
		return err
	}
	m.r.Multistream(false)
	m.ended = false
	return nil
}

func (m *members) Read(p []byte) (int, error) {
	if m.ended {
		if _, err := m.in.Peek(1); err != nil {
			return 0, err
		}
		if err := m.open(); err != nil {
			return 0, err
		}
	}
	n, err := m.r.Read(p)
	if err == io.EOF {
		m.ended, err = true, nil
	}
	return n, err
}

func unzstd(src *bufio.Reader) (io.Reader, func(), error) {
	r, ok := zstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		r, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
	}
	free := func() {
		if r.Reset(nil) == nil {
			zstds.Put(r)
		}
	}
	return r, free, r.Reset(src)
}

// inflate reads deflate as RFC 9110 means it, in zlib's frame, and as many senders
// do, without it.
func inflate(src *bufio.Reader) (io.Reader, func(), error) {
	head, err := src.Peek(2)
	if err != nil {
		return nil, nil, err
	}
	if head[0]&0x0F == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		r, err := zlib.NewReader(src)
		return r, func() {}, err
	}
	r, ok := inflaters.Get().(io.ReadCloser)
	if !ok {
		r = flate.NewReader(src)
	}
	return r, func() { inflaters.Put(r) }, r.(flate.Resetter).Reset(src, nil)
}

// Decompress undoes the Content-Encoding of a whole body that expands to at most
// max bytes. A body that isn't encoded, or is empty, is returned as it is.
func Decompress(encoding string, body []byte, max int64) ([]byte, error) {
	layers, err := encodings(encoding)
	if err != nil || len(layers) == 0 || len(body) == 0 {
		return body, err
	}
	var s stack
	defer s.close()
	r, err := s.open(bytes.NewReader(body), layers)
	if err != nil {
		return nil, corrupt(err)
	}
	var out bytes.Buffer
	n, err := out.ReadFrom(io.LimitReader(r, max+1))
	if n > max {
		return nil, fmt.Errorf("body expands to more than %d bytes: %w", max, ErrTooLarge)
	}
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, corrupt(err)
	}
	return out.Bytes(), nil
}

// Compress applies a Content-Encoding to a whole body, at each encoding's fast
// setting.
func Compress(encoding string, body []byte) ([]byte, error) {
	layers, err := encodings(encoding)
	if err != nil {
		return nil, err
	}
	for i := len(layers) - 1; i >= 0; i-- {
		if body, err = compress(layers[i], body); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func compress(name string, body []byte) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch name {
	case "gzip":
		w, err = gzip.NewWriterLevel(&out, gzip.BestSpeed)
	case "deflate":
		w, err = zlib.NewWriterLevel(&out, zlib.BestSpeed)
	case "br":
		w = brotli.NewWriterLevel(&out, 3)
	case "zstd":
		w, err = zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
