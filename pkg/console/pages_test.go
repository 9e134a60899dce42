package console

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/regent-proxy/regent/pkg/admin"
	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/rollout"
	"github.com/regent-proxy/regent/pkg/review"
)

var update = flag.Bool("update", false, "rewrite golden files")

// clock is a time that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 14, 30, 30, 0, time.UTC)} }

func serve(t *testing.T, s *Store) http.Handler {
	t.Helper()
	c, err := New(Options{Store: s, TraceURL: "http://jaeger:16686/trace/{trace_id}", Version: "v1.2.3", Reviews: someReviews(s.now()), Rollout: trial(rollout.Canary, s.now()), Policy: func() any {
		return map[string]any{"revision": "r1", "reloads": 2, "bundle": map[string]any{"name": "main"}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return admin.New(admin.Options{Access: admin.Access{Loopback: true}, Routes: c.Routes()}).Handler()
}

// trial is a rollout with a candidate on trial.
func trial(mode rollout.Mode, now time.Time) func() rollout.Status {
	return func() rollout.Status {
		since := now.Add(-time.Hour)
		s := rollout.Status{Mode: mode, Active: rollout.Revision{Revision: "r1", Since: &since}, Candidate: &rollout.Candidate{
			Revision: "r2", Since: now.Add(-10 * time.Minute),
			Window: &rollout.Window{Active: rollout.Figures{Calls: 950, Errors: 1, Denials: 40, P95: .0004}, Candidate: rollout.Figures{Calls: 50, Denials: 9, P95: .0005}},
		}, Refused: &rollout.Refused{Revision: "r0", Reason: "denials", By: "band", At: since}}
		if mode == rollout.Canary {
			s.Canary = &rollout.Sharing{Share: .05, Key: "subject", MaxErrorRateIncrease: .01, MaxDenialRateIncrease: .02, MaxLatencyRatio: 1.5, PromoteAfterSeconds: 3600}
		} else {
			s.Shadow = &rollout.Shadows{Evaluated: 1000, Differed: 12, Differences: map[string]int64{"deny": 9, "labels": 3, "route": 0}}
		}
		return s
	}
}

func TestShadow(t *testing.T) {
	c := newClock()
	s := story(c)
	pages, err := New(Options{Store: s, Rollout: trial(rollout.Shadow, c.t)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	pages.policy(w, httptest.NewRequest("GET", "/console/policy", nil))
	golden(t, "policy-shadow.txt", text(t, w.Body.String()))
}

// someReviews is a store of reviews, or one that fails where there are none.
type someReviews time.Time

func (at someReviews) List(state review.State, limit int) ([]review.Review, error) {
	now := time.Time(at)
	if now.IsZero() {
		return nil, errors.New("the file is gone")
	}
	subject := review.Subject{Tenant: "acme", Team: "risk", Caller: "ann", Model: "gpt-4o", Codes: []string{"large_transfer"}, Messages: []string{"over 10,000"}, Findings: []string{"IBAN ×1"}, InputTokens: 120, CostUSD: .002, Input: "the text of the call"}
	return []review.Review{
		{ID: "r2", State: review.Pending, Created: now.Add(-time.Minute), Expires: now.Add(9 * time.Minute), Subject: subject},
		{ID: "r1", State: review.Used, Created: now.Add(-time.Hour), Decided: now.Add(-50 * time.Minute), By: "bob", Reason: "checked", UsedBy: "c0ffee", Subject: subject},
	}, nil
}

func TestReviewsThatCannotBeRead(t *testing.T) {
	c, err := New(Options{Store: newStore(10, 9, newClock().now), Reviews: someReviews{}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	c.reviews(w, httptest.NewRequest("GET", "/console/reviews", nil))
	if !strings.Contains(w.Body.String(), "the file is gone") || !strings.Contains(w.Body.String(), "No call waits") {
		t.Error(w.Body)
	}
}

func fetch(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1:9902"+path, nil))
	return w.Code, w.Body.String()
}

// text is what a page says, one block a line.
func text(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(strings.Join(strings.Fields(n.Data), " ") + " ")
		}
		if n.Type == html.ElementNode && (n.Data == "style" || n.Data == "script" || n.Data == "svg") {
			return
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
		switch n.Data {
		case "p", "tr", "li", "h1", "h2", "h3", "label", "div", "section", "header", "figcaption":
			b.WriteString("\n")
		}
	}
	walk(root)
	var lines []string
	for _, line := range strings.Split(b.String(), "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-update rewrites it): -want +got\n%s", name, diff)
	}
}

// story is a store with one call of each kind.
func story(c *clock) *Store {
	s := newStore(100, 144, c.now)
	add := func(id string, ago time.Duration, change func(r *call.Record)) {
		r := testRecord(c.t.Add(-ago))
		r.ID = fmt.Sprintf("%032s", id)
		change(r)
		s.Add(r)
	}
	add("a110", 40*time.Second, func(r *call.Record) {})
	add("de01", 30*time.Second, func(r *call.Record) {
		r.Decision, r.DeniedIn, r.HTTPStatus, r.ErrorType = "deny", "request", 403, "policy_violation"
		r.Denies = []policy.Deny{{Code: "model_not_allowed", Message: "this model is not for your team", Status: 403}}
		r.Attempts, r.Response, r.CostKnown, r.CostUSD, r.EstimatedInput = nil, genai.Response{}, false, 0, 12
		r.Coverage, r.Identity.Team = policy.Coverage{Request: policy.Full, Response: policy.None}, "growth"
	})
	add("ed17", 20*time.Second, func(r *call.Record) {
		r.Decision, r.Redactions, r.Restored = "redact", map[string]int{"EMAIL": 2, "PHONE": 1}, 1
		r.RequestFindings = []policy.FindingFact{{Entity: "EMAIL", Class: "pii", Where: genai.Content, Role: genai.User, Count: 2, Score: 0.9}}
		r.Steps = []call.Step{
			{Kind: call.StepRead, Started: r.Started, Ended: r.Started.Add(time.Millisecond)},
			{Kind: call.StepPolicy, Started: r.Started.Add(time.Millisecond), Ended: r.Started.Add(2 * time.Millisecond), Phase: policy.Request, Decision: "redact"},
		}
		r.PolicyRevision, r.PolicyRole = "r2", "canary"
		r.Labels, r.Target, r.UpstreamModel = map[string]string{"tier": "gold"}, "on-prem", "llama-3"
	})
	add("5e4d", 10*time.Second, func(r *call.Record) {
		r.Stream, r.TimeToFirstChunk, r.Chunks, r.HeldBytesMax = true, 300*time.Millisecond, 40, 512
		r.Complete, r.Aborted, r.ErrorType = false, true, "client_abort"
		r.Coverage = policy.Coverage{Request: policy.Full, Response: policy.Partial, Reasons: []string{"aborted"}}
		r.Response.Usage, r.CostKnown, r.CostUSD, r.EstimatedInput = genai.Usage{}, false, 0, 95
		r.Attempts = append([]call.AttemptRecord{{Number: 1, Target: "public", Status: 503, Started: r.Started, Ended: r.Started.Add(100 * time.Millisecond)}},
			call.AttemptRecord{Number: 2, Target: "public", Status: 200, Started: r.Started.Add(200 * time.Millisecond), Ended: r.Started.Add(300 * time.Millisecond)})
	})
	return s
}

func TestPages(t *testing.T) {
	c := newClock()
	h := serve(t, story(c))
	for _, page := range []struct{ name, path string }{
		{"overview.txt", "/console/"}, {"calls.txt", "/console/calls"}, {"spend.txt", "/console/spend"}, {"policy.txt", "/console/policy"}, {"reviews.txt", "/console/reviews"},
		{"call-denied.txt", fmt.Sprintf("/console/calls/%032s", "de01")}, {"call-redacted.txt", fmt.Sprintf("/console/calls/%032s", "ed17")},
		{"call-aborted.txt", fmt.Sprintf("/console/calls/%032s", "5e4d")},
	} {
		status, body := fetch(t, h, page.path)
		if status != 200 {
			t.Errorf("%s: %d", page.path, status)
		}
		if strings.Contains(body, "the text of the call") {
			t.Errorf("%s shows content", page.path)
		}
		golden(t, page.name, text(t, body))
	}
}

func TestEmptyStates(t *testing.T) {
	c := newClock()
	empty := serve(t, newStore(10, 144, c.now))
	full := serve(t, story(c))
	for _, want := range []struct {
		h      http.Handler
		path   string
		status int
		says   string
	}{
		{empty, "/console/", 200, "No calls yet"},
		{empty, "/console/calls", 200, "No calls yet"},
		{empty, "/console/spend", 200, "No calls yet"},
		{empty, "/console/policy", 200, "No calls yet"},
		{full, "/console/?team=nobody", 200, "No call matches"},
		{full, "/console/calls?id=nothing", 200, "No call matches"},
		{full, "/console/calls/unknown", 404, "No call of this id is kept"},
		{full, "/console/nowhere", 404, "There is no such page"},
		{full, "/console/?window=nonsense&by=x", 200, "last hour"},
		{full, "/console/calls?before=nonsense", 200, "14:30:19"},
		{full, "/console/calls?before=2", 200, "Newest"},
	} {
		if status, body := fetch(t, want.h, want.path); status != want.status || !strings.Contains(body, want.says) {
			t.Errorf("%s: %d, want %d with %q", want.path, status, want.status, want.says)
		}
	}
}

const attack = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}`

// Names come from callers: whatever they hold stays text, in every place.
func TestHostileTextStaysText(t *testing.T) {
	c := newClock()
	s := newStore(10, 144, c.now)
	r := testRecord(c.t)
	r.ID, r.TraceID = attack, attack
	r.RequestModel, r.UpstreamModel, r.Response.Model, r.ServerAddress, r.Target, r.ErrorType, r.ReviewID = attack, attack+"2", attack, attack, attack, attack, attack
	r.Identity = policy.IdentityFacts{Subject: attack, Tenant: attack, Team: attack, App: attack}
	r.Decision, r.DeniedIn = "deny", "response"
	r.Denies = []policy.Deny{{Code: attack, Message: attack, Status: 403}}
	r.Labels, r.Redactions = map[string]string{attack: attack}, map[string]int{attack: 1}
	r.RequestFindings = []policy.FindingFact{{Entity: attack, Class: attack, Where: attack, Role: attack, Count: 1}}
	r.Coverage = policy.Coverage{Request: attack, Response: attack, Reasons: []string{attack}}
	r.Attempts = []call.AttemptRecord{{Target: attack, Address: attack}}
	r.Response.FinishReasons = []genai.FinishReason{{Reason: attack}}
	r.Provider, r.API, r.Dialect, r.PolicyRevision = attack, attack, attack, attack
	s.Add(r)
	pages, err := New(Options{Store: s, TraceURL: "http://jaeger/{trace_id}", Version: attack, Policy: func() any { return map[string]string{attack: attack} }})
	if err != nil {
		t.Fatal(err)
	}
	h := admin.New(admin.Options{Access: admin.Access{Loopback: true}, Routes: pages.Routes()}).Handler()
	for _, path := range []string{"/console/", "/console/calls", "/console/spend", "/console/policy", "/console/calls/" + url.PathEscape(s.calls()[0].ID), "/console/?team=" + url.QueryEscape(attack), "/console/calls?code=" + url.QueryEscape(attack)} {
		status, body := fetch(t, h, path)
		if status != 200 {
			t.Errorf("%s: %d", path, status)
		}
		inert(t, path, body)
	}
}

// inert wants a page whose only script is the console's file, without handlers,
// inline styles or addresses of elsewhere.
func inert(t *testing.T, path, body string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" {
			scripts++
		}
		if n.Data == "img" || n.Data == "iframe" || n.Data == "style" {
			t.Errorf("%s: <%s>", path, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
			}
			if (a.Key == "href" || a.Key == "src" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?") && !strings.HasPrefix(a.Val, "http://jaeger/") {
				t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
			}
		}
	}
	if scripts != 1 {
		t.Errorf("%s: %d scripts", path, scripts)
	}
}

func TestTraceLink(t *testing.T) {
	c := &Console{options: Options{TraceURL: "http://jaeger/{trace_id}"}}
	for id, want := range map[string]string{
		"4bf92f3577b34da6a3ce929d0e0e4736": "http://jaeger/4bf92f3577b34da6a3ce929d0e0e4736", "": "", "x": "", "../../../../../../../..": "",
	} {
		if got := c.traceLink(id); got != want {
			t.Errorf("%q: %q", id, got)
		}
	}
}

func TestTheme(t *testing.T) {
	h := serve(t, newStore(10, 144, newClock().now))
	for _, c := range []struct{ query, cookie, location string }{
		{"to=dark&back=/console/calls?team=a", "regent_theme=dark", "/console/calls?team=a"},
		{"to=light&back=//evil.example/console/", "regent_theme=light", "/console/"},
		{"to=light&back=https://evil.example/console/", "regent_theme=light", "/console/"},
		{"to=light&back=/other", "regent_theme=light", "/console/"},
		{"to=auto", "regent_theme=;", "/console/"},
		{`to="><script>`, "regent_theme=;", "/console/"},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1/console/theme", nil)
		r.URL.RawQuery = c.query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, c.cookie) || w.Header().Get("Location") != c.location {
			t.Errorf("%s: %q to %q", c.query, got, w.Header().Get("Location"))
		}
	}
	r := httptest.NewRequest("GET", "http://127.0.0.1/console/", nil)
	r.Header.Set("Cookie", "regent_theme=dark")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `data-theme="dark"`) {
		t.Error("the cookie is not heard")
	}
}

