package opa

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tests of the shipped policies pass and reach every line.
func TestShippedPolicies(t *testing.T) {
	report, err := Test(context.Background(), Options{}, TestOptions{Shipped: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if !r.Passed {
			t.Errorf("%s %s.%s: %s\n%s", r.Place, r.Package, r.Name, r.Message, r.Output)
		}
	}
	if len(report.Results) < 25 {
		t.Errorf("only %d tests ran", len(report.Results))
	}
	var uncovered []string
	for _, line := range report.Uncovered {
		if !strings.Contains(line, "_test.rego") {
			uncovered = append(uncovered, line)
		}
	}
	if len(uncovered) > 0 {
		t.Errorf("no test reaches %v", uncovered)
	}
}

func TestTest(t *testing.T) {
	dir := folder(t, map[string]string{
		"p.rego": "package regent.request\n\n" + `deny contains {"code": "a"} if input.llm.model == "a"` + "\n\n" + `deny contains {"code": "b"} if input.llm.model == "b"`,
		"p_test.rego": `package regent.request_test

import data.regent.request

test_passes if request.deny == {{"code": "a"}} with input.llm.model as "a"

test_fails if {
	print("the model is", "c")
	count(request.deny) == 1 with input.llm.model as "c"
}

test_breaks if json.unmarshal("{")

todo_test_later if false
`,
	})
	report, err := Test(context.Background(), Options{NoDefault: true, Paths: []string{dir}}, TestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range report.Results {
		line := r.Name
		switch {
		case r.Skipped:
			line += " skipped"
		case r.Passed:
			line += " passed"
		default:
			line += " failed"
		}
		got = append(got, line)
		if r.Name == "test_fails" && (!strings.Contains(r.Output, "the model is c") || !strings.Contains(r.Message, "does not hold")) {
			t.Errorf("output %q, message %q", r.Output, r.Message)
		}
		if r.Name == "test_breaks" && !strings.Contains(r.Message, "json.unmarshal") {
			t.Errorf("message %q", r.Message)
		}
	}
	if diff := cmp.Diff([]string{"test_breaks failed", "test_fails failed", "test_passes passed", "todo_test_later skipped"}, got); diff != "" {
		t.Error(diff)
	}
	if report.Failed() != 2 || report.Coverage >= 100 || report.Coverage <= 0 || len(report.Uncovered) != 1 || !strings.HasSuffix(report.Uncovered[0], "p.rego:5") {
		t.Errorf("report %+v", report)
	}
}

func TestCheck(t *testing.T) {
	dir := folder(t, map[string]string{
		"p.rego":    "package regent.request\nimport data.mine\n" + `deny contains {"code": "a"} if { data.switch; mine.used }`,
		"mine.rego": "package mine\nused if input.llm.stream\nleft if input.llm.stream",
		"d.yaml":    "switch: false",
	})
	_, warnings, err := Check(context.Background(), Options{NoDefault: true, Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(warnings, "\n")
	for _, want := range []string{"mine.rego:3: left has no part in any decision", "p.rego:3: deny can never hold"} {
		if !strings.Contains(text, want) {
			t.Errorf("warnings\n%s\nlack %q", text, want)
		}
	}
}
