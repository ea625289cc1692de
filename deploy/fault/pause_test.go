package main

import (
	"bufio"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWhoIsHeldAsASignalComesHasItAfterwards(t *testing.T) {
	// A tracer is a thread, which ends with this test.
	runtime.LockOSThread()
	program := exec.Command("sh", "-c", "trap 'echo got; exit' USR1; echo ready; while :; do sleep 0.01; done")
	output, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	thread := program.Process.Pid
	kill := func() { _ = program.Process.Kill() }
	defer kill()
	defer time.AfterFunc(time.Minute, kill).Stop()
	lines := bufio.NewReader(output)
	if said, err := lines.ReadString('\n'); said != "ready\n" {
		t.Errorf("%q %v", said, err)
	}
	// As between seize's two calls: no interrupt yet.
	if _, _, failed := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(thread), 0, 0, 0, 0); failed != 0 {
		t.Skip("may not trace here: ", failed)
	}
	if err := program.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	held := map[int]syscall.Signal{thread: 0}
	for held[thread] != syscall.SIGUSR1 {
		time.Sleep(time.Millisecond)
		if reap(held); len(held) == 0 {
			t.Fatal("it has ended")
		}
		// The end of one of its own children may come first, and is let through.
		if other := held[thread]; other != 0 && other != syscall.SIGUSR1 {
			held[thread] = 0
			_, _, _ = unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_CONT, uintptr(thread), 0, uintptr(other), 0, 0)
		}
	}
	if _, _, failed := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_INTERRUPT, uintptr(thread), 0, 0, 0, 0); failed != 0 {
		t.Error(failed)
	}
	if err := letGo(held); err != nil {
		t.Error(err)
	}
	if said, err := lines.ReadString('\n'); said != "got\n" {
		t.Errorf("%q %v", said, err)
	}
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}
