package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A simulated provider answers from the moment it says where, until it is told
// to end.
func TestSimulate(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, in := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- execute(ctx, []string{"simulate", "--listen", "127.0.0.1:0", "--name", "acme", "--behave", "say=aye"}, strings.NewReader(""), in, in)
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "acme listens on http://") {
		t.Fatalf("%q %v", line, err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(line, "acme listens on "))
	resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Contains(body, []byte(`"content":"aye"`)) {
		t.Errorf("%s %v", body, err)
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSimulateRefusesBadDirectives(t *testing.T) {
	var errs bytes.Buffer
	if code := execute(t.Context(), []string{"simulate", "--behave", "sercet"}, strings.NewReader(""), io.Discard, &errs); code != 1 || !strings.Contains(errs.String(), `"sercet"`) {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}
