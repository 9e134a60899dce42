// Package frame cuts byte streams into events, and leaves every byte where it
// was: SSE, NDJSON, JSON arrays, the AWS event stream, under any
// Content-Encoding.
//
// A [Decoder] takes chunks cut anywhere and gives whole events. The Raw bytes of
// all events, Flush's included, are the input bit for bit, and the events don't
// depend on where the chunks were cut; [Event.Rebuild] writes an event's frame
// with another payload. A [Decompressor] stands before it where the stream is
// compressed.
package frame

import (
	"errors"
	"fmt"
)

// Kind is a way to frame events.
type Kind uint8

// Kinds of framing.
const (
	// SSE is text/event-stream (WHATWG HTML, section 9.2).
	SSE Kind = iota + 1
	// NDJSON is one JSON text a line.
	NDJSON
	// JSONArray is one JSON array whose elements are the events, as Gemini
	// streams without alt=sse. A body of another value is one event.
	JSONArray
	// AWSEventStream is application/vnd.amazon.eventstream.
	AWSEventStream
	// Text is a body without events, such as a page: its events are the pieces it
	// comes in.
	Text
)

func (k Kind) String() string {
	return [...]string{"none", "sse", "ndjson", "json array", "aws event stream", "text"}[min(int(k), int(Text))]
}

// EventKind is what an event is to its reader.
type EventKind uint8

// Kinds of event.
const (
	Data      EventKind = iota
	None                // no payload: comments, pings without data, separators, bytes that are no event
	Done                // the payload is "[DONE]"
	Exception           // :message-type exception or error of the AWS event stream
)

// DefaultMaxEvent is the bound on one event's bytes where none is given.
const DefaultMaxEvent = 8 << 20

// ErrTooLarge is wrapped where an event or what a body expands to is beyond its
// bound.
var ErrTooLarge = errors.New("too large")

// ErrCorrupt is wrapped where bytes break their framing, so that no further
// event can be found.
var ErrCorrupt = errors.New("corrupt stream")

// Decoder finds the events of one stream. Not safe for concurrent use.
type Decoder interface {
	// Push reads a chunk and calls emit for each event it completes. Events and
	// their slices are valid during emit only, the chunk is not kept. An error
	// of emit ends Push and is returned; what follows the event stays buffered.
	// After an error of the stream itself, [ErrTooLarge] or [ErrCorrupt], the
	// events before it are emitted, all bytes from it on are buffered for Flush,
	// and Push takes no more: it returns the error and leaves the chunk alone.
	Push(chunk []byte, emit func(*Event) error) error
	// Flush ends the stream: an unterminated last event is emitted, or bytes that
	// are none as an event of kind [None]. The decoder is then as new. An error
	// of emit is returned.
	Flush(emit func(*Event) error) error
	// Buffered is the number of bytes held.
	Buffered() int
}

// Option sets up a [Decoder].
type Option func(*buffer)

// MaxEvent bounds one event's bytes, its frame included, and so what a decoder
// buffers: at most that and one chunk. The default is [DefaultMaxEvent].
func MaxEvent(n int) Option { return func(b *buffer) { b.max = n } }

// New returns a decoder of that kind of framing. An unknown kind is NDJSON.
func New(kind Kind, opts ...Option) Decoder {
	b := buffer{max: DefaultMaxEvent}
	for _, o := range opts {
		o(&b)
	}
	var p parser
	switch kind {
	case SSE:
		p = &sse{}
	case JSONArray:
		p = &array{}
	case AWSEventStream:
		p = &aws{}
	case Text:
		p, b.max = &pieces{}, max(b.max, maxPiece)
	default:
		p = &ndjson{}
	}
	p.reset()
	return &decoder{buffer: b, parser: p}
}

// parser finds events in bytes that begin with one. Offsets count from b[0].
type parser interface {
	// next reads the event that b begins with into ev and returns its length,
	// or 0 where b doesn't hold all of it. A call after 0 gets the same bytes
	// and more; a parser keeps what it has seen of them.
	next(b []byte, ev *Event) (int, error)
	// last is next for what is left at the end of the stream; b isn't empty.
	last(b []byte, ev *Event) int
	reset()
}

// buffer holds the bytes of the event that isn't complete.
type buffer struct {
	held []byte
	max  int
	err  error
}

type decoder struct {
	buffer
	parser parser
	ev     Event
}

// keptBuffer is how much memory a decoder keeps where nothing is buffered.
const keptBuffer = 64 << 10

func (d *decoder) Buffered() int { return len(d.held) }

func (d *decoder) Push(chunk []byte, emit func(*Event) error) error {
	if d.err != nil {
		return d.err
	}
	if len(d.held) == 0 {
		done, err := d.events(chunk, emit)
		d.hold(chunk[done:])
		return err
	}
	d.held = append(d.held, chunk...)
	done, err := d.events(d.held, emit)
	if done > 0 {
		d.hold(d.held[done:])
	}
	return err
}

// events emits the whole events in b and returns how many bytes they take.
func (d *decoder) events(b []byte, emit func(*Event) error) (done int, err error) {
	for done < len(b) {
		d.ev.clear()
		n, err := d.parser.next(b[done:], &d.ev)
		if err == nil && (n > d.max || n == 0 && len(b)-done > d.max) {
			err = fmt.Errorf("event of more than %d bytes: %w", d.max, ErrTooLarge)
		}
		if err != nil {
			d.err = err
			return done, err
		}
		if n == 0 {
			return done, nil
		}
		d.ev.Raw = b[done : done+n : done+n]
		done += n
		if err := emit(&d.ev); err != nil {
			return done, err
		}
	}
	return done, nil
}

// hold keeps rest, which may lie in d.held itself.
func (d *decoder) hold(rest []byte) {
	if len(rest) == 0 && cap(d.held) > keptBuffer {
		d.held = nil
		return
	}
	d.held = append(d.held[:0], rest...)
}

func (d *decoder) Flush(emit func(*Event) error) error {
	failed := d.err != nil
	d.err = nil
	defer d.parser.reset()
	for len(d.held) > 0 {
		b := d.held
		d.ev.clear()
		n := len(b)
		if failed {
			d.ev.Kind = None
		} else {
			n = d.parser.last(b, &d.ev)
		}
		d.ev.Raw = b[:n:n]
		err := emit(&d.ev)
		if d.hold(b[n:]); err != nil {
			return err
		}
	}
	return nil
}
