package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// adminFlags say where a running Regent's admin port is.
type adminFlags struct {
	address string
	token   string
}

// adminToken is the environment variable that --token falls back to, so that a
// token need not stand in a shell's history.
const adminToken = "REGENT_ADMIN_TOKEN"

func (f *adminFlags) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.address, "admin", "127.0.0.1:9902", "the admin port: host:port, unix:/path, or a URL for TLS")
	c.PersistentFlags().StringVar(&f.token, "token", "", "the admin port's token; "+adminToken+" where absent")
}

// adminWait bounds one request, maxAdminAnswer what is read of its answer.
const (
	adminWait      = 15 * time.Second
	maxAdminAnswer = 16 << 20
)

// call sends in (nil for no body) and decodes the answer into out (nil to leave
// it). An answer over 299 is an error with the server's own words.
func (f *adminFlags) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	client, base := f.client()
	r, err := http.NewRequestWithContext(ctx, method, base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token := f.bearer(); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%w; is Regent running, and is --admin its admin.listen?", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAdminAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode > 299 {
		return adminError(answer.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (f *adminFlags) bearer() string {
	if f.token != "" {
		return f.token
	}
	return os.Getenv(adminToken)
}

// client is an HTTP client for the address and the URL it is reached by.
func (f *adminFlags) client() (*http.Client, string) {
	client := &http.Client{Timeout: adminWait}
	if path, ok := strings.CutPrefix(f.address, "unix:"); ok {
		client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}}
		return client, "http://regent"
	}
	if strings.Contains(f.address, "://") {
		return client, strings.TrimSuffix(f.address, "/")
	}
	return client, "http://" + f.address
}

// adminError is what the server says, or its status where it says nothing.
func adminError(status string, body []byte) error {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &said) == nil && said.Error != "" {
		return fmt.Errorf("%s (%s)", said.Error, status)
	}
	return fmt.Errorf("the admin port answered %s", status)
}
