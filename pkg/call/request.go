package call

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
	"github.com/regent-proxy/regent/pkg/redact"
)

// call is one call: what later phases need of earlier ones, and the record.
type call struct {
	svc  *Service
	snap *Snapshot
	// policy judges the call, for its whole life; part is its part in a rollout.
	policy PolicySet
	part   rollout.Part
	detect *detect.Set // what finds sensitive values for policy
	trial  trialFacts  // for a candidate that shadows
	judged judged
	ctx    context.Context
	live   Recording
	// detail: the recording wants steps, and then when the request was whole and
	// when it left.
	detail        bool
	arrived, sent time.Time
	rec           Record

	head  *phase.RequestHead
	dhead dialect.Head
	found dialect.Found
	api   dialect.API
	input policy.Input // the request's facts; the response phase adds its own

	// asked: Regent added the request for a usage event, and takes the event
	// out of the stream again.
	asked    bool
	decision *policy.Decision // of the request
	// pseudonyms are what the request left with in the place of values.
	pseudonyms redact.Pseudonyms
	// canary is the mark the system prompt left with; nil for none.
	canary *redact.Canary
	// unjudged is why the remote detector did not judge a text; nil where it did.
	unjudged error

	reply    response
	phase    policy.Phase // the phase in hand, for errors
	finished bool         // the last wanted byte has been seen
}

// Open begins a call: it names the API by the request's head and says whether
// its body is wanted. A request that is no LLM call is released.
func (s *Service) Open(ctx context.Context, head *phase.RequestHead) (phase.Call, phase.Verdict) {
	c := &call{svc: s, snap: s.snapshot(), ctx: ctx, head: head, phase: policy.Request}
	c.dhead = dialectHead(head)
	found, known := c.snap.Dialects.Find(&c.dhead)
	if !known {
		if !mayBeUnknownAPI(&c.dhead, head) {
			s.recorder.Released("not_llm")
			return released{}, phase.Verdict{Release: true}
		}
		return c.openUnknown()
	}
	c.found, c.api = found, found.API
	c.begin()
	if head.EndOfStream {
		return c, c.bodiless()
	}
	return c, phase.Verdict{Body: phase.BodyBuffered}
}

// begin fills what is known of the call from its head.
func (c *call) begin() {
	c.live = c.svc.recorder.Begin(parentOf(c.head))
	c.detail = c.live.Detail()
	c.rec = Record{
		ID: newID(), Started: c.svc.now(), TraceID: c.live.TraceID(), SpanID: c.live.SpanID(),
		Decision: "allow",
		Coverage: policy.Coverage{Request: policy.None, Response: policy.Pending},
	}
	if c.api != nil {
		c.rec.Dialect, c.rec.API = c.api.Dialect(), c.api.Name()
	}
	if c.rec.Provider = c.snap.Dialects.Provider(&c.dhead); c.rec.Provider == "" {
		c.rec.Provider = c.snap.Catalog.Provider(dialect.HostName(c.dhead.Host), c.rec.Dialect)
	}
	c.rec.Identity = identityOf(&c.snap.Settings.Identity, c.head)
	c.choose()
	c.rec.Source = sourceOf(c.head)
	c.rec.Provenance = provenanceOf(&c.snap.Settings.Provenance, c.head)
	c.rec.ServerAddress, c.rec.ServerPort = serverOf(c.head)
	c.svc.attempts.open(&c.rec, requestID(c.head))
}

