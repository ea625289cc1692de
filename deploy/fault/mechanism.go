package main

// How a fault is done on this kernel. Owns the candidates for each kind and way, best first, and the expressions that do the
// harm in the table. Must never guess what a kernel can do: each plan is tried, and the first that works is it.

import (
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// Names as they are reported.
const (
	byNetem = "netem"
	byTbf   = "tbf"
	byQueue = "nfqueue"
	byDrop  = "nft-drop"
	byShare = "nft-numgen"
	byLimit = "nft-limit"
)

// mechanism is what one way of a fault comes down to.
type mechanism struct {
	name string
	harm []expr.Any
}

// plan is one complete attempt.
type plan struct {
	egress, ingress mechanism
	leaf            string // byNetem or byTbf at a class of ours; empty: no queueing discipline
	queued          bool   // packets come to this process
	label           string
}

// plans lists the attempts, best first. `class` is where a queueing discipline would be, `number` which queue we listen on.
func plans(asked spec, class uint32, number uint16) []plan {
	attempts := []plan{}
	for _, leaf := range leaves(asked) {
		for _, form := range queueForms {
			attempt := plan{leaf: leaf, label: leaf}
			if leaf == "" {
				attempt.egress = withoutLeaf(asked, number, form)
			} else {
				attempt.egress = mechanism{name: leaf, harm: classify(class)}
			}
			attempt.ingress = withoutLeaf(asked, number, form)
			attempt.queued = asked.egress && attempt.egress.name == byQueue || asked.ingress && attempt.ingress.name == byQueue
			if attempt.queued {
				attempt.label += " " + form
			}
			attempts = append(attempts, attempt)
			if !attempt.queued {
				break
			}
		}
	}
	return attempts
}

// leaves are the queueing disciplines that could do it. They act on what is sent only.
func leaves(asked spec) []string {
	switch {
	case !asked.egress || asked.kind == partition:
		return []string{""}
	case asked.kind == bandwidth:
		return []string{byTbf, ""}
	}
	return []string{byNetem, ""}
}

// withoutLeaf is the way that needs no queueing discipline.
func withoutLeaf(asked spec, number uint16, form string) mechanism {
	switch {
	case asked.kind == partition:
		return mechanism{byDrop, []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}}
	case asked.kind == bandwidth:
		return mechanism{byLimit, limit(asked.rate)}
	case asked.kind == loss && asked.correlation == 0:
		return mechanism{byShare, dropShare(asked.share)}
	}
	return mechanism{byQueue, queue(number, form)}
}

// classify hands a packet to our class. Whatever is not classified goes past it, so that a shut gate ends this fault too.
func classify(class uint32) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint32(class)},
		&expr.Meta{Key: expr.MetaKeyPRIORITY, SourceRegister: true, Register: 1},
	}
}

// Shares are drawn out of so many.
const shares = 1_000_000

func dropShare(share float64) []expr.Any {
	return []expr.Any{
		&expr.Numgen{Register: 1, Modulus: shares, Type: unix.NFT_NG_RANDOM},
		// Compared byte by byte, so that the greatest must come first.
		&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: binaryutil.BigEndian.PutUint32(uint32(share * shares))},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

func limit(rate uint64) []expr.Any {
	bytes := rate / 8
	return []expr.Any{
		&expr.Limit{Type: expr.LimitTypePktBytes, Rate: bytes, Unit: expr.LimitTimeSecond, Over: true, Burst: burst(bytes)},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

// burst is what passes at once, in bytes: a tenth of a second, and never less than a few packets.
func burst(bytesPerSecond uint64) uint32 {
	return uint32(min(max(bytesPerSecond/10, 10_000), 10_000_000))
}

// A queue can be asked for by nft's own expression, or by the older target, where a kernel has only that.
const (
	nativeQueue = "queue"
	targetQueue = "xt-NFQUEUE"
)

var queueForms = []string{nativeQueue, targetQueue}

// queue hands a packet to this process, and past it where no process listens.
func queue(number uint16, form string) []expr.Any {
	if form == nativeQueue {
		return []expr.Any{&expr.Queue{Num: number, Total: 1, Flag: expr.QueueFlagBypass}}
	}
	const bypass = 1
	// struct xt_NFQ_info_v3 { u16 queuenum, queues_total, flags }, padded to eight bytes.
	info := make(xt.Unknown, 0, 8)
	for _, field := range []uint16{number, 1, bypass, 0} {
		info = append(info, binaryutil.NativeEndian.PutUint16(field)...)
	}
	return []expr.Any{&expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}}
}
