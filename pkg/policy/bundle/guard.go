package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/plugins/rest"
)

// stallTime is how long a service may keep silent in the middle of an answer,
// and beyond the time it asked for before one.
const stallTime = 30 * time.Second

// guard is the credentials of one service, and bounds on its answers that OPA's
// client does not have: one that falls silent, or never ends, would keep a
// bundle from ever being fetched again.
type guard struct {
	name  string
	inner rest.HTTPAuthPlugin
	stall time.Duration
}

// guardServices puts a guard in the place of each service's credentials, which
// it takes over.
func guardServices(c map[string]any, stall time.Duration) ([]*guard, error) {
	services := within(c, "services")
	var out []*guard
	for _, name := range slices.Sorted(maps.Keys(services)) {
		text, err := json.Marshal(services[name])
		if err != nil {
			return nil, err
		}
		var own rest.Config
		if err := json.Unmarshal(text, &own); err != nil {
			return nil, fmt.Errorf("services.%s: %w", name, err)
		}
		inner, err := own.AuthPlugin(nil)
		if err != nil {
			return nil, fmt.Errorf("services.%s.credentials: %w", name, err)
		}
		g := &guard{name: "regent/" + name, inner: inner, stall: stall}
		services[name].(map[string]any)["credentials"] = map[string]any{"plugin": g.name}
		out = append(out, g)
	}
	return out, nil
}

// Start does nothing: a guard has no life of its own.
func (*guard) Start(context.Context) error { return nil }

// Stop does nothing.
func (*guard) Stop(context.Context) {}

// Reconfigure does nothing.
func (*guard) Reconfigure(context.Context, any) {}

// Prepare adds the credentials.
func (g *guard) Prepare(r *http.Request) error { return g.inner.Prepare(r) }

// NewClient is the credentials' client, bounded.
func (g *guard) NewClient(c rest.Config) (*http.Client, error) {
	client, err := g.inner.NewClient(c)
	if err != nil {
		return nil, err
	}
	base := client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	client.Transport = &bounded{base: base, stall: g.stall}
	return client, nil
}

// bounded ends a request that makes no progress.
type bounded struct {
	base  http.RoundTripper
	stall time.Duration
}

var waits = regexp.MustCompile(`(?:^|;)wait=(\d+)`)

// patience is how long an answer may take to begin: what the request itself
// asks for (a long poll's Prefer: wait=60), and stall.
func (b *bounded) patience(r *http.Request) time.Duration {
	if m := waits.FindStringSubmatch(r.Header.Get("Prefer")); m != nil {
		if seconds, err := strconv.Atoi(m[1]); err == nil {
			return time.Duration(min(seconds, 3600))*time.Second + b.stall
		}
	}
	return b.stall
}

// RoundTrip sends r; the answer's body is bounded in silence and size.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	silence := time.AfterFunc(b.patience(r), func() { cancel(errStalled) })
	resp, err := b.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		silence.Stop()
		cancel(nil)
		return nil, because(ctx, err)
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, silence: silence, stall: b.stall, left: maxFile}
	return resp, nil
}

var errStalled = errors.New("the service fell silent; what came of its answer is dropped")

// because names the bound that ended a request.
func because(ctx context.Context, err error) error {
	if context.Cause(ctx) == errStalled {
		return errStalled
	}
	return err
}

type boundedBody struct {
	io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	silence *time.Timer
	stall   time.Duration
	left    int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	b.silence.Reset(b.stall)
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the answer is larger than %d MiB", maxFile>>20)
	}
	if err != nil && err != io.EOF {
		err = because(b.ctx, err)
	}
	return n, err
}

func (b *boundedBody) Close() error {
	b.silence.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
