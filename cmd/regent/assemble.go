package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/regent-proxy/regent/pkg/admin"
	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/detect/remote"
	"github.com/regent-proxy/regent/pkg/extproc"
	"github.com/regent-proxy/regent/pkg/policy/bundle"
	"github.com/regent-proxy/regent/pkg/policy/opa"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
	"github.com/regent-proxy/regent/pkg/review"
	"github.com/regent-proxy/regent/pkg/telemetry"
)

// parts are what serves calls, put together but not yet listening.
type parts struct {
	telemetry *telemetry.Telemetry
	engine    *opa.Engine
	rollout   *rollout.Rollout
	bundles   *bundle.Manager  // nil where none are fetched nor decisions reported
	reviews   *review.Store    // nil where none are kept
	remote    *remote.Detector // nil where none is asked
	loads     loads
	extproc   *extproc.Server
	// routes are what parts show and take on the admin port, by the pattern of
	// http.ServeMux.
	routes map[string]http.Handler
}

// assemble makes the parts of a configuration. Every fault it has beyond the
// file itself (a policy, a catalog, a certificate) is found here.
func assemble(ctx context.Context, c *config.Config, out io.Writer, log *slog.Logger) (*parts, error) {
	settings, err := telemetrySettings(c, out, log)
	if err != nil {
		return nil, err
	}
	if _, err := serverTLS(&c.Admin.TLS); err != nil {
		return nil, fmt.Errorf("admin.tls: %w", err)
	}
	p := &parts{routes: map[string]http.Handler{}}
	if p.telemetry, err = telemetry.New(ctx, settings); err != nil {
		return nil, err
	}
	if p.bundles, err = openBundles(&c.Policy.Bundles, p.telemetry, log); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	snapshots, err := newSnapshots(c)
	if err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	if p.remote, err = newRemote(&c.Detect.Remote, p.telemetry); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	if p.remote != nil { // a nil pointer would be an interface that is not nil
		snapshots.fixed.Remote = p.remote
	}
	options := policyOptions(c, log)
	if p.bundles != nil && p.bundles.HasBundles() {
		options.Bundles = p.bundles
	}
	options.Catalog, options.Detect = snapshots.fixed.Catalog, snapshots.fixed.Detect
	if err = p.openPolicies(ctx, &c.Policy.Rollout, options, log); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	snapshots.fixed.Rollout = p.rollout
	if err = p.startPolicies(ctx, log); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	if p.reviews, err = openReviews(&c.Review); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	if p.reviews != nil { // a nil pointer would be an interface that is not nil
		snapshots.fixed.Reviews = p.reviews
		maps.Copy(p.routes, admin.Reviews(p.reviews, log))
	}
	recorder, err := p.addConsole(c, logged(c, log, p.telemetry))
	if err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	p.extproc = extproc.New(call.New(snapshots.current, recorder), extproc.Options{
		MaxRequestBody:  int(c.Limits.MaxRequestBody),
		MaxResponseBody: int(c.Limits.MaxResponseBody),
		MaxMessage:      int(max(c.Limits.MaxRequestBody, c.Limits.MaxResponseBody)) + messageOverhead,
		MaxCalls:        c.Limits.MaxCalls,
		Observer:        p.telemetry,
		OnInvalidHeader: p.telemetry.HeaderRejected,
		OnPanic: func(cause any, stack []byte) {
			p.telemetry.Panicked()
			log.Error("a call panicked", "cause", fmt.Sprint(cause), "stack", string(stack))
		},
	})
	return p, nil
}

// messageOverhead is what an ext_proc message may hold beside a body, in bytes.
const messageOverhead = 1 << 20

// close ends the parts; telemetry sends what waits, within ctx.
func (p *parts) close(ctx context.Context) error {
	if p.bundles != nil {
		p.bundles.Close(ctx)
	}
	if p.engine != nil {
		p.engine.Close()
	}
	if p.rollout != nil {
		p.rollout.Close()
	}
	if p.remote != nil {
		p.remote.Close()
	}
	var err error
	if p.reviews != nil {
		err = p.reviews.Close()
	}
	return errors.Join(err, p.telemetry.Shutdown(ctx))
}

