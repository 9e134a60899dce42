// Package mcp reads the Model Context Protocol over streamable HTTP: JSON-RPC
// messages by which an application lists and calls tools, so that a policy can
// judge them like the tool calls of a chat.
// https://modelcontextprotocol.io/specification/2025-06-18/basic/transports
package mcp

import (
	"fmt"
	"strconv"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialect/internal/read"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Name is the dialect's id.
const Name = "mcp"

// Claims are the requests that speak this dialect: those to a path that ends in
// /mcp, and those whose headers say so, with a JSON-RPC body.
func Claims() []dialect.Claim {
	isRPC := func(body []byte) bool {
		v := jsonspan.Root(body)
		if v.Kind() == jsonspan.Array {
			for _, first := range v.Elements() {
				return first.Get("jsonrpc").Exists()
			}
		}
		return v.Get("jsonrpc").Exists()
	}
	bySession := func(h *dialect.Head) bool {
		return h.Header != nil && (h.Header("mcp-session-id") != "" || h.Header("mcp-protocol-version") != "")
	}
	return []dialect.Claim{
		{API: rpc{}, Suffix: "/mcp", Shape: isRPC},
		{API: rpc{}, Suffix: "/*", Match: bySession, Shape: isRPC},
	}
}

// rpc is one POST of one or several JSON-RPC messages.
type rpc struct{}

func (rpc) Name() string    { return "mcp.rpc" }
func (rpc) Dialect() string { return Name }

// ReadRequest reads requests and notifications. The operation is that of the
// first message that lists or calls tools.
func (rpc) ReadRequest(h *dialect.Head, body []byte) (*genai.Request, error) {
	v, err := jsonspan.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("the request body is not valid JSON: %w", err)
	}
	r := &genai.Request{Operation: genai.Session, UsageRequested: true}
	if h != nil && h.Header != nil {
		r.ConversationID = h.Header("mcp-session-id")
	}
	for i, message := range messages(v) {
		if message.Kind() != jsonspan.Object {
			return nil, fmt.Errorf("message %d is not an object", i)
		}
		request(r, message, i)
	}
	if r.RPC != nil && h != nil && h.Header != nil {
		r.RPC.Session = r.ConversationID
		if stated := h.Header("mcp-protocol-version"); stated != "" {
			r.RPC.Protocol = stated
		}
	}
	return r, nil
}

// rpcOf is a message's head. What the method is about stands in its parameters:
// https://modelcontextprotocol.io/specification/2025-06-18/schema
func rpcOf(v jsonspan.Value) *genai.RPC {
	params := v.Get("params")
	head := &genai.RPC{
		Method: read.String(v.Get("method")), ID: idOf(v), Version: read.String(v.Get("jsonrpc")),
		Protocol: read.String(params.Get("protocolVersion")),
	}
	switch head.Method {
	case "tools/call":
		head.Tool = read.String(params.Get("name"))
	case "prompts/get":
		head.Prompt = read.String(params.Get("name"))
	case "resources/read", "resources/subscribe", "resources/unsubscribe":
		head.Resource = read.String(params.Get("uri"))
	}
	return head
}

func messages(v jsonspan.Value) []jsonspan.Value {
	if v.Kind() != jsonspan.Array {
		return []jsonspan.Value{v}
	}
	var list []jsonspan.Value
	for _, each := range v.Elements() {
		list = append(list, each)
	}
	return list
}

func request(r *genai.Request, v jsonspan.Value, index int) {
	params := v.Get("params")
	m := genai.Message{Role: genai.Assistant, Range: read.Range(v), FirstText: len(r.Texts), Parts: 1}
	at := read.Place{Kind: genai.ToolArguments, Role: genai.Assistant, Message: len(r.Messages)}
	operation := genai.Session
	switch method := read.String(v.Get("method")); method {
	case "tools/list":
		operation = genai.ListTools
	case "tools/call":
		operation = genai.CallTool
		call := genai.ToolCall{ID: idOf(v), Name: read.String(params.Get("name")), Type: "mcp", Index: index}
		if args := params.Get("arguments"); args.Exists() {
			call.Arguments = args.Raw()
			r.Texts = read.ValueText(r.Texts, args, at)
		}
		m.ToolCalls = append(m.ToolCalls, call)
	case "": // the client's answer to a request of the server's
		r.Texts = read.ValueText(r.Texts, v.Get("result"), at.As(genai.ToolResult))
	default:
		r.Texts = read.ValueText(r.Texts, params, at)
	}
	if r.RPC == nil || r.Operation == genai.Session && operation != genai.Session {
		r.RPC = rpcOf(v)
	}
	if r.Operation == genai.Session {
		r.Operation = operation
	}
	m.EndText = len(r.Texts)
	r.Messages = append(r.Messages, m)
}

