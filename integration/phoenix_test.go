package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goldenSpan are the attributes of a call's span as pkg/telemetry's golden files
// have it.
func goldenSpan(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tools.Root, "pkg", "telemetry", "testdata", "spans", name+".json"))
	var spans []struct{ Attributes map[string]any }
	if err == nil {
		err = json.Unmarshal(text, &spans)
	}
	if err != nil || len(spans) == 0 {
		t.Fatal(len(spans), err)
	}
	return spans[0].Attributes
}

// Arize Phoenix's own reader makes of our spans what they mean.
func TestPhoenixReadsOurSpans(t *testing.T) {
	python, err := tools.PythonOnly(t.Context(), "integration/backends/phoenix.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"stream", "content", "embeddings"}
	var spans []map[string]any
	for _, name := range names {
		spans = append(spans, goldenSpan(t, name))
	}
	in, err := json.Marshal(spans)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(tools.Root, "integration", "backends", "phoenix.py"))
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var read []map[string]any
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(tools.Root, "docs", "TELEMETRY.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range phoenixReads() {
		for key, value := range want {
			if got := fmt.Sprint(read[i][key]); got != value {
				t.Errorf("%s: Phoenix reads %s as %q, want %q; all: %v", names[i], key, got, value, read[i])
			}
		}
		for key := range read[i] {
			if !strings.Contains(string(doc), "`"+generic(key)+"`") {
				t.Errorf("docs/TELEMETRY.md does not say what becomes Phoenix's %s", generic(key))
			}
		}
	}
}

// generic leaves the places of messages, and what follows, out of a name.
func generic(key string) string { return placed.ReplaceAllString(key, "") }

var placed = regexp.MustCompile(`\.\d+\..*`)

func phoenixReads() []map[string]string {
	return []map[string]string{
		{
			"openinference.span.kind": "LLM", "llm.provider": "openai", "llm.system": "openai", "llm.model_name": "gpt-4o", "session.id": "conv-1",
			"llm.token_count.prompt": "10", "llm.token_count.completion": "20", "llm.token_count.total": "30",
			"llm.token_count.prompt_details.cache_read": "4", "llm.token_count.prompt_details.cache_write": "2",
			"llm.finish_reason":         "[stop tool_calls]",
			"llm.invocation_parameters": `{"temperature": 0.5, "top_p": 0.9, "top_k": 40, "max_tokens": 100, "frequency_penalty": 0.1, "presence_penalty": -0.1, "seed": 7, "stream": true, "n": 2, "stop": ["END"], "response_format": {"type": "json_object"}}`,
			"output.value":              `{"id": "resp-1", "model": "gpt-4o-2024-11-20"}`,
		},
		{
			"llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "be kind",
			"llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": "hi [EMAIL]",
			"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "hello",
		},
		{"openinference.span.kind": "EMBEDDING"},
	}
}
