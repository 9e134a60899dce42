package opa

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Whatever a policy returns is decoded or refused, never both ignored and let
// pass: what was decoded says all that the value said.
func FuzzDecode(f *testing.F) {
	f.Add("deny", `[{"code": "a", "message": "b", "status": 404}]`)
	f.Add("redact", `[{"class": "pii", "with": "mask", "roles": ["user"], "min_score": 0.5}]`)
	f.Add("route", `{"target": "a", "model": "b"}`)
	f.Add("headers", `{"set": {"a": "b"}, "remove": ["c"]}`)
	f.Add("body", `[{"op": "add", "path": "/a", "value": null}]`)
	f.Add("labels", `{"a": "b"}`)
	f.Add("watch", `{"off": true}`)
	f.Add("limits", `[]`)
	f.Fuzz(func(t *testing.T, member, text string) {
		value, err := ast.ValueFromReader(strings.NewReader(text))
		if err != nil {
			return
		}
		var d policy.Decision
		if err := decode(&d, policy.Request, member, value); err != nil {
			if policy.KindOf(err) != policy.Decode {
				t.Fatalf("kind %s: %v", policy.KindOf(err), err)
			}
			return
		}
		// Back through JSON it must say the same: nothing got lost.
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(out, &fields); err != nil {
			t.Fatal(err)
		}
		again, err := ast.InterfaceToValue(fields[member])
		if err != nil {
			t.Fatal(err)
		}
		if fields[member] == nil {
			return // empty
		}
		var second policy.Decision
		if err := decode(&second, policy.Request, member, again); err != nil {
			t.Fatalf("%s decodes to %s, which does not: %v", text, out, err)
		}
		if twice, _ := json.Marshal(second); string(twice) != string(out) {
			t.Fatalf("%s, then %s", out, twice)
		}
	})
}
