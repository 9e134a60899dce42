// Package bundle fetches policies as OPA bundles, from HTTP servers, object
// stores and OCI registries, and sends OPA's decision logs and status.
//
// OPA's own plugins do the work: polling, signatures, persistence, upload. What
// they fetch is handed to Regent's engine before it takes effect; what the
// engine refuses, OPA rolls back and reports as failed. Most callers want [New],
// then [Manager.Start] once the engine is open.
package bundle

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/logging"
	"github.com/open-policy-agent/opa/v1/plugins"
	opabundle "github.com/open-policy-agent/opa/v1/plugins/bundle"
	"github.com/open-policy-agent/opa/v1/plugins/logs"
	"github.com/open-policy-agent/opa/v1/plugins/status"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// Options say what to fetch and where to report.
type Options struct {
	// Config is OPA's configuration: services, keys, bundles,
	// persistence_directory, decision_logs, status and labels, as JSON types.
	Config map[string]any
	// Secrets are values that never appear in logs nor errors.
	Secrets []string
	// StartTimeout is how long Start waits for the first bundles.
	StartTimeout time.Duration
	// MaskHeaders are request headers, lower case, whose values decision logs
	// leave out.
	MaskHeaders []string
	// Logger is told what OPA's plugins tell; nil is silence.
	Logger *slog.Logger
	// Observer counts; nil is nobody.
	Observer Observer

	stall time.Duration // a test's; zero is stallTime
}

// Observer counts what happens to bundles and decision logs. Names are those of
// the configuration, [MaxBundles] at most. Safe for concurrent use; must not
// block.
type Observer interface {
	// BundleActivated: what a bundle holds took effect.
	BundleActivated(name string)
	// BundleFailed: a bundle could not be fetched, verified or read, or was
	// refused by the engine.
	BundleFailed(name string, refused bool)
	// DecisionDropped: a decision was not logged, for the queue was full.
	DecisionDropped()
}

type nobody struct{}

func (nobody) BundleActivated(string)    {}
func (nobody) BundleFailed(string, bool) {}
func (nobody) DecisionDropped()          {}

// Manager runs OPA's plugins. It is safe for concurrent use.
type Manager struct {
	options Options
	conf    *parsed
	manager *plugins.Manager
	gate    *gate
	log     logging.Logger
	hide    *strings.Replacer

	decisions *decisions // nil where none are logged
	reload    func(context.Context) error
	started   bool
	reads     atomic.Int64 // of the store, by reloads that are not the gate's

	mu        sync.Mutex
	faults    map[string]string // the last fault of each bundle that has one
	activated map[string]time.Time
	first     chan struct{} // closed when all bundles are there
	whole     bool
}

// New checks the configuration, as far as that needs no network, and opens
// nothing yet.
func New(o Options) (*Manager, error) {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Manager{options: o, hide: hider(o.Secrets), faults: map[string]string{}, activated: map[string]time.Time{}, first: make(chan struct{})}
	if err := m.open(); err != nil {
		return nil, fmt.Errorf("policy.bundles: %s", m.hide.Replace(err.Error()))
	}
	return m, nil
}

func (m *Manager) open() error {
	register()
	config, err := prepare(m.options.Config)
	if err != nil {
		return err
	}
	guards, err := guardServices(config, cmp.Or(m.options.stall, stallTime))
	if err != nil {
		return err
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return err
	}
	m.log = newLogger(m.options.Logger, m.hide)
	m.gate = &gate{Store: inmem.NewWithOpts(inmem.OptRoundTripOnWrite(false)), admit: m.admit, after: m.committed}
	m.manager, err = plugins.New(raw, strings.ToLower(rand.Text()), m.gate, plugins.Logger(m.log), plugins.ConsoleLogger(m.log))
	if err != nil {
		return err
	}
	if m.conf, err = m.parse(); err != nil {
		m.manager.Stop(context.Background())
		return err
	}
	for _, g := range guards {
		m.manager.Register(g.name, g)
	}
	return nil
}

// HasBundles reports whether any bundle is configured: without one there is
// nothing that the engine should wait for.
func (m *Manager) HasBundles() bool { return m.conf.bundles != nil }

