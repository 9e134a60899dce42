package opa

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long the files must lie still before they are read again:
// editors and volume mounts change several in a row.
const settleTime = 250 * time.Millisecond

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
	for {
		select {
		case <-ctx.Done():
			return
		case ev := <-w.notify.Events:
			if ev.Op != fsnotify.Chmod {
				quiet.Reset(settleTime)
			}
		case <-w.notify.Errors:
			quiet.Reset(settleTime)
		case <-quiet.C:
			// Folders may be new. One that cannot be watched makes loading
			// fail too, which says why.
			_ = w.add()
			_ = e.Reload(ctx)
		}
	}
}
