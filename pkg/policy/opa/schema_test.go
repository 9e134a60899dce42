package opa

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

var update = flag.Bool("update", false, "write the generated schema of decisions")

const decisionSchema = "../../../policies/schemas/decision.json"

// The published schema of decisions is what the decoder accepts.
func TestDecisionSchema(t *testing.T) {
	schema := map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "Regent decisions",
		"description": "What each phase's document may hold: data.regent.request, data.regent.attempt and data.regent.response.",
		"type":        "object", "additionalProperties": false,
	}
	properties := map[string]any{}
	for _, phase := range phases {
		properties[string(phase)] = schemaOf(contract[phase])
	}
	schema["properties"] = properties
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(decisionSchema, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(decisionSchema)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(have)); diff != "" {
		t.Errorf("policies/schemas/decision.json is stale, run this test with -update: %s", diff)
	}
}

func schemaOf(s *shape) map[string]any {
	out := map[string]any{}
	about := s.about
	if s.refused != "" {
		about += "; " + s.refused
	}
	if about != "" {
		out["description"] = about
	}
	switch s.kind {
	case kindString:
		out["type"] = "string"
		if s.enum != nil {
			out["enum"] = s.enum
		}
		if s.nonEmpty {
			out["minLength"] = 1
		}
	case kindNumber, kindInteger:
		out["type"] = map[kind]string{kindNumber: "number", kindInteger: "integer"}[s.kind]
		out["minimum"], out["maximum"] = s.min, s.max
	case kindBool:
		out["type"] = "boolean"
	case kindList:
		out["type"], out["items"] = "array", schemaOf(s.elem)
	case kindMap:
		out["type"], out["additionalProperties"] = "object", schemaOf(s.elem)
	case kindObject:
		fields := map[string]any{}
		for name, of := range s.fields {
			fields[name] = schemaOf(of)
		}
		out["type"], out["properties"], out["additionalProperties"] = "object", fields, false
		if s.required != nil {
			out["required"] = s.required
		}
	}
	return out
}

// Whatever Go builds as facts, the published schema of inputs describes.
func TestFactsConformToSchema(t *testing.T) {
	schema, err := schemaFile("input")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{plain: true}).Current()
	seen := map[string]bool{}
	for _, in := range everyFact() {
		text := s.facts(&reads{whole: true}, in).Value.String()
		facts, err := parseJSON([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := conforms(schema, facts, "input"); err != nil {
			t.Error(err)
		}
		paths(facts, "", seen)
	}
	// And the schema promises nothing that Go never builds.
	promised := map[string]bool{}
	schemaPaths(schema, "", promised)
	var missing []string
	for path := range promised {
		if !seen[path] {
			missing = append(missing, path)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("facts of the schema that are never built: %v", missing)
	}
}

func paths(v any, at string, into map[string]bool) {
	into[at] = true
	switch v := v.(type) {
	case map[string]any:
		for name, each := range v {
			paths(each, at+"."+name, into)
		}
	case []any:
		for _, each := range v {
			paths(each, at+"[]", into)
		}
	}
}

func schemaPaths(schema map[string]any, at string, into map[string]bool) {
	into[at] = true
	properties, _ := schema["properties"].(map[string]any)
	for name, of := range properties {
		schemaPaths(of.(map[string]any), at+"."+name, into)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		schemaPaths(items, at+"[]", into)
	}
}

// everyFact are inputs that hold every fact there is.
func everyFact() []*policy.Input {
	in := chat("hello")
	one, two := int64(1), 0.5
	q := in.LLM.Request
	q.Messages[0].ToolCalls = []genai.ToolCall{{ID: "a", Name: "b", Arguments: []byte("{}")}}
	q.Tools = []genai.ToolDefinition{{Name: "a", Type: "function"}}
	q.Attachments = []genai.Attachment{{Modality: "image"}}
	q.Params = genai.Params{
		MaxTokens: &one, Temperature: &two, TopP: &two, TopK: &two, FrequencyPenalty: &two, PresencePenalty: &two, Seed: &one, Choices: &one,
		Dimensions: &one, StopSequences: []string{"x"}, EncodingFormats: []string{"float"},
	}
	in.Source.SANs, in.Identity.Scopes, in.Coverage.Reasons = []string{"a"}, []string{"b"}, []string{"c"}
	in.Identity.Claims = map[string]any{"a": []any{1, "b", nil, 2.5}}
	in.Tokens = policy.TokenFacts{Input: 1, MaxOutput: 2, ContextWindow: 3}
	in.Cost = policy.CostFacts{EstimatedUSD: 0.1, Known: true}
	finding := policy.FindingFact{Entity: "EMAIL", Class: "pii", Where: genai.Content, Role: genai.User, Count: 1, Score: 1}
	in.Findings = []policy.FindingFact{finding}
	out := *in
	out.Phase, out.Attempt = policy.Response, &policy.AttemptFacts{Number: 1, Target: "a"}
	out.Response = &policy.ResponseFacts{
		Status: 200, FinishReasons: []string{"stop"}, ToolCalls: []string{"a"}, ToolHosts: []string{"a"}, LinkHosts: []string{"a"}, Findings: in.Findings, Text: func() string { return "x" }, Err: &genai.Error{Status: 500},
		Usage: genai.Usage{HasInput: true, HasOutput: true, HasCacheRead: true, HasCacheWrite: true, HasReasoning: true},
	}
	return []*policy.Input{in, &out}
}
