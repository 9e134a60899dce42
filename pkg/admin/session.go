package admin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// SessionCookie is the cookie of a browser that signed in, sessionLife how long
// it is good for.
const (
	SessionCookie = "regent_session"
	sessionLife   = 8 * time.Hour
)

// sessions signs and reads cookies. The key is the process's own: a cookie is
// good for one process, and a restart ends all sessions.
type sessions struct {
	key []byte
	now func() time.Time
}

// session is what a cookie says.
type session struct {
	Name  string `json:"n"`
	Role  Role   `json:"r"`
	Until int64  `json:"u"` // Unix seconds
}

func newSessions(now func() time.Time) *sessions {
	s := &sessions{key: make([]byte, sha256.Size), now: now}
	_, _ = rand.Read(s.key) // never fails (crypto/rand)
	return s
}

// cookie is a signed-in actor's. A page of another site never sends it
// (SameSite), a script never reads it (HttpOnly).
func (s *sessions) cookie(a Actor, secure bool) *http.Cookie {
	text, _ := json.Marshal(session{a.Name, a.Role, s.now().Add(sessionLife).Unix()}) // strings and numbers: never fails
	body := base64.RawURLEncoding.EncodeToString(text)
	return &http.Cookie{
		Name: SessionCookie, Value: body + "." + s.sign(body), Path: "/", MaxAge: int(sessionLife / time.Second),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode,
	}
}

// read is the actor of a request's cookie, if it is one of ours and in time.
func (s *sessions) read(r *http.Request) (Actor, bool) {
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return Actor{}, false
	}
	body, signature, _ := strings.Cut(c.Value, ".")
	if !hmac.Equal([]byte(signature), []byte(s.sign(body))) {
		return Actor{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(body)
	var said session
	if err != nil || json.Unmarshal(text, &said) != nil || s.now().Unix() >= said.Until {
		return Actor{}, false
	}
	return Actor{said.Name, said.Role}, true
}

func (s *sessions) sign(body string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
