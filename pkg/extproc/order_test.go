package extproc

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/extproc/extproctest"
)

func hdrs(pairs ...string) *core.HeaderMap {
	m := &core.HeaderMap{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m.Headers = append(m.Headers, &core.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])})
	}
	return m
}

// message makes one of Envoy's messages from its short name; a dot at the end
// is end_of_stream.
func message(name string) *pb.ProcessingRequest {
	short, end := strings.CutSuffix(name, ".")
	m := &pb.ProcessingRequest{}
	switch short {
	case "rh":
		m.Request = &pb.ProcessingRequest_RequestHeaders{RequestHeaders: &pb.HttpHeaders{Headers: hdrs(":path", "/"), EndOfStream: end}}
	case "rb":
		m.Request = &pb.ProcessingRequest_RequestBody{RequestBody: &pb.HttpBody{Body: []byte("q"), EndOfStream: end}}
	case "rt":
		m.Request = &pb.ProcessingRequest_RequestTrailers{RequestTrailers: &pb.HttpTrailers{}}
	case "sh":
		m.Request = &pb.ProcessingRequest_ResponseHeaders{ResponseHeaders: &pb.HttpHeaders{Headers: hdrs(":status", "200"), EndOfStream: end}}
	case "413":
		m.Request = &pb.ProcessingRequest_ResponseHeaders{ResponseHeaders: &pb.HttpHeaders{Headers: hdrs(":status", "413"), EndOfStream: end}}
	case "up":
		m.Request = &pb.ProcessingRequest_ResponseHeaders{ResponseHeaders: &pb.HttpHeaders{Headers: hdrs(":status", "500", "x-envoy-upstream-service-time", "1")}}
	case "sb":
		m.Request = &pb.ProcessingRequest_ResponseBody{ResponseBody: &pb.HttpBody{Body: []byte("a"), EndOfStream: end}}
	case "st":
		m.Request = &pb.ProcessingRequest_ResponseTrailers{ResponseTrailers: &pb.HttpTrailers{}}
	case "observe":
		m = message("rh")
		m.ObservabilityMode = true
	case "grpc":
		m = message("rh")
		m.ProtocolConfig = &pb.ProtocolConfiguration{RequestBodyMode: 5}
	case "window":
		m.ClientWindowUpdate = &pb.ProcessingRequest_ClientWindowUpdate{}
	}
	return m
}

// play sends the messages, half-closes and reads to the end: the kinds of the
// answers and the stream's status.
func play(t *testing.T, c *extproctest.Client, msgs ...*pb.ProcessingRequest) ([]*pb.ProcessingResponse, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	rpc, err := c.Stream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range msgs {
		if rpc.Send(m) != nil {
			break // the stream's status says why
		}
	}
	_ = rpc.CloseSend()
	var got []*pb.ProcessingResponse
	for {
		m, err := rpc.Recv()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, m)
	}
}

