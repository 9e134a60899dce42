package integration

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/regent-proxy/regent/integration/harness"
)

const consoleToken = "a-token-of-the-browser-tests"

// newConsoleStack is a Regent whose console stands behind a token.
func newConsoleStack(t *testing.T) *harness.Stack {
	return start(t, harness.Options{
		Config: func(c map[string]any) {
			c["admin"] = map[string]any{"listen": "127.0.0.1:0", "tokens": map[string]any{"viewer": map[string]any{"browser": consoleToken}}}
			c["console"] = map[string]any{"trace_url": "http://traces.example/trace/{trace_id}"}
			c["identity"] = map[string]any{
				"trusted_headers": []string{"x-tenant", "x-team"}, "tenant": map[string]any{"header": "x-tenant"}, "team": map[string]any{"header": "x-team"},
			}
		},
		Policies: map[string]string{"deny.yaml": "regent: {settings: {models: {deny: [\"*denied*\"]}}}\n"},
	})
}

// traffic sends calls of each kind through Envoy, and says how many.
func traffic(t *testing.T, s *harness.Stack) int {
	t.Helper()
	list := []struct{ model, text, more, team string }{
		{"gpt-4o-mini", "Hello", "", "search"},
		{"gpt-4o-mini", "What is the weather like?", withUsage, "search"},
		{"gpt-4o", "Write a poem of many lines", "", "growth"},
		{"gpt-4o", "Write to ann@example.org or call +1 212 555 0147", "", "growth"},
		{"gpt-4o-mini", "My mail is bob@example.org", withUsage, "support"},
		{"denied-model", "Hello", "", "support"},
		{"gpt-4o-mini+status=500", "Hello", "", "search"},
		{"gpt-4o-mini+say=fine", "Hello", "", ""},
	}
	for _, each := range list {
		headers := []string{"x-tenant: acme"}
		if each.team != "" {
			headers = append(headers, "x-team: "+each.team)
		}
		call(t, s.URL+chatPath, prompt(each.model, each.text, each.more), headers...)
	}
	return len(list)
}

// browser is a Chromium's tab, what it complained of and where it went.
type browser struct {
	t    *testing.T
	ctx  context.Context
	home string // http://host:port
	dir  string // of screenshots, "" for none

	mu         sync.Mutex
	complaints []string
	elsewhere  []string
}

func newBrowser(t *testing.T, home string) *browser {
	t.Helper()
	install, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	path, err := tools.Chromium(install)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, home: home, dir: os.Getenv("REGENT_SCREENSHOTS")}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b.ctx = ctx
	if err := chromedp.Listen(ctx, b.hear); err != nil { // starts it
		t.Fatal(err)
	}
	b.ctx, stop = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stop)
	return b
}

// hear collects errors of scripts and of the page's policy, and requests that
// leave for another place.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.complaints = append(b.complaints, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.home+"/") {
			b.elsewhere = append(b.elsewhere, e.Request.URL)
		}
	}
}

// quiet wants no complaint and no request elsewhere since the last time.
func (b *browser) quiet(when string) {
	b.t.Helper()
	if complaints, elsewhere := b.forget(); len(complaints)+len(elsewhere) > 0 {
		b.t.Errorf("%s: complaints %q, requests elsewhere %q", when, complaints, elsewhere)
	}
}

// forget takes what was collected so far.
func (b *browser) forget() (complaints, elsewhere []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	complaints, elsewhere = b.complaints, b.elsewhere
	b.complaints, b.elsewhere = nil, nil
	return complaints, elsewhere
}

