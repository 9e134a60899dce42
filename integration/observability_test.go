package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/regent-proxy/regent/integration/harness"
)

func example(name string) string { return filepath.Join(tools.Root, "examples", "observability", name) }

func prometheusTools(t *testing.T) (server, tool string) {
	t.Helper()
	server, tool, err := tools.Prometheus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return server, tool
}

// promtool has nothing to say against rules and configuration, and each alert
// fires and stays quiet in the rules' own tests.
func TestPrometheusRules(t *testing.T) {
	_, promtool := prometheusTools(t)
	for _, args := range [][]string{
		{"check", "config", example("prometheus.yml")},
		{"check", "rules", example("regent-rules.yaml")},
		{"test", "rules", example("regent-rules.test.yaml")},
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	fires, quiet := testedAlerts(t)
	for _, r := range rulesOf(t) {
		if r.Alert != "" && (!fires[r.Alert] || !quiet[r.Alert]) {
			t.Errorf("%s: tested to fire %v, to stay quiet %v", r.Alert, fires[r.Alert], quiet[r.Alert])
		}
	}
}

type rule struct {
	Record, Alert, Expr string
	Annotations         map[string]string
}

func rulesOf(t *testing.T) []rule {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	readYAML(t, example("regent-rules.yaml"), &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 20 {
		t.Fatalf("only %d rules", len(all))
	}
	return all
}

func testedAlerts(t *testing.T) (fires, quiet map[string]bool) {
	t.Helper()
	var file struct {
		Tests []struct {
			Alerts []struct {
				Name   string `yaml:"alertname"`
				Expect []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	readYAML(t, example("regent-rules.test.yaml"), &file)
	fires, quiet = map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, a := range test.Alerts {
			if len(a.Expect) > 0 {
				fires[a.Name] = true
			} else {
				quiet[a.Name] = true
			}
		}
	}
	return fires, quiet
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// dashboard is what is read of Grafana's JSON.
type dashboard struct {
	UID         string
	Templating  struct{ List []variable }
	Annotations struct{ List []struct{ Expr string } }
	Panels      []panel
}

type variable struct{ Name, Type, Definition, AllValue string }

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct{ Expr string }
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(example("grafana/regent.json"))
	var d dashboard
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Grafana's provisioning files name what is there.
func TestGrafanaProvisioning(t *testing.T) {
	var sources struct {
		Datasources []struct{ Type, UID, URL string }
	}
	readYAML(t, example("grafana/datasource.yaml"), &sources)
	var boards struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	readYAML(t, example("grafana/dashboards.yaml"), &boards)
	if len(sources.Datasources) != 1 || sources.Datasources[0].Type != "prometheus" || len(boards.Providers) != 1 || boards.Providers[0].Type != "file" {
		t.Errorf("%+v %+v", sources, boards)
	}
	readme, err := os.ReadFile(example("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prometheus.yml", "regent-rules.yaml", "regent-rules.test.yaml", "grafana/regent.json", "grafana/datasource.yaml", "grafana/dashboards.yaml", boards.Providers[0].Options.Path} {
		if !strings.Contains(string(readme), name) {
			t.Errorf("the README does not name %s", name)
		}
	}
	for _, r := range rulesOf(t) {
		if r.Alert != "" && !strings.Contains(string(readme), "`"+r.Alert+"`") {
			t.Errorf("the README does not name the alert %s", r.Alert)
		}
	}
}

func TestDashboardIsWellFormed(t *testing.T) {
	d := readDashboard(t)
	ids := map[int]bool{}
	variables := []string{}
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
	}
	for _, want := range []string{"datasource", "job", "team", "model", "target"} {
		if !slices.Contains(variables, want) {
			t.Errorf("no variable %s", want)
		}
	}
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("%s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && (p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0) {
			t.Errorf("%s lacks a description, a unit or a query", p.Title)
		}
	}
}

// failingPolicy decides by a header, and fails where it asks for that.
const failingPolicy = `package regent.request

deny contains {"code": "not_today", "message": "no"} if input.http.headers["x-case"] == "deny"

route["target"] := "custom" if input.http.headers["x-case"] == "custom"

deny contains {"code": "broken", "message": "no"} if {
	input.http.headers["x-case"] == "fail"
	to_number(input.http.headers["x-case"]) > 0 # no number: the evaluation fails
}
`

// Every query of the dashboard and every rule returns data from a real
// Prometheus that scraped a Regent through which real calls went.
func TestDashboardAndRulesReturnData(t *testing.T) {
	server, _ := prometheusTools(t)
	collector, err := harness.StartCollector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(collector.Close)
	s := start(t, harness.Options{
		Policies:  map[string]string{"request.rego": failingPolicy},
		Config:    func(c map[string]any) { observed(c, collector.Address) },
		Bootstrap: func(b *harness.Bootstrap) { b.SetEndpoint("custom", "127.0.0.1:1") }, // nobody is there
	})
	p := scrape(t, s, server)
	stop := keepCalling(t, s)
	pending := queries(t, p)
	for deadline := time.Now().Add(60 * time.Second); len(pending) > 0 && time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		pending = slices.DeleteFunc(pending, func(q query) bool { return q.returnsData(t.Context(), p) == nil })
	}
	for _, q := range pending {
		t.Errorf("%s: %v\n%s", q.what, q.returnsData(t.Context(), p), q.expr)
	}
	checkRules(t, p)
	stop()
	checkSpend(t, p, s)
}

// observed has teams in the metrics, spans exported, and errors that let pass.
func observed(c map[string]any, collector string) {
	c["identity"] = map[string]any{"trusted_headers": []string{"x-team"}, "team": map[string]any{"header": "x-team"}}
	c["telemetry"] = map[string]any{
		"identity_labels": []string{"team"},
		"traces":          map[string]any{"exporter": "otlp", "protocol": "grpc", "endpoint": "http://" + collector, "interval": "100ms"},
		"metrics":         map[string]any{"exporter": "none"},
	}
	c["admin"] = map[string]any{"listen": "127.0.0.1:0"} // Prometheus knows no sockets
	policy, _ := c["policy"].(map[string]any)
	policy["on_error"] = "open"
}

// scrape starts a Prometheus with the example's configuration, but for its
// target and its pace.
func scrape(t *testing.T, s *harness.Stack, server string) *harness.Prometheus {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(example("prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("127.0.0.1:9902", strings.TrimPrefix(s.Operators, "http://"), "15s", "1s", "regent-rules.yaml", example("regent-rules.yaml")).Replace(string(text))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := harness.StartPrometheus(t.Context(), server, dir, filepath.Join(dir, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// keepCalling makes calls of every kind, round by round, until stopped.
func keepCalling(t *testing.T, s *harness.Stack) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	stop = sync.OnceFunc(func() { close(done); <-ended })
	t.Cleanup(stop)
	go func() {
		defer close(ended)
		for {
			for _, c := range varied() {
				select {
				case <-done:
					return
				default:
					call(t, s.URL+chatPath, c[0], c[1:]...)
				}
			}
		}
	}()
	return stop
}

// varied are a body each, and headers.
func varied() [][]string {
	const search, support = "x-team: search", "x-team: support"
	return [][]string{
		{prompt("gpt-4o-mini", "hello"), search},
		{prompt("gpt-4o", "what is a bridge?", withUsage), support},
		{prompt("gpt-4o-mini", "mail ann@example.org about it"), search},
		{prompt("gpt-4o-mini", "hello", withUsage), search, "x-simulate: secret;chunk=3;delay=2ms"},
		{prompt("gpt-4o-mini", "this is strictly confidential"), support},
		{prompt("gpt-4o-mini", "hello"), support, "x-case: deny"},
		{prompt("gpt-4o-mini", "hello"), support, "x-case: fail"},
		{prompt("gpt-4o-mini", "hello"), support, "x-case: custom"},
		{prompt("gpt-4o-mini", "hello"), support, "x-simulate: status=429"},
		{prompt("gpt-4o-mini", "hello"), support, "x-simulate: status=500"},
	}
}

// query is one that a panel, a rule or a variable asks.
type query struct{ what, expr string }

func (q query) returnsData(ctx context.Context, p *harness.Prometheus) error {
	samples, err := p.Query(ctx, q.expr)
	if err != nil {
		return err
	}
	for _, s := range samples {
		if !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0) {
			return nil
		}
	}
	return fmt.Errorf("no data: %v", samples)
}

// queries are all of the dashboard's, its variables filled in both with all
// values and with single ones, and of the recording rules.
func queries(t *testing.T, p *harness.Prometheus) []query {
	t.Helper()
	var all []query
	d := readDashboard(t)
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			all = append(all, query{panel.Title, fill(target.Expr, ".*", ".*", ".*")})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, query{"an annotation", strings.TrimSuffix(fill(a.Expr, ".*", ".*", ".*"), " > 0")})
	}
	single := d.Panels[slices.IndexFunc(d.Panels, func(p panel) bool { return p.Title == "Spend by team" })]
	all = append(all, query{"Spend by team, one chosen", fill(single.Targets[0].Expr, "search", "gpt-4o-mini", "public")})
	for _, r := range rulesOf(t) {
		if r.Record != "" {
			all = append(all, query{r.Record, r.Expr}, query{r.Record + ", as recorded", r.Record})
		}
	}
	for _, v := range d.Templating.List {
		if found := labelValues.FindStringSubmatch(v.Definition); found != nil {
			all = append(all, query{"variable " + v.Name, fmt.Sprintf("group by (%s) (%s{%s!=\"\"})", found[2], found[1], found[2])})
		}
	}
	return all
}

var labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

// fill is Grafana's part.
func fill(expr, team, model, target string) string {
	return strings.NewReplacer("$__rate_interval", "20s", "$__range", "1m", "$job", "regent", "$team", team, "$model", model, "$target", target).Replace(expr)
}

// checkRules: Prometheus evaluates all of them, and what alerts ask for exists.
func checkRules(t *testing.T, p *harness.Prometheus) {
	t.Helper()
	known, err := p.LabelValues(t.Context(), "__name__", "")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := p.Rules(t.Context())
	if err != nil || len(rules) != len(rulesOf(t)) {
		t.Fatalf("%d rules of %d are loaded: %v", len(rules), len(rulesOf(t)), err)
	}
	for _, r := range rules {
		if r.Health != "ok" {
			t.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
		}
		names := harness.MetricNames(r.Query)
		if len(names) == 0 && !strings.Contains(r.Query, "vector(") {
			t.Errorf("%s names no metric: %s", r.Name, r.Query)
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				t.Errorf("%s asks for %s, which does not exist", r.Name, name)
			}
		}
	}
	for _, alert := range []string{"RegentFailOpen", "RegentPolicyErrors"} {
		// It takes two scrapes with calls between them, and then an evaluation.
		eventually(t, alert+" fires", func() bool {
			samples, err := p.Query(t.Context(), fmt.Sprintf("ALERTS{alertname=%q,alertstate=\"firing\"}", alert))
			return err == nil && len(samples) > 0
		})
	}
}

// checkSpend: what Prometheus has as spent, by team, is what Envoy logged.
func checkSpend(t *testing.T, p *harness.Prometheus, s *harness.Stack) {
	t.Helper()
	logged := func() (sum float64) {
		for _, line := range strings.Split(s.Envoy.Stdout(), "\n") {
			var entry struct {
				Cost float64 `json:"cost_usd"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil {
				sum += entry.Cost
			}
		}
		return sum
	}
	eventually(t, "Prometheus has what Envoy logged as spent", func() bool {
		samples, err := p.Query(t.Context(), `sum by (regent_identity_team) (regent_cost_usd_total)`)
		if err != nil || len(samples) != 2 || samples[0].Value <= 0 || samples[1].Value <= 0 {
			return false
		}
		return math.Abs(samples[0].Value+samples[1].Value-logged()) < 1e-9
	})
}
