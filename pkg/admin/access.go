package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Role is what a person or a program may do on the admin port. A higher role
// may do all that a lower one may.
type Role int

// Roles.
const (
	Nobody   Role = iota // health and sign-in alone
	Viewer               // GET and HEAD
	Operator             // every method
)

// String is the role's word in the configuration.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Operator:
		return "operator"
	}
	return "nobody"
}

// Actor is who makes a request.
type Actor struct {
	// Name is the token's name in the configuration, the common name of the
	// client's certificate, or "local" where neither is asked for.
	Name string
	Role Role
}

type actorKey struct{}

// ActorOf is who makes a request that one of [Options.Routes] serves.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// Access says who may use the admin port. The zero value lets nobody do more
// than ask for health and metrics.
//
// With tokens, a reader shows one of a viewer or an operator and a writer one of
// an operator, as Authorization: Bearer or, in a browser, at the sign-in page.
// Without tokens nobody is known by name: reads are then allowed to whoever
// reaches a loopback address, a Unix socket or shows a certificate, and writes to
// whoever may open the Unix socket.
type Access struct {
	// Viewers and Operators are tokens by the name of who holds them.
	Viewers, Operators map[string]string
	// Loopback says that the listener has a loopback address, Socket that it is
	// a Unix socket.
	Loopback, Socket bool
	// Certificate says that the listener verifies certificates of clients. Who
	// shows none has the open paths alone.
	Certificate bool
	// Secure says that the listener speaks TLS.
	Secure bool
	// MetricsAuth asks readers of /metrics for what readers of other paths show.
	MetricsAuth bool
}

// holder is one configured token. Its digest is compared, not the token, so that
// the time of a comparison tells nothing, not even a length.
type holder struct {
	actor  Actor
	digest [sha256.Size]byte
}

// guard stands before every path.
type guard struct {
	access   Access
	holders  []holder
	sessions *sessions
	failures *failures
	origins  *http.CrossOriginProtection
	refused  *prometheus.CounterVec
}

func newGuard(a Access, now func() time.Time) *guard {
	g := &guard{
		access: a, sessions: newSessions(now), failures: newFailures(now), origins: http.NewCrossOriginProtection(),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "regent_admin_refused_total", Help: "Requests that the admin port refused, by reason: token, role, rate, origin, host, certificate.",
		}, []string{"reason"}),
	}
	for name, token := range a.Viewers {
		g.holders = append(g.holders, holder{Actor{name, Viewer}, sha256.Sum256([]byte(token))})
	}
	for name, token := range a.Operators {
		g.holders = append(g.holders, holder{Actor{name, Operator}, sha256.Sum256([]byte(token))})
	}
	return g
}

// refusal is why a request is not served.
type refusal struct {
	status          int
	reason          string // of the metric
	Message, Advice string
}

var (
	needToken       = &refusal{http.StatusUnauthorized, "token", "no valid token", "send Authorization: Bearer with a token of admin.tokens, or sign in at /signin"}
	needRole        = &refusal{http.StatusForbidden, "role", "the token is a viewer's", "this method needs a token of admin.tokens.operator"}
	needOperator    = &refusal{http.StatusForbidden, "role", "nobody may change anything here", "configure admin.tokens.operator, or have the admin port listen on a Unix socket"}
	needLocal       = &refusal{http.StatusForbidden, "token", "nobody may read here", "configure admin.tokens, or have the admin port listen on loopback"}
	needHost        = &refusal{http.StatusForbidden, "host", "the Host header is no loopback address", "a web page may be behind it; ask for 127.0.0.1 or localhost, or configure admin.tokens"}
	needOrigin      = &refusal{http.StatusForbidden, "origin", "another site's page sent this", "send it from the admin port's own pages, or without a browser"}
	needPatience    = &refusal{http.StatusTooManyRequests, "rate", "too many wrong tokens from this address", "wait a minute"}
	needCertificate = &refusal{http.StatusForbidden, "certificate", "no client certificate", "show one that admin.tls.client_ca signed"}
)

