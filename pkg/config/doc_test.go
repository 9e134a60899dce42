package config

import (
	"encoding"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const docFile = "../../docs/CONFIG.md"

// docs/CONFIG.md is made of the fields' comments; -update writes it.
func TestDocIsCurrent(t *testing.T) {
	want := renderDoc(t)
	if *update {
		if err := os.MkdirAll(filepath.Dir(docFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(docFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/CONFIG.md is stale, run go test ./pkg/config -update: -want +got\n%s", diff)
	}
}

const docIntro = `# Configuration

<!-- Made from the comments in pkg/config/config.go by go test ./pkg/config -update. -->

Regent reads one YAML file: ` + "`regent serve --config regent.yaml`" + `. Every key has a default; an empty file is a valid configuration. An unknown key,
a value of the wrong kind and a rule that is not met are errors that name file, line and column; Regent then does not start.
` + "`regent serve --config regent.yaml --check`" + ` says whether a file is good and starts nothing.

Values may refer to the environment: ` + "`${NAME}`" + ` (an error if it is not set), ` + "`${NAME:-default}`" + ` (the default also stands in for an empty variable),
and to a file, such as a mounted secret: ` + "`${file:/run/secrets/token}`" + ` (its text without the last line break). ` + "`$${`" + ` is a plain ` + "`${`" + `.
A relative path starts at the folder of the configuration file. Sizes are ` + "`512`, `64KiB`, `4MB`" + `; durations ` + "`250ms`, `5s`, `1m30s`" + `. A list or map replaces its default.
YAML aliases and merge keys are not read. Secrets are never printed.
`

func renderDoc(t *testing.T) string {
	comments := structComments(t)
	var b strings.Builder
	b.WriteString(docIntro)
	root := reflect.ValueOf(*Default())
	for i := range root.NumField() {
		name, _, _ := strings.Cut(root.Type().Field(i).Tag.Get("yaml"), ",")
		comment := comments["Config"][root.Type().Field(i).Name]
		section := root.Field(i)
		if section.Kind() == reflect.Slice {
			name += "[]"
			section = reflect.Zero(section.Type().Elem())
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| key | kind | default | |\n|---|---|---|---|\n", strings.TrimSuffix(name, "[]"), comment)
		renderRows(t, &b, section, name, comments)
	}
	return b.String()
}

func renderRows(t *testing.T, b *strings.Builder, v reflect.Value, path string, comments map[string]map[string]string) {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		if sf.Anonymous {
			renderRows(t, b, v.Field(i), path, comments)
			continue
		}
		comment := comments[v.Type().Name()][sf.Name]
		if comment == "" {
			t.Errorf("%s.%s has no comment", v.Type().Name(), sf.Name)
		}
		key := path + "." + sf.Tag.Get("yaml")
		if sf.Type.Kind() == reflect.Struct && sf.Type != reflect.TypeOf(Secret{}) && sf.Type != reflect.TypeOf(OPA{}) {
			fmt.Fprintf(b, "| `%s` | section | | %s |\n", key, comment)
			renderRows(t, b, v.Field(i), key, comments)
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", key, kindOf(sf), defaultOf(v.Field(i)), comment)
	}
}

func kindOf(sf reflect.StructField) string {
	if words := strings.Fields(sf.Tag.Get("oneof")); len(words) > 0 {
		kind := "`" + strings.Join(words, "`, `") + "`"
		if sf.Type.Kind() == reflect.Slice {
			return "list of " + kind
		}
		return kind
	}
	return typeName(sf.Type)
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeOf(OPA{}):
		return "OPA's"
	case reflect.TypeOf(time.Duration(0)):
		return "duration"
	case reflect.TypeOf(Secret{}), reflect.TypeOf(Size(0)), reflect.TypeOf(Path("")), reflect.TypeOf(Address("")):
		return strings.ToLower(t.Name())
	case reflect.TypeOf(FileMode(0)):
		return "octal"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + typeName(t.Elem())
	case reflect.Map:
		return "map of " + typeName(t.Elem())
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "true, false"
	}
	return t.Kind().String()
}

func defaultOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Slice:
		if v.Len() == 0 {
			return ""
		}
		return "`[" + strings.Join(v.Interface().([]string), ", ") + "]`"
	case reflect.Map:
		return ""
	}
	if v.Type() == reflect.TypeOf(OPA{}) {
		return ""
	}
	text := fmt.Sprint(v.Interface())
	if _, ok := v.Interface().(encoding.TextUnmarshaler); text == "" && !ok {
		return ""
	}
	return "`" + text + "`"
}

// structComments is each struct's fields' comments, one line each.
func structComments(t *testing.T) map[string]map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		fields := map[string]string{}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			for _, name := range f.Names {
				fields[name.Name] = strings.ReplaceAll(strings.TrimSpace(f.Doc.Text()), "\n", " ")
			}
		}
		out[spec.Name.Name] = fields
		return true
	})
	return out
}
