package opa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/regent-proxy/regent/pkg/policy"
)

// load reads, checks, compiles and prepares the policies. A panic on the way, of
// a builtin in a rule that depends on no fact, is an error: it must not take the
// process along.
func load(ctx context.Context, o *Options) (set *Set, err error) {
	defer func() {
		if p := recover(); p != nil {
			set, err = nil, &policy.Error{Kind: policy.Load, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	set, err = build(ctx, o)
	if err != nil {
		return nil, &policy.Error{Kind: policy.Load, Err: err}
	}
	return set, nil
}

func build(ctx context.Context, o *Options) (*Set, error) {
	src, err := readSources(ctx, o)
	if err != nil {
		return nil, err
	}
	data, err := src.data()
	if err != nil {
		return nil, err
	}
	settings, err := checkData(data)
	if err != nil {
		return nil, err
	}
	modules, err := src.modules(false)
	if err != nil {
		return nil, err
	}
	terms, err := ast.InterfaceToValue(data)
	if err != nil {
		return nil, err
	}
	compiler, err := compile(modules, terms, o.AllowNetwork, o.plain)
	if err != nil {
		return nil, err
	}
	if !o.plain && !o.whole && split(modules, compiler) {
		if compiler, err = compile(modules, terms, o.AllowNetwork, o.plain); err != nil {
			return nil, fmt.Errorf("with its sets split: %w", err)
		}
	}
	set := &Set{revision: src.revision(), bundles: src.bundles, settings: settings, compiler: compiler, timeout: o.Timeout, plain: o.plain, phases: map[policy.Phase]*document{}}
	if set.detect, err = ownDetectors(settings, o); err != nil {
		return nil, err
	}
	set.knows = knowledgeOf(o, set.detect)
	if err := set.open(ctx, terms); err != nil {
		return nil, err
	}
	if set.terms, err = newTermLists(settings); err != nil {
		return nil, err
	}
	return set, set.prepare()
}

// compile type-checks and compiles the modules strictly. plain leaves the rules
// as they are written.
func compile(modules map[string]*ast.Module, data ast.Value, network, plain bool) (*ast.Compiler, error) {
	if err := checkModules(modules); err != nil {
		return nil, err
	}
	schemas, err := schemaSet()
	if err != nil {
		return nil, err
	}
	c := ast.NewCompiler().
		WithStrict(true).
		WithCapabilities(capabilities(network)).
		WithSchemas(schemas).
		WithUseTypeCheckAnnotations(true).
		WithPathConflictsCheck(hasData(data))
	if !plain {
		c.WithStageAfterID(ast.StageCheckDeprecatedBuiltins, fold(data))
	}
	c.Compile(modules)
	if c.Failed() {
		return nil, plannedErrors(c.Errors)
	}
	return c, nil
}

// hasData tells the compiler where data lies, so that no rule hides it.
func hasData(data ast.Value) func([]string) (bool, error) {
	return func(path []string) (bool, error) {
		ref := make(ast.Ref, len(path))
		for i, name := range path {
			ref[i] = ast.InternedTerm(name)
		}
		_, err := data.Find(ref)
		return err == nil, nil
	}
}

// unsafeBuiltins reach outside the process or tell a policy about it.
var unsafeBuiltins = []string{"http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "uuid.rfc4122"}

// capabilities are OPA's without what makes a decision depend on anything but
// its facts: the network, the process, chance. The clock is the call's own
// (time.now_ns is when the call started).
var capabilities = func() func(network bool) *ast.Capabilities {
	lean := sync.OnceValue(func() *ast.Capabilities {
		c := ast.CapabilitiesForThisVersion()
		c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return slices.Contains(unsafeBuiltins, b.Name) })
		return c
	})
	return func(network bool) *ast.Capabilities {
		if network {
			return ast.CapabilitiesForThisVersion()
		}
		return lean()
	}
}()

// checkModules finds what would be ignored at run time: rules of the phases'
// packages that are no members, and heads that can never be decoded.
func checkModules(modules map[string]*ast.Module) error {
	var faults []error
	for _, m := range modules {
		phase, ok := phaseOf(m.Package.Path)
		if !ok {
			if err := checkPackage(m); err != nil {
				faults = append(faults, err)
			}
			continue
		}
		for _, rule := range m.Rules {
			faults = append(faults, checkRule(phase, rule))
		}
	}
	faults = slices.DeleteFunc(faults, func(err error) bool { return err == nil })
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// phaseOf is the phase whose document the package data.regent.<phase> is.
func phaseOf(pkg ast.Ref) (policy.Phase, bool) {
	if len(pkg) != 3 || !pkg[1].Equal(ast.InternedTerm("regent")) {
		return "", false
	}
	name, _ := pkg[2].Value.(ast.String)
	phase := policy.Phase(name)
	_, ok := contract[phase]
	return phase, ok
}

// checkPackage catches a misspelt data.regent.<phase>: below regent only the
// phases and regent.lib are known.
func checkPackage(m *ast.Module) error {
	pkg := m.Package.Path
	if len(pkg) < 2 || !pkg[1].Equal(ast.InternedTerm("regent")) {
		return nil
	}
	known := []string{"request", "response", "attempt", "lib"}
	name := ""
	if len(pkg) > 2 {
		s, _ := pkg[2].Value.(ast.String)
		name = string(s)
	}
	if name == "lib" && len(pkg) > 3 {
		return nil
	}
	return fmt.Errorf("%s: package %s is none that Regent reads%s", place(m.Package.Location), pkg, hint(name, known))
}

// checkRule checks one rule of a phase's package: its name, and as much of its
// value as is written out.
func checkRule(phase policy.Phase, rule *ast.Rule) error {
	ref := rule.Head.Ref()
	name := string(ref[0].Value.(ast.Var))
	of := contract[phase].fields[name]
	switch {
	case phase == policy.Attempt:
		return fmt.Errorf("%s: the attempt phase is not asked by this version: remove %s", place(rule.Location), name)
	case len(rule.Head.Args) > 0, strings.HasPrefix(name, "_"):
		return nil
	case of == nil:
		return fmt.Errorf("%s: %q is no member of a %s decision%s; helpers begin with _ or live in another package", place(rule.Location), name, phase, hint(name, contract[phase].names()))
	case of.refused != "":
		return fmt.Errorf("%s: %s", place(rule.Location), of.refused)
	}
	return checkHead(of, rule, string(phase)+"."+name)
}

// checkHead follows a rule's head, headers.set["x"] := "y", into the shape and
// checks the value where it is written as a literal.
func checkHead(of *shape, rule *ast.Rule, path string) error {
	var err error
	for _, t := range rule.Head.Ref()[1:] {
		name, static := t.Value.(ast.String)
		if of.kind == kindObject && !static || of.kind == kindList {
			// A partial set's key is its element; any other key is unknown
			// until it runs.
			break
		}
		if of, err = of.member(string(name), path); err != nil {
			return fmt.Errorf("%s: %w", place(rule.Location), err)
		}
		path += "." + string(name)
	}
	for r := rule; r != nil && err == nil; r = r.Else {
		err = checkLiteral(of, headValue(of, r), path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", place(rule.Location), err)
	}
	return nil
}

// headValue is the term of a rule's head that ends up in the place of shape of.
func headValue(of *shape, r *ast.Rule) *ast.Term {
	if r.Head.RuleKind() == ast.MultiValue {
		return ast.NewTerm(ast.NewSet(r.Head.Key))
	}
	return r.Head.Value
}

// checkLiteral checks what is written out of a value: names of members, and
// constants. What only an evaluation can tell is left to the decoder.
func checkLiteral(s *shape, t *ast.Term, path string) error {
	if t == nil {
		return nil
	}
	if s.refused != "" {
		return fault(path, "%s", s.refused)
	}
	switch v := t.Value.(type) {
	case ast.Null, ast.Boolean, ast.Number, ast.String:
		return s.check(v, path)
	case ast.Object:
		return checkLiteralObject(s, v, path)
	case *ast.Array:
		if s.kind != kindList {
			return s.unless(kindJSON, v, path)
		}
		return v.Iter(func(t *ast.Term) error { return checkLiteral(s.elem, t, path+"[_]") })
	case ast.Set:
		if s.kind != kindList {
			return s.unless(kindJSON, v, path)
		}
		return v.Iter(func(t *ast.Term) error { return checkLiteral(s.elem, t, path+"[_]") })
	}
	return nil
}

func checkLiteralObject(s *shape, obj ast.Object, path string) error {
	if s.kind != kindObject && s.kind != kindMap {
		return s.unless(kindJSON, obj, path)
	}
	return obj.Iter(func(k, v *ast.Term) error {
		name, ok := k.Value.(ast.String)
		if !ok {
			return nil
		}
		of, err := s.member(string(name), path)
		if err != nil {
			return err
		}
		return checkLiteral(of, v, path+"."+string(name))
	})
}

func (s *shape) unless(k kind, v ast.Value, path string) error {
	if s.kind == k {
		return nil
	}
	return at(path, s.mistyped(v))
}

func place(l *ast.Location) string {
	if l == nil {
		return "?"
	}
	return fmt.Sprintf("%s:%d", l.File, l.Row)
}

// baseData answers for the store what it can: data does not change, and walking
// it costs less than the store's own way.
type baseData struct{ root ast.Value }

// Get implements topdown.BaseCache.
func (b baseData) Get(ref ast.Ref) ast.Value {
	v, err := b.root.Find(ref[1:])
	if err != nil {
		return nil
	}
	return v
}

// Put implements topdown.BaseCache.
func (baseData) Put(ast.Ref, ast.Value) {}

// open puts the data into a store that nothing writes to again, with one read
// transaction for the set's whole life.
func (s *Set) open(ctx context.Context, data ast.Value) error {
	s.store = inmem.NewFromASTObject(data.(ast.Object))
	txn, err := s.store.NewTransaction(ctx, storage.TransactionParams{})
	s.txn, s.base = txn, baseData{data}
	return err
}
