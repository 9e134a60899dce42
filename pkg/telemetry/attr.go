package telemetry

// schemaURL is the schema of the names below that are not Regent's own: the last
// released one with GenAI conventions.
const schemaURL = "https://opentelemetry.io/schemas/1.41.0"

// Attributes of the semantic conventions v1.41. A test compares them with the
// conventions' own constants.
const (
	attrErrorType     = "error.type"
	attrServerAddress = "server.address"
	attrServerPort    = "server.port"
	attrStatusCode    = "http.response.status_code"
	attrResendCount   = "http.request.resend_count"
	attrServiceName   = "service.name"
	attrServiceVer    = "service.version"
	attrServiceInst   = "service.instance.id"

	attrOperation      = "gen_ai.operation.name"
	attrProvider       = "gen_ai.provider.name"
	attrConversationID = "gen_ai.conversation.id"
	attrOutputType     = "gen_ai.output.type"

	attrRequestModel            = "gen_ai.request.model"
	attrRequestChoices          = "gen_ai.request.choice.count"
	attrRequestSeed             = "gen_ai.request.seed"
	attrRequestStream           = "gen_ai.request.stream"
	attrRequestTemperature      = "gen_ai.request.temperature"
	attrRequestTopP             = "gen_ai.request.top_p"
	attrRequestTopK             = "gen_ai.request.top_k"
	attrRequestFrequencyPenalty = "gen_ai.request.frequency_penalty"
	attrRequestPresencePenalty  = "gen_ai.request.presence_penalty"
	attrRequestMaxTokens        = "gen_ai.request.max_tokens"
	attrRequestStopSequences    = "gen_ai.request.stop_sequences"
	attrRequestEncodingFormats  = "gen_ai.request.encoding_formats"
	attrEmbeddingsDimensions    = "gen_ai.embeddings.dimension.count"

	attrResponseID            = "gen_ai.response.id"
	attrResponseModel         = "gen_ai.response.model"
	attrResponseFinishReasons = "gen_ai.response.finish_reasons"
	attrResponseFirstChunk    = "gen_ai.response.time_to_first_chunk"

	attrUsageInput      = "gen_ai.usage.input_tokens"
	attrUsageOutput     = "gen_ai.usage.output_tokens"
	attrUsageCacheRead  = "gen_ai.usage.cache_read.input_tokens"
	attrUsageCacheWrite = "gen_ai.usage.cache_creation.input_tokens"
	attrUsageReasoning  = "gen_ai.usage.reasoning.output_tokens"
	attrTokenType       = "gen_ai.token.type"

	attrInputMessages      = "gen_ai.input.messages"
	attrOutputMessages     = "gen_ai.output.messages"
	attrSystemInstructions = "gen_ai.system_instructions"
	attrToolDefinitions    = "gen_ai.tool.definitions"
	attrToolArguments      = "gen_ai.tool.call.arguments"
	attrToolResult         = "gen_ai.tool.call.result"

	attrToolName   = "gen_ai.tool.name"
	attrPromptName = "gen_ai.prompt.name"
	attrDataSource = "gen_ai.data_source.id"

	attrMCPMethod        = "mcp.method.name"
	attrMCPSession       = "mcp.session.id"
	attrMCPProtocol      = "mcp.protocol.version"
	attrMCPResource      = "mcp.resource.uri"
	attrRPCRequestID     = "jsonrpc.request.id"
	attrRPCVersion       = "jsonrpc.protocol.version"
	attrRPCStatus        = "rpc.response.status_code"
	attrNetworkTransport = "network.transport"
	attrNetworkProtocol  = "network.protocol.name"

	attrGuardrail = "aws.bedrock.guardrail.id"

	attrOpenAIAPIType             = "openai.api.type"
	attrOpenAIRequestServiceTier  = "openai.request.service_tier"
	attrOpenAIResponseServiceTier = "openai.response.service_tier"
	attrOpenAIFingerprint         = "openai.response.system_fingerprint"
)

// nextNames are what the conventions' next version, not released yet, calls some
// attributes (github.com/open-telemetry/semantic-conventions-genai).
var nextNames = map[string]string{
	attrUsageCacheWrite:  "gen_ai.usage.cache_write.input_tokens",
	attrPromptVersion:    "gen_ai.prompt.version",
	attrReasoningEffort:  "gen_ai.request.reasoning.level",
	attrPreviousResponse: "gen_ai.request.previous_response.id",
}

