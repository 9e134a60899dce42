package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy/opa"
	"github.com/regent-proxy/regent/policies"
)

func newPolicyExportCommand() *cobra.Command {
	var flags policyFlags
	c := &cobra.Command{
		Use:   "export DIR",
		Short: "Write the shipped policies, schemas and capabilities to a new folder",
		Long: `Write what is built into this version to DIR, which must not exist: the library
and the default policy with their tests and settings, to read and to start from, and
schemas and capabilities.json for other tools:

  opa check --strict --capabilities DIR/capabilities.json --schema DIR/schemas DIR/lib DIR/default MINE

Don't serve the copy beside the built-in policies: their rules would be there twice.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := exportPolicies(args[0], flags.network)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "wrote %d files to %s\n", n, args[0])
			return nil
		},
	}
	flags.addNetwork(c)
	return c
}

// exportPolicies writes the files and counts them.
func exportPolicies(dir string, network bool) (int, error) {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%s exists already: name a new folder", dir)
	}
	if err := os.CopyFS(dir, policies.Files); err != nil {
		return 0, err
	}
	text, err := opa.Capabilities(network)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(dir, "capabilities.json"), append(text, '\n'), 0o644); err != nil {
		return 0, err
	}
	n := 0
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	return n, err
}
