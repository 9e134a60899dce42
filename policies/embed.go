// Package policies embeds the Rego that ships with Regent: the library, the
// default policy, their settings, schemas and tests.
package policies

import "embed"

// Files are the shipped policies: lib/ and default/ hold modules and their
// tests, settings.yaml the settings of both, schemas/ what input, settings and
// decisions may hold, .regal a configuration for the linter Regal.
//
//go:embed lib default schemas settings.yaml .regal/config.yaml
var Files embed.FS
