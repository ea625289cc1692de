package main

// Other processes, held still. Owns who is held (all of one container's, each of their threads) and that this is by tracing: the kernel lets go
// of everything that a tracer holds when the tracer ends, whatever ends it. A signal would not do: it does not stop the first process of a
// namespace, and nobody would take it back.

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	reapEvery = 50 * time.Millisecond
	// How long it may take until all stand still; who waits for a disk does so without us.
	stillWithin = 5 * time.Second
	maxHeld     = 100_000
)

var containerID = regexp.MustCompile(`^[0-9a-f]{12,64}$`)

type holdingStill struct {
	container string

	guard sync.Mutex
	count int
	most  int
	began time.Time
	stop  chan struct{}
	done  chan error
	empty chan struct{}
}

func pauseFlags(flags *flag.FlagSet) func() (burden, error) {
	asked := &holdingStill{stop: make(chan struct{}), done: make(chan error, 1), empty: make(chan struct{})}
	flags.StringVar(&asked.container, "container", "", "")
	return func() (burden, error) {
		if !containerID.MatchString(asked.container) {
			return nil, errors.New("--container: the id of the container whose processes are meant")
		}
		return asked, nil
	}
}

func (h *holdingStill) take() error {
	began := make(chan error)
	// A tracer is a thread, and only that thread may speak to what it traces.
	go func() {
		runtime.LockOSThread()
		held := map[int]syscall.Signal{}
		err := h.holdAll(held)
		began <- err
		if err != nil {
			letGo(held)
			return
		}
		h.watch(held)
		h.done <- letGo(held)
	}()
	h.began = time.Now()
	return <-began
}

// holdAll goes on until nobody new is found: whoever is not held yet may start another. By thread, what is held is the signal that was about
// to reach it just then, which it is to get when it goes on; 0 for none.
func (h *holdingStill) holdAll(held map[int]syscall.Signal) error {
	for end := time.Now().Add(stillWithin); ; {
		threads, err := threadsOf(h.container)
		if err != nil {
			return err
		}
		fresh, moving := 0, 0
		for _, thread := range threads {
			if _, known := held[thread]; known {
				if !standsStill(thread) {
					moving++
				}
				continue
			}
			if err := seize(thread); errors.Is(err, syscall.ESRCH) {
				continue
			} else if err != nil {
				return refusal{"not-permitted", fmt.Sprintf("process %d cannot be held: %s", thread, err)}
			}
			held[thread] = 0
			if fresh++; len(held) > maxHeld {
				return refusal{"unsupported", fmt.Sprintf("more than %d threads", maxHeld)}
			}
		}
		reap(held)
		if len(held) == 0 && len(threads) == 0 {
			return refusal{"no-process", "no process of the container can be seen from here: its process namespace is not shared"}
		}
		if fresh == 0 && (moving == 0 || time.Now().After(end)) {
			h.tell(len(held))
			return nil
		}
		if fresh == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// watch lets those that were killed go, for which the kernel waits.
func (h *holdingStill) watch(held map[int]syscall.Signal) {
	for {
		select {
		case <-h.stop:
			return
		case <-time.After(reapEvery):
		}
		reap(held)
		h.tell(len(held))
		if len(held) == 0 {
			close(h.empty)
			<-h.stop
			return
		}
	}
}

func (h *holdingStill) tell(count int) {
	h.guard.Lock()
	defer h.guard.Unlock()
	h.count = count
	h.most = max(h.most, count)
}

func seize(thread int) error {
	if _, _, failed := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(thread), 0, 0, 0, 0); failed != 0 {
		return failed
	}
	if _, _, failed := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_INTERRUPT, uintptr(thread), 0, 0, 0, 0); failed != 0 {
		return failed
	}
	return nil
}

func detach(thread int, signal syscall.Signal) error {
	if _, _, failed := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(thread), 0, uintptr(signal), 0, 0); failed != 0 {
		return failed
	}
	return nil
}

// reap takes note of who stands still, and forgets who has ended.
func reap(held map[int]syscall.Signal) {
	for {
		var status unix.WaitStatus
		thread, err := unix.Wait4(-1, &status, unix.WNOHANG|unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || thread <= 0 {
			break
		}
		_, known := held[thread]
		switch {
		case status.Exited() || status.Signaled():
			delete(held, thread)
		case known && status.Stopped() && status>>16 == 0: // no event of tracing
			held[thread] = status.StopSignal()
		}
	}
}

// letGo lets all go on, and looks whether they do.
func letGo(held map[int]syscall.Signal) error {
	for end := time.Now().Add(stillWithin); ; {
		reap(held)
		for thread, signal := range held {
			// Who does not stand still yet cannot be let go of yet either.
			if err := detach(thread, signal); err == nil || tracerOf(thread) == 0 {
				delete(held, thread)
			}
		}
		if len(held) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d threads are still held", len(held))
		}
		time.Sleep(time.Millisecond)
	}
}

func (h *holdingStill) means() string { return "tracing" }

func (h *holdingStill) effect() string {
	h.guard.Lock()
	defer h.guard.Unlock()
	return fmt.Sprintf("%d threads held still for %.1f s, %d of them to the end", h.most, time.Since(h.began).Seconds(), h.count)
}

func (h *holdingStill) over() <-chan struct{} { return h.empty }

func (h *holdingStill) putDown() error {
	close(h.stop)
	select {
	case err := <-h.done:
		return err
	case <-time.After(2 * stillWithin):
		return errors.New("those who are held are not let go of")
	}
}

// threadsOf lists all threads of a container's processes, known by their control group.
func threadsOf(container string) ([]int, error) {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var threads []int
	for _, process := range processes {
		groups, err := os.ReadFile(filepath.Join(process, "cgroup"))
		if err != nil || !strings.Contains(string(groups), container) {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(process, "task"))
		if err != nil {
			continue
		}
		for _, entry := range entries {
			thread, err := strconv.Atoi(entry.Name())
			if err == nil && stateOf(thread) != 'Z' && stateOf(thread) != 'X' {
				threads = append(threads, thread)
			}
		}
	}
	return threads, nil
}

func standsStill(thread int) bool {
	state := stateOf(thread)
	return state == 't' || state == 'Z' || state == 'X' || state == 0
}

// stateOf is the letter that the kernel has for what a thread does; 0 where there is none.
func stateOf(thread int) byte {
	return field(thread, "\nState:\t") // "S (sleeping)"
}

func tracerOf(thread int) byte {
	if tracer := field(thread, "\nTracerPid:\t"); tracer != '0' {
		return tracer
	}
	return 0
}

// field is the first letter of a field of a thread's status; 0 where there is none.
func field(thread int, name string) byte {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(status), name)
	if !found || rest == "" {
		return 0
	}
	return rest[0]
}
