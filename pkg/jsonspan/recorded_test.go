package jsonspan

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestRecorded reads the JSON request bodies of real calls: accepted where
// jsontext accepts them, navigated alike with and without an index, and each
// string reads the same by View, by Str and by encoding/json.
func TestRecorded(t *testing.T) {
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
	n := 0
	for d := json.NewDecoder(z); d.More(); {
		var e struct {
			ID      string `json:"_id"`
			Request struct {
				PostData struct{ Text, Encoding string }
			}
		}
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		doc := []byte(e.Request.PostData.Text)
		if e.Request.PostData.Encoding != "" || len(doc) == 0 {
			continue
		}
		root, err := Parse(doc)
		if (err == nil) != oracle(doc) {
			t.Errorf("%s: %v, jsontext accepts: %v", e.ID, err, oracle(doc))
		}
		if err != nil {
			continue
		}
		n++
		checkIndex(t, doc, len(doc))
		sameStrings(t, e.ID, doc, root)
	}
	t.Logf("%d documents", n)
}

func sameStrings(t *testing.T, id string, doc []byte, v Value) {
	t.Helper()
	if s, ok := v.Str(); ok {
		r := v.Inner()
		text, m := View(doc[r.Start:r.End], JSONString)
		var std string
		if err := json.Unmarshal(v.Raw(), &std); err != nil || s != std || string(text) != std {
			t.Errorf("%s: string at %v is %q and %q, elsewhere %q (%v)", id, r, s, text, std, err)
		}
		if whole := m.Raw(0, len(text)); whole.Len() != r.Len() {
			t.Errorf("%s: the string of %d bytes at %v has its text at %v", id, r.Len(), r, whole)
		}
	}
	for _, m := range v.Members() {
		sameStrings(t, id, doc, m)
	}
	for _, el := range v.Elements() {
		sameStrings(t, id, doc, el)
	}
}
