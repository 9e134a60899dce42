package opa

import "encoding/json"

// Capabilities are, as JSON, what a policy may use: OPA's builtins but those
// that network turns on, and Regent's. It is what "opa check --capabilities"
// and editors read.
func Capabilities(network bool) ([]byte, error) {
	return json.MarshalIndent(capabilities(network), "", "  ")
}
