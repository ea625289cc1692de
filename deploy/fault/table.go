package main

// The nft table `inet squall`: the slot, the mark and the gate of a fault. Owns that there is one fault in a network namespace (the
// table is created exclusively, its first rule says whose it is), and that nothing acts unless the gate is open: elements with a
// timeout that the kernel itself takes out. Must never touch another table, nor one of this name that carries no mark of ours.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

const (
	tableName = "squall"
	ownerName = "owner"
)

// gateName is the owner's own, so that no step that names it can ever hit the table of another, whoever comes and goes between.
func gateName(owner string) string { return "alive_" + digest(owner) }

func digest(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(sum[:8])
}

func theTable() *nftables.Table {
	return &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
}

// gateOf is the set that every packet is asked about first: what layer 3 it is of, for as long as we live.
// One that says no time would stay for ever: the set has one for those.
func gateOf(owner string) *nftables.Set {
	return &nftables.Set{
		Table: theTable(), Name: gateName(owner), KeyType: nftables.TypeNFProto,
		HasTimeout: true, Timeout: minTimeToLive,
	}
}

func gateElements(timeToLive time.Duration) []nftables.SetElement {
	return []nftables.SetElement{
		{Key: []byte{unix.NFPROTO_IPV4}, Timeout: timeToLive},
		{Key: []byte{unix.NFPROTO_IPV6}, Timeout: timeToLive},
	}
}

// createTable puts everything there in one step, with the gate shut. Another's table refuses; nothing is ever added to it.
func createTable(asked spec, plan plan, links []link, kept keptAddresses) error {
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	table := connection.CreateTable(theTable())
	mark := connection.AddChain(&nftables.Chain{Name: ownerName, Table: table})
	connection.AddRule(&nftables.Rule{
		Table: table, Chain: mark,
		UserData: userdata.AppendString(nil, userdata.TypeComment, asked.owner),
		Exprs:    []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictReturn}},
	})
	if err := addRules(connection, table, asked, plan, links, kept); err != nil {
		return err
	}
	return connection.Flush()
}

// openGate lets the fault act for a time-to-live. Fails where the table has been taken away meanwhile.
func openGate(owner string, timeToLive time.Duration) error {
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	if err := connection.SetAddElements(gateOf(owner), gateElements(timeToLive)); err != nil {
		return err
	}
	return connection.Flush()
}

// renewGate moves the kernel's deadline. Taken out and put in in one step, since older kernels do not move a timeout; what has
// run out cannot be taken out, so that the whole step fails and a renewal never brings a fault back.
func renewGate(owner string, timeToLive time.Duration) error {
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	gate := gateOf(owner)
	if err := connection.SetDeleteElements(gate, gateElements(0)); err != nil {
		return err
	}
	if err := connection.SetAddElements(gate, gateElements(timeToLive)); err != nil {
		return err
	}
	return connection.Flush()
}

// shutGate ends the fault at once and leaves everything else, so that packets on their way are not lost with the table.
func shutGate(owner string) error {
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	gate := gateOf(owner)
	connection.FlushSet(gate)
	if err := connection.Flush(); err != nil && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	return nil
}

func deleteTable(owner string) error {
	connection, err := nftables.New()
	if err != nil {
		return err
	}
	// Fails as a whole where the table is another's by now.
	connection.FlushSet(gateOf(owner))
	connection.DelTable(theTable())
	if err := connection.Flush(); err != nil && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	return nil
}

// slot is what the kernel says about the table.
type slot struct {
	taken  bool
	owner  string        // empty: a table of this name that is not ours
	left   time.Duration // of the gate; 0: shut
	active bool
}

// readSlot looks again where the table changed under its eyes: it takes three questions to read it.
func readSlot() (slot, error) {
	var err error
	for range 3 {
		var found slot
		if found, err = lookAtSlot(); err == nil {
			return found, nil
		}
	}
	return slot{}, err
}

func lookAtSlot() (slot, error) {
	connection, err := nftables.New()
	if err != nil {
		return slot{}, err
	}
	tables, err := connection.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return slot{}, fmt.Errorf("tables: %w", err)
	}
	var table *nftables.Table
	for _, listed := range tables {
		if listed.Name == tableName {
			table = listed
		}
	}
	if table == nil {
		return slot{}, nil
	}
	found := slot{taken: true}
	rules, err := connection.GetRules(table, &nftables.Chain{Name: ownerName, Table: table})
	if err != nil {
		return slot{}, fmt.Errorf("rules: %w", err)
	}
	for _, rule := range rules {
		if owner, ok := userdata.GetString(rule.UserData, userdata.TypeComment); ok {
			found.owner = owner
		}
	}
	if found.owner == "" {
		return found, nil
	}
	elements, err := connection.GetSetElements(gateOf(found.owner))
	if err != nil {
		return slot{}, fmt.Errorf("gate: %w", err)
	}
	for _, element := range elements {
		found.active = true
		found.left = max(found.left, element.Expires)
	}
	return found, nil
}

func gone(err error) bool { return errors.Is(err, syscall.ENOENT) || errors.Is(err, os.ErrNotExist) }
