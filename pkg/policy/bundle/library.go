package bundle

import (
	"io/fs"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/regent-proxy/regent/policies"
)

// activator is OPA's own, with Regent's library beside each bundle: a bundle may
// call its functions, and OPA compiles each bundle before Regent does.
type activator struct{ bundle.DefaultActivator }

// register makes it OPA's default, which is the process's: OPA's bundle plugin
// offers no other way. Stores stay what they are without it.
var register = sync.OnceFunc(func() {
	bundle.RegisterActivator("regent", &activator{})
	bundle.RegisterStoreFunc(func() storage.Store { return inmem.New() })
	bundle.RegisterDefaultBundleActivator("regent")
})

// Activate compiles the library along; it is not stored.
func (a *activator) Activate(o *bundle.ActivateOpts) error {
	modules, err := library()
	if err != nil {
		return err
	}
	o.ExtraModules = modules
	return a.DefaultActivator.Activate(o)
}

// library is Regent's, parsed anew each time: compiling changes modules.
func library() (map[string]*ast.Module, error) {
	texts, err := libraryTexts()
	if err != nil {
		return nil, err
	}
	out := make(map[string]*ast.Module, len(texts))
	for name, text := range texts {
		if out[name], err = ast.ParseModuleWithOpts(name, text, ast.ParserOptions{RegoVersion: ast.RegoV1}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var libraryTexts = sync.OnceValues(func() (map[string]string, error) {
	out := map[string]string{}
	err := fs.WalkDir(policies.Files, "lib", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".rego") || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		text, err := fs.ReadFile(policies.Files, name)
		out["regent:"+name] = string(text)
		return err
	})
	return out, err
})
