// Package admin is the HTTP server for operators: health, readiness, metrics,
// version, profiles, and the paths that others register.
//
// Most callers want [New] and [Server.Serve]. Every path but health, sign-in and
// (unless told otherwise) metrics stands behind the rules of [Access]: viewers
// read, operators write.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of a request. The bound of a write is set by each handler: net/http/pprof
// refuses to run for longer than a bound of the whole server.
const (
	readTimeout  = 5 * time.Second
	writeTimeout = 30 * time.Second
	profileLimit = 5 * time.Minute
	idleTimeout  = 2 * time.Minute
	maxHeader    = 16 << 10
	maxBody      = 1 << 20
)

// Reason is why the process is not ready.
type Reason struct {
	Part    string `json:"part"` // policy, drain, …
	Message string `json:"message"`
}

// Options are what the server shows.
type Options struct {
	// Ready lists why calls should not be sent here now, empty if they may. It
	// is called at each request, concurrently, and must not block.
	Ready func() []Reason
	// Gatherer is what /metrics serves; nil leaves the path out.
	Gatherer prometheus.Gatherer
	// Version is what /version serves, as JSON.
	Version any
	// Pprof serves /debug/pprof.
	Pprof bool
	// Access says who may read and write.
	Access Access
	// Routes are further patterns of http.ServeMux. GET and HEAD are served to
	// viewers, all other methods to operators; [ActorOf] tells who it is.
	Routes map[string]http.Handler
}

// Server serves the admin port.
type Server struct {
	http    *http.Server
	guard   *guard
	options Options
}

// New makes a server.
func New(o Options) *Server {
	s := &Server{options: o, guard: newGuard(o.Access, time.Now)}
	s.http = &http.Server{
		Handler:           http.MaxBytesHandler(bounded(s.guard.wrap(s.routes())), maxBody),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	return s
}

// Handler serves the admin paths without a listener.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Serve serves on l until Shutdown; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin server: %w", err)
	}
	return nil
}

// Shutdown ends the server; requests in hand may end within ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /version", s.version)
	if s.options.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(s.gatherer(), promhttp.HandlerOpts{
			EnableOpenMetrics: true, ErrorHandling: promhttp.HTTPErrorOnError, MaxRequestsInFlight: 4,
		}))
	}
	if s.options.Pprof {
		profiles(mux)
	}
	s.guard.routes(mux)
	for pattern, handler := range s.options.Routes {
		mux.Handle(pattern, handler)
	}
	return mux
}

// gatherer adds the admin port's own metrics.
func (s *Server) gatherer() prometheus.Gatherer {
	own := prometheus.NewRegistry()
	own.MustRegister(s.guard.refused)
	return prometheus.Gatherers{s.options.Gatherer, own}
}

// healthz says that the process is alive and answers; nothing more, so that a
// broken dependency is no reason to restart it.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz is 200 where calls may be sent here, else 503, with the reasons.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	reasons := []Reason{}
	if s.options.Ready != nil {
		reasons = append(reasons, s.options.Ready()...)
	}
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, struct {
		Ready   bool     `json:"ready"`
		Reasons []Reason `json:"reasons"`
	}{len(reasons) == 0, reasons})
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.options.Version)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// bounded gives each answer its time.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := writeTimeout
		if strings.HasPrefix(r.URL.Path, "/debug/pprof/") {
			limit = profileLimit
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit))
		next.ServeHTTP(w, r)
	})
}

// profiles serves net/http/pprof, which net/http's default mux would have served
// whether wanted or not.
func profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}
