package config

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite generated files")

func testEnv(name string) (string, bool) {
	value, ok := map[string]string{"TOKEN": "s3cr3t-value", "PORT": "9333", "EMPTY": "", "RATIO": "not-a-number-s3cr3t"}[name]
	return value, ok
}

func parse(t *testing.T, file string) (*Config, error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(file, data, testEnv)
}

func TestGoodFiles(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.yaml")
	if len(files) < 3 {
		t.Fatalf("only %d good files", len(files))
	}
	for _, file := range files {
		if _, err := parse(t, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Each bad file's last lines "# want: " are the whole error, in order.
func TestBadFiles(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	if len(files) < 20 {
		t.Fatalf("only %d bad files", len(files))
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, line := range strings.Split(string(data), "\n") {
			if text, ok := strings.CutPrefix(line, "# want: "); ok {
				want = append(want, filepath.ToSlash(file)+text)
			}
		}
		_, err = Parse(filepath.ToSlash(file), data, testEnv)
		if err == nil {
			t.Errorf("%s: no error", file)
			continue
		}
		if *update {
			rewriteWants(t, file, string(data))
		}
		if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("%s: -want +got:\n%s", file, diff)
		}
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the error prints a value of the environment: %v", file, err)
		}
	}
}

// rewriteWants puts the present messages at the end of the file, where they move
// no line; review them in the diff.
func rewriteWants(t *testing.T, file, content string) {
	t.Helper()
	body, _, _ := strings.Cut(content, "# want: ")
	_, err := Parse(filepath.ToSlash(file), []byte(body), testEnv)
	for _, line := range strings.Split(err.Error(), "\n") {
		body += "# want: " + strings.TrimPrefix(line, filepath.ToSlash(file)) + "\n"
	}
	if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
	empty, err := Parse("x.yaml", nil, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(empty, Default()) {
		t.Error("an empty file is not the default")
	}
}

// full.yaml sets every key to something other than its default, so a key that
// is not decoded shows.
func TestFullFileSetsEverything(t *testing.T) {
	c, err := parse(t, "testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	unchanged(t, reflect.ValueOf(*c), reflect.ValueOf(*Default()), "")
	if got := c.Policy.Paths[0]; got != Path(filepath.Join("testdata", "good", "policies")) {
		t.Errorf("a relative path became %q", got)
	}
	if got := c.Telemetry.Traces.Headers["authorization"].Reveal(); got != "Bearer s3cr3t-value" {
		t.Errorf("header %q", got)
	}
	if c.Limits.MaxRequestBody != 8<<20 || c.Drain.Delay != 1500*time.Millisecond || c.Listen.SocketMode != 0o600 {
		t.Errorf("%+v", c)
	}
	services := c.Policy.Bundles.Services
	if s := services.Tree()["acme"].(map[string]any); s["url"] != "https://bundles.example/s3cr3t-value" || s["response_header_timeout_seconds"] != 5 {
		t.Errorf("services %v", s)
	}
	if got := services.Secrets(); !slices.Equal(got, []string{"https://bundles.example/s3cr3t-value", "literal-bundle-token"}) {
		t.Errorf("secrets %v", got)
	}
	if c.Admin.Listen != "127.0.0.1:9333" {
		t.Errorf("admin.listen is %q", c.Admin.Listen)
	}
}

func unchanged(t *testing.T, v, def reflect.Value, path string) {
	t.Helper()
	if v.Kind() == reflect.Struct && v.Type() != reflect.TypeOf(Secret{}) && v.Type() != reflect.TypeOf(OPA{}) {
		for i := range v.NumField() {
			unchanged(t, v.Field(i), def.Field(i), path+"."+v.Type().Field(i).Name)
		}
		return
	}
	if reflect.DeepEqual(v.Interface(), def.Interface()) {
		t.Errorf("full.yaml leaves %s at its default %v", path, def.Interface())
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	c, err := parse(t, "testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "secret", c.Detect.Canaries[0])
	for _, printed := range []string{
		fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q %x", c, *c, *c, c.Detect.Canaries, c.Detect.Canaries[0], c.Detect.Canaries[0]), log.String(),
	} {
		for _, secret := range []string{"s3cr3t", "733363723374", "marker-of-the-prompt", "literal-bundle-token"} {
			if strings.Contains(printed, secret) {
				t.Errorf("prints %q: %s", secret, printed)
			}
		}
	}
}

func TestLoad(t *testing.T) {
	if _, err := Load("testdata/good/minimal.yaml"); err != nil {
		t.Error(err)
	}
	if _, err := Load("testdata/none.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, []byte(strings.Repeat("#", maxFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large); err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestExpand(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := expander{testEnv}
	for in, want := range map[string]string{
		"plain $5 {a}":            "plain $5 {a}",
		"a${PORT}b${PORT}":        "a9333b9333",
		"${NONE:-x:-y}":           "x:-y",
		"${EMPTY:-x}":             "x",
		"[${EMPTY}]":              "[]",
		"$${PORT}":                "${PORT}",
		"${NONE:-}":               "",
		"${file:" + secret + "}!": "from-file!",
	} {
		if got, _, err := x.expand(in); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"${NONE}", "${", "${}", "${:-a}", "${PORT", "${file:/nonexistent}"} {
		if got, _, err := x.expand(in); err == nil {
			t.Errorf("%q: %q, want an error", in, got)
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]Size{"0": 0, "512": 512, "1B": 1, "64KiB": 64 << 10, "4 MiB": 4 << 20, "2kB": 2000, "1GB": 1e9} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%q: %d, %v", in, s, err)
		}
	}
	for _, in := range []string{"", "-1", "1.5MiB", "MiB", "9999999999TiB", "4 M", "0x10"} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q: %d, want an error", in, s)
		}
	}
	for s, want := range map[Size]string{0: "0", 1000: "1000", 1 << 10: "1KiB", 3 << 20: "3MiB"} {
		if s.String() != want {
			t.Errorf("%d: %s", int64(s), s)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("fuzz.yaml", data, testEnv)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v with error %v", c, err)
		}
		var found Errors
		if err != nil && (!errors.As(err, &found) || len(found) == 0) {
			t.Fatalf("an error of type %T: %v", err, err)
		}
	})
}
