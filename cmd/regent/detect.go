package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/detect"
	"github.com/regent-proxy/regent/pkg/policy/opa"
)

type detectFlags struct {
	text, file, color string
	list              bool
	entities, disable []string
	custom, policies  []string
}

func newDetectCommand() *cobra.Command {
	var f detectFlags
	cmd := &cobra.Command{
		Use:   "detect",
		Short: "Find sensitive values and attacks in text",
		Long: `Detect reads {"id","text"} lines on standard input and writes
{"id","findings":[{"start","end","entity","class","score"}]} lines; offsets
count Unicode code points. With --text or --file it shows one text, findings
marked.`,
		Example: `  regent detect --text 'mail ann@corp.example'
  regent detect < texts.jsonl > findings.jsonl
  regent detect --policy ./policies --text 'the heron launch'
  regent detect --list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	cmd.Flags().StringVar(&f.text, "text", "", "a text to look into")
	cmd.Flags().StringVar(&f.file, "file", "", "a file to look into")
	cmd.Flags().StringVar(&f.color, "color", "auto", "mark findings in colour: auto, always or never")
	cmd.Flags().BoolVar(&f.list, "list", false, "list every entity")
	cmd.Flags().StringSliceVar(&f.entities, "entities", nil, "look for these entities only")
	cmd.Flags().StringSliceVar(&f.disable, "disable", nil, "do not look for these entities")
	cmd.Flags().StringSliceVar(&f.custom, "custom", nil, "files with entities of your own, as detect.custom of the config")
	cmd.Flags().StringSliceVar(&f.policies, "policy", nil, "policy files and folders whose settings.entities are looked for too")
	cmd.MarkFlagsMutuallyExclusive("text", "file", "list")
	return cmd
}

func (f *detectFlags) run(cmd *cobra.Command) error {
	if f.list {
		return listEntities(cmd.OutOrStdout())
	}
	set, err := f.set(cmd.Context())
	if err != nil {
		return err
	}
	text := []byte(f.text)
	if f.file != "" {
		if text, err = os.ReadFile(f.file); err != nil {
			return err
		}
	}
	if f.file != "" || cmd.Flags().Changed("text") {
		return showFindings(cmd.OutOrStdout(), set, text, f.colored(cmd.OutOrStdout()))
	}
	return detectLines(cmd.InOrStdin(), cmd.OutOrStdout(), set)
}

// set is what the flags ask to look for.
func (f *detectFlags) set(ctx context.Context) (*detect.Set, error) {
	o := detect.Options{Entities: f.entities, Disable: f.disable, Injection: true}
	for _, path := range f.custom {
		more, err := customEntities(path)
		if err != nil {
			return nil, err
		}
		o.Custom = append(o.Custom, more...)
	}
	set, err := detect.New(o)
	if err != nil || len(f.policies) == 0 {
		return set, err
	}
	engine, err := opa.Open(ctx, opa.Options{Paths: f.policies, Detect: set})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	if own := engine.Current().Detect(); own != nil {
		set = own
	}
	return set, nil
}

// colored reports whether out is to get escape sequences.
func (f *detectFlags) colored(out io.Writer) bool {
	if f.color != "auto" {
		return f.color == "always"
	}
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// detectLine is one line of input; detectResult its answer.
type detectLine struct {
	ID   json.RawMessage `json:"id"`
	Role string          `json:"role"`
	Text string          `json:"text"`
}

type detectResult struct {
	ID       json.RawMessage `json:"id"`
	Findings []detectFinding `json:"findings"`
}

type detectFinding struct {
	Start  int     `json:"start"`
	End    int     `json:"end"`
	Entity string  `json:"entity"`
	Class  string  `json:"class"`
	Score  float64 `json:"score"`
}

// detectLines answers each line of in with one of out.
func detectLines(in io.Reader, out io.Writer, set *detect.Set) error {
	dec := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	var found []detect.Finding
	for n := 1; ; n++ {
		var line detectLine
		if err := dec.Decode(&line); err == io.EOF {
			return w.Flush()
		} else if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		found = set.ScanAs([]byte(line.Text), line.Role, found[:0])
		if err := enc.Encode(detectResult{line.ID, inCodePoints(line.Text, found)}); err != nil {
			return err
		}
	}
}

// inCodePoints gives findings their offsets in code points. It counts on from the
// finding before, as they are in order but for an injection, which is last.
func inCodePoints(text string, found []detect.Finding) []detectFinding {
	out := make([]detectFinding, len(found))
	at, points := 0, 0
	for i, f := range found {
		if f.Start < at {
			at, points = 0, 0
		}
		points += utf8.RuneCountInString(text[at:f.Start])
		at = f.Start
		out[i] = detectFinding{points, points + utf8.RuneCountInString(text[f.Start:f.End]), f.Entity, string(f.Class), f.Score}
	}
	return out
}

// classColors are the SGR codes of the classes; custom ones are magenta.
var classColors = map[detect.Class]string{detect.PII: "33", detect.Secret: "31", detect.Injection: "36", detect.Exfiltration: "34"}

// showFindings writes text with its findings marked, and a list of them.
func showFindings(out io.Writer, set *detect.Set, text []byte, color bool) error {
	found := set.ScanAs(text, "", nil)
	w := bufio.NewWriter(out)
	at := 0
	for _, f := range found {
		if f.Start < at {
			continue // an injection, over what was already marked
		}
		w.Write(text[at:f.Start])
		open, end := "[", ":"+f.Entity+"]"
		if color {
			code := classColors[f.Class]
			if code == "" {
				code = "35"
			}
			open, end = "\x1b[1;"+code+"m", "\x1b[0m"
		}
		w.WriteString(open)
		w.Write(text[f.Start:f.End])
		w.WriteString(end)
		at = f.End
	}
	w.Write(text[at:])
	if len(text) > 0 && text[len(text)-1] != '\n' {
		w.WriteByte('\n')
	}
	for _, f := range found {
		fmt.Fprintf(w, "%6d-%-6d %-24s %-13s %.2f\n", f.Start, f.End, f.Entity, f.Class, f.Score)
	}
	return w.Flush()
}

func listEntities(out io.Writer) error {
	list, err := detect.Entities()
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	for _, e := range list {
		fmt.Fprintf(w, "%-36s %-13s %s\n", e.Name, e.Class, strings.TrimSpace(e.About))
		if e.Example != "" {
			fmt.Fprintf(w, "%50s e.g. %s\n", "", e.Example)
		}
	}
	return w.Flush()
}
