#!/bin/sh
# Starts the worker that a pool has asked for, but introduces it wrongly, as
# $STRANGER says; rightly once the file $RIGHTFUL exists. See ../strangers.rs.

IFS=: read -r protocol nonce parent depth umask signals code server <<END
$POOL_PROCESS_WORKER
END

[ -e "$RIGHTFUL" ] && exec "$PROGRAM" "$@"

introduce() {
    POOL_PROCESS_WORKER="$protocol:$nonce:$parent:$depth:$umask:$signals:$code:$server"
    export POOL_PROCESS_WORKER
}

case $STRANGER in
protocol)
    protocol=999
    introduce
    exec "$PROGRAM" "$@"
    ;;
nonce)
    nonce=5
    introduce
    exec "$PROGRAM" "$@"
    ;;
pid)
    # A child of the process that was invited.
    parent=$$
    introduce
    "$PROGRAM" "$@"
    exit
    ;;
silent | garbage)
    # Somebody else is there first.
    unset POOL_PROCESS_WORKER
    PRESENT="$PRESENT.$$"
    export PRESENT
    STRANGER_AT="$server" "$PROGRAM" --exact stranger --nocapture --quiet >/dev/null &
    while [ ! -e "$PRESENT" ]; do sleep 0.01; done
    introduce
    exec "$PROGRAM" "$@"
    ;;
late)
    echo "$server" >"$PRESENT"
    exec "$PROGRAM" "$@"
    ;;
esac
