# Room on a file system: one file without a name, as large as it takes.
#
# Owns the file, which only the holder has open: the kernel frees it with the holder, whatever ended that. It grows and shrinks as others
# take and give, so that the file system is never fuller than was asked. What is reserved for root is never touched.

MEBIBYTE=1048576
# In MiB: as much at a time where the file system reserves room, and where it must be written.
RESERVED=1024
WRITTEN=16

disk_tools() { ! lacking df stat fallocate truncate dd tail || { WHY="missing here:$MISSING" && false; }; }

# disk_place: NAME, one for each file system, since two faults must not fill the same one.
disk_place() {
  WHY="$FOLDER is no folder"
  FOLDER=$(command cd -P -- "$FOLDER" 2>/dev/null && pwd -P) || return 1
  WHY="$FOLDER is not to be filled: say a folder on the file system that is"
  case $FOLDER/ in
    // | /boot/* | /efi/* | /dev/* | /proc/* | /sys/* | /run/*) return 1 ;;
    *[!A-Za-z0-9._/@+-]*) return 1 ;;
  esac
  # Where it is is not asked again.
  HARM="$HARM path=$FOLDER" NAME=disk-$(stat -c %d -- "$FOLDER")
}

# disk_look: KIND, USED and CAP, which is how much may be used, in bytes; what root alone may have is nobody's.
disk_look() {
  WHY="df does not say how full $FOLDER is"
  # shellcheck disable=SC2046
  set -- $(df -B1 --output=fstype,used,avail -- "$FOLDER" 8>&- | tail -n 1 8>&-)
  KIND=${1:-} USED=${2:-} LEFT=${3:-}
  is_number "$USED" && is_number "$LEFT" && [ $((USED + LEFT)) -gt 0 ] || return 1
  SPACE=$((USED + LEFT))
  CAP=$((SPACE * PERCENT / 100))
}

disk_check() {
  WHY='percent: from 1 to 95'
  is_number "$PERCENT" && [ "$PERCENT" -ge 1 ] && [ "$PERCENT" -le 95 ] || return 1
  disk_place && disk_look || return 1
  WHY="$FOLDER is on $KIND: expected ext4, xfs or btrfs"
  case $KIND in
    ext2 | ext3 | ext4 | xfs | btrfs) ;;
    *) return 1 ;;
  esac
  WHY="its file system is $((100 * USED / SPACE))% full already"
  [ "$CAP" -gt "$USED" ]
}

disk_begin() {
  FILE=$FOLDER/.squall-$KEY SIZE=0 HOW='' FULL=''
  rm -f -- "$FILE"
  WHY="no file can be made in $FOLDER"
  # Never one that somebody else has put there meanwhile.
  set -C
  command exec 8>"$FILE" || {
    set +C
    return 1
  }
  set +C
  rm -f -- "$FILE"
}

# disk_turn: for a fifth of a second at a time, since there is a deadline to see.
disk_turn() {
  [ -z "$FULL" ] || [ $((TURN % 5)) = 0 ] || return 0
  disk_look || return 1
  WANT=$((SIZE + CAP - USED))
  if [ "$WANT" -lt "$SIZE" ]; then
    [ $((SIZE - WANT)) -le $((SPACE / 200)) ] || disk_shrink
    FULL=1
    return
  fi
  [ -z "$FULL" ] || [ $((WANT - SIZE)) -gt $((SPACE / 200)) ] || return 0
  clock
  THEN=$NOW FULL=1
  while [ $((WANT - SIZE)) -ge $MEBIBYTE ]; do
    disk_grow || break
    clock
    if [ $((NOW - THEN)) -ge 20 ]; then
      FULL=
      break
    fi
  done
  put "$SLOT/size" $SIZE
}

disk_shrink() {
  SIZE=$((WANT < 0 ? 0 : WANT / MEBIBYTE * MEBIBYTE))
  truncate -s $SIZE /proc/self/fd/8 2>/dev/null && put "$SLOT/size" $SIZE
}

# disk_grow: by one step, of whole MiB. Fails where no more is to be had.
disk_grow() {
  MOST_OF_IT=$(((WANT - SIZE) / MEBIBYTE))
  if [ "$HOW" != written ]; then
    PART=$((MOST_OF_IT < RESERVED ? MOST_OF_IT : RESERVED))
    if SAID=$(fallocate -o $SIZE -l $((PART * MEBIBYTE)) /proc/self/fd/8 2>&1); then
      SIZE=$((SIZE + PART * MEBIBYTE))
      return
    fi
    case $SAID in
      *'not supported'*) HOW=written ;;
      *) return 1 ;;
    esac
  fi
  PART=$((MOST_OF_IT < WRITTEN ? MOST_OF_IT : WRITTEN))
  # No zeros, which a file system may keep for nothing.
  dd if=/dev/urandom of=/proc/self/fd/8 bs=$MEBIBYTE seek=$((SIZE / MEBIBYTE)) count=$PART conv=notrunc iflag=fullblock 2>/dev/null || return 1
  SIZE=$((SIZE + PART * MEBIBYTE))
}

# What is written takes its time: what is on by then is on.
disk_on() {
  [ -n "$FULL" ] && return
  get "$SLOT/began"
  clock
  [ $((NOW - GOT)) -ge $((20 * SECOND)) ]
}

disk_drop() { exec 8>&-; }

# Whoever died between the file's making and its end left a name, and nothing else.
disk_undo() { [ -z "$FOLDER" ] || rm -f -- "$FOLDER/.squall-$KEY"; }
disk_off() { [ -z "$FOLDER" ] || [ ! -e "$FOLDER/.squall-$KEY" ]; }

disk_told() { printf '%s is to be %s%% full' "$FOLDER" "$PERCENT"; }

disk_measured() {
  get "$SLOT/size"
  disk_look || return
  printf '"takenBytes":%d,"usedBytes":%d,"totalBytes":%d' "${GOT:-0}" "$USED" $SPACE
}
