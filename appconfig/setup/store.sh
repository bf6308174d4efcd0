# shellcheck shell=bash disable=SC2153,SC2154 # capitals come from places.sh and lifecycle.sh
# The store between versions: each knows its own schema and all before it, none that came later.

# Whether RELEASE knows the schema of the store that is there.
can_read_store() {
    "$1/venv/bin/python" -I - "$STATE/store.sqlite" <<'PYTHON'
import pathlib, sqlite3, sys
from origin_pulls.store.schema import MIGRATIONS
path = pathlib.Path(sys.argv[1])
if path.exists():
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
            version = store.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError:
        version = 0  # damaged: no version can do more about it than another
    sys.exit(version > len(MIGRATIONS))
PYTHON
}

# An older version is not put over the store of a newer one, unless that one never was healthy.
check_store() {
    can_read_store "$RELEASE" && return
    if [[ -n $WAS_INTERRUPTED && $BEFORE == "$RELEASE" ]]; then
        stop_agent
        put_store_back "$RELEASE"
        can_read_store "$RELEASE" && return
    fi
    if [[ -n $BEFORE ]]; then prune_releases; fi
    nothing_was_switched
    refuse store_too_new "$(basename -- "$RELEASE") cannot read the store: a newer version wrote it." \
        "Install that version or a newer one; what ran runs on."
}

# A copy of the store as the version before leaves it; only the newest copy is kept. Where an
# upgrade that was cut off has changed the schema already, its copy is that one.
keep_store() {
    local copy
    [[ -e $STATE/store.sqlite && -n $BEFORE && $BEFORE != "$RELEASE" ]] || return 0
    can_read_store "$BEFORE" || return 0
    copy=$STATE/store-before-$(basename -- "$RELEASE").sqlite
    rm -f -- "$STATE"/store-before-*.sqlite
    copy_store "$STATE/store.sqlite" "$copy" || warn "the store cannot be copied; going on"
}

copy_store() {
    (umask 077 && "$RELEASE/venv/bin/python" -I - "$1" "$2" <<'PYTHON'
import contextlib, os, sqlite3, sys
source, target = sys.argv[1:]
with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old:
    with contextlib.closing(sqlite3.connect(f"{target}.new")) as new:
        old.backup(new)
os.rename(f"{target}.new", target)
PYTHON
    )
}

# Give BEFORE its own store again where the new version changed the schema.
put_store_back() {
    local before=$1 copy
    # There is never more than one: that of the last upgrade.
    copy=$(compgen -G "$STATE/store-before-*.sqlite" || true)
    if [[ -z $copy ]] || can_read_store "$before"; then return; fi
    say "the store goes back to its form before the upgrade"
    rm -f -- "$STATE"/store.sqlite-{wal,shm}
    install -m 640 -o root -g "$SERVICE_USER" -- "$copy" "$STATE/store.sqlite.new"
    mv -T -- "$STATE/store.sqlite.new" "$STATE/store.sqlite"
}
