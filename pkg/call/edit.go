package call

import (
	"fmt"
	"slices"

	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/redact"
)

// editRequest makes the edits the decision asks for, in place: nil where there
// are none, and then the body leaves bit for bit as it came. A decision that
// cannot be carried out is a problem, answered to the client: a call never
// leaves with half of a decision.
func (c *call) editRequest(d *policy.Decision, request *genai.Request, body []byte, f *facts) ([]byte, *dialect.ErrorInfo) {
	var edits jsonspan.Edits
	if problem := c.redact(&edits, d.Redact, f); problem != nil {
		return nil, problem
	}
	if replacesModel(d, request) {
		if problem := c.replaceModel(&edits, d, request); problem != nil {
			return nil, problem
		}
	}
	c.askUsage(&edits, request, body)
	c.plantCanary(&edits, request, body)
	edited, err := apply(&edits, body)
	if err == nil && len(d.Body) > 0 {
		edited, err = changeBody(edited, body, d.Body)
	}
	if err != nil {
		return nil, impossible(err.Error())
	}
	return edited, nil
}

func replacesModel(d *policy.Decision, request *genai.Request) bool {
	return d.Route != nil && d.Route.Model != "" && d.Route.Model != request.Model
}

// replaceModel edits the model where it stands in the body; where it stands in
// the path, setPath does.
func (c *call) replaceModel(edits *jsonspan.Edits, d *policy.Decision, request *genai.Request) *dialect.ErrorInfo {
	c.rec.UpstreamModel = d.Route.Model
	if !request.ModelRange.IsZero() {
		edits.Add(jsonspan.Range(request.ModelRange), jsonspan.AppendEscaped(nil, d.Route.Model))
		return nil
	}
	if _, ok := dialect.WithModel(c.dhead.Path, request.Model, d.Route.Model); !ok {
		return impossible("it replaces the model, which the request names neither in its body nor in its path")
	}
	return nil
}

func impossible(why string) *dialect.ErrorInfo {
	return &dialect.ErrorInfo{Status: 500, Code: "decision_not_possible", Message: "this gateway could not carry out the policy's decision: " + why}
}

func apply(edits *jsonspan.Edits, body []byte) ([]byte, error) {
	if edits.Empty() {
		return nil, nil
	}
	edits.Merge() // two findings may share a token
	return edits.Apply(body)
}

// changeBody makes the decision's JSON-Pointer changes, one after the other,
// on the edited body.
func changeBody(edited, body []byte, changes []policy.Change) ([]byte, error) {
	if edited == nil {
		edited = body
	}
	steps := make([]jsonspan.Change, len(changes))
	for i, change := range changes {
		steps[i] = jsonspan.Change{Pointer: change.Path, Value: change.Value}
		switch change.Op {
		case "remove":
			steps[i].Op = jsonspan.OpRemove
		case "add", "replace", "set":
			if parent, isAppend := cutAppend(change.Path); isAppend {
				steps[i].Op, steps[i].Pointer = jsonspan.OpAppend, parent
			}
		default:
			return nil, fmt.Errorf("body change %s: unknown op %q", change.Path, change.Op)
		}
	}
	return jsonspan.Patch(edited, steps)
}

// cutAppend recognises RFC 6902's "-": one past an array's last element.
func cutAppend(path string) (string, bool) {
	if n := len(path); n >= 2 && path[n-2:] == "/-" {
		return path[:n-2], true
	}
	return path, false
}

// askUsage adds the request for a usage event to a stream whose client did not
// ask, where the dialect needs it.
func (c *call) askUsage(edits *jsonspan.Edits, request *genai.Request, body []byte) {
	asker, ok := c.api.(dialect.UsageAsker)
	if !ok || !c.snap.Settings.AskUsage || !request.Stream || request.UsageRequested {
		return
	}
	if at, with, ok := asker.AskUsage(request, body); ok {
		edits.Add(jsonspan.Range(at), with)
		c.asked = true
	}
}

