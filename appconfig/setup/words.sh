# shellcheck shell=bash
# What the installer says, and the one table of its exit codes.

# docs/OPERATING.md explains each of them; a test holds the two together.
declare -Ar EXIT=(
    [failed]=1 [usage]=2
    [not_root]=10 [no_cpanel]=11 [no_easyapache]=12 [no_python]=13 [no_space]=14
    [apache_broken]=15 [front_server]=16 [foreign_copy]=17 [not_genuine]=18 [no_systemd]=19
    [busy]=20 [not_installed]=21 [real_panel]=22 [no_program]=23 [hidden_place]=24
    [packages_failed]=30 [release_failed]=31 [taken_back]=32 [not_taken_back]=33
    [nothing_before]=34 [store_too_new]=35 [edge_failed]=36 [store_not_copied]=37
    [not_relaxed]=40 [left_over]=41 [interrupted]=130
)

# End with the code of REASON: what is so, and what to type next.
refuse() {
    local reason=$1 message=$2 hint=${3:-}
    printf 'install.sh: %s\n' "$message" >&2
    if [[ -n $hint ]]; then printf '  %s\n' "$hint" >&2; fi
    leave "${EXIT[$reason]}"
}

# End with a code whose reason was said.
leave() {
    IS_SAID=yes
    exit "$1"
}

# Nothing ends without a word: a step that failed and was not expected to is said as well.
IS_SAID=''
say_unexpected() {
    local code=$?
    # Where nothing of ours is, nothing of ours is left behind.
    if [[ -n ${HOLDS_LOCK:-} && ! -e $PREFIX ]]; then rm -f "$INSTALLER_LOCK"; fi
    if ((code)) && [[ -z $IS_SAID ]]; then
        printf 'install.sh: a step failed that should not (code %s); its words are above.\n' "$code" >&2
        printf '  Start the same command again; what was begun is finished or taken back.\n' >&2
        exit "${EXIT[failed]}"
    fi
}

# Ctrl-C, a shell that was closed, a machine that goes down: what was begun lies there as it is.
interrupted() {
    local hint="Nothing was changed. Type the same command again."
    trap '' INT TERM HUP
    if [[ -e $UNDER_WAY ]]; then
        hint="Type the same command again: it finishes what was begun."
        start_agent_again || hint+=" Until then the agent may stand still."
    fi
    refuse interrupted "Interrupted." "$hint"
}

die() { refuse failed "$@"; }

usage_error() { refuse usage "$1" "./install.sh --help says what there is."; }

step() { printf '\n%s\n' "$1"; }

say() { printf '  %s\n' "$1"; }

# What a program said, in one line: the cause may stand in any of them.
one_line() { grep . <<<"$1" | head -n 4 | paste -sd ' ' | cut -c 1-600; }

# Something that a person should read, and that stops nothing.
warn() { printf '  NOTE: %s\n' "$1"; }

has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

system_name() {
    # shellcheck source=/dev/null
    (. /etc/os-release 2>/dev/null && printf '%s-%s\n' "${ID:-}" "${VERSION_ID:-}") || true
}

# The version of the tree that lies in DIRECTORY.
version_of() {
    sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$1/plugin/origin_pulls/__init__.py"
}

# One "key=value" of a file; empty when it is not there.
setting() {
    { sed -n "s/^$2=//p" "$1" 2>/dev/null || true; } | tail -n 1
}
