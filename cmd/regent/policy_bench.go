package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/policy"
)

// benchFlags are those of "regent policy bench".
type benchFlags struct {
	recordedFlags
	calls  []string
	rounds int
	json   bool
}

func newPolicyBenchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [PATH...] --calls CALLS",
		Short: "Measure what policies cost on recorded calls",
		Long: `Play recorded calls against policies, --rounds times anew and as often again, and
print what an evaluation costs: "first" where no call like it came before, "again"
where the engine may remember. Times are of this machine, and of the policy alone.`,
		RunE: func(c *cobra.Command, paths []string) error { return f.run(c, paths) },
	}
	f.add(c)
	c.Flags().StringArrayVar(&f.calls, "calls", nil, "a HAR file, or a folder with files named .har or .har.jsonl; may be given again")
	c.Flags().IntVar(&f.rounds, "rounds", 10, "how often each call is played, 1 to 1000")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	_ = c.MarkFlagRequired("calls")
	return c
}

func (f *benchFlags) run(c *cobra.Command, paths []string) error {
	if f.rounds < 1 || f.rounds > 1000 {
		return fmt.Errorf("--rounds is %d, want 1 to 1000", f.rounds)
	}
	entries, err := readRecorded(f.calls)
	if err != nil {
		return err
	}
	snapshot, err := f.snapshot()
	if err != nil {
		return err
	}
	meter := &meter{}
	for round := range 2 * f.rounds {
		if err := f.round(c.Context(), meter, round, paths, snapshot, entries); err != nil {
			return err
		}
	}
	costs := meter.costs()
	if len(costs) == 0 {
		return errNoCalls
	}
	if f.json {
		return printJSON(c.OutOrStdout(), costs)
	}
	return printCosts(c.OutOrStdout(), costs)
}

// round plays the entries once: in the first half of the rounds against a set
// that has seen none of them, then against the last of these.
func (f *benchFlags) round(ctx context.Context, m *meter, round int, paths []string, snapshot call.Snapshot, entries []recorded) error {
	m.word = "again"
	if round < f.rounds {
		set, end, err := openSet(ctx, f.options(paths))
		if err != nil {
			return err
		}
		end()
		m.PolicySet, m.word = set, "first"
	}
	_, err := play(ctx, snapshot, m, entries)
	return err
}

// meter is a policy set that measures its evaluations.
type meter struct {
	call.PolicySet
	word    string
	samples []sample
}

type sample struct {
	word   string
	phase  policy.Phase
	took   time.Duration
	allocs uint64
	bytes  uint64
	failed bool
}

// Evaluate implements call.PolicySet.
func (m *meter) Evaluate(ctx context.Context, in *policy.Input) (*policy.Decision, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	d, err := m.PolicySet.Evaluate(ctx, in)
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	m.samples = append(m.samples, sample{m.word, in.Phase, took, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc, err != nil})
	return d, err
}

// cost is what the evaluations of a phase took.
type cost struct {
	Phase       policy.Phase `json:"phase"`
	Word        string       `json:"seen"` // first or again
	Evaluations int          `json:"evaluations"`
	Failed      int          `json:"failed"`
	P50         float64      `json:"p50_us"`
	P95         float64      `json:"p95_us"`
	Max         float64      `json:"max_us"`
	Allocs      float64      `json:"allocs_mean"`
	Bytes       float64      `json:"bytes_mean"`
}

func (m *meter) costs() []cost {
	var out []cost
	for _, phase := range []policy.Phase{policy.Request, policy.Response} {
		for _, word := range []string{"first", "again"} {
			if c := costOf(m.samples, phase, word); c.Evaluations > 0 {
				out = append(out, c)
			}
		}
	}
	return out
}

func costOf(all []sample, phase policy.Phase, word string) cost {
	c := cost{Phase: phase, Word: word}
	var took []time.Duration
	for _, s := range all {
		if s.phase != phase || s.word != word {
			continue
		}
		took = append(took, s.took)
		c.Allocs += float64(s.allocs)
		c.Bytes += float64(s.bytes)
		if s.failed {
			c.Failed++
		}
	}
	if c.Evaluations = len(took); c.Evaluations == 0 {
		return c
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))].Nanoseconds()) / 1e3
	}
	c.P50, c.P95, c.Max = at(0.5), at(0.95), at(1)
	c.Allocs, c.Bytes = c.Allocs/float64(len(took)), c.Bytes/float64(len(took))
	return c
}

func printCosts(w io.Writer, costs []cost) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "phase\tseen\tevaluations\tfailed\tp50 µs\tp95 µs\tmax µs\tallocs\tbytes\t")
	for _, c := range costs {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\t\n", c.Phase, c.Word, c.Evaluations, c.Failed, c.P50, c.P95, c.Max, c.Allocs, c.Bytes)
	}
	return table.Flush()
}
