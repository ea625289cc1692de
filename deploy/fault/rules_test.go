package main

import (
	"net/netip"
	"testing"
)

func TestRangesDoNotOverlapAndTheLastAddressHasNoEnd(t *testing.T) {
	prefixes := []netip.Prefix{}
	for _, word := range []string{"10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "255.0.0.0/8", "fd00::/8", "fd00::1/128"} {
		prefixes = append(prefixes, netip.MustParsePrefix(word))
	}
	four, six := ranges(prefixes)
	if len(four) != 2 || four[0].String() != "10.0.0.0-11.255.255.255" || len(six) != 1 {
		t.Fatalf("%v %v", four, six)
	}
	elements := bounds(four)
	if len(elements) != 3 || elements[0].IntervalEnd || !elements[1].IntervalEnd || elements[2].IntervalEnd {
		t.Fatalf("%v", elements)
	}
	if everything, _ := ranges([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}); len(bounds(everything)) != 1 {
		t.Fatalf("%v", everything)
	}
}
