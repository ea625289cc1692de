package main

// Answers of a name server, as they are received: which names they are about, and what a refusal of the same question is. Owns
// the wire format, of which it speaks only what is needed here. Whatever it cannot read is nobody's answer, and passes as it was.

import (
	"encoding/binary"
	"strings"
)

// What becomes of an answer.
const (
	answerNone    = "none"
	answerLate    = "late"
	answerRefused = "refused"
)

const (
	dnsPort   = 53
	dnsHeader = 12
	udpHeader = 8

	protocolTCP = 6
	protocolUDP = 17

	isAnswer    = 0x80 // of the third byte of a header
	codeMask    = 0x0f // of the fourth
	codeRefused = 5
)

// readsAnswers tells whether packets must come whole.
func (asked spec) readsAnswers() bool {
	return asked.kind == dns && (asked.answer == answerRefused || len(asked.names) > 0)
}

// answer is where one is found in a packet, in bytes.
type answer struct {
	name      string // in lower case, without the last dot
	transport int    // where the header of UDP or TCP begins
	message   int    // where the message begins
	question  int    // where its question ends
	udp       bool
}

// answerIn reads the answer that a packet begins with: all of it over UDP, the first segment of it over TCP.
func answerIn(payload []byte) (answer, bool) {
	transport := networkHeader(payload)
	if transport == 0 || transport+20 > len(payload) {
		return answer{}, false
	}
	protocol := payload[9]
	if payload[0]>>4 == 6 {
		protocol = payload[6]
	} else if binary.BigEndian.Uint16(payload[6:])&0x3fff != 0 {
		return answer{}, false // a piece of a packet
	}
	if binary.BigEndian.Uint16(payload[transport:]) != dnsPort {
		return answer{}, false
	}
	found := answer{transport: transport, udp: protocol == protocolUDP}
	switch protocol {
	case protocolUDP:
		found.message = transport + udpHeader
	case protocolTCP:
		// Behind the header is the message's length.
		found.message = transport + int(payload[transport+12]>>4)*4 + 2
	default:
		return answer{}, false
	}
	if len(payload) < found.message+dnsHeader {
		return answer{}, false
	}
	message := payload[found.message:]
	if message[2]&isAnswer == 0 || binary.BigEndian.Uint16(message[4:]) != 1 {
		return answer{}, false
	}
	name, end := nameIn(message, dnsHeader)
	if end == 0 || end+4 > len(message) {
		return answer{}, false
	}
	found.name, found.question = name, found.message+end+4
	return found, true
}

// nameIn reads a name that is written out, as that of a question is; where it ends, or 0 where it is none.
func nameIn(message []byte, at int) (string, int) {
	labels := []string{}
	for at < len(message) {
		length := int(message[at])
		at++
		if length == 0 {
			return strings.ToLower(strings.Join(labels, ".")), at
		}
		if length > 63 || at+length > len(message) {
			break
		}
		labels = append(labels, string(message[at:at+length]))
		at += length
	}
	return "", 0
}

// isMeant tells whether one of the names is this one, or one that it ends with: `*.example.org`.
func isMeant(name string, names []string) bool {
	for _, wanted := range names {
		if rest, open := strings.CutPrefix(wanted, "*"); name == wanted || open && strings.HasSuffix(name, rest) {
			return true
		}
	}
	return len(names) == 0
}

// refused is the packet with a refusal in the place of the answer. Over UDP it ends with the question; over TCP it stays as long as
// it was, since others follow it in the stream.
func refused(payload []byte, found answer) []byte {
	changed := append([]byte(nil), payload...)
	if found.udp {
		changed = changed[:found.question]
		length := len(changed) - found.transport
		binary.BigEndian.PutUint16(changed[found.transport+4:], uint16(length))
		if changed[0]>>4 == 4 {
			binary.BigEndian.PutUint16(changed[2:], uint16(len(changed)))
		} else {
			binary.BigEndian.PutUint16(changed[4:], uint16(length))
		}
	}
	message := changed[found.message:]
	message[3] = message[3]&^codeMask | codeRefused
	clear(message[6:dnsHeader])
	sign(changed, found)
	return changed
}

// sign writes the checksums that a changed packet must have.
func sign(changed []byte, found answer) {
	if changed[0]>>4 == 4 {
		clear(changed[10:12])
		binary.BigEndian.PutUint16(changed[10:], ^folded(summed(changed[:found.transport])))
	}
	addresses := changed[12:20]
	if changed[0]>>4 == 6 {
		addresses = changed[8:40]
	}
	at, protocol := found.transport+16, uint32(protocolTCP)
	if found.udp {
		at, protocol = found.transport+6, protocolUDP
	}
	clear(changed[at : at+2])
	segment := changed[found.transport:]
	sum := ^folded(summed(addresses) + protocol + uint32(len(segment)) + summed(segment))
	if found.udp && sum == 0 {
		sum = 0xffff // none at all would be zero
	}
	binary.BigEndian.PutUint16(changed[at:], sum)
}

func summed(bytes []byte) (sum uint32) {
	for at := 0; at+1 < len(bytes); at += 2 {
		sum += uint32(binary.BigEndian.Uint16(bytes[at:]))
	}
	if len(bytes)%2 == 1 {
		sum += uint32(bytes[len(bytes)-1]) << 8
	}
	return sum
}

func folded(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}
