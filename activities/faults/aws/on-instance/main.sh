# The program's one entry: a verb, then words of the form name=value. Owns what each name means and how long it may be.

# words NAME=VALUE...: sets what they say.
words() {
  for WORD in "$@"; do
    VALUE=${WORD#*=}
    # They are kept with blanks between them, and part of them is said again.
    case $WORD in
      *[!A-Za-z0-9._:,/@+=-]*) refuse 'a word has a character that is not expected' ;;
    esac
    case $WORD in
      resource=*) RESOURCE=$VALUE ;;
      installation=*) INSTALLATION=$VALUE ;;
      for=*) for_here "$VALUE" ;;
      record=*) RECORD=$VALUE ;;
      ttl=*) TTL=$VALUE ;;
      most=*) MOST=$VALUE ;;
      before=*) BEFORE=$VALUE ;;
      wait=*) WAIT=$VALUE ;;
      percent=*) PERCENT=$VALUE HARM="$HARM $WORD" ;;
      cores=*) CORES=$VALUE HARM="$HARM $WORD" ;;
      megabytes=*) MEGABYTES=$VALUE HARM="$HARM $WORD" ;;
      path=*) FOLDER=$VALUE HARM="$HARM $WORD" ;;
      delay=*) DELAY=$VALUE HARM="$HARM $WORD" ;;
      jitter=*) JITTER=$VALUE HARM="$HARM $WORD" ;;
      loss=*) LOSS=$VALUE HARM="$HARM $WORD" ;;
      rate=*) RATE=$VALUE HARM="$HARM $WORD" ;;
      ports=*) PORTS=$VALUE HARM="$HARM $WORD" ;;
      cidrs=*) CIDRS=$VALUE HARM="$HARM $WORD" ;;
      keep=*) KEEP=$VALUE HARM="$HARM $WORD" ;;
      hosts=*) HOSTS=$VALUE HARM="$HARM $WORD" ;;
      slot=*) SLOT=$VALUE ;;
      key=*) KEY=$VALUE ;;
      parent=*) PARENT_PID=$VALUE ;;
      number=*) NUMBER=$VALUE ;;
      *) refuse "$WORD is not expected here" ;;
    esac
  done
}

# for_here INSTANCE:KEY:ID: one command may go to many instances, each of which has its own. `-` is whoever reads it.
for_here() {
  case $1 in
    -:* | "${AWS_SSM_INSTANCE_ID:-none}":*) ;;
    *) return ;;
  esac
  KEY=${1#*:}
  ID=${KEY#*:} KEY=${KEY%%:*}
}

# The tools that every verb takes.
if lacking flock setsid grep mv cp rm mkdir tr head date sleep; then refuse "missing here:$MISSING"; fi

VERB=${1:-}
[ $# -eq 0 ] || shift
RESOURCE='' INSTALLATION='' KEY='' ID='' RECORD='' TTL='' MOST='' BEFORE='' WAIT='' HARM='' SLOT=''
PERCENT='' CORES='' MEGABYTES='' FOLDER='' DELAY='' JITTER='' LOSS='' RATE='' PORTS='' CIDRS='' KEEP='' HOSTS=''
PARENT_PID='' NUMBER=0
words "$@"

case $VERB in
  list) ;;
  burn) ;;
  *)
    [ -n "$KEY" ] || refuse "none of this command is for ${AWS_SSM_INSTANCE_ID:-this instance}"
    case $KEY in
      *[!0-9a-f]*) refuse 'the key is no hexadecimal number' ;;
    esac
    ;;
esac
case $VERB in
  put-on | take-off | look)
    case $RESOURCE in
      cpu | memory | disk | network) ;;
      *) refuse "$RESOURCE is no resource: expected cpu, memory, disk or network" ;;
    esac
    ;;
esac
case $VERB in
  put-on)
    for EACH in "$TTL" "$MOST" "$BEFORE" "$WAIT"; do is_number "$EACH" || refuse 'ttl, most, before and wait are numbers'; done
    put_on
    ;;
  renew)
    is_number "$TTL" || refuse 'ttl is a number'
    renew
    ;;
  take-off) take_off ;;
  look) look ;;
  list) list ;;
  hold) hold ;;
  watch) watch ;;
  after) after ;;
  burn) burn ;;
  *) refuse "$VERB is no verb: expected put-on, renew, take-off, look or list" ;;
esac
