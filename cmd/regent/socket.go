package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/regent-proxy/regent/pkg/config"
)

// listen opens a TCP or Unix listener.
func listen(address config.Address, mode config.FileMode) (net.Listener, error) {
	network, where := address.Network()
	if network == "unix" {
		return listenUnix(where, fs.FileMode(mode))
	}
	l, err := net.Listen(network, where)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", where, err)
	}
	return l, nil
}

// unixListener is a socket that is moved into place with its permissions set,
// and a lock beside it that tells a live owner from a stale file.
type unixListener struct {
	*net.UnixListener
	path string
	lock *os.File
}

// listenUnix binds path. A socket left by a process that died is replaced; one
// whose owner lives is an error. The socket is bound under another name, gets
// its mode and is then renamed, so that no client ever sees it with other
// permissions, or the path without it.
func listenUnix(path string, mode fs.FileMode) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("listen on unix:%s: %w", path, err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("listen on unix:%s: %w", path, err)
	}
	l, err := bindUnix(path, mode)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on unix:%s: %w", path, err), lock.Close())
	}
	return &unixListener{UnixListener: l, path: path, lock: lock}, nil
}

func bindUnix(path string, mode fs.FileMode) (*net.UnixListener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, errors.New("the path exists and is no socket (remove it or choose another)")
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	err = errors.Join(os.Chmod(fresh, mode))
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(fresh))
	}
	return l, nil
}

// lockFile takes an exclusive lock that ends with the process, however it ends.
// The file stays: removing it would let two processes lock two files.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another process serves there")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close stops listening and removes the socket; the lock, held until then, says
// that it is still this one.
func (l *unixListener) Close() error {
	err := l.UnixListener.Close()
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return errors.Join(err, os.Remove(l.path), l.lock.Close())
}
