package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// newPolicyRolloutCommands are "regent policy status", "promote" and "rollback":
// what an operator runs against a running Regent's admin port.
func newPolicyRolloutCommands() []*cobra.Command {
	return []*cobra.Command{
		newPolicyStatusCommand(),
		newPolicyMoveCommand("promote", "Put the candidate in force",
			`Puts the candidate in force for all calls that begin from now on. With the revision
of the set that was rolled back last, that one, whatever it did.`),
		newPolicyMoveCommand("rollback", "Drop the candidate, or go back to the policy before",
			`Drops the candidate. Where there is none, the set that was in force before is in force
again. The one rolled back is not taken again until the files change; a Regent that
starts anew loads what the files say.`),
	}
}

func newPolicyStatusCommand() *cobra.Command {
	var admin adminFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show which policy is in force, which is on trial, and how it does",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var s rollout.Status
			if err := admin.call(c.Context(), http.MethodGet, "/policy", nil, &s); err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), s)
			}
			return printRollout(c.OutOrStdout(), &s)
		},
	}
	admin.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newPolicyMoveCommand(verb, short, long string) *cobra.Command {
	var admin adminFlags
	var by string
	c := &cobra.Command{
		Use:   verb + " [REVISION]",
		Short: short,
		Long:  long + "\n\nWith REVISION, nothing happens where that is not the one in question any more.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			wish := map[string]string{"by": by}
			if len(args) == 1 {
				wish["revision"] = args[0]
			}
			var s rollout.Status
			if err := admin.call(c.Context(), http.MethodPost, "/policy/"+verb, wish, &s); err != nil {
				return err
			}
			return printRollout(c.OutOrStdout(), &s)
		},
	}
	admin.add(c)
	c.Flags().StringVar(&by, "by", userName(), "who does it, for the log")
	return c
}

// printRollout writes a status for people.
func printRollout(w io.Writer, s *rollout.Status) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "mode\t%s\n", s.Mode)
	fmt.Fprintf(table, "active\t%s\tsince %s\n", s.Active.Revision, s.Active.Since.Format(time.RFC3339))
	if c := s.Candidate; c != nil {
		fmt.Fprintf(table, "candidate\t%s\tsince %s\n", c.Revision, c.Since.Format(time.RFC3339))
		printFigures(table, "  active", &c.Window.Active)
		printFigures(table, "  candidate", &c.Window.Candidate)
		if c.Window.Waits != "" && s.Mode == rollout.Canary {
			fmt.Fprintf(table, "  waits\t%s\n", c.Window.Waits)
		}
	}
	if s.Previous != nil {
		fmt.Fprintf(table, "previous\t%s\n", s.Previous.Revision)
	}
	if r := s.Refused; r != nil {
		fmt.Fprintf(table, "rolled back\t%s\t%s, by %s at %s\n", r.Revision, r.Reason, plainWord(r.By), r.At.Format(time.RFC3339))
		if r.Window != nil {
			printFigures(table, "  active", &r.Window.Active)
			printFigures(table, "  candidate", &r.Window.Candidate)
		}
	}
	if d := s.Shadow; d != nil {
		fmt.Fprintf(table, "shadow\t%d evaluated, %d differed, %d dropped\n", d.Evaluated, d.Differed, d.Dropped)
		for _, kind := range slices.Sorted(maps.Keys(d.Differences)) {
			fmt.Fprintf(table, "  %s\t%d\n", kind, d.Differences[kind])
		}
	}
	return table.Flush()
}

func printFigures(w io.Writer, name string, f *rollout.Figures) {
	fmt.Fprintf(w, "%s\t%d judged, %.2f%% denied, %.2f%% failed, p95 %v\n", name, f.Calls, 100*f.DenialRate, 100*f.ErrorRate,
		time.Duration(f.P95*float64(time.Second)).Round(time.Microsecond))
}
