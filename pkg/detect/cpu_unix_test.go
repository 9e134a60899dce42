//go:build unix

package detect

import (
	"syscall"
	"time"
)

// cpuTime is what this process has had of the processors: on a busy machine
// the better measure of what a core can do.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
