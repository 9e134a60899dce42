package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/call"
	"github.com/regent-proxy/regent/pkg/config"
	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/policy/opa"
	"github.com/regent-proxy/regent/pkg/replay"
)

// recordedFlags are those of commands that play recorded calls.
type recordedFlags struct {
	policyFlags
	config string
}

func (f *recordedFlags) add(c *cobra.Command) {
	f.policyFlags.add(c)
	c.Flags().StringVarP(&f.config, "config", "c", "", "the configuration that says what is detected, and which routes and models are known")
}

// snapshot is what recorded calls consult beside the policies.
func (f *recordedFlags) snapshot() (call.Snapshot, error) {
	c, err := loadConfig(f.config)
	if err != nil {
		return call.Snapshot{}, err
	}
	return recordedSnapshot(c)
}

func recordedSnapshot(c *config.Config) (call.Snapshot, error) {
	s, err := newSnapshots(c)
	if err != nil {
		return call.Snapshot{}, err
	}
	return s.fixed, nil
}

// recorded is one entry of a file of calls.
type recorded struct {
	file  string
	n     int
	entry *har.Entry
}

func (r *recorded) name() string { return r.entry.Name(r.n) }

// harNames are how files with recorded calls end.
var harNames = []string{".har", ".har.jsonl"}

// readRecorded reads the entries of files, and of the .har and .har.jsonl files
// below folders, in order.
func readRecorded(paths []string) ([]recorded, error) {
	var out []recorded
	for _, path := range paths {
		files, err := harFiles(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if out, err = appendRecorded(out, file); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func appendRecorded(out []recorded, file string) ([]recorded, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	err = har.Read(data, func(n int, e *har.Entry) error {
		out = append(out, recorded{file, n, e})
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return out, err
}

// harFiles is path itself, or the files with calls below it.
func harFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var files []string
	err = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && isHAR(name) {
			files = append(files, name)
		}
		return err
	})
	return files, err
}

func isHAR(name string) bool {
	return slices.ContainsFunc(harNames, func(end string) bool { return strings.HasSuffix(name, end) })
}

// play plays all entries against policies. The first that cannot be read is an
// error.
func play(ctx context.Context, snapshot call.Snapshot, policies call.PolicySet, entries []recorded) ([]*replay.Played, error) {
	player := replay.New(snapshot, policies)
	out := make([]*replay.Played, len(entries))
	for i, r := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		played, err := player.Play(ctx, r.n, r.entry)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", r.file, r.name(), err)
		}
		out[i] = played
	}
	return out, nil
}

var errNoCalls = errors.New("no recorded calls: name HAR files, or folders with files named .har or .har.jsonl")

// openSet loads policies as serving does; close ends what it began.
func openSet(ctx context.Context, o opa.Options) (set *opa.Set, end func(), err error) {
	engine, err := opa.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return engine.Current(), engine.Close, nil
}
