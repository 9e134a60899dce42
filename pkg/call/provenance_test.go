package call

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/policy"
)

func TestProvenance(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprint("d", i))
	}
	const plain = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	for name, c := range map[string]struct {
		headers []phase.Header
		path    string
		body    string
		want    genai.Provenance
	}{
		"nothing": {body: plain},
		"headers": {headers: []phase.Header{{Name: "x-prompt", Value: " p1 "}, {Name: "x-prompt-version", Value: "3"}, {Name: "x-sources", Value: "a, b,,a"}}, body: plain,
			want: genai.Provenance{PromptID: "p1", PromptVersion: "3", DataSources: []string{"a", "b"}}},
		"baggage":             {headers: []phase.Header{{Name: "baggage", Value: "prompt=p2,sources=a%2Cb,other=x"}}, body: plain, want: genai.Provenance{PromptID: "p2", DataSources: []string{"a", "b"}}},
		"header over baggage": {headers: []phase.Header{{Name: "x-prompt", Value: "p1"}, {Name: "baggage", Value: "prompt=p2"}}, body: plain, want: genai.Provenance{PromptID: "p1"}},
		"malformed baggage":   {headers: []phase.Header{{Name: "baggage", Value: "%%;;="}}, body: plain},
		"overlong":            {headers: []phase.Header{{Name: "x-prompt", Value: strings.Repeat("p", 300)}}, body: plain},
		"too many":            {headers: []phase.Header{{Name: "x-sources", Value: strings.Join(many, ",")}}, body: plain, want: genai.Provenance{DataSources: many[:genai.MaxDataSources]}},
		"body over head": {headers: []phase.Header{{Name: "x-prompt", Value: "p1"}, {Name: "x-prompt-version", Value: "3"}, {Name: "x-sources", Value: "a"}}, path: "/v1/responses",
			body: `{"model":"m","input":"hi","prompt":{"id":"pmpt_1"},"tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}`,
			want: genai.Provenance{PromptID: "pmpt_1", DataSources: []string{"a", "vs_1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, rules{request: allow})
			b.snap.Settings.Provenance = ProvenanceSettings{
				PromptID:      ProvenanceSource{Header: "x-prompt", Baggage: "prompt"},
				PromptVersion: ProvenanceSource{Header: "x-prompt-version"},
				DataSources:   ProvenanceSource{Header: "x-sources", Baggage: "sources"},
			}
			head := requestHead(c.headers...)
			if c.path != "" {
				i := slices.IndexFunc(head.Headers, func(h phase.Header) bool { return h.Name == ":path" })
				head.Headers[i].Value = c.path
			}
			call, _ := b.svc.Open(context.Background(), head)
			call.RequestBody([]byte(c.body))
			call.Close(true, nil)
			got := b.rec.records[0].Provenance
			if got.PromptID != c.want.PromptID || got.PromptVersion != c.want.PromptVersion || !slices.Equal(got.DataSources, c.want.DataSources) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestB3(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for want, headers := range map[string][]phase.Header{
		"":                        nil,
		"single":                  {{Name: "b3", Value: "single"}, {Name: "x-b3-traceid", Value: trace}, {Name: "x-b3-spanid", Value: span}},
		trace + "-" + span:        {{Name: "x-b3-traceid", Value: trace}, {Name: "x-b3-spanid", Value: span}},
		trace + "-" + span + "-1": {{Name: "x-b3-traceid", Value: trace}, {Name: "x-b3-spanid", Value: span}, {Name: "x-b3-sampled", Value: "true"}},
		trace + "-" + span + "-0": {{Name: "x-b3-traceid", Value: trace}, {Name: "x-b3-spanid", Value: span}, {Name: "x-b3-sampled", Value: "0"}},
		trace + "-" + span + "-d": {{Name: "x-b3-traceid", Value: trace}, {Name: "x-b3-spanid", Value: span}, {Name: "x-b3-sampled", Value: "1"}, {Name: "x-b3-flags", Value: "1"}},
		"0":                       {{Name: "x-b3-sampled", Value: "false"}},
		"1":                       {{Name: "x-b3-traceid", Value: trace}, {Name: "x-b3-sampled", Value: "1"}},
	} {
		if got := parentOf(requestHead(headers...)).B3; got != want {
			t.Errorf("%v: b3 is %q, want %q", headers, got, want)
		}
	}
}

// A denied call is part of its experiment too, and has no response to come.
func TestExperimentIsRecorded(t *testing.T) {
	want := policy.Experiment{Name: "small-model", Variant: "b"}
	b := newBench(t, rules{request: func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Experiment: &want, Deny: []policy.Deny{{Code: "no"}}}, nil
	}})
	c, _ := b.svc.Open(context.Background(), requestHead())
	v := c.RequestBody([]byte(`{"model":"m","messages":[]}`))
	c.Close(true, nil)
	if got := b.rec.records[0].Experiment; got == nil || *got != want {
		t.Errorf("recorded %+v", got)
	}
	told := map[string]any{}
	for _, f := range v.Metadata {
		told[f.Name] = f.Value
	}
	if told["coverage_response"] != "none" {
		t.Errorf("the access log is told that the response's coverage is %v", told["coverage_response"])
	}
	if told["experiment"] != "small-model" || told["variant"] != "b" {
		t.Errorf("the access log is told %v", told)
	}
}
