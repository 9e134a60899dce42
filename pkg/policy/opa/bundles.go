package opa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/pkg/policy"
)

// Bundles give policies that are not files of this machine.
type Bundles interface {
	// Snapshot is all that the bundles hold, of one moment. It is an ErrPending
	// while one of them has never come. Safe for concurrent use.
	Snapshot(ctx context.Context) (*Snapshot, error)
}

// ErrPending says that there is nothing to decide by yet.
var ErrPending = errors.New("no bundle was activated yet")

// Snapshot is what bundles hold. All of it is the engine's from then on.
type Snapshot struct {
	// Modules are Rego sources by name, "main/limits.rego".
	Modules map[string][]byte
	// Data is one document of JSON types, numbers as json.Number.
	Data map[string]any
	// Revisions are the bundles' own, by name; "" where a bundle states none.
	Revisions map[string]string
}

// bundleLayer lies above what is embedded and below the options' paths.
const bundleLayer = 1

// addBundles adds what the bundles hold; size bounds it with the files.
func (s *sources) addBundles(ctx context.Context, b Bundles, size *int) error {
	if b == nil {
		return nil
	}
	snap, err := b.Snapshot(ctx)
	if err != nil {
		return err
	}
	s.bundles = snap.Revisions
	for _, name := range slices.Sorted(maps.Keys(snap.Modules)) {
		*size += len(snap.Modules[name])
		s.files = append(s.files, file{name: name, layer: bundleLayer, text: snap.Modules[name], bundled: true})
	}
	if len(snap.Data) > 0 {
		text, err := json.Marshal(snap.Data)
		if err != nil {
			return fmt.Errorf("the bundles' data: %w", err)
		}
		*size += len(text)
		s.files = append(s.files, file{name: "bundles/data.json", layer: bundleLayer, text: text, tree: snap.Data, bundled: true})
	}
	if *size > maxSource {
		return fmt.Errorf("the bundles hold more than %d MiB", maxSource>>20)
	}
	return nil
}

// maxRevision bounds what of a bundle's own revision is shown, in bytes.
const maxRevision = 64

// fullRevision names the bundles' revisions before the hash over everything:
// "main@17+3fa9c1d2e0ab".
func fullRevision(bundles map[string]string, hash string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(bundles)) {
		parts = append(parts, shown(name)+"@"+shown(bundles[name]))
	}
	if len(parts) == 0 {
		return hash
	}
	return strings.Join(parts, ",") + "+" + hash
}

// shown is a name from outside as it may stand in logs, headers and labels.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == ',' || r == '+' || r == '@' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), maxRevision)]
}

// forLogs reports whether a module is the decision logs' (package system.log)
// and no part of a decision. Elsewhere below system nothing is read.
func (f *file) forLogs(m *ast.Module) (bool, error) {
	pkg := m.Package.Path
	if len(pkg) < 2 || !pkg[1].Equal(ast.InternedTerm("system")) {
		return false, nil
	}
	switch {
	case len(pkg) < 3 || !pkg[2].Equal(ast.InternedTerm("log")):
		return false, fmt.Errorf("%s: package %s is none that Regent reads; masks of decision logs are package system.log", place(m.Package.Location), pkg)
	case !f.bundled:
		return false, fmt.Errorf("%s: package %s is read from bundles only (policy.bundles); here it would mask nothing", place(m.Package.Location), pkg)
	}
	return true, nil
}

// pending is the set that decides until the first policies come: it refuses to.
func pending(err error) *Set {
	return &Set{revision: "none", waits: &policy.Error{Kind: policy.Load, Err: err}}
}

// Pending is why nothing can be decided yet: no bundle has come. Nil once one
// has; it never turns back.
func (s *Set) Pending() error {
	if s.waits == nil {
		return nil
	}
	return s.waits
}

// Bundles are the revisions of the bundles that the set was loaded from, by
// name; nil where there are none. Read only.
func (s *Set) Bundles() map[string]string { return s.bundles }

// Pack loads a folder strictly, as what a bundle will hold (o.AsBundle is set),
// and gives its modules, without tests and by paths relative to it, and its data
// as one document.
func Pack(ctx context.Context, o Options, folder string) (*Snapshot, error) {
	o.Paths, o.AsBundle = []string{folder}, true
	if _, err := load(ctx, withDefaults(o)); err != nil {
		return nil, err
	}
	src, err := readSources(ctx, &o)
	if err != nil {
		return nil, err
	}
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil, err
	}
	out := &Snapshot{Modules: map[string][]byte{}}
	own := slices.DeleteFunc(src.files, func(f file) bool { return f.layer <= bundleLayer })
	for _, f := range own {
		if filepath.Ext(f.name) != ".rego" || isTest(f.name) {
			continue
		}
		name, err := filepath.Rel(root, f.name)
		if err != nil {
			return nil, err
		}
		out.Modules[filepath.ToSlash(name)] = f.text
	}
	out.Data, err = layerData(own)
	return out, err
}
