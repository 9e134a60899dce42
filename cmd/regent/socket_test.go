package main

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/regent-proxy/regent/pkg/config"
)

// socketDir is short: a socket's path is bounded.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func dialOnce(t *testing.T, l net.Listener, path string) {
	t.Helper()
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
	}()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(socketDir(t), "run", "r.sock")
	l, err := listen(config.Address("unix:"+path), 0o640)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("mode %v", info.Mode())
	}
	dialOnce(t, l, path)
	if _, err := listen(config.Address("unix:"+path), 0o640); err == nil || !strings.Contains(err.Error(), "another process serves there") {
		t.Errorf("a second listener: %v", err)
	}
	dialOnce(t, l, path) // the failed attempt left the first alone
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket stays: %v", err)
	}
	again, err := listen(config.Address("unix:"+path), 0o640)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// A process that was killed leaves its socket, and perhaps one not yet in place.
func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(socketDir(t), "r.sock")
	for _, stale := range []string{path, path + ".new"} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
	}
	l, err := listen(config.Address("unix:"+path), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialOnce(t, l, path)
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	path := filepath.Join(socketDir(t), "r.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(config.Address("unix:"+path), 0o600); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("got %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "precious" {
		t.Errorf("the file became %q", data)
	}
}

func TestOnlyOneOfManyListens(t *testing.T) {
	path := filepath.Join(socketDir(t), "r.sock")
	var mu sync.Mutex
	var won []net.Listener
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if l, err := listen(config.Address("unix:"+path), 0o600); err == nil {
				mu.Lock()
				won = append(won, l)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("%d listeners", len(won))
	}
	dialOnce(t, won[0], path)
	won[0].Close()
}

func TestListenTCP(t *testing.T) {
	l, err := listen("127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := listen(config.Address(l.Addr().String()), 0); err == nil {
		t.Error("a port was taken twice")
	}
}
