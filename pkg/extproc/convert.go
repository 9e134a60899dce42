package extproc

import (
	"strconv"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extproc "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/regent-proxy/regent/pkg/call/phase"
)

// namespace is where dynamic metadata goes; the filter must list it under
// metadata_options.receiving_namespaces.
const namespace = "regent"

// attributesKey is the filter's name, under which Envoy sends attributes.
const attributesKey = "envoy.filters.http.ext_proc"

func requestHead(m *extproc.ProcessingRequest, h *extproc.HttpHeaders, md metadata.MD) *phase.RequestHead {
	return &phase.RequestHead{
		Headers:     headers(h.GetHeaders()),
		EndOfStream: h.GetEndOfStream(),
		Attributes:  attributes(m),
		Metadata: func(namespace string) map[string]any {
			if s := m.GetMetadataContext().GetFilterMetadata()[namespace]; s != nil {
				return s.AsMap()
			}
			return nil
		},
		GRPC: func(key string) string { return first(md, key) },
	}
}

func responseHead(m *extproc.ProcessingRequest, h *extproc.HttpHeaders) *phase.ResponseHead {
	return &phase.ResponseHead{Headers: headers(h.GetHeaders()), EndOfStream: h.GetEndOfStream(), Attributes: attributes(m)}
}

// headers takes raw values, which Envoy sends; plain ones are read for the sake
// of other clients.
func headers(m *core.HeaderMap) phase.Headers {
	list := make(phase.Headers, len(m.GetHeaders()))
	for i, h := range m.GetHeaders() {
		list[i] = phase.Header{Name: h.GetKey(), Value: string(h.GetRawValue())}
		if len(h.GetRawValue()) == 0 {
			list[i].Value = h.GetValue()
		}
	}
	return list
}

// attributes are Envoy's attributes in their string form.
func attributes(m *extproc.ProcessingRequest) map[string]string {
	fields := m.GetAttributes()[attributesKey].GetFields()
	out := make(map[string]string, len(fields))
	for name, v := range fields {
		switch k := v.GetKind().(type) {
		case *structpb.Value_StringValue:
			out[name] = k.StringValue
		case *structpb.Value_NumberValue:
			out[name] = strconv.FormatFloat(k.NumberValue, 'f', -1, 64)
		case *structpb.Value_BoolValue:
			out[name] = strconv.FormatBool(k.BoolValue)
		}
	}
	return out
}

func (st *stream) headersAnswer(v phase.Verdict) *extproc.HeadersResponse {
	mutation := st.headerMutation(v.Set, v.Remove)
	if mutation == nil && !v.ClearRouteCache {
		return &extproc.HeadersResponse{}
	}
	return &extproc.HeadersResponse{Response: &extproc.CommonResponse{HeaderMutation: mutation, ClearRouteCache: v.ClearRouteCache}}
}

// bodyAnswer is the answer to a buffered body. A new body goes with a right
// content-length, without which Envoy answers 500; at an upstream it goes
// without any, since header mutations outlive the attempt they were made for.
func (st *stream) bodyAnswer(v phase.Verdict) *extproc.CommonResponse {
	r := &extproc.CommonResponse{ClearRouteCache: v.ClearRouteCache && !st.upstream}
	if v.Replace {
		r.BodyMutation = &extproc.BodyMutation{Mutation: &extproc.BodyMutation_Body{Body: v.NewBody}}
		switch {
		case st.upstream:
			v.Remove = append(v.Remove, "content-length")
		case st.hadLength:
			v.Set = append(v.Set, phase.Header{Name: "content-length", Value: strconv.Itoa(len(v.NewBody))})
		}
	}
	r.HeaderMutation = st.headerMutation(v.Set, v.Remove)
	return r
}

