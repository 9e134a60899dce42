package bundle

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// A bundle takes effect, an unchanged one costs a 304, a new one replaces it,
// and the revision says which.
func TestUpdates(t *testing.T) {
	s := newServer(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}})
	if b.label() != "1" || !strings.HasPrefix(b.engine.Current().Revision(), "main@r1+") {
		t.Fatalf("label %q, revision %s", b.label(), b.engine.Current().Revision())
	}
	if got := b.engine.Current().Bundles(); got["main"] != "r1" || b.Waiting() != "" || b.engine.Current().Pending() != nil {
		t.Errorf("bundles %v, waiting %q", got, b.Waiting())
	}
	until(t, "an answer of 304", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.unmoved > 0 })
	s.set("main", tarball(t, "r2", map[string]string{"p.rego": labelling("2")}))
	b.awaits(t, "2")
	if !revisionHas(b, "main@r2+") {
		t.Errorf("revision %s", b.engine.Current().Revision())
	}
	until(t, "two activations counted", func() bool { return b.seen.activations("main") == 2 })
}

// What OPA takes and Regent refuses, and what OPA refuses, leave the running set
// in force; the next good one follows.
func TestBadBundles(t *testing.T) {
	for name, bad := range map[string]struct {
		files   map[string]string
		refused bool
		says    string
	}{
		"a decision with a typo":      {map[string]string{"p.rego": "package regent.request\n\ndeyn contains {\"code\": \"x\"} if input.phase == \"request\""}, true, "deny"},
		"an unknown member":           {map[string]string{"p.rego": "package regent.request\n\ndeny contains {\"cood\": \"x\"} if input.phase == \"request\""}, true, "cood"},
		"an unknown fact":             {map[string]string{"p.rego": "package regent.request\n\nlabels[\"v\"] := input.llm.modle"}, true, "modle"},
		"a forbidden builtin":         {map[string]string{"p.rego": "package regent.request\n\nlabels[\"v\"] := http.send({\"method\": \"get\", \"url\": input.http.path}).raw_body"}, true, "http.send"},
		"a mistyped setting":          {map[string]string{"p.rego": labelling("x"), "data.json": `{"regent": {"settings": {"coverage": {"refuse_uninspected": "yes"}}}}`}, true, "refuse_uninspected"},
		"a package nobody reads":      {map[string]string{"p.rego": "package regent.requests\n\nx := 1"}, true, "requests"},
		"a package that OPA reserves": {map[string]string{"p.rego": "package system.authz\n\nallow := true"}, true, "system.log"},
		"no Rego at all":              {map[string]string{"p.rego": "pakage regent.request"}, false, "p.rego"},
		"an unknown function":         {map[string]string{"p.rego": "package regent.request\n\nlabels[\"v\"] := regent.nothing(input.llm.model)"}, false, "regent.nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
			b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}})
			first := b.engine.Current()
			s.set("main", tarball(t, "r2", bad.files))
			until(t, "a counted failure", func() bool { n, _ := b.seen.failures("main"); return n > 0 })
			if _, refused := b.seen.failures("main"); refused > 0 != bad.refused {
				t.Errorf("refused by Regent: %d\n%s", refused, b.log)
			}
			if b.engine.Current() != first || b.label() != "1" {
				t.Errorf("the bad one is in force: %s", b.engine.Current().Revision())
			}
			if !strings.Contains(b.log.String(), bad.says) {
				t.Errorf("the log does not say %q:\n%s", bad.says, b.log)
			}
			s.set("main", tarball(t, "r3", map[string]string{"p.rego": labelling("3")}))
			b.awaits(t, "3")
		})
	}
}

