package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regent-proxy/regent/pkg/call"
)

func storing(t *testing.T, dir string, max int64) *store {
	t.Helper()
	s, err := openStore(StoreSettings{Dir: dir, MaxBytes: max}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func said(id string) *call.Record {
	r := records()["content"]
	r.ID = id
	return r
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// The span names the file, the file holds what was said, and nobody else may
// read it.
func TestContentByReference(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "contents")
	list := []exchange{{name: "x", host: openAIHost, path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[{"role":"user","content":"write to ann@example.org"}]}`}}
	traces, _ := record(t, func(s *Settings, calls *call.Settings) {
		s.Store, calls.Content = StoreSettings{Dir: dir, MaxBytes: 1 << 20}, true
	}, list)
	attrs := plain(traces[0].call(t).Attributes)
	name, _ := attrs[attrContentReference].(string)
	if attrs[attrInputMessages] != nil || name == "" {
		t.Fatalf("the span has %v", attrs)
	}
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if about, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o600 || about.Mode().Perm() != 0o700 {
		t.Errorf("file %v, directory %v", info.Mode(), about.Mode())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got contents
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.CallID != attrs[attrCallID] || got.Model != "gpt-4o" || got.Decision != "redact" || !strings.Contains(string(got.Input), "write to [EMAIL]") || !strings.Contains(string(got.Output), "[EMAIL]") || strings.Contains(string(data), "ann@") {
		t.Errorf("stored %s", data)
	}
	if found := filesIn(t, dir); len(found) != 1 {
		t.Errorf("the directory holds %v", found)
	}
}

func TestStoreIsBoundBySize(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.txt"), []byte("stays"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := storing(t, dir, 2000)
	for i := range 20 {
		if s.add(said(fmt.Sprintf("call%02d", i))) == "" {
			t.Fatal("no room")
		}
	}
	s.close()
	var size int64
	found := filesIn(t, dir)
	for _, name := range found {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && name != "mine.txt" {
			size += info.Size()
		}
	}
	if size > 2000 || size < 1000 || found[len(found)-1] != "mine.txt" || found[len(found)-2] != "call19.call.json" || s.written.Load() != 20 || s.evicted.Load() != int64(20-(len(found)-1)) {
		t.Errorf("%d bytes in %v, written %d, evicted %d", size, found, s.written.Load(), s.evicted.Load())
	}
	if err := os.WriteFile(filepath.Join(dir, "half.call.json.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again := storing(t, dir, 500) // a smaller bound, in a new process
	again.add(said("next"))
	again.close()
	if found := filesIn(t, dir); len(found) != 2 || found[1] != "next.call.json" {
		t.Errorf("after a restart there is %v", found)
	}
}

// A disk that stands still costs no call its time: contents are dropped and
// counted.
func TestStoreDropsWhatFindsNoRoom(t *testing.T) {
	s := &store{work: make(chan stored, 2), done: make(chan struct{})}
	for i := range 5 {
		name := s.add(said(fmt.Sprint(i)))
		if (name != "") != (i < 2) {
			t.Errorf("content %d is referred to as %q", i, name)
		}
	}
	if s.dropped.Load() != 3 {
		t.Errorf("%d dropped", s.dropped.Load())
	}
	s.bytes.Store(maxStoredBytes)
	<-s.work
	if s.add(said("large")) != "" || s.dropped.Load() != 4 {
		t.Error("more bytes wait than may")
	}
	if s.add(records()["chat"]) != "" || s.dropped.Load() != 4 {
		t.Error("a call that said nothing is stored, or dropped")
	}
}

func TestStoreFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	var heard []error
	s, err := openStore(StoreSettings{Dir: dir, MaxBytes: 1 << 20}, func(err error) { heard = append(heard, err) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.add(said("a"))
	s.close()
	if s.failed.Load() != 1 || len(heard) != 1 {
		t.Errorf("%d failed, heard %v", s.failed.Load(), heard)
	}
	if s.add(said("late")) != "" || s.dropped.Load() != 1 {
		t.Error("content is taken after the end")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(context.Background(), Settings{Store: StoreSettings{Dir: file}, Env: noEnv, Traces: TraceSettings{Ratio: 1}}); err == nil {
		t.Error("a file is taken for a directory")
	}
}
