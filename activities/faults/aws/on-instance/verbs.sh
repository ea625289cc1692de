# What can be asked of an instance: put-on, renew, take-off, look, list. One line of answer each.
#
# Owns the order of things: a refusal comes before anything is touched, the slot before the fault, the tombstone before its end.

# late: whether a command that waited for a machine that was away must not act any more.
late() {
  LATE="it came too late: not after $BEFORE was said, and it is $(date +%s) here"
  [ "$(date +%s)" -gt "$BEFORE" ]
}

# clear_away: ends what is past its time, or without its processes; forgets tombstones that nothing late can need.
clear_away() {
  clock
  set +f
  for EACH in "$RUN"/slot-* "$RUN"/ended-* "$RUN"/program-* "$RUN"/new-* "$RUN"/gone-*; do
    set -f
    OF=${EACH##*-}
    case $EACH in
      */slot-\* | */ended-\* | */program-\* | */new-\* | */gone-\*) ;;
      */slot-*) (is_dead "$EACH" && end_dead "$EACH") ;;
      */ended-*)
        get "$EACH"
        THEN=${GOT#* } THEN=${THEN%% *}
        is_number "$THEN" && [ $((NOW - THEN)) -gt $KEPT_FOR ] && ! slot_of "$OF" && rm -f "$EACH"
        ;;
      *) born "$OF" || rm -rf "$EACH" ;;
    esac
  done
  set -f
}

# is_dead SLOT: whether nobody ends it any more. One that nobody has begun yet may still be.
is_dead() {
  get "$1/deadline" && is_number "$GOT" && [ "$NOW" -le $((GOT + 2 * GRACE)) ] || return 0
  [ -e "$1/holder" ] && ! alive "$1/holder" && ! alive "$1/watcher"
}

end_dead() {
  SLOT=$1
  get "$SLOT/key" && KEY=$GOT && load || return 1
  locked bury "$KEY" lapsed 'nobody was there to end it'
  by_force lapsed 'nobody was there to end it'
}

# lefts: how long the slot's fault has, as members of a JSON object, in milliseconds.
lefts() {
  clock
  get "$SLOT/deadline" && is_number "$GOT" && DEADLINE=$GOT && get "$SLOT/latest" && is_number "$GOT" || return 1
  printf '"leftMs":%d,"atMostMs":%d' $((DEADLINE > NOW ? (DEADLINE - NOW) * 10 : 0)) $((GOT > NOW ? (GOT - NOW) * 10 : 0))
}

# overdone: how a fault that has ended is to be told to whoever would put it on.
overdone() {
  case $1 in
    reverted) answer fenced "$2" ;;
    lapsed) answer lapsed "$2" ;;
    *) answer failed "$2" ;;
  esac
  exit 0
}

put_on() {
  clock
  BEGAN=$NOW NAME=''
  "${RESOURCE}_tools" || refuse "$WHY"
  mkdir -p "$RUN" && [ -w "$RUN" ] || refuse "$RUN cannot be written"
  locked claim || refuse "$RUN/lock was not to be had"
  case $RESULT in
    free) ;;
    mine) ;;
    *) overdone "$RESULT" "$DETAIL" ;;
  esac
  if [ "$RESULT" = free ]; then
    if late; then refuse "$LATE"; fi
    clear_away
    NAME=$RESOURCE
    "${RESOURCE}_place" || refuse "$WHY"
    # Asked before what is found may be another fault's doing.
    [ ! -e "$RUN/slot-$NAME" ] || ! get "$RUN/slot-$NAME/key" || [ "$GOT" = "$KEY" ] || {
      answer occupied "$GOT"
      exit 0
    }
    "${RESOURCE}_check" || refuse "$WHY"
    locked claim || refuse "$RUN/lock was not to be had"
    case $RESULT in
      mine) ;;
      occupied)
        answer occupied "$DETAIL"
        exit 0
        ;;
      *) overdone "$RESULT" "$DETAIL" ;;
    esac
  fi
  # An earlier attempt may have died before it started them; each makes sure that it is the only one.
  [ -e "$SLOT/watcher" ] || start watch
  [ -e "$SLOT/holder" ] || start hold
  await
}

# await: until it is on, is over, or nobody may wait any longer.
await() {
  clock
  UNTIL=$((NOW + WAIT))
  while :; do
    if ended "$KEY"; then overdone "$REASON" "$WHY"; fi
    if [ -e "$SLOT/on" ]; then
      load
      answer injected "$("${RESOURCE}_told")" "$("${RESOURCE}_measured")" "$(lefts)"
      exit 0
    fi
    clock
    [ "$NOW" -lt $UNTIL ] || break
    pause 0.1
  done
  if alive "$SLOT/holder"; then answer failed 'it is not on yet'; else answer failed 'no process of it has begun'; fi
}

