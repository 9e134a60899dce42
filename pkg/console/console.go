// Package console is the operators' view in a browser: live calls, what they
// cost, what was refused, redacted or not looked at, and why.
//
// Most callers want [NewStore], whose [Store.Recorder] stands before the real
// recorder, and [New], which serves the pages. Pages are rendered here, without
// assets of others; with script off they reload by themselves. Nothing can be
// changed in the console, and it holds no content of calls.
package console

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/admin"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

//go:embed templates static
var files embed.FS

// Options are what the console shows.
type Options struct {
	Store *Store
	// TraceURL links to a call's trace: {trace_id} in it is replaced. "" for no
	// link.
	TraceURL string
	// Policy is what is known of the policy set in force, as anything that
	// encoding/json writes; it is called for each page that shows it, concurrently.
	Policy func() any
	// Rollout is how policies are rolled out; nil where that is not known.
	Rollout func() rollout.Status
	// Reviews are the calls that wait for a human; nil leaves their page out.
	Reviews Reviews
	// Version is the process's own.
	Version string
}

// Console serves the pages. Safe for concurrent use.
type Console struct {
	options Options
	pages   map[string]*template.Template
}

// New makes a console.
func New(o Options) (*Console, error) {
	c := &Console{options: o, pages: map[string]*template.Template{}}
	base, err := template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"overview", "calls", "call", "spend", "policy", "reviews", "error"} {
		page, err := template.Must(base.Clone()).ParseFS(files, "templates/"+name+".html")
		if err != nil {
			return nil, err
		}
		c.pages[name] = page
	}
	return c, nil
}

// Routes are the console's paths, as patterns of http.ServeMux.
func (c *Console) Routes() map[string]http.Handler {
	static, _ := fs.Sub(files, "static") // the name is a constant: never fails
	routes := map[string]http.Handler{
		"GET /{$}":                http.RedirectHandler("/console/", http.StatusSeeOther),
		"GET /console/":           http.HandlerFunc(c.missing),
		"GET /console/{$}":        http.HandlerFunc(c.overview),
		"GET /console/calls":      http.HandlerFunc(c.calls),
		"GET /console/calls/{id}": http.HandlerFunc(c.call),
		"GET /console/spend":      http.HandlerFunc(c.spend),
		"GET /console/policy":     http.HandlerFunc(c.policy),
		"GET /console/theme":      http.HandlerFunc(theme),
		"GET /console/static/":    cached(http.StripPrefix("/console/static/", http.FileServerFS(static))),
	}
	if c.options.Reviews != nil {
		routes["GET /console/reviews"] = http.HandlerFunc(c.reviews)
	}
	return routes
}

// cached lets a browser keep what changes with the binary alone, for a while.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		next.ServeHTTP(w, r)
	})
}

// themeCookie holds light or dark; the sign-in page reads it too.
const themeCookie = "regent_theme"

// theme keeps the choice of light or dark. It is a GET, because viewers may send
// nothing else; all it changes is a colour.
func theme(w http.ResponseWriter, r *http.Request) {
	cookie := &http.Cookie{Name: themeCookie, Path: "/", SameSite: http.SameSiteStrictMode, HttpOnly: true, MaxAge: -1}
	if to := r.FormValue("to"); to == "light" || to == "dark" {
		cookie.Value, cookie.MaxAge = to, 365*24*60*60
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, backPath(r.FormValue("back")), http.StatusSeeOther)
}

// backPath is a page of the console.
func backPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/console/") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/console/"
	}
	return to
}

// frame is what every page shows around its own.
type frame struct {
	Page, Title, Theme, Version string
	Here, Path                  string // the page's own URL, and without its query
	Actor                       admin.Actor
	Session                     bool // the actor signed in here, and may leave
	Now                         time.Time
	Window                      window
	Windows                     []window
	Filter                      Filter
	Live                        bool // the page renews itself
	Reviews                     bool // there is a page of them
	Body                        any
}

func (c *Console) frame(r *http.Request, page, title string, body any) *frame {
	f := &frame{
		Page: page, Title: title, Here: r.URL.RequestURI(), Path: r.URL.Path, Version: c.options.Version, Actor: admin.ActorOf(r.Context()),
		Now: c.options.Store.now().UTC(), Window: windowOf(r.FormValue("window")), Windows: windows, Filter: filterOf(r), Body: body,
	}
	if cookie, err := r.Cookie(themeCookie); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		f.Theme = cookie.Value
	}
	f.Reviews = c.options.Reviews != nil
	_, err := r.Cookie(admin.SessionCookie)
	f.Session = err == nil
	return f
}

func filterOf(r *http.Request) Filter {
	value := func(name string) string { return word(strings.TrimSpace(r.FormValue(name))) }
	return Filter{
		Tenant: value("tenant"), Team: value("team"), Model: value("model"), Decision: value("decision"),
		Code: value("code"), Entity: value("entity"), Upstream: value("upstream"), ID: value("id"),
	}
}

// render writes a page; a fault of a template is shown as such, not as half a
// page.
func (c *Console) render(w http.ResponseWriter, status int, f *frame) {
	var page bytes.Buffer
	if err := c.pages[f.Page].Execute(&page, f); err != nil {
		page.Reset()
		status = http.StatusInternalServerError
		f.Page, f.Title, f.Body = "error", "This page failed", failure{"This page could not be rendered", err.Error()}
		if err := c.pages["error"].Execute(&page, f); err != nil {
			http.Error(w, err.Error(), status)
			return
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// failure is the body of an error page.
type failure struct{ Message, Hint string }

func (c *Console) missing(w http.ResponseWriter, r *http.Request) {
	c.render(w, http.StatusNotFound, c.frame(r, "error", "Not found", failure{"There is no such page", "The console’s pages are those named above."}))
}

// jsonRows flattens any value into lines of a path and a value, as encoding/json
// writes it, in its order.
func jsonRows(v any) []row {
	text, err := json.Marshal(v)
	if err != nil {
		return []row{{"error", err.Error()}}
	}
	f := flattener{decoder: json.NewDecoder(bytes.NewReader(text))}
	f.decoder.UseNumber()
	f.value("")
	return f.rows
}

// row is a name with a value.
type row struct{ Name, Value string }

// maxRows bounds a flattened value.
const maxRows = 200

// flattener walks a JSON document that encoding/json wrote, so that no token can
// be in error.
type flattener struct {
	decoder *json.Decoder
	rows    []row
}

func (f *flattener) value(at string) {
	token, _ := f.decoder.Token()
	switch token {
	case json.Delim('{'):
		for f.decoder.More() {
			name, _ := f.decoder.Token()
			f.value(below(at, strings.ReplaceAll(name.(string), "_", " ")))
		}
	case json.Delim('['):
		for i := 1; f.decoder.More(); i++ {
			f.value(below(at, strconv.Itoa(i)))
		}
	default:
		f.line(at, token)
		return
	}
	_, _ = f.decoder.Token() // the end
}

func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + " › " + name
}

func (f *flattener) line(at string, token json.Token) {
	if len(f.rows) >= maxRows {
		return
	}
	text := "–"
	switch v := token.(type) {
	case bool:
		text = map[bool]string{true: "yes", false: "no"}[v]
	case json.Number:
		text = v.String()
	case string:
		text = cmp.Or(bounded(v, maxMessage), "–")
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			text = moment(t)
		}
	}
	f.rows = append(f.rows, row{at, text})
}
