// Command demo tells what Regent does in a few calls: a real Envoy, Regent
// beside it, a simulated public provider, and a small real LLM on this machine.
//
// DEMO_LLM=0 leaves the LLM out, OPENAI_API_KEY makes the public provider real.
// With --stay it leaves everything running for your own client.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/regent-proxy/regent/integration/harness"
)

func main() {
	stay := flag.Bool("stay", false, "leave everything running until Ctrl-C, and tell no story")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *stay); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is what runs.
type demo struct {
	*harness.Stack
	collector *harness.Collector
	llm       *harness.Process
	dir       string // of the binary and the LLM's logs
	key       string // of the real public provider, "" for the simulated one
	sent      int    // calls through Envoy
	trace     string // of the last call, hex
}

// listenPort is where --stay listens, so that it can be typed.
const listenPort = 10000

func run(ctx context.Context, stay bool) (err error) {
	began := time.Now()
	d := &demo{key: os.Getenv("OPENAI_API_KEY")}
	defer func() {
		if closed := d.close(); err == nil {
			err = closed
		}
	}()
	if err := d.start(ctx, stay); err != nil {
		return err
	}
	say("Ready after %s.", time.Since(began).Round(100*time.Millisecond))
	if stay {
		d.explain()
		<-ctx.Done()
		return nil
	}
	if err := d.story(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, d.Logs())
	}
	say("\nThat was all, in %s. Everything is stopped again. `make run` leaves it running for your own client.", time.Since(began).Round(100*time.Millisecond))
	return nil
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// start finds or installs the tools and starts everything.
func (d *demo) start(ctx context.Context, stay bool) error {
	root, err := harness.FindRoot()
	if err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "regent-demo-"); err != nil {
		return err
	}
	tools := &harness.Tools{Root: root, Progress: os.Stdout}
	envoy, err := tools.Envoy(ctx)
	if err != nil {
		return err
	}
	say("Building Regent …")
	regent, err := tools.Regent(ctx, d.dir)
	if err != nil {
		return err
	}
	providers, err := d.startLLM(ctx, tools)
	if err != nil {
		return err
	}
	if d.collector, err = harness.StartCollector(); err != nil {
		return err
	}
	policy, err := os.ReadFile(filepath.Join(root, "examples", "demo", "policies", "demo.yaml"))
	if err != nil {
		return err
	}
	say("Starting Envoy and Regent …")
	d.Stack, err = harness.Start(ctx, harness.Options{
		Envoy: envoy, Regent: regent, Root: root, Providers: providers,
		Policies: map[string]string{"demo.yaml": string(policy)},
		Config:   func(c map[string]any) { d.configure(c, stay) },
		Bootstrap: func(b *harness.Bootstrap) {
			d.bootstrap(b, filepath.Join(root, "envoy", "tracing.yaml"), stay)
		},
	})
	return err
}

// startLLM starts the on-prem model, unless it is to be left out, and gives the
// addresses of clusters that are not simulated.
func (d *demo) startLLM(ctx context.Context, tools *harness.Tools) (map[string]string, error) {
	if os.Getenv("DEMO_LLM") == "0" {
		say("DEMO_LLM=0: the on-prem model is simulated too.")
		return nil, nil
	}
	python, err := tools.LLM(ctx)
	if err != nil {
		return nil, fmt.Errorf("the on-prem model: %w\nDEMO_LLM=0 leaves it out", err)
	}
	say("Loading the on-prem model (SmolLM2, 135 million parameters) …")
	var address string
	d.llm, err = harness.StartProcess(d.dir, "on-prem", python, filepath.Join(tools.Root, "examples", "demo", "onprem.py"))
	if err != nil {
		return nil, err
	}
	err = d.llm.Await(ctx, "serves", func() bool {
		for _, line := range strings.Split(d.llm.Stdout(), "\n") {
			if at, ok := strings.CutPrefix(line, "http://"); ok {
				address = at
			}
		}
		return address != ""
	})
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, d.llm.Logs())
	}
	return map[string]string{"on-prem": address}, nil
}

// configure has Regent send its spans to the collector.
func (d *demo) configure(c map[string]any, stay bool) {
	if stay {
		c["admin"] = map[string]any{"listen": "127.0.0.1:0"} // for a browser
	}
	c["telemetry"] = map[string]any{
		"traces":  map[string]any{"exporter": "otlp", "protocol": "grpc", "endpoint": "http://" + d.collector.Address, "interval": "50ms"},
		"metrics": map[string]any{"exporter": "none"},
	}
}

// authorities are certificates to trust, where systems keep them.
var authorities = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}

func (d *demo) bootstrap(b *harness.Bootstrap, tracing string, stay bool) {
	b.AddTracing(tracing, d.collector.Address)
	if stay {
		b.SetListenPort(listenPort)
	}
	if d.key == "" {
		return
	}
	for _, file := range authorities {
		if _, err := os.Stat(file); err == nil {
			b.SetTLS("public", "api.openai.com", file)
			return
		}
	}
	b.Err = fmt.Errorf("no file of trusted certificates found, looked at %v", authorities)
}

// close ends what was started.
func (d *demo) close() error {
	var err error
	if d.Stack != nil {
		err = d.Stack.Close()
	}
	if d.collector != nil {
		d.collector.Close()
	}
	if d.llm != nil {
		d.llm.Kill() // nothing to save, and it is slow to end
	}
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
	return err
}

// explain tells how to use what --stay leaves running.
func (d *demo) explain() {
	say(`
Envoy listens at %[1]s and speaks OpenAI's API. Try:

  curl %[1]s/v1/chat/completions -H 'content-type: application/json' \
    -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"I am ann@example.org"}]}'

or point an SDK at it:

  export OPENAI_BASE_URL=%[1]s/v1 OPENAI_API_KEY=%[2]s

Regent's console:          %[7]s/console/
Envoy's admin interface:   %[3]s
What Envoy logs of calls:  %[4]s
Regent's log:              %[5]s
Policies, read at changes: %[6]s`,
		d.URL, d.someKey(), d.Admin, filepath.Join(d.Dir, "envoy.out"), filepath.Join(d.Dir, "regent.err"), filepath.Join(d.Dir, "conf", "policies"), d.Operators)
	if d.Public != nil {
		say("What the public provider received: http://%s/__requests", d.Public.Address)
	}
	say("\nCtrl-C ends it.")
}

func (d *demo) someKey() string {
	if d.key != "" {
		return "(your key)"
	}
	return "any"
}
