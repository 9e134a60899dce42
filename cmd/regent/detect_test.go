package main

import (
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	in := `{"id":"a","text":"né à Paris, ann@corp.example"}` + "\n" + `{"id":2,"text":"nothing"}` + "\n"
	var out, errOut strings.Builder
	if code := execute(t.Context(), []string{"detect"}, strings.NewReader(in), &out, &errOut); code != 0 {
		t.Fatalf("exit %d: %s", code, errOut.String())
	}
	want := `{"id":"a","findings":[{"start":12,"end":28,"entity":"EMAIL","class":"pii","score":0.95}]}` + "\n" + `{"id":2,"findings":[]}` + "\n"
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

func TestDetectShowsAndLists(t *testing.T) {
	for args, want := range map[string]string{
		"--text|mail ann@corp.example":                "mail [ann@corp.example:EMAIL]",
		"--color|always|--text|mail ann@corp.example": "mail \x1b[1;33mann@corp.example\x1b[0m",
		"--list": "CREDIT_CARD",
	} {
		var out, errOut strings.Builder
		line := append([]string{"detect"}, strings.Split(args, "|")...)
		if code := execute(t.Context(), line, strings.NewReader(""), &out, &errOut); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%q: exit %d, %s%s", line, code, out.String(), errOut.String())
		}
	}
}
