package injection

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

type labelled struct {
	Text  string `json:"text"`
	Label int    `json:"label"`
}

// shared reads development data that lies beside the repository.
func shared(t *testing.T, name string) []labelled {
	t.Helper()
	dir := os.Getenv("REGENT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "fixtures", name))
	if err != nil {
		t.Skipf("development data is not beside the repository (set REGENT_SHARED): %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []labelled
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var l labelled
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// TestDevelopmentData holds the figures the product states: recall 0.65 at
// 2 % false positives, and 2 % of the pieces of benign documents.
func TestDevelopmentData(t *testing.T) {
	for _, way := range []struct {
		name   string
		opts   Options
		recall float64
	}{{"phrases", Options{NoModel: true}, 0.60}, {"both", Options{}, 0.65}} {
		d := newDetector(t, way.opts)
		var n, hit [2]int
		for _, l := range shared(t, "injection.jsonl.gz") {
			n[l.Label]++
			if d.Score([]byte(l.Text), "").Score >= Likely {
				hit[l.Label]++
			}
		}
		recall, wrong := float64(hit[1])/float64(n[1]), float64(hit[0])/float64(n[0])
		t.Logf("%s: recall %.3f, false positives %.4f", way.name, recall, wrong)
		if recall < way.recall || wrong > 0.02 {
			t.Errorf("%s: recall %.3f at false positives %.4f, want %.2f at 0.02", way.name, recall, wrong, way.recall)
		}
	}
	d := newDetector(t, Options{})
	flagged, pieces := 0, shared(t, "benign.jsonl.gz")
	for _, p := range pieces {
		if d.Score([]byte(p.Text), "").Score >= Likely {
			flagged++
		}
	}
	t.Logf("documents: %d of %d pieces flagged", flagged, len(pieces))
	if flagged*50 > len(pieces) {
		t.Errorf("documents: %d of %d pieces flagged, want at most 2 %%", flagged, len(pieces))
	}
}
