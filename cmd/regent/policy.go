package main

import (
	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// newPolicyCommand is "regent policy": what policy authors run, at their desk
// and in CI.
func newPolicyCommand() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "Check, test and try policies, and roll them out"}
	c.AddCommand(newPolicyCheckCommand(), newPolicyEvalCommand(), newPolicyExportCommand(), newPolicyTestCommand(),
		newPolicyExplainCommand(), newPolicyDiffCommand(), newPolicyBenchCommand(), newPolicyBundleCommand())
	c.AddCommand(newPolicyRolloutCommands()...)
	return c
}

// policyFlags are those that say how policies are loaded.
type policyFlags struct {
	noDefault bool
	network   bool
}

func (f *policyFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.noDefault, "no-default", false, "leave the default policy out, as policy.default: false does")
	f.addNetwork(c)
}

func (f *policyFlags) addNetwork(c *cobra.Command) {
	c.Flags().BoolVar(&f.network, "network", false, "allow http.send and the like, as policy.network: true does")
}

func (f *policyFlags) options(paths []string) opa.Options {
	return opa.Options{Paths: paths, NoDefault: f.noDefault, AllowNetwork: f.network}
}