func (b *browser) run(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// get is what an action comes to.
func get[T any](b *browser, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	return v
}

// A page that is just renewing itself may take the place of the one asked for:
// then it is asked for again.
func (b *browser) open(path string) {
	b.t.Helper()
	var err error
	for range 3 {
		err = chromedp.Do(b.ctx, chromedp.Navigate(b.home+path), chromedp.WaitReady(chromedp.CSS("main")))
		if err == nil || !strings.Contains(err.Error(), "net::ERR_ABORTED") {
			break
		}
	}
	if err != nil {
		b.t.Fatalf("open %s: %v", path, err)
	}
}

// text is what the page shows of the first element that fits.
func (b *browser) text(selector string) string {
	b.t.Helper()
	return get(b, "text of "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// value is what a script comes to.
func value[T any](b *browser, script string) T {
	b.t.Helper()
	return get(b, script, chromedp.Evaluate[T](script))
}

// eventually waits until a script comes to true.
func (b *browser) eventually(what, script string) {
	b.t.Helper()
	eventually(b.t, what, func() bool {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script))
		return err == nil && v // a page on its way has no scripts
	})
}

func (b *browser) size(width, height int64) {
	b.t.Helper()
	b.run("resize", chromedp.EmulateViewport(width, height))
}

// shoot keeps a picture of the whole page, where REGENT_SCREENSHOTS names a folder.
func (b *browser) shoot(name string) {
	b.t.Helper()
	if b.dir == "" {
		return
	}
	png := get(b, "screenshot", chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(b.dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

const rows = `[...document.querySelectorAll("tr[data-key]")]`

// An operator signs in, looks around, and sees calls arrive, in a real Chromium,
// of a real Regent behind a real Envoy.
func TestConsole(t *testing.T) {
	if os.Getenv("REGENT_NO_BROWSER") == "1" {
		t.Log("REGENT_NO_BROWSER=1: the console is not tried in a browser")
		return
	}
	s := newConsoleStack(t)
	sent := traffic(t, s)
	b := newBrowser(t, s.Operators)
	b.signIn()
	b.overview(sent)
	b.filters()
	b.live(s)
	b.withoutScript()
	b.deniedCall()
	b.themes()
	b.phone()
	b.lost(s)
}

// signIn is asked for the token, and lets no wrong one in.
func (b *browser) signIn() {
	b.t.Helper()
	b.open("/console/?window=6h")
	b.shoot("signin")
	b.run("a wrong token", chromedp.SendKeys(chromedp.CSS("#token"), "wrong\r"), chromedp.WaitVisible(chromedp.CSS("#problem")))
	b.forget() // of the status 401
	b.run("the token", chromedp.SendKeys(chromedp.CSS("#token"), consoleToken+"\r"), chromedp.WaitVisible(chromedp.CSS(".tiles")))
	if at := value[string](b, "location.pathname + location.search"); at != "/console/?window=6h" {
		b.t.Errorf("signed in, at %s", at)
	}
	if cookies := value[string](b, "document.cookie"); cookies != "" {
		b.t.Errorf("a script can read %q", cookies)
	}
	b.quiet("signing in")
}

// overview has the calls in its tiles, charts and lists.
func (b *browser) overview(sent int) {
	b.t.Helper()
	b.open("/console/")
	if got := b.text(".tiles li b"); got != fmt.Sprint(sent) {
		b.t.Errorf("%s calls, sent %d", got, sent)
	}
	body := b.text("#body")
	for _, want := range []string{"model_denied", "EMAIL", "PHONE", "public", "allowed", "redacted", "denied", "search", "growth"} {
		if !strings.Contains(body, want) {
			b.t.Errorf("the overview does not name %s", want)
		}
	}
	bars := value[int](b, `document.querySelectorAll(".chart svg rect:not(.hit)").length`)
	lines := value[int](b, `[...document.querySelectorAll(".chart path.line")].filter((p) => p.getAttribute("d")).length`)
	if bars < 6 || lines < 2 {
		b.t.Errorf("%d bars and %d lines are drawn", bars, lines)
	}
	if shown := value[string](b, `getComputedStyle(document.querySelector("rect.s1")).fill`); shown != "rgb(0, 114, 178)" {
		b.t.Errorf("the style sheet is not in force: a bar is %s", shown)
	}
	b.shoot("overview-light")
	b.kept()
	b.quiet("the overview")
}

// kept stays open in a page that renews itself.
func (b *browser) kept() {
	b.t.Helper()
	b.run("open a chart's numbers", chromedp.Click(chromedp.CSS("#table-calls summary")))
	seen := value[string](b, `document.getElementById("as-of").textContent`)
	b.eventually("the page renews itself", fmt.Sprintf(`document.getElementById("as-of").textContent !== %q`, seen))
	if !value[bool](b, `document.querySelector("#table-calls[open] tbody tr") !== null`) {
		b.t.Error("the numbers were closed again")
	}
}

// withoutScript the pages show the same, and filters have a button.
func (b *browser) withoutScript() {
	b.t.Helper()
	script := func(off bool) {
		b.t.Helper()
		if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
			b.t.Fatal(err)
		}
	}
	script(true)
	b.open("/console/?team=growth")
	if got := b.text(".tiles li b"); got != "2" {
		b.t.Errorf("without script: %s calls of the team, sent 2", got)
	}
	before := get(b, "the address", chromedp.Location())
	b.run("apply the filter", chromedp.Click(chromedp.CSS(".filter .apply")))
	after := before
	eventually(b.t, "the filter leads to another address", func() bool {
		at, err := chromedp.Run(b.ctx, chromedp.Location())
		if err == nil {
			after = at
		}
		return after != before
	})
	if !strings.Contains(after, "team=growth") {
		b.t.Errorf("without script: the filter leads to %s", after)
	}
	b.run("the filtered page", chromedp.WaitVisible(chromedp.CSS(".tiles")))
	script(false)
	b.open("/console/calls")
	b.quiet("without script")
}

// filters narrow every page.
func (b *browser) filters() {
	b.t.Helper()
	b.run("choose a team", chromedp.Evaluate[chromedp.Void](`(() => { const s = document.querySelector("select[name=team]"); s.value = "growth"; s.dispatchEvent(new Event("change", {bubbles: true})) })()`))
	b.eventually("the team is in the address", `location.search.includes("team=growth") && document.readyState === "complete"`)
	if got := b.text(".tiles li b"); got != "2" {
		b.t.Errorf("%s calls of the team, sent 2", got)
	}
	b.open("/console/calls?decision=redact&team=support")
	if got := value[int](b, rows+".length"); got != 1 {
		b.t.Errorf("%d redacted calls of the team support, sent 1", got)
	}
	b.open("/console/spend?by=model")
	if body := b.text("#body"); !strings.Contains(body, "gpt-4o-mini") || !strings.Contains(body, "$0.0") {
		b.t.Errorf("spend: %s", body)
	}
	b.shoot("spend-light")
	b.open("/console/policy")
	if body := b.text("#body"); !strings.Contains(body, "revision") || strings.Contains(body, "Nothing is known") {
		b.t.Errorf("policy: %s", body)
	}
	b.quiet("the filters")
}

// live shows a new call without loading the page anew.
func (b *browser) live(s *harness.Stack) {
	b.t.Helper()
	b.open("/console/calls")
	before := value[int](b, rows+".length")
	b.run("mark the page", chromedp.Evaluate[chromedp.Void](`window.marked = true`))
	reply := call(b.t, s.URL+chatPath, prompt("denied-model", "Now"), "x-tenant: globex", "x-team: late")
	if reply.StatusCode != http.StatusForbidden {
		b.t.Fatalf("status %d", reply.StatusCode)
	}
	b.eventually("the call appears", fmt.Sprintf(`%s.length === %d && document.querySelector("tr.fresh")?.textContent.includes("globex / late")`, rows, before+1))
	if !value[bool](b, "window.marked === true") {
		b.t.Error("the page was loaded anew")
	}
	if !value[bool](b, `[...document.querySelector("select[name=tenant]").options].some((o) => o.text === "globex")`) {
		b.t.Error("the filter does not offer the new tenant")
	}
	b.shoot("calls-light")
	b.quiet("live")
}

// deniedCall is reached from its row, and tells why.
func (b *browser) deniedCall() {
	b.t.Helper()
	// By its name: rows that are renewed move under a pointer.
	open := rows + `.find(row => row.innerText.includes("denied-model")).querySelector("td a").click()`
	b.run("open the call", chromedp.Evaluate[chromedp.Void](open), chromedp.WaitVisible(chromedp.CSS(".walk")))
	body := b.text("main")
	for _, want := range []string{"denied-model", "Denied in the request", "model_denied", "HTTP 403", "Denied before anything was sent to the provider", "tenant globex, team late", "request full"} {
		if !strings.Contains(body, want) {
			b.t.Errorf("the call's page does not say %q:\n%s", want, body)
		}
	}
	link := value[string](b, `document.querySelector(".ids a").href`)
	if u, err := url.Parse(link); err != nil || u.Host != "traces.example" || len(u.Path) != len("/trace/")+32 {
		b.t.Errorf("the trace is linked as %s", link)
	}
	b.shoot("call-light")
	b.quiet("a call")
}

const background = `getComputedStyle(document.body).backgroundColor`

// themes are chosen by hand, and stay.
func (b *browser) themes() {
	b.t.Helper()
	const light, dark = "rgb(245, 246, 248)", "rgb(18, 21, 26)"
	choose := func(name, want string) {
		b.t.Helper()
		b.run("choose "+name, chromedp.Click(chromedp.CSS(fmt.Sprintf(`.segments a[title=%q]`, name))))
		b.eventually(name+" is in force", fmt.Sprintf(`document.readyState === "complete" && %s === %q`, background, want))
	}
	choose("Dark", dark)
	b.shoot("call-dark")
	b.open("/console/")
	if got := value[string](b, background); got != dark {
		b.t.Errorf("on the next page: %s", got)
	}
	b.shoot("overview-dark")
	b.open("/console/calls")
	b.shoot("calls-dark")
	choose("Light", light)
	choose("As the system", light)
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatal(err)
	}
	if got := value[string](b, background); got != dark {
		b.t.Errorf("in a dark system: %s", got)
	}
	b.quiet("the themes")
}

// phone is wide enough for every page.
func (b *browser) phone() {
	b.t.Helper()
	b.size(390, 844)
	for name, path := range map[string]string{"overview": "/console/", "calls": "/console/calls", "spend": "/console/spend", "policy": "/console/policy", "missing": "/console/nowhere"} {
		b.open(path)
		if got := value[int](b, "document.documentElement.scrollWidth"); got > 390 {
			b.t.Errorf("%s is %d pixels wide", path, got)
		}
		b.shoot(name + "-phone-dark")
		if name == "missing" {
			b.forget() // the status 404
		}
	}
	b.open("/console/calls?decision=redact")
	b.run("open a call", chromedp.Click(chromedp.CSS(`tr[data-key] td a`)), chromedp.WaitVisible(chromedp.CSS(".walk")))
	if got := value[int](b, "document.documentElement.scrollWidth"); got > 390 {
		b.t.Errorf("a call is %d pixels wide", got)
	}
	b.shoot("call-phone-dark")
	b.size(1280, 900)
	b.quiet("on a phone")
}

// lost says that Regent is away, and keeps what was known.
func (b *browser) lost(s *harness.Stack) {
	b.t.Helper()
	b.open("/console/")
	s.Regent.Kill()
	b.eventually("the loss shows", `!document.getElementById("stale").hidden`)
	b.shoot("lost-dark")
	if body := b.text("#body"); !strings.Contains(body, "model_denied") {
		b.t.Error("what was known is gone")
	}
}
