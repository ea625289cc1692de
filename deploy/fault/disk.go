package main

// Room on a volume. Owns the one file that takes it: it has no name, so that the kernel frees it with the process that holds it, whatever
// ends that. Never more than asked of the volume's limit, and never what a node needs for itself.

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	fillEvery = time.Second
	maxFill   = 0.95
	// What stays free of a file system that is others' too: a kubelet evicts at a tenth.
	mustStay = 0.15
	fillStep = 16 << 20
	maxLimit = 1 << 50
)

type filling struct {
	path  string
	share float64 // of the limit, all that is used
	limit int64
	alone bool // whether the volume must be a file system of its own

	file   *os.File
	guard  sync.Mutex // of what is told, never of what is done
	size   int64
	full   room
	reason string
	stop   chan struct{}
	done   chan struct{}
}

// room is how a volume is used.
type room struct {
	own   bool  // the limit is that of the file system
	total int64 // what may be used
	used  int64
}

func diskFlags(flags *flag.FlagSet) func() (burden, error) {
	asked := &filling{stop: make(chan struct{}), done: make(chan struct{})}
	flags.StringVar(&asked.path, "path", "/volume", "")
	flags.Func("to", "", percent(&asked.share))
	flags.Int64Var(&asked.limit, "limit", 0, "")
	flags.BoolVar(&asked.alone, "own", false, "")
	return func() (burden, error) {
		switch {
		case !filepath.IsAbs(asked.path):
			return nil, errors.New("--path: where the volume is")
		case asked.share < 0.01 || asked.share > maxFill:
			return nil, fmt.Errorf("--to: from 1 to %.0f", 100*maxFill)
		case asked.limit < 1 || asked.limit > maxLimit:
			return nil, errors.New("--limit: how many bytes the volume may have")
		}
		return asked, nil
	}
}

func (f *filling) take() error {
	now, err := f.look()
	if err != nil {
		return err
	}
	if f.alone && !now.own {
		return refusal{"not-its-own", "the volume is a part of a larger file system, which others would miss"}
	}
	if f.file, err = nameless(f.path); err != nil {
		return fmt.Errorf("no file can be made in the volume: %w", err)
	}
	if err := f.step(); err != nil {
		_ = f.file.Close()
		f.file = nil
		return err
	}
	go func() {
		defer close(f.done)
		for {
			select {
			case <-f.stop:
				return
			case <-time.After(fillEvery):
				_ = f.step()
			}
		}
	}()
	return nil
}

// nameless opens a file that no other process can open, and that is gone with this one.
func nameless(folder string) (*os.File, error) {
	descriptor, err := unix.Open(folder, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(descriptor), "nameless"), nil
	}
	// Not every file system can.
	return unlinked(folder)
}

