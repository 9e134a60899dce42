package bundle

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/regent-proxy/regent/pkg/policy"
)

// collector receives decision logs and status.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	events   []map[string]any
	statuses []map[string]any
	raw      strings.Builder
}

func newCollector(t testing.TB) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(text)
		if strings.HasPrefix(r.URL.Path, "/logs") {
			var list []map[string]any
			if err := json.Unmarshal(text, &list); err != nil {
				t.Error(err)
			}
			c.events = append(c.events, list...)
			return
		}
		var one map[string]any
		if err := json.Unmarshal(text, &one); err != nil {
			t.Error(err)
		}
		c.statuses = append(c.statuses, one)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) logged() []map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]map[string]any(nil), c.events...)
}

const masked = `package system.log

mask contains "/input/identity/subject"

mask contains {"op": "upsert", "path": "/result/labels/v", "value": "**"} if input.result.labels.v == "hide me"

drop if input.input.llm.model == "m-quiet"
`

const reader = `package regent.request

labels["v"] := "hide me" if input.phase == "request"

labels.text := "yes" if contains(input.llm.messages[_].text, "secret")

labels.who := "known" if input.identity.subject != ""

labels.key := "yes" if input.http.headers.authorization != ""

labels.team := input.http.headers["x-team"]

labels.kind := input.findings[_].entity

labels.q := "yes" if input.http.query == "key=abc-key"

body contains {"op": "add", "path": "/metadata", "value": {"note": "put into the body"}} if input.llm.model

headers.set["x-api-key"] := "the-upstream-key" if input.llm.model

headers.set["x-plain"] := "plain" if input.llm.model
`

// A decision arrives with what it was made of, and without what must not be
// there: texts, keys, and what the bundle's own mask takes out.
func TestDecisionLogs(t *testing.T) {
	s, c := newServer(t), newCollector(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": reader, "mask.rego": masked}))
	services := service(s.URL)
	services["c"] = map[string]any{"url": c.URL}
	b := start(t, map[string]any{
		"services": services, "bundles": map[string]any{"main": quick("main")}, "labels": map[string]any{"region": "eu"},
		"decision_logs": map[string]any{"service": "c", "reporting": map[string]any{"min_delay_seconds": 0, "max_delay_seconds": 1}},
	}, masking)
	set := b.Logged(b.engine.Current())
	in := request()
	in.HTTP.Query, in.Identity.Subject = "key=abc-key", "alice@example.com"
	d, err := set.Evaluate(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"text", "key", "q"} {
		if d.Labels[label] != "yes" {
			t.Errorf("the policy does not see %s: %v", label, d.Labels)
		}
	}
	quiet := request()
	quiet.LLM.Model = "m-quiet"
	if _, err := set.Evaluate(context.Background(), quiet); err != nil {
		t.Fatal(err)
	}
	b.stop() // sends what waits
	events := c.logged()
	if len(events) != 1 {
		t.Fatalf("%d events, want one: the other is dropped by the bundle's rule\n%s", len(events), b.log)
	}
	for _, secret := range []string{"my secret prompt", "sk-top-secret", "abc-key", "alice@example.com", "put into the body", "the-upstream-key", "hide me"} {
		if strings.Contains(c.raw.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, c.raw.String())
		}
	}
	e := events[0]
	for path, want := range map[string]any{
		"path": "regent/request", "trace_id": "trace-1", "custom.call_id": "call-1", "custom.policy_revision": b.engine.Current().Revision(), "bundles.main.revision": "r1",
		"labels.region": "eu", "input.llm.model": "m-1", "input.http.headers.x-team": "red", "input.http.headers.authorization": "(withheld)",
		"input.findings.0.entity": "EMAIL", "input.llm.messages.0.text": "(withheld)", "result.labels.v": "**", "result.labels.team": "red", "result.headers.set.x-plain": "plain",
		"result.headers.set.x-api-key": "(withheld)", "result.body.0.path": "/metadata", "erased.0": "/input/identity/subject", "masked.0": "/result/labels/v",
	} {
		if got := at(e, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if id, _ := e["decision_id"].(string); len(id) < 16 {
		t.Errorf("decision_id %q", id)
	}
}

func at(v any, path string) any {
	for _, step := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			if step != "0" || len(x) == 0 {
				return nil
			}
			v = x[0]
		default:
			return nil
		}
	}
	return v
}

