# Slots and tombstones: who holds what of this instance, and who never may any more.
#
# Owns the folder of a slot, which is the undo record, and that it is taken by compare-and-swap: everything here that writes is called
# under the lock. A fault's tombstone is written before anything of it is taken off, so that whatever comes late does nothing.

# So long a tombstone is kept: no command is under way for longer, whatever `before` it says.
KEPT_FOR=$((86400 * SECOND))
# So long after its deadline a fault is taken from whoever has not ended it.
GRACE=$((3 * SECOND))

# slot_of KEY: SLOT, the one that it holds.
slot_of() {
  set +f
  for SLOT in "$RUN"/slot-*; do
    if get "$SLOT/key" && [ "$GOT" = "$1" ]; then
      set -f
      return 0
    fi
  done
  set -f
  SLOT=
  return 1
}

# ended KEY: REASON and WHY, where it has a tombstone.
ended() {
  [ -e "$RUN/ended-$1" ] || return 1
  get "$RUN/ended-$1"
  REASON=${GOT%% *} WHY=${GOT#* * }
}

# bury KEY REASON WHY: the first reason stays.
bury() {
  [ -e "$RUN/ended-$1" ] && return
  clock
  put "$RUN/ended-$1" "$2 $NOW $3"
}

# release KEY REASON WHY: its slot is free, its tombstone stays.
release() {
  bury "$@"
  slot_of "$1" || return 0
  # Nobody must find half a slot.
  mv "$SLOT" "$RUN/gone-$$" && rm -rf "$RUN/gone-$$"
}

# claim: takes the slot NAME, with all that it takes to end the fault. RESULT is mine, occupied, or how this fault has ended.
claim() {
  RESULT=failed DETAIL=
  if ended "$KEY"; then
    RESULT=$REASON DETAIL=$WHY
    return
  fi
  if slot_of "$KEY"; then
    RESULT=mine
    return
  fi
  [ -n "$NAME" ] || {
    RESULT=free
    return
  }
  if [ -e "$RUN/slot-$NAME" ]; then
    get "$RUN/slot-$NAME/key"
    RESULT=occupied DETAIL=$GOT
    return
  fi
  late && {
    DETAIL=$LATE
    return
  }
  NEW=$RUN/new-$$
  rm -rf "$NEW"
  mkdir "$NEW" && cp "$0" "$NEW/program" && put "$NEW/key" "$KEY" && put "$NEW/installation" "$INSTALLATION" &&
    put "$NEW/id" "$ID" && put "$NEW/record" "$RECORD" && put "$NEW/resource" "$RESOURCE" && put "$NEW/harm" "$HARM" &&
    put "$NEW/deadline" $((BEGAN + (TTL < MOST ? TTL : MOST))) && put "$NEW/latest" $((BEGAN + MOST)) &&
    mv "$NEW" "$RUN/slot-$NAME" || {
    rm -rf "$NEW"
    DETAIL="$RUN cannot be written"
    return
  }
  SLOT=$RUN/slot-$NAME RESULT=mine
}

# take_part ROLE: this process is the slot's holder or its watcher, unless there was one, or the fault is over.
take_part() {
  [ ! -e "$RUN/ended-$KEY" ] && get "$SLOT/key" && [ "$GOT" = "$KEY" ] && [ ! -e "$SLOT/$1" ] &&
    born $$ && put "$SLOT/$1" "$$ $BORN"
}

# load: what the slot says about the fault.
load() {
  get "$SLOT/resource" && RESOURCE=$GOT && get "$SLOT/harm" || return 1
  # shellcheck disable=SC2086
  words $GOT
}

# marked KEY: MARKED, the processes that bear its mark, whatever has become of the files that name them. Whoever asks is none of them.
marked() {
  MARKED=
  set +f
  FOUND=$(grep -l -s -F "SQUALL_FAULT=$1" /proc/[0-9]*/environ)
  set -f
  for AT in $FOUND; do
    AT=${AT#/proc/}
    AT=${AT%/environ}
    # What asked has ended by now, though it bears the mark where a watcher asks.
    [ "$AT" = $$ ] || ! born "$AT" || MARKED="$MARKED $AT"
  done
  [ -n "$MARKED" ]
}

# kill_marked KEY: fails where one of them cannot be killed.
kill_marked() {
  TRIES=0
  while marked "$1"; do
    [ $TRIES -lt 30 ] || return 1
    # shellcheck disable=SC2086
    kill -9 $MARKED 2>/dev/null
    pause 0.1
    TRIES=$((TRIES + 1))
  done
}
