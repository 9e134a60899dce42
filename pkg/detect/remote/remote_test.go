package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/detect"
)

// analyzer is a service that truly finds what it is asked for: words behind a
// title, by code points.
type analyzer struct {
	asked atomic.Int64
	limit atomic.Int64 // the most that were in hand at once
	now   atomic.Int64
	mode  atomic.Value // a misbehaviour
}

var titled = regexp.MustCompile(`(?:Mr|Ms|Dr) ([A-Z\x{C0}-\x{17F}][^\s,.]*)`)

func (a *analyzer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked.Add(1)
	defer a.now.Add(-1)
	if n := a.now.Add(1); n > a.limit.Load() {
		a.limit.Store(n)
	}
	var q question
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.URL.Path != "/analyze" || q.Language != "en" || r.Header.Get("x-key") != "k" {
		http.Error(w, "bad question", http.StatusBadRequest)
		return
	}
	mode, _ := a.mode.Load().(string)
	switch {
	case mode == "hang":
		<-r.Context().Done()
	case mode == "500":
		http.Error(w, "no", http.StatusInternalServerError)
	case mode == "large":
		_, _ = io.WriteString(w, "["+strings.Repeat(" ", maxAnswer)+"]")
	case mode == "redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	case strings.HasPrefix(mode, "say "):
		_, _ = io.WriteString(w, mode[4:])
	default:
		if mode == "slow" {
			time.Sleep(20 * time.Millisecond)
		}
		_ = json.NewEncoder(w).Encode(analyze(q.Text))
	}
}

func analyze(text string) []map[string]any {
	list := []map[string]any{}
	for _, m := range titled.FindAllStringSubmatchIndex(text, -1) {
		start := utf8.RuneCountInString(text[:m[2]])
		list = append(list, map[string]any{"start": start, "end": start + utf8.RuneCountInString(text[m[2]:m[3]]), "entity_type": "PERSON", "score": 0.85, "analysis_explanation": nil})
	}
	return append(list, map[string]any{"start": 0, "end": 1, "entity_type": "URL", "score": 0.9}, map[string]any{"start": 0, "end": 1, "entity_type": "PERSON", "score": 0.1})
}

// outcomes counts what was observed.
type outcomes struct {
	mu     sync.Mutex
	counts map[string]int
	states []string
}

func (o *outcomes) observe(outcome string, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[outcome]++
}

func (o *outcomes) state(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.states = append(o.states, s)
}

