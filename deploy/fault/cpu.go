package main

// Processor time. Owns the workers: threads that are busy for a share of each tenth of a second, behind everything else in their own control
// group, so that whoever renews or reverts has its turn. How much they get is for the pod's limit to say; what they got is measured.

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxWorkers = 256
	period     = 100 * time.Millisecond
	lowest     = 19
)

type burning struct {
	workers int
	load    float64 // in (0, 1]
	began   time.Time
	before  time.Duration
	stop    chan struct{}
	busy    sync.WaitGroup
}

func cpuFlags(flags *flag.FlagSet) func() (burden, error) {
	asked := &burning{stop: make(chan struct{})}
	flags.IntVar(&asked.workers, "workers", 1, "")
	asked.load = 1
	flags.Func("load", "", percent(&asked.load))
	return func() (burden, error) {
		switch {
		case asked.workers < 1 || asked.workers > maxWorkers:
			return nil, fmt.Errorf("--workers: from 1 to %d", maxWorkers)
		case asked.load < 0.01:
			return nil, errors.New("--load: from 1 to 100")
		}
		return asked, nil
	}
}

func (b *burning) take() error {
	// Two are left for the deadline and the door.
	runtime.GOMAXPROCS(b.workers + 2)
	b.began, b.before = time.Now(), processorTime()
	for range b.workers {
		b.busy.Add(1)
		go b.work()
	}
	return nil
}

func (b *burning) work() {
	defer b.busy.Done()
	// The thread ends with this function: it is nobody else's afterwards.
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), lowest)
	rest := time.Duration(float64(period) * (1 - b.load))
	for number := uint64(1); ; {
		for until := time.Now().Add(period - rest); time.Now().Before(until); {
			for range 5_000 {
				number = number*6364136223846793005 + 1442695040888963407
			}
		}
		select {
		case <-b.stop:
			runtime.KeepAlive(number)
			return
		case <-time.After(rest):
		}
	}
}

func (b *burning) means() string {
	return fmt.Sprintf("%d threads busy for %.0f%%", b.workers, 100*b.load)
}

func (b *burning) effect() string {
	took, passed := (processorTime() - b.before).Seconds(), time.Since(b.began).Seconds()
	return fmt.Sprintf("%s took %.1f s of processor time in %.1f s, %.2f processors", b.means(), took, passed, took/passed)
}

func (b *burning) over() <-chan struct{} { return nil }

func (b *burning) putDown() error {
	close(b.stop)
	b.busy.Wait()
	return nil
}

// processorTime is what this process has had since it began.
func processorTime() time.Duration {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
