package telemetry

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regent-proxy/regent/pkg/call"
)

// StoreSettings are where contents go that spans only refer to.
type StoreSettings struct {
	// Dir is made if it is not there; "" is off.
	Dir string
	// MaxBytes bounds the files in Dir together; the oldest leave first.
	MaxBytes int64
}

// Bounds of what waits to be written.
const (
	maxStored      = 256
	maxStoredBytes = 32 << 20
)

// storedSuffix tells the store's files from others in its directory, which it
// leaves alone.
const storedSuffix = ".call.json"

// store writes what calls said to one file a call, in its own time. A call never
// waits for it: what finds no room is dropped and counted. Safe for concurrent
// use.
type store struct {
	dir      string
	maxBytes int64
	onError  func(error)

	work  chan stored
	bytes atomic.Int64 // waiting
	done  chan struct{}

	mu     sync.RWMutex // closed against add
	closed bool

	files []storedFile // oldest first; the writer's own
	size  int64        // of files

	written, dropped, failed, evicted atomic.Int64
}

type stored struct {
	name string
	data []byte
}

type storedFile struct {
	name string
	size int64
}

func openStore(s StoreSettings, onError func(error)) (*store, error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("content store: %w", err)
	}
	st := &store{dir: s.Dir, maxBytes: s.MaxBytes, onError: onError, work: make(chan stored, maxStored), done: make(chan struct{})}
	if err := st.list(); err != nil {
		return nil, fmt.Errorf("content store: %w", err)
	}
	go st.run()
	return st, nil
}

// list finds the files of earlier processes.
func (s *store) list() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	times := map[string]time.Time{}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), storedSuffix+".tmp") { // of a process that was killed
			_ = os.Remove(filepath.Join(s.dir, e.Name()))
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(e.Name(), storedSuffix) {
			continue
		}
		times[e.Name()] = info.ModTime()
		s.files = append(s.files, storedFile{e.Name(), info.Size()})
		s.size += info.Size()
	}
	slices.SortFunc(s.files, func(a, b storedFile) int {
		return cmp.Or(times[a.name].Compare(times[b.name]), strings.Compare(a.name, b.name))
	})
	return nil
}

// contents is a stored file: what a call said, by the conventions' schemas,
// redacted as it left.
type contents struct {
	CallID        string          `json:"call_id"`
	TraceID       string          `json:"trace_id"`
	SpanID        string          `json:"span_id"`
	Started       time.Time       `json:"started"`
	Operation     string          `json:"operation"`
	Provider      string          `json:"provider"`
	Model         string          `json:"model,omitempty"`
	ResponseModel string          `json:"response_model,omitempty"`
	Decision      string          `json:"decision"`
	System        json.RawMessage `json:"system_instructions,omitempty"`
	Input         json.RawMessage `json:"input_messages,omitempty"`
	Output        json.RawMessage `json:"output_messages,omitempty"`
	Tools         json.RawMessage `json:"tool_definitions,omitempty"`
	Arguments     json.RawMessage `json:"tool_arguments,omitempty"`
	Result        string          `json:"tool_result,omitempty"`
}

// add takes what a call said, and gives what its span refers to it by; "" where
// the call said nothing or there was no room.
func (s *store) add(r *call.Record) string {
	if len(r.SystemInstructions)+len(r.InputMessages)+len(r.OutputMessages)+len(r.ToolDefinitions)+len(r.ToolArguments)+len(r.ToolResult) == 0 {
		return ""
	}
	data, err := json.Marshal(contents{
		CallID: r.ID, TraceID: r.TraceID, SpanID: r.SpanID, Started: r.Started.UTC(), Operation: operation(r), Provider: provider(r),
		Model: r.RequestModel, ResponseModel: r.Response.Model, Decision: r.Decision,
		System: r.SystemInstructions, Input: r.InputMessages, Output: r.OutputMessages, Tools: r.ToolDefinitions,
		Arguments: r.ToolArguments, Result: string(r.ToolResult),
	})
	if err != nil {
		s.fail(err)
		return ""
	}
	w := stored{name: r.ID + storedSuffix, data: append(data, '\n')}
	if !s.queue(w) {
		s.dropped.Add(1)
		return ""
	}
	return w.name
}

func (s *store) queue(w stored) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	size := int64(len(w.data))
	if s.bytes.Add(size) <= maxStoredBytes {
		select {
		case s.work <- w:
			return true
		default:
		}
	}
	s.bytes.Add(-size)
	return false
}

func (s *store) run() {
	defer close(s.done)
	for w := range s.work {
		s.bytes.Add(-int64(len(w.data)))
		if err := s.write(w); err != nil {
			s.fail(err)
			continue
		}
		s.written.Add(1)
	}
}

// write makes room, then puts the file there whole.
func (s *store) write(w stored) error {
	size := int64(len(w.data))
	for s.size+size > s.maxBytes && len(s.files) > 0 {
		oldest := s.files[0]
		if err := os.Remove(filepath.Join(s.dir, oldest.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.files, s.size = s.files[1:], s.size-oldest.size
		s.evicted.Add(1)
	}
	path := filepath.Join(s.dir, w.name)
	if err := os.WriteFile(path+".tmp", w.data, 0o600); err != nil {
		return errors.Join(err, os.Remove(path+".tmp"))
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	s.files, s.size = append(s.files, storedFile{w.name, size}), s.size+size
	return nil
}

func (s *store) fail(err error) {
	s.failed.Add(1)
	if s.onError != nil {
		s.onError(fmt.Errorf("store content: %w", err))
	}
}

// close writes what waits.
func (s *store) close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.work)
	s.mu.Unlock()
	<-s.done
}
