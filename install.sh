#!/usr/bin/env bash
# Origin Pulls: the demo on a sandbox, and the environment that demo and tests run in.
set -euo pipefail

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
VENV=$TOP/.venv
STAMP=$VENV/.locked
SITE=blog.example
BYSTANDER=plain.example
POLICY=/usr/sbin/policy-rc.d

main() {
    local action='' directory='' kind=''
    while (($#)); do
        case $1 in
            --demo) action=demo ;;
            --dir | --prepare)
                (($# > 1)) || usage_error "$1 needs a value."
                if [[ $1 == --dir ]]; then directory=$2; else action=prepare kind=$2; fi
                shift
                ;;
            --version) action=show_version ;;
            -h | --help) action=show_help ;;
            *) usage_error "There is no option $1." ;;
        esac
        shift
    done
    case $action in
        demo) demo "$directory" ;;
        prepare) prepare "$kind" ;;
        show_help | show_version) "$action" ;;
        *) usage_error "Installing on a server is not there yet; --demo shows everything on a sandbox." ;;
    esac
}

show_help() {
    cat <<'HELP'
Usage: ./install.sh --demo [--dir DIR]

  --demo          build a cPanel-like sandbox around a real Apache, enforce one domain, show it
  --dir DIR       where the sandbox goes (else where `origin-pulls sandbox up` puts it)
  --prepare KIND  only install what is missing and fill .venv/; KIND is run or test
  --version       print the version
  --help          print this

Debian or Ubuntu, as root. Twice is as once. Installing on a cPanel server is not there yet.
HELP
}

show_version() {
    printf 'origin-pulls %s\n' \
        "$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$TOP/plugin/origin_pulls/__init__.py")"
}

# -- the environment -------------------------------------------------------------------------

# Everything that a kind of use (run, test) needs: system packages, then .venv/ from its lock.
prepare() {
    local kind=$1
    [[ $kind == run || $kind == test ]] || usage_error "--prepare takes run or test."
    check_system_age
    install_packages "$kind"
    mkdir -p "$VENV" || die "$VENV cannot be made." "Start this as the owner of $TOP."
    (
        # Demo and tests may start at the same time.
        flock 9
        fill_venv "$kind"
    ) 9<"$VENV"
}

check_system_age() {
    [[ -n $(find_python) ]] && return
    case $(system_name) in
        debian-[789] | debian-1[01] | ubuntu-1* | ubuntu-2[01]*)
            die "Python 3.11 is not to be had on $(system_name)." \
                "Use Debian 12 or newer, or Ubuntu 22.04 or newer."
            ;;
    esac
}

