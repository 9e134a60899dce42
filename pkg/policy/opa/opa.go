// Package opa evaluates policies written in Rego: it loads them, prepares one
// query a phase, evaluates it under a deadline and decodes the decision.
//
// Most callers want [Open] once, [Engine.Current] once a call, and
// [Set.Evaluate] once a phase. A policy that does not load never replaces one
// that does, and no failure of an evaluation is ever an empty decision: it is
// an error, and the caller fails as the operator configured.
package opa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/detect"
)

// DefaultTimeout bounds an evaluation where Options.Timeout is zero.
const DefaultTimeout = 100 * time.Millisecond

// Options say which policies to load and how to evaluate them.
type Options struct {
	// Paths are files and folders with .rego modules and .json, .yaml or .yml
	// data. Data of a later path overrides that of an earlier one; two files of
	// one path must not set the same value.
	Paths []string
	// Bundles give further policies, between what is embedded and Paths; nil is
	// none.
	Bundles Bundles
	// AsBundle reads Paths as what a bundle will hold: package system.log, the
	// decision logs' masks, is let be.
	AsBundle bool
	// NoDefault leaves the default policy out: only the library and Paths.
	NoDefault bool
	// Timeout bounds one evaluation; zero is DefaultTimeout.
	Timeout time.Duration
	// AllowNetwork lets policies use http.send, net.lookup_ip_addr and
	// opa.runtime. An evaluation that waits for a network holds its call.
	AllowNetwork bool
	// Watch reloads when a file below Paths changes.
	Watch bool
	// OnReload is told of every reload: the revision now in force, and why a
	// new one was refused. It is called from one goroutine at a time.
	OnReload func(revision string, err error)
	// Stage is given each set that Reload loads, to be put in force by whoever
	// holds it, before OnReload is told; [Engine.Current] is then the set loaded
	// last. Nil puts it in force at once.
	Stage func(*Set)
	// Catalog and Detect are what regent.cost, regent.price and regent.detect
	// know; nil is the embedded catalog, and all detectors.
	Catalog *catalog.Catalog
	Detect  *detect.Set
	// Logger is told of failed reloads; nil is silence.
	Logger *slog.Logger

	// entities keeps what the policies' own entities came to; nil keeps nothing.
	entities *entityCache
	// plain evaluates without what makes evaluation lean: all facts are built,
	// no rule is folded, nothing is remembered. Tests compare the two.
	plain bool
	// whole leaves sets unsplit: rules are then those that were written.
	whole bool
}

// Engine holds the policy set in force. It is safe for concurrent use.
type Engine struct {
	options Options
	current atomic.Pointer[Set]

	reloading sync.Mutex // one reload at a time
	stop      context.CancelFunc
	done      sync.WaitGroup
}

// Open loads the policies and fails where they cannot be loaded. Where the
// bundles have not come yet it opens all the same, and the set in force refuses
// to decide ([Set.Pending]) until a Reload finds them.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Timeout < 0 {
		return nil, fmt.Errorf("the policy timeout is %v; it must be positive", o.Timeout)
	}
	o.entities = &entityCache{}
	e := &Engine{options: o, stop: func() {}}
	w, err := e.watcher()
	if err != nil {
		return nil, err
	}
	set, err := load(ctx, &e.options)
	if errors.Is(err, ErrPending) {
		set, err = pending(err), nil
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	e.current.Store(set)
	e.follow(w)
	return e, nil
}

// Current is the set in force, or where Options.Stage is given, the one loaded
// last. A call reads it once and keeps it for life, so
// that no call sees two policies.
func (e *Engine) Current() *Set { return e.current.Load() }

// Reload builds the policies anew, whole, and then swaps. Where they cannot be
// loaded the set in force stays, and the error says why.
func (e *Engine) Reload(ctx context.Context) error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	set, err := load(ctx, &e.options)
	if err == nil {
		e.current.Store(set)
		if e.options.Stage != nil {
			e.options.Stage(set)
		}
	} else if e.options.Logger != nil {
		e.options.Logger.Error("the new policy was refused; the running one stays", "revision", e.Current().Revision(), "error", err)
	}
	if e.options.OnReload != nil {
		e.options.OnReload(e.Current().Revision(), err)
	}
	return err
}

// Close ends the watching. Sets that calls still hold stay usable.
func (e *Engine) Close() {
	e.stop()
	e.done.Wait()
}
