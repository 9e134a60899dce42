package call

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// An answer that was asked for as JSON stays JSON, whatever is hidden in it, and
// what its own escapes stand before is found.
func TestStructuredAnswerStaysJSON(t *testing.T) {
	b := newBench(t, rules{request: allow, response: redactAll})
	request := `{"model":"m","stream":true,"stream_options":{"include_usage":true},"response_format":{"type":"json_object"},"messages":[{"role":"user","content":"hi"}]}`
	source := `{"note":"see\nAKIAIOSFODNN7REGENT2\tor\u0020jane.doe@example.com","card":4111111111111111,"n":[1,2]}`
	want := `{"note":"see\n[AWS_ACCESS_KEY]\tor\u0020[EMAIL]","card":"[CREDIT_CARD]","n":[1,2]}`
	var v any
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		out := b.stream(t, request, cutAt(sse(deltas(r, source)...), r, 50))
		if got := textsOf(t, out)[0]; got != want {
			t.Fatalf("the client hears %s, want %s", got, want)
		}
	}
}

func TestNestedSourceIsSeen(t *testing.T) {
	for raw, want := range map[string]bool{
		`{\"a\":1}`: true, ` \n [1]`: true, `\u007b\"a\":1}`: true,
		`[1] says`: false, `{`: false, `plain`: false, ``: false, `\n`: false, `\"a\"`: true, `[\"a\",]`: false,
	} {
		if got := nested([]byte(raw), 1) == 3; got != want {
			t.Errorf("%s is read as source: %v", raw, got)
		}
	}
	deep := strings.Repeat("[", 100_000)
	if nested([]byte(deep), 1) == 3 {
		t.Error("what is no JSON is read as such")
	}
}
