package simulate

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
)

// Amazon Bedrock's runtime
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html):
// Converse for all models, InvokeModel for those of the Anthropic family. The
// signature is not checked.
const eventStream = "application/vnd.amazon.eventstream"

var (
	converseAPI       = api{read: readConverse(false), whole: wholeConverse, fail: bedrockError}
	converseStreamAPI = api{read: readConverse(true), whole: wholeConverse, events: converseEvents, stream: eventStream, fail: bedrockError, broken: bedrockBroken}
	invokeAPI         = api{read: readInvoke(false), whole: wholeAnthropic, headers: countHeaders, fail: bedrockError}
	invokeStreamAPI   = api{read: readInvoke(true), whole: wholeAnthropic, events: invokeEvents, stream: eventStream, fail: bedrockError, broken: bedrockBroken}
)

func bedrockError(_ int, message string) any { return object{"message": message} }

// bedrockErrorType is the header by which AWS's libraries tell errors apart.
func bedrockErrorType(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "ThrottlingException"
	case status == http.StatusForbidden:
		return "AccessDeniedException"
	case status >= 500:
		return "InternalServerException"
	}
	return "ValidationException"
}

type converseBlock struct {
	Text       string
	ToolResult *struct{ Content json.RawMessage }
}

type converseRequest struct {
	Messages []struct {
		Role    string
		Content []converseBlock
	}
	System     []converseBlock
	ToolConfig struct {
		Tools []struct {
			ToolSpec *struct {
				Name        string
				InputSchema struct{ JSON json.RawMessage }
			}
		}
	}
}

func readConverse(stream bool) func(in *incoming) (*ask, error) {
	return func(in *incoming) (*ask, error) {
		var r converseRequest
		if err := json.Unmarshal(in.body, &r); err != nil {
			return nil, fmt.Errorf("the body is not a converse request: %w", err)
		}
		if len(r.Messages) == 0 {
			return nil, errors.New("messages must not be empty")
		}
		a := &ask{model: in.PathValue("id"), stream: stream, usage: true, n: 1}
		for _, b := range r.System {
			a.hear("system", b.Text)
		}
		for _, m := range r.Messages {
			a.hear(converseText(m.Role, m.Content))
		}
		for _, t := range r.ToolConfig.Tools {
			if t.ToolSpec != nil {
				a.tools = append(a.tools, tool{t.ToolSpec.Name, t.ToolSpec.InputSchema.JSON})
			}
		}
		return a, nil
	}
}

func converseText(role string, blocks []converseBlock) (string, string) {
	text := ""
	for _, b := range blocks {
		if b.ToolResult != nil {
			return "tool", textOf(b.ToolResult.Content)
		}
		text += b.Text
	}
	return role, text
}

func converseUsage(r *answer) object {
	return object{"inputTokens": r.input, "outputTokens": r.output, "totalTokens": r.input + r.output}
}

func wholeConverse(_ *ask, r *answer) any {
	content := []any{}
	if r.reasoning != "" {
		content = append(content, object{"reasoningContent": object{"reasoningText": object{"text": r.reasoning, "signature": "simulated"}}})
	}
	if r.tool != "" {
		content = append(content, object{"toolUse": object{"toolUseId": "tooluse_" + r.id, "name": r.tool, "input": json.RawMessage(orEmpty(r.args))}})
	} else {
		content = append(content, object{"text": r.text})
	}
	return object{
		"output":     object{"message": object{"role": "assistant", "content": content}},
		"stopReason": anthropicStop(r), "usage": converseUsage(r), "metrics": object{"latencyMs": 1},
	}
}

