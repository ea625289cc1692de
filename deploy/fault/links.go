package main

// The interfaces of the network namespace and what their root queueing discipline is. Owns whom a fault may be laid on: up, not the
// loopback, and with nobody's discipline at its root but the kernel's own. Only reads.

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

type link struct {
	index int
	name  string
}

// usableLinks are the named ones, or all. Refuses rather than leaving one out.
func usableLinks(names []string) ([]link, error) {
	found, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	usable := []link{}
	for _, each := range found {
		attributes := each.Attrs()
		if attributes.Flags&net.FlagUp == 0 || attributes.Flags&net.FlagLoopback != 0 {
			continue
		}
		if len(names) == 0 || slices.Contains(names, attributes.Name) {
			usable = append(usable, link{attributes.Index, attributes.Name})
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(usable, func(each link) bool { return each.name == name }) {
			return nil, refusal{"no-interface", name + " is not there, is down, or is the loopback"}
		}
	}
	if len(usable) == 0 {
		return nil, refusal{"no-interface", "none but the loopback is up"}
	}
	for _, each := range usable {
		root, err := rootOf(each)
		if err != nil {
			return nil, err
		}
		if root != nil && !ofTheKernel(root) {
			return nil, refusal{"foreign-qdisc", fmt.Sprintf("%s has %s %s at its root", each.name, root.Type(), netlink.HandleStr(root.Attrs().Handle))}
		}
	}
	return usable, nil
}

// The kernel's own choices; what it attaches by itself has no handle, what anybody attached has one.
var defaults = []string{"noqueue", "mq", "pfifo_fast", "fq_codel", "fq"}

func ofTheKernel(root netlink.Qdisc) bool {
	return root.Attrs().Handle == 0 && slices.Contains(defaults, root.Type())
}

func rootOf(on link) (netlink.Qdisc, error) {
	disciplines, err := netlink.QdiscList(linkOf(on))
	if err != nil {
		return nil, fmt.Errorf("qdiscs of %s: %w", on.name, err)
	}
	for _, discipline := range disciplines {
		if discipline.Attrs().Parent == netlink.HANDLE_ROOT {
			return discipline, nil
		}
	}
	return nil, nil
}

func linkOf(on link) netlink.Link {
	return &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: on.index, Name: on.name}}
}

// gateways are where default routes go. With a bridge between, the node's own calls, a kubelet's probes among them, come from there.
func gateways() (keptAddresses, error) {
	routes, err := netlink.RouteList(nil, unix.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	kept := keptAddresses{}
	for _, route := range routes {
		if route.Dst != nil {
			if ones, _ := route.Dst.Mask.Size(); ones != 0 {
				continue
			}
		}
		if gateway, ok := netip.AddrFromSlice(route.Gw); ok {
			gateway = gateway.Unmap()
			kept = append(kept, netip.PrefixFrom(gateway, gateway.BitLen()))
		}
	}
	return kept, nil
}
