package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/regent-proxy/regent/pkg/detect"
)

// A file's entities are looked for with their context and over several words.
func TestCustomEntitiesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.yaml")
	text := "- entity: PROJECT\n  pattern: 'PRJ \\d{4}'\n- entity: MEMBER\n  pattern: 'M-\\d{5}'\n  score: 0.4\n  context: {words: [member], against: [part], boost: 0.3, required: true}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := customEntities(path)
	if err != nil {
		t.Fatal(err)
	}
	set, err := detect.New(detect.Options{Custom: list, Entities: []string{"PROJECT", "MEMBER"}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"PRJ 1234": 1, "M-12345": 0, "member M-12345": 1, "member, part M-12345": 0} {
		if found := set.Scan([]byte(text), nil); len(found) != want {
			t.Errorf("%q: %+v, want %d findings", text, found, want)
		}
	}
	if err := os.WriteFile(path, []byte("- entity: A\n  terms: [b]\n  context: {word: [c]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := customEntities(path); err == nil {
		t.Error("an unknown member of context was taken")
	}
}
