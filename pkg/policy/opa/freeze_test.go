package opa

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regent-proxy/regent/pkg/policy"
)

// What is frozen decides as the facts did, whatever becomes of the buffers that
// texts lie in, and of what an earlier set found in them.
func TestFreeze(t *testing.T) {
	words := func(term string) *Set {
		return open(t, Options{Timeout: time.Minute, Paths: []string{folder(t, map[string]string{
			"data.yaml": "regent: {settings: {terms: {house: {words: [" + term + "]}}}}",
			"p.rego":    "package regent.request\n\nlabels[\"terms\"] := concat(\",\", input.terms.house)\n\nlabels[\"text\"] := input.llm.messages[0].text\n",
		})}}).Current()
	}
	first, second := words("fox"), words("dog")
	body := []byte("the fox and the dog")
	in := chat("x")
	in.LLM.Text = func(int) string { return string(body) }
	if _, err := first.Evaluate(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	fresh := *in
	fresh.Terms = nil
	want := decide(t, second, &fresh)
	evaluate, size := second.Freeze(in)
	copy(body, "xxxxxxxxxxxxxxxxxxx")
	got, err := evaluate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Labels["terms"] != "dog" || got.Labels["text"] != "the fox and the dog" || in.Terms["house"][0] != "fox" {
		t.Errorf("labels %v, terms %v", got.Labels, in.Terms)
	}
	if size < len(body) || size > 4096 {
		t.Errorf("size %d", size)
	}
}

func TestFreezeFailsAsEvaluateDoes(t *testing.T) {
	s := open(t, Options{NoDefault: true, Paths: []string{folder(t, map[string]string{"p.rego": labelling("1")})}}).Current()
	in := chat("x")
	in.Phase = policy.Response
	evaluate, _ := s.Freeze(in)
	if _, err := evaluate(context.Background()); policy.KindOf(err) != policy.Undefined {
		t.Errorf("no rules: %v", err)
	}
	s = open(t, Options{NoDefault: true, Paths: []string{folder(t, map[string]string{"p.rego": "package regent.request\n\nlabels[\"t\"] := input.llm.messages[0].text"})}}).Current()
	in = chat("x")
	in.LLM.Text = func(int) string { panic("a fault") }
	evaluate, _ = s.Freeze(in)
	if _, err := evaluate(context.Background()); policy.KindOf(err) != policy.Panic {
		t.Errorf("a panic: %v", err)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	evaluate, _ = s.Freeze(chat("x"))
	if _, err := evaluate(stopped); policy.KindOf(err) != policy.Timeout {
		t.Errorf("stopped: %v", err)
	}
}

// A set that is staged is not in anybody's way: Current tells what was loaded.
func TestStage(t *testing.T) {
	dir := folder(t, map[string]string{"p.rego": labelling("1")})
	var staged []*Set
	e := open(t, Options{NoDefault: true, Paths: []string{dir}, Timeout: time.Minute, Stage: func(s *Set) { staged = append(staged, s) }})
	if len(staged) != 0 {
		t.Fatal("the first set was staged")
	}
	write(t, dir+"/p.rego", "package regent.request\nx := ")
	if err := e.Reload(context.Background()); err == nil || len(staged) != 0 {
		t.Fatalf("%v, staged %d", err, len(staged))
	}
	write(t, dir+"/p.rego", labelling("2"))
	if err := e.Reload(context.Background()); err != nil || len(staged) != 1 || staged[0] != e.Current() {
		t.Fatalf("%v, staged %d", err, len(staged))
	}
}

// BenchmarkFreeze is what a shadow costs a call; BenchmarkDefaultRequest is what
// the evaluation would.
func BenchmarkFreeze(b *testing.B) {
	s := open(b, Options{Timeout: time.Minute}).Current()
	for name, size := range map[string]int{"text=1KiB": 1 << 10, "text=256KiB": 256 << 10} {
		text := make([]byte, 0, size)
		for len(text) < size {
			text = append(text, prose...)
		}
		b.Run(name, func(b *testing.B) {
			in := chat(string(text))
			b.ReportAllocs()
			for b.Loop() {
				if evaluate, _ := s.Freeze(in); evaluate == nil {
					b.Fatal("no evaluation")
				}
			}
		})
	}
}
