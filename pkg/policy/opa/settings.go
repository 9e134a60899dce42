package opa

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/policies"
)

// schemaFile reads one of the shipped JSON Schemas.
func schemaFile(name string) (map[string]any, error) {
	text, err := fs.ReadFile(policies.Files, "schemas/"+name+".json")
	if err != nil {
		return nil, err
	}
	var schema map[string]any
	return schema, json.Unmarshal(text, &schema)
}

// schemaSet are the schemas the compiler checks every module against: input's
// for all of them, the settings' where a package is annotated with it.
var schemaSet = sync.OnceValues(func() (*ast.SchemaSet, error) {
	set := ast.NewSchemaSet()
	for _, name := range []string{"input", "settings"} {
		schema, err := schemaFile(name)
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		set.Put(ast.SchemaRootRef.Append(ast.InternedTerm(name)), schema)
		if name == "input" {
			set.Put(ast.SchemaRootRef, schema)
		}
	}
	return set, nil
})

// checkData refuses data below regent that nobody reads, and gives
// regent.settings.
func checkData(data map[string]any) (map[string]any, error) {
	regent, ok := data["regent"].(map[string]any)
	if !ok {
		return nil, errors.New("data.regent is no object")
	}
	for name := range regent {
		if name != "settings" {
			return nil, fmt.Errorf("data.regent.%s is none that Regent reads; below regent only settings is data%s", name, hint(name, []string{"settings"}))
		}
	}
	schema, err := schemaFile("settings")
	if err != nil {
		return nil, err
	}
	if err := conforms(schema, regent["settings"], "data.regent.settings"); err != nil {
		return nil, err
	}
	settings, _ := regent["settings"].(map[string]any)
	return settings, nil
}

// conforms checks v against the part of JSON Schema that the shipped schemas
// use: type, properties, additionalProperties, required, items, enum, minimum,
// maximum, minLength.
func conforms(schema map[string]any, v any, path string) error {
	want, _ := schema["type"].(string)
	if got := jsonType(v); want != "" && got != want && !(want == "number" && got == "integer") {
		return fmt.Errorf("%s is of type %s, not %s", path, got, want)
	}
	switch v := v.(type) {
	case map[string]any:
		return conformsObject(schema, v, path)
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, each := range v {
			if err := conforms(items, each, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case string:
		return conformsString(schema, v, path)
	case json.Number:
		return conformsNumber(schema, v, path)
	}
	return nil
}

func conformsObject(schema, v map[string]any, path string) error {
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(v)) {
		of, known := properties[name].(map[string]any)
		if !known {
			switch more := schema["additionalProperties"].(type) {
			case map[string]any:
				of = more
			case bool:
				if !more {
					return fmt.Errorf("%s has the unknown key %q%s", path, name, hint(name, slices.Sorted(maps.Keys(properties))))
				}
			}
		}
		if err := conforms(of, v[name], path+"."+name); err != nil {
			return err
		}
	}
	for _, name := range stringList(schema["required"]) {
		if _, ok := v[name]; !ok {
			return fmt.Errorf("%s lacks %q", path, name)
		}
	}
	return nil
}

func conformsString(schema map[string]any, v, path string) error {
	words := stringList(schema["enum"])
	if words != nil && !slices.Contains(words, v) {
		return fmt.Errorf("%s is %q, not one of %s%s", path, v, strings.Join(words, ", "), hint(v, words))
	}
	if least, ok := schema["minLength"].(float64); ok && float64(len(v)) < least {
		return fmt.Errorf("%s is %q, too short", path, v)
	}
	return nil
}

func conformsNumber(schema map[string]any, v json.Number, path string) error {
	f, err := v.Float64()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	low, hasLow := schema["minimum"].(float64)
	high, hasHigh := schema["maximum"].(float64)
	if hasLow && f < low || hasHigh && f > high {
		return fmt.Errorf("%s is %s, out of range", path, v)
	}
	return nil
}

func jsonType(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return "integer"
		}
	}
	return "number"
}
