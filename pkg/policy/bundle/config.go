package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/keys"
	opabundle "github.com/open-policy-agent/opa/v1/plugins/bundle"
	"github.com/open-policy-agent/opa/v1/plugins/logs"
	"github.com/open-policy-agent/opa/v1/plugins/rest"
	"github.com/open-policy-agent/opa/v1/plugins/status"
)

// MaxBundles bounds the bundles of one configuration.
const MaxBundles = 16

// maxFile bounds a bundle's file where size_limit_bytes does not, and what is
// fetched of a bundle in any case: the engine takes no more.
const maxFile = 64 << 20

// parsed is what OPA's plugins made of their parts, nil where not configured.
type parsed struct {
	bundles *opabundle.Config
	logs    *logs.Config
	status  *status.Config
}

// shape is the configuration as OPA's own types have it: what they know is known.
type shape struct {
	Services     map[string]rest.Config      `json:"services"`
	Keys         map[string]keys.Config      `json:"keys"`
	Bundles      map[string]opabundle.Source `json:"bundles"`
	Folder       string                      `json:"persistence_directory"`
	DecisionLogs logs.Config                 `json:"decision_logs"`
	Status       status.Config               `json:"status"`
	Labels       map[string]string           `json:"labels"`
}

// refused are members that OPA knows and Regent does not offer.
var refused = []struct{ path, why string }{
	{"services.*.credentials.plugin", "Regent has no credential plugins"},
	{"decision_logs.plugin", "Regent has no log plugins; use service or console"},
	{"decision_logs.nd_builtin_cache", "it would hold nothing: decisions depend on their facts alone"},
	{"decision_logs.request_context", "policies' facts are logged, headers among them"},
	{"status.plugin", "Regent has no status plugins; use service or console"},
	{"status.prometheus", "see Regent's own metrics"},
	{"status.prometheus_config", "see Regent's own metrics"},
}

// prepare copies the configuration, refuses what is unknown or would quietly do
// nothing, and adds bounds where OPA has none.
func prepare(given map[string]any) (map[string]any, error) {
	var out map[string]any
	text, err := json.Marshal(given)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, err
	}
	if err := errors.Join(known(out, reflect.TypeFor[shape](), ""), offered(out), consistent(out)); err != nil {
		return nil, err
	}
	bound(out)
	return out, prepareFolder(out)
}

// known walks the configuration along the types it is decoded into.
func known(v any, of reflect.Type, at string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(object)) {
		here := strings.TrimPrefix(at+"."+name, ".")
		switch of.Kind() {
		case reflect.Map:
			faults = append(faults, known(object[name], of.Elem(), here))
		case reflect.Struct:
			members := membersOf(of)
			if inner := members[name]; inner != nil {
				faults = append(faults, known(object[name], inner, here))
			} else {
				faults = append(faults, fmt.Errorf("%s is unknown%s", here, nearest(name, slices.Sorted(maps.Keys(members)))))
			}
		}
	}
	return errors.Join(faults...)
}

// membersOf are a struct's members as JSON names them, those of embedded ones
// included.
func membersOf(of reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			maps.Copy(out, membersOf(f.Type))
		case f.IsExported() && name != "" && name != "-":
			out[name] = f.Type
		}
	}
	return out
}

