package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

const maxFile = 4 << 20

// Load reads and validates a file. A file that can't be read is an fs.PathError,
// a faulty one an [Errors].
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read the configuration: %s is larger than 4 MiB", path)
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse reads and validates data as if it stood in file, whose folder relative
// paths start from. env looks up what ${NAME} stands for.
func Parse(file string, data []byte, env func(name string) (value string, ok bool)) (*Config, error) {
	root, err := parseYAML(file, data)
	if err != nil {
		return nil, err
	}
	c := Default()
	d := &decoder{file: file, dir: filepath.Dir(file), expander: expander{env}, places: map[string]place{}}
	if root != nil {
		d.document(root, c)
	}
	if len(d.errs) > 0 {
		return nil, d.errs.inOrder()
	}
	if problems := c.problems(); len(problems) > 0 {
		return nil, d.locate(problems).inOrder()
	}
	return c, nil
}

var yamlPlace = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// parseYAML is the root of the one document in data, nil if there is none.
func parseYAML(file string, data []byte) (*yaml.Node, error) {
	reader := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := reader.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, Errors{syntaxError(file, err)}
	}
	if err := reader.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, Errors{syntaxError(file, err)}
		}
		return nil, Errors{{File: file, Line: second.Line, Column: second.Column, Message: "a second document", Hint: "one file holds one configuration"}}
	}
	return document.Content[0], nil
}

// syntaxError gives the parser's message its place, as far as it tells.
func syntaxError(file string, err error) *Error {
	e := &Error{File: file, Message: err.Error()}
	if m := yamlPlace.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Message = m[2]
	}
	if e.Line > 0 {
		e.Column = 1
	}
	return e
}
