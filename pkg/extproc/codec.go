package extproc

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that this one rests on
	"google.golang.org/grpc/mem"
)

// codec is gRPC's own protobuf codec, named so that body messages can be given a
// faster way without touching the service.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) { return protobuf().Marshal(v) }

func (codec) Unmarshal(data mem.BufferSlice, v any) error { return protobuf().Unmarshal(data, v) }

func protobuf() encoding.CodecV2 { return encoding.GetCodecV2("proto") }
