# The network: what this instance sends is late, lost, or slow.
#
# Owns one queueing discipline at the root of one interface, known by its handle, which is derived from the fault's key. The kernel refuses
# to put it where anybody else's is, and to delete it by another's handle. Whatever no filter sends to its one class goes on unharmed:
# what keeps an instance in hand (the agent's endpoints, the metadata service, name resolution, ssh) is never sent there.

UNLIMITED=100gbit
# Packets that may wait at once.
LIMIT=16384
MAX_KEPT=128

network_tools() {
  if lacking tc ip unshare; then
    WHY="missing here:$MISSING (package iproute-tc, iproute or iproute2, and util-linux)"
    return 1
  fi
}

network_place() { :; }

# network_handle: HANDLE, below those that the kernel numbers by itself.
network_handle() { HANDLE=$(printf '%x' $((0x4000 | 0x$(printf %.4s "$KEY") & 0x3fff))); }

# network_link: LINK, the interface of the default route that is preferred.
network_link() {
  LINK='' BEST=''
  for FAMILY in -4 -6; do
    while read -r FIRST REST; do
      [ "$FIRST" = default ] || continue
      # shellcheck disable=SC2086
      set -- $REST
      DEVICE='' METRIC=0
      while [ $# -gt 1 ]; do
        case $1 in
          dev) DEVICE=$2 ;;
          metric) METRIC=$2 ;;
        esac
        shift
      done
      [ -n "$DEVICE" ] && is_number "$METRIC" || continue
      [ -n "$BEST" ] && [ "$METRIC" -ge "$BEST" ] || LINK=$DEVICE BEST=$METRIC
    done <<ROUTES
$(ip $FAMILY route show default 2>/dev/null)
ROUTES
    [ -z "$LINK" ] || return 0
  done
  WHY='there is no default route'
  return 1
}

# network_others LINK: WHY, where anybody's discipline is there: only the kernel's own have no handle.
network_others() {
  while read -r _ KIND NUMBER REST; do
    case $KIND:$NUMBER in
      : | ingress:* | clsact:*) continue ;;
      noqueue:0: | mq:0: | pfifo_fast:0: | fq_codel:0: | fq:0:) continue ;;
    esac
    WHY="$1 has a queueing discipline of somebody else: $KIND $NUMBER $REST"
    return 0
  done <<DISCIPLINES
$(tc qdisc show dev "$1")
DISCIPLINES
  return 1
}

network_check() {
  network_link && network_kept || return 1
  ! network_others "$LINK" || return 1
  # All of it is built once where nobody is, on a wire to nowhere: whatever this kernel lacks is known before anything is touched.
  SAID=$(network_lines lo | unshare -n tc -batch - 2>&1) && return
  case $SAID in
    *'kind is unknown'*)
      WHY='this kernel lacks what it takes (netem, htb): install kernel-modules-extra or linux-modules-extra-aws'
      ;;
    *) WHY="this kernel does not take it: $SAID" ;;
  esac
  return 1
}

# network_kept: KEPT, the addresses that stay out of it: those named, those of the endpoints, and whatever an agent talks to now.
network_kept() {
  KEPT=
  for EACH in $(printf %s "$KEEP" | tr , ' '); do network_keep "$EACH"; done
  NAMED=$KEPT
  network_endpoints
  WHY="none of the control plane's endpoints ($HOSTS) can be resolved here, so that they could not be kept reachable"
  [ -z "$HOSTS" ] || [ "$KEPT" != "$NAMED" ]
}

# network_keep ADDRESS: FRESH says whether it was new.
network_keep() {
  FRESH=
  # shellcheck disable=SC2086
  set -- "$1" $KEPT
  [ $# -le $MAX_KEPT ] || return 0
  case " $KEPT " in
    *" $1 "*) return 0 ;;
  esac
  case $1 in
    '' | *[!0-9a-fA-F:./]*) return 0 ;;
  esac
  KEPT="$KEPT $1" FRESH=1
}

network_endpoints() {
  for EACH in $(network_endpoint_addresses); do network_keep "$EACH"; done
}

