package main

// A fault that is nothing but what this process does: it takes time, memory or room, or holds other processes still. Owns that the kernel
// takes it back when the process ends, however it ends: nothing of it is written anywhere, so there is nothing to clear away.

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

const (
	cpu    = "cpu"
	memory = "memory"
	disk   = "disk"
	pause  = "pause"
)

func isBurden(kind string) bool {
	return kind == cpu || kind == memory || kind == disk || kind == pause
}

// burden is one such harm.
type burden interface {
	// take begins; a refusal where it may not or cannot.
	take() error
	// means is how it is done here, for people.
	means() string
	// effect is what it has done so far, for people.
	effect() string
	// over is closed when there is nothing left to harm; nil where there always is.
	over() <-chan struct{}
	// putDown ends it, and reads back that it has ended.
	putDown() error
}

// asking is a burden that was asked for, complete and within bounds.
type asking struct {
	lifetime
	kind   string
	burden burden
}

// carried is a burden as a life has it.
type carried struct{ asking }

func (asked asking) prepare() (harm, error) { return carried{asked}, nil }

func (c carried) begin(time.Duration) error {
	// Whatever is short of memory takes this process first, and nobody else's.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		return fmt.Errorf("cannot be the first to be killed: %w", err)
	}
	return c.burden.take()
}

func (c carried) renew(time.Duration) error { return nil }
func (c carried) over() <-chan struct{}     { return c.burden.over() }
func (c carried) dies() bool                { return true }

func (c carried) line() line {
	return line{
		Event: "applied", Owner: c.owner, Kind: c.kind,
		Mechanism: map[string]string{c.kind: c.burden.means()}, Effect: c.burden.effect(),
	}
}

func (c carried) end(reason string) (line, int) {
	effect := c.burden.effect()
	if err := c.burden.putDown(); err != nil {
		return line{Event: "stuck", Owner: c.owner, Reason: reason, Detail: err.Error(), Effect: effect}, exitStuck
	}
	said, code := ended(c.owner, reason)
	said.Effect = effect
	return said, code
}

// putDown asks the process that carries it; where there is none, there is nothing.
func putDown(owner string) int {
	answer, err := ask(owner, "revert")
	var said line
	if err == nil {
		err = json.Unmarshal([]byte(answer), &said)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		said, _ = ended(owner, "asked")
	case err != nil:
		said = line{Event: "stuck", Owner: owner, Reason: "asked", Detail: "its process does not answer: " + err.Error()}
	}
	say(said)
	switch said.Event {
	case "reverted", "lapsed":
		return exitDone
	case "stuck":
		return exitStuck
	}
	return exitRefused
}

// burdenStatus: it is there as long as the process that carries it.
func burdenStatus(owner string) line {
	answer, err := ask(owner, "status")
	said := line{Event: "status", Owner: owner}
	held := !errors.Is(err, syscall.ECONNREFUSED)
	if err == nil {
		_ = json.Unmarshal([]byte(answer), &said)
	}
	said.State, said.Held = "absent", &held
	if held {
		said.State = "active"
	}
	return said
}

func parseBurden(kind string, arguments []string) (asking, error) {
	asked := asking{kind: kind}
	flags := flag.NewFlagSet(kind, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	owner := ownerFlags(flags)
	flags.DurationVar(&asked.timeToLive, "time-to-live", 30*time.Second, "")
	flags.DurationVar(&asked.notAfter, "not-after", 10*time.Minute, "")
	var complete func() (burden, error)
	switch kind {
	case cpu:
		complete = cpuFlags(flags)
	case memory:
		complete = memoryFlags(flags)
	case disk:
		complete = diskFlags(flags)
	default:
		complete = pauseFlags(flags)
	}
	if err := flags.Parse(arguments); err != nil {
		return asking{}, err
	}
	if flags.NArg() > 0 {
		return asking{}, fmt.Errorf("%q is not expected here", flags.Arg(0))
	}
	var err error
	if asked.owner, err = owner(); err != nil {
		return asking{}, err
	}
	if asked.burden, err = complete(); err != nil {
		return asking{}, err
	}
	return asked, spec{kind: kind, timeToLive: asked.timeToLive, notAfter: asked.notAfter}.bounds()
}
