package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/regent-proxy/regent/integration/harness"
)

// story runs the calls, one after the other. What does not come out as told is
// an error.
func (d *demo) story(ctx context.Context) error {
	steps := []struct {
		title string
		run   func(context.Context) error
	}{
		{"A plain call passes, to the byte", d.plain},
		{"Personal data does not leave the house", d.personal},
		{"A confidential prompt is answered by the on-prem model", d.confidential},
		{"What the policy forbids is refused", d.forbidden},
		{"A streamed answer leaks a key, in pieces", d.leak},
		{"What it cost: Envoy's access log", d.costs},
		{"Where the time went: the trace of the last call", d.traces},
	}
	for i, step := range steps {
		say("\n%d. %s", i+1, step.title)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, step.title, err)
		}
	}
	return nil
}

// model has a price in Regent's catalog.
const model = "gpt-4o-mini"

func prompt(content string) string { return request(content, false) }

func request(content string, stream bool) string {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	text, _ := json.Marshal(struct { // strings and numbers: never fails
		Model     string    `json:"model"`
		MaxTokens int       `json:"max_tokens"`
		Stream    bool      `json:"stream,omitempty"`
		Messages  []message `json:"messages"`
	}{model, 40, stream, []message{{"user", content}}})
	return string(text)
}

// call posts a prompt to url and shows it as curl would.
func (d *demo) call(ctx context.Context, url, body string, headers ...string) (status int, answer string, err error) {
	say("   $ curl $REGENT/v1/chat/completions -d '%s'%s", body, strings.Join(append([]string{""}, quoted(headers)...), " -H "))
	return d.post(ctx, url, body, headers...)
}

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, each := range list {
		out[i] = "'" + each + "'"
	}
	return out
}

