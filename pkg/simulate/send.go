package simulate

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// sse is one server-sent event with v as its data
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func sse(event string, v any) []byte {
	var b bytes.Buffer
	if event != "" {
		b.WriteString("event: " + event + "\n")
	}
	b.WriteString("data: ")
	b.Write(encode(v))
	b.WriteString("\n\n")
	return b.Bytes()
}

// encode is v as JSON, as providers write it: no escapes for HTML.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // maps, slices, strings and numbers always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	body := encode(v)
	w.Header().Set("content-type", "application/json")
	w.Header().Set("content-length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have left
}

// send answers as a document or as a stream.
func send(w http.ResponseWriter, in *incoming, p api, a *ask, r *answer, b behaviour) {
	h := w.Header()
	h.Set("x-request-id", "req_"+r.id)
	if p.headers != nil {
		p.headers(h, r)
	}
	if b.trailers {
		h.Set("trailer", "x-simulated-trailer")
	}
	if a.stream && p.events != nil {
		h.Set("content-type", p.stream)
		h.Set("cache-control", "no-cache")
		sendPieces(w, in.Context(), streamPieces(p, a, r, b), b)
	} else {
		h.Set("content-type", "application/json")
		pieces := documentPieces(p, a, r, b)
		if !b.gzip && !b.trailers {
			h.Set("content-length", strconv.Itoa(len(bytes.Join(pieces, nil))))
		}
		sendPieces(w, in.Context(), pieces, b)
	}
	if b.trailers {
		h.Set("x-simulated-trailer", "the-end")
	}
}

// streamPieces are the stream's events, misshapen as told.
func streamPieces(p api, a *ask, r *answer, b behaviour) [][]byte {
	events := p.events(a, r)
	if b.fail >= 0 && b.fail < len(events) && p.broken != nil {
		events = append(events[:b.fail:b.fail], p.broken("the simulated model broke"))
	}
	if b.malformed {
		last := events[len(events)/2]
		events[len(events)/2] = append(bytes.TrimRight(last[:len(last)/2], "\n"), "\n\n"...)
	}
	return events
}

// documentPieces is the document; cut in two where it is to be aborted.
func documentPieces(p api, a *ask, r *answer, b behaviour) [][]byte {
	body := append(encode(p.whole(a, r)), '\n')
	if b.malformed {
		body = body[:len(body)/2]
	}
	if b.abort > 0 && b.abort < len(body) {
		return [][]byte{body[:b.abort], body[b.abort:]}
	}
	return [][]byte{body}
}

// sendPieces writes pieces one by one, each flushed. Where the connection is to
// be cut it panics as net/http wants it (http.ErrAbortHandler).
func sendPieces(w http.ResponseWriter, ctx context.Context, pieces [][]byte, b behaviour) {
	cutAfter := len(pieces) + 1
	if b.abort >= 0 {
		cutAfter = min(b.abort, max(len(pieces)-1, 1))
	}
	out := newOutput(w, ctx, b)
	for i, piece := range pieces {
		if i == cutAfter {
			out.flush()
			panic(http.ErrAbortHandler)
		}
		if i > 0 && !sleep(ctx, b.delay) {
			return
		}
		out.write(piece)
	}
	out.close()
}

// output compresses, cuts into writes, and flushes. Errors are a client that
// has left: the rest is lost on it.
type output struct {
	w    http.ResponseWriter
	ctx  context.Context
	b    behaviour
	zip  *gzip.Writer
	kept bytes.Buffer
}

// newOutput starts the response.
func newOutput(w http.ResponseWriter, ctx context.Context, b behaviour) *output {
	o := &output{w: w, ctx: ctx, b: b}
	if b.gzip {
		w.Header().Set("content-encoding", "gzip")
		o.zip = gzip.NewWriter(&o.kept)
	}
	w.WriteHeader(http.StatusOK)
	return o
}

func (o *output) write(piece []byte) {
	if o.zip == nil {
		o.raw(piece)
		return
	}
	_, _ = o.zip.Write(piece)
	_ = o.zip.Flush()
	o.raw(o.kept.Bytes())
	o.kept.Reset()
}

func (o *output) raw(b []byte) {
	size := len(b)
	if o.b.write > 0 {
		size = o.b.write
	}
	for len(b) > 0 {
		n := min(size, len(b))
		if _, err := o.w.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
		o.flush()
		if len(b) > 0 && !sleep(o.ctx, o.b.delay) {
			return
		}
	}
}

func (o *output) flush() { _ = http.NewResponseController(o.w).Flush() }

func (o *output) close() {
	if o.zip != nil {
		_ = o.zip.Close()
		o.raw(o.kept.Bytes())
	}
}

// sleep waits for d; false where ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