install_packages() {
    local -a missing
    read -ra missing < <(missing_packages "$1")
    if ((${#missing[@]} == 0)); then
        say "system packages: all there"
    elif ((EUID != 0)); then
        say "system packages: ${missing[*]} missing; only root installs them, going on without"
    elif ! has apt-get; then
        say "system packages: ${missing[*]} missing, and there is no apt-get; going on without"
    else
        say "system packages: installing ${missing[*]}"
        keep_services_away
        apt_get update || say "apt-get update had errors (above); trying all the same"
        apt_get install --yes --no-install-recommends "${missing[@]}" \
            || die "The packages cannot be installed." "apt-get's own words are above."
        let_services_come
    fi
}

# A package that brings a server (nginx) must not start it: Debian's tools ask this program
# first (policy-rc.d, invoke-rc.d(8)). One that is there already is the administrator's.
keep_services_away() {
    if [[ -e $POLICY ]]; then return; fi
    printf '#!/bin/sh\n# Laid by Origin Pulls while it installs packages.\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
    trap let_services_come EXIT
}

let_services_come() {
    if grep -qs 'Laid by Origin Pulls' "$POLICY"; then rm -f "$POLICY"; fi
}

# What is missing of the packages for run or test, in one line.
missing_packages() {
    local -a missing=()
    has apache2 || missing+=(apache2-bin)
    has curl || missing+=(curl)
    has openssl || missing+=(openssl)
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || missing+=(ca-certificates)
    has nginx || missing+=(nginx-light)
    has perl || missing+=(perl)
    has php-cgi || missing+=(php-cgi)
    if [[ $1 == test ]]; then
        has shellcheck || missing+=(shellcheck)
        has chromium || missing+=(chromium)
        has systemd-analyze || missing+=(systemd)
        has logrotate || missing+=(logrotate)
    fi
    if [[ -z $(find_python) ]]; then
        case $(system_name) in
            ubuntu-22.04) missing+=(python3.11 python3.11-venv) ;;
            *) missing+=(python3 python3-venv) ;;
        esac
    fi
    printf '%s\n' "${missing[*]}"
}

has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

# apt-get without questions; its output is shown only when it fails.
apt_get() {
    local output
    # A fresh machine may still be busy with its first updates.
    output=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" \
        2>&1 </dev/null) && return
    printf '%s\n' "$output" >&2
    return 1
}

# The first Python that is new enough and can make a virtual environment; empty if there is none.
find_python() {
    local name
    for name in python3 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            printf '%s\n' "$name"
            return
        fi
    done
}

fill_venv() {
    local kind=$1 lock=requirements.lock wanted
    if [[ $kind == test ]]; then lock=requirements-test.lock; fi
    wanted=$(locked)
    if is_filled "$kind" "$wanted"; then
        say ".venv: as $lock says already"
        return
    fi
    make_venv
    say ".venv: installing what $lock names"
    rm -f "$STAMP"
    pip install --require-hashes --requirement "$TOP/$lock"
    # The lock brought the build backend along, so nothing else is fetched.
    pip install --no-index --no-deps --no-build-isolation --editable "$TOP"
    printf '%s %s\n' "$kind" "$wanted" >"$STAMP"
}

# What decides about the content of .venv/, in one word: locks, project, and where it lies.
locked() {
    {
        cat "$TOP"/requirements*.lock "$TOP/pyproject.toml"
        printf '%s\n' "$TOP"
    } | sha256sum | cut -c 1-64
}

is_filled() {
    local kind found
    [[ -r $STAMP ]] && read -r kind found <"$STAMP" || return 1
    [[ $found == "$2" && ($kind == "$1" || $kind == test) ]] && works_venv
}

works_venv() {
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1
}

make_venv() {
    local python
    works_venv && is_new_enough && return
    python=$(find_python)
    if [[ -z $python ]]; then
        die "There is no Python 3.11 or newer that can make a virtual environment." \
            "As root: apt-get install python3 python3-venv"
    fi
    say ".venv: making it with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
}

is_new_enough() {
    "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
}

pip() {
    "$VENV/bin/python" -m pip --quiet --quiet --disable-pip-version-check --no-input "$@" \
        || die "pip $1 failed." "Its last lines are above; is the package index reachable?"
}

# -- the demo --------------------------------------------------------------------------------

demo() {
    local directory=$1 now
    local -a where=()
    if [[ -n $directory ]]; then where=(--dir "$directory"); fi
    check_machine
    step "1. What is needed"
    prepare run
    export PATH="$VENV/bin:$PATH"
    step "2. A cPanel server to try it on"
    bring_sandbox_up "${where[@]}"
    step "3. Before"
    BEFORE=$(answer_of "$BYSTANDER")
    now=$(answer_of "$SITE")
    if [[ $now == refused* ]]; then now+=", since an earlier run"; fi
    row "$SITE" "no certificate" "$now"
    check "$BYSTANDER" "no certificate" "HTTP 200" "$BEFORE"
    step "4. Enforce one domain"
    show origin-pulls --root "$DIRECTORY" enforce "$SITE" --edge-ready
    step "5. After"
    check_result
    say_what_next "${directory:+ --dir $DIRECTORY}"
}

check_machine() {
    if [[ -e /usr/local/cpanel/cpanel ]]; then
        die "This is a real cPanel server; the demo stays away from it." \
            "Try it on another machine: a fresh Debian or Ubuntu."
    fi
    if ((EUID != 0)); then
        die "The demo needs root: Apache and the sandbox's accounts have owners." "Use sudo."
    fi
    if ! has apt-get; then
        die "This is neither Debian nor Ubuntu (no apt-get)." "Use a fresh machine with one of them."
    fi
}

# Start it in the background; what it says of itself goes into DIRECTORY, PORT, SERVER_CA.
bring_sandbox_up() {
    local summary
    say "\$ origin-pulls sandbox up${1:+ $*}"
    origin-pulls sandbox up "$@" >/dev/null \
        || die "The sandbox does not start." "Its reason stands above."
    summary=$(origin-pulls sandbox status "$@" --json)
    DIRECTORY=$(field directory <<<"$summary")
    PORT=$(field https_port <<<"$summary")
    SERVER_CA=$(field server_ca <<<"$summary")
    say "$(field vhosts <<<"$summary") HTTPS vhosts on 127.0.0.1:$PORT, all below $DIRECTORY"
}

check_result() {
    local shown leaf key
    shown=$(origin-pulls --root "$DIRECTORY" show "$SITE" --json)
    leaf=$(field certificate leaf <<<"$shown")
    key=$(field certificate key <<<"$shown")
    check "$SITE" "no certificate" refused "$(answer_of "$SITE")"
    check "$SITE" "its certificate" "HTTP 200" "$(answer_of "$SITE" --cert "$leaf" --key "$key")"
    check "$BYSTANDER" "no certificate" "$BEFORE" "$(answer_of "$BYSTANDER")"
}

# What a request comes to: "HTTP STATUS, SIZE bytes; DIGEST", "refused …" or "failed: …".
answer_of() {
    local host=$1 output code=0
    shift
    # -q: no curlrc of this machine. No proxy: the sandbox is here.
    output=$(curl -q --silent --show-error --max-time 20 --noproxy '*' --cacert "$SERVER_CA" \
        --resolve "$host:$PORT:127.0.0.1" --write-out '\n%{http_code}, %{size_download} bytes' \
        "$@" "https://$host:$PORT/" 2>&1) || code=$?
    case $code in
        0) printf 'HTTP %s; %.64s\n' "${output##*$'\n'}" "$(sha256sum <<<"$output")" ;;
        # The handshake breaks off, or with TLS 1.3 an alert comes right after it.
        35 | 55 | 56) printf 'refused in the TLS handshake\n' ;;
        *) printf 'failed: %s\n' "${output%%$'\n'*}" ;;
    esac
}

