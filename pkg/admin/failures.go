package admin

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds of wrong tokens: an address may be wrong failureBurst times at once and
// once more every failureEvery; maxAddresses are remembered.
const (
	failureBurst = 20
	failureEvery = 3 * time.Second
	maxAddresses = 1024
)

// failures counts wrong tokens by address. Tokens are too long to be guessed at
// any speed; the bound keeps guessing from being cheap and shows in a metric.
// Safe for concurrent use.
type failures struct {
	now func() time.Time
	mu  sync.Mutex
	// when is the time at which an address would have used up nothing: each
	// failure moves it failureEvery ahead (a leaky bucket kept as one time).
	when map[netip.Prefix]time.Time
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, when: map[netip.Prefix]time.Time{}}
}

// may reports whether an address's next token is looked at.
func (f *failures) may(from netip.Prefix) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.when[f.key(from)].Sub(f.now()) < failureBurst*failureEvery
}

// add notes a wrong token.
func (f *failures) add(from netip.Prefix) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if len(f.when) >= maxAddresses {
		f.forget(now)
	}
	key := f.key(from)
	at := f.when[key]
	if at.Before(now) {
		at = now
	}
	f.when[key] = at.Add(failureEvery)
}

// rest stands for the addresses that find no room. It is no prefix of a remote
// address.
var rest = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

func (f *failures) key(from netip.Prefix) netip.Prefix {
	if _, known := f.when[from]; !known && len(f.when) >= maxAddresses {
		return rest
	}
	return from
}

// forget drops the addresses whose failures are long ago.
func (f *failures) forget(now time.Time) {
	for key, at := range f.when {
		if at.Before(now) {
			delete(f.when, key)
		}
	}
}
