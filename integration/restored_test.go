package integration

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regent-proxy/regent/integration/harness"
)

// pseudonymPolicy has the provider work with stand-ins.
var pseudonymPolicy = map[string]string{
	"settings.yaml": "regent: {settings: {redaction: {request: {enabled: false}}}}\n",
	"request.rego":  "package regent.request\n\nredact contains {\"class\": \"pii\", \"with\": \"pseudonym\"}\n",
}

// personal are values that must not reach the provider.
var personal = []string{"ann.ohara@corp.example", "+44 20 7946 0958", "4111 1111 1111 1111", "DE89370400440532013000"}

// said is what the application's user writes: each value is one word of it.
var said = []string{"Please", "write", "to", personal[0], "or", "ring", personal[1], "about", "card", personal[2], "and", "account", personal[3], "–", "«Grüße»", "\"thanks\""}

// What the policy gives pseudonyms for never reaches the provider in any form,
// and the application, an official client library, sees the values as if nobody
// had taken them out, whatever the model does around them: in documents and in
// streams, in text and in tool calls.
func TestPseudonymsAreRestoredForTheClient(t *testing.T) {
	python, err := tools.Python(t.Context(), "integration/sdk/clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	provider := &echo{}
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	s := start(t, harness.Options{Policies: pseudonymPolicy, Providers: map[string]string{"public": server.Listener.Addr().String()}})
	for _, library := range []string{"openai", "anthropic"} {
		t.Run(library, func(t *testing.T) {
			provider.forget()
			input, _ := json.Marshal(map[string]string{"text": strings.Join(said, " "), "value": personal[0]})
			got := stepsOf(t, input, []string{python, script("restored.py"), s.URL, library})
			checkRestored(t, got)
			provider.check(t)
		})
	}
}

// checkRestored wants every step of the script to be what the model makes of
// the words as the user wrote them.
func checkRestored(t *testing.T, got map[string]string) {
	t.Helper()
	if len(got) < 4 {
		t.Fatalf("only %d steps ran", len(got))
	}
	text := rework(said)
	arguments := argumentsOf(said)
	for step, value := range got {
		var want any = text
		if strings.HasSuffix(step, "tool") {
			want = arguments
		}
		var is any
		if err := json.Unmarshal([]byte(value), &is); err != nil {
			t.Fatalf("%s: %v in %s", step, err, value)
		}
		if again, _ := json.Marshal(want); !reflect.DeepEqual(is, plainJSON(again)) {
			t.Errorf("%s: the client got\n%s\nwant\n%s", step, value, again)
		}
		if standIn.MatchString(value) {
			t.Errorf("%s: a stand-in in %s", step, value)
		}
	}
}

func plainJSON(source []byte) (v any) {
	_ = json.Unmarshal(source, &v) // made by json.Marshal
	return v
}

// standIn is the form of pseudonyms.
var standIn = regexp.MustCompile(`(?i)email-[0-9a-hj-km-np-tv-z]{8}|(EMAIL|PHONE|CREDIT_CARD|IBAN)_[0-9a-hj-km-np-tv-z]{8}`)

// rework is what the model says to some words: it quotes them, turns their order
// round, shouts them, sets them bold, in code and in a list, and puts signs
// around them. A value and its stand-in are one word.
func rework(words []string) string {
	shouted := slices.Clone(words)
	for i, w := range shouted {
		if !slices.Contains(personal, w) {
			shouted[i] = strings.ToUpper(w)
		}
	}
	reversed := slices.Clone(words)
	slices.Reverse(reversed)
	lines := []string{
		"> " + strings.Join(words, " "), strings.Join(reversed, " "), strings.Join(shouted, " "),
		"**" + strings.Join(words, "** **") + "**", "- `" + strings.Join(words, "`\n- `") + "`",
		"(" + strings.Join(words, "), “") + "”.", strings.Join(words, ", ") + "!",
		strings.Join(words, "'s ") + "'s", strings.Join(words, " | "),
	}
	return strings.Join(lines, "\n")
}

func argumentsOf(words []string) map[string]any {
	return map[string]any{"to": strings.Join(words, " "), "lines": words}
}

// echo is a provider whose model reworks the words of the last message and calls
// a tool with them. It keeps the bytes it received.
type echo struct {
	mu       sync.Mutex
	received [][]byte
}

func (e *echo) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.received = nil
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e.mu.Lock()
	e.received = append(e.received, append([]byte(fmt.Sprintln(r.Method, r.RequestURI, r.Header)), body...))
	e.mu.Unlock()
	var ask struct {
		Stream   bool
		Messages []struct{ Content json.RawMessage }
	}
	if err := json.Unmarshal(body, &ask); err != nil || len(ask.Messages) == 0 {
		http.Error(w, "no messages", http.StatusBadRequest)
		return
	}
	words := strings.Split(lastText(ask.Messages[len(ask.Messages)-1].Content), " ")
	text, arguments := e.answer(words)
	answer := openaiAnswer
	if r.URL.Path == "/v1/messages" {
		answer = anthropicAnswer
	}
	answer(w, ask.Stream, text, arguments)
}

