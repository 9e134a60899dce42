package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy/opa"
	"github.com/regent-proxy/regent/pkg/replay"
)

// splitPaths parts what holds policies from what holds recorded calls; a folder
// may hold both.
func splitPaths(paths []string) (policies []string, calls []recorded, err error) {
	for _, path := range paths {
		if !isHAR(path) {
			policies = append(policies, path)
		}
	}
	calls, err = readRecorded(onlyCalls(paths))
	return policies, calls, err
}

// onlyCalls leaves out policy files, which hold no calls.
func onlyCalls(paths []string) []string {
	var out []string
	for _, path := range paths {
		ext := filepath.Ext(path)
		if ext != ".rego" && ext != ".json" && ext != ".yaml" && ext != ".yml" {
			out = append(out, path)
		}
	}
	return out
}

// testCalls plays recorded calls and adds a result for each to report.
func (f *policyTestFlags) testCalls(c *cobra.Command, policies []string, calls []recorded, report *opa.TestReport) error {
	if len(calls) == 0 {
		return nil
	}
	wanted, err := regexp.Compile(f.run)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	snapshot, err := f.snapshot()
	if err != nil {
		return err
	}
	set, err := opa.Trace(c.Context(), f.options(policies), false)
	if err != nil {
		return err
	}
	player := replay.New(snapshot, set)
	for _, r := range calls {
		if !wanted.MatchString(r.file + "." + r.name()) {
			continue
		}
		played, err := player.Play(c.Context(), r.n, r.entry)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", r.file, r.name(), err)
		}
		report.Results = append(report.Results, callResult(r, played))
	}
	set.AddCoverage(report)
	return nil
}

func callResult(r recorded, p *replay.Played) opa.TestResult {
	out := opa.TestResult{Package: r.file, Name: r.name(), Place: fmt.Sprintf("%s:%d", r.file, r.n)}
	wrong := replay.Compare(r.entry, p)
	if replay.Expected(r.entry) && !p.LLM {
		wrong = append(wrong, "is no LLM call: no policy was asked")
	}
	out.Passed, out.Message = len(wrong) == 0, strings.Join(wrong, "; ")
	for _, e := range p.Evaluations {
		out.Duration += e.Took
	}
	return out
}
