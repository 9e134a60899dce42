package integration

import (
	"encoding/json"
	"strings"
	"testing"
)

// streamText joins choice 0's content of a chat stream, all of whose events
// must be whole.
func streamText(t *testing.T, body string) string {
	t.Helper()
	var out strings.Builder
	for _, event := range strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		if data == "[DONE]" {
			continue
		}
		var e struct {
			Choices []struct {
				Delta struct{ Content string }
			}
		}
		if err := json.Unmarshal([]byte(data), &e); !ok || err != nil {
			t.Fatalf("event %q: %v", event, err)
		}
		if len(e.Choices) > 0 {
			out.WriteString(e.Choices[0].Delta.Content)
		}
	}
	return out.String()
}
