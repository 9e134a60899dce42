package integration

import (
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/integration/harness"
)

const reviewPolicy = `package regent.request

review contains {"code": "plan", "message": "plans are looked at", "status": 409} if input.llm.model == "sim-large"
`

// TestReview parks a call, approves it with the command, kills Regent between,
// and has the same call pass once.
func TestReview(t *testing.T) {
	s := start(t, harness.Options{
		Policies: map[string]string{"request.rego": reviewPolicy},
		Config: func(c map[string]any) {
			c["review"] = map[string]any{"path": "reviews.db"}
		},
	})
	body := prompt("sim-large", "the plan")
	parked := call(t, s.URL+chatPath, body)
	id := parked.Header.Get("x-regent-review-id")
	if parked.StatusCode != http.StatusConflict || id == "" || !strings.Contains(parked.body, "plans are looked at") {
		t.Fatalf("%d %v %s", parked.StatusCode, parked.Header, parked.body)
	}
	if entry := awaitLog(t, s, "review_id", id); entry["decision"] != "review" {
		t.Errorf("access log: %v", entry)
	}
	s.Regent.Kill()
	if err := s.StartRegent(context.Background()); err != nil {
		t.Fatal(err)
	}
	var waiting []struct{ ID, State string }
	if err := json.Unmarshal(reviewCommand(t, s, "list", "--json"), &waiting); err != nil || len(waiting) != 1 || waiting[0].ID != id {
		t.Fatalf("%v: after the restart %+v wait", err, waiting)
	}
	if said := string(reviewCommand(t, s, "approve", id, "--by", "ann")); !strings.Contains(said, id+" is approved") {
		t.Errorf("the command says %q", said)
	}
	eventually(t, "the approved call passes", func() bool { return call(t, s.URL+chatPath, body).StatusCode == http.StatusOK })
	if again := call(t, s.URL+chatPath, body); again.StatusCode != http.StatusConflict {
		t.Errorf("on one approval the call passed twice: %d %s", again.StatusCode, again.body)
	}
}

func reviewCommand(t *testing.T, s *harness.Stack, args ...string) []byte {
	t.Helper()
	args = append([]string{"review"}, append(args, "--admin", "unix:"+filepath.Join(s.Dir, "a.sock"))...)
	out, err := exec.Command(regent, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("regent %v: %v\n%s", args, err, out)
	}
	return out
}
