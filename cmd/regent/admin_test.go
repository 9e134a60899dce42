package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/admin"
	"github.com/regent-proxy/regent/pkg/config"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", nil)
	return a
}

// sign writes name.pem and name.key, signed by the authority, or by itself where
// there is none yet.
func (a *authority) sign(name string, serial *big.Int) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	if serial == nil {
		serial = big.NewInt(1)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: a.cert == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	must(a.t, err)
	cert, err := x509.ParseCertificate(der)
	must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
	return cert, key
}

func (a *authority) path(name string) config.Path { return config.Path(filepath.Join(a.dir, name)) }

func (a *authority) write(name, kind string, der []byte) {
	must(a.t, os.WriteFile(string(a.path(name)), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client trusts the authority and shows the certificate of that name, if any.
func (a *authority) client(name string) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	c := &tls.Config{RootCAs: roots}
	if name != "" {
		pair, err := tls.LoadX509KeyPair(string(a.path(name+".pem")), string(a.path(name+".key")))
		must(a.t, err)
		c.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
}

func TestAdminTLS(t *testing.T) {
	a := newAuthority(t)
	a.sign("server", nil)
	a.sign("prober", nil)
	c := config.Default()
	c.Admin.Listen = "127.0.0.1:0"
	c.Admin.TLS = config.ServerTLS{Cert: a.path("server.pem"), Key: a.path("server.key"), ClientCA: a.path("ca.pem")}
	l, err := listenAdmin(c)
	must(t, err)
	s := admin.New(admin.Options{Access: adminAccess(&c.Admin), Version: "v1"})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	for _, each := range []struct {
		path, certificate string
		status            int
	}{
		{"/healthz", "", 200}, {"/version", "", 403}, {"/version", "prober", 200},
	} {
		resp, err := a.client(each.certificate).Get("https://" + l.Addr().String() + each.path)
		must(t, err)
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != each.status {
			t.Errorf("%+v: %d %s", each, resp.StatusCode, body)
		}
	}
	must(t, s.Shutdown(context.Background()))
	must(t, <-done)
}

func TestCertificateIsReadAnew(t *testing.T) {
	a := newAuthority(t)
	a.sign("server", big.NewInt(1))
	clock := time.Now()
	k := &keyPair{cert: string(a.path("server.pem")), key: string(a.path("server.key")), now: func() time.Time { return clock }}
	serial := func() int64 {
		pair, err := k.get(nil)
		must(t, err)
		return pair.Leaf.SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	a.sign("server", big.NewInt(2))
	must(t, os.Chtimes(k.cert, clock.Add(time.Second), clock.Add(time.Second)))
	if got := serial(); got != 1 {
		t.Errorf("at once: serial %d", got)
	}
	clock = clock.Add(pairAge)
	if got := serial(); got != 2 {
		t.Errorf("after a while: serial %d", got)
	}
	must(t, os.WriteFile(k.cert, []byte("broken"), 0o600))
	must(t, os.Chtimes(k.cert, clock.Add(time.Minute), clock.Add(time.Minute)))
	clock = clock.Add(pairAge)
	if got := serial(); got != 2 {
		t.Errorf("a broken file: serial %d", got)
	}
}

func TestBadAdminTLSIsFoundAtStart(t *testing.T) {
	a := newAuthority(t)
	c := config.Default()
	c.Telemetry.Traces.Exporter, c.Telemetry.Metrics.Exporter = "none", "none"
	c.Admin.TLS = config.ServerTLS{Cert: a.path("ca.pem"), Key: a.path("ca.pem")}
	if _, err := assemble(t.Context(), c, io.Discard, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error")
	}
}
