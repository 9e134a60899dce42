package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/simulate"
)

func newSimulateCommand() *cobra.Command {
	var opts simulate.Options
	var address string
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Stand in for an LLM provider, to try policies on",
		Long: `Stand in for an LLM provider: the same request always gets the same answer,
an echo of its last message. It speaks HTTP/1.1 and HTTP/2 without TLS.
GET /__requests shows the last requests as they arrived.

Directives make it misbehave. They stand in a model name (sim-small+secret),
in the x-simulate header (secret; chunk=3) or, for all requests, in --behave:

` + simulate.Directives,
		Example: `  regent simulate --listen 127.0.0.1:8081
  curl http://127.0.0.1:8081/v1/chat/completions -d '{"model":"sim-small","messages":[{"role":"user","content":"hello"}]}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := simulate.New(opts)
			if err != nil {
				return err
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s listens on http://%s\n", opts.Name, l.Addr())
			return serveSimulated(cmd.Context(), l, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&address, "listen", "l", "127.0.0.1:8081", "host:port to listen on")
	flags.StringVar(&opts.Name, "name", "simulated", "who answers, in the x-simulated-by header and the models list")
	flags.StringVar(&opts.Behaviour, "behave", "", "directives for all requests, parted by ;")
	flags.StringSliceVar(&opts.Models, "models", nil, "names of the models it lists")
	flags.IntVar(&opts.Keep, "keep", 64, "how many requests /__requests holds")
	return cmd
}

// serveSimulated serves until ctx ends; calls in hand are then cut.
func serveSimulated(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, Protocols: simulate.Protocols()}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
