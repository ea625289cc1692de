#!/bin/sh
# Makes the namespace and registers the search attributes that runs are found by; what is there already stays.
set -eu

# A server that has just started, or a namespace that is new, is not known everywhere at once.
within_a_minute() {
  tries=30
  until "$@" >/dev/null 2>/tmp/why; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      cat /tmp/why >&2
      echo "still fails after a minute: $*" >&2
      exit 1
    fi
    sleep 2
  done
}

within_a_minute temporal operator cluster health
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
within_a_minute temporal workflow list --limit 1

for name in ChaosState ChaosFault ChaosSite ChaosExperiment; do
  within_a_minute temporal operator search-attribute create --name "$name" --type Keyword
done
echo "namespace $TEMPORAL_NAMESPACE is ready"