network_endpoint_addresses() {
  # All are asked at once: whoever cannot be told keeps nobody waiting for the others.
  for HOST in $(printf %s "$HOSTS" | tr , ' '); do
    timeout 4 getent ahosts "$HOST" | while read -r ADDRESS _; do echo "$ADDRESS"; done &
  done
  # Columns: two queues, here, there, who.
  timeout 4 ss -t -n -p state established 2>/dev/null | while read -r LINE; do
    case $LINE in
      *'("amazon-ssm'* | *'("ssm-'*) ;;
      *) continue ;;
    esac
    # shellcheck disable=SC2086
    set -- $LINE
    THERE=${4%:*} THERE=${THERE#[} THERE=${THERE%]}
    echo "${THERE#::ffff:}"
  done
  wait
}

# network_keep_line LINK ADDRESS: one filter before all that harm.
network_keep_line() {
  case $2 in
    *:*) echo "filter add dev $1 parent $HANDLE: protocol ipv6 prio 12 u32 match ip6 dst $2 flowid $HANDLE:0" ;;
    *) echo "filter add dev $1 parent $HANDLE: protocol ip prio 11 u32 match ip dst $2 flowid $HANDLE:0" ;;
  esac
}

# network_lines LINK: what it takes, in tc's words. Filters come in their order: what is kept, then what is harmed.
network_lines() {
  network_handle
  echo "qdisc add dev $1 root handle $HANDLE: htb default 0 direct_qlen $LIMIT"
  if [ -n "$RATE" ]; then
    BURST=$((RATE * 1000 / 8 / 100))
    [ $BURST -ge 3200 ] || BURST=3200
    echo "class add dev $1 parent $HANDLE: classid $HANDLE:2 htb rate ${RATE}kbit ceil ${RATE}kbit burst $BURST cburst $BURST quantum 60000"
  else
    echo "class add dev $1 parent $HANDLE: classid $HANDLE:2 htb rate $UNLIMITED ceil $UNLIMITED burst 4mb cburst 4mb quantum 60000"
  fi
  if [ -n "$DELAY$LOSS" ]; then
    echo "qdisc add dev $1 parent $HANDLE:2 netem limit $LIMIT${DELAY:+ delay ${DELAY}ms${JITTER:+ ${JITTER}ms}}${LOSS:+ loss random $LOSS%}"
  else
    echo "qdisc add dev $1 parent $HANDLE:2 pfifo limit 1000"
  fi
  for EACH in 169.254.0.0/16 fd00:ec2::/32 fe80::/10 ff00::/8 $KEPT; do network_keep_line "$1" "$EACH"; done
  # Neighbours are found by ICMPv6; leases are renewed at 67 and 547; names are asked at 53; ssh is 22 at either end.
  echo "filter add dev $1 parent $HANDLE: protocol ipv6 prio 12 u32 match ip6 protocol 58 0xff flowid $HANDLE:0"
  for EACH in '17 dport 67' '17 dport 547' '17 dport 53' '6 dport 53' '6 dport 22' '6 sport 22'; do network_port_lines "$1" "$EACH" 1 0; done
  for CIDR in $(printf %s "${CIDRS:-any}" | tr , ' '); do
    if [ -z "$PORTS" ]; then
      network_harm_lines "$1" "$CIDR"
    else
      for PORT in $(printf %s "$PORTS" | tr , ' '); do
        for EACH in "17 dport $PORT" "17 sport $PORT" "6 dport $PORT" "6 sport $PORT"; do network_port_lines "$1" "$EACH" 2 2 "$CIDR"; done
      done
    fi
  done
}

# network_to CIDR: V4 and V6, what matches it in either family; empty where nothing can.
network_to() {
  case $1 in
    any) V4=any V6=any ;;
    *:*) V4='' V6="match ip6 dst $1" ;;
    *) V4="match ip dst $1" V6='' ;;
  esac
}

