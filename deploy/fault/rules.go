package main

// The rules of a fault: who is spared, who is meant, what is done to them. Owns the order, in which sparing comes first: a shut
// gate, other interfaces, kept addresses, kept ports, neighbour discovery; then peers and ports; the harm is last. Must never
// hold a rule that acts without passing the gate.

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// keptAddresses is what stays reachable whatever is asked.
type keptAddresses []netip.Prefix

// builder adds to one table within one step.
type builder struct {
	connection *nftables.Conn
	table      *nftables.Table
	sets       map[string]*nftables.Set
	err        error
}

// Where an end of a conversation is found in a packet, in bytes.
type end struct{ v4, v6, port uint32 }

var (
	source      = end{v4: 12, v6: 8, port: 0}
	destination = end{v4: 16, v6: 24, port: 2}
)

var anySide = []end{source, destination}

// Protocols that have ports, at the same place.
var transports = []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_UDPLITE, unix.IPPROTO_SCTP, unix.IPPROTO_DCCP}

// Neighbour and router discovery: what ARP is to IPv4, which no rule here ever sees.
var discovery = []byte{133, 134, 135, 136, 137}

func addRules(connection *nftables.Conn, table *nftables.Table, asked spec, plan plan, links []link, kept keptAddresses) error {
	b := &builder{connection: connection, table: table, sets: map[string]*nftables.Set{}}
	b.set(gateOf(asked.owner), nil)
	indices := make([][]byte, 0, len(links))
	for _, link := range links {
		indices = append(indices, binaryutil.NativeEndian.PutUint32(uint32(link.index)))
	}
	b.set(&nftables.Set{Name: "links", KeyType: nftables.TypeIFIndex, KeyByteOrder: binaryutil.NativeEndian}, indices)
	b.set(&nftables.Set{Name: "transports", KeyType: nftables.TypeInetProto}, single(transports))
	b.set(&nftables.Set{Name: "discovery", KeyType: nftables.TypeICMP6Type}, single(discovery))
	b.prefixes("kept", kept)
	b.prefixes("peers", asked.peers)
	b.ports("kept_ports", asked.keepPorts)
	b.ports("ports", asked.ports)
	if asked.egress {
		b.direction("egress", nftables.ChainHookPostrouting, expr.MetaKeyOIF, destination, asked, plan.egress)
	}
	if asked.ingress {
		b.direction("ingress", nftables.ChainHookInput, expr.MetaKeyIIF, source, asked, plan.ingress)
	}
	return b.err
}

// direction makes one way's chains. The peer is the destination of what is sent and the source of what is received.
func (b *builder) direction(name string, hook *nftables.ChainHook, link expr.MetaKey, peer end, asked spec, do mechanism) {
	accept := nftables.ChainPolicyAccept
	base := b.connection.AddChain(&nftables.Chain{
		Name: name, Table: b.table, Type: nftables.ChainTypeFilter,
		Hooknum: hook, Priority: nftables.ChainPriorityMangle, Policy: &accept,
	})
	harm := b.connection.AddChain(&nftables.Chain{Name: name + "_harm", Table: b.table})
	spared := &expr.Verdict{Kind: expr.VerdictReturn}

	b.rule(base, meta(expr.MetaKeyNFPROTO), b.notIn(gateName(asked.owner)), spared)
	b.rule(base, meta(link), b.notIn("links"), spared)
	b.addresses(base, "kept", peer, spared)
	b.portRules(base, "kept_ports", anySide, spared)
	b.rule(base, meta(expr.MetaKeyL4PROTO), equals(unix.IPPROTO_ICMPV6), load(expr.PayloadBaseTransportHeader, 0, 1), b.in("discovery"), spared)

	meant := harm
	if len(asked.ports) > 0 {
		meant = b.connection.AddChain(&nftables.Chain{Name: name + "_ports", Table: b.table})
		sides := anySide
		if asked.kind == dns {
			// Answers come from the port; what comes to it are questions, to a pod that answers them itself.
			sides = []end{peer}
		}
		b.portRules(meant, "ports", sides, &expr.Verdict{Kind: expr.VerdictGoto, Chain: harm.Name})
	}
	into := &expr.Verdict{Kind: expr.VerdictGoto, Chain: meant.Name}
	if len(asked.peers) > 0 {
		b.addresses(base, "peers", peer, into)
	} else {
		b.rule(base, into)
	}
	b.rule(harm, do.harm...)
}

