package admin

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	viewerToken   = "viewer-token-viewer-token"
	operatorToken = "operator-token-operator-token"
)

var withTokens = Access{
	Viewers:   map[string]string{"grafana": viewerToken},
	Operators: map[string]string{"ann": operatorToken},
}

// server has a path that says who asks, for every method.
func server(a Access) *Server {
	return New(Options{Access: a, Gatherer: testRegistry(), Routes: map[string]http.Handler{
		"/who": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who := ActorOf(r.Context())
			fmt.Fprintf(w, "%s %s", who.Name, who.Role)
		}),
	}})
}

func certified(r *http.Request) {
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "prober"}}
	r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
}

func bearing(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func TestAccess(t *testing.T) {
	metrics := withTokens
	metrics.MetricsAuth = true
	certificates := Access{Certificate: true}
	both := withTokens
	both.Certificate = true
	for _, c := range []struct {
		name   string
		access Access
		method string
		path   string
		as     []func(*http.Request)
		status int
		body   string
	}{
		{"health is open", withTokens, "GET", "/healthz", nil, 200, "ok"},
		{"readiness is open", withTokens, "GET", "/readyz", nil, 200, "true"},
		{"metrics are open", withTokens, "GET", "/metrics", nil, 200, "things_total 3"},
		{"metrics may be closed", metrics, "GET", "/metrics", nil, 401, "no valid token"},
		{"metrics with a token", metrics, "GET", "/metrics", []func(*http.Request){bearing(viewerToken)}, 200, "things_total 3"},
		{"a path that looks open", metrics, "GET", "/healthz/../who", nil, 401, ""},
		{"no token", withTokens, "GET", "/who", nil, 401, "admin.tokens"},
		{"an unknown path tells nothing", withTokens, "GET", "/nowhere", nil, 401, ""},
		{"a wrong token", withTokens, "GET", "/who", []func(*http.Request){bearing("wrong")}, 401, "no valid token"},
		{"an empty token", withTokens, "GET", "/who", []func(*http.Request){bearing("")}, 401, ""},
		{"half a token", withTokens, "GET", "/who", []func(*http.Request){bearing(viewerToken[:8])}, 401, ""},
		{"another scheme", withTokens, "GET", "/who", []func(*http.Request){header("Authorization", "Basic "+viewerToken)}, 401, ""},
		{"a viewer reads", withTokens, "GET", "/who", []func(*http.Request){bearing(viewerToken)}, 200, "grafana viewer"},
		{"a viewer asks for the head", withTokens, "HEAD", "/who", []func(*http.Request){bearing(viewerToken)}, 200, ""},
		{"a viewer changes", withTokens, "POST", "/who", []func(*http.Request){bearing(viewerToken)}, 403, "admin.tokens.operator"},
		{"a viewer deletes", withTokens, "DELETE", "/who", []func(*http.Request){bearing(viewerToken)}, 403, ""},
		{"a viewer's OPTIONS", withTokens, "OPTIONS", "/who", []func(*http.Request){bearing(viewerToken)}, 403, ""},
		{"an operator reads", withTokens, "GET", "/who", []func(*http.Request){bearing(operatorToken)}, 200, "ann operator"},
		{"an operator changes", withTokens, "PUT", "/who", []func(*http.Request){bearing(operatorToken)}, 200, "ann operator"},
		{"another site has an operator change", withTokens, "POST", "/who", []func(*http.Request){bearing(operatorToken), header("Sec-Fetch-Site", "cross-site")}, 403, "another site"},
		{"an older browser says so by Origin", withTokens, "POST", "/who", []func(*http.Request){bearing(operatorToken), header("Origin", "https://evil.example")}, 403, "another site"},
		{"tokens on loopback are wanted too", Access{Loopback: true, Viewers: withTokens.Viewers}, "GET", "/who", nil, 401, ""},
		{"tokens on a socket are wanted too", Access{Socket: true, Viewers: withTokens.Viewers}, "GET", "/who", nil, 401, ""},
		{"loopback reads", loopback, "GET", "/who", nil, 200, "local viewer"},
		{"localhost reads", loopback, "GET", "/who", []func(*http.Request){host("localhost:9902")}, 200, "local viewer"},
		{"IPv6 loopback reads", loopback, "GET", "/who", []func(*http.Request){host("[::1]:9902")}, 200, "local viewer"},
		{"a name rebound to loopback", loopback, "GET", "/who", []func(*http.Request){host("evil.example:9902")}, 403, "Host header"},
		{"loopback changes nothing", loopback, "POST", "/who", nil, 403, "admin.tokens.operator"},
		{"a socket changes", Access{Socket: true}, "POST", "/who", []func(*http.Request){host("regent")}, 200, "local operator"},
		{"the zero value reads nothing", Access{}, "GET", "/who", nil, 403, "nobody may read"},
		{"the zero value is alive", Access{}, "GET", "/healthz", nil, 200, "ok"},
		{"a certificate reads", certificates, "GET", "/who", []func(*http.Request){certified}, 200, "prober viewer"},
		{"a certificate changes nothing", certificates, "POST", "/who", []func(*http.Request){certified}, 403, ""},
		{"no certificate", certificates, "GET", "/who", nil, 403, "client_ca"},
		{"a token without its certificate", both, "GET", "/who", []func(*http.Request){bearing(viewerToken)}, 403, "client_ca"},
		{"both", both, "GET", "/who", []func(*http.Request){bearing(viewerToken), certified}, 200, "grafana viewer"},
		{"a certificate without its token", both, "GET", "/who", []func(*http.Request){certified}, 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := local(c.method, c.path)
			for _, change := range c.as {
				change(r)
			}
			w := httptest.NewRecorder()
			server(c.access).Handler().ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, c.status, c.body)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'self';") {
				t.Errorf("headers: %v", w.Header())
			}
		})
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	h := server(withTokens).Handler()
	get(t, h, "/who")
	get(t, h, "/who")
	if _, body := get(t, h, "/metrics"); !strings.Contains(body, `regent_admin_refused_total{reason="token"} 2`) {
		t.Error(body)
	}
}

