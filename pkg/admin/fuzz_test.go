package admin

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// Whatever a link to the sign-in page says, a browser that follows the redirect
// stays here.
func FuzzLocalPath(f *testing.F) {
	for _, next := range []string{"/", "/console/calls?team=a", "//evil.example", `/\evil.example`, "https://evil.example/", "/\t/evil.example", "/%2f/evil.example", "/./\x00", "/a//b", "?x", "/#//x"} {
		f.Add(next)
	}
	base, _ := url.Parse("http://127.0.0.1:9902/signin")
	f.Fuzz(func(t *testing.T, next string) {
		to, err := base.Parse(localPath(next))
		if err != nil || to.Scheme != "http" || to.Host != base.Host {
			t.Errorf("%q leads to %v, %v", next, to, err)
		}
	})
}

// No cookie but one of ours is a session.
func FuzzSession(f *testing.F) {
	s := newSessions(time.Now)
	good := s.cookie(Actor{"ann", Operator}, false).Value
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("e30.")
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		r := &http.Request{Header: http.Header{"Cookie": {SessionCookie + "=" + value}}}
		if actor, ok := s.read(r); ok && (actor != Actor{"ann", Operator}) {
			t.Errorf("%q is a session of %+v", value, actor)
		}
	})
}
