package main

// Taking a fault off. Owns the order, which is that of putting it on backwards, and that "reverted" is said only of what was read back as
// gone. Needs nothing but the owner's name, so that any process can do it; what is not there counts as reverted.

import (
	"errors"
	"fmt"
	"time"
)

const (
	revertTries = 20
	revertPause = 250 * time.Millisecond
)

// revert tries until nothing of the owner's is left. `drain` lets go of packets on their way, between the shut gate and the rest.
func revert(owner string, drain func()) error {
	var err error
	for range revertTries {
		if err = takeOff(owner, drain); err == nil {
			return nil
		}
		drain = func() {}
		time.Sleep(revertPause)
	}
	return err
}

func takeOff(owner string, drain func()) error {
	shut := shutGate(owner)
	drain()
	if err := errors.Join(shut, unshape(owner), deleteTable(owner)); err != nil {
		return err
	}
	return absent(owner)
}

// absent re-reads the kernel.
func absent(owner string) error {
	found, err := readSlot()
	if err != nil {
		return err
	}
	if found.owner == owner {
		return errors.New("the table is still there")
	}
	shaped, err := shapedLinks(owner)
	if err != nil {
		return err
	}
	if len(shaped) > 0 {
		return fmt.Errorf("%d queueing disciplines are still there", len(shaped))
	}
	return nil
}

// reverted takes it off and says how that went.
func reverted(owner, reason string, drain func()) (line, int) {
	if err := revert(owner, drain); err != nil {
		return line{Event: "stuck", Owner: owner, Reason: reason, Detail: err.Error()}, exitStuck
	}
	return ended(owner, reason)
}

// ended is what is said when nothing is left.
func ended(owner, reason string) (line, int) {
	if reason == "lapsed" {
		return line{Event: "lapsed", Owner: owner}, exitLapsed
	}
	return line{Event: "reverted", Owner: owner, Reason: reason}, exitDone
}

// drain lets go of what is held here, or waits for what netem holds, but never for long.
func (put *applied) drain() {
	if put.packets != nil {
		put.packets.release()
		return
	}
	if put.plan.leaf == byNetem {
		time.Sleep(min(put.asked.delay+put.asked.jitter, atMost))
	}
}
