package config

import (
	"encoding"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decoder puts YAML nodes into the configuration. It goes its own way, not the
// YAML library's, because that one names neither column nor nearest key, and
// can't expand variables where a number or a duration is wanted.
type decoder struct {
	file, dir string
	expander  expander
	errs      Errors
	places    map[string]place // of each path that the file sets
}

type place struct{ line, column int }

// field is one member of a section.
type field struct {
	name  string
	oneof []string
	index []int
}

// document starts at the root, which must be a mapping.
func (d *decoder) document(root *yaml.Node, c *Config) {
	d.value(root, reflect.ValueOf(c).Elem(), "", nil)
}

func (d *decoder) fail(n *yaml.Node, path, hint, format string, args ...any) {
	d.errs = append(d.errs, &Error{File: d.file, Line: n.Line, Column: n.Column, Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// value decodes n into v. An empty value leaves the default.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, oneof []string) {
	if n.Kind == yaml.AliasNode {
		d.fail(n, path, "write the value out", "YAML aliases are not read")
		return
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	d.places[path] = place{n.Line, n.Column}
	switch {
	case v.Type() == reflect.TypeFor[OPA]():
		v.Set(reflect.ValueOf(d.opa(n, path)))
	case isScalar(v):
		d.scalar(n, v, path, oneof)
	case v.Kind() == reflect.Struct:
		d.section(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path, oneof)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, path)
	default:
		panic("config: a field of kind " + v.Kind().String() + " at " + path)
	}
}

func isScalar(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return true
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return true
	}
	return false
}

// section decodes a mapping into a struct; every key must be a field's name.
func (d *decoder) section(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "", "want a mapping, got %s", kindName(n))
		return
	}
	fields := fieldsOf(v.Type())
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := join(path, key.Value)
		f := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value })
		switch {
		case f < 0:
			d.fail(key, path, suggest(key.Value, names(fields)), "unknown key %q", key.Value)
		case seenBefore(n, i):
			d.fail(key, at, "", "set twice")
		default:
			d.value(value, v.FieldByIndex(fields[f].index), at, fields[f].oneof)
		}
	}
}

// seenBefore reports whether the key at i stands earlier in the mapping.
func seenBefore(n *yaml.Node, i int) bool {
	for j := 0; j < i; j += 2 {
		if n.Content[j].Value == n.Content[i].Value {
			return true
		}
	}
	return false
}

// list replaces the default list.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string, oneof []string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "write it as ["+example(n)+"]", "want a list, got %s", kindName(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i), oneof)
	}
	v.Set(out)
}

func example(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return "…"
}

// mapping replaces the default map. Keys are free.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "", "want a mapping, got %s", kindName(n))
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		at := join(path, key.Value)
		if seenBefore(n, i) {
			d.fail(key, at, "", "set twice")
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], element, at, nil)
		out.SetMapIndex(reflect.ValueOf(key.Value), element)
	}
	v.Set(out)
}

// scalar expands and converts one value. What came from the environment, and
// what goes into a Secret, is not printed in an error.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string, oneof []string) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "", "want one value, got %s", kindName(n))
		return
	}
	text, expanded, err := d.expander.expand(n.Value)
	if err != nil {
		d.fail(n, path, "", "%v", err)
		return
	}
	got, hint := strconv.Quote(text), didYouMean(text, oneof)
	if _, secret := v.Interface().(Secret); secret || expanded {
		got, hint = "another value", ""
	}
	if len(oneof) > 0 && !slices.Contains(oneof, text) {
		d.fail(n, path, hint, "want %s, got %s", strings.Join(oneof, " or "), got)
		return
	}
	if err := d.convert(text, v); err != nil {
		d.fail(n, path, "", "%v, got %s", err, got)
	}
}

// convert sets v from text; its error says what is wanted.
func (d *decoder) convert(text string, v reflect.Value) error {
	switch p := v.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	case *Path:
		*p = Path(d.resolve(text))
		return nil
	case *time.Duration:
		parsed, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("want a duration, such as 250ms, 5s or 1m30s")
		}
		*p = parsed
		return nil
	}
	return convertBasic(text, v)
}

func convertBasic(text string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("want true or false")
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("want a whole number")
		}
		v.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("want a number")
		}
		v.SetFloat(n)
	}
	return nil
}

// resolve makes a relative path start at the file's folder.
func (d *decoder) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.dir, path)
}

// locate gives each problem the place of its path, or of the nearest path above
// it that the file sets.
func (d *decoder) locate(problems Errors) Errors {
	for _, p := range problems {
		p.File = d.file
		for path := p.Path; ; path = parent(path) {
			if at, ok := d.places[path]; ok {
				p.Line, p.Column = at.line, at.column
			}
			if p.Line > 0 || path == "" {
				break
			}
		}
	}
	return problems
}

// parent cuts the last step off a path.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fieldsOf lists the keys of a section, those of inlined structs included.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, option, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		if option == "inline" {
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				out = append(out, f)
			}
			continue
		}
		out = append(out, field{name: name, oneof: strings.Fields(sf.Tag.Get("oneof")), index: []int{i}})
	}
	return out
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.name
	}
	return out
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "one value"
}
