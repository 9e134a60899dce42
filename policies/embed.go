// Package policies embeds the Rego that ships with Regent: the library, the
// default policy, their settings, schemas and tests.
package policies

import "embed"

// Files are the shipped policies: lib/ and default/ hold modules and their
// tests, settings.yaml the settings of both, schemas/ what input, settings and
// decisions may hold.
//
//go:embed lib default schemas settings.yaml
var Files embed.FS
