package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

func newPolicyCheckCommand() *cobra.Command {
	var flags policyFlags
	var strict bool
	c := &cobra.Command{
		Use:   "check [PATH...]",
		Short: "Load policies as serving does, and say what is wrong with them",
		Long: `Load policies as serving does: members of a decision, facts, settings and data
are checked against the contract, rules compiled strictly. Rules that no decision
depends on, those that can never hold, pairs that may contradict each other, and
misspelt entities are warnings. Where Regal (a linter for Rego) is installed, its findings are shown too.

Exits with 0 where the policies load, with 1 where they do not or, with --strict,
where there are warnings.`,
		RunE: func(c *cobra.Command, paths []string) error {
			revision, warnings, err := opa.Check(c.Context(), flags.options(paths))
			if err != nil {
				return err
			}
			for _, w := range warnings {
				fmt.Fprintf(c.OutOrStdout(), "warning: %s\n", w)
			}
			linted, err := regal(c, paths, c.OutOrStdout())
			if err != nil {
				return err
			}
			if strict && len(warnings) > 0 {
				return fmt.Errorf("%d warnings", len(warnings))
			}
			if strict && linted {
				return errors.New("regal has findings")
			}
			fmt.Fprintf(c.OutOrStdout(), "ok, revision %s\n", revision)
			return nil
		},
	}
	flags.add(c)
	c.Flags().BoolVar(&strict, "strict", false, "fail on warnings")
	return c
}
