package main

// The second way to speak to a running fault, for those who cannot reach its standard input: an abstract unix socket, which is
// of the network namespace and of no file system. Owns who may speak (root, or whoever runs the fault), one short line a call, and that
// nobody can hold it up for long.

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxLine  = 256
	maxCalls = 8
	callTime = 5 * time.Second
)

func doorName(owner string) string { return "@squall-fault-" + digest(owner) }

// request is a line that somebody said, and where the answer goes.
type request struct {
	text  string
	reply func(line)
}

// openDoor fails where another process of the same owner lives: one more guard against two.
func openDoor(owner string, requests chan<- request) (net.Listener, error) {
	door, err := net.Listen("unix", doorName(owner))
	if err != nil {
		return nil, err
	}
	places := make(chan struct{}, maxCalls)
	go func() {
		for {
			call, err := door.Accept()
			if err != nil {
				return
			}
			select {
			case places <- struct{}{}:
				go func() {
					serve(call, requests)
					<-places
				}()
			default:
				_ = call.Close()
			}
		}
	}()
	return door, nil
}

func serve(call net.Conn, requests chan<- request) {
	defer call.Close()
	_ = call.SetDeadline(time.Now().Add(callTime))
	if !trusted(call) {
		return
	}
	text, err := bufio.NewReaderSize(call, maxLine).ReadSlice('\n')
	if err != nil {
		return
	}
	answered := make(chan struct{})
	var once bool
	requests <- request{string(text), func(said line) {
		if once {
			return
		}
		once = true
		_, _ = call.Write(said.bytes())
		close(answered)
	}}
	<-answered
}

func trusted(call net.Conn) bool {
	raw, err := call.(*net.UnixConn).SyscallConn()
	if err != nil {
		return false
	}
	allowed := false
	err = raw.Control(func(descriptor uintptr) {
		peer, err := unix.GetsockoptUcred(int(descriptor), unix.SOL_SOCKET, unix.SO_PEERCRED)
		allowed = err == nil && (peer.Uid == 0 || int(peer.Uid) == os.Geteuid())
	})
	return err == nil && allowed
}

// ask says a line to the fault of an owner and returns what it answers.
func ask(owner, text string) (string, error) {
	call, err := net.DialTimeout("unix", doorName(owner), callTime)
	if err != nil {
		return "", err
	}
	defer call.Close()
	_ = call.SetDeadline(time.Now().Add(callTime))
	if _, err := fmt.Fprintln(call, text); err != nil {
		return "", err
	}
	return bufio.NewReaderSize(call, 4096).ReadString('\n')
}

// answers says whether a process of the owner listens.
func answers(owner string) bool {
	call, err := net.DialTimeout("unix", doorName(owner), callTime)
	if err != nil {
		return false
	}
	_ = call.Close()
	return true
}
