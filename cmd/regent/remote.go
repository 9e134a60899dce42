package main

import (
	"fmt"
	"time"

	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/detect/remote"
	"github.com/regent-proxy/regent/pkg/telemetry"
)

// newRemote makes the remote detector, nil where the config has none.
func newRemote(c *config.Remote, t *telemetry.Telemetry) (*remote.Detector, error) {
	if c.URL == "" {
		return nil, nil
	}
	d, err := remote.New(remoteOptions(c, t))
	if err != nil {
		return nil, fmt.Errorf("detect.remote: %w", err)
	}
	return d, nil
}

func remoteOptions(c *config.Remote, t *telemetry.Telemetry) remote.Options {
	o := remote.Options{
		URL: c.URL, Language: c.Language, Entities: c.Entities, MinScore: c.MinScore, Timeout: c.Timeout, MaxText: int(c.MaxText), MaxTexts: c.MaxTexts,
		Concurrency: c.Concurrency, Cache: c.Cache, Retry: c.Retry, Headers: make(map[string]string, len(c.Headers)), Observe: func(outcome string, _ time.Duration) { t.RemoteText(outcome) }, State: t.RemoteState,
	}
	for name, value := range c.Headers {
		o.Headers[name] = value.Reveal()
	}
	return o
}
