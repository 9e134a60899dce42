package main

import (
	"os"
	"path/filepath"
	"strings"
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

// detect finds the entities that a file and that a policy's data declare.
func TestDetectOwnEntities(t *testing.T) {
	dir := t.TempDir()
	custom, data := filepath.Join(dir, "own.yaml"), filepath.Join(dir, "policies", "data.yaml")
	if err := os.Mkdir(filepath.Dir(data), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		custom: "- entity: BADGE\n  pattern: 'B-\\d{5}'\n",
		data:   "regent: {settings: {entities: {PROJECT: {terms: [blue heron]}}}}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	c := newDetectCommand()
	c.SetArgs([]string{"--custom", custom, "--policy", filepath.Dir(data), "--text", "B-12345 is on Blue Heron"})
	c.SetOut(&out)
	if err := c.ExecuteContext(t.Context()); err != nil || !strings.HasPrefix(out.String(), "[B-12345:BADGE] is on [Blue Heron:PROJECT]\n") {
		t.Errorf("%v: %s", err, out.String())
	}
}
