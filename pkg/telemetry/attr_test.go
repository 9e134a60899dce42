package telemetry

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
	"go.opentelemetry.io/otel/semconv/v1.41.0/mcpconv"

	"github.com/regent-proxy/regent/pkg/call"
)

// conventional pins our literals to the conventions' own constants.
var conventional = map[string]attribute.Key{
	attrErrorType: semconv.ErrorTypeKey, attrServerAddress: semconv.ServerAddressKey, attrServerPort: semconv.ServerPortKey,
	attrStatusCode: semconv.HTTPResponseStatusCodeKey, attrResendCount: semconv.HTTPRequestResendCountKey,
	attrServiceName: semconv.ServiceNameKey, attrServiceVer: semconv.ServiceVersionKey, attrServiceInst: semconv.ServiceInstanceIDKey,
	attrOperation: semconv.GenAIOperationNameKey, attrProvider: semconv.GenAIProviderNameKey,
	attrConversationID: semconv.GenAIConversationIDKey, attrOutputType: semconv.GenAIOutputTypeKey,
	attrRequestModel: semconv.GenAIRequestModelKey, attrRequestChoices: semconv.GenAIRequestChoiceCountKey,
	attrRequestSeed: semconv.GenAIRequestSeedKey, attrRequestStream: semconv.GenAIRequestStreamKey,
	attrRequestTemperature: semconv.GenAIRequestTemperatureKey, attrRequestTopP: semconv.GenAIRequestTopPKey, attrRequestTopK: semconv.GenAIRequestTopKKey,
	attrRequestFrequencyPenalty: semconv.GenAIRequestFrequencyPenaltyKey, attrRequestPresencePenalty: semconv.GenAIRequestPresencePenaltyKey,
	attrRequestMaxTokens: semconv.GenAIRequestMaxTokensKey, attrRequestStopSequences: semconv.GenAIRequestStopSequencesKey,
	attrRequestEncodingFormats: semconv.GenAIRequestEncodingFormatsKey, attrEmbeddingsDimensions: semconv.GenAIEmbeddingsDimensionCountKey,
	attrResponseID: semconv.GenAIResponseIDKey, attrResponseModel: semconv.GenAIResponseModelKey,
	attrResponseFinishReasons: semconv.GenAIResponseFinishReasonsKey, attrResponseFirstChunk: semconv.GenAIResponseTimeToFirstChunkKey,
	attrUsageInput: semconv.GenAIUsageInputTokensKey, attrUsageOutput: semconv.GenAIUsageOutputTokensKey,
	attrUsageCacheRead: semconv.GenAIUsageCacheReadInputTokensKey, attrUsageCacheWrite: semconv.GenAIUsageCacheCreationInputTokensKey,
	attrUsageReasoning: semconv.GenAIUsageReasoningOutputTokensKey, attrTokenType: semconv.GenAITokenTypeKey,
	attrInputMessages: semconv.GenAIInputMessagesKey, attrOutputMessages: semconv.GenAIOutputMessagesKey,
	attrSystemInstructions: semconv.GenAISystemInstructionsKey, attrToolDefinitions: semconv.GenAIToolDefinitionsKey,
	attrToolArguments: semconv.GenAIToolCallArgumentsKey, attrToolResult: semconv.GenAIToolCallResultKey,
	attrToolName: semconv.GenAIToolNameKey, attrPromptName: semconv.GenAIPromptNameKey, attrDataSource: semconv.GenAIDataSourceIDKey,
	attrMCPMethod: semconv.McpMethodNameKey, attrMCPSession: semconv.McpSessionIDKey, attrMCPProtocol: semconv.McpProtocolVersionKey,
	attrMCPResource: semconv.McpResourceURIKey, attrRPCRequestID: semconv.JSONRPCRequestIDKey, attrRPCVersion: semconv.JSONRPCProtocolVersionKey,
	attrRPCStatus: semconv.RPCResponseStatusCodeKey, attrNetworkTransport: semconv.NetworkTransportKey, attrNetworkProtocol: semconv.NetworkProtocolNameKey,
	attrGuardrail: semconv.AWSBedrockGuardrailIDKey, attrOpenAIFingerprint: semconv.OpenAIResponseSystemFingerprintKey,
	attrOpenAIAPIType: semconv.OpenAIAPITypeKey, attrOpenAIRequestServiceTier: semconv.OpenAIRequestServiceTierKey,
	attrOpenAIResponseServiceTier: semconv.OpenAIResponseServiceTierKey,
}

func TestNamesAreTheConventions(t *testing.T) {
	for ours, theirs := range conventional {
		if ours != string(theirs) {
			t.Errorf("%q, the conventions say %q", ours, theirs)
		}
	}
	for ours, theirs := range map[string]string{
		metricTokenUsage: genaiconv.ClientTokenUsage{}.Name(), metricDuration: genaiconv.ClientOperationDuration{}.Name(),
		metricFirstChunk: genaiconv.ClientOperationTimeToFirstChunk{}.Name(), metricOutputChunk: genaiconv.ClientOperationTimePerOutputChunk{}.Name(),
		metricMCPDuration: mcpconv.ClientOperationDuration{}.Name(),
	} {
		if ours != theirs {
			t.Errorf("%q, the conventions say %q", ours, theirs)
		}
	}
	if schemaURL != semconv.SchemaURL {
		t.Errorf("schema %q, the conventions say %q", schemaURL, semconv.SchemaURL)
	}
}

// Every constant in attr.go is pinned above, or is in Regent's own namespace,
// or is one of the exceptions.
func TestEveryNameIsPinned(t *testing.T) {
	exceptions := []string{schemaURL, attrUsageCost, spanAttempt}
	metrics := []string{metricTokenUsage, metricDuration, metricFirstChunk, metricOutputChunk, metricMCPDuration}
	for _, next := range nextNames {
		exceptions = append(exceptions, next)
	}
	names := literals(t, "attr.go")
	for _, name := range names {
		_, pinned := conventional[name]
		if !pinned && !strings.HasPrefix(name, "regent.") && !slices.Contains(exceptions, name) && !slices.Contains(metrics, name) {
			t.Errorf("%q is not compared with the conventions", name)
		}
	}
	if len(names) < 80 {
		t.Errorf("only %d names found", len(names))
	}
}

// literals are the strings in a source file.
func literals(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, _ := strconv.Unquote(literal.Value)
			out = append(out, text)
		}
		return true
	})
	return out
}

// The names of the next version stand in the place of the older ones.
func TestNextNames(t *testing.T) {
	rec := records()["stream"]
	rec.Provenance.PromptVersion = "3"
	for _, wanted := range []string{"", "http, gen_ai_latest_experimental"} {
		attrs := plain(export(t, func(s *Settings) {
			s.Env = func(name string) string {
				return map[string]string{"OTEL_SEMCONV_STABILITY_OPT_IN": wanted}[name]
			}
		}, call.Parent{}, rec)[0].Attributes)
		for old, next := range nextNames {
			if (attrs[old] == nil) != (wanted != "") || (attrs[next] == nil) != (wanted == "") {
				t.Errorf("opted in %q: %s is %v, %s is %v", wanted, old, attrs[old], next, attrs[next])
			}
		}
	}
}
