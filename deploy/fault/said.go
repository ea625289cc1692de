package main

// What the program says: one JSON object a line on standard output, which is what a driver and a person read. Owns the words
// of `event` and `reason`, and must never say more than was read back from the kernel, nor fail because nobody listens.

import (
	"encoding/json"
	"os"
	"sync"
)

// Exit codes. A driver decides on these alone; the line says why.
const (
	exitDone    = 0 // reverted, renewed, or told
	exitUsage   = 2 // asked wrongly, nothing was touched
	exitRefused = 3 // may not or cannot be done here, nothing is left
	exitLapsed  = 4 // it had ended before: nothing to renew, nothing is left
	exitStuck   = 5 // could not be taken off; the kernel stops it within its time-to-live all the same
)

// line is everything that can be said. Fields that do not apply are left out.
type line struct {
	Event  string `json:"event"`
	Owner  string `json:"owner,omitempty"`
	Kind   string `json:"kind,omitempty"`
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`

	Mechanism  map[string]string `json:"mechanism,omitempty"`
	Unusable   []string          `json:"unusable,omitempty"`
	Interfaces []string          `json:"interfaces,omitempty"`
	Kept       []string          `json:"kept,omitempty"`

	// What it has done so far, by its own measure, for people.
	Effect string `json:"effect,omitempty"`

	State    string `json:"state,omitempty"`
	Held     *bool  `json:"held,omitempty"`
	LeftMs   int64  `json:"leftMs,omitempty"`
	AtMostMs int64  `json:"atMostMs,omitempty"`
}

var speaking sync.Mutex

// say writes a line. Nobody listening is no reason to stop: the fault still has to be taken off.
func say(said line) {
	speaking.Lock()
	defer speaking.Unlock()
	_, _ = os.Stdout.Write(said.bytes())
}

func (said line) bytes() []byte {
	text, err := json.Marshal(said)
	if err != nil {
		// A struct of strings and numbers always marshals.
		panic(err)
	}
	return append(text, '\n')
}

// refusal is an error that says which of the known reasons it is.
type refusal struct {
	reason string
	detail string
}

func (refused refusal) Error() string { return refused.reason + ": " + refused.detail }

func (refused refusal) line(owner string) line {
	return line{Event: "refused", Owner: owner, Reason: refused.reason, Detail: refused.detail}
}
