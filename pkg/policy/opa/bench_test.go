package opa

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

const prose = "The quick brown fox jumps over the lazy dog, and the dog sleeps on. "

func BenchmarkDefaultRequest(b *testing.B) {
	s := open(b, Options{Timeout: time.Minute}).Current()
	for _, size := range []int{1 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("text=%dKiB", size>>10), func(b *testing.B) {
			text := strings.Repeat(prose, size/len(prose))
			in := chat(text[:len(text)/4], text[len(text)/4:])
			benchEvaluate(b, s, in)
		})
	}
	b.Run("findings=3", func(b *testing.B) {
		in := chat("short")
		in.Findings = []policy.FindingFact{
			{Entity: "EMAIL", Class: "pii", Where: genai.Content, Role: genai.User, Count: 2, Score: 0.99},
			{Entity: "CREDIT_CARD", Class: "pii", Where: genai.Content, Role: genai.User, Count: 1, Score: 0.9},
			{Entity: "AWS_ACCESS_KEY", Class: "secret", Where: genai.Content, Role: genai.User, Count: 1, Score: 0.9},
		}
		benchEvaluate(b, s, in)
	})
}

func BenchmarkDefaultResponse(b *testing.B) {
	s := open(b, Options{Timeout: time.Minute}).Current()
	in := chat("short")
	in.Phase, in.Response = policy.Response, &policy.ResponseFacts{Status: 200, FinishReasons: []string{"stop"}, Final: true}
	benchEvaluate(b, s, in)
}

// BenchmarkNoText is a policy that reads no text: its cost must not grow with
// the prompt.
func BenchmarkNoText(b *testing.B) {
	dir := folder(b, map[string]string{"data.yaml": "regent: {settings: {terms: {confidential: {words: []}, risk: {words: []}, medical: {words: []}}}}"})
	s := withoutMemo(open(b, Options{Paths: []string{dir}, Timeout: time.Minute}).Current(), policy.Request)
	for _, size := range []int{1 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("text=%dKiB", size>>10), func(b *testing.B) {
			benchSet(b, s, chat(strings.Repeat(prose, size/len(prose))))
		})
	}
}

// benchEvaluate measures a policy on facts that come again, on ones that don't,
// and without what makes evaluation lean.
func benchEvaluate(b *testing.B, s *Set, in *policy.Input) {
	b.Run("remembered", func(b *testing.B) { benchSet(b, s, in) })
	b.Run("evaluated", func(b *testing.B) { benchSet(b, withoutMemo(s, in.Phase), in) })
	b.Run("plain", func(b *testing.B) { benchSet(b, open(b, Options{Timeout: time.Minute, plain: true}).Current(), in) })
}

func benchSet(b *testing.B, s *Set, in *policy.Input) { benchCalls(b, s, []*policy.Input{in}) }

// benchCalls evaluates the calls in turn.
func benchCalls(b *testing.B, s *Set, calls []*policy.Input) {
	b.ReportAllocs()
	before := cpuTime(b)
	defer func() { b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op") }()
	for i := 0; b.Loop(); i++ {
		in := calls[i%len(calls)]
		in.Terms, in.Tokens.Input = nil, int64(i%5000) // no two prompts are of one length
		if _, err := s.Evaluate(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuTime is what the process has used: on a busy machine it says more than the
// clock. The collector's share is in it.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTwoCores is a benchmark to run with -cpu 1,2: evaluations of one set
// must not wait for each other.
func BenchmarkTwoCores(b *testing.B) {
	s := withoutMemo(open(b, Options{Timeout: time.Minute}).Current(), policy.Request)
	b.RunParallel(func(pb *testing.PB) {
		in := chat("short")
		for pb.Next() {
			in.Terms = nil
			if _, err := s.Evaluate(context.Background(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// withoutMemo is s, remembering nothing.
func withoutMemo(s *Set, phase policy.Phase) *Set {
	doc := *s.phases[phase]
	doc.memo, doc.parts = nil, nil
	for _, p := range s.phases[phase].parts {
		fresh := *p
		fresh.memo = nil
		doc.parts = append(doc.parts, &fresh)
	}
	fresh := *s
	fresh.phases = map[policy.Phase]*document{phase: &doc}
	return &fresh
}
