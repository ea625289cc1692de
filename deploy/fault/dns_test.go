package main

import (
	"encoding/binary"
	"slices"
	"testing"
)

// udp4 is an answer of a name server over UDP, with its checksums.
func udp4(message []byte, port uint16) []byte {
	packet := make([]byte, 28, 28+len(message))
	copy(packet, []byte{0x45, 9: 17, 12: 10, 15: 1, 16: 10, 19: 2})
	binary.BigEndian.PutUint16(packet[2:], uint16(28+len(message)))
	binary.BigEndian.PutUint16(packet[20:], port)
	binary.BigEndian.PutUint16(packet[24:], uint16(8+len(message)))
	packet = append(packet, message...)
	sign(packet, answer{transport: 20, udp: true})
	return packet
}

// tcp6 is the same over TCP and IPv6.
func tcp6(message []byte) []byte {
	packet := make([]byte, 60, 62+len(message))
	packet[0], packet[6], packet[23], packet[39] = 0x60, 6, 1, 2
	binary.BigEndian.PutUint16(packet[4:], uint16(22+len(message)))
	binary.BigEndian.PutUint16(packet[40:], 53)
	packet[52] = 0x50
	packet = binary.BigEndian.AppendUint16(packet, uint16(len(message)))
	packet = append(packet, message...)
	sign(packet, answer{transport: 40})
	return packet
}

// answered is an answer about shop.Example.org with one address; flags as a server sets them.
func answered() []byte {
	message := []byte{0xab, 0xcd, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}
	message = append(message, "\x04shop\x07Example\x03org\x00\x00\x01\x00\x01"...)
	return append(message, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 9, 9)
}

func whole(t *testing.T, packet []byte, found answer) {
	t.Helper()
	again := append([]byte(nil), packet...)
	sign(again, found)
	if !slices.Equal(again, packet) {
		t.Errorf("its checksums are wrong: %x", packet)
	}
}

func TestAnAnswerIsRefusedInItsPlace(t *testing.T) {
	for name, packet := range map[string][]byte{"udp": udp4(answered(), 53), "tcp": tcp6(answered())} {
		found, is := answerIn(packet)
		if !is || found.name != "shop.example.org" {
			t.Fatalf("%s: %+v", name, found)
		}
		whole(t, packet, found)
		changed := refused(packet, found)
		whole(t, changed, found)
		message := changed[found.message:]
		if message[0] != 0xab || message[2] != 0x81 || message[3] != 0x85 || binary.BigEndian.Uint16(message[6:]) != 0 {
			t.Errorf("%s: %x", name, message)
		}
		switch {
		case found.udp && (len(changed) != found.question || int(binary.BigEndian.Uint16(changed[2:])) != len(changed)):
			t.Errorf("%s: %d bytes", name, len(changed))
		case !found.udp && len(changed) != len(packet):
			t.Errorf("%s: %d bytes", name, len(changed))
		}
	}
}

func TestWhatIsNoAnswerIsNobodys(t *testing.T) {
	question := answered()
	question[2] = 0x01
	fragment := udp4(answered(), 53)
	fragment[7] = 1
	endless := answered()
	endless[dnsHeader] = 0xc0
	for _, packet := range [][]byte{nil, udp4(question, 53), udp4(answered(), 54), udp4(endless, 53), fragment} {
		if found, is := answerIn(packet); is {
			t.Errorf("%x: %+v", packet, found)
		}
	}
	packet := udp4(answered(), 53)
	for length := range len(packet) - 16 {
		if _, is := answerIn(packet[:length]); is {
			t.Errorf("%d bytes are an answer", length)
		}
	}
}

func TestNamesAreMeantByThemselvesOrTheirEnds(t *testing.T) {
	for pattern, meant := range map[string][]string{
		"shop.example.org": {"shop.example.org"},
		"*.example.org":    {"shop.example.org", "a.b.example.org"},
	} {
		for _, name := range []string{"shop.example.org", "a.b.example.org", "example.org", "myexample.org"} {
			if isMeant(name, []string{pattern}) != slices.Contains(meant, name) {
				t.Errorf("%s by %s", name, pattern)
			}
		}
	}
	if !isMeant("anything", nil) {
		t.Error("all are meant where none is named")
	}
}
