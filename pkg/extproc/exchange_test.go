package extproc_test

import (
	"bytes"
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/extproc"
	"github.com/regent-proxy/regent/pkg/extproc/extproctest"
)

// fn opens calls made of functions.
type fn struct {
	open     phase.Verdict
	request  func([]byte) phase.Verdict
	response phase.Verdict
	body     func([]byte, bool) phase.Verdict
	trailers func(phase.Headers) phase.Verdict
	large    phase.Verdict
	closed   chan bool
	head     *phase.RequestHead
}

func (f *fn) Open(_ context.Context, h *phase.RequestHead) (phase.Call, phase.Verdict) {
	f.head = h
	return f, f.open
}
func (f *fn) OpenAttempt(_ context.Context, h *phase.RequestHead) (phase.Attempt, phase.Verdict) {
	f.head = h
	return f, f.open
}
func (f *fn) RequestBody(b []byte) phase.Verdict {
	if f.request == nil {
		return phase.Verdict{}
	}
	return f.request(b)
}
func (f *fn) RequestBodyTooLarge() phase.Verdict                { return f.large }
func (f *fn) ResponseHeaders(*phase.ResponseHead) phase.Verdict { return f.response }
func (f *fn) ResponseBody(b []byte, end bool) phase.Verdict {
	if f.body == nil {
		return phase.Verdict{Emit: b}
	}
	return f.body(b, end)
}
func (f *fn) ResponseTrailers(h phase.Headers) phase.Verdict {
	if f.trailers == nil {
		return phase.Verdict{}
	}
	return f.trailers(h)
}
func (f *fn) Close(complete bool, _ error) { f.closed <- complete }

func exchange() extproctest.Exchange {
	return extproctest.Exchange{
		RequestHeaders:  phase.Headers{{Name: ":method", Value: "POST"}, {Name: ":path", Value: "/v1"}, {Name: "content-length", Value: "10"}},
		RequestBody:     []byte("0123456789"),
		RequestChunk:    4,
		ResponseHeaders: phase.Headers{{Name: ":status", Value: "200"}, {Name: "content-length", Value: "9"}},
		ResponseChunks:  [][]byte{[]byte("abc"), []byte("def"), []byte("ghi")},
	}
}

func replace(b []byte) phase.Verdict { return phase.Verdict{Replace: true, NewBody: b} }

var streamUpper = func(b []byte, end bool) phase.Verdict {
	out := bytes.ToUpper(b)
	if end {
		out = append(out, '!')
	}
	return phase.Verdict{Emit: out}
}

