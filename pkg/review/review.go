// Package review parks calls that a policy wants a human to see, until one
// approves or rejects them.
//
// Most callers want [Open] and [Store.Ask]. A call is known again by its
// [Ask.Fingerprint]: who calls, what they call, and the bytes of the body. The
// first time it is parked; once approved, the same call passes exactly once.
// Reviews live in one bbolt file and survive a restart; replicas do not share
// them.
package review

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
	"time"
)

// State is where a review stands.
type State string

// States. Pending and Approved end in Expired where nobody acts in time.
const (
	Pending  State = "pending"
	Approved State = "approved"
	Rejected State = "rejected"
	// Used: the approved call came again and passed.
	Used    State = "used"
	Expired State = "expired"
)

// States are all of them, as a list of reviews may be asked for.
var States = []State{Pending, Approved, Rejected, Used, Expired}

// Errors of a store.
var (
	// ErrFull: as many reviews are pending as the store holds.
	ErrFull = errors.New("as many reviews are pending as may be: decide some")
	// ErrNotFound: no review has that id, or no longer.
	ErrNotFound = errors.New("there is no such review")
	// ErrDecided: the review is not pending any more.
	ErrDecided = errors.New("the review is not pending")
)

// Subject is what a reviewer is told of a call. It holds no text of the call
// but Messages.
type Subject struct {
	CallID    string `json:"call_id"`
	TraceID   string `json:"trace_id,omitempty"`
	Caller    string `json:"caller,omitempty"` // identity.subject
	Tenant    string `json:"tenant,omitempty"`
	Team      string `json:"team,omitempty"`
	App       string `json:"app,omitempty"`
	Host      string `json:"host,omitempty"`
	Path      string `json:"path,omitempty"`
	Dialect   string `json:"dialect,omitempty"`
	Operation string `json:"operation,omitempty"`
	Provider  string `json:"provider,omitempty"`
	Model     string `json:"model,omitempty"`
	// InputTokens is the estimate before the call, CostUSD that of its cost
	// where a price is known.
	InputTokens int64    `json:"input_tokens,omitempty"`
	CostUSD     float64  `json:"cost_usd,omitempty"`
	Findings    []string `json:"findings,omitempty"` // "EMAIL ×2", never a value
	Codes       []string `json:"codes"`              // of the decision's reviews
	Messages    []string `json:"messages,omitempty"` // what the policy says of it
	Revision    string   `json:"policy_revision,omitempty"`
	// Input is the call's messages as JSON, redacted as they would leave, where
	// the configuration keeps them; cut at [MaxInput] bytes.
	Input string `json:"input,omitempty"`
}

// MaxInput bounds Subject.Input, in bytes.
const MaxInput = 16 << 10

// Review is one call waiting for, or given, a human's decision.
type Review struct {
	ID          string    `json:"id"`
	State       State     `json:"state"`
	Fingerprint string    `json:"fingerprint"`
	Created     time.Time `json:"created"`
	// Expires is when a pending review lapses, an approved one may no longer be
	// used, or an ended one is forgotten.
	Expires time.Time `json:"expires"`
	Decided time.Time `json:"decided,omitzero"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	UsedBy  string    `json:"used_by,omitempty"` // the call id that passed
	Subject Subject   `json:"subject"`
}

// Ask is a call that a policy wants reviewed.
type Ask struct {
	Fingerprint string
	// Wait is how long it may stay pending; zero is the store's own.
	Wait    time.Duration
	Subject Subject
	// Input gives Subject.Input where the call is parked; nil is none.
	Input func() string
}

// Fingerprint knows a call again: parts (caller, API, review codes) and body
// enter by length and content, so that no two lists of parts look alike. SHA-256,
// hex.
func Fingerprint(body []byte, parts ...string) string {
	h := sha256.New()
	add(h, strconv.Itoa(len(parts)))
	for _, part := range parts {
		add(h, part)
	}
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

func add(h hash.Hash, s string) {
	h.Write(strconv.AppendInt(nil, int64(len(s)), 10))
	h.Write([]byte{':'})
	h.Write([]byte(s))
}