func TestWrongTokensAreSlowed(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	s := server(withTokens)
	s.guard.failures.now = func() time.Time { return clock }
	try := func(token, from string) int {
		r := local("GET", "/who")
		r.RemoteAddr = from
		bearing(token)(r)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for i := range failureBurst {
		if got := try("wrong", "192.0.2.1:5"); got != 401 {
			t.Fatalf("failure %d: %d", i, got)
		}
	}
	if got := try(viewerToken, "192.0.2.1:6"); got != 429 {
		t.Errorf("the right token after %d wrong ones: %d", failureBurst, got)
	}
	if got := try(viewerToken, "192.0.2.2:5"); got != 200 {
		t.Errorf("another address: %d", got)
	}
	clock = clock.Add(failureEvery)
	if got := try(viewerToken, "192.0.2.1:5"); got != 200 {
		t.Errorf("later: %d", got)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	f := newFailures(func() time.Time { return clock })
	address := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)
	}
	for i := range 3 * maxAddresses {
		f.add(address(i))
	}
	if len(f.when) > maxAddresses+1 {
		t.Errorf("%d addresses remembered", len(f.when))
	}
	if f.may(address(3*maxAddresses - 1)) {
		t.Error("addresses without a place share one that is not used up")
	}
	if !f.may(address(0)) {
		t.Error("an address with a place suffers for the others")
	}
	clock = clock.Add(24 * time.Hour)
	f.add(address(0))
	if len(f.when) != 1 {
		t.Errorf("%d addresses remembered after a day", len(f.when))
	}
}