// unlinked opens a file whose name is taken away at once. A death between the two leaves it, empty: it is taken away by the next.
func unlinked(folder string) (*os.File, error) {
	path := filepath.Join(folder, ".squall-fault")
	var left unix.Stat_t
	if unix.Lstat(path, &left) == nil && left.Mode&unix.S_IFMT == unix.S_IFREG && left.Size == 0 && int(left.Uid) == os.Geteuid() {
		_ = os.Remove(path)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// volume is a file system as it is found.
type volume struct {
	total, free, available int64
	shared                 bool // others' too
}

// look reads how the volume is used, with what is taken here.
func (f *filling) look() (room, error) {
	var of unix.Statfs_t
	if err := unix.Statfs(f.path, &of); err != nil {
		return room{}, err
	}
	shared, err := ofTheNode(f.path)
	if err != nil {
		return room{}, err
	}
	block := int64(of.Bsize)
	found := volume{int64(of.Blocks) * block, int64(of.Bfree) * block, int64(of.Bavail) * block, shared}
	limit, own, err := f.within(found)
	if err != nil {
		return room{}, err
	}
	if own {
		return room{own: true, total: limit, used: found.total - found.free}, nil
	}
	others, err := filesIn(f.path)
	return room{total: limit, used: others + f.size}, err
}

// within decides how much may be used of a volume, and whether that is all of its file system; a refusal where others need the room.
func (f *filling) within(of volume) (limit int64, own bool, err error) {
	if !of.shared && of.total > 0 && of.total <= f.limit+f.limit/20 {
		return of.total, true, nil
	}
	limit = min(f.limit, of.total)
	if free := float64(of.available-(f.most(limit)-f.size)) / float64(max(1, of.total)); free < mustStay {
		return 0, false, refusal{"no-room", fmt.Sprintf("the volume is on a file system of which %.0f%% would be free: others need it", 100*max(0, free))}
	}
	return limit, false, nil
}

// What a kubelet puts into each container from its own folder, on the node's disk.
var fromTheNode = []string{"/dev/termination-log", "/etc/hosts"}

// ofTheNode is whether a volume is on a disk that the node itself has files on. Where none of those is seen, it may be.
func ofTheNode(path string) (bool, error) {
	at, err := deviceOf(path)
	if err != nil {
		return false, err
	}
	seen := false
	for _, file := range fromTheNode {
		device, err := deviceOf(file)
		if err != nil {
			continue
		}
		if device == at {
			return true, nil
		}
		// One that is not mounted is the image's.
		folder, err := deviceOf(filepath.Dir(file))
		seen = seen || err == nil && folder != device
	}
	return !seen, nil
}

func deviceOf(path string) (uint64, error) {
	var of unix.Stat_t
	err := unix.Stat(path, &of)
	return uint64(of.Dev), err
}

func (f *filling) most(limit int64) int64 { return int64(math.Floor(f.share * float64(limit))) }

// step takes what is still to be taken, or gives back what is too much. Blind, it stands still.
func (f *filling) step() error {
	now, err := f.look()
	if err != nil {
		f.tell(func() { f.reason = err.Error() })
		return err
	}
	f.tell(func() { f.full, f.reason = now, "" })
	wanted := max(0, f.size+f.most(now.total)-now.used)
	if wanted <= f.size {
		if f.size-wanted > now.total/200 {
			if err := f.file.Truncate(wanted); err != nil {
				return err
			}
			f.tell(func() { f.size = wanted })
		}
		return nil
	}
	for f.size < wanted {
		part := min(fillStep, wanted-f.size)
		if err := f.grow(part); errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			f.tell(func() { f.reason = "nothing more could be had" })
			break
		} else if err != nil {
			return err
		}
		f.tell(func() { f.size += part })
		select {
		case <-f.stop:
			return nil
		default:
		}
	}
	return nil
}

func (f *filling) tell(change func()) {
	f.guard.Lock()
	defer f.guard.Unlock()
	change()
}

func (f *filling) grow(part int64) error {
	err := unix.Fallocate(int(f.file.Fd()), 0, f.size, part)
	if !errors.Is(err, syscall.EOPNOTSUPP) && !errors.Is(err, syscall.ENOSYS) {
		return err
	}
	_, err = f.file.WriteAt(make([]byte, part), f.size)
	return err
}

func (f *filling) means() string {
	f.guard.Lock()
	defer f.guard.Unlock()
	if f.full.own {
		return "a nameless file on a file system of its own"
	}
	return "a nameless file within a limit that its file system does not know"
}

func (f *filling) effect() string {
	means := f.means()
	f.guard.Lock()
	defer f.guard.Unlock()
	said := fmt.Sprintf("%.1f MB taken of %.1f MB by %s", float64(f.size)/1e6, float64(f.full.total)/1e6, means)
	if f.reason != "" {
		said += ": " + f.reason
	}
	return said
}

func (f *filling) over() <-chan struct{} { return nil }

func (f *filling) putDown() error {
	if f.file == nil {
		return nil
	}
	close(f.stop)
	<-f.done
	if err := f.file.Truncate(0); err != nil {
		return err
	}
	var left unix.Stat_t
	if err := unix.Fstat(int(f.file.Fd()), &left); err != nil {
		return err
	}
	if left.Blocks > 0 {
		return fmt.Errorf("%d blocks are still taken", left.Blocks)
	}
	return f.file.Close()
}

// filesIn is what the files of a folder take; what cannot be read counts as nothing, since it cannot grow by us.
func filesIn(folder string) (bytes int64, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == folder {
				return err
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += stat.Blocks * 512
		}
		return nil
	})
	return bytes, err
}
