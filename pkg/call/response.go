package call

import (
	"strconv"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/frame"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/policy"
)

// response is what a call keeps while its response comes in.
type response struct {
	head     dialect.ResponseHead
	encoding string // content-encoding, "" for none
	stream   *stream
	began    time.Time // of the response's headers
	// toolHosts and linkHosts are the hosts of the URLs in tools' arguments and in
	// what is said, in their order.
	toolHosts, linkHosts []string
}

// ResponseHeaders chooses how the response's body is wanted.
func (c *call) ResponseHeaders(head *phase.ResponseHead) phase.Verdict {
	c.phase = policy.Response
	c.readResponseHead(head)
	if details := head.Attributes["response.code_details"]; isLocalReply(details) {
		return c.localReply(details)
	}
	if head.EndOfStream {
		c.cover("", "", policy.Full)
		return c.lastVerdict(phase.Verdict{})
	}
	v := phase.Verdict{}
	switch {
	case c.api == nil || c.rec.Coverage.Request == policy.None && c.rec.Request == nil:
		c.cover("request_unread", "", policy.None)
		return c.passResponse()
	case c.streams():
		return c.openStream()
	case isPage(c.reply.head.ContentType):
		return c.openPage()
	case !isJSON(c.reply.head.ContentType):
		c.cover("response_not_json", "", policy.None)
		return c.passResponse()
	case c.declaredLength(head) > c.snap.Settings.MaxResponseBody:
		c.cover("response_too_large", "", policy.None)
		return c.passResponse()
	}
	v.Body = phase.BodyBuffered
	return v
}

// passResponse lets a response go unread, where the policy does not mind.
func (c *call) passResponse() phase.Verdict {
	if v := c.judgeResponse(nil, nil, true); v.Reply != nil {
		return v
	}
	c.finished = true
	return c.lastVerdict(phase.Verdict{Release: true})
}

func (c *call) readResponseHead(head *phase.ResponseHead) {
	status, _ := strconv.Atoi(head.Headers.Get(":status"))
	mediaType, _, _ := strings.Cut(head.Headers.Get("content-type"), ";")
	c.reply.began = c.svc.now()
	c.step(StepUpstream, c.sent)
	c.reply.encoding = head.Headers.List("content-encoding")
	if c.reply.encoding == "identity" {
		c.reply.encoding = ""
	}
	headers := head.Headers
	c.reply.head = dialect.ResponseHead{Status: status, ContentType: strings.ToLower(strings.TrimSpace(mediaType)), Header: headers.Get}
	c.rec.HTTPStatus = status
	if upstream := head.Attributes["upstream.address"]; upstream != "" {
		c.rec.ServerAddress, c.rec.ServerPort = splitHostPort(upstream)
	}
}

// isLocalReply reports whether Envoy itself made the response.
func isLocalReply(details string) bool {
	return details != "" && details != "via_upstream"
}

// localReply puts an error of Envoy's own into the client's error format.
func (c *call) localReply(details string) phase.Verdict {
	status := c.reply.head.Status
	e := dialect.ErrorInfo{Status: status, Code: "upstream_error", Message: "the mesh answered in the provider's place: " + details}
	switch {
	case strings.Contains(details, "payload_too_large"):
		e.Code, e.Message = "request_too_large", "the request body is larger than this mesh accepts"
		c.cover("request_too_large", policy.None, policy.Full)
	case status == 503 || strings.Contains(details, "upstream"):
		e.Code = "upstream_unavailable"
	case status == 504 || status == 408:
		e.Code = "upstream_timeout"
	}
	c.cover("", "", policy.Full)
	return c.lastVerdict(phase.Verdict{Reply: c.errorReply(e)})
}

// streams reports whether the response comes as a stream of events: by its
// content type, or, where that is missing or lies, by what the request asked.
func (c *call) streams() bool {
	if c.reply.head.Status >= 400 && isJSON(c.reply.head.ContentType) {
		return false
	}
	if _, ok := c.framing(); ok {
		return true
	}
	asked := c.rec.Request != nil && c.rec.Request.Stream
	return asked && !isJSON(c.reply.head.ContentType)
}

// framing is how the response's events are framed, where its head tells.
func (c *call) framing() (frame.Kind, bool) {
	if f, ok := c.api.(dialect.Framer); ok {
		if kind, known := f.Framing(&c.dhead, &c.reply.head, c.rec.Request); known {
			return kind, true
		}
	}
	return frame.Sniff(c.reply.head.ContentType, nil)
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json") || mediaType == "text/json" || mediaType == ""
}

func (c *call) declaredLength(head *phase.ResponseHead) int {
	n, err := strconv.Atoi(head.Headers.Get("content-length"))
	if err != nil {
		return 0
	}
	return n
}

// ResponseBody reads a whole response, or one chunk of a stream.
func (c *call) ResponseBody(chunk []byte, end bool) phase.Verdict {
	if c.reply.stream != nil {
		return c.streamChunk(chunk, end)
	}
	return c.wholeResponse(chunk)
}

