package main

import (
	"strings"
	"testing"
	"time"
)

func TestFaultsAreReadWithTheirDefaults(t *testing.T) {
	asked, err := parseFault(latency, []string{"--id", "a", "--delay", "100ms", "--peer", "10.1.2.3/8,fd00::1", "--peer", "::ffff:10.0.0.1", "--port", "80,443"})
	if err != nil {
		t.Fatal(err)
	}
	if !asked.egress || asked.ingress || asked.owner != "squall/a" || asked.timeToLive != 30*time.Second || asked.notAfter != 10*time.Minute {
		t.Errorf("%+v", asked)
	}
	words := []string{}
	for _, peer := range asked.peers {
		words = append(words, peer.String())
	}
	if got := strings.Join(words, " "); got != "10.0.0.0/8 fd00::1/128 10.0.0.1/32" {
		t.Errorf("peers: %s", got)
	}
	if len(asked.ports) != 2 || len(asked.keepPorts) != 1 || asked.keepPorts[0] != 53 {
		t.Errorf("ports: %v, kept: %v", asked.ports, asked.keepPorts)
	}
	cut, err := parseFault(partition, []string{"--id", "a", "--dns"})
	if err != nil || !cut.egress || !cut.ingress || len(cut.keepPorts) != 0 {
		t.Errorf("%+v %v", cut, err)
	}
}

func TestRatesAreBitsASecond(t *testing.T) {
	for word, bits := range map[string]uint64{"8000bit": 8000, "128kbit": 128_000, "1.5mbit": 1_500_000, "1gbit": 1_000_000_000} {
		if got, err := parseRate(word); err != nil || got != bits {
			t.Errorf("%s: %d %v", word, got, err)
		}
	}
	for _, word := range []string{"", "1", "mbit", "-1mbit", "NaNmbit", "Infgbit", "11gbit"} {
		if got, err := parseRate(word); err == nil {
			t.Errorf("%q is %d", word, got)
		}
	}
}

func TestWhatIsOutOfBoundsIsRefused(t *testing.T) {
	for _, words := range []string{
		"latency --id a",
		"latency --id a --delay 0s",
		"latency --id a --delay 31s",
		"latency --id a --delay 1s --jitter 2s",
		"latency --id a --delay 1s --correlation 101",
		"latency --id a --delay 1s --percent 5",
		"latency --id a --delay 1s extra",
		"latency --delay 1s",
		"loss --id a",
		"loss --id a --percent 0",
		"loss --id a --percent 0.00009",
		"loss --id a --percent NaN",
		"loss --id a --percent 101",
		"bandwidth --id a",
		"bandwidth --id a --rate 1bit",
		"partition --id a --direction up",
		"partition --id a --time-to-live 999ms",
		"partition --id a --time-to-live 2h",
		"partition --id a --not-after 0s",
		"partition --id a --not-after 200h",
		"partition --id a --peer 10.0.0.0/33",
		"partition --id a --peer fe80::1%eth0",
		"partition --id a --peer host.example",
		"partition --id a --port 0",
		"partition --id a --port 65536",
		"partition --id a\"b",
		"partition --id " + strings.Repeat("a", maxOwner),
		"partition --id a --port " + strings.Repeat("1,", maxList) + "1",
		"reboot --id a",
	} {
		parts := strings.Fields(words)
		if asked, err := parseFault(parts[0], parts[1:]); err == nil {
			t.Errorf("%s: %+v", words, asked)
		}
	}
}

func TestBurdensAreReadWithinBounds(t *testing.T) {
	for _, words := range []string{
		"cpu --id a --workers 4 --load 90",
		"memory --id a --rate 10000000 --to 80000000",
		"disk --id a --limit 8388608 --to 90",
		"pause --id a --container 0123456789abcdef",
	} {
		parts := strings.Fields(words)
		asked, err := parseBurden(parts[0], parts[1:])
		if err != nil || asked.owner != "squall/a" || asked.timeToLive != 30*time.Second || asked.burden == nil {
			t.Errorf("%s: %+v %v", words, asked, err)
		}
	}
	for _, words := range []string{
		"cpu --workers 1",
		"cpu --id a --workers 0",
		"cpu --id a --workers 257",
		"cpu --id a --load 0",
		"cpu --id a extra",
		"cpu --id a --time-to-live 999ms",
		"memory --id a --rate 1000000",
		"memory --id a --to 80000000",
		"memory --id a --rate 1000000001 --to 80000000",
		"disk --id a --to 90",
		"disk --id a --limit 8388608 --to 96",
		"disk --id a --limit 8388608 --to 90 --path relative",
		"pause --id a",
		"pause --id a --container ../../etc",
	} {
		parts := strings.Fields(words)
		if asked, err := parseBurden(parts[0], parts[1:]); err == nil {
			t.Errorf("%s: %+v", words, asked)
		}
	}
}

func TestWhatIsInMemoryIsReadOfTheKernelsWords(t *testing.T) {
	if bytes := residentIn("Name:\tapp\nVmPeak:\t  9 kB\nVmRSS:\t   120 kB\n"); bytes != 120*1024 {
		t.Error(bytes)
	}
	// What is of the kernel, or has ended, has none.
	for _, words := range []string{"", "Name:\tkthreadd\nState:\tS\n", "Name:\tapp\nVmRSS:\t"} {
		if bytes := residentIn(words); bytes != 0 {
			t.Errorf("%q: %d", words, bytes)
		}
	}
}
