package opa

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// decode reads one member of phase's decision into d, strictly.
func decode(d *policy.Decision, phase policy.Phase, member string, v ast.Value) error {
	of := contract[phase].fields[member]
	if of == nil {
		return fault(string(phase), "has the unknown member %q", member)
	}
	if err := of.compare(v); err != nil {
		return at(string(phase)+"."+member, err)
	}
	if err := decodeMember(d, member, v); err != nil {
		return at(string(phase)+"."+member, err)
	}
	return nil
}

// decodeMember reads a member that has the right shape.
func decodeMember(d *policy.Decision, member string, v ast.Value) error {
	switch member {
	case "deny":
		d.Deny = decodeDeny(v)
	case "review":
		return decodeReview(d, v)
	case "redact":
		return decodeRedact(d, v)
	case "route":
		d.Route = &policy.Route{Target: str(v, "target"), Model: str(v, "model")}
	case "headers":
		return decodeHeaders(d, v)
	case "body":
		return decodeBody(d, v)
	case "labels":
		d.Labels = stringMap(v)
	case "experiment":
		d.Experiment = &policy.Experiment{Name: str(v, "name"), Variant: str(v, "variant")}
	case "watch":
		d.Watch = &policy.Watch{
			Entities: strs(get(v, "entities")), Classes: strs(get(v, "classes")),
			EveryTokens: integerOf(get(v, "every_tokens")), Off: get(v, "off") == ast.Boolean(true),
		}
	}
	return nil
}

func decodeDeny(v ast.Value) []policy.Deny {
	var out []policy.Deny
	each(v, func(v ast.Value) {
		out = append(out, policy.Deny{Code: str(v, "code"), Message: str(v, "message"), Status: statusOf(v)})
	})
	return out
}

// elements gives each element of a list to f; the first fault names its place.
func elements(v ast.Value, f func(v ast.Value) error) error {
	var first error
	i := 0
	each(v, func(v ast.Value) {
		if err := f(v); err != nil && first == nil {
			first = at(fmt.Sprintf("[%d]", i), err)
		}
		i++
	})
	return first
}

// decodeReview refuses what reads like an answer: only 202 of the good statuses
// says that nothing was done yet (RFC 9110 section 15.3.3).
func decodeReview(d *policy.Decision, v ast.Value) error {
	return elements(v, func(v ast.Value) error {
		r := policy.Review{Code: str(v, "code"), Message: str(v, "message"), Status: int(integerOf(get(v, "status")))}
		if r.Status == 0 {
			r.Status = 409
		}
		if r.Status != 202 && r.Status < 400 {
			return fault(".status", "is %d, neither 202 nor 400 to 499", r.Status)
		}
		if wait := str(v, "wait"); wait != "" {
			var err error
			if r.Wait, err = time.ParseDuration(wait); err != nil || r.Wait <= 0 {
				return fault(".wait", "is %q, not a duration such as 30m or 24h", wait)
			}
		}
		d.Review = append(d.Review, r)
		return nil
	})
}

func decodeRedact(d *policy.Decision, v ast.Value) error {
	return elements(v, func(v ast.Value) error {
		r := policy.Redact{Entity: str(v, "entity"), Class: str(v, "class"), With: str(v, "with"), Roles: strs(get(v, "roles")), MinScore: floatOf(get(v, "min_score"))}
		if (r.Entity == "") == (r.Class == "") {
			return fault("", "needs either entity or class")
		}
		d.Redact = append(d.Redact, r)
		return nil
	})
}

// decodeHeaders refuses what no HTTP header may be: such a decision would be
// refused by Envoy, out of sight of the policy's author.
func decodeHeaders(d *policy.Decision, v ast.Value) error {
	h := &policy.HeaderChanges{Set: stringMap(get(v, "set")), Remove: strs(get(v, "remove"))}
	for name, value := range h.Set {
		if !headerName(name) || strings.ContainsAny(value, "\r\n\x00") {
			return fault(".set", "%q is not a header that can be set", name)
		}
	}
	for _, name := range h.Remove {
		if !headerName(name) {
			return fault(".remove", "%q is not a header that can be removed", name)
		}
	}
	d.Headers = h
	return nil
}

// headerName reports whether name is a token by RFC 9110 section 5.6.2. Pseudo
// headers are not: routes and methods have members of their own.
func headerName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return name != ""
}

func decodeBody(d *policy.Decision, v ast.Value) error {
	return elements(v, func(v ast.Value) error {
		c, err := decodeChange(v)
		d.Body = append(d.Body, c)
		return err
	})
}

func decodeChange(v ast.Value) (policy.Change, error) {
	c := policy.Change{Op: str(v, "op"), Path: str(v, "path")}
	value := get(v, "value")
	switch {
	case c.Path != "" && c.Path[0] != '/':
		return c, fault(".path", "is %q; a JSON Pointer begins with /", c.Path)
	case c.Op == "remove" && value != nil:
		return c, fault("", "removes and has a value")
	case c.Op == "remove":
		return c, nil
	case value == nil:
		return c, fault("", "lacks \"value\"")
	}
	plain, err := ast.JSON(value)
	if err != nil {
		return c, fault(".value", "is no JSON: %v", err)
	}
	c.Value, err = json.Marshal(plain)
	if err != nil {
		return c, fault(".value", "is no JSON: %v", err)
	}
	return c, nil
}

// The readers below trust what shape.check has seen; absent members are zero.

func get(v ast.Value, name string) ast.Value {
	obj, ok := v.(ast.Object)
	if !ok {
		return nil
	}
	if t := obj.Get(ast.InternedTerm(name)); t != nil {
		return t.Value
	}
	return nil
}

func each(v ast.Value, f func(ast.Value)) {
	switch v := v.(type) {
	case *ast.Array:
		v.Foreach(func(t *ast.Term) { f(t.Value) })
	case ast.Set:
		v.Foreach(func(t *ast.Term) { f(t.Value) })
	}
}

func str(v ast.Value, name string) string {
	s, _ := get(v, name).(ast.String)
	return string(s)
}

func strs(v ast.Value) []string {
	var out []string
	each(v, func(v ast.Value) {
		s, _ := v.(ast.String)
		out = append(out, string(s))
	})
	return out
}

func stringMap(v ast.Value) map[string]string {
	obj, ok := v.(ast.Object)
	if !ok || obj.Len() == 0 {
		return nil
	}
	out := make(map[string]string, obj.Len())
	obj.Foreach(func(k, v *ast.Term) {
		name, _ := k.Value.(ast.String)
		value, _ := v.Value.(ast.String)
		out[string(name)] = string(value)
	})
	return out
}

func integerOf(v ast.Value) int64 {
	n, _ := v.(ast.Number)
	i, _ := n.Int64()
	return i
}

func floatOf(v ast.Value) float64 {
	n, ok := v.(ast.Number)
	if !ok {
		return 0
	}
	f, _ := n.Float64()
	return f
}

// statusOf is a deny's status, 403 where it names none.
func statusOf(v ast.Value) int {
	if n := integerOf(get(v, "status")); n != 0 {
		return int(n)
	}
	return 403
}
