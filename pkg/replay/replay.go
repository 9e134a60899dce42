// Package replay drives recorded exchanges through the life of a call, to say
// what a policy decides about them.
//
// Most callers want [New] and [Player.Play]. The facts are built, and decisions
// carried out, by the same code as in service; only Envoy is missing. Who calls
// is in no recording: an entry's _regent.identity says it in the place of
// Envoy's verified metadata.
package replay

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Played is what became of one entry.
type Played struct {
	ID string `json:"id"`
	// LLM is false for an entry that is no LLM call: no policy was asked.
	LLM      bool   `json:"llm"`
	API      string `json:"api,omitempty"`
	Provider string `json:"provider,omitempty"`
	Model    string `json:"model,omitempty"`
	// Decision is the strongest thing done: allow, redact, deny, review, error.
	Decision string `json:"decision,omitempty"`
	// Status is what the client would have got.
	Status int `json:"status,omitempty"`
	// Evaluations are in the order they happened. A document's response is judged
	// once; a stream's again for each new kind of finding.
	Evaluations []Evaluation `json:"evaluations,omitempty"`
	Record      *call.Record `json:"-"`
}

// Evaluation is one asking of a policy.
type Evaluation struct {
	Phase    policy.Phase     `json:"phase"`
	Decision *policy.Decision `json:"decision,omitempty"`
	// Error is why there is no decision.
	Error string        `json:"error,omitempty"`
	Took  time.Duration `json:"-"`
}

// Last is the last evaluation of phase, nil where there was none.
func (p *Played) Last(phase policy.Phase) *Evaluation {
	for i := len(p.Evaluations) - 1; i >= 0; i-- {
		if p.Evaluations[i].Phase == phase {
			return &p.Evaluations[i]
		}
	}
	return nil
}

// Player plays entries. It is not safe for concurrent use.
type Player struct {
	snapshot call.Snapshot
	service  *call.Service
	spy      *spy
	tape     *tape
}

// New makes a player that asks policies. snapshot is all else that a call
// consults; its Policy and Reviews are left aside: a review is a decision here,
// nobody is asked.
func New(snapshot call.Snapshot, policies call.PolicySet) *Player {
	p := &Player{snapshot: snapshot, spy: &spy{PolicySet: policies}, tape: &tape{}}
	p.snapshot.Policy, p.snapshot.Reviews = p.spy, nil
	p.snapshot.Settings.FailOpen = false
	p.service = call.New(func() *call.Snapshot { s := p.snapshot; return &s }, p.tape)
	return p
}

// Play plays the n-th entry of a file. An entry that cannot be read is an error;
// a policy that fails is not: its evaluation says so.
func (p *Player) Play(ctx context.Context, n int, e *har.Entry) (*Played, error) {
	request, err := e.RequestBody()
	if err != nil {
		return nil, err
	}
	response, err := e.ResponseBody()
	if err != nil {
		return nil, err
	}
	head, err := requestHead(e, len(request) == 0)
	if err != nil {
		return nil, err
	}
	p.spy.begin(e.Regent)
	p.tape.record = nil
	status := p.drive(ctx, head, request, responseHead(e), response)
	out := &Played{ID: e.Name(n), Status: status, Evaluations: p.spy.evaluations}
	if r := p.tape.record; r != nil {
		out.LLM, out.API, out.Provider, out.Model, out.Decision, out.Record = true, r.API, r.Provider, r.RequestModel, r.Decision, r
	}
	return out, nil
}

// drive takes the part of Envoy. It returns the status the client gets.
func (p *Player) drive(ctx context.Context, head *phase.RequestHead, request []byte, rhead *phase.ResponseHead, response []byte) int {
	c, v := p.service.Open(ctx, head)
	defer func() { c.Close(true, nil) }()
	if v.Reply != nil || v.Release {
		return statusOf(v, rhead)
	}
	if v.Body == phase.BodyBuffered {
		if v = c.RequestBody(request); v.Reply != nil || v.Release {
			return statusOf(v, rhead)
		}
	}
	v = c.ResponseHeaders(rhead)
	if v.Reply == nil && !v.Release && v.Body != phase.BodyNone {
		v = c.ResponseBody(response, true)
	}
	return statusOf(v, rhead)
}

