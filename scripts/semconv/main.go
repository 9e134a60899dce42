// Command semconv extracts what Regent's tests hold its telemetry against from a
// checkout of the OpenTelemetry semantic conventions: the types of attributes,
// and what the spans and metrics of GenAI and MCP calls must and may have.
//
//	git clone --branch v1.41.1 https://github.com/open-telemetry/semantic-conventions
//	go run ./scripts/semconv -version 1.41.1 semantic-conventions > pkg/telemetry/testdata/semconv.json
//
// The source is Apache-2.0 licensed, as Regent is. v1.41.1 is the last version
// that has GenAI conventions.
package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	version := flag.String("version", "", "the version that is checked out")
	flag.Parse()
	if err := run(os.Stdout, flag.Arg(0), *version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// wanted are the groups that Regent's telemetry is held against.
var wanted = regexp.MustCompile(`^(span\.(gen_ai\.(inference|embeddings)\.client|openai\.inference\.client|aws\.bedrock\.client|anthropic\.inference\.client|azure\.ai\.inference\.client|mcp\.client|mcp\.server)|metric\.(gen_ai|mcp)\..*)$`)

// namespaces are the attributes that are kept though no wanted group names them.
var namespaces = []string{"gen_ai.", "mcp.", "jsonrpc.", "openai.", "aws.bedrock.", "error.", "server.", "service.", "http.response.status_code", "http.request.resend_count"}

// group is a group of the model's YAML.
type group struct {
	ID         string      `yaml:"id"`
	Type       string      `yaml:"type"`
	Extends    string      `yaml:"extends"`
	SpanKind   string      `yaml:"span_kind"`
	MetricName string      `yaml:"metric_name"`
	Unit       string      `yaml:"unit"`
	Instrument string      `yaml:"instrument"`
	Attributes []attribute `yaml:"attributes"`
}

type attribute struct {
	ID         string    `yaml:"id"`
	Ref        string    `yaml:"ref"`
	Type       yaml.Node `yaml:"type"`
	Level      yaml.Node `yaml:"requirement_level"`
	Deprecated any       `yaml:"deprecated"`
}

// extract is the file that is written.
type extract struct {
	Source     string             `json:"source"`
	License    string             `json:"license"`
	Attributes map[string]typed   `json:"attributes"`
	Spans      map[string]span    `json:"spans"`
	Metrics    map[string]measure `json:"metrics"`
}

type typed struct {
	Type string   `json:"type"` // string, int, double, boolean, string[], any, …
	Enum []string `json:"enum,omitempty"`
}

type span struct {
	Kind       string            `json:"kind"`
	Attributes map[string]string `json:"attributes"` // to requirement level
}

type measure struct {
	Instrument string            `json:"instrument"`
	Unit       string            `json:"unit"`
	Buckets    []float64         `json:"buckets,omitempty"`
	Attributes map[string]string `json:"attributes"`
}

func run(w io.Writer, dir, version string) error {
	groups, err := readModel(filepath.Join(dir, "model"))
	if err != nil {
		return err
	}
	buckets, err := readBuckets(filepath.Join(dir, "docs", "gen-ai"))
	if err != nil {
		return err
	}
	out := extract{
		Source:  "https://github.com/open-telemetry/semantic-conventions v" + version + ", by scripts/semconv",
		License: "Apache-2.0", Attributes: map[string]typed{}, Spans: map[string]span{}, Metrics: map[string]measure{},
	}
	used := map[string]bool{}
	for id, g := range groups {
		if !wanted.MatchString(id) {
			continue
		}
		levels := map[string]string{}
		if err := gather(groups, id, levels); err != nil {
			return err
		}
		for name := range levels {
			used[name] = true
		}
		if g.Type == "span" {
			out.Spans[strings.TrimPrefix(id, "span.")] = span{Kind: g.SpanKind, Attributes: levels}
		} else {
			out.Metrics[g.MetricName] = measure{Instrument: g.Instrument, Unit: g.Unit, Buckets: buckets[id], Attributes: levels}
		}
	}
	if err := out.addTypes(groups, used); err != nil {
		return err
	}
	return out.write(w)
}

func readModel(dir string) (map[string]*group, error) {
	groups := map[string]*group{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var file struct {
			Groups []*group `yaml:"groups"`
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, g := range file.Groups {
			groups[g.ID] = g
		}
		return nil
	})
	return groups, err
}

// gather puts a group's attributes with their requirement levels into levels:
// those it extends first, which its own override.
func gather(groups map[string]*group, id string, levels map[string]string) error {
	g := groups[id]
	if g == nil {
		return fmt.Errorf("group %s is extended, but not there", id)
	}
	if g.Extends != "" {
		if err := gather(groups, g.Extends, levels); err != nil {
			return err
		}
	}
	for _, a := range g.Attributes {
		name := cmp.Or(a.Ref, a.ID)
		if level := levelOf(&a.Level); level != "" {
			levels[name] = level
		} else if levels[name] == "" {
			levels[name] = "recommended" // the conventions' default
		}
	}
	return nil
}

// levelOf is required, conditionally_required, recommended, opt_in, or "".
func levelOf(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode {
		return n.Content[0].Value
	}
	return n.Value
}

func (e *extract) addTypes(groups map[string]*group, used map[string]bool) error {
	for _, g := range groups {
		for _, a := range g.Attributes {
			if a.ID == "" || a.Deprecated != nil {
				continue
			}
			ours := slices.ContainsFunc(namespaces, func(n string) bool { return strings.HasPrefix(a.ID, n) })
			if ours || used[a.ID] {
				t, err := typeOf(&a.Type)
				if err != nil {
					return fmt.Errorf("%s: %w", a.ID, err)
				}
				e.Attributes[a.ID] = t
			}
		}
	}
	for name := range used {
		if _, known := e.Attributes[name]; !known {
			return fmt.Errorf("%s is used, but not in the registry", name)
		}
	}
	return nil
}

func typeOf(n *yaml.Node) (typed, error) {
	if n.Kind == yaml.ScalarNode {
		return typed{Type: n.Value}, nil
	}
	var enum struct {
		Members []struct {
			Value      yaml.Node `yaml:"value"`
			Deprecated any       `yaml:"deprecated"`
		} `yaml:"members"`
	}
	if err := n.Decode(&enum); err != nil {
		return typed{}, err
	}
	t := typed{Type: "string"}
	for _, m := range enum.Members {
		if m.Value.Tag == "!!int" {
			t.Type = "int"
		}
		if m.Deprecated == nil {
			t.Enum = append(t.Enum, m.Value.Value)
		}
	}
	return t, nil
}

// section is a metric's place in the pages, which alone tell the buckets.
var (
	section = regexp.MustCompile(`<!-- semconv (metric\.[a-z_.]+) -->`)
	bounds  = regexp.MustCompile("(?s)ExplicitBucketBoundaries.{0,200}?of\\s+`?\\[([0-9., \n]+)\\]")
)

func readBuckets(dir string) (map[string][]float64, error) {
	out := map[string][]float64{}
	for _, page := range []string{"gen-ai-metrics.md", "mcp.md"} {
		data, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			return nil, err
		}
		from := 0
		for _, at := range section.FindAllSubmatchIndex(data, -1) {
			found := bounds.FindSubmatch(data[from:at[0]])
			from = at[1]
			if found == nil {
				continue
			}
			var list []float64
			for word := range strings.SplitSeq(string(found[1]), ",") {
				v, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", page, err)
				}
				list = append(list, v)
			}
			out[string(data[at[2]:at[3]])] = list
		}
	}
	return out, nil
}

// write writes one attribute, span or metric a line.
func (e *extract) write(w io.Writer) error {
	var b strings.Builder
	b.WriteString("{\n")
	fmt.Fprintf(&b, "%q: %q,\n%q: %q", "source", e.Source, "license", e.License)
	if err := lines(&b, "attributes", e.Attributes); err != nil {
		return err
	}
	if err := lines(&b, "spans", e.Spans); err != nil {
		return err
	}
	if err := lines(&b, "metrics", e.Metrics); err != nil {
		return err
	}
	b.WriteString("\n}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func lines[V any](b *strings.Builder, name string, members map[string]V) error {
	fmt.Fprintf(b, ",\n%q: {", name)
	for i, key := range slices.Sorted(maps.Keys(members)) {
		value, err := json.Marshal(members[key])
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "\n%q: %s", key, value)
	}
	b.WriteString("\n}")
	return nil
}
