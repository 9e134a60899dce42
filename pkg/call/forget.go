package call

import (
	"slices"
	"strings"

	"github.com/regent-proxy/regent/pkg/genai"
)

// maxListed bounds the words of a list that is recorded of a call in which
// something is hidden; a longer one is not.
const maxListed = 64

// forget takes a value that was hidden out of what is recorded of the call by
// name: parameters, ids, names of tools, errors' types. Content is captured as it
// leaves. What policies were told is not changed: a shadow may still read it.
func (c *call) forget(value, with string) {
	if value == "" {
		return
	}
	r := &c.rec
	clean := func(s *string) {
		if strings.Contains(*s, value) {
			*s = strings.ReplaceAll(*s, value, with)
		}
	}
	all := func(list []string) []string {
		if holds(value, list...) {
			list = slices.Clone(list)
			for i := range list {
				clean(&list[i])
			}
		}
		return list
	}
	clean(&r.ErrorType)
	clean(&r.Provenance.PromptID)
	clean(&r.Provenance.PromptVersion)
	r.Provenance.DataSources = all(r.Provenance.DataSources)
	for i := range r.Response.ToolCalls {
		clean(&r.Response.ToolCalls[i].Name)
	}
	if e := r.Response.Error; e != nil && holds(value, e.Type, e.Code, e.Message) {
		own := *e
		clean(&own.Type)
		clean(&own.Code)
		clean(&own.Message)
		r.Response.Error = &own
	}
	if q := r.Request; q != nil && len(q.Params.StopSequences)+len(q.Params.EncodingFormats) > maxListed {
		own := *q // more than are exported, and more than are worth to be searched for each value
		own.Params.StopSequences, own.Params.EncodingFormats = nil, nil
		r.Request = &own
	}
	if isNamed(r.Request, value) {
		own := *r.Request
		clean(&own.PreviousResponseID)
		clean(&own.Guardrail)
		clean(&own.User)
		clean(&own.Params.ToolChoice)
		clean(&own.Params.ReasoningEffort)
		clean(&own.Params.ServiceTier)
		own.Params.StopSequences, own.Params.EncodingFormats = all(own.Params.StopSequences), all(own.Params.EncodingFormats)
		if own.RPC != nil {
			rpc := *own.RPC
			for _, s := range []*string{&rpc.Method, &rpc.ID, &rpc.Tool, &rpc.Prompt, &rpc.Resource} {
				clean(s)
			}
			own.RPC = &rpc
		}
		r.Request = &own
	}
}

// isNamed reports whether a request holds value anywhere that is recorded.
func isNamed(r *genai.Request, value string) bool {
	if r == nil {
		return false
	}
	p := &r.Params
	if rpc := r.RPC; rpc != nil && holds(value, rpc.Method, rpc.ID, rpc.Tool, rpc.Prompt, rpc.Resource) {
		return true
	}
	return holds(value, r.PreviousResponseID, r.Guardrail, r.User, p.ToolChoice, p.ReasoningEffort, p.ServiceTier) ||
		holds(value, p.StopSequences...) || holds(value, p.EncodingFormats...)
}

// holds reports whether one of list holds value.
func holds(value string, list ...string) bool {
	for _, s := range list {
		if len(s) >= len(value) && strings.Contains(s, value) {
			return true
		}
	}
	return false
}

// forgetAll is forget for all that was found in a body that goes nowhere.
func (c *call) forgetAll(f *facts) {
	if f == nil {
		return
	}
	for i := range f.findings {
		each := &f.findings[i]
		c.forget(each.value, "["+each.finding.Entity+"]")
	}
}
