package console

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/regent-proxy/regent/pkg/policy"
)

// stage is one part of a call's way, told for people.
type stage struct {
	Title string
	Tone  string // "", deny, redact, error, quiet
	Lines []string
}

// explain tells what became of a call, in the order it happened.
func explain(c *Call) []stage {
	steps := []stage{requestStep(c), decisionStep(c)}
	if c.DeniedIn != "request" {
		steps = append(steps, upstreamStep(c), responseStep(c))
	}
	return append(steps, accountStep(c))
}

// verdict is the call's outcome in one sentence.
func verdict(c *Call) string {
	switch {
	case c.Decision == "deny" && len(c.Denies) > 0:
		return "Denied in the " + c.DeniedIn + ": " + reasonOf(c.Denies[0])
	case c.Decision == "deny":
		return "Denied in the " + c.DeniedIn + "."
	case c.Decision == "error":
		return "Refused, because the policy could not decide."
	case c.FailedOpen:
		return "Passed unjudged: the policy could not decide, and policy.on_error is open."
	case c.Aborted:
		return "The client left before the end."
	case c.ErrorType != "":
		return "Allowed, but it failed: " + c.ErrorType + "."
	case c.Decision == "redact":
		return "Allowed, with " + plural(redacted(c), "value") + " redacted."
	case c.Decision == "review":
		return "Allowed after a review."
	}
	return "Allowed."
}

func reasonOf(d policy.Deny) string {
	if d.Message == "" {
		return d.Code
	}
	return d.Message + " (" + d.Code + ")"
}

func redacted(c *Call) (n int64) {
	for _, each := range c.Redactions {
		n += int64(each)
	}
	return n
}

func requestStep(c *Call) stage {
	s := stage{Title: "Request"}
	what := cmp.Or(c.Operation, "A call") + " with " + cmp.Or(c.Model, "no named model")
	if c.Stream {
		what += ", streamed"
	}
	s.Lines = append(s.Lines, what+who(c)+".", covered("request", c.Coverage.Request))
	if found := findings(c.RequestFindings); found != "" {
		s.Lines = append(s.Lines, "Found: "+found+".")
	}
	return s
}

func who(c *Call) string {
	var names []string
	for _, each := range []struct{ kind, name string }{{"tenant", c.Tenant}, {"team", c.Team}, {"app", c.App}, {"subject", c.Subject}} {
		if each.name != "" {
			names = append(names, each.kind+" "+each.name)
		}
	}
	if len(names) == 0 {
		return ", by nobody known"
	}
	return ", by " + strings.Join(names, ", ")
}

func covered(what string, l policy.Level) string {
	switch l {
	case policy.Full:
		return "Read and judged in full."
	case policy.Partial:
		return "Read and judged in part."
	}
	return "The " + what + " was not read."
}

// findings lists what was found: 2 × EMAIL in content (user).
func findings(list []policy.FindingFact) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = fmt.Sprintf("%d × %s in %s", f.Count, f.Entity, strings.ReplaceAll(string(f.Where), "_", " "))
		if f.Role != "" {
			out[i] += " (" + string(f.Role) + ")"
		}
	}
	return strings.Join(out, ", ")
}

func decisionStep(c *Call) stage {
	s := stage{Title: "Decision"}
	role := ""
	if c.Role == "canary" {
		role = ", the canary on trial"
	}
	s.Lines = append(s.Lines, fmt.Sprintf("Policy revision %s%s, %s in %s.", cmp.Or(c.Revision, "unknown"), role, plural(int64(c.Evaluations), "evaluation"), elapsed(c.PolicyTime)))
	switch {
	case c.DeniedIn == "request":
		s.Tone = "deny"
		s.Lines = append(s.Lines, denied(c)...)
	case c.Decision == "error":
		s.Tone = "error"
		s.Lines = append(s.Lines, "The policy could not decide (an error, a timeout, or nothing that is a decision), so the call was refused: policy.on_error is closed.")
	case c.FailedOpen:
		s.Tone = "error"
		s.Lines = append(s.Lines, "The policy could not decide (an error, a timeout, or nothing that is a decision), so the call passed unjudged: policy.on_error is open.")
	case len(c.Redactions) > 0:
		s.Tone = "redact"
		s.Lines = append(s.Lines, "Allowed, redacted: "+counts(c.RedactionList())+".")
	default:
		s.Lines = append(s.Lines, "Allowed.")
	}
	return withReview(c, s)
}

func withReview(c *Call, s stage) stage {
	if c.ReviewID != "" {
		s.Lines = append(s.Lines, "Review "+c.ReviewID+".")
	}
	if c.Target != "" {
		s.Lines = append(s.Lines, "Sent to the target "+c.Target+".")
	}
	if c.UpstreamModel != "" && c.UpstreamModel != c.Model {
		s.Lines = append(s.Lines, "Model "+c.Model+" replaced by "+c.UpstreamModel+".")
	}
	return s
}