renew() {
  RESULT=failed DETAIL="$RUN/lock was not to be had"
  [ ! -d "$RUN" ] || locked prolong
  [ -d "$RUN" ] || RESULT=lapsed DETAIL='no record of it here'
  if [ "$RESULT" = renewed ]; then answer renewed '' '' "$(lefts)"; else answer "$RESULT" "$DETAIL"; fi
}

# prolong: what has ended, or is without a holder to end it, is not prolonged; nothing is beyond the last time of all.
prolong() {
  RESULT=lapsed DETAIL='no record of it here'
  if ended "$KEY"; then
    DETAIL=$WHY
    return
  fi
  slot_of "$KEY" || return
  DETAIL='its time was over'
  clock
  get "$SLOT/deadline" && is_number "$GOT" && [ "$NOW" -lt "$GOT" ] && get "$SLOT/latest" && is_number "$GOT" || return 0
  LATEST=$GOT
  DETAIL='its holder was gone'
  alive "$SLOT/holder" || return 0
  if put "$SLOT/deadline" $((NOW + TTL < LATEST ? NOW + TTL : LATEST)); then
    RESULT=renewed
  else
    RESULT=failed DETAIL="$SLOT cannot be written"
  fi
}

take_off() {
  BEFORE_THIS=''
  mkdir -p "$RUN" || refuse "$RUN cannot be made"
  # A folder that takes no writes must not keep a fault on. It takes no late one either.
  FENCE=yes
  locked fence || FENCE=
  if slot_of "$KEY"; then
    load || refuse "$SLOT cannot be read"
    OURS=$SLOT TURN=0
    # It sees the tombstone within a fifth of a second.
    while [ -n "$FENCE" ] && [ $TURN -lt 50 ] && get "$OURS/key" && [ "$GOT" = "$KEY" ]; do
      [ $TURN -lt 10 ] || alive "$OURS/holder" || alive "$OURS/watcher" || break
      pause 0.1
      TURN=$((TURN + 1))
    done
    ! slot_of "$KEY" || by_force reverted 'it was taken off' || refuse "$FAILED"
    WAS=reverted
  else
    WAS=absent
  fi
  TURN=0
  while marked "$KEY" && [ $TURN -lt 20 ]; do
    pause 0.1
    TURN=$((TURN + 1))
  done
  kill_marked "$KEY" || refuse 'a process of it cannot be killed'
  "${RESOURCE}_undo" && "${RESOURCE}_off" || refuse 'it cannot be undone'
  [ -n "$FENCE" ] || refuse "it is off, but $RUN takes no writes, so that one that comes late is not kept away"
  if [ $WAS = reverted ]; then answer reverted "$BEFORE_THIS"; else answer absent "${BEFORE_THIS:-no record of it here}"; fi
}

# fence: BEFORE_THIS says how it had ended already.
fence() {
  if ended "$KEY"; then BEFORE_THIS=$WHY; fi
  bury "$KEY" reverted 'it was taken off'
}

look() {
  if [ -d "$RUN" ] && slot_of "$KEY" && load; then
    answer active "$("${RESOURCE}_told")" "$("${RESOURCE}_measured")" "$(lefts)"
  elif marked "$KEY"; then
    answer active "processes of it are left:$MARKED"
  elif ! "${RESOURCE}_off"; then
    answer active "$WHY"
  elif ended "$KEY"; then
    answer absent "$WHY"
  else
    answer absent 'no record of it here'
  fi
}

# list: what is held here, at most as much as an agent passes on.
list() {
  [ ! -d "$RUN" ] || clear_away
  SLOTS='' MORE=false
  set +f
  for EACH in "$RUN"/slot-*; do
    set -f
    SLOT=$EACH
    ONE=$(held) || continue
    if [ $((${#SLOTS} + ${#ONE})) -gt 20000 ]; then
      MORE=true
      break
    fi
    SLOTS=$SLOTS${SLOTS:+,}$ONE
  done
  set -f
  answer listed '' '' "\"slots\":[$SLOTS],\"more\":$MORE"
}

held() {
  REST=$(lefts) && get "$SLOT/key" || return 1
  printf '{"key":"%s"' "$GOT"
  for FIELD in installation resource id record; do
    get "$SLOT/$FIELD" || return 1
    printf ',"%s":"%s"' $FIELD "$GOT"
  done
  HELD=false
  if alive "$SLOT/holder" || alive "$SLOT/watcher"; then HELD=true; fi
  FENCED=false
  get "$SLOT/key"
  [ ! -e "$RUN/ended-$GOT" ] || FENCED=true
  printf ',"held":%s,"fenced":%s,%s}' $HELD $FENCED "$REST"
}
