// Command gen turns gitleaks' rule file into the data this package embeds.
//
// It downloads the pinned module, checks its hash, and writes gitleaks.json
// and the licence beside it. Nothing of gitleaks' code is compiled in.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/regent-proxy/regent/pkg/detect/secret/internal/ruleset"
)

// The pinned release: bump both together, run go generate, read the diff.
const (
	module = "github.com/zricethezav/gitleaks/v8@v8.30.1"
	sum    = "h1:PmEvCfVI7ti9dV3s5aMZUY7sS2GxRvG3yzih7E+cS3w="
)

// file mirrors the parts of gitleaks.toml that text, and no path, can decide.
type file struct {
	Allowlist allowlist
	Rules     []struct {
		ID, Description, Regex, Path string
		Entropy                      float64
		SecretGroup                  int
		Keywords                     []string
		Allowlists                   []allowlist
	}
}

type allowlist struct {
	Condition, RegexTarget    string
	Regexes, StopWords, Paths []string
}

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	dir, err := download()
	if err != nil {
		return err
	}
	var src file
	if _, err := toml.DecodeFile(filepath.Join(dir, "config", "gitleaks.toml"), &src); err != nil {
		return fmt.Errorf("read gitleaks' rules: %w", err)
	}
	data, err := encode(convert(src))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "gitleaks.json"), data, 0o644); err != nil {
		return err
	}
	licence, err := os.ReadFile(filepath.Join(dir, "LICENSE"))
	if err != nil {
		return fmt.Errorf("read gitleaks' licence: %w", err)
	}
	return os.WriteFile(filepath.Join(out, "LICENSE.gitleaks"), licence, 0o644)
}

// download returns the pinned module's directory in the module cache.
func download() (string, error) {
	raw, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", module, err)
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(raw, &got); err != nil {
		return "", fmt.Errorf("read the answer of go mod download: %w", err)
	}
	if got.Sum != sum {
		return "", fmt.Errorf("%s has the hash %s, want %s", module, got.Sum, sum)
	}
	return got.Dir, nil
}

// convert drops what needs a file path: a rule with no regex, and
// allow-lists that hold only for some paths.
func convert(src file) ruleset.Set {
	set := ruleset.Set{Source: module, Allow: allow(src.Allowlist)}
	for _, r := range src.Rules {
		if r.Regex == "" {
			continue
		}
		rule := ruleset.Rule{ID: r.ID, Description: r.Description, Regex: r.Regex, Entropy: r.Entropy, Group: r.SecretGroup, Keywords: r.Keywords}
		for _, a := range r.Allowlists {
			if len(a.Paths) == 0 {
				rule.Allow = append(rule.Allow, allow(a))
			}
		}
		set.Rules = append(set.Rules, rule)
	}
	return set
}

func allow(a allowlist) ruleset.Allow {
	return ruleset.Allow{Target: a.RegexTarget, Regexes: a.Regexes, StopWords: a.StopWords}
}

// encode writes one rule a line, so that a bump shows as a readable diff.
func encode(set ruleset.Set) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	head := set
	head.Rules = nil
	if err := enc.Encode(head); err != nil {
		return nil, err
	}
	for _, r := range set.Rules {
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
