package rollout

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
)

// Key is what is known of a caller when its call's set is chosen.
type Key struct{ Subject, Tenant, Team, Call string }

// Salt spreads the keys. It never changes: who is in a share of 5% is in one of
// 10%, on every replica, and in the next rollout. A policy computes the same by
// regent.bucket(key, "policy.rollout").
const Salt = "policy.rollout"

// word is what makes the share stable by the option: the call's own id, which
// is a new draw each time, where the wanted word is unknown.
func (k *Key) word(by string) string {
	word := ""
	switch by {
	case "subject":
		word = k.Subject
	case "tenant":
		word = k.Tenant
	case "team":
		word = k.Team
	}
	if word == "" {
		return k.Call
	}
	return word
}

// inShare reports whether a call is the canary's.
func (o *Options) inShare(k *Key) bool {
	if len(o.Tenants) > 0 && !slices.Contains(o.Tenants, k.Tenant) {
		return false
	}
	return bucket(k.word(o.Key)) < o.Share
}

// bucket is where a word falls, from 0 to just under 1: regent.bucket's way.
func bucket(word string) float64 {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(Salt)) + ":" + Salt + word))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}
