// Package inspect reads recorded traffic (HAR 1.2) and says what Regent
// understood of it: the answer to "does Regent understand our traffic?".
//
// It reads an exchange the way a call does, with the same dialects and the same
// framing, in as many chunks as asked for.
package inspect

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/jsonspan"
)

// Result is what was understood of an entry.
type Result struct {
	ID            string `json:"id"`
	Dialect       string `json:"dialect"`
	API           string `json:"api,omitempty"`
	Operation     string `json:"operation"`
	Provider      string `json:"provider"`
	Stream        bool   `json:"stream"`
	Model         string `json:"model"`
	ResponseModel string `json:"response_model"`
	ResponseID    string `json:"response_id,omitempty"`
	Usage         Usage  `json:"usage"`
	// FinishReasons has one member a choice, null where none was stated.
	FinishReasons []*string `json:"finish_reasons"`
	Text          string    `json:"text"`
	Reasoning     string    `json:"reasoning,omitempty"`
	ToolCalls     []string  `json:"tool_calls"`
	Error         *Error    `json:"error"`
	// Problems are what could not be read, in words.
	Problems []string `json:"problems,omitempty"`
}

// Usage is token counts by the GenAI conventions' meaning; null where the
// provider stated none.
type Usage struct {
	InputTokens      *int64 `json:"input_tokens"`
	OutputTokens     *int64 `json:"output_tokens"`
	CachedTokens     *int64 `json:"cached_tokens"`
	CacheWriteTokens *int64 `json:"cache_write_tokens"`
	ReasoningTokens  *int64 `json:"reasoning_tokens"`
	Reported         bool   `json:"reported"`
}

