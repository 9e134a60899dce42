package bundle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/regent-proxy/regent/pkg/policy/opa"
)

// gate is OPA's store with a say: a change is committed only once the engine
// has loaded it. A refused one is rolled back, so that OPA neither persists it
// nor asks for it by its ETag.
type gate struct {
	storage.Store
	admit func(context.Context, storage.Transaction) error
	after func(ctx context.Context, before int64)

	writer  atomic.Uint64 // the writing transaction, of which there is one at a time
	changed bool          // by it
	// admitted: the engine has loaded it. before is how often the store was read
	// until then: who reads it between that and the commit has what was.
	admitted bool
	before   int64
	refused  atomic.Bool // the last one was
}

// NewTransaction begins a transaction; a writing one waits for the one before.
func (g *gate) NewTransaction(ctx context.Context, params ...storage.TransactionParams) (storage.Transaction, error) {
	txn, err := g.Store.NewTransaction(ctx, params...)
	if err == nil && len(params) > 0 && params[0].Write {
		g.writer.Store(txn.ID())
		g.changed = false
	}
	return txn, err
}

// Write notes that there is something to admit, like the three below.
func (g *gate) Write(ctx context.Context, txn storage.Transaction, op storage.PatchOp, path storage.Path, value any) error {
	g.changed = true
	return g.Store.Write(ctx, txn, op, path, value)
}

// UpsertPolicy notes a change.
func (g *gate) UpsertPolicy(ctx context.Context, txn storage.Transaction, id string, text []byte) error {
	g.changed = true
	return g.Store.UpsertPolicy(ctx, txn, id, text)
}

// DeletePolicy notes a change.
func (g *gate) DeletePolicy(ctx context.Context, txn storage.Transaction, id string) error {
	g.changed = true
	return g.Store.DeletePolicy(ctx, txn, id)
}

// Truncate notes a change.
func (g *gate) Truncate(ctx context.Context, txn storage.Transaction, params storage.TransactionParams, it storage.Iterator) error {
	g.changed = true
	return g.Store.Truncate(ctx, txn, params, it)
}

// Commit admits what was changed, or aborts.
func (g *gate) Commit(ctx context.Context, txn storage.Transaction) error {
	if txn.ID() != g.writer.Load() || !g.changed {
		return g.Store.Commit(ctx, txn)
	}
	if err := g.admit(ctx, txn); err != nil {
		g.refused.Store(true)
		g.Store.Abort(ctx, txn)
		return fmt.Errorf("refused by regent: %w", err)
	}
	admitted, before := g.admitted, g.before // the next writer begins at the commit
	if err := g.Store.Commit(ctx, txn); err != nil {
		return err
	}
	if admitted {
		g.after(ctx, before)
	}
	return nil
}

// read is what the store holds as txn sees it, or an opa.ErrPending where a
// configured bundle was never activated.
func (m *Manager) read(ctx context.Context, txn storage.Transaction) (*opa.Snapshot, error) {
	snap := &opa.Snapshot{Modules: map[string][]byte{}, Revisions: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(m.conf.bundles.Bundles)) {
		revision, err := bundle.ReadBundleRevisionFromStore(ctx, m.gate.Store, txn, name)
		if storage.IsNotFound(err) {
			return nil, fmt.Errorf("%w: %s", opa.ErrPending, name)
		}
		if err != nil {
			return nil, err
		}
		snap.Revisions[name] = revision
	}
	if err := m.readModules(ctx, txn, snap); err != nil {
		return nil, err
	}
	return snap, m.readData(ctx, txn, snap)
}

func (m *Manager) readModules(ctx context.Context, txn storage.Transaction, snap *opa.Snapshot) error {
	names, err := m.gate.Store.ListPolicies(ctx, txn)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := m.gate.Store.GetPolicy(ctx, txn, name)
		if err != nil {
			return err
		}
		snap.Modules[strings.TrimPrefix(name, "/")] = text
	}
	return nil
}

// readData copies the objects: the store goes on with its own.
func (m *Manager) readData(ctx context.Context, txn storage.Transaction, snap *opa.Snapshot) error {
	root, err := m.gate.Store.Read(ctx, txn, storage.RootPath)
	if err != nil {
		return err
	}
	data, ok := root.(map[string]any)
	if !ok {
		return errors.New("the store's root is no object")
	}
	snap.Data = map[string]any{}
	for name, v := range data {
		if name != "system" { // OPA's own: manifests, and the masks' data
			snap.Data[name] = copied(v)
		}
	}
	return nil
}

// copied is a JSON value whose objects may be changed.
func copied(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := make(map[string]any, len(object))
	for k, v := range object {
		out[k] = copied(v)
	}
	return out
}

func isPending(err error) bool { return errors.Is(err, opa.ErrPending) }