// browser keeps cookies, as one would.
type browser struct {
	t       *testing.T
	h       http.Handler
	cookies map[string]*http.Cookie
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	b.t.Helper()
	r.Header.Set("Accept", "text/html,*/*")
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

func (b *browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://127.0.0.1:9902"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

func TestSignIn(t *testing.T) {
	s := server(withTokens)
	b := &browser{t, s.Handler(), map[string]*http.Cookie{}}
	w := b.do(local("GET", "/who?a=1&b=2"))
	if got := w.Header().Get("Location"); w.Code != 303 || got != "/signin?next=%2Fwho%3Fa%3D1%26b%3D2" {
		t.Fatalf("%d to %q", w.Code, got)
	}
	page := b.do(local("GET", w.Header().Get("Location")))
	if page.Code != 200 || !strings.Contains(page.Body.String(), `value="/who?a=1&amp;b=2"`) {
		t.Fatalf("%d %s", page.Code, page.Body)
	}
	if w := b.post("/signin", url.Values{"token": {"wrong"}, "next": {"/who"}}); w.Code != 401 || !strings.Contains(w.Body.String(), `role="alert"`) || len(b.cookies) != 0 {
		t.Fatalf("a wrong token: %d %s", w.Code, w.Body)
	}
	w = b.post("/signin", url.Values{"token": {" " + viewerToken + "\n"}, "next": {"/who?a=1"}})
	if w.Code != 303 || w.Header().Get("Location") != "/who?a=1" {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	c := b.cookies[SessionCookie]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 8*60*60 || strings.Contains(c.Value, viewerToken) {
		t.Fatalf("cookie %+v", c)
	}
	if w := b.do(local("GET", "/who")); w.Body.String() != "grafana viewer" {
		t.Errorf("signed in: %d %s", w.Code, w.Body)
	}
	if w := b.post("/who", nil); w.Code != 403 {
		t.Errorf("a viewer's session changes: %d", w.Code)
	}
	if w := b.post("/signout", nil); w.Code != 303 || len(b.cookies) != 0 {
		t.Errorf("sign-out: %d, cookies %v", w.Code, b.cookies)
	}
}

func TestSessionsEndAndCannotBeForged(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	s := newSessions(func() time.Time { return clock })
	other := newSessions(func() time.Time { return clock })
	read := func(value string) bool {
		r := local("GET", "/")
		r.AddCookie(&http.Cookie{Name: SessionCookie, Value: value})
		_, ok := s.read(r)
		return ok
	}
	good := s.cookie(Actor{"ann", Viewer}, true)
	if !good.Secure || !read(good.Value) {
		t.Fatal("a good cookie is refused")
	}
	body, signature, _ := strings.Cut(good.Value, ".")
	forged := other.cookie(Actor{"ann", Operator}, true).Value
	forgedBody, _, _ := strings.Cut(forged, ".")
	for _, value := range []string{"", ".", body, body + ".", "." + signature, forged, forgedBody + "." + signature, good.Value + "x", "x" + good.Value} {
		if read(value) {
			t.Errorf("%q is taken for a session", value)
		}
	}
	clock = clock.Add(sessionLife)
	if read(good.Value) {
		t.Error("the session does not end")
	}
}

func TestSignInFromAnotherSite(t *testing.T) {
	r := httptest.NewRequest("POST", "http://127.0.0.1:9902/signin", strings.NewReader("token="+operatorToken))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	w := httptest.NewRecorder()
	server(withTokens).Handler().ServeHTTP(w, r)
	if w.Code != 403 || len(w.Result().Cookies()) != 0 {
		t.Errorf("%d, cookies %v", w.Code, w.Result().Cookies())
	}
}

func TestNextStaysHere(t *testing.T) {
	for next, want := range map[string]string{
		"/console/calls?team=a": "/console/calls?team=a",
		"":                      "/",
		"//evil.example":        "/",
		`/\evil.example`:        "/",
		"https://evil.example/": "/",
		"javascript:alert(1)":   "/",
		"/\tx":                  "/",
		"console":               "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}
