package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const maxSecretFile = 64 << 10

// expander replaces ${NAME}, ${NAME:-default} and ${file:/path} in values.
// "$${" stands for a plain "${".
type expander struct {
	env func(string) (string, bool)
}

// expand gives the value with its references replaced; replaced tells whether
// there were any, so that errors don't print what the environment holds.
func (x expander) expand(value string) (out string, replaced bool, err error) {
	if !strings.Contains(value, "${") {
		return value, false, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "${")
		if !found {
			b.WriteString(value)
			return b.String(), replaced, nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(escaped + "${")
			value = rest
			continue
		}
		reference, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", true, errors.New(`"${" without "}"; write "$${" for a plain "${"`)
		}
		resolved, err := x.resolve(reference)
		if err != nil {
			return "", true, err
		}
		b.WriteString(before + resolved)
		value, replaced = after, true
	}
}

func (x expander) resolve(reference string) (string, error) {
	if path, ok := strings.CutPrefix(reference, "file:"); ok {
		return readSecretFile(path)
	}
	name, fallback, hasFallback := strings.Cut(reference, ":-")
	if name == "" {
		return "", errors.New("a reference without a name: ${}")
	}
	if value, ok := x.env(name); ok && (value != "" || !hasFallback) {
		return value, nil
	}
	if hasFallback {
		return fallback, nil
	}
	return "", fmt.Errorf("the environment variable %s is not set; write ${%s:-default} for a default", name, name)
}

// readSecretFile is the file's text without a last line break, at most 64 KiB.
func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxSecretFile {
		return "", fmt.Errorf("%s is larger than 64 KiB", path)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}
