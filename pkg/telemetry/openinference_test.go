package telemetry

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call"
)

// OpenInference's attributes come beside the conventions', in golden files of
// their own: testdata/openinference.
func TestOpenInference(t *testing.T) {
	names := []string{"openai.chat", "openai.chat.tools", "openai.chat.redacted", "openai.embeddings", "anthropic.messages.cached", "cohere.rerank", "mcp.tools_call"}
	list := slices.DeleteFunc(slices.Clone(exchanges), func(x exchange) bool { return !slices.Contains(names, x.name) })
	traces, _ := record(t, func(s *Settings, calls *call.Settings) {
		s.Traces.OpenInference, s.Content, calls.Content = true, true, true
	}, list)
	for i := range traces {
		attrs := plain(traces[i].call(t).Attributes)
		open := map[string]any{}
		for key, value := range attrs {
			if !strings.HasPrefix(key, "gen_ai.") && !strings.HasPrefix(key, "regent.") && !strings.HasPrefix(key, "mcp.") && !strings.HasPrefix(key, "http.") && !strings.HasPrefix(key, "server.") {
				open[key] = value
			}
		}
		t.Run(traces[i].exchange.name, func(t *testing.T) {
			if attrs[attrOperation] == nil {
				t.Error("the conventions' attributes are missing")
			}
			compare(t, filepath.Join("testdata", "openinference", traces[i].exchange.name+".json"), open)
		})
	}
}

// Without content captured, OpenInference shows none either.
func TestOpenInferenceHidesContent(t *testing.T) {
	for name, rec := range records() {
		for _, s := range export(t, func(s *Settings) { s.Traces.OpenInference = true }, call.Parent{}, rec) {
			for _, kv := range s.Attributes {
				if strings.Contains(kv.Key, "messages") || strings.HasSuffix(kv.Key, ".value") || strings.HasPrefix(kv.Key, "llm.tools") {
					t.Errorf("%s: %s is there", name, kv.Key)
				}
			}
		}
	}
}
