// Package remote asks a detector over HTTP for what patterns can't find, such as
// names of people: any service that speaks the API of Presidio's analyzer
// (https://microsoft.github.io/presidio/api-docs/api-docs.html).
//
// Most callers want [New] and [Detector.Scan]. A call is bounded in time, texts
// and concurrency; answers are remembered by the hash of their text, as ranges
// only; a service that fails is left alone for a while. Text goes in, byte ranges
// come out, as in package detect.
package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/errgroup"

	"github.com/regent-proxy/regent/pkg/detect"
)

// Options of a Detector. URL and Entities are required; the others' zero value is
// the default given.
type Options struct {
	// URL is the address that texts are posted to: http://presidio:3000/analyze.
	URL string
	// Language is the language code sent with each text ("en").
	Language string
	// Entities maps the service's names to Regent's: what is asked for, and all
	// that is taken from an answer.
	Entities map[string]string
	// MinScore leaves weaker findings out, from 0 to 1 (0.5).
	MinScore float64
	// Timeout bounds one Scan, all its texts (500 ms).
	Timeout time.Duration
	// MaxText bounds a text that is sent, in bytes (32 KiB); a longer one is
	// skipped. MaxTexts bounds the texts of one Scan (64); the last ones count.
	MaxText, MaxTexts int
	// Concurrency bounds the requests in flight, of all Scans (16). One that finds
	// no room waits within its Timeout.
	Concurrency int
	// Cache is how many texts' ranges are remembered, the least recently used
	// forgotten first (10 000).
	Cache int
	// Headers are sent with each request.
	Headers map[string]string
	// Retry is how long the service is left alone after Failures failures in a row
	// (5 s, 5); then one request tries it.
	Retry    time.Duration
	Failures int
	// Observe is told of each text: "ok", "cached", "skipped", "busy" (no room in
	// time), "open" (left alone), "timeout" or "error", and the time it took. It
	// must not block. State is told when the service is left alone or tried again:
	// "closed", "half-open", "open". Nil for neither.
	Observe func(outcome string, took time.Duration)
	State   func(state string)
}

func (o Options) withDefaults() Options {
	set(&o.Language, "en")
	set(&o.MinScore, 0.5)
	set(&o.Timeout, 500*time.Millisecond)
	set(&o.MaxText, 32<<10)
	set(&o.MaxTexts, 64)
	set(&o.Concurrency, 16)
	set(&o.Cache, 10_000)
	set(&o.Retry, 5*time.Second)
	set(&o.Failures, 5)
	if o.Observe == nil {
		o.Observe = func(string, time.Duration) {}
	}
	if o.State == nil {
		o.State = func(string) {}
	}
	return o
}

func set[T comparable](at *T, value T) {
	if zero := *new(T); *at == zero {
		*at = value
	}
}

// Detector asks one service. Safe for concurrent use.
type Detector struct {
	o       Options
	names   []string // that are asked for, sorted
	client  *http.Client
	room    chan struct{}
	breaker *gobreaker.CircuitBreaker[[]detect.Finding]
	cache   *lru.Cache[key, []detect.Finding]
}

type key [sha256.Size]byte

// New makes a detector. It asks nothing of the service yet.
func New(o Options) (*Detector, error) {
	o = o.withDefaults()
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no http or https URL", o.URL)
	}
	if len(o.Entities) == 0 {
		return nil, errors.New("no entities are asked for: map the service's names to Regent's, such as PERSON: PERSON")
	}
	cache, err := lru.New[key, []detect.Finding](o.Cache)
	if err != nil {
		return nil, err
	}
	d := &Detector{o: o, cache: cache, room: make(chan struct{}, o.Concurrency), client: newClient(o.Concurrency)}
	for name := range o.Entities {
		d.names = append(d.names, name)
	}
	slices.Sort(d.names)
	d.breaker = gobreaker.NewCircuitBreaker[[]detect.Finding](gobreaker.Settings{
		Timeout:       o.Retry,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= o.Failures },
		OnStateChange: func(_ string, _, to gobreaker.State) { o.State(to.String()) },
		// A call that went away says nothing of the service.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	})
	return d, nil
}

// newClient follows no redirect: texts go where the operator sends them.
func newClient(idle int) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = idle
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Close lets go of idle connections.
func (d *Detector) Close() { d.client.CloseIdleConnections() }

// Scan finds what is in texts: found has one list a text, ordered by place.
// skipped counts texts beyond a bound, which were not sent. err is why another
// text could not be judged, the first of several; what the others hold is found
// all the same. Texts are sent side by side, and none after the Timeout.
func (d *Detector) Scan(ctx context.Context, texts [][]byte) (found [][]detect.Finding, skipped int, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	found = make([][]detect.Finding, len(texts))
	var group errgroup.Group
	group.SetLimit(d.o.Concurrency)
	asked := 0
	for i := len(texts) - 1; i >= 0; i-- { // the newest first
		text := texts[i]
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		sum := key(sha256.Sum256(text))
		if known, ok := d.cache.Get(sum); ok {
			d.o.Observe("cached", 0)
			found[i] = known
			continue
		}
		if len(text) > d.o.MaxText || asked == d.o.MaxTexts {
			d.o.Observe("skipped", 0)
			skipped++
			continue
		}
		asked++
		group.Go(func() (err error) {
			found[i], err = d.one(ctx, sum, text)
			return err
		})
	}
	return found, skipped, group.Wait()
}

var errBusy = errors.New("no room for another request in time")

// one asks about one text.
func (d *Detector) one(ctx context.Context, sum key, text []byte) ([]detect.Finding, error) {
	began := time.Now()
	found, err := d.ask(ctx, text)
	d.o.Observe(outcome(err), time.Since(began))
	if err != nil {
		return nil, fmt.Errorf("remote detector: %w", err)
	}
	d.cache.Add(sum, found)
	return found, nil
}

func (d *Detector) ask(ctx context.Context, text []byte) ([]detect.Finding, error) {
	select {
	case d.room <- struct{}{}:
		defer func() { <-d.room }()
	case <-ctx.Done():
		return nil, errBusy
	}
	return d.breaker.Execute(func() ([]detect.Finding, error) { return d.post(ctx, text) })
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, errBusy):
		return "busy"
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return "open"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "error"
}

// question is the body of POST /analyze.
type question struct {
	Text           string   `json:"text"`
	Language       string   `json:"language"`
	Entities       []string `json:"entities"`
	ScoreThreshold float64  `json:"score_threshold"`
}

func (d *Detector) post(ctx context.Context, text []byte) ([]detect.Finding, error) {
	body, err := json.Marshal(question{string(text), d.o.Language, d.names, d.o.MinScore})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.o.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	for name, value := range d.o.Headers {
		request.Header.Set(name, value)
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	return d.read(data, text)
}
