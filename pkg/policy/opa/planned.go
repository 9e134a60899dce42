package opa

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// plannedErrors says of an unknown fact that is specified for a later version
// that it is: the compiler alone would call it a typing error.
func plannedErrors(errs ast.Errors) error {
	schema, err := schemaFile("planned")
	if err != nil {
		return err
	}
	planned, _ := schema["properties"].(map[string]any)
	for i, e := range errs {
		rest, ok := strings.CutPrefix(e.Message, "undefined ref: input.")
		name, _, _ := strings.Cut(rest, ".")
		if name, _, _ = strings.Cut(name, "["); ok && planned[name] != nil {
			errs[i] = ast.NewError(e.Code, e.Location, "%s", fmt.Sprintf("input.%s is specified but not given by this version: remove it", name))
		}
	}
	return errs
}