// Regent's builtins and the functions of its library may be called.
func TestLibrary(t *testing.T) {
	s := newServer(t)
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": `package regent.request

import data.regent.lib.names

labels["v"] := sprintf("%d", [ceil(regent.bucket(input.llm.model, "s"))]) if names.listed(input.llm.model, ["m-*"])
`}))
	b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}})
	if b.label() != "1" {
		t.Errorf("label %q\n%s", b.label(), b.log)
	}
}

// Data of a bundle is data; local paths lie above it.
func TestPathsOverBundles(t *testing.T) {
	s := newServer(t)
	s.set("main", tarball(t, "r1", map[string]string{
		"p.rego":    "package regent.request\n\nlabels[\"v\"] := data.place.name if input.phase == \"request\"",
		"data.json": `{"place": {"name": "everywhere", "n": 1}}`,
	}))
	config := map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}}
	if b := start(t, config); b.label() != "everywhere" {
		t.Errorf("label %q", b.label())
	}
	local := t.TempDir()
	write(t, local+"/data.json", `{"place": {"name": "here"}}`)
	b := start(t, config, func(_ *Options, o *opa.Options) { o.Paths = []string{local} })
	if b.label() != "here" {
		t.Errorf("label %q", b.label())
	}
	// A reload for the sake of files reads the bundles again, unharmed.
	write(t, local+"/data.json", `{}`)
	if err := b.engine.Reload(context.Background()); err != nil || b.label() != "everywhere" {
		t.Errorf("label %q, error %v", b.label(), err)
	}
}

// Several bundles are in force together or not at all.
func TestSeveral(t *testing.T) {
	s := newServer(t)
	s.set("one", tarball(t, "r1", map[string]string{"p.rego": "package regent.request\n\nimport data.two.lib\n\nlabels[\"v\"] := lib.name if input.phase == \"request\""}, roots("regent")))
	b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"one": quick("one"), "two": quick("two")}}, waiting(300*time.Millisecond))
	if err := b.engine.Current().Pending(); err == nil || !strings.Contains(b.Waiting(), "two: server replied with Not Found") {
		t.Fatalf("pending %v, waiting %q", err, b.Waiting())
	}
	s.set("two", tarball(t, "7", map[string]string{"p.rego": "package two.lib\n\nname := \"two\""}, roots("two")))
	b.awaits(t, "two")
	if !revisionHas(b, "one@r1,two@7+") || b.Waiting() != "" {
		t.Errorf("revision %s, waiting %q", b.engine.Current().Revision(), b.Waiting())
	}
}

// Without a bundle Regent is there, not ready, and decides nothing; it recovers
// by itself.
func TestNoBundleAtStart(t *testing.T) {
	s := newServer(t)
	b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}}, waiting(100*time.Millisecond))
	set := b.engine.Current()
	if !set.Has(policy.Request) || !set.Has(policy.Response) {
		t.Error("a phase would be skipped")
	}
	if _, err := set.Evaluate(context.Background(), request()); policy.KindOf(err) != policy.Load {
		t.Errorf("error %v", err)
	}
	if !strings.HasPrefix(b.Waiting(), "main: server replied with Not Found") {
		t.Errorf("waiting %q", b.Waiting())
	}
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	b.awaits(t, "1")
}

// A good bundle outlives a restart while the server is gone; a refused one is
// not what is kept.
func TestPersistence(t *testing.T) {
	s := newServer(t)
	folder := t.TempDir()
	config := func() map[string]any {
		return map[string]any{
			"services": service(s.URL), "persistence_directory": folder,
			"bundles": map[string]any{"main": quick("main", map[string]any{"persist": true})},
		}
	}
	s.set("main", tarball(t, "r1", map[string]string{"p.rego": labelling("1")}))
	b := start(t, config())
	s.set("main", tarball(t, "r2", map[string]string{"p.rego": "package regent.request\n\ndeyn := 1"}))
	until(t, "a refusal", func() bool { _, n := b.seen.failures("main"); return n > 0 })
	b.stop()
	s.Close()
	again := start(t, config())
	if again.label() != "1" || !revisionHas(again, "main@r1+") {
		t.Errorf("label %q, revision %s, waiting %q", again.label(), again.engine.Current().Revision(), again.Waiting())
	}
}

// Signatures: a wrong one, none, and a key that was withdrawn.
func TestSignatures(t *testing.T) {
	good, other := newKey(t), newKey(t)
	s := newServer(t)
	files := func(v string) map[string]string { return map[string]string{"p.rego": labelling(v)} }
	config := func(public string) map[string]any {
		return map[string]any{
			"services": service(s.URL), "keys": map[string]any{"k": map[string]any{"key": public, "algorithm": "RS256"}},
			"bundles": map[string]any{"main": quick("main", map[string]any{"signing": map[string]any{"keyid": "k"}})},
		}
	}
	s.set("main", tarball(t, "r1", files("1"), signed(t, good)))
	b := start(t, config(publicPEM(t, good)))
	if b.label() != "1" {
		t.Fatalf("label %q\n%s", b.label(), b.log)
	}
	for name, bad := range map[string][]byte{
		"signed by another": tarball(t, "r2", files("2"), signed(t, other)),
		"not signed":        tarball(t, "r3", files("3")),
	} {
		before, _ := b.seen.failures("main")
		s.set("main", bad)
		until(t, "a failure: "+name, func() bool { n, _ := b.seen.failures("main"); return n > before })
		if b.label() != "1" {
			t.Errorf("%s: label %q", name, b.label())
		}
	}
	// The key is withdrawn: another stands in the configuration. What the old
	// one signed is no longer taken.
	b.stop()
	s.set("main", tarball(t, "r1", files("1"), signed(t, good)))
	again := start(t, config(publicPEM(t, other)), waiting(300*time.Millisecond))
	if again.label() != "" || again.engine.Current().Pending() == nil {
		t.Errorf("label %q of a withdrawn key", again.label())
	}
	s.set("main", tarball(t, "r4", files("4"), signed(t, other)))
	again.awaits(t, "4")
}

// A server that breaks off, hangs before or inside its answer: the running set
// stays, and the next answer counts.
func TestBadServers(t *testing.T) {
	good := tarball(t, "r1", map[string]string{"p.rego": labelling("1")})
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"truncated gzip":          func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(good[:len(good)/2]) },
		"no gzip":                 func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) },
		"500":                     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"hangs before its answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hangs inside its answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(good[:20])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.set("main", good)
			b := start(t, map[string]any{"services": service(s.URL), "bundles": map[string]any{"main": quick("main")}}, shortStall)
			bad := make(chan struct{})
			s.mu.Lock()
			s.get = func(w http.ResponseWriter, r *http.Request) bool {
				select {
				case <-bad:
					return false
				default:
					answer(w, r)
					return true
				}
			}
			s.mu.Unlock()
			until(t, "a failure", func() bool { n, _ := b.seen.failures("main"); return n > 0 })
			if b.label() != "1" {
				t.Errorf("label %q", b.label())
			}
			close(bad)
			s.set("main", tarball(t, "r2", map[string]string{"p.rego": labelling("2")}))
			b.awaits(t, "2")
		})
	}
}
