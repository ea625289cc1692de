package main

// What becomes of a packet that comes to this process: late, lost, or with one bit turned. Owns that decision and nothing else: no
// socket, no clock.

import (
	"math/rand/v2"
	"time"
)

type fate struct {
	verdict uint32
	after   time.Duration
	payload []byte // changed; nil: as it was
}

// fates makes the rule for a fault.
func fates(asked spec, random *rand.Rand) func(packet) fate {
	luck := newChance(random, asked.correlation)
	switch asked.kind {
	case latency:
		return func(packet) fate {
			offset := time.Duration((2*luck.draw() - 1) * float64(asked.jitter))
			return fate{verdict: accept, after: asked.delay + offset}
		}
	case loss:
		return func(packet) fate {
			if luck.hits(asked.share) {
				return fate{verdict: drop}
			}
			return fate{verdict: accept}
		}
	case dns:
		return func(arrived packet) fate {
			if asked.readsAnswers() {
				found, is := answerIn(arrived.payload)
				if !is || !isMeant(found.name, asked.names) {
					return fate{verdict: accept}
				}
				if asked.answer == answerRefused {
					return fate{verdict: accept, payload: refused(arrived.payload, found)}
				}
			}
			if asked.answer == answerNone {
				return fate{verdict: drop}
			}
			return fate{verdict: accept, after: asked.delay}
		}
	default:
		return func(arrived packet) fate {
			if luck.hits(asked.share) {
				return fate{verdict: accept, payload: turnOneBit(arrived.payload, random)}
			}
			return fate{verdict: accept}
		}
	}
}

// turnOneBit leaves the network header whole, so that the packet arrives where it was sent and its checksum tells; without
// anything behind that header nothing is turned.
func turnOneBit(payload []byte, random *rand.Rand) []byte {
	header := networkHeader(payload)
	if header == 0 || header >= len(payload) {
		return nil
	}
	bit := random.IntN((len(payload) - header) * 8)
	turned := append([]byte(nil), payload...)
	turned[header+bit/8] ^= 1 << (bit % 8)
	return turned
}

// networkHeader is its length; 0 for what is neither IPv4 nor IPv6.
func networkHeader(payload []byte) int {
	if len(payload) < 20 {
		return 0
	}
	switch payload[0] >> 4 {
	case 4:
		return int(payload[0]&0x0f) * 4
	case 6:
		return 40
	}
	return 0
}
