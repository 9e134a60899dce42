// Package harness starts a whole Regent beside a real Envoy and simulated
// providers, on addresses that are free, and ends what it started.
//
// Tests and the demo share it. Most callers want [Start] and [Stack.Close]; the
// tools it needs (Envoy, Python's and Node's client libraries) come from [Tools].
package harness

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/regent-proxy/regent/pkg/simulate"
)

// Options of a stack.
type Options struct {
	// Envoy and Regent are the binaries.
	Envoy, Regent string
	// Root is the repository's root folder, where envoy/bootstrap.yaml is.
	Root string
	// Config changes Regent's configuration before it is written, Bootstrap
	// Envoy's; nil for neither.
	Config    func(c map[string]any)
	Bootstrap func(b *Bootstrap)
	// Policies are files (.rego, .yaml) of a policy folder, by name.
	Policies map[string]string
	// Providers are addresses (host:port) of clusters that are not to be
	// simulated, by the cluster's name.
	Providers map[string]string
	// Env are further environment variables of Regent, NAME=value.
	Env []string
	// NoRegent leaves Regent unstarted: its socket does not exist.
	NoRegent bool
}

// Stack is what was started.
type Stack struct {
	// Dir holds configurations and logs, and is removed at Close.
	Dir string
	// URL is Envoy's listener, Admin Envoy's admin: http://host:port.
	URL, Admin string
	// Operators is Regent's admin port, http://host:port, "" where it is a Unix
	// socket, as it is unless Options.Config says otherwise.
	Operators string
	Regent    *Process
	Envoy     *Process
	// Public, OnPrem and Custom are the simulated providers, nil where
	// Options.Providers has another.
	Public, OnPrem, Custom *Provider
	opts                   Options
	providers              []*Provider
}

// clusters are the targets of envoy/bootstrap.yaml.
var clusters = []string{"public", "on-prem", "custom"}

// Start starts providers, Regent and Envoy, and waits until calls are served.
// What was started before an error is ended again.
func Start(ctx context.Context, opts Options) (*Stack, error) {
	dir, err := os.MkdirTemp("", "regent-") // short: sockets have paths of at most 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Stack{Dir: dir, opts: opts}
	if err := s.start(ctx); err != nil {
		err = fmt.Errorf("%w\n%s", err, s.Logs())
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	addresses, err := s.startProviders()
	if err != nil {
		return err
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	if !s.opts.NoRegent {
		if err := s.StartRegent(ctx); err != nil {
			return err
		}
	}
	return s.startEnvoy(ctx, addresses)
}

func (s *Stack) startProviders() (map[string]string, error) {
	addresses := map[string]string{}
	at := map[string]**Provider{"public": &s.Public, "on-prem": &s.OnPrem, "custom": &s.Custom}
	for _, name := range clusters {
		if given, ok := s.opts.Providers[name]; ok {
			addresses[name] = given
			continue
		}
		p, err := StartProvider(name)
		if err != nil {
			return nil, err
		}
		s.providers = append(s.providers, p)
		*at[name], addresses[name] = p, p.Address
	}
	return addresses, nil
}

// Provider is a simulated provider in this process.
type Provider struct {
	*simulate.Server
	Address string // host:port
	server  *http.Server
}

// StartProvider serves a simulated provider on a free port of loopback.
func StartProvider(name string) (*Provider, error) {
	sim, err := simulate.New(simulate.Options{Name: name, KeepBody: 64 << 20})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Provider{sim, l.Addr().String(), &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute, Protocols: simulate.Protocols()}}
	go func() { _ = p.server.Serve(l) }() // ends at Close
	return p, nil
}

// Last is the last request received; the zero value if there was none.
func (p *Provider) Last() simulate.Received {
	all := p.Requests()
	if len(all) == 0 {
		return simulate.Received{}
	}
	return all[len(all)-1]
}

// writeConfig writes Regent's configuration and policies.
func (s *Stack) writeConfig() error {
	c := map[string]any{
		"listen":    map[string]any{"address": "unix:" + s.path("r.sock")},
		"admin":     map[string]any{"listen": "unix:" + s.path("a.sock")},
		"drain":     map[string]any{"delay": "0s", "timeout": "1s", "flush": "2s"},
		"policy":    map[string]any{},
		"telemetry": map[string]any{"traces": map[string]any{"exporter": "none"}, "metrics": map[string]any{"exporter": "none"}},
	}
	if len(s.opts.Policies) > 0 {
		c["policy"] = map[string]any{"paths": []string{s.path("conf/policies")}}
	}
	if s.opts.Config != nil {
		s.opts.Config(c)
	}
	for name, text := range s.opts.Policies {
		if err := s.WritePolicy(name, text); err != nil {
			return err
		}
	}
	return s.writeYAML("regent.yaml", c)
}

// WritePolicy writes a file of the policy folder, for Regent to load anew. The
// file appears whole or not at all.
func (s *Stack) WritePolicy(name, text string) error {
	folder := s.path("conf/policies")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	whole := s.path("policy.new")
	if err := os.WriteFile(whole, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(whole, filepath.Join(folder, name))
}

func (s *Stack) writeYAML(name string, v any) error {
	text, err := yaml.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path(name), text, 0o644)
}

func (s *Stack) path(name string) string { return filepath.Join(s.Dir, name) }

// StartRegent starts Regent, also after it was killed.
func (s *Stack) StartRegent(ctx context.Context) error {
	p, err := startProcess(s.Dir, "regent", s.opts.Env, s.opts.Regent, "serve", "--config", s.path("regent.yaml"))
	if err != nil {
		return err
	}
	s.Regent = p
	return p.Await(ctx, "serves", func() bool {
		s.Operators = tcpAdmin(p.Stderr())
		body, err := s.RegentAdmin(ctx, "/readyz")
		return err == nil && body != ""
	})
}

// RegentAdmin gets a path of Regent's admin port; any status but 200 is an error.
func (s *Stack) RegentAdmin(ctx context.Context, path string) (string, error) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			if s.Operators != "" {
				return new(net.Dialer).DialContext(ctx, "tcp", address)
			}
			return new(net.Dialer).DialContext(ctx, "unix", s.path("a.sock"))
		},
	}}
	return get(ctx, client, cmp.Or(s.Operators, "http://regent")+path)
}

