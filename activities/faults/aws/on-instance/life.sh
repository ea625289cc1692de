# The life of a fault: two processes, each of which ends it when the other is gone.
#
# Owns that every way out of here goes through the undo. The holder acts, and ends the fault at its deadline, at its tombstone, and when it
# is told to. The watcher does nothing while the holder lives and is on time. What a fault of cpu, memory or disk takes is a process's, so
# that the kernel takes it back with the holder, whoever else is dead.
#
# The hole: a fault of the network is a queueing discipline, which no process's death ends. Whoever kills holder and watcher within the
# fifth of a second that each needs to see it leaves the discipline in place, where systemd is not in charge, or is too old to be told what to
# do after them. What is on the way to the control plane is not in it, so that a `take-off`, or the sweep's `list`, still comes through and
# ends it; a reboot does as well.

# start ROLE: beyond the reach of whoever ends or kills this command. As a unit of its own where systemd is in charge, so that neither
# an agent's restart nor its control group ends it; as a session of its own elsewhere, and in another's namespaces.
start() {
  ROLE=$1
  if [ -d /run/systemd/system ] && [ "$RUN" = /run/squall ] && command -v systemd-run >/dev/null && at_home; then
    unit "--property=ExecStopPost=-/bin/sh $SLOT/program after slot=$SLOT key=$KEY" --collect && return
    # An old systemd knows neither.
    unit && return
  fi
  SQUALL_FAULT=$KEY setsid sh "$SLOT/program" "$ROLE" slot="$SLOT" key="$KEY" </dev/null >/dev/null 2>&1 &
}

# unit OPTION...: one of systemd's.
unit() {
  systemd-run "$@" --unit="squall-$ROLE-$KEY" --description="a fault of Squall ($ROLE)" --setenv="SQUALL_FAULT=$KEY" \
    --setenv="SQUALL_RUN=$RUN" /bin/sh "$SLOT/program" "$ROLE" slot="$SLOT" key="$KEY" </dev/null >/dev/null 2>&1
}

# at_home: whether what systemd starts sees what this process sees.
at_home() {
  for SPACE in mnt net pid; do
    [ "$(readlink "/proc/self/ns/$SPACE")" = "$(readlink "/proc/1/ns/$SPACE")" ] || return 1
  done
}

# still OTHER: whether the fault is to go on. REASON and WHY where it is not. What cannot be read is over.
still() {
  REASON=lapsed
  if ended "$KEY"; then return 1; fi
  REASON=lapsed WHY='its slot is gone'
  get "$SLOT/key" && [ "$GOT" = "$KEY" ] || return 1
  WHY='its time was over'
  clock
  get "$SLOT/deadline" && is_number "$GOT" && [ "$NOW" -lt "$GOT" ] || return 1
  WHY='its process was told to end'
  [ -z "$TOLD" ] || return 1
  WHY="its $1 was gone"
  alive "$SLOT/$1"
}

# take_back REASON WHY: undone and seen to be undone, however often it takes; only then is the slot free.
take_back() {
  until "${RESOURCE}_undo" && "${RESOURCE}_off"; do pause 1; done
  locked release "$KEY" "$1" "$2"
  exit 0
}

# hold: puts the fault on and keeps it until it is over.
hold() {
  TOLD='' TURN=0 ON=
  trap 'TOLD=1' TERM INT HUP
  load && locked take_part holder || exit 1
  until alive "$SLOT/watcher" || [ $TURN -ge 50 ]; do
    pause 0.1
    TURN=$((TURN + 1))
  done
  TURN=0
  if still watcher; then
    clock
    put "$SLOT/began" "$NOW"
    # Looking may take a while.
    "${RESOURCE}_check" && still watcher && "${RESOURCE}_begin" || {
      "${RESOURCE}_drop"
      take_back failed "$WHY"
    }
    while still watcher; do
      if ! "${RESOURCE}_turn"; then
        REASON=lapsed
        break
      fi
      [ -n "$ON" ] || ! "${RESOURCE}_on" || {
        put "$SLOT/on" 1
        ON=1
      }
      TURN=$((TURN + 1))
      pause 0.2
    done
  fi
  "${RESOURCE}_drop"
  take_back "$REASON" "$WHY"
}

# watch: ends what its holder has left behind, or does not end in time. It cannot be told to end but by the slot's end.
watch() {
  trap '' TERM INT HUP
  TURN=0 FENCED=0 WHY=
  load && locked take_part watcher || exit 1
  until alive "$SLOT/holder" || [ $TURN -ge 100 ]; do
    pause 0.1
    TURN=$((TURN + 1))
  done
  while get "$SLOT/key" && [ "$GOT" = "$KEY" ]; do
    WHY='its holder was gone'
    alive "$SLOT/holder" || break
    WHY='its holder did not end it in time'
    clock
    get "$SLOT/deadline" && is_number "$GOT" && [ "$NOW" -lt $((GOT + GRACE)) ] || break
    [ ! -e "$RUN/ended-$KEY" ] || FENCED=$((FENCED + 1))
    [ $FENCED -lt 25 ] || break
    pause 0.2
  done
  if get "$SLOT/key" && [ "$GOT" = "$KEY" ]; then end_by_force lapsed "$WHY"; else end_without_slot; fi
}

# end_without_slot: its holder has ended it and is about to end, or somebody has deleted what is written here. Either way, nothing must be left.
end_without_slot() {
  pause 0.5
  until kill_marked "$KEY"; do pause 1; done
  take_back lapsed 'its slot was deleted'
}

# after: what systemd does when a holder or a watcher has ended. Where that was in order, the slot is gone, and this program with it.
after() {
  WHY='its holder and its watcher were gone'
  load || exit 1
  # Whoever is left sees it as well, and ends it in better order.
  pause 1
  ! get "$SLOT/key" || [ "$GOT" != "$KEY" ] || alive "$SLOT/holder" || alive "$SLOT/watcher" || end_by_force lapsed "$WHY"
}

# end_by_force REASON WHY: for a slot whose processes are dead, or do not answer. Tried for ever by a watcher, which has nothing else to do.
end_by_force() {
  locked bury "$KEY" "$1" "$2"
  until by_force "$1" "$2"; do pause 1; done
}

# by_force REASON WHY: one try. FAILED says why not.
by_force() {
  FAILED='a process of it cannot be killed'
  kill_marked "$KEY" || return 1
  FAILED='it cannot be undone'
  "${RESOURCE}_undo" && "${RESOURCE}_off" || return 1
  locked release "$KEY" "$1" "$2"
}
