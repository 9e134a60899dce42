package review

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Options bound a store.
type Options struct {
	// MaxPending bounds the reviews that wait; a further call is refused with
	// [ErrFull]. At least 1.
	MaxPending int
	// Wait is how long a review waits where the policy does not say, Use how
	// long an approval may be used, Keep how long an ended review is kept.
	Wait, Use, Keep time.Duration

	now func() time.Time
}

// Store keeps reviews on disk. It is safe for concurrent use. Only an ask that
// changes something waits for the disk: a parked call that comes again while it
// is pending does not.
type Store struct {
	db      *bbolt.DB
	options Options
	// mu guards the counters; the database guards itself. They change within a
	// write, of which there is one at a time; where it fails they are counted
	// anew by the next.
	mu      sync.Mutex
	pending int
	tidied  time.Time
}

// Buckets: a review by id, and the id of the latest review of a fingerprint.
var (
	reviews = []byte("reviews")
	latest  = []byte("latest")
)

// openWait bounds the wait for the file's lock, which another process may hold.
const openWait = 2 * time.Second

// tidyEvery is how often expired reviews are looked for, on the way of an ask or
// a list.
const tidyEvery = time.Minute

// Open opens or makes the file at path, for this process alone; its folder must
// exist. A damaged file, or one held by another process, is an error.
func Open(path string, o Options) (*Store, error) {
	if o.now == nil {
		o.now = time.Now
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: openWait})
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reviews: the folder %s does not exist", filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("reviews: %s: %w", path, err)
	}
	s := &Store{db: db, options: o}
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("reviews: %s: %w", path, err), db.Close())
	}
	return s, nil
}

// Close ends the store; later calls fail.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) start() error {
	return s.update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{reviews, latest} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return s.tidy(tx)
	})
}

// Ask says where the call stands: [Approved] means that it may pass, now, and
// never again on this approval (its review is [Used] then). A call that was
// never asked about, or whose review has expired, is parked anew.
func (s *Store) Ask(a Ask) (Review, error) {
	if r, settled, err := s.peek(a.Fingerprint); settled || err != nil {
		return r, err
	}
	var out Review
	err := s.update(func(tx *bbolt.Tx) error {
		var err error
		out, err = s.ask(tx, a)
		return err
	})
	return out, err
}

func (s *Store) update(f func(tx *bbolt.Tx) error) error {
	err := s.db.Update(f)
	if err != nil && !errors.Is(err, ErrFull) && !errors.Is(err, ErrDecided) && !errors.Is(err, ErrNotFound) {
		s.mu.Lock()
		s.tidied = time.Time{}
		s.mu.Unlock()
	}
	return err
}

// peek answers what needs no write: a call that is still pending, or rejected.
func (s *Store) peek(fingerprint string) (r Review, settled bool, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		found, err := find(tx, fingerprint)
		if err != nil || found == nil {
			return err
		}
		r = *found
		return nil
	})
	settled = (r.State == Pending || r.State == Rejected) && s.options.now().Before(r.Expires)
	if err == nil && r.ID == "" {
		err = s.room()
	}
	return r, settled, err
}

// room refuses at the bound before anything is written, so that a flood of new
// calls costs no disk.
func (s *Store) room() error {
	s.mu.Lock()
	full := s.pending >= s.options.MaxPending && s.options.now().Sub(s.tidied) < tidyEvery
	s.mu.Unlock()
	if full {
		return ErrFull
	}
	return nil
}

func (s *Store) ask(tx *bbolt.Tx, a Ask) (Review, error) {
	now := s.options.now()
	if err := s.tidyNow(tx, now); err != nil {
		return Review{}, err
	}
	r, err := find(tx, a.Fingerprint)
	if err != nil {
		return Review{}, err
	}
	switch {
	case r == nil, r.State == Used, r.State == Expired, !now.Before(r.Expires):
		return s.park(tx, a, now)
	case r.State == Approved:
		return s.use(tx, r, a.Subject.CallID, now)
	}
	return *r, nil
}

