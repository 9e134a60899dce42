package harness

import (
	"context"
	"net"
	"net/http"
	"time"
)

// GetUnix gets a path over HTTP from a Unix socket; any status but 200 is an error.
func GetUnix(ctx context.Context, socket, path string) (string, error) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	return get(ctx, client, "http://regent"+path)
}
