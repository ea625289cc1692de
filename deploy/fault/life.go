package main

// The life of a fault, whatever its harm is: on, renewed, off. Owns the deadline, counted on the monotonic clock and never moved past --not-after, and that every
// way out of here goes through the revert. One goroutine decides, so that a renewal is before the end or after it, never both.

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Shorter than this the kernel might take a timeout for none: then the last renewal stands.
const shortest = 100 * time.Millisecond

// Who asks in the same container ends with this process: so long it has to pass the answer on.
const farewell = 250 * time.Millisecond

// harm is what a life is about.
type harm interface {
	// begin acts; what ends it besides this program has this long. Where it fails, nothing is left.
	begin(first time.Duration) error
	// renew moves the end for what ends it besides this program. errLapsed where there is nothing to renew any more.
	renew(timeToLive time.Duration) error
	// line tells what it does.
	line() line
	// over is closed when it has ended by itself; nil where it cannot.
	over() <-chan struct{}
	// dies is whether the end of this process is the end of all of it.
	dies() bool
	// end takes it off, and says so.
	end(reason string) (line, int)
}

var errLapsed = errors.New("it had ended before")

// lifetime is whose fault it is, and how long it lives.
type lifetime struct {
	owner      string
	timeToLive time.Duration
	notAfter   time.Duration
}

type life struct {
	lifetime
	harm     harm
	deadline time.Time
	latest   time.Time
	watchdog watchdog
}

func live(asked lifetime, prepare func() (harm, error)) int {
	// Before anything is on: a signal must find a process that reverts. A reader that went away must not end it either.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE)

	requests := make(chan request)
	door, err := openDoor(asked.owner, requests)
	if err != nil {
		return refuse(asked.owner, refusal{"already", "a process holds this fault: " + err.Error()})
	}
	defer door.Close()
	put, err := prepare()
	if err != nil {
		return refuse(asked.owner, err)
	}
	// Before it begins, so that the kernel's deadline is never the earlier one by much, nor ours the later.
	now := time.Now()
	l := &life{lifetime: asked, harm: put, latest: now.Add(asked.notAfter)}
	first := min(asked.timeToLive, asked.notAfter)
	l.until(now.Add(first))
	if put.dies() {
		// Before it begins, which may take longer than it may live.
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		go l.watchdog.watch(asked.owner, heard)
	}
	if err := put.begin(first); errors.Is(err, errLapsed) {
		return l.end("lapsed", nil)
	} else if err != nil {
		return refuse(asked.owner, err)
	}
	said := put.line()
	said.LeftMs, said.AtMostMs = first.Milliseconds(), asked.notAfter.Milliseconds()
	say(said)
	go listenTo(os.Stdin, requests)
	return l.wait(signals, requests)
}

func (l *life) wait(signals <-chan os.Signal, requests <-chan request) int {
	for {
		select {
		case <-time.After(time.Until(l.deadline)):
			return l.end("deadline", nil)
		case <-signals:
			return l.end("signal", nil)
		case <-l.harm.over():
			return l.end("lapsed", nil)
		case asked := <-requests:
			words := strings.Fields(asked.text)
			switch {
			case len(words) == 1 && words[0] == "revert":
				return l.end("asked", asked.reply)
			case len(words) == 1 && words[0] == "status":
				asked.reply(l.told("status"))
			case len(words) == 2 && words[0] == "renew":
				if !l.renew(words[1], asked.reply) {
					return l.end("lapsed", asked.reply)
				}
			default:
				asked.reply(refusal{"usage", "renew 30s, status, or revert"}.line(l.owner))
			}
		}
	}
}

// renew is false when there is nothing to renew any more.
func (l *life) renew(word string, reply func(line)) bool {
	timeToLive, err := time.ParseDuration(word)
	if err != nil || timeToLive < minTimeToLive || timeToLive > maxTimeToLive {
		reply(refusal{"usage", "a time to live from 1s to 1h"}.line(l.owner))
		return true
	}
	now := time.Now()
	if !now.Before(l.deadline) {
		return false
	}
	timeToLive = min(timeToLive, l.latest.Sub(now))
	if timeToLive >= shortest {
		if err := l.harm.renew(timeToLive); errors.Is(err, errLapsed) {
			return false
		} else if err != nil {
			reply(refusal{"failed", err.Error()}.line(l.owner))
			return true
		}
		l.until(now.Add(timeToLive))
	}
	reply(l.told("renewed"))
	return true
}

func (l *life) until(deadline time.Time) {
	l.deadline = deadline
	l.watchdog.expect(deadline)
}

// told is how far it has come.
func (l *life) told(event string) line {
	now, does := time.Now(), l.harm.line()
	return line{
		Event: event, Owner: l.owner, Mechanism: does.Mechanism, Effect: does.Effect,
		LeftMs: l.deadline.Sub(now).Milliseconds(), AtMostMs: l.latest.Sub(now).Milliseconds(),
	}
}

// end reverts, and tells whoever asked as well.
func (l *life) end(reason string, reply func(line)) int {
	said, code := l.harm.end(reason)
	if reply != nil {
		reply(said)
		defer time.Sleep(farewell)
	}
	say(said)
	return code
}

func refuse(owner string, err error) int {
	var refused refusal
	if !errors.As(err, &refused) {
		refused = refusal{"failed", err.Error()}
	}
	say(refused.line(owner))
	return exitRefused
}

// listenTo takes one request a line. Its end means that nobody speaks any more here, which ends nothing: the deadline does.
func listenTo(input io.Reader, requests chan<- request) {
	lines := bufio.NewScanner(input)
	lines.Buffer(make([]byte, maxLine), maxLine)
	for lines.Scan() {
		requests <- request{lines.Text(), say}
	}
}
