package frame_test

import (
	"bytes"
	"fmt"

	"github.com/regent-proxy/regent/pkg/frame"
)

// Chunks cut anywhere become whole events; one of them gets another payload, the
// others leave as they came.
func Example() {
	d := frame.New(frame.SSE)
	var out []byte
	edit := func(e *frame.Event) error {
		if e.Kind != frame.Data || !bytes.Contains(e.Payload, []byte("secret")) {
			out = append(out, e.Raw...)
			return nil
		}
		out = e.Rebuild(out, bytes.ReplaceAll(e.Payload, []byte("secret"), []byte("[X]")))
		return nil
	}
	for _, chunk := range []string{": ping\n", "\ndata: {\"text\":\"a sec", "ret\"}\r\n\r", "\ndata: [DONE]\n\n"} {
		if err := d.Push([]byte(chunk), edit); err != nil {
			fmt.Println(err)
		}
	}
	if err := d.Flush(edit); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%q\n", out)
	// Output:
	// ": ping\n\ndata: {\"text\":\"a [X]\"}\r\n\r\ndata: [DONE]\n\n"
}

// A compressed stream is read chunk by chunk.
func ExampleNewDecompressor() {
	body, err := frame.Compress("gzip, br", []byte("data: hello\n\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	z, err := frame.NewDecompressor("gzip, br", frame.MaxOutput(1<<20))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer z.Close()
	d := frame.New(frame.SSE)
	show := func(e *frame.Event) error {
		fmt.Printf("%s\n", e.Payload)
		return nil
	}
	plain := func(b []byte) error { return d.Push(b, show) }
	for i := range body {
		if err := z.Push(body[i:i+1], plain); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(z.Finish(plain), d.Flush(show))
	// Output:
	// hello
	// <nil> <nil>
}