// Error is a provider's error.
type Error struct {
	Status  int    `json:"status,omitempty"`
	Type    string `json:"type,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

// Chunks cuts a response body into the pieces it is fed in.
type Chunks func(body []byte) [][]byte

// Whole feeds a body in one piece.
func Whole(body []byte) [][]byte { return [][]byte{body} }

// ParseChunks reads the --chunks flag: "" is whole, "random:SEED" pieces of 1 to
// 64 bytes, "N" pieces of N bytes.
func ParseChunks(flag string) (Chunks, error) {
	if flag == "" {
		return Whole, nil
	}
	if seed, ok := strings.CutPrefix(flag, "random:"); ok {
		var n uint64
		if _, err := fmt.Sscan(seed, &n); err != nil {
			return nil, fmt.Errorf("chunks %q: the seed is no number", flag)
		}
		return randomChunks(n), nil
	}
	var n int
	if _, err := fmt.Sscan(flag, &n); err != nil || n < 1 {
		return nil, fmt.Errorf("chunks %q: want random:SEED or a number of bytes", flag)
	}
	return func(body []byte) [][]byte { return cut(body, func() int { return n }) }, nil
}

func randomChunks(seed uint64) Chunks {
	return func(body []byte) [][]byte {
		r := rand.New(rand.NewPCG(seed, uint64(len(body))))
		return cut(body, func() int { return 1 + r.IntN(64) })
	}
}

func cut(body []byte, size func() int) [][]byte {
	var pieces [][]byte
	for len(body) > 0 {
		n := min(size(), len(body))
		pieces = append(pieces, body[:n])
		body = body[n:]
	}
	return pieces
}

// Inspector reads entries. Safe for concurrent use.
type Inspector struct {
	Dialects *dialect.Registry
	Catalog  *catalog.Catalog
	Chunks   Chunks
	// MaxBody bounds a decompressed body, in bytes.
	MaxBody int64
}

// Inspect says what is understood of the n-th entry.
func (i *Inspector) Inspect(n int, e *har.Entry) *Result {
	x := &exchange{inspector: i, entry: e, result: &Result{ID: e.Name(n), FinishReasons: []*string{}, ToolCalls: []string{}}}
	x.run()
	return x.result
}

// exchange is one entry being read.
type exchange struct {
	inspector *Inspector
	entry     *har.Entry
	result    *Result
	head      dialect.Head
	rhead     dialect.ResponseHead
	api       dialect.API
	request   *genai.Request
	response  genai.Response
}

func (x *exchange) problem(what string, err error) {
	x.result.Problems = append(x.result.Problems, what+": "+err.Error())
}

func (x *exchange) run() {
	x.heads()
	found, ok := x.inspector.Dialects.Find(&x.head)
	if !ok {
		x.result.Dialect, x.result.Operation = "none", "none"
		return
	}
	body, err := x.requestBody()
	if err != nil {
		x.problem("request body", err)
	}
	if x.api = found.Resolve(body); x.api == nil {
		x.result.Dialect, x.result.Operation = "none", "none"
		return
	}
	x.result.Dialect, x.result.API = x.api.Dialect(), x.api.Name()
	x.result.Provider = x.inspector.Catalog.Provider(dialect.HostName(x.head.Host), x.result.Dialect)
	x.request, err = x.api.ReadRequest(&x.head, body)
	if err != nil {
		x.problem("request", err)
		x.request = &genai.Request{}
	}
	if x.request.Operation == genai.Session { // no call of a model or a tool
		*x.result = Result{ID: x.result.ID, Dialect: "none", Operation: "none", FinishReasons: []*string{}, ToolCalls: []string{}}
		return
	}
	x.result.Operation, x.result.Model = string(x.request.Operation), x.request.Model
	x.readResponse()
	x.conclude()
}

func (x *exchange) heads() {
	u, err := url.Parse(x.entry.Request.URL)
	if err != nil {
		x.problem("url", err)
		u = &url.URL{}
	}
	headers := x.entry.Request.Headers
	x.head = dialect.Head{Method: x.entry.Request.Method, Host: u.Host, Path: u.EscapedPath(), Query: u.RawQuery, Header: lookup(headers)}
	get := lookup(x.entry.Response.Headers)
	mediaType, _, _ := strings.Cut(x.entry.ResponseType(), ";")
	x.rhead = dialect.ResponseHead{Status: x.entry.Response.Status, ContentType: strings.ToLower(strings.TrimSpace(mediaType)), Header: get}
}

func lookup(headers []har.Pair) func(string) string {
	return func(name string) string { return har.Get(headers, name) }
}

func (x *exchange) requestBody() ([]byte, error) {
	body, err := x.entry.RequestBody()
	if err != nil {
		return nil, err
	}
	return x.plain(x.head.Header("content-encoding"), body), nil
}

// plain undoes a content-encoding; a body that is not so encoded, because the
// recorder undid it already, is taken as it is.
func (x *exchange) plain(encoding string, body []byte) []byte {
	if encoding == "" || encoding == "identity" || len(body) == 0 {
		return body
	}
	plain, err := frame.Decompress(encoding, body, x.inspector.MaxBody)
	if err != nil {
		return body
	}
	return plain
}

func (x *exchange) readResponse() {
	body, err := x.entry.ResponseBody()
	if err != nil {
		x.problem("response body", err)
		return
	}
	body = x.plain(x.rhead.Header("content-encoding"), body)
	if kind, ok := x.framing(body); ok {
		x.result.Stream = true
		x.readStream(kind, body)
		return
	}
	r, err := x.api.ReadResponse(&x.head, &x.rhead, body)
	if err != nil {
		if len(body) > 0 {
			x.problem("response", err)
		}
		return
	}
	x.response = *r
	x.takeTexts(body, r.Texts)
}

// framing is how the response is framed, if it is a stream.
func (x *exchange) framing(body []byte) (frame.Kind, bool) {
	if f, ok := x.api.(dialect.Framer); ok {
		if kind, known := f.Framing(&x.head, &x.rhead, x.request); known {
			return kind, true
		}
	}
	if kind, ok := frame.Sniff(x.rhead.ContentType, nil); ok {
		return kind, true
	}
	kind, ok := frame.Sniff("", body)
	return kind, ok && (kind == frame.SSE || kind == frame.AWSEventStream)
}

func (x *exchange) readStream(kind frame.Kind, body []byte) {
	decoder, reader := frame.New(kind), x.api.NewStream(&x.head, &x.rhead)
	codec, _ := reader.(dialect.PayloadCodec)
	var d genai.Delta
	emit := func(ev *frame.Event) error {
		d.Reset()
		if err := reader.Read(ev, &d); err != nil {
			x.problem("event", err)
		}
		x.response.Add(&d)
		payload := ev.Payload
		if codec != nil {
			if inner, err := codec.Unwrap(payload); err == nil {
				payload = inner
			}
		}
		x.takeDeltas(payload, d.Texts)
		return nil
	}
	for _, chunk := range x.inspector.Chunks(body) {
		if err := decoder.Push(chunk, emit); err != nil {
			x.problem("stream", err)
			break
		}
	}
	if err := decoder.Flush(emit); err != nil {
		x.problem("stream's end", err)
	}
}

// takeTexts keeps the visible text and the reasoning of choice 0.
func (x *exchange) takeTexts(doc []byte, texts []genai.Text) {
	for _, t := range texts {
		if t.Message == 0 && t.Role == genai.Assistant {
			x.take(doc, t)
		}
	}
}

// takeDeltas is takeTexts for running texts; texts that repeat what deltas
// said already are left out.
func (x *exchange) takeDeltas(payload []byte, texts []genai.Text) {
	for _, t := range texts {
		if t.Partial && t.Channel.Choice == 0 {
			x.take(payload, t)
		}
	}
}

func (x *exchange) take(doc []byte, t genai.Text) {
	text, _ := jsonspan.View(doc[t.Range.Start:t.Range.End], jsonspan.Encoding(t.Encoding))
	switch t.Kind {
	case genai.Content:
		x.result.Text += string(text)
	case genai.Reasoning:
		x.result.Reasoning += string(text)
	}
}

func (x *exchange) conclude() {
	r, u := x.result, x.response.Usage
	r.ResponseID, r.ResponseModel = x.response.ID, x.response.Model
	r.Usage = Usage{
		InputTokens: stated(u.InputTokens, u.HasInput), OutputTokens: stated(u.OutputTokens, u.HasOutput),
		CachedTokens: stated(u.CacheReadTokens, u.HasCacheRead), CacheWriteTokens: stated(u.CacheWriteTokens, u.HasCacheWrite),
		ReasoningTokens: stated(u.ReasoningTokens, u.HasReasoning), Reported: u.Reported,
	}
	for _, reason := range x.response.FinishReasons {
		var word *string
		if reason.Reason != "" {
			word = &reason.Reason
		}
		r.FinishReasons = append(r.FinishReasons, word)
	}
	for _, call := range x.response.ToolCalls {
		if !call.Server {
			r.ToolCalls = append(r.ToolCalls, call.Name)
		}
	}
	if e := x.response.Error; e != nil {
		r.Error = &Error{Status: e.Status, Type: e.Type, Code: e.Code, Message: e.Message}
	}
}

func stated(n int64, has bool) *int64 {
	if !has {
		return nil
	}
	return &n
}
