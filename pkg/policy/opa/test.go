package opa

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// TestResult is the outcome of one Rego test.
type TestResult struct {
	Package, Name string // data.mine_test, test_something
	Place         string // file:line
	Passed        bool
	Skipped       bool // its name begins with todo_
	// Message says why it did not pass: an error, or the expression that did
	// not hold.
	Message  string
	Output   string // of print
	Duration time.Duration
}

// TestReport is the outcome of a run.
type TestReport struct {
	Results []TestResult // by place
	// Coverage is the share of the options' own modules that the tests
	// evaluated, 0 to 100; Uncovered are their lines that no test reached,
	// file:line.
	Coverage  float64
	Uncovered []string

	lines map[codeLine]bool // whether evaluated
}

// Failed counts the tests that did not pass.
func (r *TestReport) Failed() int {
	n := 0
	for _, each := range r.Results {
		if !each.Passed && !each.Skipped {
			n++
		}
	}
	return n
}

// TestOptions say which tests to run.
type TestOptions struct {
	Run     string // a regular expression of names; empty is all
	Shipped bool   // the tests of the shipped policies too
	Timeout time.Duration
}

// Test loads the policies with their tests (rules named test_…, in any module)
// and runs these. Policies that do not load are an error; tests that fail are
// in the report. A builtin that fails is a failed test.
func Test(ctx context.Context, o Options, t TestOptions) (*TestReport, error) {
	if _, err := load(ctx, withDefaults(o)); err != nil {
		return nil, err
	}
	src, err := readSources(ctx, &o)
	if err != nil {
		return nil, err
	}
	data, err := src.data()
	if err != nil {
		return nil, err
	}
	modules, err := src.modules(true)
	if err != nil {
		return nil, err
	}
	if !t.Shipped {
		maps.DeleteFunc(modules, func(name string, _ *ast.Module) bool { return strings.HasPrefix(name, "regent:") && isTest(name) })
	}
	return runTests(ctx, o, t, modules, data)
}

func withDefaults(o Options) *Options {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	return &o
}

func runTests(ctx context.Context, o Options, t TestOptions, modules map[string]*ast.Module, data map[string]any) (*TestReport, error) {
	report, covered := &TestReport{}, cover.New()
	failed := []string{}
	err := run(ctx, o, t, modules, data, func(r *tester.Runner) { r.SetCoverageQueryTracer(covered) }, func(r *tester.Result) {
		report.Results = append(report.Results, testResult(r))
		if r.Fail {
			failed = append(failed, regexp.QuoteMeta(r.Package+"."+r.Name))
		}
	})
	if err != nil {
		return nil, err
	}
	report.cover(covered, modules)
	slices.SortFunc(report.Results, func(a, b TestResult) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Name, b.Name))
	})
	if len(failed) == 0 {
		return report, nil
	}
	// Once more with a trace, which excludes coverage, to say what did not hold.
	t.Run = "^(" + strings.Join(failed, "|") + ")$"
	return report, run(ctx, o, t, modules, data, func(r *tester.Runner) { r.EnableTracing(true) }, report.explain)
}

// run compiles the modules anew and runs their tests.
func run(ctx context.Context, o Options, t TestOptions, modules map[string]*ast.Module, data map[string]any, prepare func(*tester.Runner), each func(*tester.Result)) error {
	// Without the schemas: a test may give any part of the facts, and mocks of
	// settings are data.
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities(o.AllowNetwork)).WithEnablePrintStatements(true).WithKeepModules(true)
	store := inmem.NewFromObjectWithOpts(data, inmem.OptRoundTripOnWrite(false))
	txn, err := store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return err
	}
	defer store.Abort(ctx, txn)
	runner := tester.NewRunner().
		SetCompiler(compiler).
		SetStore(store).
		SetModules(modules).
		RaiseBuiltinErrors(true).
		CapturePrintOutput(true).
		SetTimeout(cmp.Or(t.Timeout, 5*time.Second)).
		Filter(t.Run)
	prepare(runner)
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return err
	}
	for r := range results {
		each(r)
	}
	return nil
}

func testResult(r *tester.Result) TestResult {
	out := TestResult{
		Package: r.Package, Name: r.Name, Place: place(r.Location), Duration: r.Duration,
		Passed: r.Pass(), Skipped: r.Skip, Output: string(r.Output),
	}
	if r.Error != nil {
		out.Message = r.Error.Error()
	}
	return out
}

// explain adds to a failed test the last expression of its own that failed.
func (r *TestReport) explain(traced *tester.Result) {
	for i := range r.Results {
		out := &r.Results[i]
		if out.Package != traced.Package || out.Name != traced.Name || out.Message != "" {
			continue
		}
		for _, e := range traced.Trace {
			if e.Op == topdown.FailOp && e.Location != nil && e.Location.File == traced.Location.File {
				out.Message = fmt.Sprintf("%s does not hold: %s", place(e.Location), e.Location.Text)
			}
		}
	}
}

