package opa

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/regent-proxy/regent/pkg/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func labelling(value string) string {
	return fmt.Sprintf("package regent.request\n\nlabels[\"v\"] := %q if input.phase == \"request\"\n", value)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A bad policy keeps the running one, and says so; a call keeps its set.
func TestReload(t *testing.T) {
	dir := folder(t, map[string]string{"p.rego": labelling("1")})
	var told []string
	e := open(t, Options{NoDefault: true, Paths: []string{dir}, Timeout: time.Minute, OnReload: func(revision string, err error) {
		told = append(told, fmt.Sprint(revision, err != nil))
	}})
	first := e.Current()
	write(t, filepath.Join(dir, "p.rego"), "package regent.request\ndney := 1")
	if err := e.Reload(context.Background()); policy.KindOf(err) != policy.Load {
		t.Fatalf("error %v", err)
	}
	if e.Current() != first {
		t.Fatal("a bad policy took over")
	}
	write(t, filepath.Join(dir, "p.rego"), labelling("2"))
	if err := e.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	second := e.Current()
	if second.Revision() == first.Revision() {
		t.Error("two policies have one revision")
	}
	if a, b := decide(t, first, chat("x")).Labels["v"], decide(t, second, chat("x")).Labels["v"]; a != "1" || b != "2" {
		t.Errorf("labels %s and %s", a, b)
	}
	want := []string{first.Revision() + "true", second.Revision() + "false"}
	if strings.Join(told, " ") != strings.Join(want, " ") {
		t.Errorf("told %v, want %v", told, want)
	}
}

// No call sees a half-loaded policy while good and bad ones come and go.
func TestReloadUnderLoad(t *testing.T) {
	dir := folder(t, map[string]string{"p.rego": labelling("0")})
	e := open(t, Options{NoDefault: true, Paths: []string{dir}, Timeout: time.Minute})
	stop := make(chan struct{})
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				in := chat("x")
				in.LLM.Model = fmt.Sprint(i)
				d, err := e.Current().Evaluate(context.Background(), in)
				if err != nil || d.Labels["v"] == "" {
					t.Errorf("decision %+v, error %v", d, err)
					return
				}
			}
		})
	}
	swaps := 30
	if testing.Short() {
		swaps = 10
	}
	for i := range swaps {
		text := labelling(fmt.Sprint(i))
		if i%3 == 2 {
			text = "package regent.request\nlabels contains"
		}
		write(t, filepath.Join(dir, "p.rego"), text)
		if err := e.Reload(context.Background()); (err != nil) != (i%3 == 2) {
			t.Fatalf("swap %d: %v", i, err)
		}
	}
	close(stop)
	calls.Wait()
}

// watching opens dir and gives each revision that is loaded.
func watching(t *testing.T, dir string) (*Engine, chan error) {
	t.Helper()
	reloads := make(chan error, 64)
	e := open(t, Options{NoDefault: true, Paths: []string{dir}, Timeout: time.Minute, Watch: true, OnReload: func(_ string, err error) { reloads <- err }})
	return e, reloads
}

// await waits until the policy labels as wanted: the kernel may tell of one
// change in several pieces.
func await(t *testing.T, e *Engine, reloads chan error, want string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for decide(t, e.Current(), chat("x")).Labels["v"] != want {
		select {
		case <-reloads:
		case <-deadline:
			t.Fatalf("the policy was not reloaded to %s", want)
		}
	}
}

func TestWatchFolder(t *testing.T) {
	dir := folder(t, map[string]string{"p.rego": labelling("1")})
	e, reloads := watching(t, dir)
	write(t, filepath.Join(dir, "p.rego"), labelling("2"))
	await(t, e, reloads, "2")
	// A new folder is watched as well.
	if err := os.Mkdir(filepath.Join(dir, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "deep", "new.rego"), "package mine\n\nv := \"3\"\n")
	write(t, filepath.Join(dir, "p.rego"), "package regent.request\n\nimport data.mine\n\nlabels[\"v\"] := mine.v if input.phase == \"request\"\n")
	await(t, e, reloads, "3")
	write(t, filepath.Join(dir, "deep", "new.rego"), "package mine\n\nv := \"4\"\n")
	await(t, e, reloads, "4")
}

// A mounted ConfigMap shows its files by links into ..data, itself a link that
// an update swaps.
func TestWatchConfigMap(t *testing.T) {
	dir := folder(t, map[string]string{"..2026_1/p.rego": labelling("1"), "..2026_2/p.rego": labelling("2")})
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..2026_1", "..data")
	link(filepath.Join("..data", "p.rego"), "p.rego")
	e, reloads := watching(t, dir)
	await(t, e, reloads, "1")
	link("..2026_2", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	await(t, e, reloads, "2")
}

func TestWatchFile(t *testing.T) {
	dir := folder(t, map[string]string{"p.rego": labelling("1")})
	e, reloads := watching(t, filepath.Join(dir, "p.rego"))
	// As editors do: a new file takes the old one's name.
	write(t, filepath.Join(dir, "p.rego~"), labelling("2"))
	if err := os.Rename(filepath.Join(dir, "p.rego~"), filepath.Join(dir, "p.rego")); err != nil {
		t.Fatal(err)
	}
	await(t, e, reloads, "2")
}

func TestPaths(t *testing.T) {
	base := folder(t, map[string]string{"a.yaml": "regent: {settings: {custom: {x: 1, list: [1, 2]}}}\nmine: {a: 1}", "b.json": `{"mine": {"b": 2}}`, "notes.txt": "x", ".git/config": "x"})
	prod := folder(t, map[string]string{"prod.yml": "regent: {settings: {custom: {x: 2, list: [3]}}}"})
	s := open(t, Options{Paths: []string{base, prod}}).Current()
	custom, _ := s.Settings()["custom"].(map[string]any)
	if fmt.Sprintf("%v %v", custom["x"], custom["list"]) != "2 [3]" {
		t.Errorf("settings %v", custom)
	}
	for name, c := range map[string]struct {
		paths []string
		want  string
	}{
		"contradiction": {[]string{folder(t, map[string]string{"a.yaml": "x: 1", "b.yaml": "x: 2"})}, "set by two files"},
		"missing":       {[]string{filepath.Join(base, "nowhere")}, "no such file"},
		"wrong kind":    {[]string{filepath.Join(base, "notes.txt")}, "neither .rego"},
	} {
		_, err := Open(context.Background(), Options{Paths: c.paths})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// A file beside the policies, or among them, that is written without pause does
// not keep them from being read again.
func TestWatchBesideBusyFiles(t *testing.T) {
	for _, busy := range []string{"noise.log", "policies/noise.log"} {
		root := t.TempDir()
		dir := filepath.Join(root, "policies")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "p.rego"), labelling("1"))
		e, reloads := watching(t, dir)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
					_ = os.WriteFile(filepath.Join(root, busy), []byte("x"), 0o600)
				}
			}
		}()
		write(t, filepath.Join(dir, "p.rego"), labelling("2"))
		await(t, e, reloads, "2")
		close(stop)
		<-stopped
	}
}
