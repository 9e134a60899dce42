package simulate

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// Received is one request as it arrived. Header names are lower case and
// sorted; net/http keeps no more of their form.
type Received struct {
	Number  int         `json:"number"` // from 1, since the start
	Method  string      `json:"method"`
	Host    string      `json:"host"`
	URL     string      `json:"url"` // path and query as sent
	Proto   string      `json:"proto"`
	Headers [][2]string `json:"headers"`
	// Body is the body, or its start; bytes that are no UTF-8 are in BodyBytes
	// instead (base64 in JSON).
	Body      string `json:"body,omitempty"`
	BodyBytes []byte `json:"body_bytes,omitempty"`
	Size      int    `json:"size"`
	SHA256    string `json:"sha256"` // of the whole body, hex
	Truncated bool   `json:"truncated,omitempty"`
	// Error is what ended the body before its time.
	Error string `json:"error,omitempty"`
}

// Header is the first value of a header, by its lower-case name.
func (r Received) Header(name string) string {
	for _, h := range r.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// journal holds the last requests.
type journal struct {
	keep, keepBody int

	mu    sync.Mutex
	count int
	last  []Received
}

func newJournal(keep, keepBody int) *journal { return &journal{keep: keep, keepBody: keepBody} }

func (j *journal) add(r *http.Request, body []byte, err error) {
	digest := sha256.Sum256(body)
	e := Received{
		Method: r.Method, Host: r.Host, URL: r.RequestURI, Proto: r.Proto, Headers: headersOf(r.Header),
		Size: len(body), SHA256: hex.EncodeToString(digest[:]),
	}
	if err != nil {
		e.Error = err.Error()
	}
	if len(body) > j.keepBody {
		body, e.Truncated = body[:j.keepBody], true
	}
	if utf8.Valid(body) {
		e.Body = string(body)
	} else {
		e.BodyBytes = slices.Clone(body)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count++
	e.Number = j.count
	if len(j.last) == j.keep {
		j.last = slices.Delete(j.last, 0, 1)
	}
	j.last = append(j.last, e)
}

func headersOf(h http.Header) [][2]string {
	var out [][2]string
	for name, values := range h {
		for _, v := range values {
			out = append(out, [2]string{strings.ToLower(name), v})
		}
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a][0] < out[b][0] })
	return out
}

// Requests are the last requests received, oldest first.
func (s *Server) Requests() []Received { return s.journal.all() }

func (j *journal) all() []Received {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.last)
}

func (j *journal) list(w http.ResponseWriter, _ *http.Request) {
	list := j.all()
	if list == nil {
		list = []Received{}
	}
	sendJSON(w, http.StatusOK, list)
}

func (j *journal) clear(w http.ResponseWriter, _ *http.Request) {
	j.mu.Lock()
	j.last = nil
	j.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
