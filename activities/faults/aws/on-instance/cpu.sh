# Processor time: loops that are busy for a share of each second, one for each processor.
#
# Owns the loops. Each is a process that ends within a fifth of a second when the holder does, whatever ended that. They compete as anybody
# does: where others want the processor as well, they get less than was asked, and `measured` says how much.

cpu_tools() { ! lacking nproc || { WHY="missing here:$MISSING" && false; }; }

cpu_place() { :; }

cpu_check() {
  HAS=$(nproc)
  WHY='percent: from 1 to 100'
  is_number "$PERCENT" && [ "$PERCENT" -ge 1 ] && [ "$PERCENT" -le 100 ] || return 1
  : "${CORES:=$HAS}"
  WHY="cores: from 1 to the $HAS that there are"
  is_number "$CORES" && [ "$CORES" -ge 1 ] && [ "$CORES" -le "$HAS" ]
}

cpu_begin() {
  WORKERS=
  cpu_times && put "$SLOT/before" "$TOTAL $IDLE" || {
    WHY='/proc/stat cannot be read'
    return 1
  }
  NUMBER=0
  while [ $NUMBER -lt "$CORES" ]; do
    sh "$SLOT/program" burn parent=$$ percent="$PERCENT" number=$NUMBER &
    WORKERS="$WORKERS $!"
    NUMBER=$((NUMBER + 1))
  done
  put "$SLOT/workers" "$WORKERS"
}

cpu_turn() {
  [ $((TURN % 5)) = 0 ] || return 0
  WHY='a loop of it was gone'
  for WORKER in $WORKERS; do born "$WORKER" || return 1; done
}

# A second is what a loop divides.
cpu_on() {
  get "$SLOT/began"
  clock
  [ $((NOW - GOT)) -ge $SECOND ]
}

cpu_drop() {
  # shellcheck disable=SC2086
  [ -z "${WORKERS:-}" ] || kill -9 $WORKERS 2>/dev/null
  wait
}

# Their end is the undo.
cpu_undo() { :; }
cpu_off() { :; }

cpu_told() { printf '%s%% of %s processors' "$PERCENT" "${CORES:-all}"; }

# What the whole machine was busy since, and how many processors' worth the loops have had.
cpu_measured() {
  get "$SLOT/before" && cpu_times || return
  ALL=$((TOTAL - ${GOT% *}))
  [ $ALL -gt 0 ] || return
  printf '"busyPercent":%d' $((100 * (ALL - IDLE + ${GOT#* }) / ALL))
  TICKS=0
  get "$SLOT/workers"
  for WORKER in $GOT; do
    born "$WORKER" || continue
    # shellcheck disable=SC2086
    set -- ${STAT##*) }
    TICKS=$((TICKS + ${12} + ${13}))
  done
  get "$SLOT/began" && clock && [ "$NOW" -gt "$GOT" ] || return
  # A tick is a hundredth of a second on every machine that this runs on.
  printf ',"processorsPercent":%d' $((100 * TICKS / (NOW - GOT)))
}

# cpu_times: TOTAL and IDLE, of all processors since the boot, in ticks.
cpu_times() {
  read -r _ USER NICE SYSTEM IDLE WAITED IRQ SOFT STOLEN _ </proc/stat || return 1
  IDLE=$((IDLE + WAITED))
  TOTAL=$((USER + NICE + SYSTEM + IDLE + IRQ + SOFT + STOLEN))
}

# burn: one loop. They do not all rest at the same time.
burn() {
  REST=$(printf '0.%02d' $((100 - PERCENT)))
  [ "$PERCENT" -eq 100 ] || sleep "$(printf '0.%02d' $((NUMBER * 37 % 100)))"
  while ! orphaned "$PARENT_PID"; do
    clock
    UNTIL=$((NOW + PERCENT)) LOOKED=$NOW
    while [ "$NOW" -lt $UNTIL ]; do
      COUNT=0
      while [ $COUNT -lt 1000 ]; do COUNT=$((COUNT + 1)); done
      clock
      [ $((NOW - LOOKED)) -lt 15 ] || {
        ! orphaned "$PARENT_PID" || exit 0
        LOOKED=$NOW
      }
    done
    [ "$PERCENT" -eq 100 ] || sleep "$REST"
  done
}
