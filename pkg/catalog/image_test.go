package catalog

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"testing"
)

// The figures are the providers' own examples.
func TestImageTokens(t *testing.T) {
	for _, x := range []struct {
		dialect       string
		width, height int
		want          int64
	}{
		{"openai", 1024, 1024, 765},
		{"openai", 2048, 4096, 1105},
		{"openai", 512, 512, 255},
		{"anthropic", 200, 200, 53},
		{"anthropic", 1000, 1000, 1333},
		{"bedrock", 1092, 1092, 1589},
		{"gemini", 384, 384, 258},
		{"gemini", 1000, 700, 516},
		{"openai", 0, 0, 765},
	} {
		if got := ImageTokens(x.dialect, x.width, x.height); got != x.want {
			t.Errorf("%s %d×%d: %d, want %d", x.dialect, x.width, x.height, got, x.want)
		}
	}
}

func TestImageSize(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	if w, h := ImageSize([]byte(base64.StdEncoding.EncodeToString(b.Bytes()))); w != 640 || h != 480 {
		t.Errorf("%d×%d", w, h)
	}
	if w, h := ImageSize([]byte("AAAA not an image")); w != 0 || h != 0 {
		t.Errorf("%d×%d of nothing", w, h)
	}
}