func TestExchanges(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 300_000)
	none, buf, str, dup := extproctest.None, extproctest.Buffered, extproctest.Streamed, extproctest.Duplex
	want := func(v phase.BodyMode) phase.Verdict { return phase.Verdict{Body: v} }
	hold := func(b []byte, end bool) phase.Verdict {
		if end {
			return phase.Verdict{Emit: []byte("all")}
		}
		return phase.Verdict{}
	}
	cases := []struct {
		name                 string
		f                    fn
		x                    func(*extproctest.Exchange)
		modes                [][2]extproctest.Mode // configured; all must give the same
		up, down             string
		status               int
		incomplete           bool
		code                 codes.Code
		immediate, cut, free bool
	}{
		{name: "released", f: fn{open: phase.Verdict{Release: true}}, modes: [][2]extproctest.Mode{{none, none}, {buf, none}, {none, dup}, {dup, dup}, {str, str}, {dup, none}}, up: "0123456789", down: "abcdefghi", status: 200},
		{name: "nothing wanted", modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {str, str}, {none, dup}, {dup, dup}}, up: "0123456789", down: "abcdefghi", status: 200},
		{name: "whole, kept", f: fn{open: want(phase.BodyBuffered), response: want(phase.BodyBuffered)}, modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {str, str}, {dup, dup}, {buf, dup}, {str, dup}, {dup, str}}, up: "0123456789", down: "abcdefghi", status: 200},
		{name: "whole, replaced", f: fn{open: want(phase.BodyBuffered), response: want(phase.BodyBuffered),
			request: func([]byte) phase.Verdict { return replace([]byte("longer than before")) },
			body:    func([]byte, bool) phase.Verdict { return replace([]byte("s")) }},
			modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {str, str}, {dup, dup}, {buf, dup}, {str, dup}, {dup, str}}, up: "longer than before", down: "s", status: 200},
		{name: "emptied", f: fn{open: want(phase.BodyBuffered), response: want(phase.BodyBuffered),
			request: func([]byte) phase.Verdict { return replace(nil) }, body: func([]byte, bool) phase.Verdict { return replace(nil) }},
			modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {dup, dup}}, status: 200},
		{name: "big bodies", f: fn{open: want(phase.BodyBuffered), response: want(phase.BodyStream),
			request: func(b []byte) phase.Verdict { return replace(append([]byte("+"), b...)) }},
			x: func(x *extproctest.Exchange) {
				x.RequestBody, x.ResponseChunks, x.RequestChunk = big, [][]byte{big, big}, 70_000
			},
			modes: [][2]extproctest.Mode{{none, none}, {dup, dup}}, up: "+" + string(big), down: string(big) + string(big), status: 200},
		{name: "stream", f: fn{response: want(phase.BodyStream), body: streamUpper},
			modes: [][2]extproctest.Mode{{none, none}, {str, str}, {dup, dup}, {none, dup}, {dup, str}}, up: "0123456789", down: "ABCDEFGHI!", status: 200},
		{name: "stream of one buffered message", f: fn{response: want(phase.BodyStream), body: streamUpper},
			modes: [][2]extproctest.Mode{{dup, buf}}, up: "0123456789", down: "ABCDEFGHI!", status: 200},
		{name: "held to the end", f: fn{response: want(phase.BodyStream), body: hold},
			modes: [][2]extproctest.Mode{{none, none}, {dup, dup}, {dup, str}}, up: "0123456789", down: "all", status: 200},
		{name: "cut", f: fn{response: want(phase.BodyStream), body: func(b []byte, _ bool) phase.Verdict { return phase.Verdict{Emit: []byte("end"), End: true} }},
			modes: [][2]extproctest.Mode{{none, none}, {dup, dup}, {dup, str}}, up: "0123456789", down: "end", status: 200},
		{name: "reply at head", f: fn{open: phase.Verdict{Reply: &phase.Reply{Status: 403, Body: []byte("no"), Details: "regent denied"}}},
			modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {str, str}, {dup, dup}}, down: "no", status: 403, immediate: true},
		{name: "reply at body", f: fn{open: want(phase.BodyBuffered), request: func([]byte) phase.Verdict { return phase.Verdict{Reply: &phase.Reply{Status: 429, Body: []byte("no")}} }},
			modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {str, str}, {dup, dup}}, down: "no", status: 429, immediate: true},
		{name: "reply at response", f: fn{response: phase.Verdict{Reply: &phase.Reply{Status: 502}}},
			modes: [][2]extproctest.Mode{{none, none}, {dup, dup}}, up: "0123456789", status: 502, immediate: true},
		{name: "reply at response body", f: fn{response: want(phase.BodyBuffered), body: func([]byte, bool) phase.Verdict { return phase.Verdict{Reply: &phase.Reply{Status: 451}} }},
			modes: [][2]extproctest.Mode{{none, none}, {dup, dup}}, up: "0123456789", status: 451, immediate: true},
		{name: "request without body", f: fn{open: want(phase.BodyBuffered), response: want(phase.BodyBuffered)},
			x:     func(x *extproctest.Exchange) { x.RequestBody = nil },
			modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {dup, dup}}, down: "abcdefghi", status: 200},
		{name: "response without body", f: fn{response: want(phase.BodyStream)},
			x:     func(x *extproctest.Exchange) { x.ResponseChunks = nil },
			modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {dup, dup}}, up: "0123456789", status: 200},
		{name: "trailers", f: fn{response: want(phase.BodyStream), body: func([]byte, bool) phase.Verdict { return phase.Verdict{} },
			trailers: func(h phase.Headers) phase.Verdict { return phase.Verdict{Emit: []byte("flushed")} }},
			x:     func(x *extproctest.Exchange) { x.Trailers = phase.Headers{{Name: "grpc-status", Value: "0"}} },
			modes: [][2]extproctest.Mode{{none, none}, {none, dup}, {dup, dup}}, up: "0123456789", down: "flushed", status: 200},
		{name: "trailers after whole bodies", f: fn{open: want(phase.BodyBuffered), response: want(phase.BodyBuffered)},
			x: func(x *extproctest.Exchange) {
				x.Trailers = phase.Headers{{Name: "a", Value: "0"}}
				x.RequestTrailers = x.Trailers
			},
			modes: [][2]extproctest.Mode{{none, none}, {buf, buf}, {dup, dup}}, up: "0123456789", down: "abcdefghi", status: 200},
		{name: "abort", f: fn{response: want(phase.BodyStream)}, x: func(x *extproctest.Exchange) { x.AbortAfter = 2 },
			modes: [][2]extproctest.Mode{{none, none}, {dup, dup}}, incomplete: true, free: true},
		{name: "request body cannot be had", f: fn{open: want(phase.BodyBuffered)}, modes: [][2]extproctest.Mode{{none, dup}}, incomplete: true, code: codes.FailedPrecondition},
		{name: "response body cannot be had", f: fn{response: want(phase.BodyStream)}, modes: [][2]extproctest.Mode{{dup, none}}, incomplete: true, code: codes.FailedPrecondition},
		{name: "override ignored", f: fn{open: want(phase.BodyBuffered)}, x: func(x *extproctest.Exchange) { x.NoOverride = true },
			modes: [][2]extproctest.Mode{{none, none}, {str, none}}, incomplete: true, code: codes.FailedPrecondition},
		{name: "reply after the stream began", f: fn{response: want(phase.BodyStream), body: func([]byte, bool) phase.Verdict { return phase.Verdict{Reply: &phase.Reply{Status: 403}} }},
			modes: [][2]extproctest.Mode{{none, none}}, incomplete: true, code: codes.Internal},
	}
	for _, c := range cases {
		for _, m := range c.modes {
			t.Run(c.name+"/"+m[0].String()+"-"+m[1].String(), func(t *testing.T) {
				f := c.f
				f.closed = make(chan bool, 2)
				x := exchange()
				x.RequestMode, x.ResponseMode = m[0], m[1]
				if c.x != nil {
					c.x(&x)
				}
				r, err := extproctest.New(t, extproc.New(&f, extproc.Options{})).Do(t.Context(), x)
				if got := <-f.closed; got == c.incomplete {
					t.Errorf("complete = %v", got)
				}
				if status.Code(err) != c.code {
					t.Fatalf("error %v, want code %v", err, c.code)
				}
				if c.code != codes.OK || c.free {
					return
				}
				if r.End != nil {
					t.Errorf("stream ended with %v", r.End)
				}
				if string(r.UpstreamBody) != c.up && !c.immediate || string(r.ClientBody) != c.down {
					t.Errorf("upstream saw %.40q, client %.40q", r.UpstreamBody, r.ClientBody)
				}
				if r.ClientStatus != c.status || r.Immediate != c.immediate {
					t.Errorf("status %d, immediate %v", r.ClientStatus, r.Immediate)
				}
			})
		}
	}
}
