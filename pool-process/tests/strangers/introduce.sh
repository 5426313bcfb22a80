#!/bin/sh
# Starts the worker that a pool has asked for, but introduces it wrongly, as
# $STRANGER says; rightly once the file $RIGHTFUL exists. See ../strangers.rs.

IFS=: read -r protocol nonce parent depth umask signals code place <<END
$POOL_PROCESS_WORKER
END

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