// wrap serves what the caller may do, and else says what is wanting.
func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		if g.open(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		actor, no := g.admit(r)
		if no != nil {
			g.refuse(w, r, no)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, actor)))
	})
}

// open are the paths that are served to everybody.
func (g *guard) open(path string) bool {
	switch path {
	case "/healthz", "/readyz", "/signin", "/signin.css", "/signin.svg", "/signout":
		return true
	case "/metrics":
		return !g.access.MetricsAuth
	}
	return false
}

// admit is who makes the request, if they may.
func (g *guard) admit(r *http.Request) (Actor, *refusal) {
	actor, no := g.identify(r)
	if no != nil {
		return actor, no
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return actor, nil
	}
	if actor.Role < Operator {
		if len(g.holders) == 0 {
			return actor, needOperator
		}
		return actor, needRole
	}
	if g.origins.Check(r) != nil {
		return actor, needOrigin
	}
	return actor, nil
}

// identify is who makes the request, at least a viewer, whatever is asked for.
func (g *guard) identify(r *http.Request) (Actor, *refusal) {
	if g.access.Certificate && commonName(r) == "" {
		return Actor{}, needCertificate
	}
	if len(g.holders) == 0 {
		return g.anonymous(r)
	}
	if token, ok := bearer(r); ok {
		return g.check(r, token)
	}
	if actor, ok := g.sessions.read(r); ok {
		return actor, nil
	}
	return Actor{}, needToken
}

// anonymous is who somebody is where no token is configured. A page of the web
// can have its own name resolve to loopback, so the Host header must name it.
func (g *guard) anonymous(r *http.Request) (Actor, *refusal) {
	switch {
	case g.access.Socket:
		return Actor{"local", Operator}, nil
	case g.access.Certificate:
		return Actor{commonName(r), Viewer}, nil
	case !g.access.Loopback:
		return Actor{}, needLocal
	case !isLoopback(r.Host):
		return Actor{}, needHost
	}
	return Actor{"local", Viewer}, nil
}

// check is whose token it is. An address that sent too many wrong ones is
// refused unheard for a while.
func (g *guard) check(r *http.Request, token string) (Actor, *refusal) {
	from := remote(r)
	if !g.failures.may(from) {
		return Actor{}, needPatience
	}
	digest := sha256.Sum256([]byte(token))
	var found Actor
	for i := range g.holders { // all of them, whichever fits
		if subtle.ConstantTimeCompare(digest[:], g.holders[i].digest[:]) == 1 && g.holders[i].actor.Role > found.Role {
			found = g.holders[i].actor
		}
	}
	if found.Role == Nobody {
		g.failures.add(from)
		return Actor{}, needToken
	}
	return found, nil
}

// refuse answers a program with JSON and sends a browser to the sign-in page.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	g.refused.WithLabelValues(no.reason).Inc()
	if no == needToken && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/signin?next="+escapeNext(r.URL), http.StatusSeeOther)
		return
	}
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="regent"`)
	}
	if no.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "60")
	}
	writeJSON(w, no.status, map[string]string{"error": no.Message, "hint": no.Advice})
}

// bearer is the token of an Authorization header.
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// commonName is the subject of the client's verified certificate, "" without one.
func commonName(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return ""
	}
	leaf := r.TLS.VerifiedChains[0][0]
	if name := leaf.Subject.CommonName; name != "" {
		return name
	}
	return leaf.Subject.String() + " " + leaf.SerialNumber.String()
}

// isLoopback reports whether host, with or without a port, names this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// remote is the address a request comes from: an IPv6 network of 64 bits counts
// as one, the zero value is a Unix socket.
func remote(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

// protect sets the headers that keep a browser from doing what no page here asks
// for. The policy names no inline script and no inline style.
func protect(h http.Header) {
	for _, each := range headers {
		h.Set(each[0], each[1])
	}
}

var headers = [][2]string{
	{"Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cache-Control", "no-store"},
}
