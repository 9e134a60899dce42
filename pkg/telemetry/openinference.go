package telemetry

import (
	"encoding/json"
	"strconv"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
)

// openInference adds the attributes by which Phoenix and Arize know calls of
// models, beside those of the conventions.
// https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
func (t *Telemetry) openInference(b *encoder, r *call.Record) {
	kind := "LLM"
	switch r.Operation {
	case genai.Embeddings:
		kind = "EMBEDDING"
		b.str("embedding.model_name", r.RequestModel)
	case genai.Rerank:
		kind = "RERANKER"
		b.str("reranker.model_name", r.RequestModel)
	case genai.CallTool:
		kind = "TOOL"
		if r.Request != nil && r.Request.RPC != nil {
			b.str("tool.name", r.Request.RPC.Tool)
		}
	default:
		b.str("llm.model_name", r.RequestModel)
	}
	b.str("openinference.span.kind", kind)
	b.str("user.id", r.Identity.Subject)
	if r.Request != nil {
		b.str("session.id", r.Request.ConversationID)
	}
	if rpcOf(r) == nil {
		b.str("llm.provider", provider(r))
		b.str("llm.system", r.Dialect)
		if r.Request != nil {
			b.long("llm.invocation_parameters", invocation(&r.Request.Params))
		}
	}
	if u := &r.Response.Usage; u.Reported && !t.noUsage {
		b.openCounts(u)
	}
	if t.content {
		b.openContent(r)
	}
}

func (b *encoder) openCounts(u *genai.Usage) {
	for _, count := range []struct {
		has   bool
		key   string
		value int64
	}{
		{u.HasInput, "prompt", u.InputTokens}, {u.HasOutput, "completion", u.OutputTokens},
		{u.HasInput && u.HasOutput, "total", u.InputTokens + u.OutputTokens},
		{u.HasCacheRead, "prompt_details.cache_read", u.CacheReadTokens}, {u.HasCacheWrite, "prompt_details.cache_write", u.CacheWriteTokens},
		{u.HasReasoning, "completion_details.reasoning", u.ReasoningTokens},
	} {
		if count.has {
			b.int("llm.token_count."+count.key, count.value)
		}
	}
}

// invocation is the parameters as JSON.
func invocation(p *genai.Params) string {
	data, err := json.Marshal(struct {
		MaxTokens        *int64   `json:"max_tokens,omitempty"`
		Temperature      *float64 `json:"temperature,omitempty"`
		TopP             *float64 `json:"top_p,omitempty"`
		TopK             *float64 `json:"top_k,omitempty"`
		FrequencyPenalty *float64 `json:"frequency_penalty,omitempty"`
		PresencePenalty  *float64 `json:"presence_penalty,omitempty"`
		Seed             *int64   `json:"seed,omitempty"`
		N                *int64   `json:"n,omitempty"`
	}{p.MaxTokens, p.Temperature, p.TopP, p.TopK, p.FrequencyPenalty, p.PresencePenalty, p.Seed, p.Choices})
	if err != nil { // a number that JSON has not
		return "{}"
	}
	return string(data)
}

// openMessage is a captured message, as package call writes it.
type openMessage struct {
	Role  string `json:"role"`
	Parts []struct {
		Type      string          `json:"type"`
		Content   string          `json:"content"`
		Response  string          `json:"response"`
		ID        string          `json:"id"`
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"parts"`
}

// openContent flattens what was said. What is over the bound of content is left
// out, as it is of the conventions' attributes.
func (b *encoder) openContent(r *call.Record) {
	left := maxContent
	b.openMessages("llm.input_messages.", r.InputMessages, &left)
	b.openMessages("llm.output_messages.", r.OutputMessages, &left)
	var tools []json.RawMessage
	if json.Unmarshal(r.ToolDefinitions, &tools) == nil {
		for i, tool := range tools[:min(len(tools), maxList)] {
			b.within("llm.tools."+strconv.Itoa(i)+".tool.json_schema", string(tool), &left)
		}
	}
	b.within("input.value", string(r.ToolArguments), &left)
	b.within("output.value", string(r.ToolResult), &left)
}

// within is a string as long as the bound allows.
func (b *encoder) within(key, value string, left *int) {
	if value != "" && len(value) <= *left {
		*left -= len(value)
		b.long(key, cut(value, maxContent))
	}
}

func (b *encoder) openMessages(prefix string, data []byte, left *int) {
	var list []openMessage
	if json.Unmarshal(data, &list) != nil {
		return
	}
	for i, m := range list[max(0, len(list)-maxList):] { // the last are what the model answers
		at := prefix + strconv.Itoa(i) + ".message."
		b.str(at+"role", m.Role)
		text, calls := "", 0
		for _, p := range m.Parts {
			switch p.Type {
			case "tool_call":
				each := at + "tool_calls." + strconv.Itoa(calls) + ".tool_call."
				b.str(each+"id", p.ID)
				b.str(each+"function.name", p.Name)
				b.within(each+"function.arguments", string(p.Arguments), left)
				calls++
			case "tool_call_response":
				b.str(at+"tool_call_id", p.ID)
				text += p.Response
			default:
				text += p.Content
			}
		}
		b.within(at+"content", text, left)
	}
}
