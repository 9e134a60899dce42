// Command regent governs LLM traffic in an Envoy mesh: an ext_proc server that
// reads calls, asks Rego what to do, and does it.
//
// Most users want "regent serve --config regent.yaml".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs one command line and gives its exit code: 0, 1 for an error, or
// what the error's own ExitCode says.
func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(errOut, "regent: %s\n", text)
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "regent",
		Short:         "Govern LLM traffic in an Envoy mesh with Rego policies",
		Version:       readVersion().String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("regent {{.Version}}\n")
	root.AddCommand(commands()...)
	return root
}

// commands are the subcommands, one file each.
func commands() []*cobra.Command {
	return []*cobra.Command{newServeCommand(), newPolicyCommand(), newInspectCommand(), newSimulateCommand(), newDetectCommand(), newReviewCommand()}
}
