package opa

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/regent-proxy/regent/policies"
)

// maxSource bounds all files of a policy together: a folder given by mistake
// should fail at once and not fill the memory.
const maxSource = 64 << 20

// file is one source file, read.
type file struct {
	name  string // as shown in errors
	layer int    // 0 what is embedded, 1 what bundles hold, then one a path
	text  []byte
	// bundled: of a bundle, or of a folder that becomes one.
	bundled bool
	tree    map[string]any // a bundle's data, read already; else nil
}

// sources are all files of a policy set, in a fixed order.
type sources struct {
	files   []file
	bundles map[string]string // their revisions, nil where there are none
}

// readSources reads the embedded files, what the bundles hold, and the files of
// the options' paths.
func readSources(ctx context.Context, o *Options) (*sources, error) {
	s := &sources{}
	if err := s.addEmbedded(o.NoDefault); err != nil {
		return nil, err
	}
	size := 0
	if err := s.addBundles(ctx, o.Bundles, &size); err != nil {
		return nil, err
	}
	first := len(s.files)
	for i, p := range o.Paths {
		if err := s.addPath(ctx, p, bundleLayer+1+i, &size); err != nil {
			return nil, err
		}
	}
	for i := range s.files[first:] {
		s.files[first+i].bundled = o.AsBundle
	}
	return s, nil
}

func (s *sources) addEmbedded(noDefault bool) error {
	return fs.WalkDir(policies.Files, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && noDefault && name == "default":
			return fs.SkipDir
		case e.IsDir() || !isSource(name) || strings.HasPrefix(name, "schemas/"):
			return nil
		}
		text, err := fs.ReadFile(policies.Files, name)
		s.files = append(s.files, file{name: "regent:" + name, text: text})
		return err
	})
}

// addPath reads a file, or the folder below a path. Hidden entries are left
// out: a mounted ConfigMap keeps its versions in them, and shows the current
// one by links beside.
func (s *sources) addPath(ctx context.Context, root string, layer int, size *int) error {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return fmt.Errorf("policy path: %w", err)
	}
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("policy path: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if name != root && strings.HasPrefix(e.Name(), ".") {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		return s.addFile(name, name == root, layer, size)
	})
}

// addFile reads one file; those of other kinds are skipped in a folder, and an
// error where they were named.
func (s *sources) addFile(name string, named bool, layer int, size *int) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("policy path: %w", err)
	}
	if info.IsDir() {
		return s.addLinkedFolder(name, layer, size)
	}
	if !isSource(name) {
		if named {
			return fmt.Errorf("policy path: %s is neither .rego, .json, .yaml nor .yml", name)
		}
		return nil
	}
	if *size += int(min(info.Size(), maxSource+1)); *size > maxSource {
		return fmt.Errorf("policy path: the files hold more than %d MiB, up to %s", maxSource>>20, name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("policy path: %w", err)
	}
	s.files = append(s.files, file{name: name, layer: layer, text: text})
	return nil
}

// addLinkedFolder reads the files of a folder that is a link, as mounted
// volumes have them, one level deep: links cannot lead round in a circle.
func (s *sources) addLinkedFolder(name string, layer int, size *int) error {
	entries, err := os.ReadDir(name)
	if err != nil {
		return fmt.Errorf("policy path: %w", err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			if err := s.addFile(filepath.Join(name, e.Name()), false, layer, size); err != nil {
				return err
			}
		}
	}
	return nil
}

func isSource(name string) bool {
	switch path.Ext(name) {
	case ".rego", ".json", ".yaml", ".yml":
		return true
	}
	return false
}

// revision is a short hash over all files' names and bytes, after the bundles'
// own revisions.
func (s *sources) revision() string {
	h := sha256.New()
	for _, f := range s.files {
		fmt.Fprintf(h, "%d %s %d\n", f.layer, filepath.Base(f.name), len(f.text))
		h.Write(f.text)
	}
	return fullRevision(s.bundles, hex.EncodeToString(h.Sum(nil))[:12])
}

// modules parses the Rego files. Tests are left out unless wanted: they never
// run on the way of a call.
func (s *sources) modules(tests bool) (map[string]*ast.Module, error) {
	out := map[string]*ast.Module{}
	var faults []error
	for _, f := range s.files {
		if path.Ext(f.name) != ".rego" || !tests && isTest(f.name) {
			continue
		}
		m, err := ast.ParseModuleWithOpts(f.name, string(f.text), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
		switch {
		case err != nil:
			faults = append(faults, err)
		case m == nil:
			faults = append(faults, fmt.Errorf("%s: the file is empty", f.name))
		default:
			logs, err := f.forLogs(m)
			if err != nil {
				faults = append(faults, err)
			} else if !logs {
				out[f.name] = m
			}
		}
	}
	yieldPackages(out)
	return out, errors.Join(faults...)
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.rego") }

// data merges the data files: those of one layer must not contradict each
// other, those of a later layer override.
func (s *sources) data() (map[string]any, error) {
	merged := map[string]any{}
	for layer, rest := 0, s.files; len(rest) > 0; layer++ {
		n := sort.Search(len(rest), func(i int) bool { return rest[i].layer > layer })
		one, err := layerData(rest[:n])
		if err != nil {
			return nil, err
		}
		override(merged, one)
		rest = rest[n:]
	}
	return merged, nil
}

func layerData(files []file) (map[string]any, error) {
	out := map[string]any{}
	for _, f := range files {
		if path.Ext(f.name) == ".rego" {
			continue
		}
		doc, err := f.data()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if err := join(out, doc, "data"); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return out, nil
}

// data is what a data file holds.
func (f *file) data() (map[string]any, error) {
	if f.tree != nil {
		return f.tree, nil
	}
	return parseData(*f)
}

// parseData reads a data file: an object of JSON types. A key given twice is an
// error in YAML and JSON alike.
func parseData(f file) (map[string]any, error) {
	text := f.text
	if path.Ext(f.name) != ".json" {
		var doc map[string]any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return nil, err
		}
		// Through JSON, so that numbers, keys and dates are what Rego knows.
		var err error
		if text, err = json.Marshal(doc); err != nil {
			return nil, err
		}
	}
	return parseJSON(text)
}

func parseJSON(text []byte) (map[string]any, error) {
	// The strict reader first: encoding/json lets the last of two equal keys win.
	if _, err := jsontext.NewDecoder(bytes.NewReader(text)).ReadValue(); err != nil {
		return nil, err
	}
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if doc == nil { // null: an empty file
		doc = map[string]any{}
	}
	return doc, nil
}

// join adds src to dst; two different values in one place are an error.
func join(dst, src map[string]any, at string) error {
	for k, v := range src {
		old, known := dst[k]
		a, aok := old.(map[string]any)
		b, bok := v.(map[string]any)
		switch {
		case !known:
			dst[k] = v
		case aok && bok:
			if err := join(a, b, at+"."+k); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s.%s is set by two files of one path; put the overriding one in a later path", at, k)
		}
	}
	return nil
}

// override lays src over dst: objects merge, all else is replaced.
func override(dst, src map[string]any) {
	for k, v := range src {
		a, aok := dst[k].(map[string]any)
		b, bok := v.(map[string]any)
		if aok && bok {
			override(a, b)
			continue
		}
		dst[k] = v
	}
}
