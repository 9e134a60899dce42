package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const prometheusHelp = `no Prometheus was found, and none could be installed: %w
Any one of these helps:
  - put prometheus and promtool on the PATH
  - on Debian or Ubuntu, run apt-get update, so that the package prometheus can be downloaded (no root is needed for that)`

// Prometheus is the paths of prometheus and promtool: those on the PATH, else
// those of the distribution's package, unpacked into the cache.
func (t *Tools) Prometheus(ctx context.Context) (server, tool string, err error) {
	if server, err = exec.LookPath("prometheus"); err == nil {
		if tool, err = exec.LookPath("promtool"); err == nil {
			return server, tool, nil
		}
	}
	dir, err := t.install("prometheus", []byte("prometheus.deb"), func(dir string) error { return t.unpackPrometheus(ctx, dir) })
	if err != nil {
		return "", "", fmt.Errorf(prometheusHelp, err)
	}
	return filepath.Join(dir, "usr", "bin", "prometheus"), filepath.Join(dir, "usr", "bin", "promtool"), nil
}

func (t *Tools) unpackPrometheus(ctx context.Context, dir string) error {
	t.say("Setting up Prometheus (a package of the distribution's, once) …")
	download := func() error { return run(ctx, dir, "apt-get", "download", "-qq", "prometheus") }
	if err := download(); err != nil {
		if run(ctx, dir, "apt-get", "update", "-qq") != nil { // it may be that nobody did, and that we may
			return err
		}
		if err := download(); err != nil {
			return err
		}
	}
	packages, err := filepath.Glob(filepath.Join(dir, "prometheus_*.deb"))
	if err != nil || len(packages) == 0 {
		return errors.New("apt-get left no package")
	}
	if err := run(ctx, dir, "dpkg", "-x", packages[0], dir); err != nil {
		return err
	}
	return os.Remove(packages[0])
}

// Prometheus is one that runs.
type Prometheus struct {
	*Process
	URL string
}

var listening = regexp.MustCompile(`msg="?Listening on"? address=(\S+)`)

// StartPrometheus starts a Prometheus with its data in dir.
func StartPrometheus(ctx context.Context, binary, dir, config string) (*Prometheus, error) {
	process, err := StartProcess(dir, "prometheus", binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--log.level=info")
	if err != nil {
		return nil, err
	}
	p := &Prometheus{Process: process}
	err = p.Await(ctx, "serves", func() bool {
		found := listening.FindStringSubmatch(p.Stderr())
		if found == nil {
			return false
		}
		p.URL = "http://" + found[1]
		_, err := get(ctx, &http.Client{Timeout: time.Second}, p.URL+"/-/ready")
		return err == nil
	})
	return p, errors.Join(err)
}

// Sample is one series of an answer with its value.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query evaluates an expression now.
func (p *Prometheus) Query(ctx context.Context, expr string) ([]Sample, error) {
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	if err := p.api(ctx, "/api/v1/query?query="+url.QueryEscape(expr), &data); err != nil {
		return nil, err
	}
	out := make([]Sample, len(data.Result))
	for i, r := range data.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", expr, err)
		}
		out[i] = Sample{r.Metric, value}
	}
	return out, nil
}

// LabelValues are the values of a label, of the series that match.
func (p *Prometheus) LabelValues(ctx context.Context, label, match string) ([]string, error) {
	var data []string
	path := "/api/v1/label/" + label + "/values"
	if match != "" {
		path += "?match[]=" + url.QueryEscape(match)
	}
	return data, p.api(ctx, path, &data)
}

// Rule is a recording or alert rule as Prometheus sees it.
type Rule struct {
	Name, Type, Query, Health, LastError string
}

// Rules are the rules loaded.
func (p *Prometheus) Rules(ctx context.Context) ([]Rule, error) {
	var data struct{ Groups []struct{ Rules []Rule } }
	err := p.api(ctx, "/api/v1/rules", &data)
	var all []Rule
	for _, g := range data.Groups {
		all = append(all, g.Rules...)
	}
	return all, err
}

func (p *Prometheus) api(ctx context.Context, path string, data any) error {
	body, err := get(ctx, &http.Client{Timeout: 10 * time.Second}, p.URL+path)
	if err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	answer := struct {
		Status string
		Data   any
	}{Data: data}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Status != "success" {
		return errors.Join(err, fmt.Errorf("prometheus answers %s", body))
	}
	return nil
}

// MetricNames are the names of metrics and recorded series in an expression:
// words that are followed by neither a bracket nor the operator of a label.
func MetricNames(expr string) []string {
	expr = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expr, `""`)
	expr = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]`).ReplaceAllString(expr, " ")
	expr = regexp.MustCompile(`\b(by|on|without|ignoring)\s*\([^)]*\)`).ReplaceAllString(expr, " ")
	var names []string
	for _, word := range regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`).FindAllString(expr, -1) {
		word = strings.TrimSpace(word)
		if !strings.HasSuffix(word, "(") && (strings.ContainsAny(word, "_:") || word == "up") {
			names = append(names, word)
		}
	}
	return names
}
