package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Validate holds the configuration against every rule that goes beyond the
// type of one field. The error is an [Errors] without places.
func (c *Config) Validate() error {
	if found := c.problems(); len(found) > 0 {
		return found
	}
	return nil
}

// rules collects the problems that its methods find.
type rules struct{ found Errors }

func (c *Config) problems() Errors {
	r := &rules{}
	r.listeners(c)
	r.admin(&c.Admin)
	r.console(&c.Console)
	r.durations(c)
	r.policy(&c.Policy)
	r.rollout(&c.Policy.Rollout)
	r.limits(&c.Limits)
	r.routes(c.Routes)
	r.identity(&c.Identity)
	r.detect(&c.Detect)
	r.review(&c.Review)
	r.telemetry(&c.Telemetry)
	r.file("catalog.file", c.Catalog.File)
	r.headerName("routing.header", c.Routing.Header)
	if n := len(c.Redaction.Key.Reveal()); n > 0 && n < 16 {
		r.add("redaction.key", "", "want 16 bytes or more, got %d", n)
	}
	if c.Runtime.GOGC < 0 {
		r.add("runtime.gogc", "write 400 for the default", "want 0 or more, got %d", c.Runtime.GOGC)
	}
	return r.found
}

func (r *rules) add(path, hint, format string, args ...any) {
	r.found = append(r.found, &Error{File: "configuration", Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (r *rules) listeners(c *Config) {
	if c.Listen.Address == "" {
		r.add("listen.address", "write unix:/run/regent/regent.sock or 127.0.0.1:9901", "is empty")
	} else {
		r.address("listen.address", c.Listen.Address)
	}
	if c.Admin.Listen != "" {
		r.address("admin.listen", c.Admin.Listen)
	}
	if c.Admin.Listen != "" && c.Admin.Listen == c.Listen.Address {
		r.add("admin.listen", "", "is the same as listen.address")
	}
}

// maxSocketPath is sun_path's 107 bytes less the suffix under which a socket is
// bound before it is moved into place.
const maxSocketPath = 103

func (r *rules) address(at string, a Address) {
	network, address := a.Network()
	if network == "unix" {
		if !path.IsAbs(address) {
			r.add(at, "write unix:/absolute/path", "a Unix socket needs an absolute path, got %q", a)
		} else if len(address) > maxSocketPath {
			r.add(at, "", "a Unix socket's path may have %d bytes here, got %d", maxSocketPath, len(address))
		}
		return
	}
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		r.add(at, "write host:port or unix:/path", "is no address: %q", a)
	} else if _, err := net.LookupPort("tcp", port); err != nil {
		r.add(at, "", "is no port: %q", port)
	}
}

func (r *rules) durations(c *Config) {
	for _, d := range []struct {
		path   string
		value  time.Duration
		atMost time.Duration
		zero   bool // is allowed
	}{
		{"drain.delay", c.Drain.Delay, time.Hour, true},
		{"drain.timeout", c.Drain.Timeout, time.Hour, true},
		{"drain.flush", c.Drain.Flush, time.Minute, true},
		{"policy.timeout", c.Policy.Timeout, time.Minute, false},
		{"policy.bundles.start_timeout", c.Policy.Bundles.StartTimeout, 10 * time.Minute, true},
		{"detect.remote.timeout", c.Detect.Remote.Timeout, time.Minute, false},
		{"detect.remote.retry", c.Detect.Remote.Retry, time.Hour, false},
		{"review.wait", c.Review.Wait, 90 * 24 * time.Hour, false},
		{"review.use", c.Review.Use, 90 * 24 * time.Hour, false},
		{"review.keep", c.Review.Keep, 3660 * 24 * time.Hour, false},
		{"telemetry.traces.timeout", c.Telemetry.Traces.Timeout, time.Minute, false},
		{"telemetry.traces.interval", c.Telemetry.Traces.Interval, time.Minute, false},
		{"telemetry.metrics.timeout", c.Telemetry.Metrics.Timeout, time.Minute, false},
		{"telemetry.metrics.interval", c.Telemetry.Metrics.Interval, time.Hour, false},
	} {
		switch {
		case d.value < 0, d.value == 0 && !d.zero:
			r.add(d.path, "", "want more than 0, got %s", d.value)
		case d.value > d.atMost:
			r.add(d.path, "", "want at most %s, got %s", d.atMost, d.value)
		}
	}
}

func (r *rules) policy(p *Policy) {
	if !p.Default && len(p.Paths) == 0 && len(p.Bundles.Bundles.tree) == 0 {
		r.add("policy", "set policy.paths or policy.bundles, or leave policy.default true", "no policy at all: every decision would be undefined")
	}
	for i, name := range p.Bundles.MaskHeaders {
		r.headerName(fmt.Sprintf("policy.bundles.mask_headers[%d]", i), name)
	}
	for i, path := range p.Paths {
		r.file(fmt.Sprintf("policy.paths[%d]", i), path)
	}
}

func (r *rules) limits(l *Limits) {
	const gib = 1 << 30
	r.size("limits.max_request_body", l.MaxRequestBody, 1, gib)
	r.size("limits.max_response_body", l.MaxResponseBody, 1, gib)
	r.size("limits.max_hold", l.MaxHold, 512, 16<<20)
	r.size("limits.max_event", l.MaxEvent, 1<<10, gib)
	if l.MaxCalls < 1 || l.MaxCalls > 1_000_000 {
		r.add("limits.max_calls", "", "want 1 to 1000000, got %d", l.MaxCalls)
	}
}

func (r *rules) size(path string, got, least, most Size) {
	if got < least || got > most {
		r.add(path, "", "want %s to %s, got %s", least, most, got)
	}
}

func (r *rules) routes(routes []Route) {
	for i, route := range routes {
		at := fmt.Sprintf("routes[%d]", i)
		if route.Host == "" && route.PathPrefix == "" {
			r.add(at, "set host, path_prefix or both", "matches every call")
		}
		if route.PathPrefix != "" && route.PathPrefix[0] != '/' {
			r.add(at+".path_prefix", "write /"+route.PathPrefix, "a path starts with a slash, got %q", route.PathPrefix)
		}
		if strings.ContainsAny(route.Host, "/: ") {
			r.add(at+".host", "", "want a host name without port, got %q", route.Host)
		}
		if route.API == "" && route.Provider == "" {
			r.add(at, "set api, provider or both", "overrides nothing")
		}
	}
}

func (r *rules) identity(id *Identity) {
	trusted := make([]string, len(id.TrustedHeaders))
	for i, name := range id.TrustedHeaders {
		trusted[i] = strings.ToLower(name)
		r.headerName(fmt.Sprintf("identity.trusted_headers[%d]", i), name)
	}
	for _, s := range []struct {
		path   string
		source Source
	}{
		{"identity.subject", id.Subject}, {"identity.tenant", id.Tenant}, {"identity.team", id.Team},
		{"identity.app", id.App}, {"identity.scopes", id.Scopes},
	} {
		if name := s.source.Header; name != "" && !slices.Contains(trusted, strings.ToLower(name)) {
			r.add(s.path+".header", "add it there once Envoy sets or removes it on every request, so that no client can name itself", "%q is not in identity.trusted_headers", name)
		}
	}
}

func (r *rules) detect(d *Detect) {
	for entity, score := range d.MinScore {
		if !(score >= 0 && score <= 1) {
			r.add("detect.min_score."+entity, "", "want 0 to 1, got %v", score)
		}
	}
	for i, file := range d.Custom {
		r.file(fmt.Sprintf("detect.custom[%d]", i), file)
	}
	r.remote(&d.Remote)
	for i, canary := range d.Canaries {
		if len(canary.Reveal()) < 8 {
			r.add(fmt.Sprintf("detect.canaries[%d]", i), "a short one would match by chance", "want at least 8 bytes")
		}
	}
}

// review checks the file's folder: the file itself is made at start.
func (r *rules) review(v *Review) {
	if v.Path != "" {
		r.file("review.path", Path(filepath.Dir(string(v.Path))))
	}
	r.count("review.max_pending", v.MaxPending, 100_000)
}

func (r *rules) telemetry(t *Telemetry) {
	r.export("telemetry.traces", &t.Traces.Export)
	r.export("telemetry.metrics", &t.Metrics.Export)
	if !(t.Traces.Ratio >= 0 && t.Traces.Ratio <= 1) {
		r.add("telemetry.traces.ratio", "0.1 traces one call in ten", "want 0 to 1, got %v", t.Traces.Ratio)
	}
	if t.Traces.KeepCost < 0 {
		r.add("telemetry.traces.keep_cost", "0 is off", "want 0 or more, got %v", t.Traces.KeepCost)
	}
	for i, key := range t.Traces.Baggage {
		if strings.HasPrefix(key, "regent.") || strings.HasPrefix(key, "gen_ai.") {
			r.add(fmt.Sprintf("telemetry.traces.baggage[%d]", i), "a caller could forge it", "%q is an attribute of Regent's own", key)
		}
	}
	if (t.Content == "reference") != (t.ContentStore.Dir != "") {
		r.add("telemetry.content_store.dir", "files need content: reference and a directory", "content is %s, the directory %q", t.Content, t.ContentStore.Dir)
	}
	if t.ContentStore.MaxSize < 1<<20 {
		r.add("telemetry.content_store.max_size", "", "want 1MiB or more, got %d bytes", t.ContentStore.MaxSize)
	}
	if !slices.Contains(t.Traces.Vocabulary, "genai") {
		r.add("telemetry.traces.vocabulary", "others come beside it", "genai is missing")
	}
	p := &t.Provenance
	for at, header := range map[string]string{"prompt_id": p.PromptID.Header, "prompt_version": p.PromptVersion.Header, "data_sources": p.DataSources.Header} {
		if header != "" {
			r.headerName("telemetry.provenance."+at+".header", header)
		}
	}
	r.count("telemetry.traces.queue", t.Traces.Queue, 1_000_000)
	r.count("telemetry.traces.batch", t.Traces.Batch, 10_000)
	r.count("telemetry.max_models", t.MaxModels, 10_000)
	r.count("telemetry.max_identities", t.MaxIdentities, 10_000)
	if t.Traces.Batch > t.Traces.Queue {
		r.add("telemetry.traces.batch", "", "want at most the queue's %d, got %d", t.Traces.Queue, t.Traces.Batch)
	}
}

func (r *rules) count(path string, got, most int) {
	if got < 1 || got > most {
		r.add(path, "", "want 1 to %d, got %d", most, got)
	}
}

func (r *rules) export(at string, e *Export) {
	if e.Endpoint != "" {
		u, err := url.Parse(e.Endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			r.add(at+".endpoint", "write http://collector:4317, or https:// for TLS", "is no http or https URL: %q", e.Endpoint)
		} else if u.Scheme == "http" && e.TLS != (TLS{}) {
			r.add(at+".tls", "write https:// in the endpoint", "is set, but the endpoint is plain text")
		}
	}
	r.file(at+".tls.ca", e.TLS.CA)
	r.file(at+".tls.cert", e.TLS.Cert)
	r.file(at+".tls.key", e.TLS.Key)
	if (e.TLS.Cert == "") != (e.TLS.Key == "") {
		r.add(at+".tls", "", "cert and key belong together")
	}
	for name := range e.Headers {
		r.headerName(at+".headers."+name, name)
	}
}

// file checks that a path that is set exists.
func (r *rules) file(at string, p Path) {
	if p == "" {
		return
	}
	if _, err := os.Stat(string(p)); err != nil {
		r.add(at, "a relative path starts at the configuration file's folder", "%v", err)
	}
}

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (r *rules) headerName(at, name string) {
	if !headerName.MatchString(name) {
		r.add(at, "", "is no header name: %q", name)
	}
}
