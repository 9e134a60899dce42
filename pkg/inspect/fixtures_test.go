package inspect

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/dialects"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// recorded is a recorded exchange with an independent reading of it.
type recorded struct {
	har.Entry
	API      string `json:"_api"`
	Expected map[string]any
}

// recordings are development data kept beside the repository: not part of it.
func recordings(t *testing.T) []*recorded {
	t.Helper()
	shared := os.Getenv("REGENT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "fixtures", "exchanges.jsonl.gz"))
	if err != nil {
		t.Skip("the recorded exchanges are not beside the repository (set REGENT_SHARED to their folder)")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReaderSize(z, 1<<20)
	var all []*recorded
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 {
			r := &recorded{}
			if err := json.Unmarshal(line, r); err != nil {
				t.Fatal(err)
			}
			var more struct {
				Expected map[string]any `json:"_expected"`
			}
			if err := json.Unmarshal(line, &more); err != nil {
				t.Fatal(err)
			}
			r.Expected = more.Expected
			all = append(all, r)
		}
		if err != nil {
			return all
		}
	}
}

func inspector(t *testing.T, chunks string) *Inspector {
	t.Helper()
	registry, err := dialects.Registry(nil)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := ParseChunks(chunks)
	if err != nil {
		t.Fatal(err)
	}
	return &Inspector{Dialects: registry, Catalog: cat, Chunks: cut, MaxBody: 64 << 20}
}

// TestRecordedExchanges holds what Regent reads against an independent reading
// of recorded traffic.
func TestRecordedExchanges(t *testing.T) {
	all := recordings(t)
	ways := []string{"", "1"}
	for seed := range 10 {
		ways = append(ways, fmt.Sprintf("random:%d", seed+1))
	}
	for _, chunks := range ways {
		if testing.Short() && chunks != "" {
			break
		}
		t.Run("chunks="+chunks, func(t *testing.T) { compareAll(t, all, chunks) })
	}
}

func compareAll(t *testing.T, all []*recorded, chunks string) {
	i := inspector(t, chunks)
	total, wrong := 0, map[string][]string{}
	for n, r := range all {
		x := &exchange{inspector: i, entry: &r.Entry, result: &Result{ID: r.Entry.Name(n), FinishReasons: []*string{}, ToolCalls: []string{}}}
		x.run()
		if r.API == "none" || r.API == "models.list" {
			total++
			if x.result.Dialect != "none" && r.API == "none" {
				wrong[r.API] = append(wrong[r.API], fmt.Sprintf("%s %s claimed as %s", r.Request.Method, r.Request.URL, x.result.API))
			}
			continue
		}
		if x.request == nil {
			x.request = &genai.Request{}
		}
		for field, want := range r.Expected {
			got, known := x.field(field, want)
			if !known || want == nil {
				continue
			}
			total++
			if !reflect.DeepEqual(normal(got), normal(want)) {
				wrong[r.API] = append(wrong[r.API], fmt.Sprintf("%s %s: got %v, want %v %v", x.result.ID, field, got, want, x.result.Problems))
			}
		}
	}
	report(t, total, wrong)
}

func report(t *testing.T, total int, wrong map[string][]string) {
	n := 0
	var apis []string
	for api, list := range wrong {
		n += len(list)
		apis = append(apis, api)
	}
	sort.Strings(apis)
	for _, api := range apis {
		list := wrong[api]
		t.Logf("%s: %d differ; such as\n  %s", api, len(list), strings.Join(list[:min(len(list), shown())], "\n  "))
	}
	t.Logf("%d of %d stated fields are read as stated (%.3f %%)", total-n, total, 100*float64(total-n)/float64(total))
	if float64(total-n) < 0.995*float64(total) {
		t.Errorf("%d of %d fields differ", n, total)
	}
}

// shown is how many differences of an API are listed; REGENT_SHOW raises it.
func shown() int {
	if n, err := strconv.Atoi(os.Getenv("REGENT_SHOW")); err == nil {
		return n
	}
	return 5
}

// normal makes values of either side comparable.
func normal(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// field is what was read for a stated field; known is false for those Regent
// has no reading of (vectors' sizes, the recorder's own notes).
func (x *exchange) field(name string, want any) (got any, known bool) {
	u := x.result.Usage
	switch name {
	case "model":
		return x.result.Model, true
	case "response_model":
		return x.result.ResponseModel, true
	case "response_id":
		return x.result.ResponseID, true
	case "otel_input_tokens":
		return u.InputTokens, true
	case "otel_output_tokens":
		return u.OutputTokens, true
	case "cached_tokens":
		return u.CachedTokens, true
	case "cache_write_tokens":
		return u.CacheWriteTokens, true
	case "reasoning_tokens":
		return u.ReasoningTokens, true
	case "finish_reasons":
		return x.result.FinishReasons, true
	case "response_text_sha256":
		return digest(x.result.Text), true
	case "response_text_len":
		return len([]rune(x.result.Text)), true
	case "reasoning_text_sha256":
		return digest(x.result.Reasoning), true
	case "tool_calls":
		var names []string
		for _, call := range want.([]any) {
			name, _ := call.(map[string]any)["name"].(string)
			names = append(names, name)
		}
		if normal(names) == normal(x.result.ToolCalls) {
			return want, true
		}
		return x.result.ToolCalls, true
	case "error":
		return x.errorLike(want.(map[string]any))
	case "request":
		return x.requestLike(want.(map[string]any)), true
	}
	return nil, false
}

// errorLike is want with what was read in the members that are stated.
func (x *exchange) errorLike(want map[string]any) (any, bool) {
	got := map[string]any{}
	for k, v := range want {
		got[k] = v
	}
	e := x.result.Error
	if e == nil {
		return "no error", true
	}
	if head, ok := want["message_head"].(string); ok && !strings.HasPrefix(e.Message, head) {
		got["message_head"] = e.Message
	}
	if kind, ok := want["type"].(string); ok && kind != e.Type {
		got["type"] = e.Type
	}
	if code := want["code"]; code != nil && fmt.Sprint(code) != e.Code {
		got["code"] = e.Code
	}
	return got, true
}

func (x *exchange) requestLike(want map[string]any) any {
	got := map[string]any{}
	for k, v := range want {
		got[k] = v
	}
	if n, ok := want["n_messages"].(float64); ok && int(n) != len(x.request.Messages) {
		got["n_messages"] = len(x.request.Messages)
	}
	if names, ok := want["tool_names"].([]any); ok {
		var read []string
		for _, tool := range x.request.Tools {
			read = append(read, tool.Name)
		}
		if normal(read) != normal(names) {
			got["tool_names"] = read
		}
	}
	for _, key := range []string{"max_tokens", "max_completion_tokens", "max_output_tokens"} {
		if n, ok := want[key].(float64); ok && (x.request.Params.MaxTokens == nil || *x.request.Params.MaxTokens != int64(n)) && want["max_completion_tokens"] == nil {
			got[key] = x.request.Params.MaxTokens
		}
	}
	if f, ok := want["temperature"].(float64); ok && (x.request.Params.Temperature == nil || *x.request.Params.Temperature != f) {
		got["temperature"] = x.request.Params.Temperature
	}
	if s, ok := want["last_user_text_sha256"].(string); ok && s != digest(x.lastUserText()) {
		got["last_user_text_sha256"] = x.lastUserText()
	}
	return got
}

// lastUserText is the text parts of the last user message, joined by newlines.
func (x *exchange) lastUserText() string {
	body, _ := x.requestBody()
	for m := len(x.request.Messages) - 1; m >= 0; m-- {
		message := x.request.Messages[m]
		if message.Role != genai.User {
			continue
		}
		var parts []string
		for _, t := range x.request.Texts[message.FirstText:message.EndText] {
			if t.Kind == genai.Content {
				text, _ := jsonspan.View(body[t.Range.Start:t.Range.End], jsonspan.Encoding(t.Encoding))
				parts = append(parts, string(text))
			}
		}
		if len(parts) > 0 {
			return strings.Join(parts, "\n")
		}
	}
	return ""
}
