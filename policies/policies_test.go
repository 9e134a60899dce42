package policies_test

import (
	"bytes"
	"io/fs"
	"path"
	"testing"

	"github.com/open-policy-agent/opa/v1/format"

	"github.com/regent-proxy/regent/policies"
)

// Every shipped module is formatted as opa fmt does.
func TestFormatted(t *testing.T) {
	err := fs.WalkDir(policies.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".rego" {
			return err
		}
		text, err := fs.ReadFile(policies.Files, name)
		if err != nil {
			return err
		}
		want, err := format.Source(name, text)
		if err != nil {
			return err
		}
		if !bytes.Equal(text, want) {
			t.Errorf("%s is not formatted; it should read:\n%s", name, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
