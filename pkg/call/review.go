package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/review"
)

// reviewed asks whether a human has approved this very call. Nil means that one
// has, and that the call may pass; otherwise it is answered by the verdict.
func (c *call) reviewed(d *policy.Decision, request *genai.Request, body []byte, f *facts) *phase.Verdict {
	if c.snap.Reviews == nil {
		return c.unreviewable(d, "the policy wants a review, but this gateway keeps none")
	}
	first := d.Review[0]
	subject := c.reviewSubject(d)
	ask := review.Ask{Fingerprint: c.fingerprint(d, body), Wait: shortest(d.Review), Subject: subject}
	if c.snap.Settings.ReviewContent {
		ask.Input = func() string { return string(c.reviewInput(d, request, body, f)) }
	}
	r, err := c.snap.Reviews.Ask(ask)
	if err != nil {
		c.rec.Err = err
		if errors.Is(err, review.ErrFull) {
			return c.unreviewable(d, "too many calls wait for a review already")
		}
		return c.unreviewable(d, "this gateway could not keep the call for its review")
	}
	c.rec.ReviewID = r.ID
	switch r.State {
	case review.Approved:
		return nil
	case review.Rejected:
		return c.park(d, dialect.ErrorInfo{Status: 403, Code: "review_rejected", Message: "a reviewer has rejected this call" + because(r.Reason) + " (review " + r.ID + ")"})
	}
	message := first.Message
	if message == "" {
		message = "this call waits for a reviewer"
	}
	return c.park(d, dialect.ErrorInfo{Status: first.Status, Code: "review_required", Message: message + " (review " + r.ID + "; send the same call again once it is approved)"})
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// unreviewable refuses a call that nobody can be asked about: what a human must
// see never passes unseen, whatever policy.on_error says.
func (c *call) unreviewable(d *policy.Decision, why string) *phase.Verdict {
	return c.park(d, dialect.ErrorInfo{Status: 503, Code: "review_unavailable", Message: why})
}

// park answers the call with e, and names its review in a header.
func (c *call) park(d *policy.Decision, e dialect.ErrorInfo) *phase.Verdict {
	denies := make([]policy.Deny, len(d.Review))
	for i, r := range d.Review {
		denies[i] = policy.Deny{Code: r.Code, Message: r.Message, Status: e.Status}
	}
	v := c.refuse(e, denies)
	c.rec.Decision = "review"
	v.Metadata = c.finalMetadata()
	if c.rec.ReviewID != "" {
		v.Reply.Headers = append(v.Reply.Headers, phase.Header{Name: "x-regent-review-id", Value: c.rec.ReviewID})
	}
	return &v
}

// shortest is the least time that the reviews of a decision give, 0 where none
// gives one.
func shortest(reviews []policy.Review) time.Duration {
	var least time.Duration
	for _, r := range reviews {
		if r.Wait > 0 && (least == 0 || r.Wait < least) {
			least = r.Wait
		}
	}
	return least
}

// fingerprint knows the call again: the same caller, the same place, the same
// reasons, the same bytes.
func (c *call) fingerprint(d *policy.Decision, body []byte) string {
	id := &c.rec.Identity
	parts := []string{id.Subject, id.Tenant, id.Team, id.App, c.rec.Source.Principal, c.dhead.Method, c.dhead.Host, c.dhead.Path, c.dhead.Query}
	return review.Fingerprint(body, append(parts, reviewCodes(d)...)...)
}

// reviewCodes are sorted, so that the order of rules does not matter.
func reviewCodes(d *policy.Decision) []string {
	codes := make([]string, len(d.Review))
	for i, r := range d.Review {
		codes[i] = r.Code
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// reviewSubject is what a reviewer is told: facts, no text of the call.
func (c *call) reviewSubject(d *policy.Decision) review.Subject {
	r := &c.rec
	s := review.Subject{
		CallID: r.ID, TraceID: r.TraceID, Caller: r.Identity.Subject, Tenant: r.Identity.Tenant, Team: r.Identity.Team, App: r.Identity.App,
		Host: c.dhead.Host, Path: c.dhead.Path, Dialect: r.Dialect, Operation: string(r.Operation), Provider: r.Provider, Model: r.RequestModel,
		InputTokens: r.EstimatedInput, CostUSD: c.input.Cost.EstimatedUSD, Codes: reviewCodes(d), Revision: r.PolicyRevision,
	}
	for _, f := range r.RequestFindings {
		s.Findings = append(s.Findings, fmt.Sprintf("%s ×%d", f.Entity, f.Count))
	}
	for _, each := range d.Review {
		if m := strings.TrimSpace(each.Message); m != "" && !slices.Contains(s.Messages, m) {
			s.Messages = append(s.Messages, m)
		}
	}
	return s
}

// reviewInput is the call's messages as they would leave: redacted as the
// decision says. A body that cannot be edited gives none. The edit is made on a
// copy, since nothing of it leaves.
func (c *call) reviewInput(d *policy.Decision, request *genai.Request, body []byte, f *facts) []byte {
	if request == nil {
		return nil
	}
	draft := *c
	edited, problem := draft.editRequest(d, request, body, f)
	if problem != nil {
		return nil
	}
	if edited == nil {
		return inputMessages(request, body, review.MaxInput)
	}
	again, err := c.api.ReadRequest(&c.dhead, edited)
	if err != nil {
		return nil
	}
	return inputMessages(again, edited, review.MaxInput)
}
