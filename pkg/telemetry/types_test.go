package telemetry

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
)

// typed are the conventions' own constructors: they know each attribute's type.
var typed = []attribute.KeyValue{
	semconv.ErrorTypeKey.String(""), semconv.ServerAddress(""), semconv.ServerPort(0), semconv.HTTPResponseStatusCode(0), semconv.HTTPRequestResendCount(0),
	semconv.GenAIOperationNameChat, semconv.GenAIProviderNameOpenAI, semconv.GenAIConversationID(""), semconv.GenAIOutputTypeJSON,
	semconv.GenAIRequestModel(""), semconv.GenAIRequestChoiceCount(0), semconv.GenAIRequestSeed(0), semconv.GenAIRequestStream(true),
	semconv.GenAIRequestTemperature(0), semconv.GenAIRequestTopP(0), semconv.GenAIRequestTopK(0), semconv.GenAIRequestFrequencyPenalty(0),
	semconv.GenAIRequestPresencePenalty(0), semconv.GenAIRequestMaxTokens(0), semconv.GenAIRequestStopSequences(), semconv.GenAIRequestEncodingFormats(),
	semconv.GenAIEmbeddingsDimensionCount(0), semconv.GenAIResponseID(""), semconv.GenAIResponseModel(""), semconv.GenAIResponseFinishReasons(),
	semconv.GenAIResponseTimeToFirstChunk(0), semconv.GenAIUsageInputTokens(0), semconv.GenAIUsageOutputTokens(0),
	semconv.GenAIUsageCacheReadInputTokens(0), semconv.GenAIUsageCacheCreationInputTokens(0), semconv.GenAIUsageReasoningOutputTokens(0),
	semconv.OpenAIAPITypeChatCompletions, semconv.OpenAIRequestServiceTierKey.String(""), semconv.OpenAIResponseServiceTier(""),
	// On spans the messages are JSON strings, where the SDK has no structures (gen-ai-spans.md).
	semconv.GenAIInputMessagesKey.String(""), semconv.GenAIOutputMessagesKey.String(""), semconv.GenAISystemInstructionsKey.String(""),
}

// Every attribute of the golden spans has the conventions' type, and every
// attribute that claims a convention's namespace is one of theirs.
func TestGoldenAttributesHaveTheConventionsTypes(t *testing.T) {
	types := map[string]attribute.Type{}
	for _, kv := range typed {
		types[string(kv.Key)] = kv.Value.Type()
	}
	seen := map[string]bool{}
	files, _ := filepath.Glob("testdata/spans/*.json")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var spans []goldenSpan
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		if err := d.Decode(&spans); err != nil {
			t.Fatal(err)
		}
		for _, s := range spans {
			for key, value := range s.Attributes {
				want, known := types[key]
				seen[key] = true
				switch {
				case !known && !strings.HasPrefix(key, "regent.") && key != attrUsageCost:
					t.Errorf("%s: %s is in no convention", file, key)
				case known && !fits(want, value):
					t.Errorf("%s: %s is %v, the conventions want %v", file, key, value, want)
				}
			}
		}
	}
	for key := range types {
		if !seen[key] {
			t.Errorf("no golden span has %s", key)
		}
	}
}

// fits reports whether a JSON value can be of type want; a whole number may be
// a double.
func fits(want attribute.Type, value any) bool {
	switch v := value.(type) {
	case string:
		return want == attribute.STRING
	case bool:
		return want == attribute.BOOL
	case json.Number:
		return want == attribute.FLOAT64 || want == attribute.INT64 && !strings.ContainsAny(v.String(), ".eE")
	case []any:
		return want == attribute.STRINGSLICE
	}
	return false
}

// Required attributes of the inference span stand in every span of a call.
func TestRequiredAttributes(t *testing.T) {
	for name, rec := range records() {
		e := newEncoder()
		(&Telemetry{}).attributes(e, rec)
		for _, key := range []string{attrOperation, attrProvider} {
			if !e.has(key) {
				t.Errorf("%s has no %s", name, key)
			}
		}
	}
}
