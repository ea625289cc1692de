package main

// What was asked for. Owns the command line, its bounds and its words; touches nothing, so that a wrong word never leaves
// anything behind. Every bound is here: whoever reads a spec may trust it.

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	maxOwner      = 200 // what a comment in the kernel holds, with room
	maxList       = 512
	maxDelay      = 30 * time.Second
	minTimeToLive = time.Second
	maxTimeToLive = time.Hour
	maxNotAfter   = 7 * 24 * time.Hour
	minRate       = 8_000
	maxRate       = 10_000_000_000
	maxName       = 253 // of a host
)

const (
	latency   = "latency"
	loss      = "loss"
	corrupt   = "corrupt"
	bandwidth = "bandwidth"
	partition = "partition"
	dns       = "dns"
)

// spec is one fault, complete and within bounds.
type spec struct {
	kind       string
	owner      string
	timeToLive time.Duration
	notAfter   time.Duration

	egress, ingress bool
	interfaces      []string
	ports           []uint16
	peers           []netip.Prefix
	keep            []netip.Prefix
	keepPorts       []uint16

	delay, jitter      time.Duration
	share, correlation float64 // in [0, 1]
	rate               uint64  // bits a second

	answer string
	names  []string // in lower case; `*.` at the beginning stands for anything
}

// defaultDirection is what tc does, which only delays what is sent; a partition is both ways, and answers are received.
func defaultDirection(kind string) string {
	switch kind {
	case partition:
		return "both"
	case dns:
		return "ingress"
	}
	return "egress"
}