func nearest(word string, names []string) string {
	best, least := "", min((len(word)+1)/2, 3)+1
	for _, n := range names {
		if d := levenshtein.ComputeDistance(word, n); d < least {
			best, least = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// offered refuses members that have no effect here.
func offered(c map[string]any) error {
	var faults []error
	for _, r := range refused {
		eachAt(c, strings.Split(r.path, "."), "", func(at string) {
			faults = append(faults, fmt.Errorf("%s is not offered: %s", at, r.why))
		})
	}
	return errors.Join(faults...)
}

// eachAt visits the places that a path with stars leads to.
func eachAt(v any, path []string, at string, visit func(at string)) {
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name, inner := range object {
		if path[0] != "*" && path[0] != name {
			continue
		}
		if here := strings.TrimPrefix(at+"."+name, "."); len(path) == 1 {
			visit(here)
		} else {
			eachAt(inner, path[1:], here, visit)
		}
	}
}

// consistent refuses what OPA takes and what would guard less than it seems to.
func consistent(c map[string]any) error {
	var faults []error
	if _, isObject := c["services"].(map[string]any); c["services"] != nil && !isObject {
		faults = append(faults, errors.New("services is not an object of services by name"))
	}
	bundles, _ := c["bundles"].(map[string]any)
	if len(bundles) > MaxBundles {
		faults = append(faults, fmt.Errorf("bundles has %d members, %d at most", len(bundles), MaxBundles))
	}
	for _, name := range slices.Sorted(maps.Keys(bundles)) {
		b, _ := bundles[name].(map[string]any)
		faults = append(faults, consistentBundle(c, "bundles."+name, b))
	}
	if reporting := within(c, "decision_logs", "reporting"); reporting["trigger"] == "manual" {
		faults = append(faults, errors.New("decision_logs.reporting.trigger is manual, and nothing here pulls it: nothing would be sent"))
	}
	return errors.Join(faults...)
}

func consistentBundle(c map[string]any, at string, b map[string]any) error {
	switch {
	case b == nil:
		return fmt.Errorf("%s is not an object", at)
	case strings.ContainsAny(at, `/\`), strings.Contains(at, ".."):
		return fmt.Errorf("%s: a bundle's name is a folder's name where it is persisted", at)
	case b["trigger"] == "manual":
		return fmt.Errorf("%s.trigger is manual, and nothing here pulls it: it would never be fetched", at)
	case c["keys"] != nil && b["signing"] == nil:
		return fmt.Errorf("%s has no signing although there are keys: an unsigned bundle would be taken; add signing: {keyid: …}", at)
	case b["persist"] == true && c["persistence_directory"] == nil:
		return fmt.Errorf("%s.persist is set; say where by persistence_directory", at)
	}
	return nil
}

// bound adds bounds where OPA's default is none.
func bound(c map[string]any) {
	for _, b := range within(c, "bundles") {
		if b := b.(map[string]any); b["size_limit_bytes"] == nil {
			b["size_limit_bytes"] = maxFile
		}
	}
	l, ok := c["decision_logs"].(map[string]any)
	if !ok {
		return
	}
	r, ok := l["reporting"].(map[string]any)
	if !ok {
		r = map[string]any{}
		l["reporting"] = r
	}
	if r["buffer_type"] == nil && r["buffer_size_limit_bytes"] == nil {
		r["buffer_type"] = "event" // 10,000 of them unless buffer_size_limit_events says otherwise
	}
}

func within(c map[string]any, path ...string) map[string]any {
	for _, p := range path {
		c, _ = c[p].(map[string]any)
	}
	return c
}

// prepareFolder makes the folder of what is persisted: OPA panics where its OCI
// store can't be made.
func prepareFolder(c map[string]any) error {
	folder, ok := c["persistence_directory"].(string)
	if !ok {
		return nil
	}
	for _, inner := range []string{"bundles", "oci"} {
		if err := os.MkdirAll(filepath.Join(folder, inner), 0o750); err != nil {
			return fmt.Errorf("persistence_directory: %w", err)
		}
	}
	return nil
}

// parse has OPA read its parts, as its own server does.
func (m *Manager) parse() (*parsed, error) {
	c, services := m.manager.GetConfig(), m.manager.Services()
	slices.Sort(services)
	out := &parsed{}
	var err error
	if c.Bundles != nil {
		out.bundles, err = opabundle.NewConfigBuilder().WithBytes(c.Bundles).WithServices(services).WithKeyConfigs(m.manager.PublicKeys()).Parse()
		if err != nil {
			return nil, err
		}
	}
	if c.DecisionLogs != nil {
		if out.logs, err = logs.NewConfigBuilder().WithBytes(c.DecisionLogs).WithServices(services).WithLogger(m.log).Parse(); err != nil {
			return nil, err
		}
		if out.logs == nil {
			return nil, errors.New("decision_logs has neither a service nor console: true")
		}
	}
	if c.Status != nil {
		if out.status, err = status.NewConfigBuilder().WithBytes(c.Status).WithServices(services).Parse(); err != nil {
			return nil, err
		}
		if out.status == nil {
			return nil, errors.New("status has neither a service nor console: true")
		}
	}
	return out, nil
}
