package call

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy"
)

// names is a remote detector that knows Ann Lee, also where she is part of more.
type names struct {
	skipped int
	err     error
}

func (n names) Scan(_ context.Context, texts [][]byte) ([][]detect.Finding, int, error) {
	found := make([][]detect.Finding, len(texts))
	for i, text := range texts {
		if at := bytes.Index(text, []byte("Ann Lee")); at >= 0 && n.err == nil {
			end := at + len("Ann Lee")
			if mail := bytes.Index(text, []byte(" ann@corp.example")); mail == end {
				end += len(" ann@co")
			}
			found[i] = append(found[i], detect.Finding{Start: at, End: end, Entity: "PERSON", Class: detect.PII, Score: 0.85})
		}
	}
	return found, n.skipped, n.err
}

const aboutAnn = `{"model":"m","messages":[{"role":"user","content":"\u0041nn Lee ann@corp.example, you"}]}`

// What the remote detector finds is hidden as all else is; where it overlaps with
// what was found here, each keeps its own.
func TestRemoteFindingsAreRedacted(t *testing.T) {
	b := newBench(t, rules{request: redactAll, response: redactAll})
	b.snap.Remote, b.snap.Settings.RemoteResponses = names{}, true
	c, _ := b.svc.Open(t.Context(), requestHead())
	if v := c.RequestBody([]byte(aboutAnn)); !strings.Contains(string(v.NewBody), `"[PERSON][EMAIL], you"`) {
		t.Errorf("the provider gets %s", v.NewBody)
	}
	c.ResponseHeaders(responseHead("200", "application/json"))
	if v := c.ResponseBody([]byte(`{"choices":[{"message":{"content":"Dear Ann Lee"}}]}`), true); !strings.Contains(string(v.NewBody), "Dear [PERSON]") {
		t.Errorf("the client gets %s", v.NewBody)
	}
	c.Close(true, nil)
	if cov := b.rec.records[0].Coverage; cov.Request != policy.Full || cov.Response != policy.Full {
		t.Errorf("coverage %+v", cov)
	}
}

// A finding here that no rule hides takes nothing from one of the remote detector
// that a rule does.
func TestRemoteFindingUnderAnother(t *testing.T) {
	b := newBench(t, rules{request: func(*policy.Input) (*policy.Decision, error) {
		return &policy.Decision{Redact: []policy.Redact{{Entity: "PERSON", With: "label"}}}, nil
	}})
	b.snap.Remote = names{}
	c, _ := b.svc.Open(t.Context(), requestHead())
	v := c.RequestBody([]byte(aboutAnn))
	c.Close(true, nil)
	if !strings.Contains(string(v.NewBody), `"[PERSON]rp.example, you"`) {
		t.Errorf("the provider gets %s", v.NewBody)
	}
}

// A detector that is down is a gap in the coverage, a fact for the policy, and
// refuses by itself only where the operator says so.
func TestRemoteFailure(t *testing.T) {
	var seen policy.Coverage
	b := newBench(t, rules{request: func(in *policy.Input) (*policy.Decision, error) {
		seen = in.Coverage
		return redactAll(in)
	}})
	b.snap.Remote = names{err: errors.New("down")}
	c, _ := b.svc.Open(t.Context(), requestHead())
	if v := c.RequestBody([]byte(aboutAnn)); v.Reply != nil || !strings.Contains(string(v.NewBody), "nn Lee [EMAIL]") {
		t.Errorf("answered %+v", v)
	}
	if seen.Request != policy.Partial || !slices.Equal(seen.Reasons, []string{"remote_detector"}) {
		t.Errorf("the policy sees %+v", seen)
	}
	b.snap.Settings.RemoteRequired = true
	c, _ = b.svc.Open(t.Context(), requestHead())
	if v := c.RequestBody([]byte(aboutAnn)); v.Reply == nil || v.Reply.Status != 503 || !strings.Contains(string(v.Reply.Body), "detector_unavailable") {
		t.Errorf("answered %+v", v)
	}
	b.snap.Remote = names{skipped: 1}
	c, _ = b.svc.Open(t.Context(), requestHead())
	if v := c.RequestBody([]byte(aboutAnn)); v.Reply != nil || !slices.Equal(seen.Reasons, []string{"remote_detector_bound"}) {
		t.Errorf("answered %+v, the policy sees %+v", v, seen)
	}
}
