package console

import (
	"time"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// testRecord is a plain call that ended then.
func testRecord(ended time.Time) *call.Record {
	return &call.Record{
		ID: "0123456789abcdef0123456789abcdef", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Started: ended.Add(-time.Second), Ended: ended,
		Dialect: "openai", API: "openai.chat", Provider: "openai", Operation: genai.Chat, RequestModel: "gpt-4o-mini", ServerAddress: "api.openai.com",
		Response:   genai.Response{Model: "gpt-4o-mini-2024-07-18", Usage: genai.Usage{Reported: true, InputTokens: 100, OutputTokens: 20}, FinishReasons: []genai.FinishReason{{Reason: "stop"}}},
		HTTPStatus: 200, Identity: policy.IdentityFacts{Subject: "ann", Tenant: "acme", Team: "search", App: "assistant"},
		PolicyRevision: "r1", Decision: "allow", Coverage: policy.Coverage{Request: policy.Full, Response: policy.Full},
		CostUSD: 0.001, CostKnown: true, PolicyTime: 200 * time.Microsecond, Evaluations: 2, Complete: true,
		Attempts: []call.AttemptRecord{{Number: 1, Target: "public", Address: "10.0.0.1:443", Status: 200, Started: ended.Add(-900 * time.Millisecond), Ended: ended.Add(-100 * time.Millisecond)}},
	}
}
