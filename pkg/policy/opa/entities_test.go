package opa

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/detect"
)

func entitySettings(entities string) string {
	return "regent: {settings: {entities: " + entities + "}}\n"
}

func foundBy(set *detect.Set, text string) string {
	var out []string
	for _, f := range set.Scan([]byte(text), nil) {
		out = append(out, fmt.Sprintf("%s/%s %s %.1f", f.Entity, f.Class, text[f.Start:f.End], f.Score))
	}
	return strings.Join(out, ", ")
}

// Entities of the settings are found beside the operator's, by the call's
// detectors and by regent.detect.
func TestEntitiesOfSettings(t *testing.T) {
	operator, err := detect.New(detect.Options{Entities: []string{"EMAIL", "BADGE", "PROJECT", "MEMBER", "CARD"}, Custom: []detect.Custom{{Entity: "BADGE", Pattern: `B-\d{5}`}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{
		"data.yaml": entitySettings(`{PROJECT: {class: codename, terms: [blue heron]}, MEMBER: {pattern: 'M-\d{5}', score: 0.4, context: {words: [member], boost: 0.3, required: true}}, CARD: {pattern: '7\d{15}', check: luhn}, ELSE: {terms: [else]}}`),
		"p.rego":    "package regent.request\n\nlabels[\"found\"] := concat(\",\", [f.entity | some f in regent.detect(\"ann@corp.example B-12345 blue heron\")])\n",
	})
	for name, c := range map[string]struct {
		detect *detect.Set
		label  string
	}{"operator's": {operator, "EMAIL,BADGE,PROJECT"}, "embedded": {nil, "EMAIL,PROJECT"}} {
		s := open(t, Options{Paths: []string{dir}, Detect: c.detect, Timeout: 10 * time.Second}).Current()
		text := "ann@corp.example, B-12345, BLUE HERON; M-54321 and member M-54321; 7000000000000005, 7000000000000004"
		got := foundBy(s.Detect(), text)
		for _, want := range []string{"EMAIL/pii", "PROJECT/codename BLUE HERON 0.9", "MEMBER/pii M-54321 0.7", "CARD/pii 7000000000000005"} {
			if strings.Count(got, want) != 1 {
				t.Errorf("%s: %s, want one %s", name, got, want)
			}
		}
		if strings.Contains(got, "7000000000000004") || c.detect != nil && (!strings.Contains(got, "BADGE") || foundBy(s.Detect(), "else") != "") {
			t.Errorf("%s: %s", name, got)
		}
		if d := decide(t, s, chat("x")); d.Labels["found"] != c.label {
			t.Errorf("%s: regent.detect found %s", name, d.Labels["found"])
		}
	}
	if open(t, Options{}).Current().Detect() != nil {
		t.Error("the settings that ship declare entities")
	}
}

// An operator who turned detection off is not overruled.
func TestEntitiesWhereDetectionIsOff(t *testing.T) {
	off, err := detect.New(detect.Options{Off: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{"data.yaml": entitySettings(`{PROJECT: {terms: [heron]}}`)})
	if got := foundBy(open(t, Options{Paths: []string{dir}, Detect: off}).Current().Detect(), "heron ann@corp.example"); got != "" {
		t.Error(got)
	}
}

// A reload brings other entities in, and keeps the detectors where they are the
// same; a set keeps what it was loaded with.
func TestReloadEntities(t *testing.T) {
	dir := folder(t, map[string]string{"data.yaml": entitySettings(`{PROJECT: {terms: [heron]}}`)})
	e := open(t, Options{Paths: []string{dir}})
	first := e.Current()
	reload := func() *Set {
		t.Helper()
		if err := e.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
		return e.Current()
	}
	write(t, filepath.Join(dir, "p.rego"), labelling("1"))
	if second := reload(); second == first || second.Detect() != first.Detect() {
		t.Error("other rules: the detectors were built again")
	}
	write(t, filepath.Join(dir, "data.yaml"), entitySettings(`{PROJECT: {terms: [falcon]}}`))
	third := reload()
	if a, b := foundBy(first.Detect(), "heron falcon"), foundBy(third.Detect(), "heron falcon"); !strings.Contains(a, " heron ") || strings.Contains(a, "falcon") || !strings.Contains(b, " falcon ") || strings.Contains(b, "heron") {
		t.Errorf("before %s, after %s", a, b)
	}
	write(t, filepath.Join(dir, "data.yaml"), entitySettings(`{PROJECT: {terms: [falcon], check: lun}}`))
	if err := e.Reload(context.Background()); err == nil || e.Current() != third {
		t.Errorf("bad entities came in force: %v", err)
	}
	write(t, filepath.Join(dir, "data.yaml"), entitySettings(`{}`))
	if reload().Detect() != nil {
		t.Error("entities stayed when the settings lost them")
	}
}

func TestBadEntities(t *testing.T) {
	many := map[string]any{}
	for i := range maxEntities + 1 {
		many[fmt.Sprint("E", i)] = map[string]any{"terms": []string{"x"}}
	}
	long := strings.Repeat("a", 512)
	asJSON := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for entities, want := range map[string]string{
		`{A: {}}`:                                                   "data.regent.settings.entities.A has neither a pattern nor terms",
		`{A: {term: [b]}}`:                                          `data.regent.settings.entities.A has the unknown key "term"`,
		`{A: {terms: b}}`:                                           "data.regent.settings.entities.A.terms is of type string, not array",
		`{A: {pattern: '['}}`:                                       `custom entity "A": compile its pattern`,
		`{A: {pattern: '\d+ \d+'}}`:                                 `custom entity "A"`,
		`{A: {pattern: a, check: crc}}`:                             "data.regent.settings.entities.A.check is \"crc\", not one of aba_routing",
		`{A: {pattern: a, score: 2}}`:                               "data.regent.settings.entities.A.score is 2, out of range",
		`{A: {terms: [b], context: {required: true}}}`:              "its context is required and has no words",
		`{"A B": {terms: [b]}}`:                                     `its name holds ' '`,
		`{` + strings.Repeat("A", 65) + `: {terms: [b]}}`:           "its name has 65 bytes, more than 64",
		`{A: {terms: [` + long + `x]}}`:                             "a term has 513 bytes, more than 512",
		`{A: {pattern: ` + strings.Repeat("a", maxPattern+1) + `}}`: "pattern has 4097 bytes, more than 4096",
		`{A: {terms: [` + strings.Repeat(long+",", 513) + `]}}`:     "the terms of all have 262656 bytes, more than 262144",
		asJSON(many):                                                "has 257 entities, more than 256",
	} {
		_, err := Open(context.Background(), Options{Paths: []string{folder(t, map[string]string{"data.yaml": entitySettings(entities)})}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %s", entities, err, want)
		}
	}
}

// The schema names the checks that there are.
func TestEntityChecks(t *testing.T) {
	schema, err := schemaFile("settings")
	if err != nil {
		t.Fatal(err)
	}
	at := schema
	for _, name := range []string{"properties", "entities", "additionalProperties", "properties", "check"} {
		at, _ = at[name].(map[string]any)
	}
	if got := stringList(at["enum"]); !slices.Equal(got, detect.Checks()) {
		t.Errorf("the schema has %v, the detectors %v", got, detect.Checks())
	}
}
