// Package simulate is a deterministic stand-in for LLM providers: it speaks
// their APIs, echoes what it was asked, and misbehaves when told to.
//
// It is for trying policies and for tests: no model, no key, no network. The
// same request always gets the same bytes. What it received, to the byte, can
// be read back under /__requests. It is not made to face strangers.
package simulate

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Options of a Server. The zero value means the defaults given.
type Options struct {
	// Name is who answers, as it stands in the answers' text and in the
	// x-simulated-by header ("simulated").
	Name string
	// Behaviour holds directives that every request starts from; a request's
	// own outrank them.
	Behaviour string
	// Models are the names listed by the models API ("sim-small", "sim-large").
	Models []string
	// Keep bounds how many requests the journal holds (64), KeepBody how many
	// bytes of each body (1 MiB).
	Keep     int
	KeepBody int
	// MaxBody bounds a request body, in bytes (64 MiB); a larger one gets 413.
	MaxBody int64
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "simulated"
	}
	if len(o.Models) == 0 {
		o.Models = []string{"sim-small", "sim-large"}
	}
	if o.Keep <= 0 {
		o.Keep = 64
	}
	if o.KeepBody <= 0 {
		o.KeepBody = 1 << 20
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 64 << 20
	}
	return o
}

// Server is a simulated provider, an http.Handler. Safe for concurrent use.
type Server struct {
	opts    Options
	base    behaviour
	journal *journal
	mux     *http.ServeMux
}

// New makes a provider. The error says which directive of opts.Behaviour is bad.
func New(opts Options) (*Server, error) {
	opts = opts.withDefaults()
	base, err := defaults().with(opts.Behaviour, ";")
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, base: base, journal: newJournal(opts.Keep, opts.KeepBody), mux: http.NewServeMux()}
	s.routes()
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-simulated-by", s.opts.Name)
	s.mux.ServeHTTP(w, r)
}

func (s *Server) routes() {
	s.mux.HandleFunc("GET /__requests", s.journal.list)
	s.mux.HandleFunc("DELETE /__requests", s.journal.clear)
	s.mux.HandleFunc("GET /v1/realtime", s.realtime)
	s.mux.HandleFunc("GET /v1/models", s.listModels)
	s.mux.HandleFunc("GET /{$}", s.index)
	s.mux.HandleFunc("/", s.unknown)
	s.api("POST /v1/chat/completions", chatAPI)
	s.api("POST /openai/deployments/{deployment}/chat/completions", chatAPI)
	s.api("POST /v1/completions", completionsAPI)
	s.api("POST /openai/deployments/{deployment}/completions", completionsAPI)
	s.api("POST /v1/responses", responsesAPI)
	s.api("POST /v1/embeddings", embeddingsAPI)
	s.api("POST /v1/moderations", moderationsAPI)
	s.api("POST /v1/messages", anthropicAPI)
	s.api("POST /v1/messages/count_tokens", anthropicCountAPI)
	s.api("POST /v2/chat", cohereAPI)
	s.api("POST /v2/embed", cohereEmbedAPI)
	s.api("POST /api/chat", ollamaChatAPI)
	s.api("POST /api/generate", ollamaGenerateAPI)
	s.api("POST /api/embed", ollamaEmbedAPI)
	s.bedrock("converse", converseAPI)
	s.bedrock("converse-stream", converseStreamAPI)
	s.bedrock("invoke", invokeAPI)
	s.bedrock("invoke-with-response-stream", invokeStreamAPI)
	s.mux.HandleFunc("POST /mcp", s.mcp)
	for _, prefix := range []string{"/v1/models/", "/v1beta/models/", "/v1/projects/{p}/locations/{l}/publishers/google/models/", "/v1beta1/projects/{p}/locations/{l}/publishers/google/models/"} {
		s.mux.HandleFunc("POST "+prefix+"{model}", s.gemini)
	}
}

// api is how one API of a provider is spoken.
type api struct {
	// read understands a request.
	read func(in *incoming) (*ask, error)
	// whole is the answer as one JSON document.
	whole func(a *ask, r *answer) any
	// events are the answer's stream, framed; nil where the API has none.
	events func(a *ask, r *answer) [][]byte
	// stream is the content type of events.
	stream string
	// headers adds headers to an answer; nil for none.
	headers func(h http.Header, r *answer)
	// fail is the body of an error.
	fail func(status int, message string) any
	// broken is an event, or nil, by which the API reports an error once a
	// stream has begun.
	broken func(message string) []byte
}

// incoming is a request that has been read in full.
type incoming struct {
	*http.Request
	body []byte
}

var errTooLarge = errors.New("the request body is too large")

// receive reads the body and writes the request into the journal.
func (s *Server) receive(r *http.Request) (*incoming, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, s.opts.MaxBody+1))
	if int64(len(body)) > s.opts.MaxBody {
		err = errTooLarge
		body = body[:s.opts.MaxBody]
	}
	s.journal.add(r, body, err)
	return &incoming{r, body}, err
}

// api serves one API at a pattern of net/http.
func (s *Server) api(pattern string, p api) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, p) })
}

// serve is the walk of one request: receive, read, behave, answer, send.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, p api) {
	in, err := s.receive(r)
	if errors.Is(err, errTooLarge) {
		sendJSON(w, http.StatusRequestEntityTooLarge, p.fail(http.StatusRequestEntityTooLarge, err.Error()))
		return
	}
	if err != nil {
		return // the client has left
	}
	a, b, err := s.understand(in, p)
	if err != nil {
		sendJSON(w, http.StatusBadRequest, p.fail(http.StatusBadRequest, err.Error()))
		return
	}
	if !sleep(r.Context(), b.slow) {
		return
	}
	if b.status != 0 {
		s.refuse(w, p, b)
		return
	}
	send(w, in, p, a, s.answer(a, b), b)
}

// understand reads the request and the directives it carries.
func (s *Server) understand(in *incoming, p api) (*ask, behaviour, error) {
	a, err := p.read(in)
	if err != nil {
		return nil, behaviour{}, err
	}
	b := s.base
	if _, directives, ok := strings.Cut(a.model, "+"); ok {
		if b, err = b.with(directives, "+"); err != nil {
			return nil, b, fmt.Errorf("model name: %w", err)
		}
	}
	if b, err = b.with(in.Header.Get("x-simulate"), ";"); err != nil {
		return nil, b, fmt.Errorf("x-simulate: %w", err)
	}
	return a, b, nil
}

func (s *Server) refuse(w http.ResponseWriter, p api, b behaviour) {
	if b.retryAfter > 0 {
		w.Header().Set("retry-after", fmt.Sprint(b.retryAfter))
	}
	sendJSON(w, b.status, p.fail(b.status, fmt.Sprintf("%s was told to answer %d", s.opts.Name, b.status)))
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("content-type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "%s: a simulated LLM provider. GET /__requests shows what it received.\n", s.opts.Name)
}

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	if _, err := s.receive(r); err != nil {
		return
	}
	sendJSON(w, http.StatusNotFound, chatAPI.fail(http.StatusNotFound, "no API of "+s.opts.Name+" is at "+r.Method+" "+r.URL.Path))
}

// Protocols are those a provider should be served with: HTTP/1.1, and HTTP/2
// without TLS.
func Protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}
