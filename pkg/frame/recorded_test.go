package frame

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// exchange is what a line of the recorded calls says of a response.
type exchange struct {
	ID       string `json:"_id"`
	Framing  any    `json:"_framing"`
	Response struct {
		Headers []struct{ Name, Value string }
		Content struct{ Encoding, Text string }
	}
	Expected struct {
		Events *int `json:"stream_events"`
	} `json:"_expected"`
}

func (e *exchange) header(name string) string {
	for _, h := range e.Response.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// recorded reads the recorded calls that lie beside the repository.
func recorded(t *testing.T) []exchange {
	t.Helper()
	dir := os.Getenv("REGENT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "fixtures", "exchanges.jsonl.gz"))
	if err != nil {
		t.Skipf("no recorded calls, set REGENT_SHARED to where they lie: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	for d := json.NewDecoder(z); d.More(); {
		var e exchange
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// TestRecorded reads real streams as recorded, cut at random, compressed ones
// among them: their framing is known by type and first bytes, no byte is lost,
// and there are as many events as an independent reading counted.
func TestRecorded(t *testing.T) {
	kinds := map[any]Kind{"sse": SSE, "ndjson": NDJSON, "json-array": JSONArray, "aws-eventstream": AWSEventStream}
	rng := rand.New(rand.NewPCG(12, 13))
	seen := map[Kind]int{}
	for _, e := range recorded(t) {
		body := []byte(e.Response.Content.Text)
		if e.Response.Content.Encoding == "base64" {
			var err error
			if body, err = base64.StdEncoding.DecodeString(string(body)); err != nil {
				t.Fatal(err)
			}
		}
		want, stream := kinds[e.Framing]
		if !stream || len(body) == 0 {
			continue
		}
		plain, err := decompressAll(t, e.header("content-encoding"), cut(rng, body, 300))
		if err != nil {
			t.Errorf("%s: %v", e.ID, err)
			continue
		}
		kind, ok := Sniff(e.header("content-type"), plain[:min(len(plain), 64)])
		if !ok || kind != want {
			t.Errorf("%s: %q is %v, want %v", e.ID, e.header("content-type"), kind, want)
			continue
		}
		evs, err := events(t, kind, cut(rng, plain, 500)...)
		if err != nil {
			t.Errorf("%s: %v", e.ID, err)
		}
		n := 0
		for _, ev := range evs {
			if ev.Kind != None {
				n++
			}
			if ev.Kind == Data && !json.Valid(ev.Payload) {
				t.Errorf("%s: payload %.80q is no JSON", e.ID, ev.Payload)
			}
			if kind == AWSEventStream && !bytes.Equal(ev.rebuildAWS(nil, ev.Payload), ev.Raw) {
				t.Errorf("%s: rebuilt message differs", e.ID)
			}
		}
		if e.Expected.Events != nil && n != *e.Expected.Events {
			t.Errorf("%s, %v: %d events, want %d", e.ID, kind, n, *e.Expected.Events)
		}
		seen[kind]++
	}
	t.Log(seen)
}