// mayBeUnknownAPI reports whether a request that no dialect claims could be an
// API call all the same, so that a policy may refuse it: JSON that is posted.
func mayBeUnknownAPI(h *dialect.Head, head *phase.RequestHead) bool {
	mediaType, _, _ := strings.Cut(h.Header("content-type"), ";")
	mediaType = strings.TrimSpace(mediaType)
	return h.Method == "POST" && !head.EndOfStream && (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"))
}

// openUnknown judges a JSON request of no known API by its head alone, and lets
// it go unread where the policy allows.
func (c *call) openUnknown() (phase.Call, phase.Verdict) {
	c.begin()
	c.rec.Operation = genai.Other
	c.cover("unknown_api", policy.None, policy.None)
	v := c.judge(nil, nil)
	if v.Reply == nil {
		c.finished = true
		v.Release = true
	}
	return c, v
}

// bodiless judges a request without a body: by what the API reads from its head,
// as of one that fetches a response, else by the head alone.
func (c *call) bodiless() phase.Verdict {
	if c.api == nil || c.dhead.Method != "GET" {
		return c.judge(nil, nil)
	}
	request, err := c.api.ReadRequest(&c.dhead, nil)
	if err != nil {
		return c.judge(nil, nil)
	}
	c.coverRequest(request)
	return c.judge(request, nil)
}

// RequestBody reads the request, asks the policy and carries its decision out.
func (c *call) RequestBody(body []byte) phase.Verdict {
	c.step(StepBody, c.rec.Started)
	c.arrived = c.mark()
	if len(body) > c.snap.Settings.MaxRequestBody {
		return c.tooLarge()
	}
	plain, err := c.decoded(body)
	if err != nil {
		return c.unreadable("request_encoding", err)
	}
	if c.api = c.found.Resolve(plain); c.api == nil {
		return c.unknownBody()
	}
	c.rec.Dialect, c.rec.API = c.api.Dialect(), c.api.Name()
	request, err := c.api.ReadRequest(&c.dhead, plain)
	if err != nil {
		return c.unreadable("request_malformed", err)
	}
	c.coverRequest(request)
	v := c.judge(request, plain)
	if v.Reply == nil && v.Replace && c.dhead.Header("content-encoding") != "" {
		v.Remove = append(v.Remove, "content-encoding") // what is sent is plain
	}
	return v
}

// unknownBody judges a body of no known shape by the head alone.
func (c *call) unknownBody() phase.Verdict {
	c.rec.Dialect, c.rec.API, c.rec.Operation = "", "", genai.Other
	c.cover("unknown_api", policy.None, policy.None)
	return c.judge(nil, nil)
}

// tooLarge refuses a body over the bound.
func (c *call) tooLarge() phase.Verdict {
	c.cover("request_too_large", policy.None, policy.None)
	return c.refuse(dialect.ErrorInfo{Status: 413, Code: "request_too_large", Message: "the request body is larger than this gateway reads (" + strconv.Itoa(c.snap.Settings.MaxRequestBody) + " bytes)"}, nil)
}

// RequestBodyTooLarge refuses a body that was not even buffered.
func (c *call) RequestBodyTooLarge() phase.Verdict { return c.tooLarge() }

// decoded undoes the request's content-encoding.
func (c *call) decoded(body []byte) ([]byte, error) {
	encoding := c.head.Headers.List("content-encoding")
	if encoding == "" || encoding == "identity" {
		return body, nil
	}
	return frame.Decompress(encoding, body, int64(c.snap.Settings.MaxRequestBody))
}

// unreadable deals with a request that could not be read: it is refused with
// 400, or, as configured, judged by its head alone.
func (c *call) unreadable(reason string, err error) phase.Verdict {
	c.cover(reason, policy.None, policy.Pending)
	if !c.snap.Settings.PassMalformed {
		return c.refuse(dialect.ErrorInfo{Status: 400, Code: reason, Message: "this gateway could not read the request: " + err.Error()}, nil)
	}
	return c.judge(nil, nil)
}

// judge asks the policy about the request and turns the decision into a
// verdict. request and body are nil where there is nothing to read.
func (c *call) judge(request *genai.Request, body []byte) phase.Verdict {
	facts := c.readFacts(request, body)
	if refusal := c.remoteRefusal(); refusal != nil {
		return *refusal
	}
	c.step(StepRead, c.arrived)
	decision, failed := c.decide(&c.input)
	if failed != nil {
		return *failed
	}
	c.decision = decision
	c.rec.Labels, c.rec.Experiment = decision.Labels, decision.Experiment
	if len(decision.Deny) > 0 {
		c.forgetAll(facts)
		return c.denied(decision)
	}
	if len(decision.Review) > 0 {
		if parked := c.reviewed(decision, request, body, facts); parked != nil {
			c.forgetAll(facts)
			return *parked
		}
	}
	return c.enforce(decision, request, body, facts)
}

// decide evaluates in. Where the policy cannot decide, the call fails as
// configured: failed is then the verdict that refuses it, or decision is empty.
func (c *call) decide(in *policy.Input) (decision *policy.Decision, failed *phase.Verdict) {
	decision, err := c.evaluate(in)
	if err == nil {
		return decision, nil
	}
	c.rec.Err = err
	if c.snap.Settings.FailOpen {
		c.rec.FailedOpen = true
		c.reason("failed_open")
		return &policy.Decision{}, nil
	}
	c.reason("policy_error")
	c.rec.Decision = "error"
	refusal := c.lastVerdict(phase.Verdict{Reply: c.errorReply(dialect.ErrorInfo{Status: 503, Code: "policy_error", Message: "this gateway could not judge the call and is configured to refuse it then"})})
	return nil, &refusal
}

// denied refuses the call in the client's error format; all denies are
// recorded, the first decides the answer.
func (c *call) denied(d *policy.Decision) phase.Verdict {
	first := d.Deny[0]
	status := first.Status
	if status == 0 {
		status = 403
	}
	return c.refuse(dialect.ErrorInfo{Status: status, Code: "policy_violation", Message: first.Message, Param: ""}, d.Deny)
}

// refuse answers the client with an error and ends the call.
func (c *call) refuse(e dialect.ErrorInfo, denies []policy.Deny) phase.Verdict {
	c.rec.Decision, c.rec.DeniedIn, c.rec.Denies = "deny", string(c.phase), denies
	if denies == nil {
		c.rec.Denies = []policy.Deny{{Code: e.Code, Message: e.Message, Status: e.Status}}
	}
	return c.lastVerdict(phase.Verdict{Reply: c.errorReply(e)})
}

// errorReply renders e in the call's dialect and ends the call.
func (c *call) errorReply(e dialect.ErrorInfo) *phase.Reply {
	c.finished = true
	e.CallID = c.rec.ID
	c.rec.HTTPStatus, c.rec.ErrorType = e.Status, e.Code
	contentType, body := errorBody(c.api, e)
	headers := []phase.Header{{Name: "content-type", Value: contentType}, {Name: "x-regent-call-id", Value: c.rec.ID}}
	if more, ok := c.api.(dialect.ErrorHeaderer); ok {
		for _, h := range more.ErrorHeaders(e) {
			headers = append(headers, phase.Header{Name: h[0], Value: h[1]})
		}
	}
	return &phase.Reply{
		Status:  e.Status,
		Headers: headers,
		Body:    body,
		Details: "regent_" + detailWord(e.Code),
	}
}

// errorBody is the dialect's rendering, or a plain JSON one for a call of no
// known dialect.
func errorBody(api dialect.API, e dialect.ErrorInfo) (string, []byte) {
	if api != nil {
		return api.ErrorBody(e)
	}
	b := append([]byte(nil), `{"error":{"message":`...)
	b = jsonspan.AppendQuoted(b, e.Message)
	b = append(b, `,"code":`...)
	b = jsonspan.AppendQuoted(b, e.Code)
	return "application/json", append(b, "}}"...)
}

// detailWord keeps %RESPONSE_CODE_DETAILS% one word.
func detailWord(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, code)
}

