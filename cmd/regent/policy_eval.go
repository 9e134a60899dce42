package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/opa"
)

func newPolicyEvalCommand() *cobra.Command {
	var flags policyFlags
	var facts, phase string
	c := &cobra.Command{
		Use:   "eval [PATH...] --facts FILE",
		Short: "Decide from facts in a file, and name the rules that held",
		Long: `Load policies as serving does, decide from the facts in a JSON file, and print
the decision and, in the order they held, the rules. What is missing in the facts is
undefined; what is unknown is an error. docs/POLICY.md describes facts and decisions.`,
		RunE: func(c *cobra.Command, paths []string) error {
			text, err := readFactsFile(c, facts)
			if err != nil {
				return err
			}
			e, err := opa.Explain(c.Context(), flags.options(paths), policy.Phase(phase), text)
			if err != nil {
				return err
			}
			out := json.NewEncoder(c.OutOrStdout())
			out.SetIndent("", "  ")
			out.SetEscapeHTML(false)
			return out.Encode(e)
		},
	}
	flags.add(c)
	c.Flags().StringVar(&facts, "facts", "", "the file with the facts, - for standard input")
	c.Flags().StringVar(&phase, "phase", string(policy.Request), "request or response")
	_ = c.MarkFlagRequired("facts")
	return c
}

// maxFacts bounds a facts file: its size is the reader's mistake beyond it.
const maxFacts = 16 << 20

func readFactsFile(c *cobra.Command, path string) ([]byte, error) {
	var from io.Reader = c.InOrStdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxFacts+1))
	if err == nil && len(text) > maxFacts {
		return nil, fmt.Errorf("%s holds more than %d MiB", path, maxFacts>>20)
	}
	return text, err
}
