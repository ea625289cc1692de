package main

// The end that waits for nothing. Owns that a fault which is nothing but its process ends soon after its deadline, or a signal, even while
// whoever decides is held up by what was asked of the kernel. Touches nothing but the process: its end is the undo.

import (
	"os"
	"sync/atomic"
	"time"
)

// So long the orderly way out may take, which says what was done.
const grace = 5 * time.Second

// How long saying so may hold up the end.
const lastWords = 100 * time.Millisecond

type watchdog struct{ deadline atomic.Pointer[time.Time] }

func (w *watchdog) expect(deadline time.Time) { w.deadline.Store(&deadline) }

// watch ends the process when grace has passed since the deadline, as it then is, or since a signal.
func (w *watchdog) watch(owner string, signals <-chan os.Signal) {
	reason := "deadline"
	for {
		left := time.Until(w.deadline.Load().Add(grace))
		if left <= 0 {
			break
		}
		select {
		case <-time.After(min(left, time.Second)):
			continue
		case <-signals:
			reason = "signal"
			time.Sleep(min(left, grace))
		}
		break
	}
	// Whoever is held up may hold up this as well.
	go say(line{Event: "lapsed", Owner: owner, Reason: reason, Detail: "it was held up, so that its process ended without it"})
	time.Sleep(lastWords)
	os.Exit(exitLapsed)
}