// enforce carries an allowing decision out: edits of the body, headers, route.
func (c *call) enforce(d *policy.Decision, request *genai.Request, body []byte, facts *facts) phase.Verdict {
	v := phase.Verdict{}
	if request != nil {
		edited, problem := c.editRequest(d, request, body, facts)
		if problem != nil {
			return c.refuse(*problem, nil)
		}
		v.Replace, v.NewBody = edited != nil, edited
		c.captureRequest(request, body, edited)
		c.setPath(&v, d, request)
	}
	c.setHeaders(&v, d)
	v.Metadata = c.requestMetadata()
	c.sent = c.mark()
	return v
}

// setPath puts the decision's model into the path of an API that has it there.
func (c *call) setPath(v *phase.Verdict, d *policy.Decision, request *genai.Request) {
	if !replacesModel(d, request) || !request.ModelRange.IsZero() {
		return
	}
	path, ok := dialect.WithModel(c.dhead.Path, request.Model, d.Route.Model)
	if !ok { // editRequest has refused this already
		return
	}
	if c.dhead.Query != "" {
		path += "?" + c.dhead.Query
	}
	v.Set = append(v.Set, phase.Header{Name: ":path", Value: path})
}

// setHeaders sets what the upstream request must carry.
func (c *call) setHeaders(v *phase.Verdict, d *policy.Decision) {
	// A compressed response would have to be unpacked to be read.
	if c.dhead.Header("accept-encoding") != "" {
		v.Set = append(v.Set, phase.Header{Name: "accept-encoding", Value: "identity"})
	}
	if c.head.GRPC == nil || c.head.GRPC("traceparent") == "" {
		if t := c.live.Traceparent(); t != "" {
			v.Set = append(v.Set, phase.Header{Name: "traceparent", Value: t})
		}
	}
	if d.Route != nil && d.Route.Target != "" {
		c.rec.Target = d.Route.Target
		v.Set = append(v.Set, phase.Header{Name: c.snap.Settings.RoutingHeader, Value: d.Route.Target})
		v.ClearRouteCache = true
	} else if c.dhead.Header(c.snap.Settings.RoutingHeader) != "" {
		// A client does not choose where its call goes.
		v.Remove = append(v.Remove, c.snap.Settings.RoutingHeader)
		v.ClearRouteCache = true
	}
	if d.Headers == nil {
		return
	}
	for name, value := range d.Headers.Set {
		v.Set = append(v.Set, phase.Header{Name: strings.ToLower(name), Value: value})
		v.ClearRouteCache = true
	}
	for _, name := range d.Headers.Remove {
		v.Remove = append(v.Remove, strings.ToLower(name))
		v.ClearRouteCache = true
	}
}