// idOf is a message's id, a string or a number.
func idOf(v jsonspan.Value) string {
	id := v.Get("id")
	if n, ok := id.Int(); ok {
		return strconv.FormatInt(n, 10)
	}
	return read.String(id)
}

// ReadResponse reads one message or several.
func (rpc) ReadResponse(_ *dialect.Head, rh *dialect.ResponseHead, body []byte) (*genai.Response, error) {
	r := &genai.Response{}
	if len(body) == 0 { // 202 Accepted, for notifications
		return r, nil
	}
	v, err := jsonspan.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("the response body is not valid JSON: %w", err)
	}
	for _, message := range messages(v) {
		r.Choices++
		r.Texts = resultTexts(r.Texts, message, r.Choices-1)
		if e := errorOf(message, rh); e != nil {
			r.Error = e
		}
	}
	return r, nil
}

// resultTexts notes what a message brings: a result's content, the descriptions
// of listed tools, an error's message.
func resultTexts(dst []genai.Text, message jsonspan.Value, index int) []genai.Text {
	at := read.Place{Kind: genai.ToolResult, Role: genai.Tool, Message: index}
	result := message.Get("result")
	for key, value := range result.Members() {
		switch key.String() {
		case "tools":
			for _, tool := range value.Elements() {
				dst = read.Text(dst, tool.Get("description"), at.As(genai.ToolDescription))
				dst = read.Text(dst, tool.Get("title"), at.As(genai.ToolDescription))
			}
		case "content":
			for _, part := range value.Elements() {
				dst = read.Text(dst, part.Get("text"), at)
				dst = read.Text(dst, part.Get("uri"), at.As(genai.URL))
				dst = read.Text(dst, part.Path("resource", "text"), at)
			}
		case "nextCursor", "isError", "protocolVersion", "_meta":
		default:
			dst = read.ValueText(dst, value, at)
		}
	}
	dst = read.Text(dst, message.Path("error", "message"), at)
	dst = read.ValueText(dst, message.Path("error", "data"), at)
	return read.ValueText(dst, message.Get("params"), at) // the server's own requests and notifications
}

// errorOf is a message's error, whose type is JSON-RPC's code, or tool_error
// where the tool itself failed, whose words stand in the result.
func errorOf(message jsonspan.Value, rh *dialect.ResponseHead) *genai.Error {
	if read.Bool(message.Path("result", "isError")) {
		return &genai.Error{Type: "tool_error"}
	}
	e := message.Get("error")
	if !e.Exists() {
		return nil
	}
	out := &genai.Error{Message: read.String(e.Get("message")), Type: "jsonrpc_error"}
	if n, ok := e.Get("code").Int(); ok {
		out.Code = strconv.FormatInt(n, 10)
		out.Type = out.Code
	}
	if rh != nil {
		out.Status = rh.Status
	}
	return out
}

// NewStream reads SSE events, each one JSON-RPC message.
func (rpc) NewStream(*dialect.Head, *dialect.ResponseHead) dialect.Stream { return &stream{} }

type stream struct{ rpc }

func (s *stream) Read(ev *frame.Event, d *genai.Delta) error {
	if len(ev.Payload) == 0 {
		return nil
	}
	v, err := jsonspan.Parse(ev.Payload)
	if err != nil {
		return fmt.Errorf("the event is not valid JSON: %w", err)
	}
	for i, message := range messages(v) {
		d.Texts = resultTexts(d.Texts, message, i)
		if e := errorOf(message, nil); e != nil {
			d.Error = e
		}
	}
	return nil
}

// ErrorBody is a JSON-RPC error. The id of the request is not known here; null
// is what the specification has for that.
// https://www.jsonrpc.org/specification#error_object
func (rpc) ErrorBody(e dialect.ErrorInfo) (string, []byte) {
	return "application/json", errorObject(e)
}

func (s *stream) ErrorEvent(e dialect.ErrorInfo) []byte {
	return frame.AppendSSE(nil, "message", errorObject(e))
}

// policyError is an implementation-defined server error of JSON-RPC.
const policyError = -32001

func errorObject(e dialect.ErrorInfo) []byte {
	b := append([]byte(nil), `{"jsonrpc":"2.0","id":null,"error":{"code":`...)
	b = strconv.AppendInt(b, policyError, 10)
	b = append(b, `,"message":`...)
	b = jsonspan.AppendQuoted(b, e.Message)
	b = append(b, `,"data":{"reason":`...)
	b = jsonspan.AppendQuoted(b, e.Code)
	return append(b, "}}}"...)
}
