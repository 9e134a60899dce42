package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/policy/bundle"
	"github.com/regent-proxy/regent/pkg/policy/opa"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// openBundles makes what fetches policies and reports decisions; nil where the
// configuration asks for neither.
func openBundles(c *config.Bundles, o bundle.Observer, log *slog.Logger) (*bundle.Manager, error) {
	if !c.Configured() {
		return nil, nil
	}
	return bundle.New(bundleOptions(c, o, log))
}

func bundleOptions(c *config.Bundles, o bundle.Observer, log *slog.Logger) bundle.Options {
	tree := map[string]any{}
	var secrets []string
	for name, part := range map[string]config.OPA{
		"services": c.Services, "keys": c.Keys, "bundles": c.Bundles, "decision_logs": c.DecisionLogs, "status": c.Status,
	} {
		if part.Tree() != nil {
			tree[name] = part.Tree()
		}
		secrets = append(secrets, part.Secrets()...)
	}
	if c.PersistenceDirectory != "" {
		tree["persistence_directory"] = string(c.PersistenceDirectory)
	}
	if len(c.Labels) > 0 {
		tree["labels"] = c.Labels
	}
	slices.Sort(secrets)
	headers := make([]string, len(c.MaskHeaders))
	for i, name := range c.MaskHeaders {
		headers[i] = strings.ToLower(name)
	}
	return bundle.Options{Config: tree, Secrets: secrets, StartTimeout: c.StartTimeout, MaskHeaders: headers, Logger: log, Observer: o}
}

// policySet is a loaded set, its decisions logged where that is asked for. What a
// shadow decides is not carried out and not logged.
func (p *parts) policySet(set *opa.Set) rollout.Set {
	if p.bundles != nil && p.bundles.LogsDecisions() {
		return p.bundles.Logged(set)
	}
	return set
}

// checkBundles says which bundles are missing: a check that saw no policy found
// none good.
func (p *parts) checkBundles() error {
	if p.bundles == nil || p.engine.Current().Pending() == nil {
		return nil
	}
	return fmt.Errorf("policy.bundles: not there within policy.bundles.start_timeout: %s", p.bundles.Waiting())
}