func denied(c *Call) []string {
	out := []string{"Denied; nothing more was sent on."}
	if c.DeniedIn == "request" {
		out[0] = "Denied before anything was sent to the provider."
	}
	for _, d := range c.Denies {
		text := d.Code
		if d.Message != "" {
			text += ": " + d.Message
		}
		if d.Status != 0 {
			text += fmt.Sprintf(" (HTTP %d)", d.Status)
		}
		out = append(out, text)
	}
	return out
}

// counts lists names with how often: EMAIL × 2.
func counts(list []Count) string {
	out := make([]string, len(list))
	for i, each := range list {
		out[i] = fmt.Sprintf("%s × %d", each.Name, each.N)
	}
	return strings.Join(out, ", ")
}

func upstreamStep(c *Call) stage {
	s := stage{Title: "Upstream"}
	switch n := len(c.Attempts); {
	case n == 0:
		s.Tone = "quiet"
		s.Lines = append(s.Lines, "Asked for "+cmp.Or(c.Server, "no named server")+". Attempts are known only where Envoy attaches the upstream filter.")
	case n == 1:
		s.Lines = append(s.Lines, "One attempt, at "+cmp.Or(c.Attempts[0].Target, "an unknown cluster")+".")
	default:
		s.Tone = "error"
		s.Lines = append(s.Lines, plural(int64(n), "attempt")+", the last at "+cmp.Or(c.Attempts[n-1].Target, "an unknown cluster")+".")
	}
	return s
}

func responseStep(c *Call) stage {
	s := stage{Title: "Response"}
	if c.Status != 0 {
		s.Lines = append(s.Lines, fmt.Sprintf("Status %d%s.", c.Status, ended(c)))
	} else {
		s.Lines = append(s.Lines, "None came.")
	}
	s.Lines = append(s.Lines, covered("response", c.Coverage.Response))
	if found := findings(c.ResponseFindings); found != "" {
		s.Lines = append(s.Lines, "Found: "+found+".")
	}
	if c.Restored > 0 {
		s.Lines = append(s.Lines, plural(int64(c.Restored), "stand-in")+" of the request turned back.")
	}
	switch {
	case c.DeniedIn == "response":
		s.Tone = "deny"
		s.Lines = append(s.Lines, denied(c)...)
	case c.Aborted:
		s.Tone = "error"
		s.Lines = append(s.Lines, "The client left before the end.")
	case c.ErrorType != "":
		s.Tone = "error"
		s.Lines = append(s.Lines, "Failed: "+c.ErrorType+".")
	}
	return s
}

func ended(c *Call) string {
	if c.FinishReason == "" {
		return ""
	}
	return ", finished with " + c.FinishReason
}

func accountStep(c *Call) stage {
	s := stage{Title: "Account"}
	u := &c.Usage
	switch {
	case u.Reported:
		s.Lines = append(s.Lines, fmt.Sprintf("%s in, %s out, as the provider reported.", plural(u.InputTokens, "token"), number(u.OutputTokens)))
	case c.DeniedIn == "request":
		s.Lines = append(s.Lines, fmt.Sprintf("About %s in were not sent.", plural(c.EstimatedInput, "token")))
	default:
		s.Lines = append(s.Lines, fmt.Sprintf("The provider reported no usage. About %s in, by estimate.", plural(c.EstimatedInput, "token")))
	}
	switch {
	case c.CostKnown && c.CostReported:
		s.Lines = append(s.Lines, usd(c.CostUSD)+", as the provider reported.")
	case c.CostKnown:
		s.Lines = append(s.Lines, usd(c.CostUSD)+", by the catalog’s prices.")
	case u.Reported:
		s.Lines = append(s.Lines, "No price is known for this model.")
	}
	return s
}

// reasons says in words why something was not read; a word without one stands
// for itself.
var reasons = map[string]string{
	"aborted":              "the client left before the end",
	"attachments":          "images, audio or files are not looked into",
	"event_too_large":      "an event was larger than limits.max_event",
	"event_unreadable":     "an event of the stream could not be read",
	"failed_open":          "the policy could not decide and the call passed, as configured",
	"hold_bound":           "limits.max_hold was reached, so texts were decided as if they ended there",
	"no_response":          "no response came",
	"policy_error":         "the policy could not decide",
	"request_too_large":    "the request was larger than limits.max_request_body",
	"request_unread":       "the response came before the request was read",
	"response_encoding":    "the response’s encoding is not known",
	"response_not_json":    "the response is no JSON",
	"response_not_watched": "the policy’s watch leaves parts out",
	"response_too_large":   "the response was larger than limits.max_response_body",
	"unknown_api":          "the API is not known",
	"unknown_event":        "the stream held events of an unknown type",
	"unknown_parts":        "messages held parts of an unknown type",
	"unread_api":           "this API’s bodies are not read",
}

func reasonText(word string) string {
	return cmp.Or(reasons[word], strings.ReplaceAll(word, "_", " "))
}
