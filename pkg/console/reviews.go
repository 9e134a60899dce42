package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regent-proxy/regent/pkg/review"
)

// Reviews is the store of reviews, as the console needs it.
type Reviews interface {
	// List is the reviews in a state, all for "", the newest first.
	List(state review.State, limit int) ([]review.Review, error)
}

// maxReviews bounds each list of the page.
const maxReviews = 100

// reviewsView is the calls that wait for a human, and how others ended.
type reviewsView struct {
	Problem        string
	Pending, Ended []review.Review
}

func (c *Console) reviews(w http.ResponseWriter, r *http.Request) {
	v := &reviewsView{}
	all, err := c.options.Reviews.List("", 10*maxReviews)
	if err != nil {
		v.Problem = err.Error()
	}
	for _, each := range all {
		each.Subject.Input = "" // content is not for viewers of the console
		each.Subject.Messages = first(each.Subject.Messages)
		list := &v.Ended
		if each.State == review.Pending {
			list = &v.Pending
		}
		if len(*list) < maxReviews {
			*list = append(*list, each)
		}
	}
	f := c.frame(r, "reviews", "Reviews", v)
	f.Live = true
	c.render(w, http.StatusOK, f)
}

// asker is who sent a call that was parked.
func asker(s review.Subject) string {
	names := slices.DeleteFunc([]string{s.Tenant, s.Team, cmp.Or(s.Caller, s.App)}, func(name string) bool { return name == "" })
	return cmp.Or(strings.Join(names, " / "), "–")
}

// left is the time from now until then.
func left(now, until time.Time) string {
	return elapsed(max(until.Sub(now), 0).Round(time.Second))
}
