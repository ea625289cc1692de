# Memory: a process that has read much and let go of nothing.
#
# Owns how much: never more than leaves a tenth of the machine, and 64 MiB at least. The process ends when the pipe does that only the
# holder keeps open, so that the kernel takes it all back when the holder ends, whatever ended that. Where memory is short it is the first to go.

# In kB, as everything in /proc/meminfo.
LEAST_LEFT=65536
STEP=32768

memory_tools() { ! lacking tail mkfifo cat || { WHY="missing here:$MISSING" && false; }; }

memory_place() { :; }

# memory_look: TOTAL, AVAILABLE, and LEAVE, what must stay available.
memory_look() {
  TOTAL='' AVAILABLE=''
  while read -r FIELD VALUE _; do
    case $FIELD in
      MemTotal:) TOTAL=$VALUE ;;
      MemAvailable:) AVAILABLE=$VALUE ;;
    esac
  done </proc/meminfo
  WHY='/proc/meminfo does not say what is available'
  is_number "$TOTAL" && is_number "$AVAILABLE" || return 1
  LEAVE=$((TOTAL / 10 > LEAST_LEFT ? TOTAL / 10 : LEAST_LEFT))
}

# memory_check: WANT, what is to be taken.
memory_check() {
  memory_look || return 1
  if [ -n "$MEGABYTES" ]; then
    WHY='megabytes: from 1'
    is_number "$MEGABYTES" && [ "$MEGABYTES" -ge 1 ] || return 1
    WANT=$((MEGABYTES * 1000000 / 1024))
    WHY="only $((AVAILABLE / 1000)) MB are available, and $((LEAVE / 1000)) MB must stay so"
    [ $((AVAILABLE - WANT)) -ge $LEAVE ]
  else
    WHY='percent: from 1 to 90'
    is_number "$PERCENT" && [ "$PERCENT" -ge 1 ] && [ "$PERCENT" -le 90 ] || return 1
    WANT=$((TOTAL * PERCENT / 100 - TOTAL + AVAILABLE))
    [ $((AVAILABLE - WANT)) -ge $LEAVE ] || WANT=$((AVAILABLE - LEAVE))
    WHY="$((100 * (TOTAL - AVAILABLE) / TOTAL))% of memory is in use already"
    [ $WANT -gt 0 ]
  fi
}

memory_begin() {
  WHY='no pipe can be made'
  mkfifo "$SLOT/leash" && command exec 7<>"$SLOT/leash" && command exec 6<"$SLOT/leash" || return 1
  rm -f "$SLOT/leash"
  put "$SLOT/want" "$WANT"
  HOLDER=$$
  {
    exec 7<&-
    first_to_go
    feed
    exec cat <&6
  } | {
    exec 7<&- 6<&-
    first_to_go
    exec tail -n 1
  } >/dev/null 2>&1 &
  TAIL=$!
  born $TAIL
  put "$SLOT/tail" "$TAIL $BORN"
}

first_to_go() { echo 1000 >/proc/self/oom_score_adj; }

# feed: in steps, since whoever is orphaned must not go on.
feed() {
  FED=0
  while [ $FED -lt $WANT ] && ! orphaned $HOLDER; do
    PART=$((WANT - FED < STEP ? WANT - FED : STEP))
    head -c $((PART * 1024)) /dev/zero || break
    FED=$((FED + PART))
  done
}

# memory_held: HELD, in kB, wherever the kernel keeps it.
memory_held() {
  HELD=0
  alive "$SLOT/tail" || return 1
  while read -r FIELD VALUE _; do
    case $FIELD in
      VmRSS: | VmSwap:) HELD=$((HELD + VALUE)) ;;
    esac
  done <"/proc/$WHO/status"
}

memory_turn() {
  WHY='the process that had it was gone'
  born "$TAIL" || return 1
  memory_look || return 1
  WHY='others needed what was left'
  [ "$AVAILABLE" -ge $((LEAVE / 2)) ]
}

# A large machine takes its time: what is on by then is on.
memory_on() {
  memory_held && [ $HELD -ge $((WANT * 95 / 100)) ] && return
  get "$SLOT/began"
  clock
  [ $((NOW - GOT)) -ge $((20 * SECOND)) ]
}

memory_drop() {
  [ -z "${TAIL:-}" ] || kill -9 "$TAIL" 2>/dev/null
  exec 7<&- 6<&-
  wait
}

# Its end is the undo.
memory_undo() { :; }
memory_off() { :; }

memory_told() {
  get "$SLOT/want"
  printf '%d MB are to be taken' $(((GOT * 1024 + 500000) / 1000000))
}

memory_measured() {
  memory_held
  memory_look || return
  printf '"heldBytes":%d,"availableBytes":%d,"totalBytes":%d' $((HELD * 1024)) $((AVAILABLE * 1024)) $((TOTAL * 1024))
}
