package opa

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/detect"
)

// misnamed warns of entities in rules and settings that nothing finds and whose
// names look like one that Regent or the settings know: such a rule hides nothing
// and says nothing. A name like no other may be one of the operator's config.
func (s *Set) misnamed(modules map[string]*ast.Module) ([]string, error) {
	list, err := detect.Entities()
	if err != nil {
		return nil, err
	}
	declared, _ := s.settings["entities"].(map[string]any)
	known := slices.Collect(maps.Keys(declared))
	for _, e := range list {
		known = append(known, e.Name)
	}
	slices.Sort(known)
	var out []string
	check := func(where, name string) {
		if near := misspelt(name, known); near != "" {
			out = append(out, fmt.Sprintf("%s: no finding is of the entity %q, unless the operator's config names it: did you mean %q?", where, name, near))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		if !isTest(name) && !strings.HasPrefix(name, "regent:") {
			namedEntities(modules[name], check)
		}
	}
	for _, concern := range []string{"redaction", "findings"} {
		for _, phase := range []string{"request", "response"} {
			of, _ := s.settings[concern].(map[string]any)
			in, _ := of[phase].(map[string]any)
			for _, name := range stringList(in["entities"]) {
				check(fmt.Sprintf("data.regent.settings.%s.%s.entities", concern, phase), name)
			}
		}
	}
	return out, nil
}

// misspelt is the known name that name was probably meant to be; "" where it is
// known itself, or like none.
func misspelt(name string, known []string) string {
	if slices.Contains(known, name) {
		return ""
	}
	best, distance := "", min(3, len(name)) // two letters swapped are two changes
	for _, each := range known {
		if d := levenshtein.ComputeDistance(name, each); d < distance {
			best, distance = each, d
		}
	}
	return best
}

// namedEntities gives each constant that a module compares a member named entity
// with, or puts into one.
func namedEntities(m *ast.Module, give func(where, name string)) {
	constant := func(t *ast.Term) {
		if name, ok := t.Value.(ast.String); ok {
			give(place(t.Location), string(name))
		}
	}
	ast.WalkExprs(m, func(e *ast.Expr) bool {
		if (e.IsEquality() || e.IsCall() && (e.Operator().Equal(ast.Equal.Ref()) || e.Operator().Equal(ast.NotEqual.Ref()))) && len(e.Operands()) == 2 {
			a, b := e.Operand(0), e.Operand(1)
			if isEntity(a) {
				constant(b)
			} else if isEntity(b) {
				constant(a)
			}
		}
		return false
	})
	ast.WalkTerms(m, func(t *ast.Term) bool {
		if obj, ok := t.Value.(ast.Object); ok {
			if name := obj.Get(ast.InternedTerm("entity")); name != nil {
				constant(name)
			}
		}
		return false
	})
}

// isEntity reports whether t is a reference to a member named entity.
func isEntity(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	return ok && len(ref) > 1 && ref[len(ref)-1].Equal(ast.InternedTerm("entity"))
}