// bodyAnswer wraps the answer to a body message of either direction.
func bodyAnswer(request bool, r *extproc.CommonResponse, fields []phase.Field) *extproc.ProcessingResponse {
	body := &extproc.BodyResponse{Response: r}
	out := &extproc.ProcessingResponse{DynamicMetadata: dynamicMetadata(fields)}
	if request {
		out.Response = &extproc.ProcessingResponse_RequestBody{RequestBody: body}
	} else {
		out.Response = &extproc.ProcessingResponse_ResponseBody{ResponseBody: body}
	}
	return out
}

func streamedAnswer(body []byte, end bool, fields []phase.Field) *extproc.ProcessingResponse {
	piece := &extproc.StreamedBodyResponse{Body: body, EndOfStream: end}
	return bodyAnswer(false, &extproc.CommonResponse{BodyMutation: &extproc.BodyMutation{
		Mutation: &extproc.BodyMutation_StreamedResponse{StreamedResponse: piece},
	}}, fields)
}

func (st *stream) immediate(r *phase.Reply) *extproc.ImmediateResponse {
	return &extproc.ImmediateResponse{
		Status:  &typev3.HttpStatus{Code: typev3.StatusCode(r.Status)},
		Headers: st.headerMutation(r.Headers, nil),
		Body:    r.Body,
		Details: r.Details,
	}
}

// headerMutation leaves out what Envoy would answer with an error or, worse,
// hang on, and counts it.
func (st *stream) headerMutation(set []phase.Header, remove []string) *extproc.HeaderMutation {
	m := &extproc.HeaderMutation{}
	for _, h := range set {
		if !mayBeSet(h) {
			st.server.options.Observer.HeaderRejected()
			continue
		}
		m.SetHeaders = append(m.SetHeaders, &core.HeaderValueOption{Header: &core.HeaderValue{Key: h.Name, RawValue: []byte(h.Value)}})
	}
	for _, name := range remove {
		if !mayBeRemoved(name) {
			st.server.options.Observer.HeaderRejected()
			continue
		}
		m.RemoveHeaders = append(m.RemoveHeaders, name)
	}
	if len(m.SetHeaders)+len(m.RemoveHeaders) == 0 {
		return nil
	}
	return m
}

func mayBeSet(h phase.Header) bool {
	switch h.Name {
	case ":path", ":authority", ":method", ":status":
		return h.Value != "" && httpguts.ValidHeaderFieldValue(h.Value)
	case "connection", "transfer-encoding", "keep-alive", "upgrade", "te", "trailer":
		return false
	}
	return httpguts.ValidHeaderFieldName(h.Name) && h.Name == strings.ToLower(h.Name) && httpguts.ValidHeaderFieldValue(h.Value)
}

func mayBeRemoved(name string) bool {
	switch name {
	case "host", "connection", "transfer-encoding":
		return false
	}
	return httpguts.ValidHeaderFieldName(name) && name == strings.ToLower(name)
}

// dynamicMetadata is fields as a struct under the namespace, nil where there
// are none.
func dynamicMetadata(fields []phase.Field) *structpb.Struct {
	if len(fields) == 0 {
		return nil
	}
	inner := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(fields))}
	for _, f := range fields {
		inner.Fields[f.Name] = value(f.Value)
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{namespace: structpb.NewStructValue(inner)}}
}

// value is v as metadata; a type that Field does not name is left out as null.
func value(v any) *structpb.Value {
	switch v := v.(type) {
	case string:
		return structpb.NewStringValue(strings.ToValidUTF8(v, "\uFFFD"))
	case bool:
		return structpb.NewBoolValue(v)
	case float64:
		return structpb.NewNumberValue(v)
	case int64:
		return structpb.NewNumberValue(float64(v))
	case []string:
		list := &structpb.ListValue{}
		for _, s := range v {
			list.Values = append(list.Values, value(s))
		}
		return structpb.NewListValue(list)
	case map[string]any:
		s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(v))}
		for name, member := range v {
			s.Fields[name] = value(member)
		}
		return structpb.NewStructValue(s)
	}
	return structpb.NewNullValue()
}
