package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestCorrelationKeepsTheShare(t *testing.T) {
	for _, correlation := range []float64{0, 0.25, 0.9} {
		luck := newChance(rand.New(rand.NewPCG(1, 2)), correlation)
		const draws = 200_000
		hits, runs, last := 0, 0, false
		for range draws {
			hit := luck.hits(0.05)
			if hit {
				hits++
				if last {
					runs++
				}
			}
			last = hit
		}
		if share := float64(hits) / draws; math.Abs(share-0.05) > 0.01 {
			t.Errorf("at correlation %g the share is %g", correlation, share)
		}
		// Who was hit is followed by another hit with that probability, or by chance.
		expected := correlation + (1-correlation)*0.05
		if again := float64(runs) / float64(hits); math.Abs(again-expected) > 0.05 {
			t.Errorf("at correlation %g, after a hit comes one with %g, expected %g", correlation, again, expected)
		}
	}
}