network_harm_lines() {
  network_to "$2"
  [ -z "$V4" ] || echo "filter add dev $1 parent $HANDLE: protocol ip prio 21 u32 ${V4#any} ${V4:+match u32 0 0} flowid $HANDLE:2"
  [ -z "$V6" ] || echo "filter add dev $1 parent $HANDLE: protocol ipv6 prio 22 u32 ${V6#any} ${V6:+match u32 0 0} flowid $HANDLE:2"
}

# network_port_lines LINK 'PROTOCOL END PORT' DOZEN CLASS [CIDR]
network_port_lines() {
  AT=$1 DOZEN=$3 CLASS=$4
  network_to "${5:-any}"
  # shellcheck disable=SC2086
  set -- $2
  [ -z "$V4" ] || echo "filter add dev $AT parent $HANDLE: protocol ip prio ${DOZEN}1 u32 ${V4#any} match ip protocol $1 0xff match ip $2 $3 0xffff flowid $HANDLE:$CLASS"
  [ -z "$V6" ] || echo "filter add dev $AT parent $HANDLE: protocol ipv6 prio ${DOZEN}2 u32 ${V6#any} match ip6 protocol $1 0xff match ip6 $2 $3 0xffff flowid $HANDLE:$CLASS"
}

network_begin() {
  put "$SLOT/link" "$LINK"
  SAID=$(network_lines "$LINK" | tc -batch - 2>&1) || {
    WHY="it cannot be put on $LINK: $SAID"
    return 1
  }
  KEEPER=
  [ -z "$HOSTS" ] || {
    network_keeper &
    KEEPER=$!
  }
}

# network_keeper: names are given other addresses, and an agent other connections.
network_keeper() {
  HOLDER=$$
  network_handle
  until orphaned "$HOLDER"; do
    for EACH in $(network_endpoint_addresses); do
      network_keep "$EACH"
      # shellcheck disable=SC2046
      [ -z "$FRESH" ] || tc $(network_keep_line "$LINK" "$EACH")
    done
    COUNT=0
    while [ $COUNT -lt 20 ] && ! orphaned "$HOLDER"; do
      pause 0.5
      COUNT=$((COUNT + 1))
    done
  done
}

# network_ours: the interfaces that have it.
network_ours() {
  command -v tc >/dev/null || return 0
  network_handle
  tc qdisc show | while read -r _ KIND NUMBER REST; do
    [ "$KIND $NUMBER" = "htb $HANDLE:" ] || continue
    REST=${REST#dev }
    echo "${REST%% *}"
  done
}

network_turn() {
  [ $((TURN % 5)) = 0 ] || return 0
  WHY="somebody has taken it off $LINK"
  [ "$(network_ours)" = "$LINK" ]
}

network_on() { :; }

network_drop() {
  [ -z "${KEEPER:-}" ] || kill -9 "$KEEPER" 2>/dev/null
  wait
}

network_undo() {
  network_handle
  for EACH in $(network_ours); do tc qdisc del dev "$EACH" root handle "$HANDLE:" 2>/dev/null; done
  :
}

network_off() {
  WHY=$(network_ours)
  [ -z "$WHY" ] || {
    WHY="its queueing discipline is still on $WHY"
    return 1
  }
}

network_told() {
  get "$SLOT/link"
  printf 'what is sent by %s%s%s%s' "$GOT" "${DELAY:+ is $DELAY ms late}" "${LOSS:+ is lost by $LOSS%}" "${RATE:+ has $RATE kbit/s}"
}

# What has gone the way that is harmed.
network_measured() {
  get "$SLOT/link" || return
  network_handle
  tc -s qdisc show dev "$GOT" | while read -r LINE; do
    case $LINE in
      "qdisc "*" parent $HANDLE:2 "*) read -r _ BYTES _ PACKETS _ REST ;;
      *) continue ;;
    esac
    REST=${REST#*dropped } REST=${REST%%,*}
    is_number "$BYTES" && is_number "$PACKETS" && is_number "$REST" || break
    printf '"sentBytes":%d,"sentPackets":%d,"droppedPackets":%d' "$BYTES" "$PACKETS" "$REST"
    break
  done
}
