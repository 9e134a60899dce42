package call

import (
	"cmp"
	"slices"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/dialect"
	"github.com/regent-proxy/regent/pkg/genai"
	"github.com/regent-proxy/regent/pkg/jsonspan"
	"github.com/regent-proxy/regent/pkg/policy"
)

// askRemote adds what the remote detector finds in the texts of doc. What it
// could not judge is a gap in the coverage, for the policy to know.
func (c *call) askRemote(f *facts, doc []byte) {
	if c.snap.Remote == nil || len(f.texts) == 0 {
		return
	}
	texts, views := make([][]byte, len(f.texts)), make([]jsonspan.Map, len(f.texts))
	for i, t := range f.texts {
		if t.Kind != genai.URL && t.Kind != genai.Metadata {
			texts[i], views[i] = viewOf(doc, t)
		}
	}
	found, skipped, err := c.snap.Remote.Scan(c.ctx, texts)
	for i, list := range found {
		for _, each := range list {
			if !better(each, f.localIn(i)) {
				f.findings = append(f.findings, foundAt(i, each, &views[i], texts[i]))
			}
		}
	}
	if skipped > 0 {
		c.remoteGap("remote_detector_bound")
	}
	if err != nil {
		c.rec.Err, c.unjudged = err, err
		c.remoteGap("remote_detector")
	}
}

func foundAt(text int, f detect.Finding, view *jsonspan.Map, of []byte) found {
	return found{text: text, finding: f, view: view, value: string(of[f.Start:f.End]), remote: true}
}

func (c *call) remoteGap(reason string) {
	if c.phase == policy.Response {
		c.cover(reason, "", policy.Partial)
		return
	}
	if c.rec.Coverage.Request == policy.Full {
		c.rec.Coverage.Request = policy.Partial
	}
	c.reason(reason)
}

// better reports whether a local finding, which knows the form of what it found,
// is surer of all that a remote one covers.
func better(f detect.Finding, local []found) bool {
	for i := range local {
		l := &local[i].finding
		if l.Class != detect.Injection && l.Score >= f.Score && l.Start <= f.Start && f.End <= l.End {
			return true
		}
	}
	return false
}

// localIn are the local findings in a text.
func (f *facts) localIn(text int) []found {
	local := f.findings[:f.local]
	byText := func(l found, text int) int { return cmp.Compare(l.text, text) }
	from, _ := slices.BinarySearchFunc(local, text, byText)
	to, _ := slices.BinarySearchFunc(local, text+1, byText)
	return local[from:to]
}

// parts is what is left of a remote finding where local ones that are hidden too
// have taken their share.
func (f *facts) parts(each *found, hidden func(*found) bool) []detect.Finding {
	left := []detect.Finding{each.finding}
	local := f.localIn(each.text)
	for i := range local {
		l := &local[i]
		if l.finding.Class == detect.Injection || !hidden(l) {
			continue
		}
		var next []detect.Finding
		for _, r := range left {
			next = appendPart(next, r, r.Start, min(r.End, l.finding.Start))
			next = appendPart(next, r, max(r.Start, l.finding.End), r.End)
		}
		left = next
	}
	return left
}

func appendPart(dst []detect.Finding, f detect.Finding, start, end int) []detect.Finding {
	if start >= end {
		return dst
	}
	f.Start, f.End = start, end
	return append(dst, f)
}

// remoteRefusal refuses a call that the remote detector had to judge and could
// not.
func (c *call) remoteRefusal() *phase.Verdict {
	if c.unjudged == nil || !c.snap.Settings.RemoteRequired {
		return nil
	}
	v := c.refuse(dialect.ErrorInfo{Status: 503, Code: "detector_unavailable", Message: "this gateway could not have the call looked at in full and is configured to refuse it then"}, nil)
	return &v
}