// attrUsageCost is no convention's, but what GenAI backends read a cost from.
const attrUsageCost = "gen_ai.usage.cost"

// Attributes of Regent's own.
const (
	attrCallID            = "regent.call.id"
	attrAPI               = "regent.api"
	attrDecision          = "regent.decision"
	attrPolicyRevision    = "regent.policy.revision"
	attrBundle            = "regent.policy.bundle"
	attrPolicyRole        = "regent.policy.role"        // active, canary: while a canary is on trial
	attrPolicyDuration    = "regent.policy.duration"    // seconds, all evaluations
	attrPolicyEvaluations = "regent.policy.evaluations" // how many
	attrDenyCodes         = "regent.deny.codes"
	attrDenyPhase         = "regent.deny.phase"
	attrRedactions        = "regent.redactions"            // how many values
	attrRedactionsPrefix  = "regent.redactions."           // + entity
	attrRequestFindings   = "regent.findings.request"      // entities
	attrResponseFindings  = "regent.findings.response"     // entities
	attrCoverageRequest   = "regent.coverage.request"      // full, partial, none
	attrCoverageResponse  = "regent.coverage.response"     // full, partial, none
	attrCoverageReasons   = "regent.coverage.reasons"      //
	attrTarget            = "regent.target"                //
	attrUpstreamModel     = "regent.upstream.model"        // where a decision replaced it
	attrExperiment        = "regent.experiment.name"       //
	attrVariant           = "regent.experiment.variant"    //
	attrLabelsPrefix      = "regent.labels."               // + name
	attrHeldBytesMax      = "regent.held_bytes_max"        //
	attrHeldDuration      = "regent.held.duration"         // seconds
	attrOutcomes          = "regent.policy.outcomes"       // denies, redactions, … of a decision
	attrReviewID          = "regent.review.id"             //
	attrChunks            = "regent.chunks"                //
	attrCostSource        = "regent.cost.source"           // reported, catalog
	attrTokensSource      = "regent.tokens.source"         // reported, none
	attrEstimatedInput    = "regent.tokens.input_estimate" // before the call
	attrFailOpen          = "regent.fail_open"
	attrAborted           = "regent.aborted"
	attrComplete          = "regent.complete"
	attrKept              = "regent.trace.kept" // why an unsampled call is exported
	attrToolCalls         = "regent.response.tool_calls"
	attrReasoningEffort   = "regent.request.reasoning_effort"
	attrPreviousResponse  = "regent.request.previous_response.id"
	attrSubject           = "regent.identity.subject"
	attrTenant            = "regent.identity.tenant"
	attrTeam              = "regent.identity.team"
	attrApp               = "regent.identity.app"
	attrAttempt           = "regent.attempt"
	attrContentLeftOut    = "regent.content.left_out"  // bytes over the bound
	attrContentReference  = "regent.content.reference" // a file's name
	attrPromptVersion     = "regent.prompt.version"
	attrDataSources       = "regent.data_sources"
)

// Attributes of Regent's own metrics only.
const (
	attrCoverage = "regent.coverage" // full, partial, none: the lower of both
	attrPart     = "regent.coverage.part"
	attrLevel    = "regent.coverage.level"
	attrReason   = "regent.reason"
	attrEntity   = "regent.entity"
	attrDenyCode = "regent.deny.code"
	attrPhase    = "regent.phase"
	attrKind     = "regent.kind"
	attrResult   = "regent.result"
)

// Metrics of the conventions.
const (
	metricTokenUsage  = "gen_ai.client.token.usage"
	metricDuration    = "gen_ai.client.operation.duration"
	metricFirstChunk  = "gen_ai.client.operation.time_to_first_chunk"
	metricOutputChunk = "gen_ai.client.operation.time_per_output_chunk"
	metricMCPDuration = "mcp.client.operation.duration"
)

// Names of spans and events beside the call's own span.
const (
	spanAttempt     = "attempt"
	eventFirstChunk = "regent.first_chunk"
)
