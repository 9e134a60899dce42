package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel"
	"golang.org/x/sync/errgroup"

	"github.com/regent-proxy/regent/pkg/admin"
	"github.com/regent-proxy/regent/pkg/config"
)

func newServeCommand() *cobra.Command {
	var file string
	var check bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve Envoy's ext_proc streams",
		Long: `Serve Envoy's ext_proc streams until SIGTERM or SIGINT, then drain: readiness
and gRPC health turn false, live calls may end, the rest is cut with an error,
at which Envoy applies its failure mode. A second signal ends the process at once.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(file)
			if err != nil {
				return err
			}
			if check {
				return checkConfig(cmd.Context(), c, cmd.OutOrStdout())
			}
			return run(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "configuration file (YAML); without one, the defaults")
	cmd.Flags().BoolVar(&check, "check", false, "say whether configuration and policies are good, and serve nothing")
	return cmd
}

func loadConfig(file string) (*config.Config, error) {
	if file == "" {
		return config.Default(), nil
	}
	return config.Load(file)
}

// checkConfig makes all parts and throws them away.
func checkConfig(ctx context.Context, c *config.Config, out io.Writer) error {
	c.Telemetry.Traces.Exporter, c.Telemetry.Metrics.Exporter = "none", "none"
	p, err := assemble(ctx, c, out, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := p.checkBundles(); err != nil {
		return errors.Join(err, p.close(ctx))
	}
	fmt.Fprintf(out, "configuration and policies are good, policy revision %s\n", p.engine.Current().Revision())
	return p.close(ctx)
}

// run serves c until ctx ends, then drains. Spans and metrics of the stdout
// exporters go to out, the log to errOut.
func run(ctx context.Context, c *config.Config, out, errOut io.Writer) error {
	log := newLogger(c.Log, errOut)
	tuneRuntime(c.Runtime, os.Getenv, log)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(newThrottle(log).error))
	p, err := assemble(ctx, c, out, log)
	if err != nil {
		return err
	}
	err = p.serve(ctx, c, log)
	flush, cancel := context.WithTimeout(context.Background(), c.Drain.Flush)
	defer cancel()
	if late := p.close(flush); late != nil {
		log.Warn("some telemetry was not sent", "error", late)
	}
	return err
}

// serve opens the listeners and serves both ports; when it returns, every call
// has ended.
func (p *parts) serve(ctx context.Context, c *config.Config, log *slog.Logger) error {
	calls, err := listen(c.Listen.Address, c.Listen.SocketMode)
	if err != nil {
		return fmt.Errorf("listen.address: %w", err)
	}
	var operators net.Listener
	if c.Admin.Listen != "" {
		if operators, err = listenAdmin(c); err != nil {
			return errors.Join(fmt.Errorf("admin.listen: %w", err), calls.Close())
		}
	}
	server := newGRPCServer(c.Drain, p.telemetry.OpenStreams, log, p.extproc.ServerOptions()...)
	p.extproc.Register(server)
	log.Info("serving", "version", readVersion().Version, "address", bound(c.Listen.Address, calls), "admin", bound(c.Admin.Listen, operators), "policy_revision", p.engine.Current().Revision())
	return p.both(ctx, c, server, calls, operators)
}

// bound is where a listener listens: with the port that it got where any was
// asked for.
func bound(asked config.Address, l net.Listener) string {
	if l != nil && l.Addr().Network() == "tcp" {
		return l.Addr().String()
	}
	return string(asked)
}

// both runs the gRPC server and, where there is one, the admin server, which
// answers until the last call has ended. Either one failing ends both.
func (p *parts) both(ctx context.Context, c *config.Config, server *grpcServer, calls, operators net.Listener) error {
	var draining atomic.Bool
	stop := context.AfterFunc(ctx, func() { draining.Store(true) })
	defer stop()
	group, groupCtx := errgroup.WithContext(ctx)
	admins := admin.New(admin.Options{
		Ready: func() []admin.Reason { return p.readiness(&draining) }, Gatherer: p.telemetry.Gatherer(), Version: readVersion(), Pprof: c.Admin.Pprof,
		Access: adminAccess(&c.Admin), Routes: p.routes,
	})
	ended := make(chan struct{})
	group.Go(func() error {
		defer close(ended)
		return server.serve(groupCtx, calls)
	})
	if operators != nil {
		group.Go(func() error { return admins.Serve(operators) })
		group.Go(func() error {
			<-ended
			last, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = admins.Shutdown(last) // a scrape still in hand is cut
			return nil
		})
	}
	return group.Wait()
}

// readiness is why calls should not be sent here: the process is ending, or no
// policy has come yet. A policy that failed to reload is no reason, the one
// before it still decides.
func (p *parts) readiness(draining *atomic.Bool) []admin.Reason {
	if draining.Load() {
		return []admin.Reason{{Part: "drain", Message: "the process is ending"}}
	}
	if p.bundles != nil && p.engine.Current().Pending() != nil {
		return []admin.Reason{{Part: "policy", Message: p.bundles.Waiting()}}
	}
	return nil
}