// redact adds the edits that hide what the decision names.
func (c *call) redact(edits *jsonspan.Edits, rules []policy.Redact, f *facts) *dialect.ErrorInfo {
	ruleOf := func(each *found) *policy.Redact {
		return ruleFor(rules, each.finding.Entity, string(each.finding.Class), each.finding.Score, f.texts[each.text].Role)
	}
	for i := range f.findings {
		each := &f.findings[i]
		t := f.texts[each.text]
		rule := ruleOf(each)
		if rule == nil && c.isOwnMark(each.finding.Entity, each.value) {
			rule = &ownMarkRule
		}
		if rule == nil || c.phase == policy.Response && c.isStandIn(each.value) {
			continue
		}
		if t.Frozen {
			return &dialect.ErrorInfo{Status: 403, Code: "policy_violation", Message: "the request repeats signed content that must be redacted (" + each.finding.Entity + ") and cannot be: leave it out and try again"}
		}
		parts := f.whole[:1]
		if parts[0] = each.finding; each.remote {
			parts = f.parts(each, func(l *found) bool { return ruleOf(l) != nil })
		}
		for _, part := range parts {
			value := each.value
			if each.remote {
				value = value[part.Start-each.finding.Start : part.End-each.finding.Start]
			}
			with := c.standIn(rule.With, part.Entity, value)
			c.forget(value, with)
			if each.escaped {
				with = redo(with)
			}
			f.splices = each.view.Replace(f.splices[:0], part.Start, part.End, with)
			for _, splice := range f.splices {
				edits.Add(shift(splice.Range, t.Range.Start), splice.With)
			}
		}
		c.redacted(each.finding.Entity)
	}
	return nil
}

// standIn is what stands for a value found. A pseudonym is remembered in a
// request, for the response to be restored; in a response nothing would restore
// it, so it is a label.
func (c *call) standIn(verb, entity, value string) string {
	if verb == redact.Pseudonym && c.phase == policy.Request {
		return c.snap.Redact.Pseudonym(&c.pseudonyms, entity, value, c.redactScope())
	}
	return c.snap.Redact.Replace(verb, entity, value, c.redactScope())
}

// isStandIn reports whether a value found in a response is one of the call's own
// stand-ins, to be restored and not redacted.
func (c *call) isStandIn(value string) bool {
	if c.pseudonyms.Empty() {
		return false
	}
	for _, m := range c.pseudonyms.Scan([]byte(value), nil) {
		if m.End-m.Start >= len(value)-3 {
			return true
		}
	}
	return false
}

// restore adds the edits that put values back where their stand-ins are.
func (c *call) restore(edits *jsonspan.Edits, doc []byte, texts []genai.Text) {
	if c.pseudonyms.Empty() {
		return
	}
	for _, t := range texts {
		text, m := viewOf(doc, t)
		for _, match := range c.pseudonyms.Scan(text, nil) {
			for _, splice := range m.Replace(nil, match.Start, match.End, match.Value) {
				edits.Add(shift(splice.Range, t.Range.Start), splice.With)
			}
			c.rec.Restored++
		}
	}
}

func shift(r jsonspan.Range, by int) jsonspan.Range {
	return jsonspan.Range{Start: r.Start + by, End: r.End + by}
}

// redacted counts a redaction.
func (c *call) redacted(entity string) {
	if c.rec.Redactions == nil {
		c.rec.Redactions = map[string]int{}
	}
	c.rec.Redactions[entity]++
	if c.rec.Decision == "allow" {
		c.rec.Decision = "redact"
	}
}

// ruleFor is the rule that covers a finding, nil where none does: one that names
// its entity before one of its class, and that before one of everything; the
// first of equals.
func ruleFor(rules []policy.Redact, entity, class string, score float64, role genai.Role) *policy.Redact {
	var best *policy.Redact
	rank := 0
	for i := range rules {
		r := &rules[i]
		if n := closeness(r, entity, class); n > rank && score >= r.MinScore && (len(r.Roles) == 0 || slices.Contains(r.Roles, string(role))) {
			best, rank = r, n
		}
	}
	return best
}

// closeness is how closely a rule names a finding, 0 where it does not.
func closeness(r *policy.Redact, entity, class string) int {
	switch {
	case r.Entity == entity:
		return 3
	case r.Entity == "" && r.Class == class:
		return 2
	case r.Entity == "*" || r.Entity == "" && r.Class == "*":
		return 1
	}
	return 0
}
