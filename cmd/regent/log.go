package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/config"
)

// newLogger writes records to w, as the config says.
func newLogger(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // one of four words by now
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// throttle logs at most one error a minute and says how many it left out: a
// collector that is down fails every second.
type throttle struct {
	log   *slog.Logger
	now   func() time.Time
	mu    sync.Mutex
	last  time.Time
	quiet int
}

func newThrottle(log *slog.Logger) *throttle { return &throttle{log: log, now: time.Now} }

func (t *throttle) error(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.now(); t.last.IsZero() || now.Sub(t.last) >= time.Minute {
		t.log.Warn("telemetry export failed", "error", err, "errors_left_out", t.quiet)
		t.last, t.quiet = now, 0
		return
	}
	t.quiet++
}

// logged writes one line a call beside recording it, where the config wants it.
func logged(c *config.Config, log *slog.Logger, to call.Recorder) call.Recorder {
	if !c.Log.Calls {
		return to
	}
	return callLog{to, log}
}

// callLog is a call.Recorder that also writes one line a call.
type callLog struct {
	call.Recorder
	log *slog.Logger
}

// Begin implements call.Recorder.
func (l callLog) Begin(p call.Parent) call.Recording {
	return callLine{l.Recorder.Begin(p), l.log}
}

type callLine struct {
	call.Recording
	log *slog.Logger
}

// End implements call.Recording.
func (l callLine) End(r *call.Record) {
	l.Recording.End(r)
	l.log.LogAttrs(context.Background(), slog.LevelInfo, "call", lineOf(r)...)
}

// lineOf is what the log says of a call: ids, names and numbers, never content.
// An error of the policy or the provider may quote a message, so only its type
// is written.
func lineOf(r *call.Record) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("call_id", r.ID), slog.String("trace_id", r.TraceID), slog.String("span_id", r.SpanID),
		slog.String("operation", string(r.Operation)), slog.String("api", r.API), slog.String("provider", r.Provider),
		slog.String("model", r.RequestModel), slog.String("response_model", r.Response.Model),
		slog.Bool("stream", r.Stream), slog.Int("status", r.HTTPStatus),
		slog.String("decision", r.Decision), slog.String("policy_revision", r.PolicyRevision),
		slog.String("coverage_request", string(r.Coverage.Request)), slog.String("coverage_response", string(r.Coverage.Response)),
		slog.Float64("seconds", r.Ended.Sub(r.Started).Seconds()),
	}
	if u := &r.Response.Usage; u.Reported {
		attrs = append(attrs, slog.Int64("input_tokens", u.InputTokens), slog.Int64("output_tokens", u.OutputTokens))
	}
	if r.CostKnown {
		attrs = append(attrs, slog.Float64("cost_usd", r.CostUSD))
	}
	if len(r.Denies) > 0 {
		attrs = append(attrs, slog.String("deny_code", r.Denies[0].Code), slog.String("denied_in", r.DeniedIn))
	}
	for _, each := range []struct{ key, value string }{
		{"policy_role", r.PolicyRole}, {"target", r.Target}, {"tenant", r.Identity.Tenant}, {"team", r.Identity.Team}, {"app", r.Identity.App}, {"error_type", r.ErrorType},
	} {
		if each.value != "" {
			attrs = append(attrs, slog.String(each.key, each.value))
		}
	}
	if r.Experiment != nil {
		attrs = append(attrs, slog.String("experiment", r.Experiment.Name), slog.String("variant", r.Experiment.Variant))
	}
	if r.FailedOpen {
		attrs = append(attrs, slog.Bool("failed_open", true))
	}
	return attrs
}
