# shellcheck shell=bash
# The environment that demo and tests run in: system packages, then .venv/ from its lock.

VENV=$TOP/.venv
STAMP=$VENV/.locked
POLICY=/usr/sbin/policy-rc.d

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
        has man || missing+=(man-db)
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

# apt-get without questions; its output is shown only when it fails.
apt_get() {
    local output
    # A fresh machine may still be busy with its first updates.
    output=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" \
        2>&1 </dev/null) && return
    printf '%s\n' "$output" >&2
    return 1
}

# The first Python that is new enough, can make a virtual environment, and has its wheels where
# there is a wheelhouse; empty if there is none.
find_python() {
    local name version
    for name in python3 python3.13 python3.12 python3.11; do
        if version=$("$name" -I -c '
import sys, venv, ensurepip
print("%d%d" % sys.version_info[:2])
sys.exit(sys.version_info < (3, 11))' 2>/dev/null) && has_wheels_for "$version"; then
            printf '%s\n' "$name"
            return
        fi
    done
}

# Whether the wheelhouse, if there is one, has what was made for this Python alone.
has_wheels_for() {
    local folder=${WHEELHOUSE:-}
    [[ -n $folder ]] || return 0
    compgen -G "$folder/*-cp$1-cp$1-*.whl" >/dev/null \
        || ! compgen -G "$folder/*-cp[0-9]*-cp[0-9]*-*.whl" >/dev/null
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
    "$VENV/bin/python" -I -m pip --version >/dev/null 2>&1
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
    "$python" -I -m venv --clear "$VENV"
}

is_new_enough() {
    "$VENV/bin/python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'
}

pip() {
    "$VENV/bin/python" -I -m pip --quiet --quiet --disable-pip-version-check --no-input "$@" \
        || die "pip $1 failed." "Its last lines are above; is the package index reachable?"
}
