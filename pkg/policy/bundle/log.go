package bundle

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"

	"github.com/open-policy-agent/opa/v1/logging"
)

// leastSecret is the length from which a secret is looked for: the value "a"
// would hide half of every line.
const leastSecret = 6

// hider takes secrets out of text, as they are and as a URL writes them.
func hider(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) < leastSecret {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			pairs = append(pairs, form, "(hidden)")
		}
	}
	return strings.NewReplacer(pairs...)
}

// newLogger is OPA's view of a slog logger. Debug is left out: it would print
// requests' headers.
func newLogger(l *slog.Logger, hide *strings.Replacer) logging.Logger {
	return logging.NewLoggerFromSlogHandler(&hiding{l.Handler(), hide}, logging.Info)
}

// hiding is a handler that hides secrets in messages and attributes.
type hiding struct {
	slog.Handler
	hide *strings.Replacer
}

func (h *hiding) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo && h.Handler.Enabled(ctx, level)
}

func (h *hiding) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, "opa: "+h.hide.Replace(r.Message), 0)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(slog.String(a.Key, h.hide.Replace(written(a.Value))))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// written is a value as text, what is no plain one as JSON.
func written(v slog.Value) string {
	if v.Kind() == slog.KindAny {
		if text, err := json.Marshal(v.Any()); err == nil {
			return string(text)
		}
	}
	return v.String()
}
