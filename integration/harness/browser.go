package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// browsers are the names of a Chromium on the PATH.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"}

const browserHelp = `no Chromium was found, and none could be installed: %w
Any one of these helps:
  - set CHROMIUM to the path of a Chromium or Chrome
  - put chromium on the PATH (on Debian: apt-get install chromium)
  - set REGENT_NO_BROWSER=1 to leave the browser's tests out`

// Chromium is the path of a Chromium: $CHROMIUM, else the one on the PATH, else
// Debian's package, which is installed if this process may do so.
func (t *Tools) Chromium(ctx context.Context) (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("CHROMIUM: %w", err)
		}
		return path, nil
	}
	if path := findBrowser(); path != "" {
		return path, nil
	}
	if err := t.installBrowser(ctx); err != nil {
		return "", fmt.Errorf(browserHelp, err)
	}
	if path := findBrowser(); path != "" {
		return path, nil
	}
	return "", fmt.Errorf(browserHelp, errors.New("the package brought no chromium to the PATH"))
}

func findBrowser() string {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// installBrowser installs the system's package. What cannot be done without
// asking somebody is not tried.
func (t *Tools) installBrowser(ctx context.Context) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return errors.New("there is no apt-get")
	}
	if os.Geteuid() != 0 {
		return errors.New("only root may install packages")
	}
	t.say("Installing Chromium (a system package, once) …")
	if err := run(ctx, "/", apt, "update", "-qq"); err != nil {
		return err
	}
	return run(ctx, "/", apt, "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core")
}