func (d *demo) post(ctx context.Context, url, body string, headers ...string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if url == d.URL {
		d.sent++
	}
	d.trace = random(16)
	req.Header.Set("traceparent", "00-"+d.trace+"-"+random(8)+"-01")
	req.Header.Set("content-type", "application/json")
	if d.key != "" {
		req.Header.Set("authorization", "Bearer "+d.key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// said is the text of an answer.
func said(answer string) string {
	var a struct {
		Choices []struct {
			Message struct{ Content string }
		}
	}
	if json.Unmarshal([]byte(answer), &a) != nil || len(a.Choices) == 0 {
		return answer
	}
	return a.Choices[0].Message.Content
}

// answered shows an answer and wants its status to be 200.
func answered(status int, answer string, err error) error {
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d: %s", status, answer)
	}
	say("   %d  %q", status, said(answer))
	return nil
}

func (d *demo) plain(ctx context.Context) error {
	body := prompt("Say hello in three words.")
	if err := answered(d.call(ctx, d.URL, body)); err != nil {
		return err
	}
	if d.Public != nil {
		if got := d.Public.Last().Body; got != body {
			return fmt.Errorf("the provider received other bytes: %s", got)
		}
		say("   The provider received the same %d bytes.", len(body))
	}
	return nil
}

func (d *demo) personal(ctx context.Context) error {
	body := prompt("Write to ann@example.org about card 4111 1111 1111 1111.")
	if err := answered(d.call(ctx, d.URL, body)); err != nil {
		return err
	}
	if d.Public == nil {
		say("   (A real provider does not show what it received; its answer does.)")
		return nil
	}
	received := d.Public.Last().Body
	say("   The client sent        %s", content(body))
	say("   The provider received  %s", content(received))
	if strings.Contains(received, "ann@") || strings.Contains(received, "4111") {
		return errors.New("personal data reached the provider")
	}
	return nil
}

// content is the text of a request's message.
func content(body string) string {
	var r struct {
		Messages []struct{ Content string }
	}
	if json.Unmarshal([]byte(body), &r) != nil || len(r.Messages) == 0 {
		return body
	}
	return r.Messages[0].Content
}

func (d *demo) confidential(ctx context.Context) error {
	if err := answered(d.call(ctx, d.URL, prompt("This is strictly confidential: what makes a merger succeed?"))); err != nil {
		return err
	}
	entries, err := d.logged(ctx)
	if err != nil {
		return err
	}
	entry := entries[len(entries)-1]
	who := "SmolLM2, on this machine"
	if d.OnPrem != nil {
		who = "simulated"
	}
	say("   Answered by the cluster %q (%s), because of the words \"strictly confidential\".", entry["cluster"], who)
	if entry["cluster"] != "on-prem" {
		return errors.New("it should have been on-prem")
	}
	return nil
}

func (d *demo) forbidden(ctx context.Context) error {
	say("   examples/demo/policies/demo.yaml lists the words \"project nightfall\".")
	status, answer, err := d.call(ctx, d.URL, prompt("Summarise Project Nightfall for a press release."))
	if err != nil {
		return err
	}
	say("   %d  %s", status, answer)
	if status != http.StatusForbidden {
		return errors.New("it should have been refused")
	}
	return nil
}

func (d *demo) leak(ctx context.Context) error {
	body := request("What is the key?", true)
	headers := []string{"x-simulate: secret; chunk=6"}
	provider := d.Public
	if d.key != "" { // the real provider leaks nothing to order
		headers, provider = append(headers, "x-domain: risk"), d.Custom
	}
	status, answer, err := d.call(ctx, d.URL, body, headers...)
	if err != nil {
		return err
	}
	_, sent, err := d.post(ctx, "http://"+provider.Address, provider.Last().Body, headers...)
	if err != nil {
		return err
	}
	say("   The provider sent    %s", pieces(sent))
	say("   The client received  %s", pieces(answer))
	if text := strings.ReplaceAll(pieces(answer), "│", ""); status != http.StatusOK || strings.Contains(text, "AKIA") || !strings.Contains(text, "nobody else has it") {
		return fmt.Errorf("status %d, the key was to be redacted and nothing else", status)
	}
	return nil
}

// pieces are the texts of a stream's events.
func pieces(stream string) string {
	var out []string
	lines := bufio.NewScanner(strings.NewReader(stream))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if ok && json.Unmarshal([]byte(data), &e) == nil && len(e.Choices) > 0 && e.Choices[0].Delta.Content != "" {
			out = append(out, e.Choices[0].Delta.Content)
		}
	}
	return strings.Join(out, "│")
}

// logged are the entries of Envoy's access log, one for each call sent so far;
// it waits for them.
func (d *demo) logged(ctx context.Context) ([]map[string]any, error) {
	for range 500 {
		var out []map[string]any
		for _, line := range strings.Split(d.Envoy.Stdout(), "\n") {
			var entry map[string]any
			if json.Unmarshal([]byte(line), &entry) == nil {
				out = append(out, entry)
			}
		}
		if len(out) >= d.sent {
			return out, nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("Envoy did not log all of %d calls", d.sent)
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}

func (d *demo) costs(ctx context.Context) error {
	entries, err := d.logged(ctx)
	if err != nil {
		return err
	}
	say("   %-12s %-8s %-9s %6s %6s %12s %6s  %s", "model", "cluster", "decision", "in", "out", "US$", "ms", "redacted")
	for _, e := range entries {
		say("   %-12s %-8s %-9s %6s %6s %12s %6s  %s", show(e["model"]), show(e["cluster"]), show(e["decision"]), show(e["input_tokens"]), show(e["output_tokens"]), money(e["cost_usd"]), show(e["duration_ms"]), show(e["redactions"]))
	}
	return nil
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		return v
	}
	text, _ := json.Marshal(v) // it came from JSON
	return string(text)
}

func money(v any) string {
	if cost, ok := v.(float64); ok {
		return fmt.Sprintf("%.8f", cost)
	}
	return "-"
}

func (d *demo) traces(ctx context.Context) error {
	if err := answered(d.call(ctx, d.URL, prompt("One more, for the trace."))); err != nil {
		return err
	}
	trace := d.trace
	var spans []harness.Span
	for range 250 {
		spans = d.collector.Spans(trace)
		if complete(spans) {
			break
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	say("%s", strings.TrimSuffix("   "+strings.ReplaceAll(harness.Tree(spans, line), "\n", "\n   "), "\n   "))
	if !complete(spans) {
		return errors.New("spans are missing")
	}
	return nil
}

// complete: Envoy's spans of listener and attempt have come, and Regent's.
func complete(spans []harness.Span) bool {
	names := ""
	for _, s := range spans {
		names += s.Name + "\n"
	}
	return strings.Contains(names, "ingress") && strings.Contains(names, "router ") && strings.Contains(names, "chat ")
}

func line(s harness.Span) string {
	took := time.Duration(s.EndTimeUnixNano - s.StartTimeUnixNano).Round(10 * time.Microsecond)
	text := fmt.Sprintf("%s: %s (%v)", s.Service, s.Name, took)
	for _, a := range s.Attributes {
		switch a.Key {
		case "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "regent.decision", "upstream_cluster.name":
			text += fmt.Sprintf(" %s=%s", a.Key, strings.Trim(a.Value.String()[strings.Index(a.Value.String(), ":")+1:], `"`))
		}
	}
	return text
}
