package main

// The life of a fault: on, renewed, off. Owns the deadline, counted on the monotonic clock and never moved past --not-after, and that every
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

type life struct {
	put      *applied
	deadline time.Time
	notAfter time.Time
}

func live(asked spec) int {
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
	put, err := prepare(asked)
	if err != nil {
		return refuse(asked.owner, err)
	}
	// Before the gate opens, so that the kernel's deadline is never the earlier one by much, nor ours the later.
	now := time.Now()
	l := &life{put: put, notAfter: now.Add(asked.notAfter)}
	first := min(asked.timeToLive, asked.notAfter)
	l.deadline = now.Add(first)
	if err := openGate(asked.owner, first); err != nil {
		return l.end("lapsed", nil)
	}
	say(put.line())
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
		case asked := <-requests:
			words := strings.Fields(asked.text)
			switch {
			case len(words) == 1 && words[0] == "revert":
				return l.end("asked", asked.reply)
			case len(words) == 2 && words[0] == "renew":
				if !l.renew(words[1], asked.reply) {
					return l.end("lapsed", asked.reply)
				}
			default:
				asked.reply(refusal{"usage", "renew 30s, or revert"}.line(l.put.asked.owner))
			}
		}
	}
}

// renew is false when there is nothing to renew any more.
func (l *life) renew(word string, reply func(line)) bool {
	owner := l.put.asked.owner
	timeToLive, err := time.ParseDuration(word)
	if err != nil || timeToLive < minTimeToLive || timeToLive > maxTimeToLive {
		reply(refusal{"usage", "a time to live from 1s to 1h"}.line(owner))
		return true
	}
	now := time.Now()
	if !now.Before(l.deadline) {
		return false
	}
	timeToLive = min(timeToLive, l.notAfter.Sub(now))
	if timeToLive >= shortest {
		if err := renewGate(owner, timeToLive); gone(err) {
			return false
		} else if err != nil {
			reply(refusal{"failed", err.Error()}.line(owner))
			return true
		}
		l.deadline = now.Add(timeToLive)
	}
	reply(line{
		Event: "renewed", Owner: owner, Mechanism: l.put.line().Mechanism,
		LeftMs: l.deadline.Sub(now).Milliseconds(), AtMostMs: l.notAfter.Sub(now).Milliseconds(),
	})
	return true
}

// end reverts, and tells whoever asked as well.
func (l *life) end(reason string, reply func(line)) int {
	said, code := reverted(l.put.asked.owner, reason, l.put.drain)
	if reply != nil {
		reply(said)
	}
	say(said)
	return code
}

func reverted(owner, reason string, drain func()) (line, int) {
	if err := revert(owner, drain); err != nil {
		return line{Event: "stuck", Owner: owner, Reason: reason, Detail: err.Error()}, exitStuck
	}
	if reason == "lapsed" {
		return line{Event: "lapsed", Owner: owner}, exitLapsed
	}
	return line{Event: "reverted", Owner: owner, Reason: reason}, exitDone
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
