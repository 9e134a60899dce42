package extproc_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/extproc"
	"github.com/regent-proxy/regent/pkg/extproc/extproctest"
)

// passer wants every body and changes none.
type passer struct{ want phase.BodyMode }

func (p passer) Open(context.Context, *phase.RequestHead) (phase.Call, phase.Verdict) {
	return p, phase.Verdict{Body: phase.BodyBuffered}
}
func (p passer) OpenAttempt(context.Context, *phase.RequestHead) (phase.Attempt, phase.Verdict) {
	return p, phase.Verdict{Release: true}
}
func (p passer) RequestBody([]byte) phase.Verdict   { return phase.Verdict{} }
func (p passer) RequestBodyTooLarge() phase.Verdict { return phase.Verdict{} }
func (p passer) ResponseHeaders(*phase.ResponseHead) phase.Verdict {
	return phase.Verdict{Body: p.want}
}
func (p passer) ResponseBody(b []byte, _ bool) phase.Verdict  { return phase.Verdict{Emit: b} }
func (p passer) ResponseTrailers(phase.Headers) phase.Verdict { return phase.Verdict{} }
func (p passer) Close(bool, error)                            {}

// BenchmarkCall compares a server that passes everything through phases with
// the no-op floor, in one interleaved run: "ratio" is CPU over CPU, client
// included in both.
func BenchmarkCall(b *testing.B) {
	stream := exchange()
	stream.ResponseHeaders = phase.Headers{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "text/event-stream"}}
	stream.ResponseChunks = nil
	for range 500 {
		stream.ResponseChunks = append(stream.ResponseChunks, []byte("data: {\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\n"))
	}
	small := exchange()
	small.RequestBody, small.ResponseChunks = bytes.Repeat([]byte("x"), 1024), [][]byte{bytes.Repeat([]byte("y"), 1024)}
	small.ResponseHeaders = small.ResponseHeaders[:1]
	b.Run("json1KiB", func(b *testing.B) { compare(b, small, phase.BodyBuffered) })
	b.Run("stream500", func(b *testing.B) { compare(b, stream, phase.BodyStream) })
}

func compare(b *testing.B, x extproctest.Exchange, want phase.BodyMode) {
	dir, err := os.MkdirTemp("", "extproc")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	clients := []*extproctest.Client{
		extproctest.NewUnix(b, &extproctest.NoOp{}, filepath.Join(dir, "n")),
		extproctest.NewUnix(b, extproc.New(passer{want}, extproc.Options{}), filepath.Join(dir, "p")),
	}
	for _, c := range clients { // connect
		if _, err := c.Do(b.Context(), x); err != nil {
			b.Fatal(err)
		}
	}
	var spent [2]time.Duration
	for b.Loop() {
		for i, c := range clients {
			before := cpu(b)
			if _, err := c.Do(b.Context(), x); err != nil {
				b.Fatal(err)
			}
			spent[i] += cpu(b) - before
		}
	}
	b.ReportMetric(float64(spent[0].Microseconds())/float64(b.N), "noop-cpu-µs")
	b.ReportMetric(float64(spent[1].Microseconds())/float64(b.N), "pass-cpu-µs")
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "ratio")
}

// cpu is the process's CPU time so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
