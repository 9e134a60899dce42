package catalog

import (
	"bytes"
	"encoding/base64"
	"image"
	_ "image/gif"  // headers of inline images
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"math"
)

// unknownSide stands in for an image whose size can't be told, in pixels: a
// common one for what people attach.
const unknownSide = 1024

// ImageTokens is about what an image of that size costs as input, by the rules
// that the providers publish, in the words of a dialect. A size of 0 is unknown.
//
//   - OpenAI: 85 + 170 for each tile of 512 pixels, after scaling to fit 2048 and
//     to 768 on the shorter side.
//     https://platform.openai.com/docs/guides/images-vision#calculating-costs
//   - Anthropic, and Bedrock's: width × height / 750, after scaling to fit 1568.
//     https://docs.anthropic.com/en/docs/build-with-claude/vision#calculate-image-costs
//   - Gemini: 258, or 258 for each tile of 768 pixels where a side is over 384.
//     https://ai.google.dev/gemini-api/docs/tokens#multimodal-tokens
func ImageTokens(dialect string, width, height int) int64 {
	if width <= 0 || height <= 0 {
		width, height = unknownSide, unknownSide
	}
	w, h := float64(width), float64(height)
	switch dialect {
	case "anthropic", "bedrock":
		w, h = fit(w, h, 1568)
		return int64(w * h / 750)
	case "gemini":
		if w <= 384 && h <= 384 {
			return 258
		}
		return 258 * tiles(w, h, 768)
	}
	w, h = fit(w, h, 2048)
	if short := min(w, h); short > 768 {
		w, h = w*768/short, h*768/short
	}
	return 85 + 170*tiles(w, h, 512)
}

// fit scales down to at most that on the longer side.
func fit(w, h, most float64) (float64, float64) {
	if long := max(w, h); long > most {
		return w * most / long, h * most / long
	}
	return w, h
}

func tiles(w, h, side float64) int64 {
	return int64(math.Ceil(w/side) * math.Ceil(h/side))
}

// headerBytes is how much of an image is decoded to find its size.
const headerBytes = 64 << 10

// ImageSize reads the size out of the header of a base64-encoded PNG, JPEG or
// GIF; 0, 0 where it can't.
func ImageSize(encoded []byte) (width, height int) {
	if len(encoded) > headerBytes*4/3 {
		encoded = encoded[:headerBytes/3*4]
	}
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	n, _ := base64.StdEncoding.Decode(raw, encoded) // what precedes a fault is enough
	c, _, err := image.DecodeConfig(bytes.NewReader(raw[:n]))
	if err != nil {
		return 0, 0
	}
	return c.Width, c.Height
}
