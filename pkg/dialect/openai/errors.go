package openai

import (
	"fmt"
	"strconv"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// errors renders errors as OpenAI does:
// {"error":{"message","type","param","code"}}.
// https://platform.openai.com/docs/guides/error-codes
type errors struct{}

func (errors) ErrorBody(e dialect.ErrorInfo) (string, []byte) {
	return "application/json", errorObject(e)
}

// ErrorEvent is a last event: the official SDKs raise an APIError on an event
// whose data has a member "error". [DONE] follows for clients that wait for it.
func (errors) ErrorEvent(e dialect.ErrorInfo) []byte {
	return frame.AppendSSE(frame.AppendSSE(nil, "", errorObject(e)), "", []byte("[DONE]"))
}

func errorObject(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"error":{"message":`...)
	b = jsonspan.AppendQuoted(b, e.Message)
	b = append(b, `,"type":`...)
	b = jsonspan.AppendQuoted(b, errorType(e.Status))
	b = append(b, `,"param":`...)
	if e.Param == "" {
		b = append(b, "null"...)
	} else {
		b = jsonspan.AppendQuoted(b, e.Param)
	}
	b = append(b, `,"code":`...)
	b = jsonspan.AppendQuoted(b, e.Code)
	return append(b, "}}"...)
}

// errorType is the type OpenAI's own errors of that status carry.
func errorType(status int) string {
	switch {
	case status == 401:
		return "authentication_error"
	case status == 403:
		return "permission_error"
	case status == 429:
		return "rate_limit_error"
	case status >= 500:
		return "server_error"
	}
	return "invalid_request_error"
}

// responseObject parses a response and reads the error it may be.
func responseObject(rh *dialect.ResponseHead, body []byte) (jsonspan.Value, *genai.Response, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return v, nil, fmt.Errorf("the response body is not valid JSON: %w", err)
	}
	status := 0
	if rh != nil {
		status = rh.Status
	}
	r := &genai.Response{Error: errorOf(v, status)}
	if r.Error != nil { // providers quote what they were sent
		r.Texts = errorTexts(v)
	}
	return v, r, nil
}

func errorTexts(v jsonspan.Value) []genai.Text {
	at := read.Place{Kind: genai.Content, Role: genai.Assistant, Message: -1}
	dst := read.ValueText(nil, v.Get("error"), at)
	dst = read.Text(dst, v.Get("message"), at)
	return read.ValueText(dst, v.Get("detail"), at)
}

// errorOf reads the error a document is, nil where it is none. OpenAI nests it
// under "error"; Mistral, xAI, FastAPI servers and others do not.
func errorOf(v jsonspan.Value, status int) *genai.Error {
	failed := status >= 400
	e := &genai.Error{Status: status}
	switch nested := v.Get("error"); {
	case nested.Kind() == jsonspan.Object:
		e.Message, e.Type, e.Code = read.String(nested.Get("message")), read.String(nested.Get("type")), code(nested.Get("code"))
		if e.Code == "" {
			e.Code = code(nested.Get("status_code"))
		}
	case nested.Kind() == jsonspan.String:
		e.Message, e.Code = read.String(nested), code(v.Get("code"))
	case v.Get("object").StrIs("error"), failed && v.Get("message").Exists():
		e.Message, e.Type, e.Code = read.String(v.Get("message")), read.String(v.Get("type")), code(v.Get("code"))
	case failed && v.Get("detail").Exists():
		e.Message = detail(v.Get("detail"))
	case failed:
	default:
		return nil
	}
	return e
}

// detail is FastAPI's: a string, or an array of {"msg", …}.
func detail(v jsonspan.Value) string {
	if s, ok := v.Str(); ok {
		return s
	}
	for _, each := range v.Elements() {
		return read.String(each.Get("msg"))
	}
	return ""
}

// code is a string or a number.
func code(v jsonspan.Value) string {
	if s, ok := v.Str(); ok {
		return s
	}
	if n, ok := v.Int(); ok {
		return strconv.FormatInt(n, 10)
	}
	return ""
}