// answer shouts stand-ins too, and escapes and wraps them: to the model they are
// words.
func (e *echo) answer(words []string) (text, arguments string) {
	lines := strings.Split(rework(words), "\n")
	lines[2] = strings.ToUpper(lines[2])
	last := len(lines) - 1
	lines[last] = strings.NewReplacer("_", `\_`, "email-", "email-\n").Replace(lines[last])
	source, _ := json.Marshal(argumentsOf(words))
	return strings.Join(lines, "\n"), string(source)
}

// lastText is the text of a message's content, or of its last part.
func lastText(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var parts []struct{ Text string }
	if json.Unmarshal(content, &parts) != nil || len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1].Text
}

type object = map[string]any

func openaiAnswer(w http.ResponseWriter, stream bool, text, arguments string) {
	call := object{"index": 0, "id": "call_2", "type": "function", "function": object{"name": "send", "arguments": arguments}}
	if !stream {
		delete(call, "index")
		sendDocument(w, object{"id": "c1", "object": "chat.completion", "created": 1, "model": "sim-small", "choices": []any{object{
			"index": 0, "finish_reason": "tool_calls", "message": object{"role": "assistant", "content": text, "tool_calls": []any{call}},
		}}})
		return
	}
	event := func(delta object, reason any) {
		sendEvent(w, "", object{"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "sim-small", "choices": []any{object{"index": 0, "delta": delta, "finish_reason": reason}}})
	}
	w.Header().Set("content-type", "text/event-stream")
	event(object{"role": "assistant", "content": ""}, nil)
	for _, piece := range pieces(text) {
		event(object{"content": piece}, nil)
	}
	call["function"] = object{"name": "send", "arguments": ""}
	event(object{"tool_calls": []any{call}}, nil)
	for _, piece := range pieces(arguments) {
		event(object{"tool_calls": []any{object{"index": 0, "function": object{"arguments": piece}}}}, nil)
	}
	event(object{}, "tool_calls")
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

func anthropicAnswer(w http.ResponseWriter, stream bool, text, arguments string) {
	usage := object{"input_tokens": 1, "output_tokens": 1}
	message := object{"id": "m1", "type": "message", "role": "assistant", "model": "claude-sim", "stop_reason": "tool_use", "stop_sequence": nil, "usage": usage}
	if !stream {
		message["content"] = []any{object{"type": "text", "text": text}, object{"type": "tool_use", "id": "toolu_2", "name": "send", "input": json.RawMessage(arguments)}}
		sendDocument(w, message)
		return
	}
	w.Header().Set("content-type", "text/event-stream")
	send := func(kind string, more object) {
		more["type"] = kind
		sendEvent(w, kind, more)
	}
	block := func(i int, start object, kind, member, source string) {
		send("content_block_start", object{"index": i, "content_block": start})
		for _, piece := range pieces(source) {
			send("content_block_delta", object{"index": i, "delta": object{"type": kind, member: piece}})
		}
		send("content_block_stop", object{"index": i})
	}
	message["content"], message["stop_reason"] = []any{}, nil
	send("message_start", object{"message": message})
	block(0, object{"type": "text", "text": ""}, "text_delta", "text", text)
	block(1, object{"type": "tool_use", "id": "toolu_2", "name": "send", "input": object{}}, "input_json_delta", "partial_json", arguments)
	send("message_delta", object{"delta": object{"stop_reason": "tool_use", "stop_sequence": nil}, "usage": usage})
	send("message_stop", object{})
}

func sendDocument(w http.ResponseWriter, v any) {
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may have left
}

func sendEvent(w http.ResponseWriter, name string, v any) {
	data, _ := json.Marshal(v)
	if name != "" {
		fmt.Fprintf(w, "event: %s\n", name)
	}
	fmt.Fprintf(w, "data: %s\n\n", data)
	_ = http.NewResponseController(w).Flush()
}

// pieces cuts a text into one to three characters each, as models do that are
// unlucky with their tokens.
func pieces(text string) []string {
	var out []string
	for rest := []rune(text); len(rest) > 0; {
		n := min(1+len(out)%3, len(rest))
		out, rest = append(out, string(rest[:n])), rest[n:]
	}
	return out
}

// check wants the provider to have got stand-ins, and of the values nothing.
func (e *echo) check(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.received) < 2 {
		t.Fatalf("the provider received %d requests", len(e.received))
	}
	for _, received := range e.received {
		if n := len(standIn.FindAll(received, -1)); n < 7 {
			t.Errorf("the provider received %d stand-ins: %s", n, received)
		}
		for _, value := range personal {
			if form := formIn(received, value); form != "" {
				t.Errorf("the provider received %q (%s): %s", value, form, received)
			}
		}
	}
}

// formIn is the form in which bytes hold a value, "" where in none: as it is,
// with its letters and digits alone, escaped as JSON or by percent signs, in
// base64 or in hexadecimal.
func formIn(b []byte, value string) string {
	text := jsonEscape.ReplaceAllStringFunc(string(b), func(escape string) string {
		var s string
		if json.Unmarshal([]byte(`"`+escape+`"`), &s) != nil {
			return escape
		}
		return s
	})
	unescaped := percent.ReplaceAllStringFunc(text, func(escape string) string {
		c, _ := hex.DecodeString(escape[1:]) // two hexadecimal digits
		return string(c)
	})
	letters := func(s string) string { return notWord.ReplaceAllString(s, "") }
	forms := map[string]bool{
		"raw": bytes.Contains(b, []byte(value)), "JSON": strings.Contains(text, value), "percent": strings.Contains(unescaped, value) || strings.Contains(text, url.QueryEscape(value)),
		"letters": strings.Contains(letters(text), letters(value)),
		"hex":     strings.Contains(strings.ToLower(text), hex.EncodeToString([]byte(value))),
	}
	for i := range 3 { // where its first byte may stand in a group of three
		code := base64.RawStdEncoding.EncodeToString(append(make([]byte, i), value...))
		code = code[(i*4+2)/3 : len(code)-1]
		forms["base64"] = forms["base64"] || strings.Contains(text, code) || strings.Contains(text, strings.NewReplacer("+", "-", "/", "_").Replace(code))
	}
	for form, there := range forms {
		if there {
			return form
		}
	}
	return ""
}

var (
	jsonEscape = regexp.MustCompile(`(\\u[0-9a-fA-F]{4})+|\\/`)
	percent    = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	notWord    = regexp.MustCompile(`[^0-9A-Za-z]+`)
)

// stepsOf is steps for a script that reads input.
func stepsOf(t *testing.T, input []byte, command []string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin = bytes.NewReader(input)
	return run(t, cmd)
}
