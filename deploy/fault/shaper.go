package main

// Our queueing disciplines: an htb at the root that passes on whatever nobody classified, one class of it without a limit, and
// netem or tbf there. Owns that only classified packets are touched, so that the gate in the table ends it; and the handle, derived from
// the owner, by which it is known as ours. Must never replace or delete a discipline with another handle.

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
)

// handleOf marks an owner's discipline. Below 0x8000, where the kernel numbers those without a handle.
func handleOf(owner string) uint16 {
	sum := sha256.Sum256([]byte(owner))
	return 0x4000 | binary.BigEndian.Uint16(sum[:])&0x3fff
}

func classOf(owner string) uint32 { return netlink.MakeHandle(handleOf(owner), 2) }

// Packets that may wait at once.
const held = 16_384

func shape(asked spec, leaf string, links []link) error {
	if netlink.TickInUsec() == 0 {
		return errors.New("the scheduler's clock cannot be read")
	}
	for _, each := range links {
		if err := shapeLink(asked, leaf, each); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", each.name, err), unshape(asked.owner))
		}
	}
	return nil
}

// shapeLink relies on the kernel to refuse where anybody's discipline is at the root: it is created exclusively.
func shapeLink(asked spec, leaf string, on link) error {
	major := handleOf(asked.owner)
	direct := uint32(held)
	root := netlink.NewHtb(netlink.QdiscAttrs{
		LinkIndex: on.index, Handle: netlink.MakeHandle(major, 0), Parent: netlink.HANDLE_ROOT,
	})
	root.DirectQlen = &direct
	if err := netlink.QdiscAdd(root); err != nil {
		return fmt.Errorf("htb: %w", err)
	}
	const unlimited = 30_000_000_000
	class := netlink.NewHtbClass(
		netlink.ClassAttrs{LinkIndex: on.index, Parent: netlink.MakeHandle(major, 0), Handle: classOf(asked.owner)},
		netlink.HtbClassAttrs{Rate: unlimited, Ceil: unlimited, Buffer: 4_000_000, Cbuffer: 4_000_000, Quantum: 60_000},
	)
	if err := netlink.ClassAdd(class); err != nil {
		return fmt.Errorf("htb class: %w", err)
	}
	attributes := netlink.QdiscAttrs{LinkIndex: on.index, Parent: classOf(asked.owner)}
	if err := netlink.QdiscAdd(leafOf(asked, leaf, attributes)); err != nil {
		return fmt.Errorf("%s: %w", leaf, err)
	}
	return nil
}

func leafOf(asked spec, leaf string, attributes netlink.QdiscAttrs) netlink.Qdisc {
	if leaf == byTbf {
		bytes := asked.rate / 8
		return &netlink.Tbf{
			QdiscAttrs: attributes,
			Rate:       bytes,
			// What waits for more than a fifth of a second is dropped.
			Limit:  burst(bytes) + uint32(min(bytes/5, 100_000_000)),
			Buffer: netlink.Xmittime(bytes, burst(bytes)),
		}
	}
	parameters := netlink.NetemQdiscAttrs{Limit: held}
	switch asked.kind {
	case latency:
		parameters.Latency = uint32(asked.delay / time.Microsecond)
		parameters.Jitter = uint32(asked.jitter / time.Microsecond)
		parameters.DelayCorr = float32(asked.correlation * 100)
	case loss:
		parameters.Loss = float32(asked.share * 100)
		parameters.LossCorr = float32(asked.correlation * 100)
	case corrupt:
		parameters.CorruptProb = float32(asked.share * 100)
		parameters.CorruptCorr = float32(asked.correlation * 100)
	}
	return netlink.NewNetem(attributes, parameters)
}

// unshape takes ours off wherever it is; the kernel puts its own in its place.
func unshape(owner string) error {
	shaped, err := shapedLinks(owner)
	if err != nil {
		return err
	}
	var failures error
	for _, each := range shaped {
		err := netlink.QdiscDel(each)
		if err != nil && !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENODEV) && !errors.Is(err, syscall.EINVAL) {
			failures = errors.Join(failures, err)
		}
	}
	return failures
}

func shapedLinks(owner string) ([]*netlink.Htb, error) {
	found, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	shaped := []*netlink.Htb{}
	for _, each := range found {
		root, err := rootOf(link{each.Attrs().Index, each.Attrs().Name})
		if err != nil {
			return nil, err
		}
		if htb, ours := root.(*netlink.Htb); ours && htb.Handle == netlink.MakeHandle(handleOf(owner), 0) {
			shaped = append(shaped, htb)
		}
	}
	return shaped, nil
}
