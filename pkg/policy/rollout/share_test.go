package rollout

import (
	"math"
	"strconv"
	"testing"
)

// The share is what was asked for, the same key is always on the same side, and
// who is in a small share is in each larger one.
func TestShare(t *testing.T) {
	const keys = 10_000
	within := make([]bool, keys)
	for _, share := range []float64{0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.9, 1} {
		o := Options{Share: share, Key: "subject"}
		n := 0
		for i := range keys {
			k := Key{Subject: "user-" + strconv.Itoa(i), Call: strconv.Itoa(i * 7)}
			in := o.inShare(&k)
			k.Call = "another"
			if o.inShare(&k) != in {
				t.Fatalf("%s is on both sides", k.Subject)
			}
			if within[i] && !in {
				t.Fatalf("%s left as the share grew to %v", k.Subject, share)
			}
			if within[i] = in; in {
				n++
			}
		}
		if off := math.Abs(float64(n) - share*keys); off > 4*math.Sqrt(keys*share*(1-share)) {
			t.Errorf("a share of %v has %d of %d", share, n, keys)
		}
	}
}

func TestShareByKey(t *testing.T) {
	key := func(subject, tenant, team, call string) *Key { return &Key{subject, tenant, team, call} }
	o := Options{Share: 0.5, Key: "tenant"}
	side := o.inShare(key("a", "acme", "x", "1"))
	for i := range 100 {
		if o.inShare(key(strconv.Itoa(i), "acme", "y", strconv.Itoa(i))) != side {
			t.Fatal("a tenant is on both sides")
		}
	}
	// Nobody known: each call is a draw of its own.
	n := 0
	for i := range 1000 {
		if o.inShare(key("", "", "", strconv.Itoa(i))) {
			n++
		}
	}
	if n < 430 || n > 570 {
		t.Errorf("%d of 1000 unknown callers", n)
	}
	o = Options{Share: 1, Key: "call", Tenants: []string{"acme", "globex"}}
	for tenant, want := range map[string]bool{"acme": true, "globex": true, "initech": false, "": false} {
		if o.inShare(key("a", tenant, "", "1")) != want {
			t.Errorf("tenant %q: %v", tenant, !want)
		}
	}
}