// ResponseTrailers ends a stream that has trailers: what is held back leaves.
func (c *call) ResponseTrailers(phase.Headers) phase.Verdict {
	if c.reply.stream != nil && !c.finished {
		return c.streamChunk(nil, true)
	}
	return phase.Verdict{}
}

// wholeResponse reads one document, asks the policy and carries its decision
// out.
func (c *call) wholeResponse(body []byte) phase.Verdict {
	plain, err := c.unpacked(body)
	if err != nil {
		return c.unreadResponse("response_encoding", err)
	}
	read, err := c.api.ReadResponse(&c.dhead, &c.reply.head, plain)
	if err != nil {
		return c.looseResponse(plain, err)
	}
	c.rec.Response = *read
	if read.Error != nil {
		c.rec.ErrorType = errorType(read.Error)
	}
	c.coverResponse(read.UnknownParts)
	v := c.judgeResponse(read, plain, true)
	if v.Replace && c.reply.encoding != "" {
		v.Remove = append(v.Remove, "content-encoding")
	}
	c.finished = true
	return c.lastVerdict(v)
}

func (c *call) unpacked(body []byte) ([]byte, error) {
	if c.reply.encoding == "" {
		return body, nil
	}
	return frame.Decompress(c.reply.encoding, body, int64(c.snap.Settings.MaxResponseBody))
}

// unreadResponse lets a response pass that could not be read, with its
// coverage, unless the policy refuses what was not inspected.
func (c *call) unreadResponse(reason string, err error) phase.Verdict {
	c.rec.Err = err
	c.cover(reason, "", policy.None)
	v := c.judgeResponse(nil, nil, true)
	c.finished = true
	return c.lastVerdict(v)
}

// judgeResponse asks the policy about a whole response and edits it in place.
func (c *call) judgeResponse(read *genai.Response, body []byte, final bool) phase.Verdict {
	f := &facts{}
	if read != nil {
		rest := unread{all: c.detect.HasCustom()}
		f = c.scan(c.detect, body, rest.said(read.Texts, body))
		if c.snap.Settings.RemoteResponses {
			c.askRemote(f, body)
		}
		c.rec.ResponseFindings = countFindings(f)
		c.trial.response, c.trial.hasResponse = c.scanForTrial(body, f)
	}
	if refusal := c.remoteRefusal(); refusal != nil {
		return *refusal
	}
	decision, failed := c.decide(c.responseInput(read, body, final))
	if failed != nil {
		return *failed
	}
	c.addLabels(decision.Labels)
	if len(decision.Deny) > 0 {
		c.forgetAll(f)
		return c.denied(decision)
	}
	var edits jsonspan.Edits
	if problem := c.redact(&edits, decision.Redact, f); problem != nil {
		return c.refuse(*problem, nil)
	}
	if !edits.Empty() {
		dropNumbers(&edits, body)
	}
	c.captureResponse(read, body, &edits) // before the client's own values come back
	if read != nil {
		c.restore(&edits, body, f.texts)
		for i := range read.Texts {
			c.withoutMark(&edits, body, &read.Texts[i])
		}
	}
	if !edits.Empty() {
		dropTokens(&edits, body)
	}
	edited, err := apply(&edits, body)
	if err != nil {
		return c.refuse(*impossible(err.Error()), nil)
	}
	return phase.Verdict{Replace: edited != nil, NewBody: edited}
}

// responseInput is the request's facts with those of the response so far.
func (c *call) responseInput(read *genai.Response, body []byte, final bool) *policy.Input {
	in := c.input
	in.Phase = policy.Response
	in.Coverage = c.rec.Coverage
	facts := &policy.ResponseFacts{Status: c.rec.HTTPStatus, Findings: c.rec.ResponseFindings, Final: final, Model: c.rec.Response.Model, Usage: c.rec.Response.Usage, Err: c.rec.Response.Error}
	for _, reason := range c.rec.Response.FinishReasons {
		facts.FinishReasons = append(facts.FinishReasons, reason.Reason)
	}
	for _, call := range c.rec.Response.ToolCalls {
		facts.ToolCalls = append(facts.ToolCalls, call.Name)
	}
	facts.ToolHosts, facts.LinkHosts = c.reply.toolHosts, c.reply.linkHosts
	if read != nil {
		facts.Text = func() string { return visibleText(body, read.Texts) }
	}
	in.Response = facts
	return &in
}

// visibleText is what a person reads of a response: content and refusals.
func visibleText(body []byte, texts []genai.Text) string {
	var b strings.Builder
	for _, t := range texts {
		if (t.Kind == genai.Content || t.Kind == genai.Refusal) && !isEcho(&t) {
			b.WriteString(textOf(body, t))
		}
	}
	return b.String()
}

func (c *call) addLabels(labels map[string]string) {
	for name, value := range labels {
		if c.rec.Labels == nil {
			c.rec.Labels = map[string]string{}
		}
		c.rec.Labels[name] = value
	}
}

// errorType is error.type of a provider's error: the most telling word it gave.
func errorType(e *genai.Error) string {
	switch {
	case e.Type != "":
		return e.Type
	case e.Code != "":
		return e.Code
	case e.Status != 0:
		return strconv.Itoa(e.Status)
	}
	return "_OTHER"
}
