package opa

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long the files must lie still before they are read again:
// editors and volume mounts change several in a row.
const settleTime = 250 * time.Millisecond

// settleMost is how long they are waited for at most: a file that never lies
// still must not keep a policy from being read.
const settleMost = 2 * time.Second

// watcher watches the options' paths, nil where they are not to be watched.
func (e *Engine) watcher() (*watcher, error) {
	if !e.options.Watch || len(e.options.Paths) == 0 {
		return nil, nil
	}
	n, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch policies: %w", err)
	}
	w := &watcher{notify: n, paths: e.options.Paths}
	if err := w.add(); err != nil {
		return nil, fmt.Errorf("watch policies: %w", joinClose(err, n))
	}
	return w, nil
}

func joinClose(err error, n *fsnotify.Watcher) error {
	_ = n.Close()
	return err
}

// watcher tells of changes below the paths.
type watcher struct {
	notify *fsnotify.Watcher
	paths  []string
}

func (w *watcher) close() error {
	if w == nil {
		return nil
	}
	return w.notify.Close()
}

// add watches each path's parent, so that a replaced file or link is seen (a
// ConfigMap swaps the link ..data), and all folders below it. Adding a folder
// twice does nothing.
func (w *watcher) add() error {
	for _, p := range w.paths {
		if err := w.notify.Add(filepath.Dir(filepath.Clean(p))); err != nil {
			return err
		}
		real, err := filepath.EvalSymlinks(p)
		if err != nil {
			return err
		}
		if err := w.addFolders(real); err != nil {
			return err
		}
	}
	return nil
}

// concerns reports whether a change of name can be one of the policies: of a
// path, of what is below it, or of the links (..data) that a volume mount swaps
// beside it. A path's other neighbours, watched only for its sake, are not.
func (w *watcher) concerns(name string) bool {
	for _, p := range w.paths {
		p = filepath.Clean(p)
		if isBelow(name, p) || filepath.Dir(name) == filepath.Dir(p) && strings.HasPrefix(filepath.Base(name), "..") {
			return true
		}
		if real, err := filepath.EvalSymlinks(p); err != nil || isBelow(name, real) {
			return true
		}
	}
	return false
}

func isBelow(name, root string) bool {
	return name == root || strings.HasPrefix(name, root+string(filepath.Separator))
}

func (w *watcher) addFolders(root string) error {
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			return nil // a dangling link is loading's to complain about
		}
		return w.notify.Add(name)
	})
}

// follow reloads on changes until the engine is closed.
func (e *Engine) follow(w *watcher) {
	if w == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.done.Go(func() {
		defer func() { _ = w.close() }()
		e.loop(ctx, w)
	})
}

// loop waits for changes, lets them settle, and reloads. A lost event (the
// kernel's queue ran over) is a change as well.
func (e *Engine) loop(ctx context.Context, w *watcher) {
	quiet := time.NewTimer(settleTime)
	quiet.Stop()
	var first time.Time // of the changes that wait, zero where none do
	changed := func() {
		if first.IsZero() {
			first = time.Now()
		}
		quiet.Reset(min(settleTime, settleMost-min(settleMost, time.Since(first))))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case ev := <-w.notify.Events:
			if ev.Op != fsnotify.Chmod && w.concerns(ev.Name) {
				changed()
			}
		case <-w.notify.Errors:
			changed()
		case <-quiet.C:
			first = time.Time{}
			// Folders may be new. One that cannot be watched makes loading
			// fail too, which says why.
			_ = w.add()
			_ = e.Reload(ctx)
		}
	}
}
