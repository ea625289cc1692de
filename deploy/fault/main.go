// The fault program: one fault on the network namespace, the control group, a volume or the processes of a pod, held for as long as
// somebody renews it.
package main

// The verbs. Owns which there are and what code each ends with; holds no rule about faults.

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(arguments []string) int {
	if len(arguments) == 0 {
		return misused(fmt.Errorf("latency, loss, corrupt, bandwidth, partition, dns, cpu, memory, disk, pause, renew, revert, or status"))
	}
	switch verb, rest := arguments[0], arguments[1:]; verb {
	case "renew":
		return renewVerb(rest)
	case "revert":
		return revertVerb(rest)
	case "status":
		return statusVerb(rest)
	case cpu, memory, disk, pause:
		asked, err := parseBurden(verb, rest)
		if err != nil {
			return misused(err)
		}
		return live(asked.lifetime, asked.prepare)
	default:
		asked, err := parseFault(verb, rest)
		if err != nil {
			return misused(err)
		}
		return live(lifetime{asked.owner, asked.timeToLive, asked.notAfter}, func() (harm, error) { return prepare(asked) })
	}
}

func misused(err error) int {
	say(refusal{"usage", err.Error()}.line(""))
	return exitUsage
}

func renewVerb(arguments []string) int {
	flags := verbFlags("renew")
	_ = kindFlag(flags)
	timeToLive := flags.Duration("time-to-live", 30*time.Second, "")
	owner, err := verbOwner(flags, arguments)
	if err != nil {
		return misused(err)
	}
	// Whether a process that holds it is there decides, not the kernel: what nobody holds is not to be prolonged.
	answer, err := ask(owner, "renew "+timeToLive.String())
	var said line
	if err == nil {
		err = json.Unmarshal([]byte(answer), &said)
	}
	if err != nil {
		said = line{Event: "lapsed", Owner: owner, Detail: "no process holds it: " + err.Error()}
	}
	say(said)
	switch said.Event {
	case "renewed":
		return exitDone
	case "lapsed":
		return exitLapsed
	}
	return exitRefused
}

// revertVerb asks the process that holds it, then takes off whatever is left all the same.
func revertVerb(arguments []string) int {
	flags := verbFlags("revert")
	kind := kindFlag(flags)
	owner, err := verbOwner(flags, arguments)
	if err != nil {
		return misused(err)
	}
	if isBurden(*kind) {
		return putDown(owner)
	}
	_, _ = ask(owner, "revert")
	said, code := reverted(owner, "asked", func() {})
	say(said)
	return code
}

func statusVerb(arguments []string) int {
	flags := verbFlags("status")
	kind := kindFlag(flags)
	owner, err := verbOwner(flags, arguments)
	if err != nil && flags.Lookup("id").Value.String() != "" {
		return misused(err)
	}
	if isBurden(*kind) {
		say(burdenStatus(owner))
		return exitDone
	}
	said, err := status(owner)
	if err != nil {
		return refuse(owner, err)
	}
	say(said)
	return exitDone
}

// status tells what the kernel holds: of one owner, or of whoever there is.
func status(owner string) (line, error) {
	found, err := readSlot()
	if err != nil {
		return line{}, err
	}
	said := line{Event: "status", Owner: found.owner, State: "absent", LeftMs: found.left.Milliseconds()}
	switch {
	case found.taken && found.owner == "", owner != "" && found.taken && found.owner != owner:
		said.State = "occupied"
	case found.active:
		said.State = "active"
	case found.taken:
		said.State = "lapsed"
	case owner != "":
		said.Owner = owner
		shaped, err := shapedLinks(owner)
		if err != nil {
			return line{}, err
		}
		if len(shaped) > 0 {
			said.State = "lapsed"
		}
	}
	if said.Owner != "" {
		holds := answers(said.Owner)
		said.Held = &holds
	}
	return said, nil
}

func verbFlags(verb string) *flag.FlagSet {
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// kindFlag says which kind of fault is meant: one of a network, which the kernel is asked about, unless it says otherwise.
func kindFlag(flags *flag.FlagSet) *string { return flags.String("kind", "", "") }

func verbOwner(flags *flag.FlagSet, arguments []string) (string, error) {
	owner := ownerFlags(flags)
	if err := flags.Parse(arguments); err != nil {
		return "", err
	}
	if flags.NArg() > 0 {
		return "", fmt.Errorf("%s are not expected here", strings.Join(flags.Args(), " "))
	}
	return owner()
}