# Print what a request came to; anything but EXPECTED (the beginning of it) ends the demo.
check() {
    local host=$1 shown=$2 expected=$3 answer=$4
    row "$host" "$shown" "$answer"
    if [[ $answer != "$expected"* ]]; then
        die "The demo failed: $host with $shown should have been \"$expected\"." \
            "The sandbox still runs; look at $DIRECTORY/etc/apache2/logs/error_log."
    fi
}

# HOST, what was shown, and the answer without its digest.
row() { printf '  %-14s %-16s %s\n' "$1" "$2" "${3%%;*}"; }

say_what_next() {
    local program=.venv/bin/origin-pulls
    cat <<NEXT

$SITE is enforced and $BYSTANDER answers as before. Try next:
  cd $TOP
  export ORIGIN_PULLS_ROOT=$DIRECTORY
  $program list
  $program show $SITE                 # its certificate, and the ways round
  $program prove $SITE                # real handshakes, now
  $program observe shop.example --dry-run    # steps and diffs; touches nothing
  $program off $SITE                  # everything as it was
  curl --cacert $SERVER_CA --resolve $SITE:$PORT:127.0.0.1 https://$SITE:$PORT/
                                                           # no certificate: refused
Stop and remove the sandbox:
  $program sandbox down$1
NEXT
}

# -- small things ----------------------------------------------------------------------------

# One value of a JSON document on standard input, named by its path.
field() {
    "$VENV/bin/python" -c '
import functools, json, operator, sys
print(functools.reduce(operator.getitem, sys.argv[1:], json.load(sys.stdin)))' "$@"
}

# Run a command and print it with its output, as somebody who types it would see it.
show() {
    say "\$ $*"
    "$@" 2>&1 | fold -s -w 96 | sed 's/^/  /; s/ *$//' || die "That failed: $*" "Its reason stands above."
}

system_name() {
    # shellcheck source=/dev/null
    (. /etc/os-release 2>/dev/null && printf '%s-%s\n' "${ID:-}" "${VERSION_ID:-}") || true
}

step() { printf '\n%s\n' "$1"; }

say() { printf '  %s\n' "$1"; }

usage_error() {
    printf 'install.sh: %s\n  ./install.sh --help says what there is.\n' "$1" >&2
    exit 2
}

die() {
    printf 'install.sh: %s\n  %s\n' "$1" "$2" >&2
    exit 1
}

main "$@"
