package admin

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed static/signin.html
var signInText string

//go:embed static/signin.css
var signInStyle []byte

//go:embed static/signin.svg
var signInIcon []byte

var signInPage = template.Must(template.New("signin").Parse(signInText))

// signInView is what the sign-in page shows.
type signInView struct {
	Theme, Next, Problem string
	Configured           bool // there are tokens at all
}

// routes adds the sign-in page's paths.
func (g *guard) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /signin", func(w http.ResponseWriter, r *http.Request) { g.show(w, r, http.StatusOK, "") })
	mux.HandleFunc("POST /signin", g.enter)
	mux.HandleFunc("POST /signout", g.leave)
	mux.HandleFunc("GET /signin.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(signInStyle)
	})
	mux.HandleFunc("GET /signin.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write(signInIcon)
	})
}

func (g *guard) show(w http.ResponseWriter, r *http.Request, status int, problem string) {
	view := signInView{Next: localPath(r.FormValue("next")), Problem: problem, Configured: len(g.holders) > 0}
	if c, err := r.Cookie("regent_theme"); err == nil && (c.Value == "dark" || c.Value == "light") {
		view.Theme = c.Value
	}
	var page bytes.Buffer
	if err := signInPage.Execute(&page, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// enter takes the form's token and gives a session for it.
func (g *guard) enter(w http.ResponseWriter, r *http.Request) {
	actor, no := g.signing(r)
	if no != nil {
		g.refused.WithLabelValues(no.reason).Inc()
		g.show(w, r, no.status, no.Message)
		return
	}
	http.SetCookie(w, g.sessions.cookie(actor, g.access.Secure))
	http.Redirect(w, r, localPath(r.PostFormValue("next")), http.StatusSeeOther)
}

func (g *guard) signing(r *http.Request) (Actor, *refusal) {
	switch {
	case g.origins.Check(r) != nil:
		return Actor{}, needOrigin
	case g.access.Certificate && commonName(r) == "":
		return Actor{}, needCertificate
	case len(g.holders) == 0:
		return Actor{}, needLocal
	}
	return g.check(r, strings.TrimSpace(r.PostFormValue("token")))
}

// leave ends the browser's session.
func (g *guard) leave(w http.ResponseWriter, r *http.Request) {
	if g.origins.Check(r) != nil {
		g.refuse(w, r, needOrigin)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: g.access.Secure, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// escapeNext is where to go on after signing in, as a query's value.
func escapeNext(u *url.URL) string { return url.QueryEscape(u.RequestURI()) }

// localPath is next if it is a path of this server, else the root: a link to the
// sign-in page must not lead elsewhere.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
