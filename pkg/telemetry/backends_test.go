package telemetry

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// langfuseReads is what Langfuse takes from a span, by its ingestion's source
// (langfuse 4.16, packages/shared/src/server/otel/OtelIngestionProcessor.ts and
// ObservationTypeMapper.ts): our attribute, and the field of an observation.
var langfuseReads = map[string]string{
	attrOperation:               "type",
	attrResponseModel:           "model",
	attrRequestModel:            "model",
	attrUsageInput:              "usageDetails.input",
	attrUsageOutput:             "usageDetails.output",
	attrUsageCacheRead:          "usageDetails.input_cached_tokens",
	attrUsageCacheWrite:         "usageDetails.input_cache_creation",
	attrUsageReasoning:          "usageDetails.output_reasoning_tokens",
	attrUsageCost:               "costDetails.total",
	attrConversationID:          "sessionId",
	attrRequestTemperature:      "modelParameters",
	attrRequestTopP:             "modelParameters",
	attrRequestTopK:             "modelParameters",
	attrRequestMaxTokens:        "modelParameters",
	attrRequestSeed:             "modelParameters",
	attrRequestStream:           "modelParameters",
	attrRequestChoices:          "modelParameters",
	attrRequestStopSequences:    "modelParameters",
	attrRequestFrequencyPenalty: "modelParameters",
	attrRequestPresencePenalty:  "modelParameters",
	attrInputMessages:           "input",
	attrSystemInstructions:      "input",
	attrOutputMessages:          "output",
}

// Our golden spans carry each attribute that Langfuse reads, and the docs say
// what it becomes.
func TestLangfuseFindsWhatItReads(t *testing.T) {
	carried := map[string]bool{}
	for _, name := range []string{"stream", "content"} {
		text, err := os.ReadFile("testdata/spans/" + name + ".json")
		var spans []struct{ Attributes map[string]any }
		if err == nil {
			err = json.Unmarshal(text, &spans)
		}
		if err != nil {
			t.Fatal(err)
		}
		for key := range spans[0].Attributes {
			carried[key] = true
		}
	}
	doc, err := os.ReadFile("../../docs/TELEMETRY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, backends, _ := strings.Cut(string(doc), "\n## Backends")
	for ours, theirs := range langfuseReads {
		if !carried[ours] {
			t.Errorf("no golden span has %s, which Langfuse reads as %s", ours, theirs)
		}
		if !strings.Contains(backends, "`"+ours+"`") && theirs != "modelParameters" || !strings.Contains(backends, "`"+theirs+"`") {
			t.Errorf("docs/TELEMETRY.md, Backends, does not say that Langfuse reads %s as %s", ours, theirs)
		}
	}
}
