package main

import (
	"maps"
	"sync"
	"time"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/console"
)

// addConsole puts the console's pages on the admin port and its store before the
// recorder.
func (p *parts) addConsole(c *config.Config, to call.Recorder) (call.Recorder, error) {
	if !c.Console.Enabled || c.Admin.Listen == "" {
		return to, nil
	}
	store := console.NewStore(c.Console.Calls, c.Console.Kinds)
	options := console.Options{Store: store, TraceURL: c.Console.TraceURL, Policy: p.loads.status, Rollout: p.rollout.Status, Version: readVersion().Version}
	if p.reviews != nil { // a nil pointer would be an interface that is not nil
		options.Reviews = p.reviews
	}
	pages, err := console.New(options)
	if err != nil {
		return nil, err
	}
	maps.Copy(p.routes, pages.Routes())
	return store.Recorder(to), nil
}

// loads remembers how the policy set in force came to be. Safe for concurrent
// use.
type loads struct {
	mu   sync.Mutex
	said loadStatus
}

// loadStatus is what the console shows of the policy.
type loadStatus struct {
	Revision    string     `json:"revision"`
	Since       time.Time  `json:"in_force_since"`
	Reloads     int        `json:"reloads"`
	Failures    int        `json:"failed_reloads"`
	LastFailure *time.Time `json:"last_failure,omitempty"`
	Error       string     `json:"last_error,omitempty"`
}

// loaded notes a load, or one that failed and left the set in force as it was.
func (l *loads) loaded(revision string, err error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = now.UTC().Truncate(time.Second)
	switch {
	case err != nil:
		l.said.Failures++
		l.said.LastFailure, l.said.Error = &now, err.Error()
		return
	case l.said.Revision != "":
		l.said.Reloads++
	}
	if l.said.Revision != revision {
		l.said.Revision, l.said.Since = revision, now
	}
	l.said.LastFailure, l.said.Error = nil, "" // it is mended
}

func (l *loads) status() any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said
}
