package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/dialects"
	"github.com/regent-proxy/regent/pkg/redact"
)

// snapshots gives each call what it consults. The policies among it change in
// their rollout, the rest stays.
type snapshots struct {
	fixed call.Snapshot
}

func newSnapshots(c *config.Config) (*snapshots, error) {
	s := &snapshots{}
	var err error
	if s.fixed.Dialects, err = dialects.Registry(overrides(c.Routes)); err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	if s.fixed.Catalog, err = loadCatalog(c.Catalog); err != nil {
		return nil, err
	}
	if s.fixed.Detect, err = newDetector(c.Detect); err != nil {
		return nil, fmt.Errorf("detect: %w", err)
	}
	if s.fixed.Redact, err = redact.New(redactionKey(c.Redaction)); err != nil {
		return nil, err
	}
	s.fixed.Settings = callSettings(c)
	return s, nil
}

// newDetector makes the set that the config asks for; with detection off, one
// that looks for nothing, whatever a policy declares.
func newDetector(c config.Detect) (*detect.Set, error) {
	o := detect.Options{Entities: c.Entities, Disable: c.Disable, MinScore: c.MinScore, Injection: c.Injection, Off: !c.Enabled}
	for _, canary := range c.Canaries {
		o.Canaries = append(o.Canaries, canary.Reveal())
	}
	for _, path := range c.Custom {
		more, err := customEntities(string(path))
		if err != nil {
			return nil, fmt.Errorf("custom: %w", err)
		}
		o.Custom = append(o.Custom, more...)
	}
	return detect.New(o)
}

// customEntities reads a file of entities of the user's own: a list of objects
// with the members of [detect.Custom]; terms may stand in a file beside it, one a
// line.
func customEntities(path string) ([]detect.Custom, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []struct {
		Entity    string   `yaml:"entity"`
		Class     string   `yaml:"class"`
		Pattern   string   `yaml:"pattern"`
		Terms     []string `yaml:"terms"`
		TermsFile string   `yaml:"terms_file"`
		Check     string   `yaml:"check"`
		Score     float64  `yaml:"score"`
		Context   *struct {
			Words    []string `yaml:"words"`
			Against  []string `yaml:"against"`
			Boost    float64  `yaml:"boost"`
			Required bool     `yaml:"required"`
		} `yaml:"context"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := make([]detect.Custom, len(list))
	for i, e := range list {
		out[i] = detect.Custom{Entity: e.Entity, Class: detect.Class(e.Class), Pattern: e.Pattern, Terms: e.Terms, Check: e.Check, Score: e.Score}
		if c := e.Context; c != nil {
			out[i].Context = &detect.Context{Words: c.Words, Against: c.Against, Boost: c.Boost, Required: c.Required}
		}
		if e.TermsFile == "" {
			continue
		}
		terms, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.TermsFile))
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, e.Entity, err)
		}
		for _, line := range strings.Split(string(terms), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				out[i].Terms = append(out[i].Terms, line)
			}
		}
	}
	return out, nil
}

func (s *snapshots) current() *call.Snapshot { return &s.fixed }

func overrides(routes []config.Route) []dialect.Override {
	out := make([]dialect.Override, len(routes))
	for i, r := range routes {
		out[i] = dialect.Override{Host: r.Host, PathPrefix: r.PathPrefix, API: r.API, Provider: r.Provider}
	}
	return out
}

func loadCatalog(c config.Catalog) (*catalog.Catalog, error) {
	switch {
	case c.URL != "":
		data, err := fetchCatalog(c.URL)
		if err != nil {
			return nil, fmt.Errorf("catalog.url: %w", err)
		}
		return catalog.Load(data)
	case c.File != "":
		data, err := os.ReadFile(string(c.File))
		if err != nil {
			return nil, fmt.Errorf("catalog.file: %w", err)
		}
		return catalog.Load(data)
	}
	return catalog.Load(nil)
}

// maxCatalog bounds a fetched catalog, in bytes, catalogWait the time it takes.
const (
	maxCatalog  = 16 << 20
	catalogWait = 15 * time.Second
)

func fetchCatalog(url string) ([]byte, error) {
	client := &http.Client{Timeout: catalogWait}
	r, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, r.Status)
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxCatalog+1))
	if err == nil && len(data) > maxCatalog {
		err = fmt.Errorf("%s holds more than %d bytes", url, maxCatalog)
	}
	return data, err
}

func callSettings(c *config.Config) call.Settings {
	id := c.Identity
	return call.Settings{
		FailOpen: c.Policy.OnError == "open", PassMalformed: c.Policy.OnUnreadable == "open",
		MaxRequestBody: int(c.Limits.MaxRequestBody), MaxResponseBody: int(c.Limits.MaxResponseBody),
		MaxHeld: int(c.Limits.MaxHold), MaxEvent: int(c.Limits.MaxEvent),
		RoutingHeader: strings.ToLower(c.Routing.Header), AskUsage: c.Usage.AskStreamUsage,
		Content: c.Telemetry.Content != "none", ReviewContent: c.Review.Content == "redacted", Canary: c.Detect.Canary.Enabled,
		RemoteRequired: c.Detect.Remote.OnError == "closed", RemoteResponses: c.Detect.Remote.Responses,
		Provenance: call.ProvenanceSettings{
			PromptID: named(c.Telemetry.Provenance.PromptID), PromptVersion: named(c.Telemetry.Provenance.PromptVersion),
			DataSources: named(c.Telemetry.Provenance.DataSources),
		},
		Identity: call.IdentitySettings{
			JWTNamespace: id.JWTMetadata, JWTKey: id.JWTPayload,
			Subject: identitySource(id.Subject), Tenant: identitySource(id.Tenant), Team: identitySource(id.Team),
			App: identitySource(id.App), Scopes: identitySource(id.Scopes),
		},
	}
}

func named(n config.Named) call.ProvenanceSource {
	return call.ProvenanceSource{Header: strings.ToLower(n.Header), Baggage: n.Baggage}
}

// identitySource is in the lower case that headers come in.
func identitySource(s config.Source) call.IdentitySource {
	return call.IdentitySource{Claim: s.Claim, Header: strings.ToLower(s.Header)}
}

// redactionKey is the configured key, or one of this process alone.
func redactionKey(c config.Redaction) []byte {
	if key := c.Key.Reveal(); key != "" {
		return []byte(key)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}