// A failed evaluation is logged by its kind and place, not by its words: those
// may quote a text.
func TestFailedDecisionIsLogged(t *testing.T) {
	s, c := newServer(t), newCollector(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": "package regent.request\n\nlabels[\"v\"] := \"x\" if to_number(input.llm.messages[_].text) > 1"}))
	services := service(s.URL)
	services["c"] = map[string]any{"url": c.URL}
	b := start(t, map[string]any{"services": services, "bundles": map[string]any{"main": quick("main")}, "decision_logs": map[string]any{"service": "c"}}, masking)
	_, err := b.Logged(b.engine.Current()).Evaluate(context.Background(), request())
	if policy.KindOf(err) != policy.Eval || !strings.Contains(err.Error(), "my secret prompt") {
		t.Fatalf("error %v: the test needs one that quotes", err)
	}
	b.stop()
	events := c.logged()
	if len(events) != 1 || at(events[0], "error.code") != "eval" || at(events[0], "error.at") != "main/p.rego:3" || strings.Contains(c.raw.String(), "secret prompt") {
		t.Errorf("events %v", events)
	}
}

// A call never waits for its log: beyond the queue decisions are dropped and
// counted.
func TestDecisionQueueIsBounded(t *testing.T) {
	s := newServer(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}, "decision_logs": map[string]any{"console": true}}, masking)
	// Nobody takes from this one.
	d := &decisions{manager: b.Manager, queue: make(chan *decided, 2)}
	set := &LoggedSet{b.engine.Current(), d}
	for range 5 {
		if _, err := set.Evaluate(context.Background(), request()); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.queue) != 2 || b.seen.dropped != 3 {
		t.Errorf("%d wait, %d dropped", len(d.queue), b.seen.dropped)
	}
}

// A mask that loops costs its decision's entry, not the log: the next one is
// logged.
func TestLoopingMask(t *testing.T) {
	s, c := newServer(t), newCollector(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1") + "\nlabels.m := input.llm.model", "mask.rego": `package system.log

mask contains "/input" if {
	input.input.llm.model == "m-loop"
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i * j < 0
}
`}))
	services := service(s.URL)
	services["c"] = map[string]any{"url": c.URL}
	b := start(t, map[string]any{"services": services, "bundles": map[string]any{"main": quick("main")}, "decision_logs": map[string]any{"service": "c"}}, masking)
	for _, model := range []string{"m-loop", "m-good"} {
		in := request()
		in.LLM.Model = model
		if _, err := b.Logged(b.engine.Current()).Evaluate(context.Background(), in); err != nil {
			t.Fatal(err)
		}
	}
	b.stop()
	if events := c.logged(); len(events) != 1 || at(events[0], "input.llm.model") != "m-good" {
		t.Errorf("events %v\n%s", events, b.log)
	}
}

// Status tells the server which bundles are in force and what is wrong.
func TestStatus(t *testing.T) {
	s, c := newServer(t), newCollector(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	services := service(s.URL)
	services["c"] = map[string]any{"url": c.URL}
	b := start(t, map[string]any{"services": services, "bundles": map[string]any{"main": quick("main")}, "status": map[string]any{"service": "c"}})
	s.set("main", tarball(t, "r2", map[string]string{"p.rego": "package regent.request\n\ndeyn := 1"}))
	until(t, "a status with the refusal", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, st := range c.statuses {
			if at(st, "bundles.main.active_revision") == "r1" && strings.Contains(strings.ToLower(toJSON(at(st, "bundles.main"))), "refused by regent") {
				return true
			}
		}
		return false
	})
	_ = b
}

func toJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
