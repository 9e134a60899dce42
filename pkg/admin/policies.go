package admin

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/regent-proxy/regent/pkg/policy/rollout"
)

// PolicyRollout is the rollout of policies, as the admin API needs it.
type PolicyRollout interface {
	Status() rollout.Status
	Promote(revision, by string) error
	Rollback(revision, by string) error
}

// Policies are the routes of the rollout API, for [Options.Routes]:
//
//	GET  /policy            how things stand, as JSON (rollout.Status)
//	POST /policy/promote    {"revision": "...", "by": "..."}, both optional
//	POST /policy/rollback   the same
//
// Both answer with how things stand then. Where revision is not the one in
// question any more, or there is nothing to promote or roll back, they answer
// 409 and nothing happens. Each action is logged with who wanted it.
func Policies(r PolicyRollout, log *slog.Logger) map[string]http.Handler {
	h := policyHandler{r, log}
	return map[string]http.Handler{
		"GET /policy":           http.HandlerFunc(h.status),
		"POST /policy/promote":  h.move("promote", r.Promote),
		"POST /policy/rollback": h.move("rollback", r.Rollback),
	}
}

type policyHandler struct {
	rollout PolicyRollout
	log     *slog.Logger
}

func (h policyHandler) status(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.rollout.Status())
}

func (h policyHandler) move(verb string, do func(revision, by string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Revision string `json:"revision"`
			By       string `json:"by"`
		}
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
			problem(w, http.StatusBadRequest, `the body is not {"revision": "...", "by": "..."}: `+err.Error())
			return
		}
		by := signed(in.By, ActorOf(r.Context()))
		if len(by) > reviewText || len(in.Revision) > reviewText {
			problem(w, http.StatusBadRequest, "by and revision are at most 1 KiB")
			return
		}
		err := do(in.Revision, by)
		h.log.Info("policy "+verb+" by an operator", "revision", in.Revision, "by", by, "remote", r.RemoteAddr, "error", err)
		switch {
		case errors.Is(err, rollout.ErrNothing), errors.Is(err, rollout.ErrRevision):
			problem(w, http.StatusConflict, err.Error())
		case err != nil:
			problem(w, http.StatusInternalServerError, err.Error())
		default:
			h.status(w, r)
		}
	})
}
