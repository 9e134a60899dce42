package admin

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regent-proxy/regent/pkg/review"
)

func TestReviews(t *testing.T) {
	store, err := review.Open(filepath.Join(t.TempDir(), "reviews.db"), review.Options{MaxPending: 10, Wait: time.Hour, Use: time.Hour, Keep: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := store.Ask(review.Ask{Fingerprint: "f", Subject: review.Subject{CallID: "c1", Codes: []string{"mail"}}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for pattern, handler := range Reviews(store, slog.New(slog.DiscardHandler)) {
		mux.Handle(pattern, handler)
	}
	for _, step := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/reviews?state=pending", "", 200, r.ID},
		{"GET", "/reviews?state=waiting", "", 400, "none of"},
		{"GET", "/reviews/nope", "", 404, "no such review"},
		{"POST", "/reviews/" + r.ID + "/approve", `{"reason":"x"}`, 400, "by is required"},
		{"POST", "/reviews/" + r.ID + "/approve", `{"by":"ann","why":"x"}`, 400, "why"},
		{"POST", "/reviews/" + r.ID + "/approve", `{"by":"` + strings.Repeat("a", 2000) + `"}`, 400, "1 KiB"},
		{"POST", "/reviews/nope/reject", `{"by":"ann"}`, 404, "no such review"},
		{"POST", "/reviews/" + r.ID + "/approve", `{"by":"ann","reason":"fine"}`, 200, `"approved"`},
		{"POST", "/reviews/" + r.ID + "/reject", `{"by":"bob"}`, 409, "it is approved"},
		{"GET", "/reviews/" + r.ID, "", 200, `"by": "ann"`},
		{"GET", "/reviews?state=pending", "", 200, `"reviews": []`},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(step.method, step.path, strings.NewReader(step.body)))
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.says) {
			t.Errorf("%s %s: %d %s", step.method, step.path, w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: no JSON: %s", step.method, step.path, w.Body)
		}
	}
}
