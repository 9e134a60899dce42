package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/catalog"
	"github.com/regent-proxy/regent/pkg/dialects"
	"github.com/regent-proxy/regent/pkg/har"
	"github.com/regent-proxy/regent/pkg/inspect"
)

// maxInspected bounds one decompressed body that inspect reads.
const maxInspected = 256 << 20

func newInspectCommand() *cobra.Command {
	var chunks string
	cmd := &cobra.Command{
		Use:   "inspect FILE|-",
		Short: "Show what Regent understands of recorded traffic",
		Long: `Read a HAR file, or HAR entries one a line, and print one JSON line an entry:
dialect, operation, models, token usage, finish reasons, text, tool calls and
errors as Regent reads them. It answers "does Regent understand our traffic?".

Token counts are by the OpenTelemetry GenAI conventions: input with cached,
output with reasoning; null where the provider stated none.`,
		Example: `  regent inspect calls.har
  regent inspect --chunks random:7 entries.jsonl   # feed responses in random pieces`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			i, err := newInspector(chunks)
			if err != nil {
				return err
			}
			data, err := readInput(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return inspectAll(i, data, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&chunks, "chunks", "", "feed responses in pieces: random:SEED (1 to 64 bytes), or a number of bytes")
	return cmd
}

func newInspector(chunks string) (*inspect.Inspector, error) {
	cut, err := inspect.ParseChunks(chunks)
	if err != nil {
		return nil, err
	}
	registry, err := dialects.Registry(nil)
	if err != nil {
		return nil, err
	}
	models, err := catalog.Load(nil)
	if err != nil {
		return nil, err
	}
	return &inspect.Inspector{Dialects: registry, Catalog: models, Chunks: cut, MaxBody: maxInspected}, nil
}

func readInput(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

func inspectAll(i *inspect.Inspector, data []byte, out io.Writer) error {
	w := bufio.NewWriter(out)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	err := har.Read(data, func(n int, e *har.Entry) error {
		if err := encoder.Encode(i.Inspect(n, e)); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.Flush()
}
