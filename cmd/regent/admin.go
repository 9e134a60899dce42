package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/regent-proxy/regent/pkg/admin"
	"github.com/regent-proxy/regent/pkg/config"
)

// listenAdmin opens the admin port.
func listenAdmin(c *config.Config) (net.Listener, error) {
	secure, err := serverTLS(&c.Admin.TLS)
	if err != nil {
		return nil, fmt.Errorf("admin.tls: %w", err)
	}
	l, err := listen(c.Admin.Listen, c.Listen.SocketMode)
	if err != nil || secure == nil {
		return l, err
	}
	return tls.NewListener(l, secure), nil
}

// adminAccess says who may use the admin port.
func adminAccess(c *config.Admin) admin.Access {
	network, _ := c.Listen.Network()
	return admin.Access{
		Viewers: reveal(c.Tokens.Viewer), Operators: reveal(c.Tokens.Operator), MetricsAuth: c.MetricsAuth,
		Loopback: c.Listen.Loopback(), Socket: network == "unix",
		Secure: c.TLS.Cert != "", Certificate: c.TLS.ClientCA != "",
	}
}

func reveal(secrets map[string]config.Secret) map[string]string {
	out := make(map[string]string, len(secrets))
	for name, secret := range secrets {
		out[name] = secret.Reveal()
	}
	return out
}

// serverTLS is nil where none is configured. A client may come without a
// certificate, or probes could not ask for health; package admin then refuses it
// everything else.
func serverTLS(c *config.ServerTLS) (*tls.Config, error) {
	if c.Cert == "" {
		return nil, nil
	}
	pair := &keyPair{cert: string(c.Cert), key: string(c.Key), now: time.Now}
	if _, err := pair.get(nil); err != nil {
		return nil, err
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"http/1.1"}}
	if c.ClientCA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(string(c.ClientCA))
	if err != nil {
		return nil, err
	}
	t.ClientCAs, t.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("client_ca: %s holds no certificate in PEM", c.ClientCA)
	}
	return t, nil
}

// keyPair is a certificate that is read anew when its file has changed, as
// issuers of short-lived ones replace it. Safe for concurrent use.
type keyPair struct {
	cert, key string
	now       func() time.Time

	mu      sync.Mutex
	looked  time.Time
	changed time.Time
	pair    *tls.Certificate
}

// pairAge is how long a certificate is used without looking at its file.
const pairAge = 10 * time.Second

// get is the certificate. One that can't be read leaves the one before in place.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.pair != nil && now.Sub(k.looked) < pairAge {
		return k.pair, nil
	}
	k.looked = now
	if err := k.load(); err != nil && k.pair == nil {
		return nil, err
	}
	return k.pair, nil
}

func (k *keyPair) load() error {
	info, err := os.Stat(k.cert)
	if err != nil || k.pair != nil && info.ModTime().Equal(k.changed) {
		return err
	}
	pair, err := tls.LoadX509KeyPair(k.cert, k.key)
	if err != nil {
		return err
	}
	k.pair, k.changed = &pair, info.ModTime()
	return nil
}
