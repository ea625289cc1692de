package main

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLatencyIsTheDelayGiveOrTakeTheJitter(t *testing.T) {
	decide := fates(spec{kind: latency, delay: 100 * time.Millisecond, jitter: 50 * time.Millisecond}, rand.New(rand.NewPCG(1, 2)))
	lowest, highest := time.Hour, time.Duration(0)
	for range 10_000 {
		fate := decide(packet{})
		if fate.verdict != accept || fate.payload != nil {
			t.Fatalf("%+v", fate)
		}
		lowest, highest = min(lowest, fate.after), max(highest, fate.after)
	}
	if lowest < 50*time.Millisecond || lowest > 55*time.Millisecond || highest > 150*time.Millisecond || highest < 145*time.Millisecond {
		t.Errorf("from %s to %s", lowest, highest)
	}
}

func TestCorruptionTurnsOneBitBehindTheNetworkHeader(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	four := append([]byte{0x46}, bytes.Repeat([]byte{0xaa}, 60)...) // a header of 24 bytes
	six := append([]byte{0x60}, bytes.Repeat([]byte{0xaa}, 60)...)
	for range 1_000 {
		for header, whole := range map[int][]byte{24: four, 40: six} {
			turned := turnOneBit(whole, random)
			if !bytes.Equal(turned[:header], whole[:header]) {
				t.Fatal("the header was touched")
			}
			differing := 0
			for at := range whole {
				differing += bits.OnesCount8(turned[at] ^ whole[at])
			}
			if differing != 1 {
				t.Fatalf("%d bits were turned", differing)
			}
		}
	}
	for _, odd := range [][]byte{nil, {0x45}, four[:24], six[:40], bytes.Repeat([]byte{0x10}, 40), append([]byte{0x4f}, make([]byte, 30)...)} {
		if turned := turnOneBit(odd, random); turned != nil {
			t.Errorf("%x became %x", odd, turned)
		}
	}
}
