package bundle

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/keys"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// PackOptions say how a folder becomes a bundle.
type PackOptions struct {
	Load     opa.Options // how it is checked; Paths are not heeded
	Revision string
	Roots    []string // what the bundle owns, "regent/request"; none is everything
	// SigningKey is a PEM private key, or the secret of an HMAC algorithm, or
	// the path of a file with either; empty leaves the bundle unsigned.
	SigningKey, SigningAlg, KeyID, Scope string
}

// Pack checks a folder as serving would and writes it as a bundle: its modules
// without tests, and its data as one document, whatever its files are called.
func Pack(ctx context.Context, folder string, o PackOptions, w io.Writer) error {
	held, err := opa.Pack(ctx, o.Load, folder)
	if err != nil {
		return err
	}
	b := bundle.Bundle{Manifest: bundle.Manifest{Revision: o.Revision}, Data: held.Data}
	if len(o.Roots) > 0 {
		b.Manifest.Roots = &o.Roots
	}
	b.Manifest.Init()
	b.Manifest.SetRegoVersion(ast.RegoV1)
	for _, name := range slices.Sorted(maps.Keys(held.Modules)) {
		parsed, err := ast.ParseModuleWithOpts(name, string(held.Modules[name]), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return err
		}
		at := path.Join("/", name)
		b.Modules = append(b.Modules, bundle.ModuleFile{URL: at, Path: at, Raw: held.Modules[name], Parsed: parsed})
	}
	if o.SigningKey != "" {
		if err := sign(&b, &o); err != nil {
			return fmt.Errorf("sign: %w", err)
		}
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		return err
	}
	// What OPA would not take must not leave: packages outside the roots.
	if _, err := read(bytes.NewReader(out.Bytes()), nil, true); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// sign has OPA sign. It reads further claims, the scope, from a file.
func sign(b *bundle.Bundle, o *PackOptions) error {
	claims := ""
	if o.Scope != "" {
		f, err := os.CreateTemp("", "regent-claims-*.json")
		if err != nil {
			return err
		}
		claims = f.Name()
		defer os.Remove(claims)
		text, _ := json.Marshal(map[string]string{"scope": o.Scope, "keyid": o.KeyID}) // strings
		if _, err := f.Write(text); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return b.GenerateSignature(bundle.NewSigningConfig(o.SigningKey, cmp.Or(o.SigningAlg, "RS256"), claims), o.KeyID, false)
}

// VerifyOptions say which signature a bundle must have.
type VerifyOptions struct {
	// Key is a PEM public key, the secret of an HMAC algorithm, or the path of a
	// file with either; empty takes the bundle unsigned.
	Key, Alg, KeyID, Scope string
}

// Verified is what a bundle states.
type Verified struct {
	Revision string
	Roots    []string
	Modules  int
	Signed   bool
}

// Verify reads a bundle as serving would, and its signature.
func Verify(r io.Reader, o VerifyOptions) (*Verified, error) {
	var config *bundle.VerificationConfig
	if o.Key != "" {
		id := cmp.Or(o.KeyID, "default")
		key, err := verificationKey(o)
		if err != nil {
			return nil, err
		}
		config = bundle.NewVerificationConfig(map[string]*keys.Config{id: key}, id, o.Scope, nil)
	}
	b, err := read(r, config, o.Key == "")
	if err != nil {
		return nil, err
	}
	return &Verified{Revision: b.Manifest.Revision, Roots: *b.Manifest.Roots, Modules: len(b.Modules), Signed: len(b.Signatures.Signatures) > 0}, nil
}

// verificationKey is the key itself or that of the file named. OPA asks the file
// system which it is, and fails where a key has no slash for longer than a
// file's name may be, so what is plainly a key is not asked about.
func verificationKey(o VerifyOptions) (*keys.Config, error) {
	alg := cmp.Or(o.Alg, "RS256")
	if strings.HasPrefix(o.Key, "-----BEGIN ") {
		return &keys.Config{Key: o.Key, Algorithm: alg, Scope: o.Scope}, nil
	}
	return keys.NewKeyConfig(o.Key, alg, o.Scope)
}

func read(r io.Reader, config *bundle.VerificationConfig, unsigned bool) (bundle.Bundle, error) {
	return bundle.NewReader(r).WithRegoVersion(ast.RegoV1).WithSizeLimitBytes(maxFile).WithLazyLoadingMode(false).
		WithBundleVerificationConfig(config).WithSkipBundleVerification(unsigned).Read()
}
