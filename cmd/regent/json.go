package main

import (
	"encoding/json"
	"io"
	"strings"
)

// printJSON writes v over several lines, for people.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printLine writes v on one line, for programs.
func printLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func jsonText(v any) (string, error) {
	var b strings.Builder
	err := printLine(&b, v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