func TestAFailingPageSaysSo(t *testing.T) {
	c, err := New(Options{Store: newStore(10, 144, newClock().now)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/console/", nil)
	c.render(w, 200, c.frame(r, "overview", "Overview", 5))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "could not be rendered") || strings.Contains(w.Body.String(), "tiles") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestStatic(t *testing.T) {
	h := serve(t, newStore(10, 144, newClock().now))
	for _, path := range []string{"console.css", "console.js", "icon.svg"} {
		if status, body := fetch(t, h, "/console/static/"+path); status != 200 || len(body) == 0 || strings.Contains(body, "http://") != (path == "icon.svg") {
			t.Errorf("%s: %d, %d bytes", path, status, len(body))
		}
	}
	if status, _ := fetch(t, h, "/console/static/../console.go"); status == 200 {
		t.Error("a file that is no asset")
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(1000), "1,000"}, {number(-1234567), "−1,234,567"},
		{short(0), "0"}, {short(950), "950"}, {short(12345), "12.3k"}, {short(999_960), "1M"}, {short(4.5e6), "4.5M"},
		{usd(0), "$0"}, {usd(0.000123), "$0.00012"}, {usd(0.01), "$0.01"}, {usd(12.345), "$12.35"}, {usd(12345.6), "$12,346"},
		{elapsed(0), "–"}, {elapsed(900 * time.Nanosecond), "1 µs"}, {elapsed(12 * time.Millisecond), "12 ms"}, {elapsed(1240 * time.Millisecond), "1.24 s"}, {elapsed(125 * time.Second), "2 min 5 s"}, {elapsed(200 * time.Minute), "3 h 20 min"},
		{share(0, 0), "–"}, {share(0, 5), "0 %"}, {share(5, 5), "100 %"}, {share(99_999, 100_000), "99.9 %"}, {share(1, 100_000), "< 0.1 %"}, {share(1, 3), "33 %"},
		{plural(1, "query"), "1 query"}, {plural(2, "query"), "2 queries"}, {plural(0, "call"), "0 calls"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for v := 0.0001; v < 1e9; v *= 1.37 {
		if top := nice(v); top < v || top > 2*v {
			t.Errorf("a plot up to %v for %v", top, v)
		}
		p := plot{whole: true, steps: make([]span, 1), layers: []layer{{value: func(int) float64 { return v }}}}
		if top := p.top(); math.Mod(top, 4) != 0 || top < v || v > 4 && top > 2*v {
			t.Errorf("a plot of counts up to %v for %v", top, v)
		}
	}
}

// Whatever a link to the theme's path says, the browser stays in the console.
func FuzzBackPath(f *testing.F) {
	for _, to := range []string{"/console/", "/console/calls?a=b", "//evil.example/console/", "/console/\\x", "/console/../..//evil.example", "https://evil.example/console/"} {
		f.Add(to)
	}
	base, _ := url.Parse("http://127.0.0.1:9902/console/theme")
	f.Fuzz(func(t *testing.T, to string) {
		at, err := base.Parse(backPath(to))
		if err != nil || at.Scheme != "http" || at.Host != base.Host {
			t.Errorf("%q leads to %v, %v", to, at, err)
		}
	})
}
