package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/spf13/cobra"
)

// regal runs Regal's linter over paths, where it is installed, and reports
// whether it found something.
func regal(c *cobra.Command, paths []string, out io.Writer) (found bool, err error) {
	program, err := exec.LookPath("regal")
	if err != nil || len(paths) == 0 {
		return false, nil // not being installed is no fault
	}
	lint := exec.CommandContext(c.Context(), program, append([]string{"lint"}, paths...)...)
	lint.Stdout, lint.Stderr = out, out
	err = lint.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("regal: %w", err)
	}
	return false, nil
}
