package simulate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// ask is a request, whatever its API.
type ask struct {
	model    string
	last     string // text of the last message
	fromTool bool   // the last message is a tool's result
	tools    []tool
	noTool   bool // tool_choice none
	stream   bool
	usage    bool // stream usage was asked for
	n        int  // choices, at least 1
	size     int  // bytes of the request's texts
	// texts are each to be embedded; packed: as binary numbers.
	texts  []string
	packed bool
}

// tool is one that the request offers; schema is its parameters' JSON Schema.
type tool struct {
	name   string
	schema json.RawMessage
}

// answer is what is said to an ask, whatever its API.
type answer struct {
	id        string // 24 hex digits, by what was asked
	reasoning string
	text      string
	tool      string // name of the tool called, "" for none
	args      string // its arguments, JSON
	pieces    int    // characters an event
	input     int    // tokens
	output    int
	thought   int // of output
	usage     bool
}

// answer decides what to say. It depends on nothing but what was asked.
func (s *Server) answer(a *ask, b behaviour) *answer {
	digest := sha256.Sum256([]byte(a.model + "\x00" + a.last))
	r := &answer{id: hex.EncodeToString(digest[:12]), pieces: b.chunk}
	if t := chosenTool(a, b); t != nil {
		r.tool, r.args = t.name, arguments(t.schema, a.last)
	} else {
		r.text = s.text(a, b)
	}
	if b.reasoning {
		r.reasoning = "The user wrote " + fmt.Sprint(len(a.last)) + " bytes. I repeat them."
	}
	r.thought = tokens(len(r.reasoning))
	r.input, r.output = tokens(a.size), tokens(len(r.text)+len(r.args))+r.thought
	r.usage = !b.neverUsage && (!a.stream || a.usage || b.alwaysUsage)
	return r
}

// tokens is a count that anyone can check: a token for each four bytes begun.
func tokens(bytes int) int { return (bytes + 3) / 4 }

func (s *Server) text(a *ask, b behaviour) string {
	text := "You said: " + a.last
	switch {
	case b.saysFixed:
		text = b.say
	case a.fromTool:
		text = "The tool said: " + a.last
	}
	if b.secret {
		text += " By the way, the key is " + secret() + " and nobody else has it."
	}
	if short := b.size - len(text); short > 0 {
		text += filler(short)
	}
	return text
}

// secret has the form of a cloud access key and opens nothing. It is put
// together here so that scanners of source code leave it alone.
func secret() string { return "AKIA" + "Y7QZ2LMXTB4WRNVD" }

// filler is n bytes of prose.
func filler(n int) string {
	const prose = " The quick brown fox jumps over the lazy dog and writes about it at length."
	return strings.Repeat(prose, n/len(prose)+1)[:n]
}

// chosenTool is the tool to call: the one the directive names, else the first
// offered, once, before any tool has answered.
func chosenTool(a *ask, b behaviour) *tool {
	for i := range a.tools {
		if a.tools[i].name == b.tool {
			return &a.tools[i]
		}
	}
	switch {
	case b.tool != "":
		return &tool{name: b.tool}
	case b.noTool || a.noTool || a.fromTool || len(a.tools) == 0:
		return nil
	}
	return &a.tools[0]
}

// arguments fills a tool's parameters: strings with what the user said, the
// rest with the least value of their kind.
func arguments(schema json.RawMessage, said string) string {
	var s struct {
		Properties map[string]struct {
			Type any   `json:"type"`
			Enum []any `json:"enum"`
		} `json:"properties"`
	}
	_ = json.Unmarshal(schema, &s) // no schema: no arguments
	args := map[string]any{}
	for name, p := range s.Properties {
		if len(p.Enum) > 0 {
			args[name] = p.Enum[0]
			continue
		}
		args[name] = leastOf(strings.ToLower(fmt.Sprint(p.Type)), said)
	}
	out, _ := json.Marshal(args) // strings, numbers, bools: never fails
	return string(out)
}

func leastOf(kind, said string) any {
	switch kind {
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	}
	return said
}

// split cuts text into pieces of n characters; "" has none.
func split(text string, n int) []string {
	var out []string
	for text != "" {
		end, count := len(text), 0
		for i := range text {
			if count == n {
				end = i
				break
			}
			count++
		}
		out = append(out, text[:end])
		text = text[end:]
	}
	return out
}

// textOf joins the texts of a message's content: a string, or a list of parts
// that have a text.
func textOf(content json.RawMessage) string {
	var s string
	if json.Unmarshal(content, &s) == nil {
		return s
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &parts) != nil {
		return ""
	}
	var texts []string
	for _, p := range parts {
		if p.Text != "" {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n")
}
