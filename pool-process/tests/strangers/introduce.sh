#!/bin/sh
# Starts the worker that a pool has asked for, but introduces it wrongly, as
# $STRANGER says; rightly once the file $RIGHTFUL exists. See ../strangers.rs.

IFS=: read -r protocol nonce parent depth umask signals code place <<END
$POOL_PROCESS_WORKER
END

[ -n "$STARTS" ] && echo "$$" >>"$STARTS"
[ -e "$RIGHTFUL" ] && exec "$PROGRAM" "$@"

introduce() {
    POOL_PROCESS_WORKER="$protocol:$nonce:$parent:$depth:$umask:$signals:$code:$place"
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
    # Somebody else waits for the worker's server.
    invitation=$POOL_PROCESS_WORKER
    unset POOL_PROCESS_WORKER
    PRESENT="$PRESENT.$$"
    export PRESENT
    STRANGER_AT="$place" "$PROGRAM" --exact stranger --nocapture --quiet \
        </dev/null >/dev/null &
    while [ ! -e "$PRESENT" ]; do sleep 0.01; done
    POOL_PROCESS_WORKER=$invitation
    export POOL_PROCESS_WORKER
    exec "$PROGRAM" "$@"
    ;;
nowhere)
    # There is no place for a worker's server.
    place=
    introduce
    exec "$PROGRAM" "$@"
    ;;
removed)
    # The place does not do.
    rmdir "$place"
    exec "$PROGRAM" "$@"
    ;;
late)
    echo "$place" >"$PRESENT"
    exec "$PROGRAM" "$@"
    ;;
esac
