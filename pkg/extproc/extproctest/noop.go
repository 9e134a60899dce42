package extproctest

import (
	ep "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
)

// NoOp answers every message with no change, by gRPC's and protobuf's ordinary
// means: the floor that benchmarks compare with. It asks for the request
// BUFFERED, a JSON response BUFFERED and an event stream STREAMED.
type NoOp struct {
	pb.UnimplementedExternalProcessorServer
}

// Register adds the service to r.
func (n *NoOp) Register(r grpc.ServiceRegistrar) { pb.RegisterExternalProcessorServer(r, n) }

// ServerOptions are none.
func (n *NoOp) ServerOptions() []grpc.ServerOption { return nil }

// Process serves one stream.
func (n *NoOp) Process(g pb.ExternalProcessor_ProcessServer) error {
	for {
		in, err := g.Recv()
		if err != nil {
			return err
		}
		if err := g.Send(noAnswer(in)); err != nil {
			return err
		}
	}
}

func noAnswer(in *pb.ProcessingRequest) *pb.ProcessingResponse {
	switch r := in.Request.(type) {
	case *pb.ProcessingRequest_RequestHeaders:
		return &pb.ProcessingResponse{
			Response:     &pb.ProcessingResponse_RequestHeaders{RequestHeaders: &pb.HeadersResponse{}},
			ModeOverride: &ep.ProcessingMode{RequestBodyMode: ep.ProcessingMode_BUFFERED, ResponseHeaderMode: ep.ProcessingMode_SEND},
		}
	case *pb.ProcessingRequest_RequestBody:
		return &pb.ProcessingResponse{Response: &pb.ProcessingResponse_RequestBody{RequestBody: &pb.BodyResponse{}}}
	case *pb.ProcessingRequest_ResponseHeaders:
		mode := ep.ProcessingMode_BUFFERED
		for _, h := range r.ResponseHeaders.GetHeaders().GetHeaders() {
			if h.Key == "content-type" && string(h.RawValue) == "text/event-stream" {
				mode = ep.ProcessingMode_STREAMED
			}
		}
		return &pb.ProcessingResponse{
			Response:     &pb.ProcessingResponse_ResponseHeaders{ResponseHeaders: &pb.HeadersResponse{}},
			ModeOverride: &ep.ProcessingMode{RequestBodyMode: ep.ProcessingMode_BUFFERED, ResponseBodyMode: mode},
		}
	case *pb.ProcessingRequest_ResponseBody:
		return &pb.ProcessingResponse{Response: &pb.ProcessingResponse_ResponseBody{ResponseBody: &pb.BodyResponse{}}}
	case *pb.ProcessingRequest_RequestTrailers:
		return &pb.ProcessingResponse{Response: &pb.ProcessingResponse_RequestTrailers{RequestTrailers: &pb.TrailersResponse{}}}
	}
	return &pb.ProcessingResponse{Response: &pb.ProcessingResponse_ResponseTrailers{ResponseTrailers: &pb.TrailersResponse{}}}
}
