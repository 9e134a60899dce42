package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/replay"
)

// diffFlags are those of "regent policy diff".
type diffFlags struct {
	recordedFlags
	calls []string
	json  bool
	fail  bool
}

func newPolicyDiffCommand() *cobra.Command {
	var f diffFlags
	c := &cobra.Command{
		Use:   "diff OLD NEW --calls CALLS",
		Short: "Say whose decisions change between two policies, on recorded calls",
		Long: `Play recorded calls against the policies OLD and NEW (files and folders, those
of one side parted by commas: base,prod) and list those that are decided otherwise, with
what changed. To compare revisions of a repository, check each out into a folder.

Exits with 0, or, with --exit-code, with 1 where a decision differs.`,
		Example: `  git worktree add ../before main
  regent policy diff ../before/policies policies --calls calls.har`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0], args[1]) },
	}
	f.add(c)
	c.Flags().StringArrayVar(&f.calls, "calls", nil, "a HAR file, or a folder with files named .har or .har.jsonl; may be given again")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, one line a difference")
	c.Flags().BoolVar(&f.fail, "exit-code", false, "exit with 1 where a decision differs")
	_ = c.MarkFlagRequired("calls")
	return c
}

func (f *diffFlags) run(c *cobra.Command, old, new string) error {
	entries, err := readRecorded(f.calls)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return errNoCalls
	}
	before, err := f.play(c, old, entries)
	if err != nil {
		return fmt.Errorf("%s: %w", old, err)
	}
	after, err := f.play(c, new, entries)
	if err != nil {
		return fmt.Errorf("%s: %w", new, err)
	}
	differences, err := differences(before, after)
	if err != nil {
		return err
	}
	if err := f.print(c.OutOrStdout(), differences, after); err != nil {
		return err
	}
	if f.fail && len(differences) > 0 {
		return fmt.Errorf("%d of %d calls are decided otherwise", len(differences), len(entries))
	}
	return nil
}

func (f *diffFlags) play(c *cobra.Command, path string, entries []recorded) ([]*replay.Played, error) {
	snapshot, err := f.snapshot()
	if err != nil {
		return nil, err
	}
	set, end, err := openSet(c.Context(), f.options(strings.Split(path, ",")))
	if err != nil {
		return nil, err
	}
	defer end()
	return play(c.Context(), snapshot, set, entries)
}

func differences(before, after []*replay.Played) ([]*replay.Difference, error) {
	var out []*replay.Difference
	for i := range before {
		d, err := replay.Differ(before[i], after[i])
		if err != nil {
			return nil, err
		}
		if d != nil {
			out = append(out, d)
		}
	}
	return out, nil
}

func (f *diffFlags) print(w io.Writer, list []*replay.Difference, played []*replay.Played) error {
	if f.json {
		for _, d := range list {
			if err := printLine(w, d); err != nil {
				return err
			}
		}
		return nil
	}
	kinds := map[string]int{}
	for _, d := range list {
		kind := d.From + " → " + d.To
		kinds[kind]++
		fmt.Fprintf(w, "%s  %s  %s\n", d.ID, plainWord(d.Model), kind)
		for _, change := range d.Changes {
			fmt.Fprintf(w, "    %s\n", plainWord(change))
		}
	}
	llm := 0
	for _, p := range played {
		if p.LLM {
			llm++
		}
	}
	fmt.Fprintf(w, "%d of %d calls are decided otherwise (%d entries are no LLM calls)\n", len(list), llm, len(played)-llm)
	for _, kind := range byCount(kinds) {
		fmt.Fprintf(w, "%6d  %s\n", kinds[kind], kind)
	}
	return nil
}

// byCount are the keys, the most frequent first.
func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}