// addresses matches the peer against both layers' sets.
func (b *builder) addresses(chain *nftables.Chain, set string, peer end, verdict expr.Any) {
	if b.sets[set+"4"] != nil {
		b.rule(chain, meta(expr.MetaKeyNFPROTO), equals(unix.NFPROTO_IPV4),
			load(expr.PayloadBaseNetworkHeader, peer.v4, 4), b.in(set+"4"), verdict)
	}
	if b.sets[set+"6"] != nil {
		b.rule(chain, meta(expr.MetaKeyNFPROTO), equals(unix.NFPROTO_IPV6),
			load(expr.PayloadBaseNetworkHeader, peer.v6, 16), b.in(set+"6"), verdict)
	}
}

// portRules matches a conversation that has one of the ports at one of its sides. With either, the same words serve a client and a server.
func (b *builder) portRules(chain *nftables.Chain, set string, sides []end, verdict expr.Any) {
	if b.sets[set] == nil {
		return
	}
	for _, side := range sides {
		b.rule(chain, meta(expr.MetaKeyL4PROTO), b.in("transports"),
			load(expr.PayloadBaseTransportHeader, side.port, 2), b.in(set), verdict)
	}
}

func (b *builder) rule(chain *nftables.Chain, expressions ...expr.Any) {
	b.connection.AddRule(&nftables.Rule{Table: b.table, Chain: chain, Exprs: expressions})
}

func (b *builder) set(set *nftables.Set, keys [][]byte) {
	set.Table = b.table
	elements := make([]nftables.SetElement, 0, len(keys))
	for _, key := range keys {
		elements = append(elements, nftables.SetElement{Key: key})
	}
	b.add(set, elements)
}

func (b *builder) add(set *nftables.Set, elements []nftables.SetElement) {
	if err := b.connection.AddSet(set, elements); err != nil && b.err == nil {
		b.err = err
	}
	b.sets[set.Name] = set
}

func (b *builder) ports(name string, ports []uint16) {
	if len(ports) == 0 {
		return
	}
	slices.Sort(ports)
	keys := [][]byte{}
	for _, port := range slices.Compact(ports) {
		keys = append(keys, binary.BigEndian.AppendUint16(nil, port))
	}
	b.set(&nftables.Set{Name: name, KeyType: nftables.TypeInetService}, keys)
}

// prefixes makes a set of ranges for each layer that has any. The kernel wants ranges that do not overlap.
func (b *builder) prefixes(name string, prefixes []netip.Prefix) {
	four, six := ranges(prefixes)
	if len(four) > 0 {
		b.add(&nftables.Set{Table: b.table, Name: name + "4", KeyType: nftables.TypeIPAddr, Interval: true}, bounds(four))
	}
	if len(six) > 0 {
		b.add(&nftables.Set{Table: b.table, Name: name + "6", KeyType: nftables.TypeIP6Addr, Interval: true}, bounds(six))
	}
}

// ranges joins what overlaps, apart by layer.
func ranges(prefixes []netip.Prefix) (four, six []netipx.IPRange) {
	var union netipx.IPSetBuilder
	for _, prefix := range prefixes {
		union.AddPrefix(prefix)
	}
	joined, err := union.IPSet()
	if err != nil {
		// Only an invalid prefix is an error, and those are refused where they are read.
		panic(err)
	}
	for _, span := range joined.Ranges() {
		if span.From().Is4() {
			four = append(four, span)
		} else {
			six = append(six, span)
		}
	}
	return four, six
}

// bounds are the half-open intervals that nft keeps; one that reaches the last address has no end.
func bounds(spans []netipx.IPRange) []nftables.SetElement {
	elements := []nftables.SetElement{}
	for _, span := range spans {
		elements = append(elements, nftables.SetElement{Key: span.From().AsSlice()})
		if after := span.To().Next(); after.IsValid() {
			elements = append(elements, nftables.SetElement{Key: after.AsSlice(), IntervalEnd: true})
		}
	}
	return elements
}

func (b *builder) in(name string) *expr.Lookup {
	return &expr.Lookup{SourceRegister: 1, SetID: b.sets[name].ID, SetName: name}
}

func (b *builder) notIn(name string) *expr.Lookup {
	return &expr.Lookup{SourceRegister: 1, SetID: b.sets[name].ID, SetName: name, Invert: true}
}

func meta(key expr.MetaKey) *expr.Meta { return &expr.Meta{Key: key, Register: 1} }

func equals(value byte) *expr.Cmp {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{value}}
}

func load(base expr.PayloadBase, offset, length uint32) *expr.Payload {
	return &expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: length}
}

func single(values []byte) [][]byte {
	keys := make([][]byte, 0, len(values))
	for _, value := range values {
		keys = append(keys, []byte{value})
	}
	return keys
}
