# shellcheck shell=bash disable=SC2153,SC2154 # capitals come from places.sh and lifecycle.sh
# The store between versions: each knows its own schema and all before it, none that came later.

TOO_NEW=3 # what can_read_store ends with, where only a newer version knows the schema

# Whether the version in TREE knows the schema of the store that is there; any PYTHON may look, as
# nothing but the one module is run. Another code than $TOO_NEW: it could not be looked at.
can_read_store() {
    "${2:-$1/venv/bin/python}" -I -B - "$STATE/store.sqlite" "$1" "$TOO_NEW" <<'PYTHON'
import pathlib, runpy, sqlite3, sys
schema = pathlib.Path(sys.argv[2], "plugin/origin_pulls/store/schema.py")
MIGRATIONS = runpy.run_path(str(schema))["MIGRATIONS"]
path = pathlib.Path(sys.argv[1])
if path.exists():
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
            version = store.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError:
        version = 0  # damaged: no version can do more about it than another
    sys.exit(int(sys.argv[3]) if version > len(MIGRATIONS) else 0)
PYTHON
}

# An older version is not put over the store of a newer one, unless that one never was healthy.
check_store() {
    local code=0
    can_read_store "$RELEASE" || code=$?
    if ((code == TOO_NEW)) && [[ -n $WAS_INTERRUPTED && $BEFORE == "$RELEASE" ]]; then
        stop_agent
        put_store_back "$RELEASE"
        code=0
        can_read_store "$RELEASE" || code=$?
    fi
    if ((code == 0)); then return; fi
    if [[ -n $BEFORE ]]; then prune_releases; fi
    nothing_was_switched
    ((code == TOO_NEW)) || refuse release_failed \
        "$(basename -- "$RELEASE") does not start (its words are above)." \
        "Nothing was switched; what ran runs on."
    store_too_new "$(basename -- "$RELEASE")"
}

store_too_new() {
    refuse store_too_new "$1 cannot read the store: a newer version wrote it." \
        "Install that version or a newer one; what ran runs on."
}

# A copy of the store as the version before leaves it; only the newest copy is kept. Where an
# upgrade that was cut off has changed the schema already, its copy is that one.
keep_store() {
    local copy
    [[ -e $STATE/store.sqlite && -n $BEFORE && $BEFORE != "$RELEASE" ]] || return 0
    can_read_store "$BEFORE" 2>/dev/null || return 0
    copy=$STATE/store-before-$(basename -- "$RELEASE").sqlite
    rm -f -- "$STATE"/store-before-*.sqlite
    copy_store "$STATE/store.sqlite" "$copy" || warn "the store cannot be copied; going on"
}

copy_store() {
    (umask 077 && "$RELEASE/venv/bin/python" - "$1" "$2" <<'PYTHON'
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
    if [[ -z $copy ]] || can_read_store "$before" 2>/dev/null; then return; fi
    say "the store goes back to its form before the upgrade"
    rm -f -- "$STATE"/store.sqlite-{wal,shm}
    install -m 640 -o root -g "$SERVICE_USER" -- "$copy" "$STATE/store.sqlite.new"
    mv -T -- "$STATE/store.sqlite.new" "$STATE/store.sqlite"
}
