package detect

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestEverySplit cuts the developers' own samples, beside the repository or where
// REGENT_SHARED names their folder, in two at every byte (long ones at every
// seventh) and holds the findings against those of the whole.
func TestEverySplit(t *testing.T) {
	dir := os.Getenv("REGENT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the samples are not beside the repository (set REGENT_SHARED to their folder): %v", err)
	}
	s := newSet(t, Options{})
	for _, name := range []string{"pii.jsonl.gz", "secrets.jsonl.gz"} {
		texts, splits := 0, 0
		for _, text := range samples(t, filepath.Join(dir, "fixtures", name)) {
			want := s.Scan(text, nil)
			step := 1
			if len(text) > 1024 {
				step = 7
			}
			st := s.NewStream()
			for at := 0; at <= len(text); at += step {
				st.Reset()
				got, _ := st.Push(text[:at], false, nil)
				got, _ = st.Push(text[at:], true, got)
				if !slices.Equal(got, want) {
					t.Fatalf("%s: %q cut at %d: %v, whole %v", name, text, at, got, want)
				}
				splits++
			}
			texts++
		}
		t.Logf("%s: %d texts, %d splits", name, texts, splits)
	}
}

// samples are the texts of a file of JSON lines.
func samples(t testing.TB, path string) (texts [][]byte) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(zip)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, []byte(row.Text))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}
