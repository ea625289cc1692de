package main

// Memory. Owns how it grows and where it stops: touched pages, so much a second, until all processes that can be seen from here together
// have what was asked for. Where others grow, it gives back.

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	growEvery  = 250 * time.Millisecond
	minGrowth  = 1_000
	maxGrowth  = 1_000_000_000
	maxMemory  = 1 << 44
	someMemory = 1 << 20
)

type growing struct {
	rate uint64 // bytes a second
	to   uint64 // bytes of all that are seen

	chunks [][]byte
	guard  sync.Mutex // of what is told, never of what is done
	held   uint64
	seen   uint64
	others int
	stop   chan struct{}
	done   chan struct{}
}

func memoryFlags(flags *flag.FlagSet) func() (burden, error) {
	asked := &growing{stop: make(chan struct{}), done: make(chan struct{})}
	flags.Uint64Var(&asked.rate, "rate", 0, "")
	flags.Uint64Var(&asked.to, "to", 0, "")
	return func() (burden, error) {
		switch {
		case asked.rate < minGrowth || asked.rate > maxGrowth:
			return nil, fmt.Errorf("--rate: from %d to %d bytes a second", minGrowth, maxGrowth)
		case asked.to < someMemory || asked.to > maxMemory:
			return nil, fmt.Errorf("--to: from %d to %d bytes", someMemory, maxMemory)
		}
		return asked, nil
	}
}

func (g *growing) take() (err error) {
	if g.seen, g.others, err = resident(); err != nil {
		return err
	}
	go func() {
		defer close(g.done)
		last := time.Now()
		for {
			select {
			case <-g.stop:
				return
			case <-time.After(growEvery):
			}
			now := time.Now()
			g.step(now.Sub(last))
			last = now
		}
	}()
	return nil
}

// step grows by what is due, or gives back what is too much. Blind, it stands still.
func (g *growing) step(passed time.Duration) {
	seen, others, err := resident()
	if err != nil {
		return
	}
	g.tell(func() { g.seen, g.others = seen, others })
	for seen > g.to && len(g.chunks) > 0 {
		last := g.chunks[len(g.chunks)-1]
		g.chunks = g.chunks[:len(g.chunks)-1]
		seen -= min(seen, uint64(len(last)))
		_ = unix.Munmap(last)
		g.tell(func() { g.held -= uint64(len(last)) })
	}
	if seen >= g.to {
		return
	}
	page := uint64(os.Getpagesize())
	due := uint64(math.Min(float64(g.rate)*min(passed, time.Second).Seconds(), float64(g.to-seen))) / page * page
	if due == 0 {
		return
	}
	chunk, err := unix.Mmap(-1, 0, int(due), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return
	}
	g.chunks = append(g.chunks, chunk)
	g.tell(func() { g.held += due })
	for at := uint64(0); at < due; at += page {
		chunk[at] = 1
	}
}

func (g *growing) tell(change func()) {
	g.guard.Lock()
	defer g.guard.Unlock()
	change()
}

func (g *growing) means() string {
	g.guard.Lock()
	defer g.guard.Unlock()
	if g.others == 0 {
		return "touched pages, blind to what others have"
	}
	return "touched pages, beside what others have"
}

func (g *growing) effect() string {
	g.guard.Lock()
	defer g.guard.Unlock()
	beside := "whatever others have cannot be seen"
	if g.others > 0 {
		beside = fmt.Sprintf("%d processes together have %.1f MB", g.others+1, float64(g.seen)/1e6)
	}
	return fmt.Sprintf("%.1f MB taken of up to %.1f MB; %s", float64(g.held)/1e6, float64(g.to)/1e6, beside)
}

func (g *growing) over() <-chan struct{} { return nil }

func (g *growing) putDown() error {
	close(g.stop)
	<-g.done
	for _, chunk := range g.chunks {
		if err := unix.Munmap(chunk); err != nil {
			return err
		}
	}
	return nil
}

// resident is what all processes that can be seen have in memory, and how many there are beside this one and its like.
func resident() (bytes uint64, others int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, 0, err
	}
	own := -1
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		status, err := os.ReadFile("/proc/" + entry.Name() + "/status")
		if err != nil {
			continue // it has just ended
		}
		bytes += residentIn(string(status))
		if !strings.HasPrefix(string(status), "Name:\tfault\n") {
			others++
		}
		own = 0
	}
	if own < 0 {
		return 0, 0, fmt.Errorf("no process can be seen in /proc")
	}
	return bytes, others, nil
}

// residentIn reads it from what the kernel tells of one process.
func residentIn(status string) uint64 {
	_, rest, found := strings.Cut(status, "\nVmRSS:")
	if !found {
		return 0
	}
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	kilobytes, err := strconv.ParseUint(fields[0], 10, 50)
	if err != nil {
		return 0
	}
	return kilobytes * 1024
}
