package main

import (
	"errors"
	"log/slog"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/regent-proxy/regent/pkg/config"
)

// memoryShare of a container's memory is the runtime's soft limit: the rest is
// for what the runtime does not count.
const memoryShare = 0.9

// tuneRuntime sets the collector's target and the memory limit where the
// environment does not. Policy evaluation makes much short-lived garbage: a
// target of 400 saves about a fifth of its CPU, and the limit keeps that from
// growing past the container.
func tuneRuntime(c config.Runtime, getenv func(string) string, log *slog.Logger) {
	if getenv("GOGC") == "" && c.GOGC > 0 {
		debug.SetGCPercent(c.GOGC)
	}
	if getenv("GOMEMLIMIT") != "" {
		return
	}
	limit := int64(c.MemoryLimit)
	if limit == 0 {
		whole, err := memlimit.FromCgroup()
		if err != nil {
			if !errors.Is(err, memlimit.ErrNoLimit) && !errors.Is(err, memlimit.ErrCgroupsNotSupported) {
				log.Warn("can't read the container's memory limit", "error", err)
			}
			return
		}
		limit = int64(float64(whole) * memoryShare)
	}
	debug.SetMemoryLimit(limit)
	log.Debug("memory limit set", "bytes", limit)
}
