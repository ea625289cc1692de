package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

const gigabyte = 1 << 30

func TestAVolumeIsItsOwnOnlyOnADeviceOfItsOwn(t *testing.T) {
	for name, what := range map[string]struct {
		limit int64
		share float64
		taken int64
		of    volume
		most  int64
		own   bool
		none  bool
	}{
		"a claim":                                    {limit: 10, share: 0.9, of: volume{total: 10, free: 10, available: 9}, most: 10, own: true},
		"a claim, less what it is made with":         {limit: 100, share: 0.9, of: volume{total: 97, free: 97, available: 97}, most: 97, own: true},
		"a folder of a larger file system":           {limit: 10, share: 0.9, of: volume{total: 100, free: 80, available: 80}, most: 10},
		"a part of the node's disk":                  {limit: 10, share: 0.9, of: volume{total: 100, free: 50, available: 50, shared: true}, most: 10},
		"that which is nearly full":                  {limit: 10, share: 0.9, of: volume{total: 100, free: 23, available: 23, shared: true}, none: true},
		"that which we fill":                         {limit: 10, share: 0.9, taken: 9, of: volume{total: 100, free: 20, available: 20, shared: true}, most: 10},
		"a limit that is the node's disk":            {limit: 100, share: 0.9, of: volume{total: 100, free: 100, available: 100, shared: true}, none: true},
		"a limit above the node's disk":              {limit: 200, share: 0.9, of: volume{total: 100, free: 100, available: 100, shared: true}, none: true},
		"a share of it that the node can do without": {limit: 200, share: 0.5, of: volume{total: 100, free: 90, available: 90, shared: true}, most: 100},
		"a file system of nothing":                   {limit: 10, share: 0.9, none: true},
	} {
		of := volume{what.of.total * gigabyte, what.of.free * gigabyte, what.of.available * gigabyte, what.of.shared}
		f := &filling{share: what.share, limit: what.limit * gigabyte, size: what.taken * gigabyte}
		limit, own, err := f.within(of)
		var refused refusal
		if what.none != errors.As(err, &refused) || limit != what.most*gigabyte || own != what.own {
			t.Errorf("%s: %d %v %v", name, limit/gigabyte, own, err)
		}
	}
}

func TestADeviceIsTheNodesWhereItsFilesAreOrNoneIsSeen(t *testing.T) {
	defer func(before []string) { fromTheNode = before }(fromTheNode)
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// /proc/uptime is on a device of its own, but no mount.
	for name, what := range map[string]struct {
		files  []string
		shared bool
	}{
		"on that of a file":   {[]string{"/proc/uptime", file}, true},
		"no file":             {[]string{filepath.Join(folder, "none")}, true},
		"a file of an image":  {[]string{"/proc/uptime"}, true},
		"on another":          {[]string{"/proc"}, false},
		"on another than one": {[]string{filepath.Join(folder, "none"), "/proc"}, false},
	} {
		fromTheNode = what.files
		if shared, err := ofTheNode(folder); err != nil || shared != what.shared {
			t.Errorf("%s: %v %v", name, shared, err)
		}
	}
}

func TestWhatADeathLeftIsTakenAwayAndNothingElse(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, ".squall-fault")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := unlinked(folder)
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	for name, put := range map[string]func() error{
		"a file with something in it": func() error { return os.WriteFile(path, []byte("a"), 0o600) },
		"a folder":                    func() error { return os.Mkdir(path, 0o700) },
		"a link":                      func() error { return os.Symlink("nowhere", path) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if file, err := unlinked(folder); !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: %v", name, err)
			_ = file.Close()
		}
		if err := os.Remove(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
