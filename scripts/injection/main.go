// Command injection trains and measures the linear model of the injection
// detector.
//
//	go run ./scripts/injection -texts texts.jsonl -out pkg/detect/injection/model.bin
//	go run ./scripts/injection -texts texts.jsonl -cross
//
// The texts are those collect.py writes; README.md says where they come from.
// The same texts give the same model.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	texts := flag.String("texts", "", "training texts, JSON lines of text, label and source")
	exclude := flag.String("exclude", "", "drop training texts that share much with a text of this file")
	out := flag.String("out", "", "write the model here")
	cross := flag.Bool("cross", false, "leave each source out in turn and measure on it")
	eval := flag.String("eval", "", "measure the model on this file of texts and labels")
	flag.Parse()
	if err := run(*texts, *exclude, *out, *eval, *cross); err != nil {
		log.Fatal(err)
	}
}

func run(texts, exclude, out, eval string, cross bool) error {
	all, err := readTexts(texts)
	if err != nil {
		return err
	}
	if exclude != "" {
		if all, err = dropShared(all, exclude); err != nil {
			return err
		}
	}
	if cross {
		return crossValidate(all)
	}
	weights, err := train(all)
	if err != nil {
		return err
	}
	if eval != "" {
		if err := evaluate(eval, weights); err != nil {
			return err
		}
	}
	if out == "" {
		return nil
	}
	fmt.Printf("writing %d bytes to %s\n", len(weights), out)
	return os.WriteFile(out, weights, 0o644)
}
