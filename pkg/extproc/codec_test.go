package extproc

import (
	"bytes"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// FuzzInbound: the short way reads what proto reads.
func FuzzInbound(f *testing.F) {
	for _, m := range []*pb.ProcessingRequest{
		{Request: &pb.ProcessingRequest_RequestBody{RequestBody: &pb.HttpBody{Body: []byte("abc"), EndOfStream: true}}},
		{Request: &pb.ProcessingRequest_ResponseBody{ResponseBody: &pb.HttpBody{}}, ObservabilityMode: true},
		{Request: &pb.ProcessingRequest_ResponseBody{ResponseBody: &pb.HttpBody{Body: bytes.Repeat([]byte("x"), 3000)}}, ProtocolConfig: &pb.ProtocolConfiguration{}},
		{Request: &pb.ProcessingRequest_RequestHeaders{RequestHeaders: &pb.HttpHeaders{EndOfStream: true}}},
		{Request: &pb.ProcessingRequest_ResponseTrailers{ResponseTrailers: &pb.HttpTrailers{}}},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(append(b, b...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want inbound
		full := &pb.ProcessingRequest{}
		wantErr := proto.Unmarshal(b, full)
		if wantErr == nil {
			want.full = full
			want.classify()
		}
		for _, data := range []mem.BufferSlice{{mem.SliceBuffer(b)}, {mem.SliceBuffer(b[:len(b)/2]), mem.SliceBuffer(b[len(b)/2:])}} {
			var got inbound
			err := newCodec().Unmarshal(data, &got)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("error %v, proto's %v", err, wantErr)
			}
			if err != nil {
				continue
			}
			if got.kind != want.kind || !bytes.Equal(got.body, want.body) || got.end != want.end || got.observe != want.observe {
				t.Fatalf("got %v %q %v %v, proto reads %v %q %v %v", got.kind, got.body, got.end, got.observe, want.kind, want.body, want.end, want.observe)
			}
			got.release()
		}
	})
}

// FuzzOutbound: proto reads what the short way writes.
func FuzzOutbound(f *testing.F) {
	f.Add(true, byte(0), []byte("abc"), true, "name", "value")
	f.Add(false, byte(1), []byte(nil), false, "", "")
	f.Add(true, byte(2), bytes.Repeat([]byte("x"), 2000), false, "a", "")
	f.Add(true, byte(3), bytes.Repeat([]byte("y"), 70000), true, "", "b")
	f.Add(false, byte(3), []byte(nil), true, "", "")
	f.Fuzz(func(t *testing.T, response bool, c byte, body []byte, end bool, name, value string) {
		out := &outbound{response: response, change: change(c % 4), body: body, end: end}
		want := wanted(out)
		if name != "" {
			m := &pb.HeaderMutation{SetHeaders: []*core.HeaderValueOption{setHeader(valid(name), value)}}
			out.common = &pb.CommonResponse{HeaderMutation: m}
			common(want).HeaderMutation = m
		}
		if value != "" {
			s := &structpb.Struct{Fields: map[string]*structpb.Value{valid(name): structpb.NewStringValue(valid(value))}}
			out.rest = &pb.ProcessingResponse{DynamicMetadata: s}
			want.DynamicMetadata = s
		}
		data, err := newCodec().Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		got := &pb.ProcessingResponse{}
		if err := proto.Unmarshal(data.Materialize(), got); err != nil {
			t.Fatal(err)
		}
		data.Free()
		if !proto.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

func wanted(o *outbound) *pb.ProcessingResponse {
	c := &pb.CommonResponse{}
	switch o.change {
	case changeClear:
		c.BodyMutation = &pb.BodyMutation{Mutation: &pb.BodyMutation_ClearBody{ClearBody: true}}
	case changeReplace:
		c.BodyMutation = &pb.BodyMutation{Mutation: &pb.BodyMutation_Body{Body: o.body}}
	case changeStream:
		c.BodyMutation = &pb.BodyMutation{Mutation: &pb.BodyMutation_StreamedResponse{StreamedResponse: &pb.StreamedBodyResponse{Body: o.body, EndOfStream: o.end}}}
	}
	b := &pb.BodyResponse{Response: c}
	if o.response {
		return &pb.ProcessingResponse{Response: &pb.ProcessingResponse_ResponseBody{ResponseBody: b}}
	}
	return &pb.ProcessingResponse{Response: &pb.ProcessingResponse_RequestBody{RequestBody: b}}
}

func common(p *pb.ProcessingResponse) *pb.CommonResponse {
	if r := p.GetResponseBody(); r != nil {
		return r.Response
	}
	return p.GetRequestBody().Response
}

// counting is a pool that knows what is out, and spoils what comes back.
type counting struct{ out int }

func (p *counting) Get(n int) *[]byte { p.out++; b := make([]byte, n); return &b }
func (p *counting) Put(b *[]byte) {
	p.out--
	for i := range *b {
		(*b)[i] = '#'
	}
}

// TestAliasedBodyOutlivesItsMessage: what is sent on keeps its receive buffer
// until it is freed, not until the next message.
func TestAliasedBodyOutlivesItsMessage(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 5000)
	raw, err := proto.Marshal(&pb.ProcessingRequest{Request: &pb.ProcessingRequest_ResponseBody{ResponseBody: &pb.HttpBody{Body: body}}})
	if err != nil {
		t.Fatal(err)
	}
	pool := &counting{}
	buf := pool.Get(len(raw))
	copy(*buf, raw)
	data := mem.BufferSlice{mem.NewBuffer(buf, pool)}
	var in inbound
	if err := newCodec().Unmarshal(data, &in); err != nil {
		t.Fatal(err)
	}
	data.Free()
	for _, part := range [][]byte{in.body, in.body[10:4000]} {
		sent, err := newCodec().Marshal(&outbound{response: true, change: changeStream, body: part, source: in.buf})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if !bytes.Contains(sent.Materialize(), part[:1]) || bytes.Contains(sent.Materialize(), []byte("#")) {
				t.Error("the body was freed before it was written")
			}
			sent.Free()
			if pool.out < 0 {
				t.Error("freed twice")
			}
		}()
	}
	t.Cleanup(func() {
		if pool.out != 0 {
			t.Errorf("%d buffers not given back", pool.out)
		}
	})
	in.release()
	if pool.out != 1 {
		t.Errorf("%d buffers out while two answers wait", pool.out)
	}
}
