package opa

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// kind is the JSON type a place of a decision must have.
type kind uint8

const (
	kindString kind = iota
	kindNumber
	kindInteger
	kindBool
	kindObject // named fields only
	kindMap    // any name, values of one shape
	kindList   // array or set
	kindJSON   // any value
)

var kindNames = [...]string{"string", "number", "integer", "boolean", "object", "object", "array or set", "any value"}

// shape is what a place of a decision may hold: the one description that the
// strict decoder, the check of rule heads at load and the JSON Schema share.
type shape struct {
	kind     kind
	about    string // one line for the reference and the schema
	fields   map[string]*shape
	required []string
	elem     *shape
	enum     []string
	min, max float64 // of numbers, where max > 0
	nonEmpty bool    // of strings
	// refused explains why the member cannot be used in this version.
	refused string
}

func text(about string) *shape          { return &shape{kind: kindString, about: about} }
func word(about string) *shape          { return &shape{kind: kindString, about: about, nonEmpty: true} }
func list(of *shape) *shape             { return &shape{kind: kindList, elem: of, about: of.about} }
func mapOf(of *shape) *shape            { return &shape{kind: kindMap, elem: of, about: of.about} }
func enum(a string, v ...string) *shape { return &shape{kind: kindString, about: a, enum: v} }
func number(about string, min, max float64) *shape {
	return &shape{kind: kindNumber, about: about, min: min, max: max}
}
func integer(about string, min, max float64) *shape {
	return &shape{kind: kindInteger, about: about, min: min, max: max}
}

func (s *shape) needs(names ...string) *shape { s.required = names; return s }
func (s *shape) unenforced(member string) *shape {
	s.refused = member + " is not enforced by this version: remove it"
	return s
}

// check compares v, which stands at path, with s and reports the first place that
// does not fit. Paths read as a policy author would write them:
// request.deny[0].status.
func (s *shape) check(v ast.Value, path string) error { return at(path, s.compare(v)) }

// at puts path before the place of a fault below it. Places are put together on
// the way back, so that a good decision costs no text.
func at(path string, err error) error {
	if e, ok := err.(*policy.Error); ok {
		e.Path = path + e.Path
	}
	return err
}

func (s *shape) compare(v ast.Value) error {
	if s.refused != "" {
		return fault("", "%s", s.refused)
	}
	switch s.kind {
	case kindJSON:
		return nil
	case kindString:
		return s.compareString(v)
	case kindNumber, kindInteger:
		return s.compareNumber(v)
	case kindBool:
		if _, ok := v.(ast.Boolean); !ok {
			return s.mistyped(v)
		}
		return nil
	case kindList:
		return s.compareList(v)
	}
	return s.compareObject(v)
}

func (s *shape) compareString(v ast.Value) error {
	str, ok := v.(ast.String)
	switch {
	case !ok:
		return s.mistyped(v)
	case s.nonEmpty && str == "":
		return fault("", "is empty")
	case s.enum != nil && !slices.Contains(s.enum, string(str)):
		return fault("", "is %q, not one of %s%s", string(str), strings.Join(s.enum, ", "), hint(string(str), s.enum))
	}
	return nil
}

func (s *shape) compareNumber(v ast.Value) error {
	n, ok := v.(ast.Number)
	if !ok {
		return s.mistyped(v)
	}
	if s.kind == kindInteger {
		if _, whole := n.Int64(); !whole {
			return fault("", "is %s, not a whole number", n)
		}
	}
	f, ok := n.Float64()
	if !ok || s.max > 0 && (f < s.min || f > s.max) {
		return fault("", "is %s, outside %g to %g", n, s.min, s.max)
	}
	return nil
}

func (s *shape) compareList(v ast.Value) error {
	switch v := v.(type) {
	case *ast.Array:
		for i := range v.Len() {
			if err := s.elem.compare(v.Elem(i).Value); err != nil {
				return at(fmt.Sprintf("[%d]", i), err)
			}
		}
	case ast.Set:
		for i, t := range v.Slice() {
			if err := s.elem.compare(t.Value); err != nil {
				return at(fmt.Sprintf("[%d]", i), err)
			}
		}
	default:
		return s.mistyped(v)
	}
	return nil
}

func (s *shape) compareObject(v ast.Value) error {
	obj, ok := v.(ast.Object)
	if !ok {
		return s.mistyped(v)
	}
	err := obj.Iter(func(k, v *ast.Term) error {
		name, ok := k.Value.(ast.String)
		if !ok {
			return fault("", "has the key %s, which is not a string", k)
		}
		of, err := s.member(string(name), "")
		if err != nil {
			return err
		}
		if err := of.compare(v.Value); err != nil {
			return at("."+string(name), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range s.required {
		if obj.Get(ast.InternedTerm(name)) == nil {
			return fault("", "lacks %q", name)
		}
	}
	return nil
}

// member is the shape of a named member of s.
func (s *shape) member(name, path string) (*shape, error) {
	if s.kind == kindMap {
		return s.elem, nil
	}
	if of := s.fields[name]; of != nil {
		return of, nil
	}
	return nil, fault(path, "has the unknown member %q%s", name, hint(name, s.names()))
}

func (s *shape) names() []string {
	names := make([]string, 0, len(s.fields))
	for name := range s.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *shape) mistyped(v ast.Value) error {
	return fault("", "is of type %s, not %s", ast.ValueName(v), kindNames[s.kind])
}

func fault(path, format string, args ...any) error {
	return &policy.Error{Kind: policy.Decode, Path: path, Err: fmt.Errorf(format, args...)}
}

// hint names the known word nearest to an unknown one, or all of them where
// none is near and they are few.
func hint(unknown string, known []string) string {
	best, distance := "", 1+max(2, len(unknown)/3)
	for _, each := range known {
		if d := levenshtein.ComputeDistance(unknown, each); d < distance {
			best, distance = each, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf(": did you mean %q?", best)
	case len(known) > 0 && len(known) <= 16:
		return ": known are " + strings.Join(known, ", ")
	}
	return ""
}