// TestOrders: every order of messages, for a call that wants nothing (n), whole
// bodies (w), a stream (s), or has been released (r).
func TestOrders(t *testing.T) {
	const ok, left, wrong, config = codes.OK, codes.Canceled, codes.InvalidArgument, codes.FailedPrecondition
	cases := []struct {
		want, msgs string
		code       codes.Code
		answers    int
	}{
		{"n", "", left, 0}, {"n", "rh", left, 1}, {"n", "rh.", left, 1},
		{"n", "rh sh", ok, 2}, {"n", "rh sh.", ok, 2}, {"n", "rh. sh", ok, 2},
		{"n", "rh rt sh st", ok, 4}, {"n", "rh sh rt", ok, 3}, {"n", "rh sh window", ok, 2},
		{"n", "rh rh", wrong, 1}, {"n", "rh sh sh", wrong, 2}, {"n", "rh sh rh", wrong, 2},
		{"n", "rh rb", wrong, 1}, {"n", "rh rb.", wrong, 1}, {"n", "rh. rb.", wrong, 1}, {"n", "rh. rt", wrong, 1},
		{"n", "rh sb", wrong, 1}, {"n", "rh st", wrong, 1}, {"n", "rh sh sb.", wrong, 2}, {"n", "rh sh. st", wrong, 2},
		{"n", "rh sh st st", wrong, 3}, {"n", "rh rt rt", wrong, 2}, {"n", "rh rt rb", wrong, 2},
		{"n", "rb", config, 0}, {"n", "rt", config, 0}, {"n", "sb", config, 0}, {"n", "st", config, 0},
		{"n", "none", wrong, 0}, {"n", "window", wrong, 0}, {"n", "rh none", wrong, 1},
		{"n", "observe", config, 0}, {"n", "grpc", config, 0},
		{"n", "sh sb", wrong, 1}, {"n", "sh", ok, 1}, {"n", "413.", ok, 1}, {"n", "up", config, 0}, {"n", "sh rh", wrong, 1},
		{"w", "rh rb.", left, 2}, {"w", "rh rb. sh sb.", ok, 4}, {"w", "rh rb sh sb", ok, 4},
		{"w", "rh rb rt sh sb st", ok, 6}, {"w", "rh. sh. ", ok, 2}, {"w", "rh rt sh st", ok, 4},
		{"w", "rh rb. sh", left, 3}, {"w", "rh 413 sb.", ok, 3}, {"w", "rh 413 sb. rb.", wrong, 3},
		{"w", "rh sh sb.", config, 1}, {"w", "rh up", config, 1},
		{"w", "rh rb. rb.", wrong, 2}, {"w", "rh rb rb", wrong, 2}, {"w", "rh rb. rt", wrong, 2},
		{"w", "rh rb. sh sb. sb.", wrong, 4}, {"w", "rh rb. sh sb sb.", wrong, 4}, {"w", "rh rb. sh sb. st", wrong, 4},
		{"s", "rh sh sb sb sb.", ok, 5}, {"s", "rh sh sb sb st", ok, 5}, {"s", "rh sh sb", left, 3}, {"s", "rh sh", left, 2},
		{"s", "rh sh.", ok, 2}, {"s", "rh sh sb. sb", wrong, 3}, {"s", "rh sh sb. st", wrong, 3}, {"s", "rh sh st", ok, 3}, {"s", "rh sh st sb", wrong, 3},
		{"r", "rh", ok, 1}, {"r", "rh sh", ok, 2}, {"r", "rh rb. sh sb.", wrong, 3}, {"r", "rh rh", wrong, 1}, {"r", "rh sb", wrong, 1},
	}
	for _, c := range cases {
		t.Run(c.want+" "+c.msgs, func(t *testing.T) {
			s := newScript()
			switch c.want {
			case "w":
				s.open, s.response = phase.Verdict{Body: phase.BodyBuffered}, phase.Verdict{Body: phase.BodyBuffered}
			case "s":
				s.response = phase.Verdict{Body: phase.BodyStream}
			case "r":
				s.open = phase.Verdict{Release: true}
			}
			var msgs []*pb.ProcessingRequest
			for _, name := range strings.Fields(c.msgs) {
				msgs = append(msgs, message(name))
			}
			got, err := play(t, extproctest.New(t, New(s, Options{})), msgs...)
			if status.Code(err) != c.code || len(got) != c.answers {
				t.Errorf("%d answers and %v, want %d and %v", len(got), err, c.answers, c.code)
			}
			if n := strings.Count(s.lines(), "close"); strings.Contains(s.lines(), "open") != (n == 1) {
				t.Errorf("closed %d times: %s", n, s.lines())
			}
		})
	}
}

// TestPanics: wherever a call panics, it is closed once, as broken, and the
// stream fails.
func TestPanics(t *testing.T) {
	for _, at := range []string{"open", "request", "response", "body", "trailers", "close"} {
		s := newScript()
		s.panicAt = at
		s.open, s.response = phase.Verdict{Body: phase.BodyBuffered}, phase.Verdict{Body: phase.BodyStream}
		seen := make(chan any, 2)
		c := extproctest.New(t, New(s, Options{OnPanic: func(p any, _ []byte) { seen <- p }}))
		_, err := play(t, c, message("rh"), message("rb."), message("sh"), message("sb"), message("st"))
		if status.Code(err) != codes.Internal || len(seen) != 1 {
			t.Errorf("%s: %v, %d panics seen", at, err, len(seen))
		}
		if n := strings.Count(s.lines(), "close"); n != 1 && at != "open" {
			t.Errorf("%s: %s", at, s.lines())
		}
		if strings.Contains(s.lines(), "close true") && at != "close" {
			t.Errorf("%s: complete: %s", at, s.lines())
		}
	}
}

