package bundle

import (
	"context"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/regent-proxy/regent/pkg/policy"
)

// test.boom panics when it is called with "boom".
func init() {
	ast.RegisterBuiltin(&ast.Builtin{Name: "test.boom", Decl: types.NewFunction(types.Args(types.S), types.S)})
	topdown.RegisterBuiltinFunc("test.boom", func(_ topdown.BuiltinContext, args []*ast.Term, iter func(*ast.Term) error) error {
		if args[0].Value.Compare(ast.String("boom")) == 0 {
			panic("boom")
		}
		return iter(args[0])
	})
}

// A builtin that panics costs the one evaluation, the one bundle or the one log
// entry in which it does.
func TestPanickingBuiltin(t *testing.T) {
	s, c := newServer(t), newCollector(t)
	s.set("main", tarball(t, "r1", map[string]string{
		"p.rego":    "package regent.request\n\nlabels[\"v\"] := test.boom(input.llm.model)\n\nlabels.user := input.llm.user",
		"mask.rego": "package system.log\n\nmask contains \"/nothing\" if test.boom(input.input.llm.user) == \"x\"",
	}))
	services := service(s.URL)
	services["c"] = map[string]any{"url": c.URL}
	b := start(t, map[string]any{"services": services, "bundles": map[string]any{"main": quick("main")}, "decision_logs": map[string]any{"service": "c"}}, masking)
	set := b.Logged(b.engine.Current())
	bad, masked := request(), request()
	bad.LLM.Model, masked.LLM.Request.User = "boom", "boom"
	if _, err := set.Evaluate(context.Background(), bad); policy.KindOf(err) != policy.Panic {
		t.Errorf("error %v", err)
	}
	for _, in := range []*policy.Input{masked, request()} {
		if d, err := set.Evaluate(context.Background(), in); err != nil || d.Labels["v"] != "m-1" {
			t.Errorf("decision %+v, error %v", d, err)
		}
	}
	s.set("main", tarball(t, "r2", map[string]string{"p.rego": "package regent.request\n\nlabels[\"v\"] := test.boom(\"boom\")"}))
	until(t, "a refusal", func() bool { _, n := b.seen.failures("main"); return n > 0 })
	if b.label() != "m-1" {
		t.Errorf("label %q\n%s", b.label(), b.log)
	}
	b.stop()
	if events := c.logged(); len(events) != 2 || b.seen.dropped != 1 {
		t.Errorf("%d events, %d dropped, want the failed and the good one", len(events), b.seen.dropped)
	}
}
