package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/regent-proxy/regent/pkg/review"
)

// maxReviews bounds one list of reviews.
const maxReviews = 1000

// reviewText bounds the name and the reason of a decision, in bytes.
const reviewText = 1 << 10

// Reviewing is the store of reviews, as the admin API needs it.
type Reviewing interface {
	List(state review.State, limit int) ([]review.Review, error)
	Get(id string) (review.Review, error)
	Decide(id string, approve bool, by, reason string) (review.Review, error)
}

// Reviews are the routes of the review API, for [Options.Routes]:
//
//	GET  /reviews?state=pending   the newest 1,000, as JSON {"reviews": [...]}
//	GET  /reviews/{id}            one
//	POST /reviews/{id}/approve    {"by": "...", "reason": "..."}; by is
//	                              required where the admin port does not know who asks
//	POST /reviews/{id}/reject     the same
//
// A review that is not pending any more answers 409 with the review. Each
// decision is logged with who made it.
func Reviews(store Reviewing, log *slog.Logger) map[string]http.Handler {
	h := reviewHandler{store, log}
	return map[string]http.Handler{
		"GET /reviews":               http.HandlerFunc(h.list),
		"GET /reviews/{id}":          http.HandlerFunc(h.get),
		"POST /reviews/{id}/approve": h.decide(true),
		"POST /reviews/{id}/reject":  h.decide(false),
	}
}

type reviewHandler struct {
	store Reviewing
	log   *slog.Logger
}

func (h reviewHandler) list(w http.ResponseWriter, r *http.Request) {
	state := review.State(r.URL.Query().Get("state"))
	if state != "" && !slices.Contains(review.States, state) {
		problem(w, http.StatusBadRequest, "state is none of pending, approved, rejected, used, expired")
		return
	}
	list, err := h.store.List(state, maxReviews)
	if err != nil {
		problem(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"reviews": list})
}

func (h reviewHandler) get(w http.ResponseWriter, r *http.Request) {
	found, err := h.store.Get(r.PathValue("id"))
	h.answer(w, found, err)
}

func (h reviewHandler) decide(approve bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			By     string `json:"by"`
			Reason string `json:"reason"`
		}
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			problem(w, http.StatusBadRequest, `the body is not {"by": "...", "reason": "..."}: `+err.Error())
			return
		}
		by := signed(in.By, ActorOf(r.Context()))
		if by == "" || len(by) > reviewText || len(in.Reason) > reviewText {
			problem(w, http.StatusBadRequest, "by is required; by and reason are at most 1 KiB")
			return
		}
		decided, err := h.store.Decide(r.PathValue("id"), approve, by, in.Reason)
		if err == nil {
			h.log.Info("review decided", "review", decided.ID, "state", string(decided.State), "by", by, "call_id", decided.Subject.CallID, "remote", r.RemoteAddr)
		}
		h.answer(w, decided, err)
	})
}

// signed is who decides: the name they give, and the one the admin port knows
// them by, where it does.
func signed(by string, actor Actor) string {
	switch {
	case actor.Name == "" || actor.Name == "local" || actor.Name == by:
		return by
	case by == "":
		return actor.Name
	}
	return by + " (" + actor.Name + ")"
}

func (h reviewHandler) answer(w http.ResponseWriter, r review.Review, err error) {
	switch {
	case errors.Is(err, review.ErrNotFound):
		problem(w, http.StatusNotFound, err.Error())
	case errors.Is(err, review.ErrDecided):
		writeJSON(w, http.StatusConflict, map[string]any{"error": err.Error() + ": it is " + string(r.State), "review": r})
	case err != nil:
		problem(w, http.StatusInternalServerError, err.Error())
	default:
		writeJSON(w, http.StatusOK, r)
	}
}

func problem(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}
