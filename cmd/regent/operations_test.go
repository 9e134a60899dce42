package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The tests that the operator's page names for faulty policies exist.
func TestOperationsNamesTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## When policies fail")
	section, _, _ = strings.Cut(section, "\n## ")
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(section, -1)
	if len(names) < 15 {
		t.Errorf("%d tests are named", len(names))
	}
	var all strings.Builder
	for _, dir := range []string{"../../pkg/policy/opa", "../../pkg/policy/bundle", "../../integration"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), "_test.go") {
				source, err := os.ReadFile(dir + "/" + e.Name())
				if err != nil {
					t.Fatal(err)
				}
				all.Write(source)
			}
		}
	}
	for _, name := range names {
		if !strings.Contains(all.String(), "func "+name[1]+"(t ") {
			t.Errorf("%s does not exist", name[1])
		}
	}
}
