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

is_too_new_for() {
    local code=0
    can_read_store "$1" 2>/dev/null || code=$?
    ((code == TOO_NEW))
}

# An older version is not put over the store of a newer one, unless that one never was healthy.
check_store() {
    local code=0
    can_read_store "$RELEASE" || code=$?
    if ((code == TOO_NEW)) && [[ -n $WAS_INTERRUPTED && $BEFORE == "$RELEASE" ]] \
        && ! has_gained "$RELEASE"; then
        stop_agent
        put_store_back "$RELEASE" || systemctl start "${SERVICES[@]}" || true
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

DAMAGED=4 # what copy_store ends with, where no copy could be better than the store itself

# A copy of the store as the version before leaves it: without one there is no way back from a new
# schema, so there is no upgrade either. Only the newest copy is kept. Where an upgrade that was
# cut off has changed the schema already, its copy is that one.
keep_store() {
    local copy code=0
    [[ -e $STATE/store.sqlite && -n $BEFORE && $BEFORE != "$RELEASE" ]] || return 0
    can_read_store "$BEFORE" 2>/dev/null || return 0
    copy=$STATE/store-before-$(basename -- "$RELEASE").sqlite
    copy_store "$STATE/store.sqlite" "$copy" || code=$?
    rm -f -- "$copy.new" 2>/dev/null || true
    if ((code == 0)); then
        find "$STATE" -maxdepth 1 -name 'store-before-*.sqlite' ! -path "$copy" -delete
    elif ((code == DAMAGED)); then
        warn "the store is damaged: it is not copied"
    else
        systemctl start "${SERVICES[@]}" || true
        prune_releases
        nothing_was_switched
        refuse store_not_copied "The store cannot be copied to $copy (the reason is above)." \
            "Nothing was switched; what ran runs on. Is the disk full? $STATE needs room for a second store."
    fi
}

copy_store() {
    (umask 077 && "$RELEASE/venv/bin/python" -I - "$1" "$2" "$DAMAGED" <<'PYTHON'
import contextlib, os, sqlite3, sys
source, target, damaged = sys.argv[1:]
try:
    with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old:
        with contextlib.closing(sqlite3.connect(f"{target}.new")) as new:
            old.backup(new)
    os.rename(f"{target}.new", target)
except sqlite3.DatabaseError as error:
    if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        sys.exit(int(damaged))
    sys.exit(str(error))
except OSError as error:
    sys.exit(str(error))
PYTHON
    )
}

# The copy of the last upgrade; empty where there is none.
store_copy() {
    find "$STATE" -maxdepth 1 -name 'store-before-*.sqlite' -type f -printf '%T@ %p\n' 2>/dev/null \
        | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

# Give BEFORE its own store again where the new version changed the schema; false where there is
# none to give.
put_store_back() {
    local before=$1 copy
    is_too_new_for "$before" || return 0
    copy=$(store_copy)
    if [[ -z $copy ]]; then
        warn "a newer version wrote the store, and there is no copy of the one before"
        return 1
    fi
    say "the store goes back to its form before the upgrade"
    holding_work swap_stores "$before" "$copy" || {
        warn "the store before cannot be put back"
        return 1
    }
}

# The copy in the place of the store, which is kept aside where it has what the copy has not. At no
# time is there none: whoever looks would make an empty one.
swap_stores() {
    local before=$1 copy=$2 store=$STATE/store.sqlite aside ending
    if has_gained "$before"; then
        aside=$STATE/store-aside-$(date +%F-%H%M%S).sqlite
        ln -- "$store" "$aside" || return
        for ending in wal shm; do
            if [[ -e $store-$ending ]]; then mv -T -- "$store-$ending" "$aside-$ending" || return; fi
        done
        warn "what was changed since the upgrade is in $aside"
    fi
    rm -f -- "$store"-{wal,shm}
    install -m 640 -o root -g "$SERVICE_USER" -- "$copy" "$store.new" && mv -T -- "$store.new" "$store"
}

# Whether the store that BEFORE cannot read knows what the copy does not: jobs, policies, settings,
# locks. Where that cannot be told, it does.
has_gained() {
    local copy
    copy=$(store_copy)
    if [[ -z $copy ]] || ! is_too_new_for "$1"; then return 1; fi
    ! "$1/venv/bin/python" -I - "$STATE/store.sqlite" "$copy" 2>/dev/null <<'PYTHON'
import contextlib, sqlite3, sys
ASKED = (
    "SELECT max(number) FROM job",
    "SELECT user, incarnation, server_name, policy FROM policy ORDER BY 1, 2, 3",
    "SELECT name, value FROM setting ORDER BY 1",
    "SELECT user, incarnation, server_name, reason FROM vhost_lock ORDER BY 1, 2, 3",
)
found = []
# Nobody writes the copy: so nothing is laid beside it to read it.
for path, how in zip(sys.argv[1:], ("mode=ro", "mode=ro&immutable=1")):
    with contextlib.closing(sqlite3.connect(f"file:{path}?{how}", uri=True)) as store:
        found.append([store.execute(asked).fetchall() for asked in ASKED])
sys.exit(found[0] != found[1])
PYTHON
}

WORK_PATIENCE=${ORIGIN_PULLS_WORK_PATIENCE:-120} # seconds, for a run of the program

# Run something while nothing of ours is being changed; false where a run does not end. Who comes
# later finds what stands then.
holding_work() {
    local lock=$STATE/work.lock
    # Where no lock can be, nobody holds it.
    if [[ ! -e $lock ]] && ! (umask 077 && : >>"$lock") 2>/dev/null; then
        "$@"
        return
    fi
    (
        if ! flock --nonblock 9; then
            say "waiting for another run of Origin Pulls (process $(<"$lock"))"
            flock --timeout "$WORK_PATIENCE" 9 || exit
        fi
        "$@"
    ) 9<"$lock"
}
