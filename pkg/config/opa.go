package config

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// OPA is a part of the configuration in OPA's own words, read as it stands but
// for references to the environment. It is never printed, for it holds
// credentials.
type OPA struct {
	tree    map[string]any
	secrets []string
}

// NewOPA wraps a tree of JSON types.
func NewOPA(tree map[string]any) OPA { return OPA{tree: tree} }

// Tree is the part as JSON types, nil where the file says nothing. Read only.
func (o OPA) Tree() map[string]any { return o.tree }

// Secrets are the values in it that must not be shown: what came from the
// environment or a file, and what stands where credentials do.
func (o OPA) Secrets() []string { return o.secrets }

// Format writes a placeholder whatever the verb.
func (o OPA) Format(f fmt.State, _ rune) {
	if o.tree != nil {
		_, _ = io.WriteString(f, hidden)
	}
}

// LogValue is a placeholder.
func (OPA) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is a placeholder.
func (OPA) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// secretNames are OPA's members that hold secrets; headers may, below them.
var secretNames = []string{"token", "client_secret", "private_key", "key", "private_key_passphrase", "password", "headers"}

// opa decodes a part in OPA's words.
func (d *decoder) opa(n *yaml.Node, path string) OPA {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "", "want a mapping, got %s", kindName(n))
		return OPA{}
	}
	var out OPA
	out.tree, _ = d.free(n, path, false, &out.secrets).(map[string]any)
	return out
}

// free decodes a value of any type. What a reference stands for is text.
func (d *decoder) free(n *yaml.Node, path string, secret bool, secrets *[]string) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			key, at := n.Content[i], join(path, n.Content[i].Value)
			if seenBefore(n, i) {
				d.fail(key, at, "", "set twice")
				continue
			}
			hide := secret || slices.Contains(secretNames, key.Value)
			if v := d.free(n.Content[i+1], at, hide, secrets); v != nil {
				out[key.Value] = v
			}
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = d.free(item, fmt.Sprintf("%s[%d]", path, i), secret, secrets)
		}
		return out
	case yaml.AliasNode:
		d.fail(n, path, "write the value out", "YAML aliases are not read")
		return nil
	}
	return d.freeScalar(n, path, secret, secrets)
}

func (d *decoder) freeScalar(n *yaml.Node, path string, secret bool, secrets *[]string) any {
	text, expanded, err := d.expander.expand(n.Value)
	if err != nil {
		d.fail(n, path, "", "%v", err)
		return nil
	}
	if secret || expanded {
		*secrets = append(*secrets, text)
	}
	if expanded {
		return text
	}
	var v any
	if strings.Contains(n.Value, "$${") || n.Tag == "!!timestamp" {
		return text
	}
	if err := n.Decode(&v); err != nil {
		d.fail(n, path, "", "%v", err)
	}
	return v
}
