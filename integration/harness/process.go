package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is one that the harness started. Its output goes to files.
type Process struct {
	Name string
	cmd  *exec.Cmd
	out  string // file of standard output
	err  string // and of standard error
	done chan struct{}
}

// Bounds of waiting.
const (
	startTime = time.Minute
	stopTime  = 15 * time.Second
	pollTime  = 10 * time.Millisecond
)

// startProcess runs a program whose output is kept in dir.
func startProcess(dir, name string, env []string, program string, args ...string) (*Process, error) {
	p := &Process{Name: name, out: filepath.Join(dir, name+".out"), err: filepath.Join(dir, name+".err"), done: make(chan struct{})}
	out, err := os.OpenFile(p.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	errs, err := os.OpenFile(p.err, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	p.cmd = exec.Command(program, args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, errs
	p.cmd.SysProcAttr = childAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its state
		close(p.done)
	}()
	return p, nil
}

// StartProcess runs a program whose output is kept in dir.
func StartProcess(dir, name, program string, args ...string) (*Process, error) {
	return startProcess(dir, name, nil, program, args...)
}

// Await polls ready until it is true, the process ends, or time is up.
func (p *Process) Await(ctx context.Context, what string, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended at its start: %v", p.Name, p.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s %s: %w", p.Name, what, ctx.Err())
		case <-time.After(pollTime):
		}
	}
	return nil
}

// Alive reports whether the process runs.
func (p *Process) Alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends the process at once, as kill -9 does, and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// Stop asks the process to end, and kills it if it does not in time: an error.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTime):
		p.Kill()
		return fmt.Errorf("%s did not end within %v of SIGTERM", p.Name, stopTime)
	}
}

// Stdout is all of the process's standard output so far.
func (p *Process) Stdout() string { return readAll(p.out) }

// Stderr is all of the process's standard error so far.
func (p *Process) Stderr() string { return readAll(p.err) }

func readAll(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Logs are the last lines of both outputs.
func (p *Process) Logs() string {
	return fmt.Sprintf("--- %s, standard error\n%s--- %s, standard output\n%s", p.Name, tail(p.Stderr()), p.Name, tail(p.Stdout()))
}

// tail is the last 4 KiB of a text.
func tail(text string) string {
	const most = 4 << 10
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return string(body), errors.Join(err, fmt.Errorf("%s: %s", url, resp.Status))
	}
	return string(body), err
}

// afterLast is what follows the last separator, without white space.
func afterLast(text, separator string) string {
	text = strings.TrimSpace(text)
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[i+len(separator):]
	}
	return text
}

// Suspend stops the process where it is, and returns when none of its threads
// runs any more. A killed process need not be resumed.
func (p *Process) Suspend() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(stopTime); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if stopped, err := p.stopped(); stopped || err != nil {
			return err
		}
	}
	return fmt.Errorf("%s did not stop within %v", p.Name, stopTime)
}

// stopped reports whether all threads are in state T (proc_pid_stat(5)).
func (p *Process) stopped() (bool, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return false, errors.Join(err, fmt.Errorf("%s has no threads to look at", p.Name))
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "T") {
			return false, nil
		}
	}
	return true, nil
}
