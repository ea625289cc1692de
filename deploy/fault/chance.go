package main

// Chance for the faults that are done in this process. Owns how a correlation is meant: with that probability the last
// draw is repeated, so that neighbours resemble each other and the share that was asked for stays what it is (netem's own way
// of mixing draws lets a small share sink below what was asked).

import "math/rand/v2"

type chance struct {
	random      *rand.Rand
	correlation float64
	last        float64
}

func newChance(random *rand.Rand, correlation float64) *chance {
	return &chance{random: random, correlation: correlation, last: random.Float64()}
}

// draw is uniform in [0, 1).
func (c *chance) draw() float64 {
	if c.correlation == 0 || c.random.Float64() >= c.correlation {
		c.last = c.random.Float64()
	}
	return c.last
}

// hits is true for the share of draws, in [0, 1].
func (c *chance) hits(share float64) bool { return c.draw() < share }
