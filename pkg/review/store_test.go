package review

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func options(c *clock) Options {
	return Options{MaxPending: 3, Wait: time.Hour, Use: 10 * time.Minute, Keep: 24 * time.Hour, now: c.now}
}

func open(t *testing.T, path string, c *clock) *Store {
	t.Helper()
	s, err := Open(path, options(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func fresh(t *testing.T) (*Store, *clock) {
	c := &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	return open(t, filepath.Join(t.TempDir(), "reviews.db"), c), c
}

func ask(t *testing.T, s *Store, what string) Review {
	t.Helper()
	r, err := s.Ask(Ask{Fingerprint: Fingerprint([]byte(what)), Subject: Subject{CallID: "call-" + what, Codes: []string{"spend"}}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestApprovedPassesOnce(t *testing.T) {
	s, _ := fresh(t)
	first := ask(t, s, "a")
	if first.State != Pending || ask(t, s, "a").ID != first.ID {
		t.Fatalf("a parked call that comes again has another review: %+v", first)
	}
	if _, err := s.Decide(first.ID, true, "ann", "fine"); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, "b"); got.State != Pending {
		t.Errorf("another call is %s", got.State)
	}
	if got := ask(t, s, "a"); got.State != Approved || got.ID != first.ID || got.By != "ann" {
		t.Errorf("the approved call is %+v", got)
	}
	if got, _ := s.Get(first.ID); got.State != Used || got.UsedBy != "call-a" {
		t.Errorf("its review is %+v", got)
	}
	if again := ask(t, s, "a"); again.State != Pending || again.ID == first.ID {
		t.Errorf("the second time it is %+v", again)
	}
}

func TestRejectedStaysRejectedUntilForgotten(t *testing.T) {
	s, c := fresh(t)
	r := ask(t, s, "a")
	if _, err := s.Decide(r.ID, false, "bob", "no"); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, "a"); got.State != Rejected || got.Reason != "no" {
		t.Errorf("got %+v", got)
	}
	if again, err := s.Decide(r.ID, true, "eve", ""); !errors.Is(err, ErrDecided) || again.State != Rejected {
		t.Errorf("a rejected review could be decided again: %v, %+v", err, again)
	}
	c.move(25 * time.Hour)
	if got := ask(t, s, "a"); got.State != Pending || got.ID == r.ID {
		t.Errorf("after its time: %+v", got)
	}
}

func TestTimeRunsOut(t *testing.T) {
	s, c := fresh(t)
	waits, lapses := ask(t, s, "waits"), ask(t, s, "lapses")
	if _, err := s.Decide(lapses.ID, true, "ann", ""); err != nil {
		t.Fatal(err)
	}
	c.move(11 * time.Minute)
	if got := ask(t, s, "lapses"); got.State != Pending || got.ID == lapses.ID {
		t.Errorf("an approval out of time: %+v", got)
	}
	c.move(time.Hour)
	if got, _ := s.Get(waits.ID); got.State != Expired {
		t.Errorf("a review nobody decided is %s", got.State)
	}
	if _, err := s.Decide(waits.ID, true, "ann", ""); !errors.Is(err, ErrDecided) {
		t.Errorf("an expired review was approved: %v", err)
	}
	c.move(48 * time.Hour)
	ask(t, s, "tidies")
	c.move(48 * time.Hour)
	ask(t, s, "forgets")
	if list, _ := s.List("", 100); len(list) > 3 {
		t.Errorf("%d reviews are kept for ever", len(list))
	}
}

func TestFull(t *testing.T) {
	s, c := fresh(t)
	for i := range 3 {
		ask(t, s, fmt.Sprint(i))
	}
	_, err := s.Ask(Ask{Fingerprint: "one more"})
	if !errors.Is(err, ErrFull) {
		t.Fatalf("over the bound: %v", err)
	}
	if got := ask(t, s, "1"); got.State != Pending {
		t.Errorf("a call parked before is %s at the bound", got.State)
	}
	c.move(2 * time.Hour) // the three expire
	if got := ask(t, s, "new"); got.State != Pending || s.Pending() != 1 {
		t.Errorf("%s, %d pending, after the others expired", got.State, s.Pending())
	}
}

func TestSurvivesARestart(t *testing.T) {
	c := &clock{at: time.Now()}
	path := filepath.Join(t.TempDir(), "reviews.db")
	s := open(t, path, c)
	r := ask(t, s, "a")
	if _, err := s.Decide(r.ID, true, "ann", ""); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path, c)
	if again.Pending() != 1 {
		t.Errorf("%d pending after the restart, want 1", again.Pending())
	}
	if got := ask(t, again, "a"); got.State != Approved {
		t.Errorf("the approval did not survive: %+v", got)
	}
}

// TestOneApprovalOneCall has many callers race for one approval.
func TestOneApprovalOneCall(t *testing.T) {
	s, _ := fresh(t)
	r := ask(t, s, "a")
	if _, err := s.Decide(r.ID, true, "ann", ""); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var racers sync.WaitGroup
	passed := 0
	for range 16 {
		racers.Go(func() {
			got, err := s.Ask(Ask{Fingerprint: Fingerprint([]byte("a"))})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if got.State == Approved {
				passed++
			}
		})
	}
	racers.Wait()
	if passed != 1 {
		t.Errorf("%d calls passed on one approval", passed)
	}
}

func TestOpenErrors(t *testing.T) {
	c := &clock{at: time.Now()}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "reviews.db"), options(c)); err == nil {
		t.Error("a missing folder is no error")
	}
	damaged := filepath.Join(t.TempDir(), "reviews.db")
	if err := os.WriteFile(damaged, []byte("this is no database, however long it is made to be"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(damaged, options(c)); err == nil {
		t.Error("a damaged file is no error")
	}
}

func TestFingerprintTellsPartsApart(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}, {}} {
		f := Fingerprint([]byte("body"), parts...)
		if other, there := seen[f]; there {
			t.Errorf("%q and %q look alike", parts, other)
		}
		seen[f] = parts
	}
}
