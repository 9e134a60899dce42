package integration

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regent-proxy/regent/integration/harness"
	"github.com/regent-proxy/regent/pkg/frame"
)

// exchange is a recorded call, as HAR writes it.
type exchange struct {
	ID      string `json:"_id"`
	API     string `json:"_api"`
	Request struct {
		Method, URL string
		Headers     []struct{ Name, Value string }
		PostData    struct{ Text, Encoding string }
	}
	Response struct {
		Status  int
		Headers []struct{ Name, Value string }
		Content struct{ Text, Encoding string }
	}
}

func bytesOf(t *testing.T, text, encoding string) []byte {
	t.Helper()
	if encoding != "base64" {
		return []byte(text)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordings are the real calls that lie beside the repository.
func recordings(t *testing.T) []exchange {
	t.Helper()
	shared := os.Getenv("REGENT_SHARED")
	if shared == "" {
		shared = filepath.Join(tools.Root, "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "fixtures", "exchanges.jsonl.gz"))
	if err != nil {
		t.Skip("no recordings beside the repository: " + err.Error())
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	var out []exchange
	for lines.Scan() {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// replayer answers with the recording that was chosen, in pieces.
type replayer struct {
	t       *testing.T
	current atomic.Pointer[exchange]
	got     atomic.Pointer[seen]
}

// seen is a request as the replayer received it.
type seen struct {
	uri  string
	body []byte
}

func (p *replayer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	p.got.Store(&seen{r.RequestURI, body})
	e := p.current.Load()
	for _, h := range e.Response.Headers {
		switch strings.ToLower(h.Name) {
		case "content-type", "content-encoding":
			w.Header().Set(h.Name, h.Value)
		}
	}
	w.WriteHeader(e.Response.Status)
	rest := bytesOf(p.t, e.Response.Content.Text, e.Response.Content.Encoding)
	for len(rest) > 0 {
		n := len(rest)
		if n > 1 && len(rest) > 200 {
			n = 1 + rand.IntN(n)
		}
		_, _ = w.Write(rest[:n]) // the test sees what is missing
		_ = http.NewResponseController(w).Flush()
		rest = rest[n:]
	}
}

// Real calls of every API, forwarded with a policy that decides nothing, are
// the same to the byte in both directions.
func TestRecordingsPassUnchanged(t *testing.T) {
	all := recordings(t)
	p := &replayer{t: t}
	provider := httptest.NewServer(p)
	defer provider.Close()
	s := start(t, harness.Options{
		Providers: map[string]string{"public": strings.TrimPrefix(provider.URL, "http://")},
		Policies:  map[string]string{"off.yaml": "regent: {settings: {routing: {enabled: false}, redaction: {request: {enabled: false}, response: {enabled: false}}}}\n"},
		Config: func(c map[string]any) {
			c["usage"] = map[string]any{"ask_stream_usage": false}
			c["policy"].(map[string]any)["on_unreadable"] = "open"
		},
		Bootstrap: func(b *harness.Bootstrap) { b.VirtualHost()["retry_policy"] = map[string]any{"num_retries": 0} },
	})
	apis := map[string]int{}
	for i := range all {
		if t.Failed() && apis["failed"] > 10 {
			t.Fatal("and so on")
		}
		if !replay(t, s, p, &all[i]) {
			apis["failed"]++
		}
		apis[all[i].API]++
	}
	t.Logf("%d calls: %v", len(all), apis)
}

// replay sends one recorded request and compares.
func replay(t *testing.T, s *harness.Stack, p *replayer, e *exchange) bool {
	t.Helper()
	p.current.Store(e)
	p.got.Store(&seen{})
	at, err := url.Parse(e.Request.URL)
	if err != nil {
		t.Fatal(err)
	}
	sent := bytesOf(t, e.Request.PostData.Text, e.Request.PostData.Encoding)
	req, err := http.NewRequestWithContext(t.Context(), e.Request.Method, s.URL+at.RequestURI(), bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = at.Host
	for _, h := range e.Request.Headers {
		switch strings.ToLower(h.Name) {
		case "content-type", "content-encoding", "anthropic-version", "authorization", "user-agent":
			req.Header.Set(h.Name, h.Value)
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Errorf("%s %s: %v", e.ID, e.API, err)
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	want := plainIfUnpacked(t, e, resp)
	got := p.got.Load()
	if err != nil || resp.StatusCode != e.Response.Status || !bytes.Equal(body, want) || !bytes.Equal(got.body, sent) || got.uri != at.RequestURI() {
		t.Errorf("%s %s %s: status %d (%v), want %d; answer equal: %v (%d bytes of %d), question equal: %v (%d of %d), %s\n%.300s",
			e.ID, e.API, e.Request.URL, resp.StatusCode, err, e.Response.Status, bytes.Equal(body, want), len(body), len(want), bytes.Equal(got.body, sent), len(got.body), len(sent), strconv.Quote(got.uri), body)
		return false
	}
	return true
}

// plainIfUnpacked is the recorded answer, unpacked where Regent has unpacked a
// compressed stream, as it says by taking the content-encoding away.
func plainIfUnpacked(t *testing.T, e *exchange, resp *http.Response) []byte {
	t.Helper()
	body := bytesOf(t, e.Response.Content.Text, e.Response.Content.Encoding)
	for _, h := range e.Response.Headers {
		if strings.EqualFold(h.Name, "content-encoding") && resp.Header.Get("content-encoding") == "" && len(body) > 0 {
			plain, err := frame.Decompress(h.Value, body, 64<<20)
			if err != nil {
				t.Errorf("%s: %v", e.ID, err)
			}
			return plain
		}
	}
	return body
}
