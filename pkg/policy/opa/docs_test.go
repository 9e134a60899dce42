package opa

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/policy"
)

// block is a fenced block of the reference: ```info.
type block struct {
	info, text string
	line       int
}

func reference(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func blocks(t *testing.T) []block {
	t.Helper()
	var out []block
	inside := false
	for i, line := range strings.Split(reference(t), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && !inside:
			out = append(out, block{info: fence, line: i + 1})
		case !isFence && inside:
			out[len(out)-1].text += line + "\n"
		}
		inside = inside != isFence
	}
	return out
}

// Every example of the reference loads, and decides as it says.
func TestReferenceExamples(t *testing.T) {
	files, withDefault, facts, decided := map[string]string{}, false, "", 0
	var first map[string]string
	for _, b := range blocks(t) {
		switch b.info {
		case "rego":
			files, withDefault, facts = map[string]string{"p.rego": b.text}, false, ""
			if first == nil {
				first = files
			}
		case "yaml data":
			files["data.yaml"] = b.text
		case "yaml data default":
			files, withDefault = map[string]string{"data.yaml": b.text}, true
		case "json facts":
			facts = b.text
		case "json decision":
			checkExample(t, b, Options{NoDefault: !withDefault, Paths: []string{folder(t, files)}}, facts)
			decided++
		case "yaml config", "sh": // run by the tests of cmd/regent
		case "rego test":
			report, err := Test(context.Background(), Options{Paths: []string{folder(t, map[string]string{"p.rego": first["p.rego"], "p_test.rego": b.text})}}, TestOptions{})
			if err != nil || report.Failed() > 0 || len(report.Results) != 1 {
				t.Errorf("line %d: %+v, %v", b.line, report, err)
			}
		case "json call":
			var e har.Entry
			if err := json.Unmarshal([]byte(b.text), &e); err != nil || e.Regent == nil || len(e.Regent.Expect) == 0 {
				t.Errorf("line %d: %v", b.line, err)
			}
		default:
			t.Errorf("line %d: unknown kind of block %q", b.line, b.info)
		}
	}
	if decided < 10 {
		t.Errorf("only %d examples", decided)
	}
}

func checkExample(t *testing.T, b block, o Options, facts string) {
	t.Helper()
	var at struct{ Phase policy.Phase }
	if err := json.Unmarshal([]byte(facts), &at); err != nil {
		t.Fatalf("line %d: facts: %v", b.line, err)
	}
	e, err := Explain(context.Background(), o, at.Phase, []byte(facts))
	if err != nil {
		t.Errorf("line %d: %v", b.line, err)
		return
	}
	e.Decision.Revision = ""
	text, err := json.Marshal(e.Decision)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b.text), &want); err != nil {
		t.Fatalf("line %d: %v", b.line, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line %d: %s", b.line, diff)
	}
	if len(e.Rules) == 0 && o.NoDefault {
		t.Errorf("line %d: no rule is said to have held", b.line)
	}
}

// The reference names every fact, setting and member there is, and no others.
func TestReferenceIsComplete(t *testing.T) {
	text := reference(t)
	schema, err := schemaFile("input")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	schemaPaths(schema, "input", want)
	delete(want, "input")
	for path := range want {
		path = strings.ReplaceAll(path, "[]", "[_]")
		if !strings.Contains(text, "| `"+path+"` |") && !strings.HasSuffix(path, "[_]") {
			t.Errorf("the reference lacks %s", path)
		}
	}
	for line := range strings.Lines(text) {
		fact, ok := strings.CutPrefix(line, "| `input.")
		if fact, _, _ = strings.Cut(fact, "`"); ok && !want["input."+strings.ReplaceAll(fact, "[_]", "[]")] {
			t.Errorf("the reference has input.%s, which is no fact", fact)
		}
	}
	for phase, of := range contract {
		for _, name := range of.names() {
			if phase != policy.Attempt && !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, "### "+name) {
				t.Errorf("the reference lacks %s.%s", phase, name)
			}
		}
	}
	settings, err := schemaFile("settings")
	if err != nil {
		t.Fatal(err)
	}
	properties := settings["properties"].(map[string]any)
	for name := range properties {
		if !slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, "| `"+name) }) {
			t.Errorf("the reference lacks the setting %s", name)
		}
	}
}
