package opa

import (
	"context"
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	head := "package regent.request\n"
	for name, c := range map[string]struct{ rules, warns string }{
		"both may hold":   {"route[\"target\"] := \"a\" if input.llm.stream\nroute[\"target\"] := \"b\" if input.tokens.exact", "p.rego:3: regent.request.route.target may conflict with"},
		"by equality":     {"route[\"target\"] := \"a\" if input.llm.model == \"x\"\nroute[\"target\"] := \"b\" if input.llm.model == \"y\"", ""},
		"by negation":     {"route[\"target\"] := \"a\" if input.llm.stream\nroute[\"target\"] := \"b\" if not input.llm.stream", ""},
		"else":            {"route[\"target\"] := \"a\" if {\n\tinput.llm.stream\n} else := \"b\"", ""},
		"the same value":  {"route[\"target\"] := \"a\" if input.llm.stream\nroute[\"target\"] := \"a\" if input.tokens.exact", ""},
		"never":           {"deny contains {\"code\": \"a\"} if {\n\tinput.llm.model == \"x\"\n\tinput.llm.model == \"y\"\n}", "p.rego:2: deny can never hold: input.llm.model cannot be both"},
		"with metadata":   {"# METADATA\n# title: Mine\nlabels[\"a\"] := \"b\" if input.llm.stream", ""},
		"misnamed":        {"redact contains {\"entity\": \"CREDITCARD\"}", `p.rego:2: no finding is of the entity "CREDITCARD", unless the operator's config names it: did you mean "CREDIT_CARD"?`},
		"misread":         {"labels[\"a\"] := \"b\" if {\n\tsome f in input.findings\n\tf.entity == \"EMIAL\"\n}", `p.rego:4: no finding is of the entity "EMIAL"`},
		"the operator's":  {"redact contains {\"entity\": \"BADGE_NUMBER\"}", ""},
		"known":           {"redact contains {\"entity\": \"CREDIT_CARD\"} if {\n\tsome f in input.findings\n\tf.entity != \"EMAIL\"\n}", ""},
		"a default beats": {"labels[\"a\"] := \"b\" if input.llm.stream", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"p.rego": head + c.rules})
			_, warnings, err := Check(context.Background(), Options{NoDefault: true, Paths: []string{dir}})
			text := strings.Join(warnings, "\n")
			if err != nil || c.warns == "" && text != "" || !strings.Contains(text, c.warns) {
				t.Errorf("error %v, warnings %q, want %q", err, text, c.warns)
			}
		})
	}
}

// A list of the settings that names an entity wrongly is told; one that the
// settings declare is known.
func TestMisnamedInSettings(t *testing.T) {
	dir := folder(t, map[string]string{"data.yaml": entitySettings(`{CREDITCART: {terms: [x]}}, redaction: {request: {entities: [CREDITCART, EMAIL, IBNA]}}`)})
	_, warnings, err := Check(context.Background(), Options{Paths: []string{dir}})
	if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings[0], `data.regent.settings.redaction.request.entities: no finding is of the entity "IBNA"`) {
		t.Errorf("error %v, warnings %q", err, warnings)
	}
}

// The shipped policies, alone and with all that the user adds, have no warnings.
func TestShippedPoliciesHaveNoWarnings(t *testing.T) {
	_, warnings, err := Check(context.Background(), Options{})
	if err != nil || len(warnings) > 0 {
		t.Errorf("error %v, warnings %q", err, warnings)
	}
}

// A user may annotate the packages that the shipped policies annotate.
func TestPackagesMayBeAnnotated(t *testing.T) {
	dir := folder(t, map[string]string{"p.rego": "# METADATA\n# title: Mine\npackage regent.request\n\nlabels[\"a\"] := \"b\" if input.llm.stream\n"})
	if _, _, err := Check(context.Background(), Options{Paths: []string{dir}}); err != nil {
		t.Error(err)
	}
}