func start(t *testing.T, change func(o *Options)) (*Detector, *analyzer, *outcomes) {
	t.Helper()
	a, seen := &analyzer{}, &outcomes{counts: map[string]int{}}
	server := httptest.NewServer(a)
	o := Options{
		URL: server.URL + "/analyze", Entities: map[string]string{"PERSON": "PERSON_NAME"}, Headers: map[string]string{"x-key": "k"},
		Timeout: 20 * time.Second, Observe: seen.observe, State: seen.state,
	}
	if change != nil {
		change(&o)
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return d, a, seen
}

func TestFindsInBytesOfTheText(t *testing.T) {
	d, a, seen := start(t, nil)
	texts := [][]byte{[]byte("日本 🙂 met Dr Müller, and Ms Lee."), []byte("nobody"), []byte(" \n"), []byte("\xff\xfe Mr Ok")}
	found, skipped, err := d.Scan(t.Context(), texts)
	if err != nil || skipped != 0 {
		t.Fatal(skipped, err)
	}
	var words [][]string
	for i, list := range found {
		words = append(words, nil)
		for _, f := range list {
			if f.Entity != "PERSON_NAME" || f.Class != detect.PII || f.Score != 0.85 {
				t.Errorf("%+v", f)
			}
			words[i] = append(words[i], string(texts[i][f.Start:f.End]))
		}
	}
	if diff := cmp.Diff([][]string{{"Müller", "Lee"}, nil, nil, {"Ok"}}, words); diff != "" {
		t.Error(diff)
	}
	asked := a.asked.Load()
	again, _, err := d.Scan(t.Context(), texts)
	if err != nil || a.asked.Load() != asked || seen.counts["cached"] != 3 {
		t.Errorf("asked %d times more, %v, %v", a.asked.Load()-asked, seen.counts, err)
	}
	if diff := cmp.Diff(found, again); diff != "" {
		t.Error(diff)
	}
}

// Whatever the service does, nothing is found, nobody panics and the error says
// why; the other texts' findings stay.
func TestBadServices(t *testing.T) {
	person := `{"start":%s,"end":%s,"entity_type":"PERSON","score":%s}`
	say := func(start, end, score string) string { return "say [" + fmt.Sprintf(person, start, end, score) + "]" }
	for name, mode := range map[string]string{
		"500": "500", "large": "large", "redirect": "redirect", "garbage": "say \x00{{", "null": "say null", "object": "say {}", "empty": "say ", "negative": say("-1", "3", "1"),
		"backwards": say("3", "2", "1"), "behind": say("0", "99", "1"), "far": say("0", "9223372036854775807", "1"), "farther": say("0", "9e99", "1"),
		"fraction": say("0.5", "2", "1"), "score": say("0", "2", "7"), "no score": say("0", "2", "null"), "deep": "say " + strings.Repeat("[", 100_000),
		"many": "say [" + strings.Repeat(`{"start":0,"end":1,"entity_type":"X","score":1},`, maxFindings) + `{"start":0,"end":1,"entity_type":"X","score":1}]`,
	} {
		t.Run(name, func(t *testing.T) {
			d, a, seen := start(t, nil)
			if _, _, err := d.Scan(t.Context(), [][]byte{[]byte("Mr Early")}); err != nil {
				t.Fatal(err)
			}
			a.mode.Store(mode)
			found, _, err := d.Scan(t.Context(), [][]byte{[]byte("Mr Early"), []byte("Mr Late")})
			if err == nil || len(found[0]) != 1 || found[1] != nil || seen.counts["error"] != 1 {
				t.Errorf("found %v, %v, observed %v", found, err, seen.counts)
			}
			if a.mode.Store("fine"); len(first(d.Scan(t.Context(), [][]byte{[]byte("Mr Late")}))) != 1 {
				t.Error("a bad answer was remembered")
			}
		})
	}
}

func first(found [][]detect.Finding, _ int, _ error) []detect.Finding { return found[0] }

func TestAHangingServiceIsLeftAloneAndTriedAgain(t *testing.T) {
	d, a, seen := start(t, func(o *Options) {
		o.Timeout, o.Failures, o.Retry = 50*time.Millisecond, 3, 100*time.Millisecond
	})
	a.mode.Store("hang")
	for i := range 3 {
		if _, _, err := d.Scan(t.Context(), [][]byte{fmt.Appendf(nil, "Mr No%d", i)}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	asked := a.asked.Load()
	if _, _, err := d.Scan(t.Context(), [][]byte{[]byte("Mr Other")}); err == nil || a.asked.Load() != asked || seen.counts["open"] != 1 {
		t.Errorf("%v, asked %d times more, observed %v", err, a.asked.Load()-asked, seen.counts)
	}
	a.mode.Store("fine")
	for found := []detect.Finding(nil); len(found) == 0; time.Sleep(5 * time.Millisecond) {
		found = first(d.Scan(t.Context(), [][]byte{[]byte("Mr Other")}))
	}
	if diff := cmp.Diff([]string{"open", "half-open", "closed"}, seen.states); diff != "" {
		t.Error(diff)
	}
}

func TestBounds(t *testing.T) {
	d, a, seen := start(t, func(o *Options) { o.MaxText, o.MaxTexts, o.Concurrency, o.Cache = 20, 8, 2, 4 })
	a.mode.Store("slow")
	texts := [][]byte{[]byte("Mr Much-too-long-for-this")}
	for i := range 10 {
		texts = append(texts, fmt.Appendf(nil, "Mr No%d", i))
	}
	found, skipped, err := d.Scan(t.Context(), texts)
	if err != nil || skipped != 3 || found[1] != nil || found[2] != nil || len(found[10]) != 1 || a.limit.Load() > 2 || d.cache.Len() != 4 || seen.counts["skipped"] != 3 {
		t.Errorf("%v, skipped %d, found %v, %d at once, %d remembered, observed %v", err, skipped, found, a.limit.Load(), d.cache.Len(), seen.counts)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.Scan(gone, [][]byte{[]byte("Mr New")}); err == nil {
		t.Error("a call that is over was judged")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{}, {URL: "presidio:3000", Entities: map[string]string{"A": "A"}}, {URL: "http://presidio:3000/analyze"}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// Whatever an answer holds, what is taken of it lies in the text, between
// characters.
func FuzzAnswer(f *testing.F) {
	f.Add(`[{"start":0,"end":2,"entity_type":"PERSON","score":0.8}]`, "日本語")
	f.Add(`[{"start":-1,"end":2,"entity_type":"PERSON","score":1e9}]`, "x")
	f.Add(`[{"start":1,"end":3,"entity_type":"PERSON","score":1},{}]`, "\xff\xfea")
	d, err := New(Options{URL: "http://x/analyze", Entities: map[string]string{"PERSON": "PERSON"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer, text string) {
		found, err := d.read([]byte(answer), []byte(text))
		if err != nil && found != nil {
			t.Fatal("an answer is both taken and refused")
		}
		for _, f := range found {
			if f.Start < 0 || f.End <= f.Start || f.End > len(text) || f.Score <= 0 || f.Score > 1 {
				t.Fatalf("%+v of %q", f, text)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[f.Start:f.End]) {
				t.Fatalf("%+v cuts a character of %q", f, text)
			}
		}
	})
}