func statusOf(v phase.Verdict, head *phase.ResponseHead) int {
	if v.Reply != nil {
		return v.Reply.Status
	}
	status, _ := strconv.Atoi(head.Headers.Get(":status"))
	return status
}

func requestHead(e *har.Entry, empty bool) (*phase.RequestHead, error) {
	u, err := url.Parse(e.Request.URL)
	if err != nil {
		return nil, err
	}
	method := e.Request.Method
	if method == "" {
		method = http.MethodPost
	}
	list := phase.Headers{
		{Name: ":method", Value: method}, {Name: ":authority", Value: u.Host},
		{Name: ":path", Value: u.RequestURI()}, {Name: ":scheme", Value: u.Scheme},
	}
	list = appendHeaders(list, e.Request.Headers)
	if !list.Has("content-type") && e.Request.PostData != nil {
		list = append(list, phase.Header{Name: "content-type", Value: e.Request.PostData.MimeType})
	}
	return &phase.RequestHead{Headers: list, EndOfStream: empty, Attributes: map[string]string{}}, nil
}

func responseHead(e *har.Entry) *phase.ResponseHead {
	list := phase.Headers{{Name: ":status", Value: strconv.Itoa(e.Response.Status)}}
	list = appendHeaders(list, e.Response.Headers)
	if !list.Has("content-type") {
		list = append(list, phase.Header{Name: "content-type", Value: e.ResponseType()})
	}
	return &phase.ResponseHead{Headers: list, Attributes: map[string]string{}}
}

func appendHeaders(list phase.Headers, from []har.Pair) phase.Headers {
	for _, h := range from {
		if name := strings.ToLower(h.Name); name != "" && name[0] != ':' {
			list = append(list, phase.Header{Name: name, Value: h.Value})
		}
	}
	return list
}

// spy asks a policy set and keeps what it said.
type spy struct {
	call.PolicySet
	facts       *har.Facts
	evaluations []Evaluation
}

func (s *spy) begin(facts *har.Facts) { s.facts, s.evaluations = facts, nil }

// Evaluate implements call.PolicySet.
func (s *spy) Evaluate(ctx context.Context, in *policy.Input) (*policy.Decision, error) {
	s.identify(in)
	begin := time.Now()
	d, err := s.PolicySet.Evaluate(ctx, in)
	e := Evaluation{Phase: in.Phase, Decision: d, Took: time.Since(begin)}
	if err != nil {
		e.Error = err.Error()
	}
	s.evaluations = append(s.evaluations, e)
	return d, err
}

// identify puts who calls into the facts, where the entry says.
func (s *spy) identify(in *policy.Input) {
	if s.facts == nil {
		return
	}
	if id := s.facts.Identity; id != nil {
		in.Identity = policy.IdentityFacts{Subject: id.Subject, Tenant: id.Tenant, Team: id.Team, App: id.App, Scopes: id.Scopes, Claims: id.Claims}
	}
	if s.facts.Principal != "" {
		in.Source.Principal = s.facts.Principal
	}
}

// tape keeps a call's record.
type tape struct{ record *call.Record }

// Begin implements call.Recorder.
func (t *tape) Begin(call.Parent) call.Recording { return t }

// Released implements call.Recorder.
func (t *tape) Released(string) {}

// TraceID implements call.Recording, and so do the rest.
func (t *tape) TraceID() string     { return strings.Repeat("0", 31) + "1" }
func (t *tape) SpanID() string      { return strings.Repeat("0", 15) + "1" }
func (t *tape) Traceparent() string { return "" }
func (t *tape) Detail() bool        { return false }
func (t *tape) End(r *call.Record)  { t.record = r }

// Object is an evaluation's decision as JSON members, nil where it failed.
func (e *Evaluation) Object() (map[string]any, error) {
	if e.Decision == nil {
		return nil, nil
	}
	d := *e.Decision
	d.Revision = ""
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	return out, json.Unmarshal(text, &out)
}