// openReviews is nil where the config keeps no reviews.
func openReviews(c *config.Review) (*review.Store, error) {
	if c.Path == "" {
		return nil, nil
	}
	return review.Open(string(c.Path), review.Options{MaxPending: c.MaxPending, Wait: c.Wait, Use: c.Use, Keep: c.Keep})
}

// loaded tells those who show it of a policy set that was loaded, or was not.
func (p *parts) loaded(revision string, err error) {
	p.telemetry.Loaded(revision, err)
	p.loads.loaded(revision, err, time.Now())
}

// startPolicies waits for the first bundles, where there are any. Without them
// nothing can be decided, which is no reason not to serve: Regent refuses calls
// then, where Envoy without it might let them pass.
func (p *parts) startPolicies(ctx context.Context, log *slog.Logger) error {
	if p.bundles != nil {
		if err := p.bundles.Start(ctx, p.engine.Reload); err != nil {
			return err
		}
	}
	err := p.engine.Current().Pending()
	if err != nil {
		log.Error("no policy yet: calls fail as policy.on_error says", "bundles", p.bundles.Waiting())
	}
	p.loaded(p.engine.Current().Revision(), err)
	return nil
}

func policyOptions(c *config.Config, log *slog.Logger) opa.Options {
	paths := make([]string, len(c.Policy.Paths))
	for i, p := range c.Policy.Paths {
		paths[i] = string(p)
	}
	return opa.Options{
		Paths: paths, NoDefault: !c.Policy.Default, Timeout: c.Policy.Timeout, AllowNetwork: c.Policy.Network, Watch: c.Policy.Watch, Logger: log,
	}
}

func telemetrySettings(c *config.Config, out io.Writer, log *slog.Logger) (telemetry.Settings, error) {
	t := &c.Telemetry
	traces, err := exportSettings("telemetry.traces", &t.Traces.Export)
	if err != nil {
		return telemetry.Settings{}, err
	}
	metrics, err := exportSettings("telemetry.metrics", &t.Metrics.Export)
	if err != nil {
		return telemetry.Settings{}, err
	}
	return telemetry.Settings{
		ServiceName: t.ServiceName, ServiceVersion: readVersion().Version, Resource: t.Resource,
		Traces: telemetry.TraceSettings{
			Export: traces, Queue: t.Traces.Queue, Batch: t.Traces.Batch, Interval: t.Traces.Interval, Ratio: t.Traces.Ratio,
			Keep: t.Traces.Keep, KeepCostUSD: t.Traces.KeepCost, Propagators: t.Traces.Propagators, Baggage: t.Traces.Baggage, Children: t.Traces.Children,
			OpenInference: slices.Contains(t.Traces.Vocabulary, "openinference"),
		},
		Metrics:   telemetry.MetricSettings{Export: metrics, Interval: t.Metrics.Interval, Prometheus: t.Metrics.Prometheus, Experiments: t.Metrics.Experiments},
		Content:   t.Content == "redacted",
		Store:     telemetry.StoreSettings{Dir: string(t.ContentStore.Dir), MaxBytes: int64(t.ContentStore.MaxSize)},
		NoUsage:   t.Traces.Spans == "no-usage",
		MaxModels: t.MaxModels, MaxIdentities: t.MaxIdentities, IdentityLabels: t.IdentityLabels,
		Stdout: out, OnError: newThrottle(log).error,
	}, nil
}

func exportSettings(at string, e *config.Export) (telemetry.Export, error) {
	out := telemetry.Export{Exporter: e.Exporter, Endpoint: e.Endpoint, Protocol: e.Protocol, Compression: e.Compression, Timeout: e.Timeout}
	if len(e.Headers) > 0 {
		out.Headers = make(map[string]string, len(e.Headers))
	}
	for name, value := range e.Headers {
		out.Headers[name] = value.Reveal()
	}
	var err error
	if e.TLS != (config.TLS{}) {
		if out.TLS, err = clientTLS(&e.TLS); err != nil {
			err = fmt.Errorf("%s.tls: %w", at, err)
		}
	}
	return out, err
}

func clientTLS(c *config.TLS) (*tls.Config, error) {
	t := &tls.Config{ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(string(c.CA))
		if err != nil {
			return nil, err
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(string(c.Cert), string(c.Key))
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
