package main

// The packets that this process holds until they are due. Owns their order, and that all of them go on at once when the fault ends: a packet
// is late or lost because that was asked, never because we left. How many there are is bounded by the kernel's queue.

import (
	"container/heap"
	"time"
)

// due is a packet with the time it may go on.
type due struct {
	at     time.Time
	number uint64
	id     uint32
	fate   fate
}

// agenda is a heap of them: the earliest first, and of equals the one that came first.
type agenda []due

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].number < a[j].number
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(item any) {
	*a = append(*a, item.(due))
}
func (a *agenda) Pop() any {
	last := len(*a) - 1
	item := (*a)[last]
	*a = (*a)[:last]
	return item
}

// How long nothing must come after the gate is shut until nothing can, and how long that is waited for at most.
const (
	quiet   = 50 * time.Millisecond
	atMost  = time.Second
	waiting = 1024
)

// holding serves one queue. release ends it: everything goes on, and the socket is closed.
type holding struct {
	letGo chan struct{}
	done  chan struct{}
}

func hold(queue *listener, decide func(packet) fate) *holding {
	h := &holding{letGo: make(chan struct{}), done: make(chan struct{})}
	arrivals := make(chan packet, waiting)
	go queue.receive(func(arrived packet) { arrivals <- arrived })
	go h.serve(queue, arrivals, decide)
	return h
}

func (h *holding) release() {
	close(h.letGo)
	<-h.done
}

func (h *holding) serve(queue *listener, arrivals <-chan packet, decide func(packet) fate) {
	defer close(h.done)
	var held agenda
	var number uint64
	alarm := time.NewTimer(time.Hour)
	for {
		select {
		case arrived := <-arrivals:
			outcome := decide(arrived)
			if outcome.after <= 0 {
				queue.decide(arrived.id, outcome.verdict, outcome.payload)
				continue
			}
			number++
			heap.Push(&held, due{time.Now().Add(outcome.after), number, arrived.id, outcome})
		case <-alarm.C:
		case <-h.letGo:
			letAllGo(queue, held, arrivals)
			return
		}
		for len(held) > 0 && !held[0].at.After(time.Now()) {
			next := heap.Pop(&held).(due)
			queue.decide(next.id, next.fate.verdict, next.fate.payload)
		}
		if len(held) > 0 {
			alarm.Reset(time.Until(held[0].at))
		}
	}
}

// letAllGo sends on what is held, in order, then whatever was on its way here.
func letAllGo(queue *listener, held agenda, arrivals <-chan packet) {
	for len(held) > 0 {
		next := heap.Pop(&held).(due)
		queue.decide(next.id, accept, nil)
	}
	end := time.After(atMost)
	for {
		select {
		case arrived := <-arrivals:
			queue.decide(arrived.id, accept, nil)
		case <-time.After(quiet):
			queue.close()
			return
		case <-end:
			queue.close()
			return
		}
	}
}
