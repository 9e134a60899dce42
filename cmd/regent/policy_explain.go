package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/opa"
	"github.com/regent-proxy/regent/pkg/replay"
)

// explainFlags are those of "regent policy explain".
type explainFlags struct {
	recordedFlags
	entry string
	steps bool
	json  bool
}

func newPolicyExplainCommand() *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain CALLS [PATH...]",
		Short: "Say why a recorded call is decided as it is",
		Long: `Play the recorded calls of CALLS (a HAR file, or HAR entries one a line) against the
policies of PATH, and say of each decision which rules held, in the order they did, and
what the facts were that they name. Rules are named with their place in the source.`,
		Example: `  regent policy explain call.har policies/
  regent policy explain calls.har --entry 3 --steps policies/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0], args[1:]) },
	}
	f.add(c)
	c.Flags().StringVar(&f.entry, "entry", "", "only the entry of that number, id or name")
	c.Flags().BoolVar(&f.steps, "steps", false, "print each step of the evaluation too")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, one line a call")
	return c
}

func (f *explainFlags) run(c *cobra.Command, calls string, paths []string) error {
	entries, err := f.entries(calls)
	if err != nil {
		return err
	}
	snapshot, err := f.snapshot()
	if err != nil {
		return err
	}
	set, err := opa.Trace(c.Context(), f.options(paths), f.steps)
	if err != nil {
		return err
	}
	for _, r := range entries {
		e, err := explainOne(c, snapshot, set, r)
		if err != nil {
			return err
		}
		if err := f.print(c.OutOrStdout(), e); err != nil {
			return err
		}
	}
	return nil
}

// entries are those of the file that were asked for.
func (f *explainFlags) entries(calls string) ([]recorded, error) {
	all, err := readRecorded([]string{calls})
	if err != nil {
		return nil, err
	}
	if f.entry == "" {
		if len(all) == 0 {
			return nil, errNoCalls
		}
		return all, nil
	}
	for _, r := range all {
		if r.name() == f.entry || fmt.Sprint(r.n) == f.entry {
			return []recorded{r}, nil
		}
	}
	return nil, fmt.Errorf("%s has %d entries, none is %q", calls, len(all), f.entry)
}

// explained is a call played, with the explanation of each evaluation.
type explained struct {
	*replay.Played
	Explanations []explainedPhase `json:"explanations"`
}

type explainedPhase struct {
	Phase policy.Phase `json:"phase"`
	*opa.Explanation
	Error string `json:"error,omitempty"`
	Steps string `json:"steps,omitempty"`
}

func explainOne(c *cobra.Command, snapshot call.Snapshot, set *opa.Traced, r recorded) (*explained, error) {
	notes := &explainer{Traced: set}
	played, err := play(c.Context(), snapshot, notes, []recorded{r})
	if err != nil {
		return nil, err
	}
	out := &explained{played[0], notes.phases}
	for i := range out.Explanations {
		out.Explanations[i].Error = played[0].Evaluations[i].Error
	}
	return out, nil
}

func (f *explainFlags) print(w io.Writer, e *explained) error {
	if f.json {
		e.Evaluations = nil // the explanations hold them
		return printLine(w, e)
	}
	fmt.Fprintf(w, "%s: %s\n", e.ID, summary(e.Played))
	for _, each := range e.Explanations {
		printExplanation(w, &each)
	}
	fmt.Fprintln(w)
	return nil
}

// summary is a call in a line.
func summary(p *replay.Played) string {
	if !p.LLM {
		return "no LLM call, no policy was asked"
	}
	model := ""
	if p.Model != "" {
		model = " " + p.Model
	}
	return fmt.Sprintf("%s%s → %s, status %d", p.API, plainWord(model), p.Decision, p.Status)
}

func printExplanation(w io.Writer, e *explainedPhase) {
	fmt.Fprintf(w, "  %s\n", e.Phase)
	if e.Error != "" {
		fmt.Fprintf(w, "    failed: %s\n", e.Error)
	}
	if e.Explanation == nil {
		return
	}
	if e.Error == "" {
		fmt.Fprintf(w, "    decision %s\n", decisionText(e.Decision))
	}
	if len(e.Rules) == 0 {
		fmt.Fprintln(w, "    no rule held")
	}
	for _, rule := range e.Rules {
		title := ""
		if rule.Title != "" {
			title = "  # " + rule.Title
		}
		fmt.Fprintf(w, "    %s  %s%s\n", rule.Place, rule.Name, title)
		for _, fact := range rule.Facts {
			fmt.Fprintf(w, "        %s = %s\n", fact.Path, plainWord(fact.Value))
		}
	}
	for line := range strings.Lines(e.Steps) {
		fmt.Fprintf(w, "    | %s", line)
	}
}

func decisionText(d *policy.Decision) string {
	bare := *d
	bare.Revision = ""
	text, err := jsonText(bare)
	if err != nil {
		return err.Error()
	}
	return text
}