// park makes a new pending review.
func (s *Store) park(tx *bbolt.Tx, a Ask, now time.Time) (Review, error) {
	s.mu.Lock()
	full := s.pending >= s.options.MaxPending
	s.mu.Unlock()
	if full {
		return Review{}, ErrFull
	}
	wait := a.Wait
	if wait <= 0 {
		wait = s.options.Wait
	}
	if a.Input != nil {
		a.Subject.Input = strings.ToValidUTF8(cut(a.Input(), MaxInput), "")
	}
	r := Review{ID: newID(), State: Pending, Fingerprint: a.Fingerprint, Created: now, Expires: now.Add(wait), Subject: a.Subject}
	if err := tx.Bucket(latest).Put([]byte(a.Fingerprint), []byte(r.ID)); err != nil {
		return Review{}, err
	}
	s.count(+1)
	return r, put(tx, &r)
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

// use spends an approval: the caller sees it as [Approved], the store as Used.
func (s *Store) use(tx *bbolt.Tx, r *Review, callID string, now time.Time) (Review, error) {
	passed := *r
	r.State, r.UsedBy, r.Expires = Used, callID, now.Add(s.options.Keep)
	return passed, put(tx, r)
}

// Decide approves or rejects a pending review, in the name of by, for a reason
// that may be empty. It fails with [ErrNotFound], or with [ErrDecided] and the
// review as it stands.
func (s *Store) Decide(id string, approve bool, by, reason string) (Review, error) {
	var out Review
	err := s.update(func(tx *bbolt.Tx) error {
		r, err := get(tx, []byte(id))
		if err != nil {
			return err
		}
		now := s.options.now()
		out = r.at(now)
		if out.State != Pending {
			return ErrDecided
		}
		out.State, out.Expires = Rejected, now.Add(s.options.Keep)
		if approve {
			out.State, out.Expires = Approved, now.Add(s.options.Use)
		}
		out.Decided, out.By, out.Reason = now, by, reason
		s.count(-1)
		return put(tx, &out)
	})
	return out, err
}

// Get is one review as it stands now.
func (s *Store) Get(id string) (Review, error) {
	var out Review
	err := s.db.View(func(tx *bbolt.Tx) error {
		r, err := get(tx, []byte(id))
		if err == nil {
			out = r.at(s.options.now())
		}
		return err
	})
	return out, err
}

// List is the reviews in state, all for "", the newest first, at most limit.
func (s *Store) List(state State, limit int) ([]Review, error) {
	out := []Review{}
	now := s.options.now()
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(reviews).ForEach(func(_, value []byte) error {
			var r Review
			if err := json.Unmarshal(value, &r); err != nil {
				return err
			}
			if r = r.at(now); state == "" || r.State == state {
				out = append(out, r)
			}
			return nil
		})
	})
	sort.Slice(out, func(i, j int) bool { return out[i].Created.After(out[j].Created) })
	return out[:min(limit, len(out))], err
}

// Pending is how many reviews wait, those that expired since the last look
// included.
func (s *Store) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending
}

func (s *Store) count(by int) {
	s.mu.Lock()
	s.pending += by
	s.mu.Unlock()
}

// at is r as it stands at now: what is over its time has expired.
func (r Review) at(now time.Time) Review {
	if (r.State == Pending || r.State == Approved) && !now.Before(r.Expires) {
		r.State = Expired
	}
	return r
}

// tidyNow tidies where the last time is long enough ago.
func (s *Store) tidyNow(tx *bbolt.Tx, now time.Time) error {
	s.mu.Lock()
	due := now.Sub(s.tidied) >= tidyEvery
	s.mu.Unlock()
	if !due {
		return nil
	}
	return s.tidy(tx)
}

// tidy marks what has expired, forgets what was kept long enough, and counts
// what is pending.
func (s *Store) tidy(tx *bbolt.Tx) error {
	now, pending := s.options.now(), 0
	var gone, lapsed []Review
	err := tx.Bucket(reviews).ForEach(func(_, value []byte) error {
		var r Review
		if err := json.Unmarshal(value, &r); err != nil {
			return err
		}
		switch stands := r.at(now); {
		case stands.State == Pending:
			pending++
		case stands.State == Expired && r.State != Expired:
			stands.Expires = now.Add(s.options.Keep)
			lapsed = append(lapsed, stands)
		case stands.State != Approved && !now.Before(r.Expires):
			gone = append(gone, r)
		}
		return nil
	})
	for i := range lapsed {
		err = errors.Join(err, put(tx, &lapsed[i]))
	}
	for i := range gone {
		err = errors.Join(err, forget(tx, &gone[i]))
	}
	s.mu.Lock()
	s.pending, s.tidied = pending, now
	s.mu.Unlock()
	return err
}

func forget(tx *bbolt.Tx, r *Review) error {
	if string(tx.Bucket(latest).Get([]byte(r.Fingerprint))) == r.ID {
		if err := tx.Bucket(latest).Delete([]byte(r.Fingerprint)); err != nil {
			return err
		}
	}
	return tx.Bucket(reviews).Delete([]byte(r.ID))
}

// find is the latest review of a fingerprint, nil where there is none.
func find(tx *bbolt.Tx, fingerprint string) (*Review, error) {
	id := tx.Bucket(latest).Get([]byte(fingerprint))
	if id == nil {
		return nil, nil
	}
	return get(tx, id)
}

func get(tx *bbolt.Tx, id []byte) (*Review, error) {
	value := tx.Bucket(reviews).Get(id)
	if value == nil {
		return nil, ErrNotFound
	}
	r := &Review{}
	return r, json.Unmarshal(value, r)
}

func put(tx *bbolt.Tx, r *Review) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Bucket(reviews).Put([]byte(r.ID), value)
}

// newID is a review's id: 10 random bytes in hex, short enough to be read out.
func newID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
