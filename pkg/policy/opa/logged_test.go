package opa

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// open facts are words of the protocol, names and ids. A fact that is not among
// them is withheld from logs; whoever adds one decides which it is.
var openFacts = []string{
	"call.id", "call.trace_id", "call.started", "phase",
	"coverage.reasons", "coverage.request", "coverage.response",
	"findings.class", "findings.entity", "findings.role", "findings.where",
	"http.headers.x-plain", "http.host", "http.method", "http.path",
	"identity.app", "identity.scopes", "identity.subject", "identity.team", "identity.tenant",
	"llm.api", "llm.attachments.media_type", "llm.attachments.modality", "llm.conversation_id", "llm.dialect",
	"llm.messages.name", "llm.messages.role", "llm.messages.tool_call_id", "llm.messages.tool_calls.id", "llm.messages.tool_calls.name",
	"llm.model", "llm.operation", "llm.params.encoding_formats", "llm.params.output_type", "llm.params.reasoning_effort", "llm.params.service_tier", "llm.params.tool_choice",
	"llm.previous_response_id", "llm.provider", "llm.tools.name", "llm.tools.type", "llm.user",
	"response.error.code", "response.error.type", "response.findings.class", "response.findings.entity", "response.findings.role", "response.findings.where",
	"response.finish_reasons", "response.model", "response.tool_calls",
	"source.address", "source.principal", "source.sans",
	"attempt.target",
}

// Every text of a call that a policy can read is either among the open facts or
// withheld.
func TestLoggedFacts(t *testing.T) {
	in := &policy.Input{}
	fill(reflect.ValueOf(in).Elem(), "in", 0)
	in.Phase = policy.Request
	in.Call.Started = time.Unix(1, 0)
	in.Identity.Claims = nil // whatever the token holds; the bundle's mask is for it
	in.HTTP.Headers = [][2]string{{"x-plain", "in-plain"}, {"x-hidden", "in-hidden"}}
	in.LLM.Text = func(int) string { return "in-text" }
	in.Response.Text = func() string { return "in-response-text" }
	for i := range in.LLM.Request.Messages {
		in.LLM.Request.Messages[i].FirstText, in.LLM.Request.Messages[i].EndText = 0, 1
	}
	in.LLM.Request.Texts[0].Role, in.LLM.Request.Texts[0].Kind = "system", ""
	e := open(t, Options{NoDefault: true, Timeout: time.Minute, Paths: []string{folder(t, map[string]string{"p.rego": "package regent.request\n\nlabels.x := regent.hash(input)"})}})
	if _, err := e.Current().Evaluate(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprintf("%+v", *in.LLM.Request)
	got := map[string]bool{}
	texts(e.Current().Logged(in, []string{"x-hidden"}), "", func(path, text string) {
		if text != Withheld {
			got[path] = true
		}
	})
	want := map[string]bool{}
	for _, path := range openFacts {
		want[path] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts in logs, -want +got\n%s", diff)
	}
	if after := fmt.Sprintf("%+v", *in.LLM.Request); after != before {
		t.Error("the call's own request was changed")
	}
}

// fill gives every string below v a text of its own, every list one element.
func fill(v reflect.Value, at string, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(at)
	case reflect.Pointer:
		if depth < 8 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), at, depth+1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(at))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), at, depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), at+"."+strings.ToLower(v.Type().Field(i).Name), depth+1)
			}
		}
	}
}

// texts visits the strings of facts; elements of lists share a path.
func texts(v ast.Value, at string, visit func(path, text string)) {
	switch v := v.(type) {
	case ast.String:
		visit(at, string(v))
	case ast.Object:
		v.Foreach(func(k, t *ast.Term) {
			texts(t.Value, strings.TrimPrefix(at+"."+string(k.Value.(ast.String)), "."), visit)
		})
	case *ast.Array:
		v.Foreach(func(t *ast.Term) { texts(t.Value, at, visit) })
	}
}

// Facts of a monstrous call are left out whole.
func TestLoggedFactsAreBounded(t *testing.T) {
	e := open(t, Options{NoDefault: true, Paths: []string{folder(t, map[string]string{"p.rego": "package regent.request\n\nlabels.x := sprintf(\"%d\", [count(input.identity.scopes)])"})}})
	in := chat("x")
	in.Identity.Scopes = slices.Repeat([]string{"scope"}, maxLogged)
	if got := e.Current().Logged(in, nil).String(); len(got) > 100 || !strings.Contains(got, "too many values") {
		t.Errorf("%d bytes of facts", len(got))
	}
}