func TestTooLarge(t *testing.T) {
	pass, deny := phase.Verdict{}, phase.Verdict{Reply: &phase.Reply{Status: 413}}
	for _, mode := range []extproctest.Mode{extproctest.None, extproctest.Duplex, extproctest.Streamed} {
		for _, v := range []phase.Verdict{pass, deny} {
			s := newScript()
			s.open, s.tooLarge = phase.Verdict{Body: phase.BodyBuffered}, v
			x := extproctest.Exchange{RequestHeaders: phase.Headers{{Name: ":path", Value: "/"}}, RequestBody: bytes.Repeat([]byte("0123456789"), 500), RequestChunk: 300,
				ResponseHeaders: phase.Headers{{Name: ":status", Value: "200"}}, RequestMode: mode}
			if mode == extproctest.Streamed {
				x.ResponseMode = extproctest.Duplex // no override possible
			}
			r, err := extproctest.New(t, New(s, Options{MaxRequestBody: 1000})).Do(t.Context(), x)
			if err != nil {
				t.Fatalf("%v: %v", mode, err)
			}
			if strings.Contains(s.lines(), "request ") || strings.Count(s.lines(), "too-large") != 1 {
				t.Errorf("%v: %s", mode, s.lines())
			}
			if v.Reply == nil && !bytes.Equal(r.UpstreamBody, x.RequestBody) || v.Reply != nil && r.ClientStatus != 413 {
				t.Errorf("%v: upstream saw %d bytes, client %d", mode, len(r.UpstreamBody), r.ClientStatus)
			}
		}
	}
}

