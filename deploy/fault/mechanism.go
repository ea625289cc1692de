package main

// How a fault is done on this kernel. Owns the candidates for each kind and way, best first, and the expressions that do the
// harm in the table. Must never guess what a kernel can do: each plan is tried, and the first that works is it.

import (
	"strings"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// Names as they are reported. With silence, who sends a packet is not told that it was dropped, as on a real network; a plain drop on its
// way out is an error to who sends a datagram.
const (
	byNetem       = "netem"
	byTbf         = "tbf"
	byQueue       = "nfqueue"
	byDrop        = "nft-drop"
	bySilence     = "nft-silence"
	byShare       = "nft-numgen-drop"
	bySilentShare = "nft-numgen-silence"
	byLimit       = "nft-limit"
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
	label           string // of both ways, and the form of the queue
}

// A queue can be asked for by nft's own expression, or by the older target, where a kernel has only that, or not at all.
const (
	nativeQueue = "queue"
	targetQueue = "xt-NFQUEUE"
	withoutAny  = "no queue"
)

// places is where what acts outside the table would be.
type places struct {
	class    uint32 // of our queueing discipline
	listened uint16 // the queue that this process serves
	unheard  uint16 // a queue that nobody serves
}

// plans lists the attempts, best first.
func plans(asked spec, at places) []plan {
	attempts := []plan{}
	for _, leaf := range leaves(asked) {
		for _, form := range []string{nativeQueue, targetQueue, withoutAny} {
			attempt := plan{leaf: leaf}
			queues := 0
			if asked.egress {
				attempt.egress = mechanism{leaf, classify(at.class)}
				if leaf == "" {
					attempt.egress = sent(asked, at, form)
				}
			}
			if asked.ingress {
				attempt.ingress = received(asked, at, form)
			}
			for _, name := range []string{attempt.egress.name, attempt.ingress.name} {
				attempt.queued = attempt.queued || name == byQueue
				if name == byQueue || name == bySilence || name == bySilentShare {
					queues++
				}
			}
			attempt.label = strings.Trim(attempt.egress.name+"+"+attempt.ingress.name, "+")
			if queues > 0 {
				attempt.label += " by " + form
			}
			if attempt.queued && form == withoutAny {
				break
			}
			attempts = append(attempts, attempt)
			if queues == 0 {
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

// sent is the way out that needs no queueing discipline.
func sent(asked spec, at places, form string) mechanism {
	if form == withoutAny {
		return received(asked, at, form)
	}
	silence := queue(at.unheard, form, 0)
	switch {
	case asked.kind == partition:
		return mechanism{bySilence, silence}
	case asked.kind == loss && asked.correlation == 0:
		return mechanism{bySilentShare, append(share(asked.share), silence...)}
	}
	return received(asked, at, form)
}

// received is the way in, where a drop is noticed by nobody.
func received(asked spec, at places, form string) mechanism {
	drop := &expr.Verdict{Kind: expr.VerdictDrop}
	switch {
	case asked.kind == partition, asked.kind == dns && asked.answer == answerNone && !asked.readsAnswers():
		return mechanism{byDrop, []expr.Any{drop}}
	case asked.kind == loss && asked.correlation == 0:
		return mechanism{byShare, append(share(asked.share), drop)}
	case asked.kind == bandwidth:
		return mechanism{byLimit, []expr.Any{limit(asked.rate), drop}}
	}
	return mechanism{byQueue, queue(at.listened, form, bypass)}
}

// classify hands a packet to our class. Whatever is not classified goes past it, so that a shut gate ends this fault too.
func classify(class uint32) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint32(class)},
		&expr.Meta{Key: expr.MetaKeyPRIORITY, SourceRegister: true, Register: 1},
	}
}

// How finely shares are drawn.
const shares = 1_000_000

// share goes on with that part of the packets.
func share(share float64) []expr.Any {
	return []expr.Any{
		&expr.Numgen{Register: 1, Modulus: shares, Type: unix.NFT_NG_RANDOM},
		// Compared byte by byte, so that the greatest must come first.
		&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: binaryutil.BigEndian.PutUint32(uint32(share * shares))},
	}
}

// limit goes on with what is beyond the rate. The kernel lets a second's worth and the burst pass at once after a silence.
func limit(rate uint64) *expr.Limit {
	bytes := rate / 8
	return &expr.Limit{Type: expr.LimitTypePktBytes, Rate: bytes, Unit: expr.LimitTimeSecond, Over: true, Burst: burst(bytes)}
}

// burst is what passes at once, in bytes: a tenth of a second, and never less than a few packets.
func burst(bytesPerSecond uint64) uint32 {
	return uint32(min(max(bytesPerSecond/10, 10_000), 10_000_000))
}

// bypass lets packets pass where nobody serves a queue. Without it they are dropped there, and counted as sent to who sent them.
const bypass = 1

func queue(number uint16, form string, flags uint16) []expr.Any {
	if form == nativeQueue {
		return []expr.Any{&expr.Queue{Num: number, Total: 1, Flag: expr.QueueFlag(flags)}}
	}
	// struct xt_NFQ_info_v3 { u16 queuenum, queues_total, flags }, padded to eight bytes.
	info := make(xt.Unknown, 0, 8)
	for _, field := range []uint16{number, 1, flags, 0} {
		info = append(info, binaryutil.NativeEndian.PutUint16(field)...)
	}
	return []expr.Any{&expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}}
}
