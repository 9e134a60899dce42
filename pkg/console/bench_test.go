//go:build unix

package console

import (
	"syscall"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

// processorTime is what this process used, collector included: other work on the
// machine changes it less than the clock.
func processorTime() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails for the process itself
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAdd is what the store costs a call.
func BenchmarkAdd(b *testing.B) {
	plain, redacted := testRecord(time.Now()), testRecord(time.Now())
	redacted.Decision, redacted.Redactions, redacted.Labels = "redact", map[string]int{"EMAIL": 2, "PHONE": 1}, map[string]string{"tier": "gold"}
	redacted.RequestFindings = []policy.FindingFact{{Entity: "EMAIL", Class: "pii", Where: genai.Content, Count: 2}}
	b.Run("plain", func(b *testing.B) {
		s := NewStore(2000, 200)
		b.ReportAllocs()
		began := processorTime()
		for b.Loop() {
			s.Add(plain)
		}
		b.ReportMetric((processorTime()-began)/float64(b.N), "cpu-ns/op")
	})
	b.Run("redacted", func(b *testing.B) {
		s := NewStore(2000, 200)
		b.ReportAllocs()
		began := processorTime()
		for b.Loop() {
			s.Add(redacted)
		}
		b.ReportMetric((processorTime()-began)/float64(b.N), "cpu-ns/op")
	})
	b.Run("parallel", func(b *testing.B) {
		s := NewStore(2000, 200)
		b.ReportAllocs()
		began := processorTime()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				s.Add(plain)
			}
		})
		b.ReportMetric((processorTime()-began)/float64(b.N), "cpu-ns/op")
	})
}
