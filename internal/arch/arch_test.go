package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/regent-proxy/regent/"

// rule says that files below from import nothing below not, unless it is in but.
type rule struct {
	from, not string
	but       []string
	why       string
}

var rules = []rule{
	{from: "pkg/genai", not: "", why: "the vocabulary in the middle imports the standard library only"},
	{from: "pkg/jsonspan", not: "", why: "bytes of JSON know nothing of the house"},
	{from: "pkg/frame", not: "", but: []string{"pkg/jsonspan"}, why: "framing comes before meaning"},
	{from: "pkg/detect", not: "", but: []string{"pkg/detect"}, why: "text detection knows nothing of JSON, Rego or Envoy"},
	{from: "pkg/review", not: "", why: "a store of reviews knows nothing of calls"},
	{from: "pkg/redact", not: "", but: []string{"pkg/detect"}, why: "a stand-in depends on a value alone"},
	{from: "pkg/call/phase", not: "", why: "what extproc and call say to each other is plain"},
	{from: "pkg/extproc", not: "", but: []string{"pkg/extproc", "pkg/call/phase"}, why: "the protocol knows no LLMs and no policy"},
	{from: "pkg/dialect", not: "", but: []string{"pkg/dialect", "pkg/genai", "pkg/jsonspan", "pkg/frame"}, why: "a dialect knows where things lie in bytes and nothing else"},
	{from: "pkg/policy", not: "", but: []string{"pkg/policy", "pkg/genai", "pkg/detect", "pkg/inspect", "pkg/har", "policies", "pkg/dialect", "pkg/dialects", "pkg/catalog"}, why: "the contract and its engine carry nothing out"},
	{from: "pkg/har", not: "", why: "a recording knows nothing of the house"},
	{from: "pkg/replay", not: "pkg/policy/opa", why: "a replay takes Envoy's part, not the engine's"},
	{from: "pkg/policy/rollout", not: "", but: []string{"pkg/policy", "pkg/policy/rollout", "pkg/detect"}, why: "a rollout chooses between sets, each with its detectors"},
	{from: "pkg/policy/rollout", not: "pkg/policy/opa", why: "a rollout knows revisions, not how they evaluate"},
	{from: "pkg/call", not: "pkg/extproc", why: "a call is driven, it does not speak the protocol"},
	{from: "pkg/call", not: "pkg/policy/opa", why: "call knows the contract, not the engine"},
	{from: "pkg/call", not: "pkg/telemetry", why: "telemetry reads a finished call"},
	{from: "pkg/admin", not: "pkg/console", why: "the admin port serves pages and knows none"},
	{from: "pkg/console", not: "pkg/telemetry", why: "the console reads finished calls, as telemetry does"},
	{from: "pkg/console", not: "pkg/policy/opa", why: "the console shows what it is told of the policy"},
	{from: "pkg", not: "cmd", why: "a library does not know its commands"},
}

// siblings may not import each other; bedrock carries anthropic's bodies.
var siblings = []string{"openai", "anthropic", "gemini", "bedrock", "cohere", "ollama", "mcp"}

// onlyIn are imports that one place alone may have.
var onlyIn = map[string][]string{
	"github.com/envoyproxy/go-control-plane": {"pkg/extproc"},
	"github.com/open-policy-agent/opa":       {"pkg/policy/opa", "pkg/policy/bundle", "cmd/regent", "policies"},
	"github.com/spf13/cobra":                 {"cmd/regent"},
}

func TestImports(t *testing.T) {
	eachFile(t, func(file, dir string, imports []string) {
		for _, path := range imports {
			for where, places := range onlyIn {
				if strings.HasPrefix(path, where) && !below(dir, places...) {
					t.Errorf("%s imports %s, which only %s may", file, path, strings.Join(places, " and "))
				}
			}
			target, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			for _, r := range rules {
				if below(dir, r.from) && !below(dir, innerRooms(r)...) && below(target, r.not) && !below(target, r.but...) {
					t.Errorf("%s imports %s: %s", file, target, r.why)
				}
			}
			sibling(t, file, dir, target)
		}
	})
}

// innerRooms are the packages below a rule's own that have a rule of their own.
func innerRooms(r rule) []string {
	var list []string
	for _, other := range rules {
		if other.from != r.from && strings.HasPrefix(other.from, r.from+"/") {
			list = append(list, other.from)
		}
	}
	return list
}

func sibling(t *testing.T, file, dir, target string) {
	for _, from := range siblings {
		for _, to := range siblings {
			if from != to && dir == "pkg/dialect/"+from && target == "pkg/dialect/"+to && !(from == "bedrock" && to == "anthropic") {
				t.Errorf("%s imports %s: dialects don't know each other", file, target)
			}
		}
	}
}

func below(dir string, places ...string) bool {
	for _, p := range places {
		if p == "" || dir == p || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return false
}

// TestPackageComments wants one package comment a folder: a reader's first
// sentence.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	eachFile(t, func(file, dir string, _ []string) {
		text, err := os.ReadFile(filepath.Join("..", "..", file))
		if err != nil {
			t.Fatal(err)
		}
		documented[dir] = documented[dir] || strings.Contains("\n"+string(text), "\n// Package ") || strings.Contains("\n"+string(text), "\n// Command ")
	})
	for dir, has := range documented {
		if !has {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// eachFile visits the Go files that are not tests.
func eachFile(t *testing.T, visit func(file, dir string, imports []string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if name := d.Name(); rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range parsed.Imports {
			imports = append(imports, strings.Trim(i.Path.Value, `"`))
		}
		visit(filepath.ToSlash(rel), filepath.ToSlash(filepath.Dir(rel)), imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
