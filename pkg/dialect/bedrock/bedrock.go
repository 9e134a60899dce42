// Package bedrock reads Amazon Bedrock's runtime APIs: Converse, with one format
// for all models, and InvokeModel, which carries each model family's own, both
// whole and as AWS event streams.
//
// A model stands in the path alone, percent-encoded: an id, an inference
// profile or an ARN. Requests are signed over their body (SigV4): a body that
// Regent edits must be signed after it, by a signer behind it in the mesh.
package bedrock

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Name is the dialect's id.
const Name = "bedrock"

// Claims are the requests that speak this dialect.
func Claims() []dialect.Claim {
	return []dialect.Claim{
		{API: converse{}, Suffix: "/model/*/converse"},
		{API: converse{stream: true}, Suffix: "/model/*/converse-stream"},
		{API: invoke{}, Suffix: "/model/*/invoke"},
		{API: invoke{stream: true}, Suffix: "/model/*/invoke-with-response-stream"},
		{API: countTokens{}, Suffix: "/model/*/count-tokens"},
	}
}

// modelOf is the model in the path: /model/{id}/converse.
func modelOf(h *dialect.Head) string {
	if h == nil {
		return ""
	}
	return dialect.PathSegment(h.Path, 1)
}

// promptOf takes a prompt of Prompt management out of the model's place: its ARN
// ends in prompt/{id}, or prompt/{id}:{version}.
// https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-management-test.html
func promptOf(r *genai.Request) {
	if !strings.HasPrefix(r.Model, "arn:") {
		return
	}
	if _, prompt, ok := strings.Cut(r.Model, ":prompt/"); ok {
		r.Provenance.PromptID, r.Provenance.PromptVersion, _ = strings.Cut(prompt, ":")
	}
}

// errors renders errors as Bedrock does: {"message"}, with the type in a header.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
type errors struct{}

func (errors) ErrorBody(e dialect.ErrorInfo) (string, []byte) {
	b := append([]byte(nil), `{"message":`...)
	b = jsonspan.AppendQuoted(b, e.Code+": "+e.Message)
	return "application/json", append(b, '}')
}

// ErrorHeaders name the exception that the SDKs raise.
func (errors) ErrorHeaders(e dialect.ErrorInfo) [][2]string {
	return [][2]string{{"x-amzn-errortype", exception(e.Status)}}
}

// ErrorEvent is an exception message of the event stream.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
func (s errors) ErrorEvent(e dialect.ErrorInfo) []byte {
	_, body := s.ErrorBody(e)
	name := "validationException"
	if e.Status >= 500 {
		name = "internalServerException"
	} else if e.Status == 429 {
		name = "throttlingException"
	}
	return frame.AppendAWS(nil, [][2]string{{":exception-type", name}, {":content-type", "application/json"}, {":message-type", "exception"}}, body)
}

func exception(status int) string {
	switch status {
	case 403, 401:
		return "AccessDeniedException"
	case 404:
		return "ResourceNotFoundException"
	case 429:
		return "ThrottlingException"
	case 503:
		return "ServiceUnavailableException"
	}
	if status >= 500 {
		return "InternalServerException"
	}
	return "ValidationException"
}

func responseObject(rh *dialect.ResponseHead, body []byte) (jsonspan.Value, *genai.Response, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return v, nil, fmt.Errorf("the response body is not valid JSON: %w", err)
	}
	r := &genai.Response{}
	if rh == nil {
		return v, r, nil
	}
	if rh.Header != nil {
		r.ID = rh.Header("x-amzn-requestid")
	}
	if rh.Status >= 400 {
		r.Error = errorOf(v, rh)
		r.Texts = read.Text(nil, messageOf(v), read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1})
	}
	return v, r, nil
}

func errorOf(v jsonspan.Value, rh *dialect.ResponseHead) *genai.Error {
	e := &genai.Error{Status: rh.Status, Message: read.String(messageOf(v))}
	if rh.Header != nil {
		e.Type, _, _ = strings.Cut(rh.Header("x-amzn-errortype"), ":")
	}
	return e
}

