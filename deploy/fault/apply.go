package main

// Putting a fault on. Owns the order: the slot and the undo record first (they are one, the table), then what acts, then the gate. Whatever
// fails half-way is taken off again before it is said.

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"
)

// applied is a fault that acts, and what must be let go of when it ends.
type applied struct {
	asked    spec
	plan     plan
	links    []link
	kept     keptAddresses
	unusable []string
	packets  *holding
}

// prepare does everything but open the gate.
func prepare(asked spec) (*applied, error) {
	links, err := usableLinks(asked.interfaces)
	if err != nil {
		return nil, err
	}
	kept, err := gateways()
	if err != nil {
		return nil, err
	}
	put := &applied{asked: asked, links: links, kept: append(kept, asked.keep...)}
	var queue *listener
	at := places{class: classOf(asked.owner), unheard: 0x8000 | handleOf(asked.owner)}
	if asked.kind != bandwidth && asked.kind != partition {
		if queue, err = listen(asked.owner, asked.kind == corrupt || asked.readsAnswers()); err != nil {
			put.unusable = append(put.unusable, "nfqueue: "+err.Error())
		} else {
			at.listened = queue.number
		}
	}
	for _, attempt := range plans(asked, at) {
		if attempt.queued && queue == nil {
			continue
		}
		err := put.try(attempt)
		if err == nil {
			put.plan = attempt
			if attempt.queued {
				put.packets = hold(queue, fates(asked, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))))
			} else if queue != nil {
				queue.close()
			}
			return put, nil
		}
		var refused refusal
		if errors.As(err, &refused) {
			return nil, err
		}
		put.unusable = append(put.unusable, attempt.label+": "+strings.ReplaceAll(err.Error(), "\n", ", "))
	}
	return nil, refusal{"unsupported", strings.Join(put.unusable, "; ")}
}

// try carries out one plan up to the gate, or leaves nothing.
func (put *applied) try(attempt plan) error {
	if err := createTable(put.asked, attempt, put.links, put.kept); err != nil {
		switch {
		case errors.Is(err, syscall.EEXIST):
			return occupied(put.asked.owner)
		case errors.Is(err, syscall.EPERM):
			return refusal{"not-permitted", "NET_ADMIN in this network namespace is needed: " + err.Error()}
		}
		return fmt.Errorf("nft: %w", err)
	}
	if attempt.leaf == "" {
		return nil
	}
	if err := shape(put.asked, attempt.leaf, put.links); err != nil {
		return errors.Join(err, deleteTable(put.asked.owner))
	}
	return nil
}

// occupied says whose the slot is.
func occupied(owner string) error {
	found, err := readSlot()
	switch {
	case err != nil:
		return refusal{"occupied", err.Error()}
	case found.owner == owner:
		return refusal{"already", "this fault is here already, or was not reverted"}
	case found.taken && found.owner == "":
		return refusal{"occupied", "a table named " + tableName + " that is not ours"}
	}
	return refusal{"occupied", "by " + found.owner}
}

// begin opens the gate, which the kernel shuts again.
func (put *applied) begin(first time.Duration) error {
	if err := openGate(put.asked.owner, first); err != nil {
		return errLapsed
	}
	return nil
}

func (put *applied) renew(timeToLive time.Duration) error {
	err := renewGate(put.asked.owner, timeToLive)
	if gone(err) {
		return errLapsed
	}
	return err
}

func (put *applied) over() <-chan struct{} { return nil }

// What the kernel keeps of it must be cleared away, and shuts by itself.
func (put *applied) dies() bool { return false }

func (put *applied) end(reason string) (line, int) {
	return reverted(put.asked.owner, reason, put.drain)
}

func (put *applied) line() line {
	said := line{
		Event: "applied", Owner: put.asked.owner, Kind: put.asked.kind,
		Mechanism: map[string]string{}, Unusable: put.unusable,
	}
	if put.asked.egress {
		said.Mechanism["egress"] = put.plan.egress.name
	}
	if put.asked.ingress {
		said.Mechanism["ingress"] = put.plan.ingress.name
	}
	for _, each := range put.links {
		said.Interfaces = append(said.Interfaces, each.name)
	}
	for _, prefix := range put.kept {
		said.Kept = append(said.Kept, prefix.String())
	}
	return said
}