func parseFault(kind string, arguments []string) (spec, error) {
	asked := spec{kind: kind}
	flags := flag.NewFlagSet(kind, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	owner := ownerFlags(flags)
	flags.DurationVar(&asked.timeToLive, "time-to-live", 30*time.Second, "")
	flags.DurationVar(&asked.notAfter, "not-after", 10*time.Minute, "")
	direction := flags.String("direction", defaultDirection(kind), "")
	meansDNS := flags.Bool("dns", kind == dns, "")
	flags.Func("interface", "", each(&asked.interfaces, func(word string) (string, error) { return word, nil }))
	flags.Func("port", "", each(&asked.ports, parsePort))
	flags.Func("peer", "", each(&asked.peers, parsePrefix))
	flags.Func("keep", "", each(&asked.keep, parsePrefix))
	flags.Func("keep-port", "", each(&asked.keepPorts, parsePort))
	switch kind {
	case latency:
		flags.DurationVar(&asked.delay, "delay", 0, "")
		flags.DurationVar(&asked.jitter, "jitter", 0, "")
	case loss, corrupt:
		flags.Func("percent", "", percent(&asked.share))
	case bandwidth:
		flags.Func("rate", "", func(word string) (err error) { asked.rate, err = parseRate(word); return err })
	case partition:
	case dns:
		flags.StringVar(&asked.answer, "answer", answerNone, "")
		flags.DurationVar(&asked.delay, "delay", 0, "")
		flags.Func("name", "", each(&asked.names, parseName))
	default:
		return spec{}, fmt.Errorf("%q is no fault: latency, loss, corrupt, bandwidth, partition, dns", kind)
	}
	if kind == latency || kind == loss || kind == corrupt {
		flags.Func("correlation", "", percent(&asked.correlation))
	}
	if err := flags.Parse(arguments); err != nil {
		return spec{}, err
	}
	if flags.NArg() > 0 {
		return spec{}, fmt.Errorf("%q is not expected here", flags.Arg(0))
	}
	var err error
	if asked.owner, err = owner(); err != nil {
		return spec{}, err
	}
	switch *direction {
	case "egress", "ingress", "both":
		asked.egress = *direction != "ingress"
		asked.ingress = *direction != "egress"
	default:
		return spec{}, fmt.Errorf("--direction %q: egress, ingress or both", *direction)
	}
	if !*meansDNS {
		asked.keepPorts = append(asked.keepPorts, 53)
	}
	if err := asked.bounds(); err != nil || kind != dns {
		return asked, err
	}
	asked.ports = []uint16{dnsPort}
	return asked, nil
}

func (asked spec) bounds() error {
	switch {
	case asked.timeToLive < minTimeToLive || asked.timeToLive > maxTimeToLive:
		return fmt.Errorf("--time-to-live: from %s to %s", minTimeToLive, maxTimeToLive)
	case asked.notAfter < minTimeToLive || asked.notAfter > maxNotAfter:
		return fmt.Errorf("--not-after: from %s to %s", minTimeToLive, maxNotAfter)
	case asked.kind == latency && (asked.delay <= 0 || asked.delay > maxDelay):
		return fmt.Errorf("--delay: more than 0, at most %s", maxDelay)
	case asked.kind == dns && (asked.egress || len(asked.ports) > 0):
		return errors.New("dns is about answers, which are received from port 53")
	case asked.kind == dns && asked.answer != answerNone && asked.answer != answerLate && asked.answer != answerRefused:
		return fmt.Errorf("--answer %q: none, late or refused", asked.answer)
	case asked.kind == dns && asked.answer == answerLate && (asked.delay <= 0 || asked.delay > maxDelay):
		return fmt.Errorf("--delay: more than 0, at most %s", maxDelay)
	case asked.jitter < 0 || asked.jitter > asked.delay:
		return errors.New("--jitter: from 0 to the delay")
	case (asked.kind == loss || asked.kind == corrupt) && asked.share < 1.0/shares:
		return errors.New("--percent: from 0.0001 to 100")
	case asked.kind == bandwidth && (asked.rate < minRate || asked.rate > maxRate):
		return fmt.Errorf("--rate: from %d to %d bits a second", minRate, maxRate)
	}
	return nil
}

// ownerFlags adds what says whose fault is meant; its result is read after parsing.
func ownerFlags(flags *flag.FlagSet) func() (string, error) {
	installation := flags.String("installation", "squall", "")
	id := flags.String("id", "", "")
	return func() (string, error) {
		if *id == "" || *installation == "" {
			return "", errors.New("--id: which fault this is")
		}
		owner := *installation + "/" + *id
		if len(owner) > maxOwner {
			return "", fmt.Errorf("--id: at most %d characters with the installation", maxOwner)
		}
		for _, letter := range owner {
			if letter <= ' ' || letter > '~' || letter == '"' || letter == '\\' {
				return "", fmt.Errorf("--id: %q is not allowed in it", letter)
			}
		}
		return owner, nil
	}
}

// each reads a list: a flag may be repeated, and its words joined with commas.
func each[T any](into *[]T, parse func(string) (T, error)) func(string) error {
	return func(words string) error {
		for _, word := range strings.Split(words, ",") {
			value, err := parse(word)
			if err != nil {
				return err
			}
			if *into = append(*into, value); len(*into) > maxList {
				return fmt.Errorf("at most %d", maxList)
			}
		}
		return nil
	}
}

func parsePort(word string) (uint16, error) {
	port, err := strconv.ParseUint(word, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%q is no port", word)
	}
	return uint16(port), nil
}

func parsePrefix(word string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(word); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(word)
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is no address or CIDR", word)
	}
	return prefix.Masked(), nil
}

func parseName(word string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(word, "."))
	rest, _ := strings.CutPrefix(name, "*.")
	if rest == "" || len(rest) > maxName || strings.ContainsAny(rest, "* ") {
		return "", fmt.Errorf("%q is no name, nor the end of one such as *.example.org", word)
	}
	return name, nil
}

func percent(into *float64) func(string) error {
	return func(word string) error {
		value, err := strconv.ParseFloat(word, 64)
		if err != nil || !(value >= 0 && value <= 100) {
			return fmt.Errorf("%q is no percentage", word)
		}
		*into = value / 100
		return nil
	}
}

var rateUnits = []struct {
	suffix string
	bits   float64
}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {"bit", 1}}

func parseRate(word string) (uint64, error) {
	for _, unit := range rateUnits {
		number, found := strings.CutSuffix(word, unit.suffix)
		if !found {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil || !(value > 0 && value*unit.bits <= maxRate) {
			break
		}
		return uint64(value * unit.bits), nil
	}
	return 0, fmt.Errorf("%q is no rate: 128kbit, 10mbit, 1gbit", word)
}
