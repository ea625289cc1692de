package main

import (
	"strings"
	"testing"
)

func inWords(attempts []plan) string {
	words := []string{}
	for _, attempt := range attempts {
		words = append(words, attempt.label)
	}
	return strings.Join(words, ", ")
}

func TestEveryFaultHasItsAttemptsBestFirst(t *testing.T) {
	for words, expected := range map[string]string{
		"latency --delay 1s":                     "netem, nfqueue by queue, nfqueue by xt-NFQUEUE",
		"latency --delay 1s --direction ingress": "nfqueue by queue, nfqueue by xt-NFQUEUE",
		"latency --delay 1s --direction both": "netem+nfqueue by queue, netem+nfqueue by xt-NFQUEUE, " +
			"nfqueue+nfqueue by queue, nfqueue+nfqueue by xt-NFQUEUE",
		"loss --percent 5": "netem, nft-numgen-silence by queue, nft-numgen-silence by xt-NFQUEUE, nft-numgen-drop",
		"loss --percent 5 --direction both": "netem+nft-numgen-drop, nft-numgen-silence+nft-numgen-drop by queue, " +
			"nft-numgen-silence+nft-numgen-drop by xt-NFQUEUE, nft-numgen-drop+nft-numgen-drop",
		"loss --percent 5 --correlation 5":        "netem, nfqueue by queue, nfqueue by xt-NFQUEUE",
		"corrupt --percent 5":                     "netem, nfqueue by queue, nfqueue by xt-NFQUEUE",
		"bandwidth --rate 1mbit":                  "tbf, nft-limit",
		"bandwidth --rate 1mbit --direction both": "tbf+nft-limit, nft-limit+nft-limit",
		"partition":                     "nft-silence+nft-drop by queue, nft-silence+nft-drop by xt-NFQUEUE, nft-drop+nft-drop",
		"partition --direction ingress": "nft-drop",
		"dns":                           "nft-drop",
		"dns --name a.org":              "nfqueue by queue, nfqueue by xt-NFQUEUE",
		"dns --answer late --delay 1s":  "nfqueue by queue, nfqueue by xt-NFQUEUE",
		"dns --answer refused":          "nfqueue by queue, nfqueue by xt-NFQUEUE",
	} {
		parts := strings.Fields(words)
		asked, err := parseFault(parts[0], append(parts[1:], "--id", "a"))
		if err != nil {
			t.Fatal(err)
		}
		if got := inWords(plans(asked, places{})); got != expected {
			t.Errorf("%s:\n%s\nnot\n%s", words, got, expected)
		}
	}
}
