package call

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/call/phase"
	"github.com/regent-proxy/regent/pkg/policy"
	"github.com/regent-proxy/regent/pkg/review"
)

const reviewedRequest = `{"model":"gpt-4o","messages":[{"role":"user","content":"mail ann@example.com the plan"}]}`

func wantsReview(*policy.Input) (*policy.Decision, error) {
	return &policy.Decision{
		Review: []policy.Review{{Code: "mail", Message: "a human looks at mails", Status: 409}},
		Redact: []policy.Redact{{Class: "pii", With: "label"}},
	}, nil
}

func withReviews(t *testing.T, max int) (*bench, *review.Store) {
	t.Helper()
	b := newBench(t, rules{request: wantsReview})
	store, err := review.Open(filepath.Join(t.TempDir(), "reviews.db"), review.Options{MaxPending: max, Wait: time.Hour, Use: time.Hour, Keep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	b.snap.Reviews = store
	return b, store
}

// send drives one request and ends the call.
func (b *bench) send(body string, extra ...phase.Header) phase.Verdict {
	c, _ := b.svc.Open(context.Background(), requestHead(extra...))
	v := c.RequestBody([]byte(body))
	c.Close(true, nil)
	return v
}

func TestReviewParksUntilApproved(t *testing.T) {
	b, store := withReviews(t, 10)
	v := b.send(reviewedRequest)
	if v.Reply == nil || v.Reply.Status != 409 || !strings.Contains(string(v.Reply.Body), "review_required") {
		t.Fatalf("the call was not parked: %+v", v)
	}
	waiting, err := store.List(review.Pending, 10)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%d reviews wait, %v", len(waiting), err)
	}
	id := waiting[0].ID
	if got := replyHeader(v.Reply.Headers, "x-regent-review-id"); got != id {
		t.Errorf("the client was told of review %q, want %q", got, id)
	}
	if r := b.rec.records[0]; r.Decision != "review" || r.ReviewID != id || len(r.Denies) != 1 || r.Denies[0].Code != "mail" || len(r.Redactions) != 0 {
		t.Errorf("recorded %+v", r)
	}
	if _, err := store.Decide(id, true, "ann", ""); err != nil {
		t.Fatal(err)
	}
	if v = b.send(strings.Replace(reviewedRequest, "plan", "plot", 1)); v.Reply == nil {
		t.Error("another call passed on the approval")
	}
	if v = b.send(reviewedRequest); v.Reply != nil || !strings.Contains(string(v.NewBody), "[EMAIL]") {
		t.Errorf("the approved call did not pass redacted: %+v", v)
	}
	if r := b.rec.records[2]; r.Decision != "redact" || r.ReviewID != id {
		t.Errorf("the approved call is recorded as %q, review %q", r.Decision, r.ReviewID)
	}
	if v = b.send(reviewedRequest); v.Reply == nil {
		t.Error("one approval let the call pass twice")
	}
}

func replyHeader(list []phase.Header, name string) string {
	for _, h := range list {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

func TestRejectedReview(t *testing.T) {
	b, store := withReviews(t, 10)
	b.send(reviewedRequest)
	waiting, _ := store.List(review.Pending, 10)
	if _, err := store.Decide(waiting[0].ID, false, "bob", "not by mail"); err != nil {
		t.Fatal(err)
	}
	v := b.send(reviewedRequest)
	if v.Reply == nil || v.Reply.Status != 403 || !strings.Contains(string(v.Reply.Body), "not by mail") {
		t.Errorf("a rejected call got %+v", v)
	}
}

// What nobody can be asked about never passes.
func TestReviewUnavailable(t *testing.T) {
	none := newBench(t, rules{request: wantsReview})
	none.snap.Settings.FailOpen = true
	full, _ := withReviews(t, 1)
	full.send(strings.Replace(reviewedRequest, "plan", "other", 1))
	closed, store := withReviews(t, 10)
	_ = store.Close()
	for name, b := range map[string]*bench{"no store": none, "full": full, "broken": closed} {
		v := b.send(reviewedRequest)
		if v.Reply == nil || v.Reply.Status != 503 || !strings.Contains(string(v.Reply.Body), "review_unavailable") {
			t.Errorf("%s: got %+v", name, v)
		}
	}
}

func TestReviewContentIsRedacted(t *testing.T) {
	b, store := withReviews(t, 10)
	b.snap.Settings.ReviewContent = true
	b.send(reviewedRequest)
	waiting, _ := store.List(review.Pending, 10)
	input := waiting[0].Subject.Input
	if !strings.Contains(input, "the plan") || !strings.Contains(input, "[EMAIL]") || strings.Contains(input, "ann@") {
		t.Errorf("the reviewer sees %s", input)
	}
	b.snap.Settings.ReviewContent = false
	b.send(strings.Replace(reviewedRequest, "plan", "plot", 1))
	waiting, _ = store.List(review.Pending, 10)
	if waiting[0].Subject.Input != "" {
		t.Errorf("the reviewer sees %s unasked", waiting[0].Subject.Input)
	}
}