// cover fills in what of the options' own modules the tests evaluated.
func (r *TestReport) cover(c *cover.Cover, modules map[string]*ast.Module) {
	own := maps.Clone(modules)
	maps.DeleteFunc(own, func(name string, _ *ast.Module) bool { return strings.HasPrefix(name, "regent:") || isTest(name) })
	if len(own) == 0 {
		own = modules
	}
	r.add(c, own)
}

// add counts the lines that c saw evaluated beside those known to be.
func (r *TestReport) add(c *cover.Cover, own map[string]*ast.Module) {
	if r.lines == nil {
		r.lines = map[codeLine]bool{}
	}
	for name, file := range c.Report(own).Files {
		for _, part := range file.NotCovered {
			r.mark(name, part, false)
		}
		for _, part := range file.Covered {
			r.mark(name, part, true)
		}
	}
	r.count()
}

// codeLine is one line of a policy's code.
type codeLine struct {
	file string
	row  int
}

// mark never takes back that a line was evaluated.
func (r *TestReport) mark(file string, part cover.Range, evaluated bool) {
	for row := part.Start.Row; row <= part.End.Row; row++ {
		at := codeLine{file, row}
		r.lines[at] = r.lines[at] || evaluated
	}
}

func (r *TestReport) count() {
	var missed []codeLine
	for at, evaluated := range r.lines {
		if !evaluated {
			missed = append(missed, at)
		}
	}
	slices.SortFunc(missed, func(a, b codeLine) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.row, b.row))
	})
	r.Uncovered = nil
	for _, at := range missed {
		r.Uncovered = append(r.Uncovered, fmt.Sprintf("%s:%d", at.file, at.row))
	}
	r.Coverage = 100
	if len(r.lines) > 0 {
		r.Coverage = 100 * float64(len(r.lines)-len(missed)) / float64(len(r.lines))
	}
}

// Check loads the policies as serving does, and parses and compiles their tests
// too. It returns the revision and warnings: what loads but is likely a
// mistake.
func Check(ctx context.Context, o Options) (revision string, warnings []string, err error) {
	o.whole = true
	set, err := load(ctx, withDefaults(o))
	if err != nil {
		return "", nil, err
	}
	src, err := readSources(ctx, &o)
	if err != nil {
		return "", nil, err
	}
	modules, err := src.modules(true)
	if err != nil {
		return "", nil, err
	}
	c := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities(o.AllowNetwork))
	if c.Compile(modules); c.Failed() {
		return "", nil, fmt.Errorf("with the tests: %w", c.Errors)
	}
	names, err := set.misnamed(modules)
	if err != nil {
		return "", nil, err
	}
	return set.Revision(), slices.Concat(set.warnings(modules), lint(modules), names), nil
}

// warnings lists the user's rules that no decision depends on and no test
// refers to, and those that the settings and data turn off for good.
func (s *Set) warnings(modules map[string]*ast.Module) []string {
	used := s.used()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.compiler.Modules)) {
		if strings.HasPrefix(name, "regent:") {
			continue
		}
		for _, rule := range s.compiler.Modules[name].Rules {
			switch {
			case dead(rule):
				out = append(out, fmt.Sprintf("%s: %s can never hold: the data rules it out", place(rule.Location), rule.Head.Ref()))
			case !used[rule.Head.Ref().String()+"@"+name] && !usedByTests(modules, rule):
				out = append(out, fmt.Sprintf("%s: %s has no part in any decision", place(rule.Location), rule.Head.Ref()))
			}
		}
	}
	return out
}

// used are the rules that some decision may depend on, as name@file: a rule
// another definition of which is used counts as used.
func (s *Set) used() map[string]bool {
	out := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(s.compiler.Modules)) {
		m := s.compiler.Modules[name]
		phase, ok := phaseOf(m.Package.Path)
		for _, rule := range m.Rules {
			root := ok && contract[phase].fields[string(rule.Head.Ref()[0].Value.(ast.Var))] != nil
			if root {
				walkDependencies(s.compiler, []*ast.Rule{rule}, func(r *ast.Rule) {
					out[r.Head.Ref().String()+"@"+r.Location.File] = true
				})
			}
		}
	}
	return out
}

// usedByTests reports whether a test module names the rule's package: a helper
// that only tests use is no mistake there.
func usedByTests(modules map[string]*ast.Module, rule *ast.Rule) bool {
	for name, m := range modules {
		if isTest(name) && rule.Module != nil && m.Package.Equal(rule.Module.Package) {
			return true
		}
	}
	return false
}
