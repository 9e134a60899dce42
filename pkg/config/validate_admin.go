package config

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// minToken is the least length of a token, in bytes: a shorter one could be
// guessed.
const minToken = 16

// admin holds the admin port's rules: nobody reads over a network without
// showing something.
func (r *rules) admin(a *Admin) {
	r.tokens("admin.tokens.viewer", a.Tokens.Viewer)
	r.tokens("admin.tokens.operator", a.Tokens.Operator)
	r.distinct(&a.Tokens)
	r.serverTLS(a)
	network, address := a.Listen.Network()
	_, _, err := net.SplitHostPort(address)
	reached := network == "tcp" && err == nil && !a.Listen.Loopback()
	if reached && len(a.Tokens.Viewer)+len(a.Tokens.Operator) == 0 && a.TLS.ClientCA == "" {
		r.add("admin.listen", "set admin.tokens.viewer or admin.tokens.operator, set admin.tls.client_ca, or listen on 127.0.0.1 or unix:/path", "%q is reached by other machines, and anybody there could read", a.Listen)
	}
}

func (r *rules) tokens(at string, tokens map[string]Secret) {
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		if n := len(tokens[name].Reveal()); n < minToken {
			r.add(at+"."+name, "make one with: openssl rand -hex 32", "want %d bytes or more, got %d", minToken, n)
		}
	}
}

// distinct wants each token once: a request must have one name.
func (r *rules) distinct(t *Tokens) {
	seen := map[string]bool{}
	for _, list := range []struct {
		at     string
		tokens map[string]Secret
	}{{"admin.tokens.viewer", t.Viewer}, {"admin.tokens.operator", t.Operator}} {
		for _, name := range slices.Sorted(maps.Keys(list.tokens)) {
			token := list.tokens[name].Reveal()
			if seen[token] && token != "" {
				r.add(list.at+"."+name, "give each holder one of their own; an operator's also reads", "is the same as another token")
			}
			seen[token] = true
		}
	}
}

func (r *rules) serverTLS(a *Admin) {
	r.file("admin.tls.cert", a.TLS.Cert)
	r.file("admin.tls.key", a.TLS.Key)
	r.file("admin.tls.client_ca", a.TLS.ClientCA)
	network, _ := a.Listen.Network()
	switch {
	case a.TLS == (ServerTLS{}):
	case network == "unix":
		r.add("admin.tls", "leave it out", "a Unix socket has no TLS")
	case a.TLS.Cert == "" || a.TLS.Key == "":
		r.add("admin.tls", "set admin.tls.cert and admin.tls.key", "cert and key are both needed")
	}
}

func (r *rules) console(c *Console) {
	r.count("console.calls", c.Calls, 100_000)
	r.count("console.kinds", c.Kinds, 5_000)
	if c.TraceURL == "" {
		return
	}
	u, err := url.Parse(strings.ReplaceAll(c.TraceURL, "{trace_id}", "0"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.add("console.trace_url", "write http://jaeger:16686/trace/{trace_id}", "is no http or https URL: %q", c.TraceURL)
	} else if !strings.Contains(c.TraceURL, "{trace_id}") {
		r.add("console.trace_url", "write http://jaeger:16686/trace/{trace_id}", "has no {trace_id} in it")
	}
}
