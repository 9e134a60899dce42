package opa

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// yieldPackages takes the annotation of a package from the shipped modules where
// the user's own annotate the same package: OPA allows one, and nobody would
// know that it is taken. Its schemas are then not checked
// again: the shipped tests have.
func yieldPackages(modules map[string]*ast.Module) {
	annotated := map[string]bool{}
	for name, m := range modules {
		if !strings.HasPrefix(name, "regent:") && slices.ContainsFunc(m.Annotations, ofPackage) {
			annotated[m.Package.Path.String()] = true
		}
	}
	for name, m := range modules {
		if strings.HasPrefix(name, "regent:") && annotated[m.Package.Path.String()] {
			m.Annotations = slices.DeleteFunc(m.Annotations, ofPackage)
		}
	}
}

func ofPackage(a *ast.Annotations) bool { return a.Scope == "package" }
