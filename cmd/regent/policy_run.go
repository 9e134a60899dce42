package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// policyTestFlags are those of "regent policy test".
type policyTestFlags struct {
	recordedFlags
	run      string
	junit    string
	coverage float64
	shipped  bool
	verbose  bool
}

func newPolicyTestCommand() *cobra.Command {
	var f policyTestFlags
	c := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Run the tests of policies: Rego's, and recorded calls",
		Long: `Run the rules named test_… of PATH, beside the shipped library and default policy.
Tests live in files named …_test.rego, which serving leaves out. Give the facts by "with input as", settings by
"with data.regent.settings.… as". A builtin that fails is a failed test.

Recorded calls, files named .har or .har.jsonl below PATH or given as PATH, are played
against the policies as in service. An entry's _regent.expect says what is to be
decided, {"request": {"deny": [{"code": "x"}]}, "status": 403}; one without it fails only
where the evaluation does. _regent.identity says who calls.

Exits with 0 where all pass, with 1 where one fails, where the policies do not
load, or where less than --coverage percent of the lines were evaluated.`,
		RunE: func(c *cobra.Command, paths []string) error { return f.test(c, paths) },
	}
	f.add(c)
	c.Flags().StringVar(&f.run, "run", "", "only tests whose name matches this regular expression")
	c.Flags().StringVar(&f.junit, "junit", "", "write the results as JUnit XML to this file")
	c.Flags().Float64Var(&f.coverage, "coverage", 0, "the least percentage of your policies' lines that tests must evaluate")
	c.Flags().BoolVar(&f.shipped, "shipped", false, "run the shipped policies' tests too")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "list every test and every line that none reached")
	return c
}

func (f *policyTestFlags) test(c *cobra.Command, paths []string) error {
	policies, calls, err := splitPaths(paths)
	if err != nil {
		return err
	}
	report, err := opa.Test(c.Context(), f.options(policies), opa.TestOptions{Run: f.run, Shipped: f.shipped})
	if err != nil {
		return err
	}
	if err := f.testCalls(c, policies, calls, report); err != nil {
		return err
	}
	printTests(c.OutOrStdout(), report, f.verbose)
	if f.junit != "" {
		if err := writeJUnit(f.junit, report); err != nil {
			return err
		}
	}
	return f.judge(report)
}

func (f *policyTestFlags) judge(report *opa.TestReport) error {
	switch failed := report.Failed(); {
	case len(report.Results) == 0:
		return fmt.Errorf("no tests: name rules test_… in files such as mine_test.rego, or give recorded calls")
	case failed > 0:
		return fmt.Errorf("%d of %d tests failed", failed, len(report.Results))
	case report.Coverage < f.coverage:
		return fmt.Errorf("the tests cover %.1f %%, less than %g %%; --verbose lists the lines they miss", report.Coverage, f.coverage)
	}
	return nil
}

func printTests(out io.Writer, report *opa.TestReport, verbose bool) {
	for _, r := range report.Results {
		switch {
		case r.Skipped:
			fmt.Fprintf(out, "skip %s.%s\n", r.Package, r.Name)
		case !r.Passed:
			fmt.Fprintf(out, "FAIL %s.%s\n     %s\n", r.Package, r.Name, oneOf(r.Message, r.Place))
			for line := range strings.Lines(r.Output) {
				fmt.Fprintf(out, "     | %s\n", strings.TrimSuffix(line, "\n"))
			}
		case verbose:
			fmt.Fprintf(out, "pass %s.%s %v\n", r.Package, r.Name, r.Duration)
		}
	}
	if verbose {
		for _, line := range report.Uncovered {
			fmt.Fprintf(out, "not covered: %s\n", line)
		}
	}
	fmt.Fprintf(out, "%d tests, %d failed, %.1f %% covered\n", len(report.Results), report.Failed(), report.Coverage)
}

func oneOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// junitSuite is a test run in the XML that CI systems read.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Seconds float64       `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Skipped *struct{}     `xml:"skipped,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
}

func writeJUnit(path string, report *opa.TestReport) error {
	suite := junitSuite{Name: "regent policy test", Tests: len(report.Results), Failures: report.Failed()}
	for _, r := range report.Results {
		test := junitCase{Class: r.Package, Name: r.Name, File: r.Place, Seconds: r.Duration.Seconds(), Output: r.Output}
		switch {
		case r.Skipped:
			test.Skipped = &struct{}{}
		case !r.Passed:
			test.Failure = &junitFailure{Message: oneOf(r.Message, r.Place)}
		}
		suite.Cases = append(suite.Cases, test)
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644)
}