func messageOf(v jsonspan.Value) jsonspan.Value {
	if m := v.Get("message"); m.Exists() {
		return m
	}
	return v.Get("Message")
}

// usageOf reads Converse's counts, whose input excludes what the cache read and
// wrote; the conventions' includes it.
func usageOf(v jsonspan.Value) genai.Usage {
	var u genai.Usage
	for key, value := range v.Members() {
		n, ok := value.Int()
		if !ok {
			continue
		}
		switch key.String() {
		case "inputTokens", "inputTokenCount":
			u.InputTokens, u.HasInput = n, true
		case "outputTokens", "outputTokenCount":
			u.OutputTokens, u.HasOutput = n, true
		case "cacheReadInputTokens", "cacheReadInputTokenCount":
			u.CacheReadTokens, u.HasCacheRead = n, true
		case "cacheWriteInputTokens", "cacheWriteInputTokenCount":
			u.CacheWriteTokens, u.HasCacheWrite = n, true
		}
	}
	u.InputTokens += u.CacheReadTokens + u.CacheWriteTokens
	u.Reported = u.HasInput || u.HasOutput
	return u
}

// headerUsage reads the counts that InvokeModel states in headers, whatever the
// family: over a body's own, which count in other ways.
func headerUsage(u *genai.Usage, rh *dialect.ResponseHead) {
	if rh == nil || rh.Header == nil {
		return
	}
	count := func(name string) (int64, bool) {
		n, err := strconv.ParseInt(rh.Header("x-amzn-bedrock-"+name+"-token-count"), 10, 64)
		return n, err == nil
	}
	read, hasRead := count("cache-read-input")
	write, hasWrite := count("cache-write-input")
	if hasRead {
		u.CacheReadTokens, u.HasCacheRead = read, true
	}
	if hasWrite {
		u.CacheWriteTokens, u.HasCacheWrite = write, true
	}
	if n, ok := count("input"); ok {
		u.InputTokens, u.HasInput = n+u.CacheReadTokens+u.CacheWriteTokens, true
	}
	if n, ok := count("output"); ok {
		u.OutputTokens, u.HasOutput = n, true
	}
	u.Reported = u.HasInput || u.HasOutput
}

// countTokens is */count-tokens.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
type countTokens struct{ errors }

func (countTokens) Name() string    { return "bedrock.count_tokens" }
func (countTokens) Dialect() string { return Name }

// ReadRequest reads a Converse input. An InvokeModel input is a body in base64,
// which is counted as a part that was not read.
func (countTokens) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := read.Object("the request body", body)
	if err != nil {
		return nil, err
	}
	r := &genai.Request{Operation: genai.CountTokens, Model: modelOf(h)}
	if inner := v.Path("input", "converse"); inner.Exists() {
		return r, converseMembers(r, inner)
	}
	if inner := v.Path("input", "invokeModel", "body"); inner.Exists() {
		countEncoded(r, inner)
	}
	return r, nil
}

// countEncoded takes what can be known of an encoded body: how many messages it
// has. Its texts are out of reach.
func countEncoded(r *genai.Request, body jsonspan.Value) {
	r.UnknownParts++
	var plain []byte
	if err := json.Unmarshal(body.Raw(), &plain); err != nil {
		return
	}
	v, err := jsonspan.Parse(plain)
	if err != nil {
		return
	}
	for _, m := range v.Get("messages").Elements() {
		r.Messages = append(r.Messages, genai.Message{Role: genai.Role(read.String(m.Get("role"))), Range: genai.Range(body.Range())})
	}
	for _, tool := range v.Get("tools").Elements() {
		r.Tools = append(r.Tools, genai.ToolDefinition{Name: read.String(tool.Get("name")), Type: "function", Range: genai.Range(body.Range())})
	}
}

func (countTokens) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	v, r, err := responseObject(rh, body)
	if err != nil || r.Error != nil {
		return r, err
	}
	r.Usage = usageOf(v)
	return r, nil
}

func (countTokens) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream {
	return &converseStream{}
}