// Start runs the plugins. What they fetch is put in force by reload, which loads
// anew from Snapshot, with the context it is given, and refuses what it can't
// load. Start returns when all bundles were activated once, at StartTimeout or
// at ctx's end, whichever comes first; [Manager.Waiting] says which are missing.
// The plugins run on until Close.
func (m *Manager) Start(ctx context.Context, reload func(context.Context) error) error {
	m.reload = reload
	m.addPlugins()
	m.started = true
	if err := m.manager.Start(ctx); err != nil {
		return fmt.Errorf("policy.bundles: %s", m.hide.Replace(err.Error()))
	}
	if !m.HasBundles() {
		return nil
	}
	late := time.NewTimer(m.options.StartTimeout)
	defer late.Stop()
	select {
	case <-m.first:
	case <-late.C:
	case <-ctx.Done():
	}
	return nil
}

// addPlugins makes the plugins; status first, for it hears of the others.
func (m *Manager) addPlugins() {
	var reporter *status.Plugin
	if m.conf.status != nil {
		reporter = status.New(m.conf.status, m.manager)
		m.manager.Register(status.Name, reporter)
		m.manager.RegisterPluginStatusListener(status.Name, reporter.UpdatePluginStatus)
	}
	if m.conf.logs != nil {
		uploader := logs.New(m.conf.logs, m.manager)
		m.manager.Register(logs.Name, uploader)
		m.decisions = newDecisions(m, uploader)
	}
	if m.conf.bundles != nil {
		fetcher := opabundle.New(m.conf.bundles, m.manager)
		fetcher.RegisterBulkListener("regent", m.heard)
		if reporter != nil {
			fetcher.RegisterBulkListener(status.Name, reporter.BulkUpdateBundleStatus)
		}
		m.manager.Register(opabundle.Name, fetcher)
	}
}

// Close ends the plugins; decisions that wait are sent, within ctx.
func (m *Manager) Close(ctx context.Context) {
	if m.started {
		m.decisions.close()
	}
	m.manager.Stop(ctx)
}

// heard is told of every fetch, good or bad.
func (m *Manager) heard(all map[string]*opabundle.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	refused := m.gate.refused.Swap(false)
	for name, s := range all {
		switch {
		case s.Code != "" && m.faults[name] != faultOf(s):
			m.faults[name] = faultOf(s)
			m.options.Observer.BundleFailed(name, refused)
		case s.Code == "":
			delete(m.faults, name)
			if s.LastSuccessfulActivation.After(m.activated[name]) {
				m.activated[name] = s.LastSuccessfulActivation
				m.options.Observer.BundleActivated(name)
			}
		}
	}
}

// faultOf tells two failures of a bundle apart by the time of the request.
func faultOf(s *opabundle.Status) string {
	message := s.Message
	for _, err := range s.Errors {
		message += "; " + err.Error()
	}
	return s.LastRequest.Format(time.RFC3339Nano) + " " + message
}

// Waiting says which bundles have never come, and why; "" once all have.
func (m *Manager) Waiting() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.whole || m.conf.bundles == nil {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m.conf.bundles.Bundles)) {
		_, fault, _ := strings.Cut(m.faults[name], " ")
		switch {
		case fault != "":
			parts = append(parts, name+": "+m.hide.Replace(fault))
		case m.activated[name].IsZero():
			parts = append(parts, name+": not fetched yet")
		}
	}
	return strings.Join(parts, ", ")
}

// Snapshot reads what all bundles hold. It is the engine's [opa.Bundles].
func (m *Manager) Snapshot(ctx context.Context) (*opa.Snapshot, error) {
	if candidate, ok := ctx.Value(candidateKey{}).(*opa.Snapshot); ok {
		return candidate, nil
	}
	m.reads.Add(1)
	var snap *opa.Snapshot
	err := storage.Txn(ctx, m.gate.Store, storage.TransactionParams{}, func(txn storage.Transaction) (err error) {
		snap, err = m.read(ctx, txn)
		return err
	})
	return snap, err
}

// candidateKey is a context's snapshot that is not committed yet.
type candidateKey struct{}

// admit has the engine load what txn would leave in the store.
func (m *Manager) admit(ctx context.Context, txn storage.Transaction) error {
	m.gate.before, m.gate.admitted = m.reads.Load(), false
	candidate, err := m.read(ctx, txn)
	if err != nil {
		if isPending(err) {
			return nil // not all are there: what is there decides nothing yet
		}
		return err
	}
	if err := m.reload(context.WithValue(ctx, candidateKey{}, candidate)); err != nil {
		return err
	}
	m.gate.admitted = true
	return nil
}

// committed makes good for a reload that came between: while a candidate was
// loaded and committed it read the bundles as they had been.
func (m *Manager) committed(ctx context.Context, before int64) {
	if m.reads.Load() != before {
		_ = m.reload(ctx) // it reports by itself
	}
	m.complete()
}

func (m *Manager) complete() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.whole {
		m.whole = true
		close(m.first)
	}
}
