package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hung is a harm that is held up where it is told to be.
type hung struct{ at string }

func (h hung) hang(at string) {
	if h.at == at {
		_, _ = os.Stdout.WriteString("hangs\n")
		select {}
	}
}

func (h hung) begin(time.Duration) error {
	h.hang("begin")
	return nil
}
func (h hung) renew(time.Duration) error { return nil }
func (h hung) over() <-chan struct{}     { return nil }
func (h hung) dies() bool                { return true }
func (h hung) line() line {
	h.hang("line")
	return line{Event: "applied"}
}
func (h hung) end(reason string) (line, int) {
	h.hang("end")
	return ended("squall/hung", reason)
}

const (
	hangsAt  = "FAULT_TEST_HANGS_AT"
	livesFor = "FAULT_TEST_LIVES_FOR"
)

// TestMain is also the process that is watched, which a test cannot be itself.
func TestMain(m *testing.M) {
	if at := os.Getenv(hangsAt); at != "" {
		timeToLive, err := time.ParseDuration(os.Getenv(livesFor))
		if err != nil {
			panic(err)
		}
		owner := fmt.Sprintf("squall/hung-%d-%s-%s", os.Getppid(), at, timeToLive)
		asked := lifetime{owner, timeToLive, time.Hour}
		os.Exit(live(asked, func() (harm, error) { return hung{at}, nil }))
	}
	os.Exit(m.Run())
}

func TestWhatIsHeldUpEndsAllTheSame(t *testing.T) {
	for name, what := range map[string]struct {
		at, timeToLive string
		signalled      bool
		code           int
	}{
		"as it begins":              {"begin", "100ms", false, exitLapsed},
		"as it begins, by a signal": {"begin", "1h", true, exitLapsed},
		"as it is asked":            {"line", "200ms", false, exitLapsed},
		"as it ends":                {"end", "300ms", false, exitLapsed},
		"nowhere":                   {"nowhere", "100ms", false, exitDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			program := exec.Command(self)
			program.Env = append(os.Environ(), hangsAt+"="+what.at, livesFor+"="+what.timeToLive)
			output, err := program.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			// Only one that nothing else ends.
			bound := time.AfterFunc(time.Minute, func() { _ = program.Process.Kill() })
			defer bound.Stop()
			lines := bufio.NewReader(output)
			said, err := lines.ReadString('\n')
			if err != nil {
				t.Error(err)
			}
			if what.signalled {
				if err := program.Process.Signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
			}
			rest, _ := io.ReadAll(lines)
			var exit *exec.ExitError
			if err := program.Wait(); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := program.ProcessState.ExitCode(); code != what.code {
				t.Errorf("ended with %d, not %d: %s%s", code, what.code, said, rest)
			}
			if what.code == exitLapsed && !strings.Contains(string(rest), `"lapsed"`) {
				t.Errorf("said %s%s", said, rest)
			}
		})
	}
}
