package main

// The kernel's packet queue (NFQUEUE) over netlink: bind a number, receive packets, give verdicts. Owns the wire format, of
// which it speaks only what is needed here, and the bounds of the queue. Whatever does not fit passes unharmed ("fail open"), and so does everything
// once this socket is closed, since the rule that feeds it says bypass.

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	queuePacket  = unix.NFNL_SUBSYS_QUEUE<<8 | 0
	queueVerdict = unix.NFNL_SUBSYS_QUEUE<<8 | 1
	queueConfig  = unix.NFNL_SUBSYS_QUEUE<<8 | 2

	configCommand = 1
	configCopy    = 2
	configLength  = 3
	configMask    = 4
	configFlags   = 5
	bind          = 1
	copyMeta      = 1
	copyPacket    = 2
	failOpen      = 1
	wholeSegments = 4

	packetHeader  = 1
	packetPayload = 10
	verdictHeader = 2

	drop   = 0
	accept = 1
)

// Numbers tried before giving up, should somebody in the pod use queues too.
const queueTries = 16

type packet struct {
	id      uint32
	payload []byte
}

type listener struct {
	connection *netlink.Conn
	number     uint16
}

// listen binds the first free number from one that the owner's mark gives. With `payloads` packets come whole, and with
// their checksums; without, only their numbers do, and what is sent in one go stays in one piece.
func listen(owner string, payloads bool) (*listener, error) {
	connection, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	// A full buffer costs the packets in it, not the queue.
	_ = connection.SetOption(netlink.NoENOBUFS, true)
	_ = connection.SetReadBuffer(8 << 20)
	var failures error
	for offset := range uint16(queueTries) {
		bound := &listener{connection, handleOf(owner) + offset}
		if failures = bound.configure(payloads); failures == nil {
			return bound, nil
		}
	}
	return nil, errors.Join(failures, connection.Close())
}

func (l *listener) configure(payloads bool) error {
	mode, flags := byte(copyMeta), uint32(failOpen|wholeSegments)
	if payloads {
		mode, flags = copyPacket, failOpen
	}
	if err := l.ask(netlink.Attribute{Type: configCommand, Data: []byte{bind, 0, 0, 0}}); err != nil {
		return fmt.Errorf("queue %d: %w", l.number, err)
	}
	err := l.ask(
		netlink.Attribute{Type: configCopy, Data: append(binary.BigEndian.AppendUint32(nil, 0xffff), mode)},
		netlink.Attribute{Type: configLength, Data: binary.BigEndian.AppendUint32(nil, held)},
		netlink.Attribute{Type: configMask, Data: binary.BigEndian.AppendUint32(nil, failOpen|wholeSegments)},
		netlink.Attribute{Type: configFlags, Data: binary.BigEndian.AppendUint32(nil, flags)},
	)
	if err != nil {
		return fmt.Errorf("queue %d: %w", l.number, err)
	}
	return nil
}

func (l *listener) ask(attributes ...netlink.Attribute) error {
	_, err := l.connection.Execute(l.message(queueConfig, netlink.Request|netlink.Acknowledge, attributes))
	return err
}

func (l *listener) message(kind netlink.HeaderType, flags netlink.HeaderFlags, attributes []netlink.Attribute) netlink.Message {
	// struct nfgenmsg: family, version, and the queue's number as resource.
	data := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, 0}, l.number)
	encoded, err := netlink.MarshalAttributes(attributes)
	if err != nil {
		// Attributes of bounded length always marshal.
		panic(err)
	}
	return netlink.Message{Header: netlink.Header{Type: kind, Flags: flags}, Data: append(data, encoded...)}
}

// receive hands over packets until the socket is closed.
func (l *listener) receive(take func(packet)) {
	for {
		messages, err := l.connection.Receive()
		var failed *netlink.OpError
		if errors.As(err, &failed) && (failed.Temporary() || errors.Is(err, unix.ENOENT)) {
			// A verdict on a packet that the kernel had given up meanwhile.
			continue
		}
		if err != nil {
			return
		}
		for _, message := range messages {
			if message.Header.Type != queuePacket || len(message.Data) < 4 {
				continue
			}
			if arrived, ok := decode(message.Data[4:]); ok {
				take(arrived)
			}
		}
	}
}

func decode(data []byte) (packet, bool) {
	attributes, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return packet{}, false
	}
	var arrived packet
	known := false
	for attributes.Next() {
		switch attributes.Type() {
		case packetHeader:
			if header := attributes.Bytes(); len(header) >= 4 {
				arrived.id, known = binary.BigEndian.Uint32(header), true
			}
		case packetPayload:
			arrived.payload = attributes.Bytes()
		}
	}
	return arrived, known && attributes.Err() == nil
}

// decide gives a verdict. With a payload, the packet goes on as that.
func (l *listener) decide(id, verdict uint32, payload []byte) {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, verdict), id)
	attributes := []netlink.Attribute{{Type: verdictHeader, Data: header}}
	if payload != nil {
		attributes = append(attributes, netlink.Attribute{Type: packetPayload, Data: payload})
	}
	_, _ = l.connection.Send(l.message(queueVerdict, netlink.Request, attributes))
}

func (l *listener) close() { _ = l.connection.Close() }
