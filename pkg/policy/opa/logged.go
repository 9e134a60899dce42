package opa

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// Withheld stands in facts for what a log must not hold.
const Withheld = "(withheld)"

// maxLogged bounds the values of facts that are logged: one call's hundred
// thousand messages would fill a queue.
const maxLogged = 20_000

// Logged are the facts of an evaluation of in as a log may hold them: those
// that some rule of its phase can read, without texts, arguments, names of
// files, links, the query, and the values of the named headers (lower case).
// Call it after the evaluation; it shares nothing with in.
func (s *Set) Logged(in *policy.Input, headers []string) ast.Value {
	doc := s.phases[in.Phase]
	if doc == nil {
		return ast.NewObject()
	}
	facts := s.facts(doc.reads, withheld(in, headers)).Value
	if left := maxLogged; !fits(facts, &left) {
		return ast.NewObject(ast.Item(ast.InternedTerm("phase"), ast.StringTerm(string(in.Phase))), ast.Item(ast.InternedTerm("withheld"), ast.StringTerm("too many values")))
	}
	return facts
}

// withheld copies in without what a log must not hold.
func withheld(in *policy.Input, headers []string) *policy.Input {
	out := *in
	out.HTTP.Query = mark(in.HTTP.Query)
	out.HTTP.Headers = slices.Clone(in.HTTP.Headers)
	for i := range out.HTTP.Headers {
		if slices.Contains(headers, out.HTTP.Headers[i][0]) {
			out.HTTP.Headers[i][1] = Withheld
		}
	}
	out.LLM.Text = func(int) string { return Withheld }
	if in.LLM.Request != nil {
		out.LLM.Request = withheldRequest(in.LLM.Request)
	}
	if in.Response != nil {
		r := *in.Response
		if r.Text != nil {
			r.Text = func() string { return Withheld }
		}
		// A model that carries data out may put it into the name of a host.
		r.ToolHosts, r.LinkHosts = marks(r.ToolHosts), marks(r.LinkHosts)
		if r.Err != nil {
			e := *r.Err
			e.Message = mark(e.Message)
			r.Err = &e
		}
		out.Response = &r
	}
	return &out
}

func withheldRequest(in *genai.Request) *genai.Request {
	out := *in
	out.Messages = slices.Clone(in.Messages)
	for i := range out.Messages {
		out.Messages[i].ToolCalls = slices.Clone(out.Messages[i].ToolCalls)
		for j := range out.Messages[i].ToolCalls {
			out.Messages[i].ToolCalls[j].Arguments = []byte(Withheld)
		}
	}
	out.Attachments = slices.Clone(in.Attachments)
	for i := range out.Attachments {
		out.Attachments[i].Name, out.Attachments[i].URI = mark(out.Attachments[i].Name), mark(out.Attachments[i].URI)
	}
	out.Params.StopSequences = marks(in.Params.StopSequences)
	return &out
}

// mark withholds a text; that there was none may be known.
func mark(s string) string {
	if s == "" {
		return ""
	}
	return Withheld
}

func marks(list []string) []string {
	out := make([]string, len(list))
	for i := range out {
		out[i] = Withheld
	}
	return out
}

// fits counts values down until left is spent.
func fits(v ast.Value, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	each := func(t *ast.Term) bool { return !fits(t.Value, left) }
	switch v := v.(type) {
	case ast.Object:
		return !v.Until(func(_, t *ast.Term) bool { return each(t) })
	case *ast.Array:
		return !v.Until(each)
	case ast.Set:
		return !v.Until(each)
	}
	return true
}
