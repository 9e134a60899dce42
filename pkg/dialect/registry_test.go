package dialect

import (
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
)

type named string

func (n named) Name() string                                      { return string(n) }
func (n named) Dialect() string                                   { return "test" }
func (n named) ReadRequest(*Head, []byte) (*genai.Request, error) { return nil, nil }
func (n named) NewStream(*Head, *ResponseHead) Stream             { return nil }
func (n named) ErrorBody(ErrorInfo) (string, []byte)              { return "", nil }
func (n named) ReadResponse(*Head, *ResponseHead, []byte) (*genai.Response, error) {
	return nil, nil
}

var _ = frame.SSE

func TestFind(t *testing.T) {
	has := func(sub string) func([]byte) bool {
		return func(b []byte) bool { return strings.Contains(string(b), sub) }
	}
	r, err := NewRegistry(
		[]Override{{Host: "odd.example", PathPrefix: "/llm", API: "chat"}, {Host: "odd.example", API: "none"}},
		[]Claim{
			{API: named("chat"), Suffix: "/chat/completions"},
			{API: named("completions"), Suffix: "/completions"},
			{API: named("converse"), Suffix: "/model/*/converse"},
			{API: named("generate"), Suffix: "/models/*:generateContent"},
			{API: named("get"), Suffix: "/responses/*", Method: "GET"},
			{API: named("xchat"), Suffix: "/chat", Shape: has("messages")},
			{API: named("ychat"), Suffix: "/chat", Host: ".y.example"},
			{API: named("zchat"), Suffix: "/v1/chat", Shape: has("message\"")},
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, host, path, body, want string }{
		{"POST", "h", "/v1/chat/completions", "", "chat"},
		{"POST", "h", "/a/b/c/chat/completions", "", "chat"},
		{"POST", "h", "/v1/completions", "", "completions"},
		{"GET", "h", "/v1/chat/completions", "", ""},
		{"POST", "h", "/v1/chat/completions/x", "", ""},
		{"POST", "h", "/v1/xchat/completions", "", "completions"},
		{"POST", "h", "/model/arn%3Aaws%2Fx/converse", "", "converse"},
		{"POST", "h", "/model//converse", "", ""},
		{"POST", "h", "/v1beta/models/gemini-2:generateContent", "", "generate"},
		{"POST", "h", "/v1beta/models/gemini-2%3AgenerateContent", "", "generate"},
		{"POST", "h", "/v1beta/models/:generateContent", "", ""},
		{"GET", "h", "/v1/responses/resp_1", "", "get"},
		{"POST", "h", "/api/chat", `{"messages":1}`, "xchat"},
		{"POST", "a.y.example:443", "/api/chat", `{"messages":1}`, "ychat"},
		{"POST", "h", "/v1/chat", `{"message":1}`, "zchat"},
		{"POST", "h", "/v1/chat", `{"other":1}`, ""},
		{"POST", "h", "/v1/chat", `{"other":`, "xchat"},
		{"POST", "odd.example", "/llm/whatever", "", "chat"},
		{"POST", "odd.example", "/v1/chat/completions", "", ""},
		{"POST", "h", "/", "", ""},
		{"POST", "h", "", "", ""},
	} {
		found, ok := r.Find(&Head{Method: c.method, Host: c.host, Path: c.path})
		got := ""
		if ok {
			if api := found.Resolve([]byte(c.body)); api != nil {
				got = api.Name()
			}
		}
		if got != c.want {
			t.Errorf("%s %s%s: %q, want %q", c.method, c.host, c.path, got, c.want)
		}
	}
}

func TestRegistryRefuses(t *testing.T) {
	twice := []Claim{{API: named("a"), Suffix: "/x"}, {API: named("b"), Suffix: "/x"}}
	if _, err := NewRegistry(nil, twice); err == nil {
		t.Error("two claims of one path were taken")
	}
	if _, err := NewRegistry([]Override{{API: "nope"}}, twice[:1]); err == nil {
		t.Error("an override to an unknown API was taken")
	}
}

func TestPathSegment(t *testing.T) {
	for n, want := range []string{"converse", "arn:aws/x", "model", ""} {
		if got := PathSegment("/model/arn%3Aaws%2Fx/converse", n); got != want {
			t.Errorf("segment %d is %q, want %q", n, got, want)
		}
	}
}

func TestWithModel(t *testing.T) {
	for _, c := range []struct{ path, model, want string }{
		{"/v1beta/models/gemini-2:generateContent", "gemini-2", "/v1beta/models/new%2Fone:generateContent"},
		{"/model/anthropic.x-v1%3A0/converse", "anthropic.x-v1:0", "/model/new%2Fone/converse"},
		{"/openai/deployments/gpt/chat/completions", "gpt", "/openai/deployments/new%2Fone/chat/completions"},
		{"/v1/chat/completions", "gpt", ""},
		{"/v1beta/models/gemini-2.5:generateContent", "gemini-2", ""},
	} {
		if got, ok := WithModel(c.path, c.model, "new/one"); got != c.want && (ok || c.want != "") {
			t.Errorf("%s became %s", c.path, got)
		}
	}
}
