package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/policy/bundle"
)

func newPolicyBundleCommand() *cobra.Command {
	var flags policyFlags
	var o bundle.PackOptions
	var out string
	c := &cobra.Command{
		Use:   "bundle DIR -o FILE",
		Short: "Write a folder of policies as an OPA bundle, checked and signed",
		Long: `Check DIR as serving would, and write it as an OPA bundle: its modules without
tests, and its data files as the one document they make. Packages of
system.log, masks of decision logs, are let be.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Load = flags.options(nil)
			var body bytes.Buffer
			if err := bundle.Pack(c.Context(), args[0], o, &body); err != nil {
				return err
			}
			if err := os.WriteFile(out, body.Bytes(), 0o644); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "wrote %s, %d bytes\n", out, body.Len())
			return nil
		},
	}
	flags.add(c)
	c.Flags().StringVarP(&out, "output", "o", "", "the file to write, such as bundle.tar.gz")
	_ = c.MarkFlagRequired("output")
	c.Flags().StringVar(&o.Revision, "revision", "", "the revision that decisions and logs name")
	c.Flags().StringSliceVar(&o.Roots, "root", nil, "a path of data that the bundle owns, such as regent/request; without one it owns all")
	c.Flags().StringVar(&o.SigningKey, "signing-key", "", "file with the private key (PEM), or with the secret of an HMAC algorithm")
	c.Flags().StringVar(&o.SigningAlg, "signing-alg", "RS256", "algorithm of the signature, as RS256, ES256 or HS256")
	c.Flags().StringVar(&o.KeyID, "key-id", "", "name of the key, by which keys finds its other half")
	c.Flags().StringVar(&o.Scope, "scope", "", "scope that the signature is for")
	c.AddCommand(newPolicyBundleVerifyCommand())
	return c
}

func newPolicyBundleVerifyCommand() *cobra.Command {
	var o bundle.VerifyOptions
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Read a bundle as serving would, and verify its signature",
		Long:  "Read a bundle as serving would. With --key it must be signed with the other half of that key.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			v, err := bundle.Verify(f, o)
			if err != nil {
				return err
			}
			signature := map[bool]string{true: "signature verified", false: "signature not verified: no --key"}[o.Key != ""]
			fmt.Fprintf(c.OutOrStdout(), "revision %q, roots %q, %d modules, %s\n", v.Revision, strings.Join(v.Roots, ","), v.Modules, signature)
			return nil
		},
	}
	c.Flags().StringVar(&o.Key, "key", "", "file with the public key (PEM), or with the secret of an HMAC algorithm")
	c.Flags().StringVar(&o.Alg, "alg", "RS256", "algorithm of the signature")
	c.Flags().StringVar(&o.KeyID, "key-id", "", "name of the key that must have signed")
	c.Flags().StringVar(&o.Scope, "scope", "", "scope that the signature must be for")
	return c
}
