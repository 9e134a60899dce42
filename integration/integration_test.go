// Package integration holds the tests of the whole: real Envoy, real Regent,
// real client libraries, simulated providers.
package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regent-proxy/regent/integration/harness"
)

// tools and the binaries all tests share.
var (
	tools  *harness.Tools
	envoy  string
	regent string
)

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	root, err := harness.FindRoot()
	if err != nil {
		return 1, err
	}
	tools = &harness.Tools{Root: root, Progress: os.Stderr}
	if envoy, err = tools.Envoy(ctx); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "regent-bin-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if regent, err = tools.Regent(ctx, dir); err != nil {
		return 1, err
	}
	code := m.Run()
	closeShared()
	return code, nil
}

// start starts a stack for one test; its logs are shown if the test fails.
func start(t *testing.T, opts harness.Options) *harness.Stack {
	t.Helper()
	opts.Envoy, opts.Regent, opts.Root = envoy, regent, tools.Root
	s, err := harness.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.Logs())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// shared stacks serve many tests, one each configuration.
var shared = map[string]*sharedStack{
	"default": {},
	"plain":   {opts: harness.Options{Bootstrap: (*harness.Bootstrap).WithoutRegent, NoRegent: true}},
	"denying": {opts: harness.Options{Policies: map[string]string{"deny.yaml": "regent: {settings: {models: {deny: [\"*denied*\"]}}}\n"}}},
	"h2":      {opts: harness.Options{Bootstrap: (*harness.Bootstrap).SetHTTP2}},
}

type sharedStack struct {
	opts harness.Options
	once sync.Once
	s    *harness.Stack
	err  error
}

// with is the shared stack of that name.
func with(t *testing.T, name string) *harness.Stack {
	t.Helper()
	one := shared[name]
	one.once.Do(func() {
		one.opts.Envoy, one.opts.Regent, one.opts.Root = envoy, regent, tools.Root
		one.s, one.err = harness.Start(context.Background(), one.opts)
	})
	if one.err != nil {
		t.Fatal(one.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(one.s.Logs())
		}
	})
	return one.s
}

func closeShared() {
	for name, one := range shared {
		if one.s == nil {
			continue
		}
		if err := one.s.Close(); err != nil {
			fmt.Fprintln(os.Stderr, name, err)
		}
	}
}

// client goes to Envoy without decompressing or following anything.
var client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}

// reply is a response that has been read.
type reply struct {
	*http.Response
	body string
	err  error // of reading the body
}

// call posts a body with headers given as "name: value".
func call(t *testing.T, url, body string, headers ...string) reply {
	t.Helper()
	return do(t, client, http.MethodPost, url, body, headers...)
}

func do(t *testing.T, client *http.Client, method, url, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("content-type", "application/json")
	} else {
		req.Body = nil
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp, string(b), err}
}

const chatPath = "/v1/chat/completions"

// prompt is a chat request that asks content of a model.
func prompt(model, content string, more ...string) string {
	text, _ := json.Marshal(content)
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%s}]%s}`, model, text, strings.Join(more, ""))
}

const (
	streamed  = `,"stream":true`
	withUsage = `,"stream":true,"stream_options":{"include_usage":true}`
)

// awaitLog waits for the line of Envoy's access log that has the member with
// that value.
func awaitLog(t *testing.T, s *harness.Stack, member string, value any) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, line := range strings.Split(s.Envoy.Stdout(), "\n") {
			var entry map[string]any
			if json.Unmarshal([]byte(line), &entry) == nil && entry[member] == value {
				return entry
			}
		}
	}
	t.Fatalf("no access log line has %s = %v:\n%s", member, value, s.Envoy.Stdout())
	return nil
}

// eventually waits for a condition that something else brings about; details say
// why it is not there.
func eventually(t *testing.T, what string, true func() bool, details ...func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if true() {
			return
		}
	}
	for _, why := range details {
		what += ": " + why()
	}
	t.Fatalf("still not so: %s", what)
}