func converseEvents(_ *ask, r *answer) [][]byte {
	out := [][]byte{awsEvent("messageStart", object{"role": "assistant"})}
	index := 0
	delta := func(d object) {
		out = append(out, awsEvent("contentBlockDelta", object{"contentBlockIndex": index, "delta": d}))
	}
	stop := func() {
		out = append(out, awsEvent("contentBlockStop", object{"contentBlockIndex": index}))
		index++
	}
	if r.reasoning != "" {
		for _, piece := range split(r.reasoning, r.pieces) {
			delta(object{"reasoningContent": object{"text": piece}})
		}
		delta(object{"reasoningContent": object{"signature": "simulated"}})
		stop()
	}
	if r.tool != "" {
		out = append(out, awsEvent("contentBlockStart", object{"contentBlockIndex": index, "start": object{"toolUse": object{"toolUseId": "tooluse_" + r.id, "name": r.tool}}}))
		for _, piece := range split(orEmpty(r.args), r.pieces) {
			delta(object{"toolUse": object{"input": piece}})
		}
	}
	for _, piece := range split(r.text, r.pieces) {
		delta(object{"text": piece})
	}
	stop()
	out = append(out, awsEvent("messageStop", object{"stopReason": anthropicStop(r)}))
	return append(out, awsEvent("metadata", object{"usage": converseUsage(r), "metrics": object{"latencyMs": 1}}))
}

func readInvoke(stream bool) func(in *incoming) (*ask, error) {
	return func(in *incoming) (*ask, error) {
		a, err := readAnthropic(in)
		if err == nil {
			a.stream = stream
		}
		return a, err
	}
}

// invokeEvents wrap the model family's own events.
func invokeEvents(a *ask, r *answer) [][]byte {
	var out [][]byte
	for _, e := range anthropicObjects(a, r) {
		if e["type"] == "ping" {
			continue
		}
		if e["type"] == "message_stop" {
			e["amazon-bedrock-invocationMetrics"] = object{"inputTokenCount": r.input, "outputTokenCount": r.output, "invocationLatency": 1, "firstByteLatency": 1}
		}
		out = append(out, awsEvent("chunk", object{"bytes": encode(e), "p": "abcdefghij"}))
	}
	return out
}

func awsEvent(kind string, payload object) []byte {
	return awsFrame(encode(payload), ":event-type", kind, ":content-type", "application/json", ":message-type", "event")
}

func bedrockBroken(message string) []byte {
	return awsFrame(encode(object{"message": message}), ":exception-type", "modelStreamErrorException", ":content-type", "application/json", ":message-type", "exception")
}

// awsFrame is one message of AWS's event stream encoding, with string headers
// (https://smithy.io/2.0/aws/amazon-eventstream.html).
func awsFrame(payload []byte, headers ...string) []byte {
	var h []byte
	for i := 0; i < len(headers); i += 2 {
		name, value := headers[i], headers[i+1]
		h = append(append(h, byte(len(name))), name...)
		h = binary.BigEndian.AppendUint16(append(h, 7), uint16(len(value))) // 7: a string
		h = append(h, value...)
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(h)+len(payload)+16))
	out = binary.BigEndian.AppendUint32(out, uint32(len(h)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = append(append(out, h...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

// bedrock serves one of Bedrock's operations with the headers its clients read.
func (s *Server) bedrock(operation string, p api) {
	s.mux.HandleFunc("POST /model/{id}/"+operation, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amzn-requestid", "00000000-0000-4000-8000-000000000000")
		s.serve(&bedrockWriter{ResponseWriter: w}, r, p)
	})
}

// bedrockWriter names the error's type in a header before an error's status.
type bedrockWriter struct{ http.ResponseWriter }

// WriteHeader writes the status.
func (w *bedrockWriter) WriteHeader(status int) {
	if status >= 400 {
		w.Header().Set("x-amzn-errortype", bedrockErrorType(status)+":")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets net/http reach the writer's further powers.
func (w *bedrockWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// countHeaders are the counts of an InvokeModel reply.
func countHeaders(h http.Header, r *answer) {
	h.Set("x-amzn-bedrock-input-token-count", strconv.Itoa(r.input))
	h.Set("x-amzn-bedrock-output-token-count", strconv.Itoa(r.output))
	h.Set("x-amzn-bedrock-invocation-latency", "1")
}