// tcpAdmin is the admin port that Regent's log named last, "" where it is a socket.
func tcpAdmin(log string) (address string) {
	for _, line := range strings.Split(log, "\n") {
		var said struct{ Msg, Admin string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "serving" && !strings.HasPrefix(said.Admin, "unix:") {
			address = "http://" + said.Admin
		}
	}
	return address
}

func (s *Stack) startEnvoy(ctx context.Context, addresses map[string]string) error {
	b, err := LoadBootstrap(filepath.Join(s.opts.Root, "envoy", "bootstrap.yaml"))
	if err != nil {
		return err
	}
	b.setPorts(0)
	b.SetSocket(s.path("r.sock"))
	for name, address := range addresses {
		b.SetEndpoint(name, address)
	}
	if s.opts.Bootstrap != nil {
		s.opts.Bootstrap(b)
	}
	if b.Err != nil {
		return b.Err
	}
	if err := s.writeYAML("envoy.yaml", b.root); err != nil {
		return err
	}
	s.Envoy, err = startProcess(s.Dir, "envoy", nil, s.opts.Envoy, "-c", s.path("envoy.yaml"), "--disable-hot-restart",
		"--concurrency", "2", "--log-level", "warning", "--file-flush-interval-msec", "20", "--admin-address-path", s.path("envoy.admin"))
	if err != nil {
		return err
	}
	return s.awaitEnvoy(ctx)
}

// awaitEnvoy learns the ports Envoy chose.
func (s *Stack) awaitEnvoy(ctx context.Context) error {
	return s.Envoy.Await(ctx, "listens", func() bool {
		address, err := os.ReadFile(s.path("envoy.admin"))
		if err != nil || len(address) == 0 {
			return false
		}
		s.Admin = "http://" + string(address)
		if ready, err := s.EnvoyAdmin(ctx, "/ready"); err != nil || ready != "LIVE\n" {
			return false
		}
		listener, err := s.EnvoyAdmin(ctx, "/listeners") // llm::127.0.0.1:port
		s.URL = "http://" + afterLast(listener, "::")
		return err == nil && listener != ""
	})
}

// EnvoyAdmin gets a path of Envoy's admin interface.
func (s *Stack) EnvoyAdmin(ctx context.Context, path string) (string, error) {
	return get(ctx, &http.Client{Timeout: 5 * time.Second}, s.Admin+path)
}

// Close ends what was started, Envoy first, and removes the folder.
func (s *Stack) Close() error {
	var errs []error
	for _, p := range []*Process{s.Envoy, s.Regent} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	for _, p := range s.providers {
		errs = append(errs, p.server.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.Dir))...)
}

// Logs are the ends of the logs of Regent and Envoy.
func (s *Stack) Logs() string {
	out := ""
	for _, p := range []*Process{s.Regent, s.Envoy} {
		if p != nil {
			out += p.Logs()
		}
	}
	return out
}
