package redact

import (
	"bytes"
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	r, err := New(bytes.Repeat([]byte("k"), 16))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ verb, value, want string }{
		{Label, "a@b.example", "[X]"},
		{"", "a@b.example", "[X]"},
		{"nonsense", "a@b.example", "[X]"},
		{Drop, "a@b.example", ""},
		{Mask, "4111 1111 1111 1234", "**** **** **** 1234"},
		{Mask, "1234", "****"},
		{Mask, "12345678901", "***********"},
		{Mask, "", ""},
		{Mask, "é-é", "*-*"},
		{Mask, "\xff\xfe", "\ufffd\ufffd"},
	} {
		if got := r.Replace(c.verb, "X", c.value, Scope{}); got != c.want {
			t.Errorf("%s of %q is %q, want %q", c.verb, c.value, got, c.want)
		}
	}
}

// The same value hashes alike, another value, tenant or key does not, and the
// value is not in the hash.
func TestHash(t *testing.T) {
	one, _ := New(bytes.Repeat([]byte("k"), 16))
	two, _ := New(bytes.Repeat([]byte("l"), 16))
	a := one.Replace(Hash, "EMAIL", "a@b.example", Scope{Tenant: "t"})
	if !strings.HasPrefix(a, "[EMAIL:") || strings.Contains(a, "example") {
		t.Errorf("hash %q", a)
	}
	if a != one.Replace(Hash, "EMAIL", "a@b.example", Scope{Tenant: "t"}) {
		t.Error("the same value hashes otherwise")
	}
	for name, other := range map[string]string{
		"value":  one.Replace(Hash, "EMAIL", "b@b.example", Scope{Tenant: "t"}),
		"tenant": one.Replace(Hash, "EMAIL", "a@b.example", Scope{Tenant: "u"}),
		"key":    two.Replace(Hash, "EMAIL", "a@b.example", Scope{Tenant: "t"}),
	} {
		if other == a {
			t.Errorf("another %s hashes alike", name)
		}
	}
}

func TestShortKeyIsRefused(t *testing.T) {
	if _, err := New([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}
