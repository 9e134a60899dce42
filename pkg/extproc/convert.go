package extproc

import (
	"strconv"
	"strings"
	"unicode/utf8"

	pb "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// attributeKey is where Envoy puts request_attributes and response_attributes.
const attributeKey = "envoy.filters.http.ext_proc"

// namespace of dynamic metadata.
const namespace = "regent"

// attributes are Envoy's attributes in their string form; nil if there are none.
func attributes(m *pb.ProcessingRequest) map[string]string {
	fields := m.GetAttributes()[attributeKey].GetFields()
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(fields))
	for name, v := range fields {
		switch v := v.GetKind().(type) {
		case *structpb.Value_StringValue:
			out[name] = v.StringValue
		case *structpb.Value_NumberValue:
			out[name] = strconv.FormatFloat(v.NumberValue, 'f', -1, 64)
		case *structpb.Value_BoolValue:
			out[name] = strconv.FormatBool(v.BoolValue)
		}
	}
	return out
}

// metadataOf reads a namespace of the message's dynamic metadata when asked.
func metadataOf(m *pb.ProcessingRequest) func(string) map[string]any {
	filter := m.GetMetadataContext().GetFilterMetadata()
	return func(ns string) map[string]any {
		s := filter[ns]
		if s == nil {
			return nil
		}
		return s.AsMap()
	}
}

// dynamic is what a verdict's metadata becomes; nil for none.
func dynamic(fields []phase.Field) *structpb.Struct {
	if len(fields) == 0 {
		return nil
	}
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(fields))}
	for _, f := range fields {
		if v := value(f.Value); v != nil {
			s.Fields[valid(f.Name)] = v
		}
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{namespace: structpb.NewStructValue(s)}}
}

// value is nil for a type that Field does not allow.
func value(v any) *structpb.Value {
	switch v := v.(type) {
	case string:
		return structpb.NewStringValue(valid(v))
	case bool:
		return structpb.NewBoolValue(v)
	case float64:
		return structpb.NewNumberValue(v)
	case int64:
		return structpb.NewNumberValue(float64(v))
	case int:
		return structpb.NewNumberValue(float64(v))
	case []string:
		list := &structpb.ListValue{}
		for _, s := range v {
			list.Values = append(list.Values, structpb.NewStringValue(valid(s)))
		}
		return structpb.NewListValue(list)
	case map[string]any:
		s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(v))}
		for name, member := range v {
			if m := value(member); m != nil {
				s.Fields[valid(name)] = m
			}
		}
		return structpb.NewStructValue(s)
	}
	return nil
}

// valid: proto refuses to encode a string that is not UTF-8, which would break
// the call for a label.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// immediate is Envoy's form of a reply. A status outside 200..599 becomes 500.
func immediate(r *phase.Reply, drop func(string)) *pb.ProcessingResponse_ImmediateResponse {
	status := r.Status
	if status < 200 || status > 599 {
		status = 500
	}
	return &pb.ProcessingResponse_ImmediateResponse{ImmediateResponse: &pb.ImmediateResponse{
		Status:  &typev3.HttpStatus{Code: typev3.StatusCode(status)},
		Headers: mutation(targetReply, r.Headers, nil, drop),
		Body:    r.Body,
		Details: details(r.Details),
	}}
}

// details is one word of visible ASCII.
func details(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
}