// TestHeadersMetadataAttributes: what goes in and out beside bodies.
func TestHeadersMetadataAttributes(t *testing.T) {
	s := newScript()
	s.open = phase.Verdict{
		Set:    []phase.Header{{Name: "X-Team", Value: "a"}, {Name: "bad", Value: "a\r\nb"}, {Name: "connection", Value: "close"}, {Name: ":path", Value: "/new"}, {Name: ":method", Value: "GET"}, {Name: "ho st", Value: "x"}, {Name: "content-length", Value: "1"}},
		Remove: []string{"authorization", ":path", "Transfer-Encoding"}, ClearRouteCache: true,
		Metadata: []phase.Field{{Name: "tokens", Value: int64(42)}, {Name: "list", Value: []string{"a"}}, {Name: "deep", Value: map[string]any{"b": true, "f": 1.5}}, {Name: "no", Value: struct{}{}}, {Name: "utf", Value: "\xff"}},
	}
	var dropped []string
	c := extproctest.New(t, New(s, Options{OnInvalidHeader: func(n string) { dropped = append(dropped, n) }}))
	r, err := c.Do(t.Context(), extproctest.Exchange{
		RequestHeaders:  phase.Headers{{Name: ":path", Value: "/"}, {Name: "authorization", Value: "s"}},
		ResponseHeaders: phase.Headers{{Name: ":status", Value: "204"}},
		Attributes:      map[string]string{"source.address": "1.2.3.4:5"},
		Metadata:        map[string]map[string]any{"jwt": {"sub": "u"}},
		GRPC:            map[string]string{"traceparent": "00-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := r.UpstreamHeaders
	if h.Get("x-team") != "a" || h.Get(":path") != "/new" || len(h) != 2 || !r.RouteCleared {
		t.Errorf("upstream saw %v", h)
	}
	if len(dropped) != 7 {
		t.Errorf("dropped %q", dropped)
	}
	m := r.Metadata["regent"]
	if m["tokens"] != 42.0 || m["utf"] != "\uFFFD" || m["deep"].(map[string]any)["f"] != 1.5 || m["no"] != nil {
		t.Errorf("metadata %v", r.Metadata)
	}
	if s.head.Attributes["source.address"] != "1.2.3.4:5" || s.head.Metadata("jwt")["sub"] != "u" || s.head.Metadata("x") != nil || s.head.GRPC("traceparent") != "00-1" || s.head.GRPC("x") != "" {
		t.Errorf("head %v", s.head)
	}
	n := attributes(&pb.ProcessingRequest{Attributes: map[string]*structpb.Struct{attributeKey: {Fields: map[string]*structpb.Value{
		"n": structpb.NewNumberValue(1234567), "b": structpb.NewBoolValue(true), "x": structpb.NewNullValue()}}}})
	if n["n"] != "1234567" || n["b"] != "true" || len(n) != 2 {
		t.Errorf("attributes %v", n)
	}
}

// TestAttempt: at the upstream filter an attempt is opened, and a changed body
// goes without content-length, which would stick to the next attempt.
func TestAttempt(t *testing.T) {
	s := newScript()
	s.open = phase.Verdict{Body: phase.BodyBuffered}
	s.request = phase.Verdict{Replace: true, NewBody: []byte("other")}
	r, err := extproctest.New(t, New(s, Options{})).Do(t.Context(), extproctest.Exchange{
		RequestHeaders:  phase.Headers{{Name: ":path", Value: "/"}, {Name: "content-length", Value: "3"}},
		RequestBody:     []byte("abc"),
		ResponseHeaders: phase.Headers{{Name: ":status", Value: "200"}}, ResponseChunks: [][]byte{[]byte("x")},
		GRPC: map[string]string{"x-regent-attach": "upstream"},
	})
	if err != nil || string(r.UpstreamBody) != "other" || r.UpstreamHeaders.Has("content-length") {
		t.Errorf("%v %v", err, r)
	}
	if got := s.lines(); got != "attempt; request abc; response 200; close true false" {
		t.Error(got)
	}
}

func TestReply(t *testing.T) {
	s := newScript()
	s.open = phase.Verdict{Reply: &phase.Reply{Status: 403, Body: []byte("{}"), Details: "regent denied\n", Headers: []phase.Header{{Name: "content-type", Value: "application/json"}}}}
	r, err := extproctest.New(t, New(s, Options{})).Do(t.Context(), extproctest.Exchange{RequestHeaders: phase.Headers{{Name: ":path", Value: "/"}}})
	if err != nil || r.ClientStatus != 403 || r.ClientHeaders.Get("content-type") != "application/json" || r.Details != "regent_denied_" {
		t.Errorf("%v %+v", err, r)
	}
}

// TestOverloadDrainHealth: the bound on calls, waiting for them, and another
// service behind the same codec.
func TestOverloadDrainHealth(t *testing.T) {
	for _, o := range []Overload{OverloadError, OverloadReply} {
		s := New(newScript(), Options{MaxCalls: 1, Overload: o})
		c := extproctest.New(t, withHealth{s})
		ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "a", "b"))
		first, err := c.Stream(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_ = first.Send(message("rh"))
		if _, err := first.Recv(); err != nil {
			t.Fatal(err)
		}
		got, err := play(t, c, message("rh"))
		if o == OverloadError && status.Code(err) != codes.ResourceExhausted {
			t.Errorf("over the bound: %v", err)
		}
		if o == OverloadReply && (err != nil || got[0].GetImmediateResponse().GetStatus().GetCode() != 503) {
			t.Errorf("over the bound: %v %v", got, err)
		}
		done, stop := context.WithCancel(t.Context())
		stop()
		if err := s.Drain(done); err == nil || s.Live() != 1 {
			t.Errorf("drained with %d live: %v", s.Live(), err)
		}
		cancel()
		if err := s.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		h, err := healthpb.NewHealthClient(c.Conn()).Check(t.Context(), &healthpb.HealthCheckRequest{})
		if err != nil || h.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health: %v %v", h, err)
		}
	}
}

type withHealth struct{ *Server }

func (w withHealth) Register(r grpc.ServiceRegistrar) {
	w.Server.Register(r)
	healthpb.RegisterHealthServer(r, health.NewServer())
}
