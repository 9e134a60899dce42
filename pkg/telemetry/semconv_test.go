package telemetry

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// conventions are an extract of the semantic conventions' own registry, made by
// scripts/semconv.
type conventions struct {
	Source     string
	Attributes map[string]struct {
		Type string
		Enum []string
	}
	Spans map[string]struct {
		Kind       string
		Attributes map[string]string // to requirement level
	}
	Metrics map[string]struct {
		Instrument, Unit string
		Buckets          []float64
		Attributes       map[string]string
	}
}

// reporter is what checks report to: a *testing.T, or a test of the checks.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

type complaints struct{ list []string }

func (*complaints) Helper() {}
func (c *complaints) Errorf(format string, args ...any) {
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

func readConventions(t *testing.T) *conventions {
	t.Helper()
	data, err := os.ReadFile("testdata/semconv.json")
	if err != nil {
		t.Fatal(err)
	}
	c := &conventions{}
	if err := json.Unmarshal(data, c); err != nil {
		t.Fatal(err)
	}
	if len(c.Attributes) < 70 || len(c.Spans) < 7 || len(c.Metrics) < 11 {
		t.Fatalf("the extract is too small: %d attributes, %d spans, %d metrics", len(c.Attributes), len(c.Spans), len(c.Metrics))
	}
	return c
}

// beside are attributes of the conventions that no GenAI span lists, and the
// one that is no convention's at all; docs/TELEMETRY.md names each.
var beside = map[string]string{
	attrUsageCost:  "double",
	attrStatusCode: "int", attrResendCount: "int",
	attrPromptName: "string", attrDataSource: "string",
}

// custom are values that an enumeration of the conventions lacks and Regent
// uses; docs/TELEMETRY.md names them.
var custom = map[string][]string{
	attrOperation:                {"moderation", "image_generation", "transcription", "speech", "rerank", "count_tokens", "fetch_response", "list_tools", "call_tool", "session", "other"},
	attrProvider:                 {"ollama", "mcp", "unknown"},
	attrMCPMethod:                {rpcAnswer},
	attrOpenAIRequestServiceTier: nil, // "may be a specific tier": any
	attrErrorType:                nil, // any, of low cardinality
}

// spanGroup is which of the conventions' spans a call's span is held against.
func spanGroup(attrs map[string]*commonpb.AnyValue) string {
	if attrs["mcp.method.name"] != nil {
		return "mcp.client"
	}
	if attrs[attrOperation].GetStringValue() == "embeddings" {
		return "gen_ai.embeddings.client"
	}
	switch attrs[attrProvider].GetStringValue() {
	case "openai", "azure.ai.openai":
		return "openai.inference.client"
	case "aws.bedrock":
		return "aws.bedrock.client"
	}
	return "gen_ai.inference.client"
}

// excused are when a required attribute may be missing all the same.
var excused = map[string]func(attrs map[string]*commonpb.AnyValue) bool{
	// Only requests with a guardrail have one.
	"aws.bedrock.guardrail.id": func(map[string]*commonpb.AnyValue) bool { return true },
	// What could not be read names no model, nor does a response that is fetched.
	attrRequestModel: func(attrs map[string]*commonpb.AnyValue) bool {
		return attrs[attrCoverageRequest].GetStringValue() == "none" || attrs[attrOperation].GetStringValue() == "fetch_response"
	},
}

// checkCall reports what is wrong with a call's own span by the conventions.
func (c *conventions) checkCall(t reporter, s *tracepb.Span) {
	t.Helper()
	attrs := c.checkAttributes(t, s)
	name := spanGroup(attrs)
	group := c.Spans[name]
	if want := "SPAN_KIND_" + strings.ToUpper(group.Kind); s.Kind.String() != want {
		t.Errorf("%s: kind %s, want %s", s.Name, s.Kind, want)
	}
	for key, level := range group.Attributes {
		if level == "required" && attrs[key] == nil && (excused[key] == nil || !excused[key](attrs)) {
			t.Errorf("%s: %s is required of a %s span", s.Name, key, name)
		}
	}
	for key := range attrs {
		general := c.Spans["gen_ai.inference.client"].Attributes[key] != "" && name != "mcp.client"
		_, aside := beside[key]
		if group.Attributes[key] == "" && !general && !aside && !strings.HasPrefix(key, "regent.") {
			t.Errorf("%s: %s does not belong on a %s span", s.Name, key, name)
		}
	}
	c.checkConditions(t, s, attrs)
}

// checkConditions are the conditions of conditionally required attributes.
func (c *conventions) checkConditions(t reporter, s *tracepb.Span, attrs map[string]*commonpb.AnyValue) {
	t.Helper()
	failed := s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR
	if failed != (attrs[attrErrorType] != nil) {
		t.Errorf("%s: status %v, error.type %v", s.Name, s.Status, attrs[attrErrorType])
	}
	if s.Status.GetMessage() != "" {
		t.Errorf("%s: status says %q", s.Name, s.Status.Message)
	}
	if attrs[attrServerAddress] != nil && attrs[attrServerPort] == nil {
		t.Errorf("%s: server.address %v without port", s.Name, attrs[attrServerAddress])
	}
	if stream := attrs[attrRequestStream]; stream != nil && !stream.GetBoolValue() {
		t.Errorf("%s: %s is false: it must be unset then", s.Name, attrRequestStream)
	}
	if n := attrs[attrRequestChoices]; n != nil && n.GetIntValue() == 1 {
		t.Errorf("%s: %s is 1: it must be unset then", s.Name, attrRequestChoices)
	}
	want := attrs[attrOperation].GetStringValue()
	target := attrs[attrRequestModel]
	if method := attrs["mcp.method.name"]; method != nil {
		want, target = method.GetStringValue(), attrs["gen_ai.tool.name"]
		if target == nil {
			target = attrs["gen_ai.prompt.name"]
		}
	}
	if target != nil {
		want += " " + target.GetStringValue()
	}
	if s.Name != want {
		t.Errorf("span name %q, want %q", s.Name, want)
	}
}

// checkAttributes reports attributes that are unknown, mistyped, or hold a
// value that their enumeration lacks.
func (c *conventions) checkAttributes(t reporter, s *tracepb.Span) map[string]*commonpb.AnyValue {
	t.Helper()
	attrs := map[string]*commonpb.AnyValue{}
	for _, kv := range s.Attributes {
		if attrs[kv.Key] != nil {
			t.Errorf("%s: %s is there twice", s.Name, kv.Key)
		}
		attrs[kv.Key] = kv.Value
		c.checkAttribute(t, s.Name, kv)
	}
	return attrs
}

func (c *conventions) checkAttribute(t reporter, where string, kv *commonpb.KeyValue) {
	t.Helper()
	known, ok := c.Attributes[kv.Key]
	want := known.Type
	if !ok {
		if want, ok = beside[kv.Key]; !ok && !strings.HasPrefix(kv.Key, "regent.") {
			t.Errorf("%s: %s is no attribute of the conventions", where, kv.Key)
		}
	}
	if got := typeOf(kv.Value); ok && got != want && !(want == "any" && (kv.Key == attrToolResult || json.Valid([]byte(kv.Value.GetStringValue())))) {
		t.Errorf("%s: %s is %s, want %s", where, kv.Key, got, want)
	}
	value := kv.Value.GetStringValue()
	more, open := custom[kv.Key]
	if known.Enum == nil || slices.Contains(known.Enum, value) || slices.Contains(more, value) || open && more == nil {
		return
	}
	t.Errorf("%s: %s is %q, which is none of %v", where, kv.Key, value, known.Enum)
}

func typeOf(v *commonpb.AnyValue) string {
	switch v.Value.(type) {
	case *commonpb.AnyValue_StringValue:
		return "string"
	case *commonpb.AnyValue_IntValue:
		return "int"
	case *commonpb.AnyValue_DoubleValue:
		return "double"
	case *commonpb.AnyValue_BoolValue:
		return "boolean"
	case *commonpb.AnyValue_ArrayValue:
		for _, each := range v.GetArrayValue().Values {
			if typeOf(each) != "string" {
				return "mixed[]"
			}
		}
		return "string[]"
	}
	return "unset"
}

// identity are the attributes that telemetry.identity_labels adds to a metric of
// the conventions.
var identity = []string{attrTenant, attrTeam, attrApp}

// checkMetric reports what is wrong with a metric by the conventions, and gives
// whether they know it.
func (c *conventions) checkMetric(t reporter, m *metricspb.Metric) bool {
	t.Helper()
	want, known := c.Metrics[m.Name]
	if !known {
		if !strings.HasPrefix(m.Name, "regent.") {
			t.Errorf("%s is no metric of the conventions", m.Name)
		}
		return false
	}
	if m.Unit != want.Unit || m.GetHistogram() == nil || want.Instrument != "histogram" {
		t.Errorf("%s is a %T in %q, want a %s in %q", m.Name, m.Data, m.Unit, want.Instrument, want.Unit)
	}
	for _, point := range m.GetHistogram().GetDataPoints() {
		if !slices.Equal(point.ExplicitBounds, want.Buckets) {
			t.Errorf("%s has buckets %v, want %v", m.Name, point.ExplicitBounds, want.Buckets)
		}
		there := map[string]bool{}
		for _, kv := range point.Attributes {
			there[kv.Key] = true
			c.checkAttribute(t, m.Name, kv)
			if want.Attributes[kv.Key] == "" && !slices.Contains(identity, kv.Key) {
				t.Errorf("%s has %s", m.Name, kv.Key)
			}
		}
		for key, level := range want.Attributes {
			if level == "required" && !there[key] {
				t.Errorf("%s has no %s: %v", m.Name, key, point.Attributes)
			}
		}
	}
	return true
}

// The checks themselves must find what is wrong.
func TestConventionsAreHeldTo(t *testing.T) {
	c := readConventions(t)
	str := func(v string) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: v}}
	}
	good := func() *tracepb.Span {
		return &tracepb.Span{Name: "chat m", Kind: tracepb.Span_SPAN_KIND_CLIENT, Attributes: []*commonpb.KeyValue{
			{Key: attrOperation, Value: str("chat")}, {Key: attrProvider, Value: str("openai")}, {Key: attrRequestModel, Value: str("m")},
		}}
	}
	for name, spoil := range map[string]func(s *tracepb.Span){
		"":         func(*tracepb.Span) {},
		"name":     func(s *tracepb.Span) { s.Name = "chat" },
		"kind":     func(s *tracepb.Span) { s.Kind = tracepb.Span_SPAN_KIND_SERVER },
		"required": func(s *tracepb.Span) { s.Attributes = s.Attributes[:2]; s.Name = "chat" },
		"unknown":  func(s *tracepb.Span) { s.Attributes[2].Key = "gen_ai.request.modell"; s.Name = "chat" },
		"mistyped": func(s *tracepb.Span) {
			s.Attributes = append(s.Attributes, &commonpb.KeyValue{Key: attrRequestSeed, Value: str("7")})
		},
		"enum":          func(s *tracepb.Span) { s.Attributes[0].Value = str("chatting"); s.Name = "chatting m" },
		"no error.type": func(s *tracepb.Span) { s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR} },
		"out of place": func(s *tracepb.Span) {
			s.Attributes = append(s.Attributes, &commonpb.KeyValue{Key: "gen_ai.tool.name", Value: str("x")})
		},
		"no port": func(s *tracepb.Span) {
			s.Attributes = append(s.Attributes, &commonpb.KeyValue{Key: attrServerAddress, Value: str("x")})
		},
	} {
		s := good()
		spoil(s)
		found := &complaints{}
		c.checkCall(found, s)
		if (len(found.list) > 0) != (name != "") {
			t.Errorf("%q: found wrong is %q", name, found.list)
		}
	}
}
