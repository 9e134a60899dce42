package bundle

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/plugins/logs"
	"github.com/open-policy-agent/opa/v1/server"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// Bounds of what waits to be logged, in decisions, and of what logging one may
// take: masks are Rego, and Rego can loop.
const (
	maxQueued = 1024
	maskTime  = time.Second
)

// decisions hands decisions over to OPA's log plugin, off the calls' way. What
// finds the queue full is counted and dropped.
type decisions struct {
	manager  *Manager
	uploader *logs.Plugin
	queue    chan *decided
	stop     chan struct{}
	stopped  chan struct{}
}

// decided is one evaluation, as it is logged.
type decided struct {
	phase       policy.Phase
	call, trace string
	at          time.Time
	took        time.Duration
	facts       ast.Value
	result      []byte // JSON; nil where there is none
	fault       error
	revision    string
	bundles     map[string]string
}

// LoggedSet is a policy set whose decisions are logged. It is safe for
// concurrent use.
type LoggedSet struct {
	*opa.Set
	to *decisions
}

// LogsDecisions reports whether decisions are to be logged.
func (m *Manager) LogsDecisions() bool { return m.conf.logs != nil }

// Logged is s with its decisions logged, from Start to Close.
func (m *Manager) Logged(s *opa.Set) *LoggedSet { return &LoggedSet{s, m.decisions} }

// Evaluate decides as the set does, and hands what was decided over to the log.
func (s *LoggedSet) Evaluate(ctx context.Context, in *policy.Input) (*policy.Decision, error) {
	begun := time.Now()
	d, err := s.Set.Evaluate(ctx, in)
	s.to.note(s.Set, in, begun, d, err)
	return d, err
}

func newDecisions(m *Manager, uploader *logs.Plugin) *decisions {
	d := &decisions{manager: m, uploader: uploader, queue: make(chan *decided, maxQueued), stop: make(chan struct{}), stopped: make(chan struct{})}
	go d.run()
	return d
}

// note takes down what the log needs: the caller goes on with the rest.
func (d *decisions) note(s *opa.Set, in *policy.Input, begun time.Time, out *policy.Decision, err error) {
	if len(d.queue) == cap(d.queue) { // spare the work; the send below decides
		d.manager.options.Observer.DecisionDropped()
		return
	}
	e := &decided{
		phase: in.Phase, call: in.Call.ID, trace: in.Call.TraceID, at: begun, took: time.Since(begun),
		facts: s.Logged(in, d.manager.options.MaskHeaders), fault: faultIn(err), revision: s.Revision(), bundles: s.Bundles(),
	}
	if out != nil {
		e.result, _ = json.Marshal(shown(out, d.manager.options.MaskHeaders)) // plain types
	}
	select {
	case d.queue <- e:
	default:
		d.manager.options.Observer.DecisionDropped()
	}
}

// shown is a decision without what it would put into bodies and masked headers.
func shown(d *policy.Decision, headers []string) *policy.Decision {
	out := *d
	out.Body = slices.Clone(d.Body)
	for i := range out.Body {
		out.Body[i].Value = nil
	}
	if d.Headers != nil && len(d.Headers.Set) > 0 {
		set := make(map[string]string, len(d.Headers.Set))
		for name, value := range d.Headers.Set {
			if set[name] = value; slices.Contains(headers, strings.ToLower(name)) {
				set[name] = opa.Withheld
			}
		}
		out.Headers = &policy.HeaderChanges{Set: set, Remove: d.Headers.Remove}
	}
	return &out
}

// fault is an error as it is logged: an error's own words may quote a text.
type fault struct {
	Code string `json:"code"`
	At   string `json:"at,omitempty"`
}

func (f *fault) Error() string { return f.Code + " " + f.At }

func faultIn(err error) error {
	if err == nil {
		return nil
	}
	f := &fault{Code: string(policy.KindOf(err))}
	var e *policy.Error
	if errors.As(err, &e) {
		f.At = e.Path
	}
	return f
}

// run logs until it is stopped, and then what still waits.
func (d *decisions) run() {
	defer close(d.stopped)
	for {
		select {
		case e := <-d.queue:
			d.log(e)
		case <-d.stop:
			for len(d.queue) > 0 {
				d.log(<-d.queue)
			}
			return
		}
	}
}

// log asks OPA's plugin, which masks, drops, buffers and sends.
func (d *decisions) log(e *decided) {
	ctx, cancel := context.WithTimeout(context.Background(), maskTime)
	defer cancel()
	err := storage.Txn(ctx, d.manager.gate.Store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		info, err := e.info()
		if err != nil {
			return err
		}
		info.Txn = txn
		return d.upload(ctx, info)
	})
	if err != nil {
		d.manager.log.Error("a decision could not be logged: %v", err)
		d.manager.options.Observer.DecisionDropped()
	}
}

// upload survives a mask that panics: a transaction that is not ended would keep
// bundles from taking effect.
func (d *decisions) upload(ctx context.Context, info *server.Info) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return d.uploader.Log(ctx, info)
}

// info is the event in OPA's words.
func (e *decided) info() (*server.Info, error) {
	input, err := ast.JSON(e.facts)
	if err != nil {
		return nil, err
	}
	info := &server.Info{
		DecisionID: rand.Text(), TraceID: e.trace, Path: "regent/" + string(e.phase), Timestamp: e.at.UTC(), Input: &input, InputAST: e.facts, Error: e.fault,
		Bundles: map[string]server.BundleInfo{},
		Custom:  map[string]any{"call_id": e.call, "policy_revision": e.revision, "evaluation_ns": e.took.Nanoseconds()},
	}
	for name, revision := range e.bundles {
		info.Bundles[name] = server.BundleInfo{Revision: revision}
	}
	if e.result != nil {
		var result any
		if err := json.Unmarshal(e.result, &result); err != nil {
			return nil, err
		}
		info.Results = &result
	}
	return info, nil
}

// close logs what waits. A nil one has nothing to do.
func (d *decisions) close() {
	if d == nil {
		return
	}
	close(d.stop)
	<-d.stopped
}
